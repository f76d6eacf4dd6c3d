package budget_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

func set(students ...uint32) *roaring.Bitmap { return roaring.BitmapOf(students...) }

func take(t testing.TB, b budget.Book, r ...budget.Release) budget.Book {
	t.Helper()
	next, toDraw, err := b.Reserve(r...)
	if err != nil || len(toDraw) != len(r) {
		t.Fatalf("%d to draw, %v", len(toDraw), err)
	}
	return next
}

func left(t *testing.T, b budget.Book, p budget.Payer) budget.Rho {
	t.Helper()
	a, known := b.Account(p)
	if !known {
		t.Fatalf("%v has no account", p)
	}
	return a.Left()
}

func TestAStudentPaysForWhatEveryAgreementAsks(t *testing.T) {
	t.Parallel()
	b := take(t, book(t), budget.Release{ID: "fall", Payer: tutors, Cost: 70, Members: set(1, 2)})
	b = take(t, b, budget.Release{ID: "fall", Payer: mentors, Cost: 50, Members: set(2, 3)})
	for s, want := range map[uint32]budget.Rho{1: 50, 2: 0, 3: 70, 4: 120} {
		if got := b.StudentLeft(s); got != want {
			t.Errorf("student %d has %v left, not %v", s, got, want)
		}
	}
	after, toDraw, err := b.Reserve(budget.Release{ID: "winter", Payer: mentors, Cost: 1, Members: set(2, 3)})
	var exhausted *budget.Exhausted
	if !errors.As(err, &exhausted) || *exhausted != (budget.Exhausted{Kind: budget.KindStudent, Asked: 1, Left: 0, Resets: nextYear}) || len(toDraw) > 0 {
		t.Fatalf("%v, %v", toDraw, err)
	}
	if left(t, after, mentors) != 50 || after.StudentLeft(3) != 70 {
		t.Error("what was refused for one member was charged to the others")
	}
	take(t, b, budget.Release{ID: "winter", Payer: mentors, Cost: 50, Members: set(3)})
}

func TestARefusalForAStudentNamesNoStudent(t *testing.T) {
	t.Parallel()
	b := take(t, book(t), budget.Release{ID: "fall", Payer: tutors, Cost: 100, Members: set(31415)})
	_, _, err := b.Reserve(budget.Release{ID: "fall", Payer: mentors, Cost: 100, Members: set(27182, 31415)})
	if !errors.Is(err, budget.ErrExhausted) || strings.Contains(err.Error(), "31415") || strings.Contains(err.Error(), "27182") {
		t.Error(err)
	}
}

func TestTotalsArePaidOnceForAllPartners(t *testing.T) {
	t.Parallel()
	totals := budget.Release{ID: "fall", Payer: lakeside, Cost: 40, Members: set(1, 2, 3, 4)}
	b := take(t, book(t), totals, budget.Release{ID: "fall", Payer: tutors, Cost: 20, Members: set(1, 2)})
	b, err := b.Settle(lakeside, "fall")
	if err != nil {
		t.Fatal(err)
	}
	b, toDraw, err := b.Reserve(totals, budget.Release{ID: "fall", Payer: mentors, Cost: 20, Members: set(2, 3)})
	if err != nil || len(toDraw) != 1 || toDraw[0].Payer != mentors {
		t.Fatalf("%v, %v", toDraw, err)
	}
	if left(t, b, lakeside) != 20 || b.StudentLeft(2) != 40 || b.StudentLeft(4) != 80 {
		t.Errorf("%v, %v, %v left", left(t, b, lakeside), b.StudentLeft(2), b.StudentLeft(4))
	}
}

func TestWhatIsForfeitedIsGivenBackToNobody(t *testing.T) {
	t.Parallel()
	b := take(t, book(t), budget.Release{ID: "fall", Payer: tutors, Cost: 70, Members: set(1, 2)})
	b, err := b.Forfeit(tutors, "fall")
	if err != nil || left(t, b, tutors) != 30 || b.StudentLeft(1) != 50 {
		t.Errorf("%v and %v left, %v", left(t, b, tutors), b.StudentLeft(1), err)
	}
}

func TestReleasesAreReservedInAllAccountsOrInNone(t *testing.T) {
	t.Parallel()
	start := book(t)
	good := budget.Release{ID: "fall", Payer: tutors, Cost: 30, Members: set(1, 2)}
	for what, bad := range map[string]budget.Release{
		"a school that has too little": {ID: "fall", Payer: lakeside, Cost: 61, Members: set(1, 2)},
		"a student who has too little": {ID: "fall", Payer: mentors, Cost: 100, Members: set(2, 5)},
		"nobody's account":             {ID: "fall", Payer: nobody, Cost: 1, Members: set(1)},
		"another cost":                 {ID: "fall", Payer: tutors, Cost: 31, Members: set(1)},
		"no members":                   {ID: "fall", Payer: mentors, Cost: 1},
		"an empty set of members":      {ID: "fall", Payer: mentors, Cost: 1, Members: set()},
		"no id":                        {Payer: mentors, Cost: 1, Members: set(1)},
		"no cost":                      {ID: "fall", Payer: mentors, Members: set(1)},
	} {
		b, toDraw, err := start.Reserve(good, bad)
		if err == nil || len(toDraw) > 0 {
			t.Errorf("%s: %v, %v", what, toDraw, err)
		}
		if string(encoded(t, b)) != string(encoded(t, start)) {
			t.Errorf("%s: the ledger has changed", what)
		}
	}
}

