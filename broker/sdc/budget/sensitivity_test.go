package budget_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// pupil is a student in figures: the value that counts, the row in a public dimension
// and the one in a sensitive dimension.
type pupil struct {
	value        int
	grade, group int
}

// released are the sums of all, of two grades and, if it is to be, of two groups.
func released(pupils []pupil, f budget.Figures) []int {
	sums := make([]int, 3, 5)
	if f.Sensitive > 0 {
		sums = sums[:5]
	}
	for _, p := range pupils {
		sums[0] += p.value
		sums[1+p.grade] += p.value
		if f.Sensitive > 0 {
			sums[3+p.group] += p.value
		}
	}
	return sums
}

// apart is the square of the L2 distance of the figures of two districts that differ
// in one student, who keeps the grade.
func apart(one, other pupil, f budget.Figures) (sum int64) {
	other.grade = one.grade
	from, to := released([]pupil{one}, f), released([]pupil{other}, f)
	for row := range from {
		sum += int64((to[row] - from[row]) * (to[row] - from[row]))
	}
	return sum
}

// paidFor is the square of the distance that a cost is for: with a variance of a half
// it is the cost itself.
func paidFor(t failing, f budget.Figures) int64 {
	f.Variance = noise.Variance{Num: 1, Den: 2}
	cost, err := budget.Cost(f)
	if err != nil {
		t.Fatal(err)
	}
	return int64(cost / budget.Billion)
}

func drawPupil(t *rapid.T, sensitivity int) pupil {
	return pupil{
		value: rapid.IntRange(0, sensitivity).Draw(t, "value"),
		grade: rapid.IntRange(0, 1).Draw(t, "grade"),
		group: rapid.IntRange(0, 1).Draw(t, "group"),
	}
}

func TestNoStudentChangesFiguresByMoreThanIsPaidFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := budget.Figures{
			Sensitivity: rapid.SampledFrom([]int64{1, 3, 8, 40, 50}).Draw(t, "sensitivity"),
			Public:      2, Sensitive: rapid.IntRange(0, 1).Draw(t, "sensitive"),
		}
		one, other := drawPupil(t, int(f.Sensitivity)), drawPupil(t, int(f.Sensitivity))
		if got, paid := apart(one, other, f), paidFor(t, f); got > paid {
			t.Errorf("%+v and %+v are %d apart, paid for is %d", one, other, got, paid)
		}
	})
}

func TestWhatIsPaidForPublicDimensionsIsReached(t *testing.T) {
	t.Parallel()
	for _, sensitivity := range []int64{1, 3, 8, 40, 50} {
		f := budget.Figures{Sensitivity: sensitivity, Public: 2}
		if got, paid := apart(pupil{}, pupil{value: int(sensitivity)}, f), paidFor(t, f); got != paid {
			t.Errorf("a sensitivity of %d: at most %d apart, paid for is %d", sensitivity, got, paid)
		}
	}
}

// Points of attendance from 50 to 100 have a sensitivity of 50 only if they are taken
// from 50 on: summed whole, a student who is in another group changes both by up to 100.
func TestSumsThatAreNotTakenFromTheLowerEndWouldNotBePaidFor(t *testing.T) {
	t.Parallel()
	f := budget.Figures{Sensitivity: 50, Public: 2, Sensitive: 1}
	if got, paid := apart(pupil{value: 100}, pupil{value: 100, group: 1}, f), paidFor(t, f); got <= paid {
		t.Errorf("%d apart, which is within the %d paid for", got, paid)
	}
	if got, paid := apart(pupil{value: 50}, pupil{value: 50, group: 1}, f), paidFor(t, f); got > paid {
		t.Errorf("taken from 50 on: %d apart, paid for is %d", got, paid)
	}
}
