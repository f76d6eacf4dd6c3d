package broker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestABudgetedReleaseIsPaidForBeforeItIsDrawnAndSettledWithItsFigures(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	before := d.size()
	d.close(madeAutumn)
	want := []tlog.Event{tlog.PeriodFrozen, tlog.BudgetReserved, tlog.PeriodPublished}
	if got := d.events(before); !slices.Equal(got, want) {
		t.Errorf("the log says %v, not %v", got, want)
	}
	p := d.paid("river", madeAutumn)
	if got := p.statuses(); !slices.Equal(got, []string{"ok"}) || p.Budget == nil {
		t.Fatalf("shown are %v, with budget %+v", got, p.Budget)
	}
	if p.Budget.Exhausted || p.Budget.Cost != oneCount || p.Budget.Noise != 20 || p.Budget.Resets != day(autumnStart).AddYears(1) {
		t.Errorf("said is %+v", *p.Budget)
	}
	y := d.budgets()[0]
	for _, name := range []string{"river", madeSchool} {
		a := y.account(name)
		if len(a.Releases) != 1 || a.Releases[0].State != "settled" || a.Releases[0].Cost != oneCount || a.Spent != oneCount || a.Reserved != "0" {
			t.Errorf("account %s: %+v", name, a)
		}
	}
	if !contains(p.Protection, "epsilon 4") || !contains(p.Protection, oneCount) || !contains(p.Protection, "2 students") {
		t.Errorf("the protection does not say what was paid: %q", p.Protection)
	}
	if wrong := d.broken("river"); wrong != "" {
		t.Error(wrong)
	}
}

func TestTheNoiseOfABudgetedCountIsTheDistrictsOwn(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, BudgetedNoise: 40}))
	d.close(madeAutumn)
	p := d.paid("river", madeAutumn)
	f := p.Rows[0].Figures[0]
	if want := 400 / float64(f.Cohort.N); p.Budget.Noise != 40 || p.Budget.Cost != "0.03125" || f.Cohort.Noise < want || f.Cohort.Noise > want+0.002 {
		t.Errorf("noise of %v points over %d students, said is %+v", f.Cohort.Noise, f.Cohort.N, *p.Budget)
	}
}

func TestABudgetThatIsSpentShowsNothingMoreAndSaysWhatWouldDo(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	first := map[string]string{}
	for _, session := range madePeriods[:2] {
		d.close(session)
		first[session] = d.figuresText("river", session)
	}
	d.close(madeYear)
	p := d.paid("river", madeYear)
	if got := p.statuses(); !slices.Equal(got, []string{"budget_exhausted"}) || !p.Budget.Exhausted || p.Rows[0].Figures[0].Cohort != nil {
		t.Fatalf("shown are %v, with budget %+v", got, p.Budget)
	}
	// 0.311 - 0.25 is left of either account: a variance over 0.5/0.061 = 8.2.
	if p.Budget.Affordable != 29 || !contains(p.Protection, "2.9 students") || !contains(p.Protection, "2026-09-01") {
		t.Errorf("affordable is said to be %d: %q", p.Budget.Affordable, p.Protection)
	}
	for session, text := range first {
		if d.figuresText("river", session) != text {
			t.Errorf("the figures of %s changed when the budget was spent", session)
		}
	}
	if wrong := d.broken("river"); wrong != "" {
		t.Error(wrong)
	}
}

func TestClosingAgainDrawsNothingAndCostsNothing(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	d.close(madeAutumn)
	figures, books, entries := d.figuresText("river", madeAutumn), canonical(t, d.budgets()), d.size()
	for range 5 {
		d.close(madeAutumn)
	}
	if d.figuresText("river", madeAutumn) != figures || canonical(t, d.budgets()) != books || slices.Contains(d.events(entries), tlog.BudgetReserved) {
		t.Error("closing a closed period changed its figures, its ledger, or the log")
	}
}

