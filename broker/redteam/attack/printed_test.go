package attack_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestCountsAreThoseThatRoundToWhatIsPrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "students")
		c := rapid.IntRange(0, n).Draw(t, "count")
		b := sdc.Band(int64(c), int64(max(n, 6)), max(n, 6), sdc.Subgroup)
		got := attack.Counts(float64(b.Low)/1000, float64(b.High)/1000, max(n, 6))
		if !slices.Contains(got, c) {
			t.Fatalf("%d of %d is printed as %s, which allows %v", c, max(n, 6), b.Code, got)
		}
	})
}

// No printed share of the published-table profile gives a count away, whatever the
// size; two decimals give nearly all away.
func TestNoBandedShareOfTwentyOrMoreGivesItsCountAway(t *testing.T) {
	t.Parallel()
	for n := 10; n <= 500; n++ {
		for c := range 2 * (n + 1) {
			b := sdc.Band(int64(c/2), int64(n), n, sdc.Schedule(c%2)) // of a part, and of all students
			if got := attack.Counts(float64(b.Low)/1000, float64(b.High)/1000, n); len(got) < 2 {
				t.Fatalf("%d of %d is printed as %s: only %v fits", c/2, n, b.Code, got)
			}
		}
	}
	unique := 0
	for n := 20; n <= 1000; n++ {
		p := 100 * float64(n/3) / float64(n)
		unique += one(len(attack.Counts(p-.005, p+.005, n)) == 1)
	}
	if unique != 981 {
		t.Errorf("two decimals give the count away of %d sizes in 981", unique)
	}
}

// A whole percent of a number of students that is known gives a noisy count away,
// never the true one: noise of eight deviations may be in it.
func TestAWholePercentOfAKnownSizeTellsTheNoisyCountOnly(t *testing.T) {
	t.Parallel()
	for n := 20; n <= 300; n++ {
		p := 37.
		printed := attack.Counts(p-.5, p+.5, n)
		if n < 100 && len(printed) > 1 {
			t.Fatalf("%d counts of %d round to 37 %%", len(printed), n)
		}
		reach := 100 * 16 / float64(n)
		if got := attack.Counts(p-.5-reach, p+.5+reach, n); len(got) < min(n/3, 32) {
			t.Fatalf("of %d students only %d counts fit with noise", n, len(got))
		}
	}
}

// The case of the handbook: an exact mean beside a noisy number of students tells
// the true number, and a mean of a noisy number does not.
func TestAnExactMeanTellsTheSizeAndARoundedOneDoesNot(t *testing.T) {
	t.Parallel()
	mean := 92. * 7 / 13 / 10 // a sum of tenths over thirteen students
	exact := attack.Sizes(mean-1e-6, mean+1e-6, .1, 5, 21)
	if !slices.Equal(exact, []int{13}) {
		t.Errorf("an exact mean leaves the sizes %v, want 13", exact)
	}
	if rounded := attack.Sizes(mean-.05, mean+.05, .1, 5, 21); len(rounded) != 17 {
		t.Errorf("a mean rounded to a tenth leaves only the sizes %v", rounded)
	}
}

func TestFractionsAreCountedOverSizes(t *testing.T) {
	t.Parallel()
	got := attack.Fractions(14.25, 14.35, 5, 24) // 14.3 %: one seventh
	want := []attack.Fraction{{1, 7}, {2, 14}, {3, 21}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		low := float64(rapid.IntRange(0, 200).Draw(t, "half percents"))/2 - .25
		want := 0
		for n := 5; n <= 40; n++ {
			for c := range n + 1 {
				share := 100 * float64(c) / float64(n)
				want += one(share >= low && share <= low+.5)
			}
		}
		if got := len(attack.Fractions(low, low+.5, 5, 40)); got != want {
			t.Fatalf("%d fractions from %.2f %% to %.2f %%, not %d", got, low, low+.5, want)
		}
	})
	if none := attack.Fractions(60, 40, 1, 50); none != nil {
		t.Errorf("bounds that cross leave %v", none)
	}
}
