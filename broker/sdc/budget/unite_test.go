package budget_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

func TestTwoFilesOfOneStudentPayTogether(t *testing.T) {
	t.Parallel()
	empty := book(t)
	rapid.Check(t, func(t *rapid.T) {
		b := empty
		for i := range rapid.IntRange(0, 6).Draw(t, "releases") {
			next, _, err := b.Reserve(budget.Release{
				ID: fmt.Sprint("r", i), Payer: []budget.Payer{tutors, mentors, lakeside}[i%3], Cost: budget.Rho(rapid.Int64Range(1, 40).Draw(t, "cost")),
				Members: roaring.BitmapOf(rapid.SliceOfN(rapid.Uint32Range(0, 4), 1, 5).Draw(t, "members")...),
			})
			if err == nil {
				b = next
			}
		}
		spent := func(of budget.Book, x uint32) budget.Rho { return of.Each() - of.StudentLeft(x) }
		one, two := rapid.Uint32Range(0, 1).Draw(t, "first"), rapid.Uint32Range(2, 4).Draw(t, "second")
		after := b.Unite(one, two)
		if got, want := spent(after, one), min(spent(b, one)+spent(b, two), b.Each()); got != want {
			t.Fatalf("together they spent %v, and %v is said", want, got)
		}
		for x := range uint32(5) {
			if x != one && spent(after, x) != spent(b, x) {
				t.Fatalf("student %d spent %v, not %v", x, spent(after, x), spent(b, x))
			}
		}
		text, err := budget.EncodeBook(after)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := budget.DecodeBook(text); err != nil {
			t.Fatalf("the book cannot be read: %v", err)
		}
	})
}

func TestAnAccountListsItsReleases(t *testing.T) {
	t.Parallel()
	b, _, err := book(t).Reserve(budget.Release{ID: "b", Payer: tutors, Cost: 2, Members: roaring.BitmapOf(1)}, budget.Release{ID: "a", Payer: tutors, Cost: 3, Members: roaring.BitmapOf(1)})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.Settle(tutors, "a"); err != nil {
		t.Fatal(err)
	}
	a, _ := b.Account(tutors)
	want := []budget.Entry{{ID: "a", Cost: 3, State: budget.Settled}, {ID: "b", Cost: 2, State: budget.Reserved}}
	if got := a.Entries(); !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if b.Resets() != nextYear || b.Each() != grantStudent {
		t.Errorf("resets %v, each %v", b.Resets(), b.Each())
	}
}