func TestTheTotalsOfASchoolArePaidForOnceForAllAgreements(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"lake", "river"})
	d.close(madeAutumn)
	if a := d.budgets()[0].account(madeSchool); a.Spent != oneCount || len(a.Releases) != 1 {
		t.Errorf("the school's account: %+v", a)
	}
	if got := slices.Concat(d.paid("lake", madeAutumn).statuses(), d.paid("river", madeAutumn).statuses()); !slices.Equal(got, []string{"ok", "ok"}) {
		t.Errorf("shown are %v", got)
	}
}

// Epsilon 4 of each student is 0.311: the totals and one agreement are 0.25.
func studentsOfFour(t testing.TB, options ...func(*broker.Options)) *made {
	t.Helper()
	d := budgetedMade(t, 80, []string{"lake", "river"}, options...)
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, EpsilonStudent: 40, EpsilonSchool: 80}))
	return d
}

func TestStudentsArePaidForOverAllAgreements(t *testing.T) {
	t.Parallel()
	d := studentsOfFour(t)
	d.close(madeAutumn)
	if got := slices.Concat(d.paid("lake", madeAutumn).statuses(), d.paid("river", madeAutumn).statuses()); !slices.Equal(got, []string{"ok", "budget_exhausted"}) {
		t.Errorf("shown are %v: the second agreement over the same students should find nothing left of them", got)
	}
	if a := d.budgets()[0].account("river"); a.Left != a.Granted || len(a.Releases) > 0 {
		t.Errorf("an agreement that was refused has paid: %+v", a)
	}
	if wrong := d.broken("lake", "river"); wrong != "" {
		t.Error(wrong)
	}
}

func TestWithoutAccountsOfStudentsMoreIsSpentOnThem(t *testing.T) {
	t.Parallel()
	d := studentsOfFour(t, func(o *broker.Options) { o.Sabotage.NoStudents = true })
	d.close(madeAutumn)
	four := "0.311"
	spent := rat(t, "0")
	for _, a := range d.budgets()[0].Accounts {
		spent.Add(spent, rat(t, a.Spent))
	}
	if spent.Cmp(rat(t, four)) <= 0 {
		t.Errorf("without accounts of students no more than their %s was spent, %v: their accounts are not what stops it", four, spent)
	}
}

func TestFiguresWithoutAReservationAreNoticed(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"}, func(o *broker.Options) { o.Sabotage.FreeDraws = true })
	d.close(madeAutumn)
	if d.broken("river") == "" {
		t.Error("figures that nobody paid for are not noticed")
	}
}

// stopped freezes a period, and then closes it so many times with the plug pulled at
// each commit of the close in turn, before a close comes through. It returns how
// often noise was reserved, by the log, and how many releases the agreement's account
// has.
func (d *made) stopped(id, session string, times int, options ...func(*broker.Options)) (reserved, charged int) {
	d.t.Helper()
	before := d.size()
	d.done(d.Freeze(d.t.Context(), officer, session))
	for range times {
		for at := range 3 { // the freeze that is there, the reservation, the publication
			h := &hooks{}
			d.restart(append(options, h.option)...)
			plug(h, at+1)
			a, err := d.ClosePeriod(context.Background(), officer, session)
			if err == nil {
				a.Drop()
				d.t.Fatalf("with the plug pulled at commit %d the close came through", at+1)
			}
			d.restart(options...)
			if wrong := d.broken(id); wrong != "" {
				d.t.Fatalf("stopped at commit %d: %s", at+1, wrong)
			}
		}
	}
	d.close(session)
	for _, e := range d.events(before) {
		if e == tlog.BudgetReserved {
			reserved++
		}
	}
	return reserved, len(d.budgets()[0].account(id).Releases)
}

// roomy is a district whose budgets pay for eight attempts.
func roomy(t testing.TB) *made {
	t.Helper()
	d := budgetedMade(t, 80, []string{"river"})
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, EpsilonSchool: 80}))
	return d
}

