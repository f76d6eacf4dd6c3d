package budget_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

func account(t *testing.T, granted budget.Rho) budget.Account {
	t.Helper()
	a, err := budget.NewAccount(budget.KindAgreement, granted, nextYear)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func reserve(t *testing.T, a budget.Account, id string, cost budget.Rho) budget.Account {
	t.Helper()
	next, isNew, err := a.Reserve(id, cost)
	if err != nil || !isNew {
		t.Fatalf("%s: new %v, %v", id, isNew, err)
	}
	return next
}

func TestAReleaseIsReservedThenSpent(t *testing.T) {
	t.Parallel()
	a := reserve(t, account(t, 100), "fall", 30)
	if a.Reserved() != 30 || a.Spent() != 0 || a.Left() != 70 || !slices.Equal(a.Pending(), []string{"fall"}) {
		t.Errorf("reserved: %v %v %v %v", a.Reserved(), a.Spent(), a.Left(), a.Pending())
	}
	a, err := a.Settle("fall")
	if state, known := a.State("fall"); err != nil || !known || state != budget.Settled {
		t.Errorf("%v, %v", state, err)
	}
	if a.Reserved() != 0 || a.Spent() != 30 || a.Left() != 70 || len(a.Pending()) > 0 {
		t.Errorf("settled: %v %v %v %v", a.Reserved(), a.Spent(), a.Left(), a.Pending())
	}
}

func TestAnExhaustedAccountSaysWhatIsLeftUntilWhen(t *testing.T) {
	t.Parallel()
	a := reserve(t, account(t, budget.Billion), "fall", 900_000_000)
	for _, cost := range []budget.Rho{100_000_001, budget.Billion, budget.MaxRho} {
		next, isNew, err := a.Reserve("winter", cost)
		var exhausted *budget.Exhausted
		if isNew || !errors.As(err, &exhausted) || !errors.Is(err, budget.ErrExhausted) {
			t.Fatalf("%v: new %v, %v", cost, isNew, err)
		}
		if *exhausted != (budget.Exhausted{Kind: budget.KindAgreement, Asked: cost, Left: 100_000_000, Resets: nextYear}) {
			t.Errorf("%+v", *exhausted)
		}
		if text := err.Error(); !strings.Contains(text, "0.1 is left until 2027-07-01") || !strings.Contains(text, cost.String()+" is asked") {
			t.Error(text)
		}
		if next.Left() != a.Left() {
			t.Errorf("a refusal left %v of %v", next.Left(), a.Left())
		}
	}
	if last := reserve(t, a, "winter", 100_000_000); last.Left() != 0 {
		t.Errorf("%v is left", last.Left())
	}
}

func TestARepeatedReserveIsNotChargedAndNotDrawnAgain(t *testing.T) {
	t.Parallel()
	a := reserve(t, account(t, 100), "fall", 60)
	settled, err := a.Settle("fall")
	if err != nil {
		t.Fatal(err)
	}
	for what, before := range map[string]budget.Account{"reserved": a, "settled": settled} {
		again, isNew, err := before.Reserve("fall", 60)
		if err != nil || isNew || again.Left() != 40 {
			t.Errorf("%s: new %v, %v is left, %v", what, isNew, again.Left(), err)
		}
		if _, isNew, err := before.Reserve("fall", 61); isNew || !errors.Is(err, budget.ErrOtherCost) {
			t.Errorf("%s, at another cost: new %v, %v", what, isNew, err)
		}
	}
	if twice, err := settled.Settle("fall"); err != nil || twice.Spent() != 60 {
		t.Errorf("settled twice: %v, %v", twice.Spent(), err)
	}
	if _, err := settled.Forfeit("fall"); !errors.Is(err, budget.ErrSettled) {
		t.Errorf("forfeited after it was settled: %v", err)
	}
}

func TestACrashAfterReservingIsPaidFor(t *testing.T) {
	t.Parallel()
	a := reserve(t, reserve(t, account(t, 100), "fall", 60), "winter", 10)
	for _, id := range a.Pending() {
		var err error
		if a, err = a.Forfeit(id); err != nil {
			t.Fatal(err)
		}
		if a, err = a.Forfeit(id); err != nil {
			t.Errorf("forfeited twice: %v", err)
		}
	}
	if a.Reserved() != 0 || a.Spent() != 70 || a.Left() != 30 {
		t.Errorf("%v %v %v", a.Reserved(), a.Spent(), a.Left())
	}
	if _, isNew, err := a.Reserve("fall", 60); isNew || !errors.Is(err, budget.ErrForfeited) {
		t.Errorf("what may have been seen would be drawn again: %v, %v", isNew, err)
	}
	if _, err := a.Settle("fall"); !errors.Is(err, budget.ErrForfeited) {
		t.Errorf("settled after it was forfeited: %v", err)
	}
}

func TestAnUnknownReleaseIsAnError(t *testing.T) {
	t.Parallel()
	a := account(t, 100)
	if _, err := a.Settle("fall"); !errors.Is(err, budget.ErrUnknown) {
		t.Errorf("settled: %v", err)
	}
	if _, err := a.Forfeit("fall"); !errors.Is(err, budget.ErrUnknown) {
		t.Errorf("forfeited: %v", err)
	}
	if state, known := a.State("fall"); known {
		t.Errorf("known as %s", state)
	}
}

func TestReservingOfNothingSensibleIsRefused(t *testing.T) {
	t.Parallel()
	a := account(t, 100)
	for _, cost := range []budget.Rho{0, -1, budget.MaxRho + 1, -1 << 63, 1<<63 - 1} {
		if _, _, err := a.Reserve("fall", cost); !errors.Is(err, budget.ErrRho) {
			t.Errorf("cost %v: %v", cost, err)
		}
		if _, err := budget.NewAccount(budget.KindSchool, cost, nextYear); !errors.Is(err, budget.ErrRho) {
			t.Errorf("grant %v: %v", cost, err)
		}
	}
	for _, id := range []string{"", "\xff"} {
		if _, _, err := a.Reserve(id, 1); !errors.Is(err, budget.ErrID) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := budget.NewAccount(budget.KindSchool, 1, 0); !errors.Is(err, budget.ErrResets) {
		t.Errorf("without an end: %v", err)
	}
	var none budget.Account
	if _, _, err := none.Reserve("fall", 1); !errors.Is(err, budget.ErrExhausted) {
		t.Errorf("of no account: %v", err)
	}
}
