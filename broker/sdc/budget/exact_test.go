package budget_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

func TestTheExactDeltaIsThatOfOtherPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variance    noise.Variance
		sensitivity int64
		epsilon     budget.Epsilon
		want        float64
	}{ // sums over tails with sixty digits; of the first, the authors' code prints .00724878
		{noise.Variance{Num: 4, Den: 1}, 1, 1_000_000, 0.00724877684595},
		{noise.Variance{Num: 4, Den: 1}, 1, 0, 0.199471140201},
		{noise.Variance{Num: 1, Den: 1}, 1, 1_000_000, 0.141351339406},
		{noise.Variance{Num: 1, Den: 4}, 1, 3_000_000, 0.10141453413},
		{noise.Variance{Num: 9, Den: 2}, 3, 2_000_000, 0.118497598043},
		{noise.Variance{Num: 400, Den: 1}, 40, 6_500_000, 0.00510188065865},
		{noise.Variance{Num: 10_000, Den: 1}, 50, 4_000_000, 2.70452665522e-16},
		{noise.Variance{Num: 4, Den: 1}, 1, 4_000_000, 3.09838932751e-16},
	} {
		got, err := budget.ExactDelta(c.variance, c.sensitivity, c.epsilon)
		if err != nil || math.Abs(got-c.want) > 1e-11*c.want {
			t.Errorf("%v, %d, %v: %.12g, not %.12g (%v)", c.variance, c.sensitivity, c.epsilon, got, c.want, err)
		}
	}
}

func TestAnExactDeltaOfNothingSensibleIsRefused(t *testing.T) {
	t.Parallel()
	usual := noise.Variance{Num: 4, Den: 1}
	for _, c := range []struct {
		variance    noise.Variance
		sensitivity int64
		epsilon     budget.Epsilon
		want        error
	}{
		{noise.Variance{}, 1, 1, noise.ErrVariance}, {usual, 0, 1, budget.ErrFigures}, {usual, 1, -1, budget.ErrEpsilon},
	} {
		if d, err := budget.ExactDelta(c.variance, c.sensitivity, c.epsilon); !errors.Is(err, c.want) || d != 0 {
			t.Errorf("%v: %v, %v", c, d, err)
		}
	}
}

// promised is the ε that the ledger promises for one figure, and the exact δ with it
// when the noise has another variance.
func promised(t failing, claimed, drawn noise.Variance, sensitivity int64, d budget.Delta) (budget.Epsilon, float64) {
	cost, err := budget.Cost(budget.Figures{Sensitivity: sensitivity, Public: 1, Variance: claimed})
	if err != nil {
		t.Fatal(err)
	}
	e := epsilonOf(t, cost, d)
	exact, err := budget.ExactDelta(drawn, sensitivity, e)
	if err != nil {
		t.Fatal(err)
	}
	return e, exact
}

func someDeltas() []budget.Delta { return []budget.Delta{{1, 100}, {1, 1e4}, {1, 1e6}, {1, 1e9}} }

func TestWhatIsPromisedOfAFigureHoldsExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sensitivity := rapid.SampledFrom([]int64{1, 3, 8, 40, 50}).Draw(t, "sensitivity")
		thousandths := rapid.Int64Range(250, 50_000).Draw(t, "variance") // for a sensitivity of one
		v := noise.Variance{Num: min(thousandths*sensitivity*sensitivity, 40_000_000), Den: 1000}
		d := rapid.SampledFrom(someDeltas()).Draw(t, "delta")
		if e, exact := promised(t, v, v, sensitivity, d); exact > float64(d.Num)/float64(d.Den) {
			t.Errorf("epsilon %v with %d/%d is promised, with %g it is kept", e, d.Num, d.Den, exact)
		}
	})
}

// Nothing that is promised would hold for noise of a quarter of the variance. It might
// for noise of far less than one student: its steps are so coarse that one event alone
// decides, which may just be within what is promised.
func TestWhatIsPromisedOfAFigureWouldNotHoldForAQuarterOfTheVariance(t *testing.T) {
	t.Parallel()
	for _, sensitivity := range []int64{1, 3, 8, 40} {
		for _, variance := range []int64{1, 2, 4, 9, 16, 25} { // for a sensitivity of one
			v := noise.Variance{Num: variance * sensitivity * sensitivity, Den: 1}
			for _, d := range someDeltas() {
				e, exact := promised(t, v, noise.Variance{Num: v.Num, Den: 4}, sensitivity, d)
				if exact <= float64(d.Num)/float64(d.Den) {
					t.Errorf("a variance of %d: epsilon %v with %d/%d is still kept: %g", v.Num, e, d.Num, d.Den, exact)
				}
			}
		}
	}
}

func TestTheConversionIsNotFarFromWhatIsExact(t *testing.T) {
	t.Parallel()
	cost, err := budget.Cost(counts(1))
	if err != nil {
		t.Fatal(err)
	}
	e := epsilonOf(t, cost, million)
	low, high := budget.Epsilon(0), e
	for high-low > 1 {
		middle := (low + high) / 2
		exact, err := budget.ExactDelta(counts(1).Variance, 1, middle)
		if err != nil {
			t.Fatal(err)
		}
		if exact <= 1e-6 {
			high = middle
		} else {
			low = middle
		}
	}
	t.Logf("a count with the usual noise and a delta of 1e-6: epsilon %v exactly, %v promised", high, e)
	if loss := float64(e) / float64(high); loss < 1 || loss > 1.2 || math.IsNaN(loss) {
		t.Errorf("epsilon %v is promised where %v is exact", e, high)
	}
}
