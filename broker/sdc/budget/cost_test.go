package budget_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// counts is a count with the usual noise in so many public partitions.
func counts(partitions int) budget.Figures {
	return budget.Figures{Sensitivity: 1, Public: partitions, Variance: noise.Variance{Num: 4, Den: 1}}
}

func TestReleasesCostWhatWasWorkedOut(t *testing.T) {
	t.Parallel()
	var cases []struct {
		What              string
		Sensitivity       int64
		Public, Sensitive int
		Variance          [2]int64
		Rho               budget.Rho
	}
	readYAML(t, "testdata/costs.yaml", &cases)
	for _, c := range cases {
		got, err := budget.Cost(budget.Figures{
			Sensitivity: c.Sensitivity, Public: c.Public, Sensitive: c.Sensitive,
			Variance: noise.Variance{Num: c.Variance[0], Den: c.Variance[1]},
		})
		if err != nil || got != c.Rho {
			t.Errorf("%s costs %v, not %v (%v)", c.What, got, c.Rho, err)
		}
	}
	if len(cases) < 10 {
		t.Errorf("only %d cases", len(cases))
	}
}

func drawFigures(t *rapid.T) budget.Figures {
	den := rapid.Int64Range(1, 1000).Draw(t, "den")
	return budget.Figures{
		Sensitivity: rapid.SampledFrom([]int64{1, 3, 8, 40, 50, 1000}).Draw(t, "sensitivity"),
		Public:      rapid.IntRange(1, 6).Draw(t, "public"),
		Sensitive:   rapid.IntRange(0, 4).Draw(t, "sensitive"),
		Variance:    noise.Variance{Num: rapid.Int64Range(den, 40_000*den).Draw(t, "num"), Den: den},
	}
}

func drawPlan(t *rapid.T) []budget.Figures {
	return rapid.SliceOfN(rapid.Custom(drawFigures), 1, 5).Draw(t, "plan")
}

// exactly is what a plan costs without any rounding, figure by figure.
func exactly(plan []budget.Figures) *big.Rat {
	sum := new(big.Rat)
	for _, f := range plan {
		for range f.Public + 2*f.Sensitive {
			sum.Add(sum, big.NewRat(f.Sensitivity*f.Sensitivity*f.Variance.Den, 2*f.Variance.Num))
		}
	}
	return sum
}

func TestACostIsRoundedUpByLessThanABillionth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		got, err := budget.Cost(plan...)
		if most := big.NewRat(int64(budget.MaxRho), int64(budget.Billion)); exactly(plan).Cmp(most) > 0 {
			if !errors.Is(err, budget.ErrRho) {
				t.Errorf("more than can be calculated with costs %v (%v)", got, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		over := new(big.Rat).Sub(big.NewRat(int64(got), int64(budget.Billion)), exactly(plan))
		if over.Sign() < 0 || over.Cmp(big.NewRat(1, int64(budget.Billion))) >= 0 {
			t.Errorf("%v is %v more than the plan costs", got, over)
		}
	})
}

func TestNothingCostsNothing(t *testing.T) {
	t.Parallel()
	if r, err := budget.Cost(); r != 0 || err != nil {
		t.Errorf("%v, %v", r, err)
	}
}

func TestFiguresOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*budget.Figures){
		"no sensitivity":       func(f *budget.Figures) { f.Sensitivity = 0 },
		"a negative one":       func(f *budget.Figures) { f.Sensitivity = -1 },
		"a large one":          func(f *budget.Figures) { f.Sensitivity = 1001 },
		"no row":               func(f *budget.Figures) { f.Public = 0 },
		"negative dimensions":  func(f *budget.Figures) { f.Public, f.Sensitive = 3, -1 },
		"negative partitions":  func(f *budget.Figures) { f.Public, f.Sensitive = -1, 3 },
		"many partitions":      func(f *budget.Figures) { f.Public = 1001 },
		"many dimensions":      func(f *budget.Figures) { f.Sensitive = 1000 },
		"numbers that overrun": func(f *budget.Figures) { f.Public, f.Sensitive = 1<<62, 1<<62 },
	} {
		f := counts(1)
		if change(&f); !errors.Is(f.Validate(), budget.ErrFigures) {
			t.Errorf("%s: %v", what, f.Validate())
		}
		if r, err := budget.Cost(counts(1), f); !errors.Is(err, budget.ErrFigures) || r != 0 {
			t.Errorf("%s: %v, %v", what, r, err)
		}
	}
	for _, f := range []budget.Figures{{Sensitivity: 1, Public: 1}, {Sensitivity: 1, Public: 1, Variance: noise.Variance{Num: 40_001, Den: 1}}} {
		if _, err := budget.Cost(f); !errors.Is(err, noise.ErrVariance) {
			t.Errorf("%v: %v", f, err)
		}
	}
	dear := budget.Figures{Sensitivity: 1000, Public: 1000, Variance: noise.Variance{Num: 1, Den: 1000}}
	if _, err := budget.Cost(dear); !errors.Is(err, budget.ErrRho) {
		t.Errorf("figures of %v: %v", exactly([]budget.Figures{dear}), err)
	}
}