func TestAStopBetweenReservingAndPublishingForfeits(t *testing.T) {
	t.Parallel()
	d := roomy(t)
	reserved, charged := d.stopped("river", madeAutumn, 2)
	if reserved != 3 || charged != reserved {
		t.Errorf("reserved %d times, charged %d times", reserved, charged)
	}
	a := d.budgets()[0].account("river")
	states := map[string]int{}
	for _, r := range a.Releases {
		states[r.State]++
	}
	if states["settled"] != 1 || states["forfeited"] != reserved-1 || a.Reserved != "0" {
		t.Errorf("the account: %+v", a)
	}
	if p := d.paid("river", madeAutumn); !strings.Contains(p.Budget.Release, fmt.Sprintf("attempt %d ", reserved)) || !slices.Equal(p.statuses(), []string{"ok"}) {
		t.Errorf("published is %+v, %v", *p.Budget, p.statuses())
	}
}

func TestAStopThatGivesBackIsNoticed(t *testing.T) {
	t.Parallel()
	d := roomy(t)
	reserved, charged := d.stopped("river", madeAutumn, 2, func(o *broker.Options) { o.Sabotage.GiveBack = true })
	if charged == reserved {
		t.Errorf("reserved %d times and charged %d times although nothing is forfeited: the test cannot fail", reserved, charged)
	}
}

func TestWhatIsLostToStopsIsNotThereForTheNextPeriod(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	d.stopped("river", madeAutumn, 1)
	d.close(madeSpring)
	if got := d.paid("river", madeSpring).statuses(); !slices.Equal(got, []string{"budget_exhausted"}) {
		t.Errorf("shown are %v: two draws were paid for before, and there are no more than two in the budget", got)
	}
}

// The last unit (spec/disclosure.md, attack 33): of three periods two can be paid for.
func TestManyClosesAtOnceNeverSpendMoreThanThereIs(t *testing.T) {
	t.Parallel()
	d := budgetedMade(t, 40, []string{"river"})
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			a, err := d.ClosePeriod(context.Background(), officer, madePeriods[i%len(madePeriods)])
			a.Drop()
			if err != nil {
				t.Errorf("close %d: %v", i, err)
			}
			a, err = d.Comparison(context.Background(), partnerOf("river"), broker.ComparisonRequest{Agreement: "river", Period: madePeriods[i%len(madePeriods)]})
			a.Drop()
			if err != nil {
				t.Errorf("comparison %d: %v", i, err)
			}
		})
	}
	all.Wait()
	var statuses []string
	for _, session := range madePeriods {
		statuses = append(statuses, d.paid("river", session).statuses()...)
	}
	slices.Sort(statuses)
	if !slices.Equal(statuses, []string{"budget_exhausted", "ok", "ok"}) {
		t.Errorf("shown are %v", statuses)
	}
	if wrong := d.broken("river"); wrong != "" {
		t.Error(wrong)
	}
}

func TestBudgetSettingsOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for field, bad := range map[string]broker.Disclosure{
		"budgeted_noise_tenths":  {Noise: 20, BudgetedNoise: 14},
		"epsilon_student_tenths": {Noise: 20, EpsilonStudent: 4},
		"epsilon_school_tenths":  {Noise: 20, EpsilonSchool: 81},
	} {
		if _, err := d.SetDisclosure(t.Context(), officer, bad); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, BudgetedNoise: 100, EpsilonStudent: 80, EpsilonSchool: 5}))
}

func TestALaterSettingRenewsNoBudget(t *testing.T) {
	t.Parallel()
	d := studentsOfFour(t)
	d.close(madeAutumn)
	was := d.budgets()[0]
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 20, EpsilonStudent: 80, EpsilonSchool: 80}))
	d.close(madeSpring)
	if is := d.budgets(); len(is) != 1 || is[0].Student != was.Student || is[0].account(madeSchool).Granted != was.account(madeSchool).Granted {
		t.Errorf("the year's ledger changed its grants: %+v", is)
	}
	if got := d.paid("lake", madeSpring).statuses(); !slices.Equal(got, []string{"budget_exhausted"}) {
		t.Errorf("shown are %v", got)
	}
}