// Of many who ask for the last unit at once, with the ledger of the same moment, one
// gets it; and of many who ask for one release, one draws.
func TestTheLastUnitIsPaidOutOnce(t *testing.T) {
	t.Parallel()
	for what, id := range map[string]func(i int) string{
		"releases of their own": strconv.Itoa,
		"the same release":      func(int) string { return "fall" },
	} {
		start := take(t, book(t), budget.Release{ID: "before", Payer: tutors, Cost: 99, Members: set(1)})
		var kept atomic.Pointer[budget.Book]
		kept.Store(&start)
		var draws atomic.Int64
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				for {
					before := kept.Load()
					next, toDraw, err := before.Reserve(budget.Release{ID: id(i), Payer: tutors, Cost: 1, Members: set(uint32(i))})
					if err != nil {
						return
					}
					if kept.CompareAndSwap(before, &next) {
						draws.Add(int64(len(toDraw)))
						return
					}
				}
			})
		}
		all.Wait()
		if got := draws.Load(); got != 1 || left(t, *kept.Load(), tutors) != 0 {
			t.Errorf("%s: drawn %d times, %v is left", what, got, left(t, *kept.Load(), tutors))
		}
	}
}

func TestNothingRenewsAGrantWithinAYear(t *testing.T) {
	t.Parallel()
	b := take(t, book(t), budget.Release{ID: "fall", Payer: tutors, Cost: 70, Members: set(1)})
	again, err := b.Grant(tutors, grantAgreement)
	if err != nil || left(t, again, tutors) != 30 {
		t.Errorf("granted again: %v left, %v", left(t, again, tutors), err)
	}
	for _, other := range []budget.Rho{grantAgreement - 1, grantAgreement + 1} {
		if after, err := b.Grant(tutors, other); !errors.Is(err, budget.ErrGranted) || left(t, after, tutors) != 30 {
			t.Errorf("granted %v: %v left, %v", other, left(t, after, tutors), err)
		}
	}
}

func TestABookOfNothingSensibleIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := budget.NewBook(nextYear, 0); !errors.Is(err, budget.ErrRho) {
		t.Errorf("without a grant: %v", err)
	}
	if _, err := budget.NewBook(0, 1); !errors.Is(err, budget.ErrResets) {
		t.Errorf("without an end: %v", err)
	}
	b := book(t)
	for _, p := range []budget.Payer{{}, {Kind: budget.KindSchool}, {Kind: budget.KindStudent, Name: "1"}, {Kind: "other", Name: "x"}, {Kind: budget.KindSchool, Name: "\xff"}} {
		if _, err := b.Grant(p, 1); !errors.Is(err, budget.ErrID) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := b.Grant(nobody, 0); !errors.Is(err, budget.ErrRho) {
		t.Errorf("a grant of nothing: %v", err)
	}
	for what, err := range map[string]error{
		"left":      second(b.Left(nobody, set(1))),
		"settled":   second(b.Settle(nobody, "fall")),
		"forfeited": second(b.Forfeit(nobody, "fall")),
	} {
		if !errors.Is(err, budget.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatIsLeftIsTheLeastOfThePayerAndItsMembers(t *testing.T) {
	t.Parallel()
	b := take(t, book(t), budget.Release{ID: "fall", Payer: tutors, Cost: 70, Members: set(1, 2)})
	for _, c := range []struct {
		payer   budget.Payer
		members *roaring.Bitmap
		want    budget.Rho
	}{
		{tutors, set(1, 3), 30}, {mentors, set(1, 3), 50}, {mentors, set(3), 100}, {lakeside, set(2), 50}, {lakeside, set(9), 60},
	} {
		if got, err := b.Left(c.payer, c.members); err != nil || got != c.want {
			t.Errorf("%v with %v: %v, not %v (%v)", c.payer, c.members, got, c.want, err)
		}
	}
	if got := b.Payers(); !slices.Equal(got, []budget.Payer{mentors, tutors, lakeside}) {
		t.Errorf("%v", got)
	}
}

// district is the ledger of 50,000 students after a year of twelve agreements and ten
// schools.
func district(t testing.TB) budget.Book {
	t.Helper()
	b, err := budget.NewBook(nextYear, 10*budget.Billion)
	if err != nil {
		t.Fatal(err)
	}
	grant := func(k budget.Kind, i int) budget.Payer {
		p := budget.Payer{Kind: k, Name: strconv.Itoa(i)}
		if b, err = b.Grant(p, budget.Billion); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for i := range 10 {
		p, members := grant(budget.KindSchool, i), roaring.New()
		members.AddRange(uint64(i)*5000, uint64(i+1)*5000)
		b = take(t, b, budget.Release{ID: "year", Payer: p, Cost: 125_000_000, Members: members})
	}
	for i := range 12 {
		p, members := grant(budget.KindAgreement, i), roaring.New()
		for s := uint32(i); s < 50_000; s += uint32(20 + 3*i) {
			members.Add(s)
		}
		for term := range 4 {
			b = take(t, b, budget.Release{ID: "term " + strconv.Itoa(term), Payer: p, Cost: 31_250_000 + budget.Rho(i), Members: members})
		}
	}
	return b
}

func BenchmarkReserveOfADistrict(b *testing.B) {
	full, members := district(b), roaring.New()
	for s := uint32(7); s < 50_000; s += 40 {
		members.Add(s)
	}
	for b.Loop() {
		take(b, full, budget.Release{ID: "year", Payer: budget.Payer{Kind: budget.KindAgreement, Name: "3"}, Cost: 31_250_000, Members: members})
	}
}

func BenchmarkEncodeADistrict(b *testing.B) {
	full := district(b)
	for b.Loop() {
		b.ReportMetric(float64(len(encoded(b, full))), "bytes")
	}
}