func TestTheLeastNoiseCanBePaidForAndLessCannot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		left, f := budget.Rho(rapid.Int64Range(1_000_000, 5_000_000_000).Draw(t, "left")), drawFigures(t)
		least, err := budget.Least(left, f)
		if err != nil {
			if !errors.Is(err, budget.ErrUnaffordable) {
				t.Fatal(err)
			}
			f.Variance = noise.Variance{Num: 40_000, Den: 1}
			if cost, err := budget.Cost(f); err != nil || cost <= left {
				t.Errorf("refused, and yet the most noise costs %v of %v (%v)", cost, left, err)
			}
			return
		}
		if cost, err := budget.Cost(least...); err != nil || cost > left {
			t.Errorf("the least noise costs %v of %v (%v)", cost, left, err)
		}
		f.Variance = noise.Variance{Num: least[0].Variance.Num*(1000/least[0].Variance.Den) - 1, Den: 1000}
		if cost, err := budget.Cost(f); err == nil && cost <= left {
			t.Errorf("a variance of a thousandth less than %v costs %v of %v", least[0].Variance, cost, left)
		}
	})
}

func TestTheLeastNoiseOfAPlanKeepsItsProportions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		left, plan := budget.Rho(rapid.Int64Range(1_000_000, 5_000_000_000).Draw(t, "left")), drawPlan(t)
		least, err := budget.Least(left, plan...)
		if errors.Is(err, budget.ErrUnaffordable) {
			return
		}
		if cost, err := budget.Cost(least...); err != nil || cost > left {
			t.Errorf("the least noise costs %v of %v (%v)", cost, left, err)
		}
		factor := new(big.Rat).Quo(exactly(plan), big.NewRat(int64(left), int64(budget.Billion)))
		for i, f := range plan {
			want := new(big.Rat).Mul(factor, big.NewRat(f.Variance.Num, f.Variance.Den))
			off := new(big.Rat).Sub(big.NewRat(least[i].Variance.Num, least[i].Variance.Den), want)
			if off.Sign() < 0 || off.Cmp(big.NewRat(1, 1000)) >= 0 {
				t.Errorf("figures %d: a variance %v more than in proportion", i, off)
			}
		}
	})
}

func TestWhatCannotBePaidForIsRefusedWithWhatCan(t *testing.T) {
	t.Parallel()
	attendance := budget.Figures{Sensitivity: 50, Public: 2, Variance: noise.Variance{Num: 10_000, Den: 1}}
	half := budget.Billion / 2
	if cost, err := budget.Afford(half, counts(2), attendance); err != nil || cost != half {
		t.Errorf("what is just affordable costs %v (%v)", cost, err)
	}
	_, err := budget.Afford(half-1, counts(2), attendance)
	var refused *budget.Unaffordable
	if !errors.As(err, &refused) || !errors.Is(err, budget.ErrUnaffordable) || refused.Asked != half || refused.Left != half-1 {
		t.Fatalf("%v", err)
	}
	if got := refused.Error(); !strings.Contains(got, "0.5 is asked, 0.499999999 is left; affordable is a noise variance of 4.001, 10000.001") {
		t.Error(got)
	}
	if cost, err := budget.Afford(half-1, refused.Least...); err != nil {
		t.Errorf("what was said to be affordable is refused: %v, %v", cost, err)
	}
}

func TestWhereNoNoiseIsEnoughThatIsSaid(t *testing.T) {
	t.Parallel()
	for _, left := range []budget.Rho{-1, 0, 1, 12_499} {
		_, err := budget.Afford(left, counts(1))
		var refused *budget.Unaffordable
		if !errors.As(err, &refused) || refused.Least != nil || !strings.Contains(err.Error(), "ask for fewer") {
			t.Errorf("%v left: %v", left, err)
		}
		if _, err := budget.Least(left, counts(1)); !errors.Is(err, budget.ErrUnaffordable) {
			t.Errorf("%v left: %v", left, err)
		}
	}
	wide := budget.Figures{Sensitivity: 1000, Public: 1000, Variance: noise.Variance{Num: 40_000, Den: 1}}
	if _, err := budget.Least(1, wide); !errors.Is(err, budget.ErrUnaffordable) {
		t.Errorf("a variance beyond 64 bits: %v", err)
	}
	if least, err := budget.Least(12_500, counts(1)); err != nil || least[0].Variance.Num != 40_000 {
		t.Errorf("%v, %v", least, err)
	}
	for _, left := range []budget.Rho{0, budget.Billion} {
		if _, err := budget.Afford(left, budget.Figures{}); !errors.Is(err, budget.ErrFigures) {
			t.Errorf("%v left: %v", left, err)
		}
		if _, err := budget.Least(left, budget.Figures{}); !errors.Is(err, budget.ErrFigures) {
			t.Errorf("%v left: %v", left, err)
		}
	}
}
