package budget_test

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

var million = budget.Delta{Num: 1, Den: 1_000_000}

// failing is a test or one round of a property.
type failing interface {
	Helper()
	Fatal(args ...any)
}

func rhoOf(t failing, e budget.Epsilon, d budget.Delta) budget.Rho {
	t.Helper()
	r, err := budget.RhoOf(e, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func epsilonOf(t failing, r budget.Rho, d budget.Delta) budget.Epsilon {
	t.Helper()
	e, err := budget.EpsilonOf(r, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// conversion is a row of testdata/grants.yaml and displays.yaml.
type conversion struct {
	Rho     budget.Rho
	Epsilon budget.Epsilon
	Delta   [2]int64
}

func (c conversion) delta() budget.Delta { return budget.Delta{Num: c.Delta[0], Den: c.Delta[1]} }

func TestConversionsAreThoseOfAnotherProgramToTheLastDigit(t *testing.T) {
	t.Parallel()
	var grants, displays []conversion
	readYAML(t, "testdata/grants.yaml", &grants)
	readYAML(t, "testdata/displays.yaml", &displays)
	for _, c := range grants {
		if got := rhoOf(t, c.Epsilon, c.delta()); got != c.Rho {
			t.Errorf("epsilon %v with %v allows %v, not %v", c.Epsilon, c.Delta, got, c.Rho)
		}
	}
	for _, c := range displays {
		if got := epsilonOf(t, c.Rho, c.delta()); got != c.Epsilon {
			t.Errorf("%v with %v keeps epsilon %v, not %v", c.Rho, c.Delta, got, c.Epsilon)
		}
	}
	if len(grants) < 30 || len(displays) < 30 {
		t.Errorf("only %d and %d conversions were compared", len(grants), len(displays))
	}
}

// printed rounds an amount or an epsilon to some decimals.
func printed(units, one int64, decimals int) string {
	return strconv.FormatFloat(float64(units)/float64(one), 'f', decimals, 64)
}

func TestConversionsAreThoseThatTheAuthorsCodePrints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		epsilon budget.Epsilon
		want    string
	}{{1_000_000, "0.024356"}, {4_000_000, "0.31106"}, {8_000_000, "1.05236"}} {
		r := rhoOf(t, c.epsilon, million)
		if got := printed(int64(r), int64(budget.Billion), len(c.want)-2); got != c.want {
			t.Errorf("epsilon %v allows %s, not %s", c.epsilon, got, c.want)
		}
	}
	e := epsilonOf(t, budget.Billion, budget.Delta{Num: 1, Den: 100_000})
	if got := printed(int64(e), 1_000_000, 4); got != "7.0772" {
		t.Errorf("an amount of one keeps %s, not 7.0772", got)
	}
}

func TestTheDeviationsOfTheSpecificationFollow(t *testing.T) {
	t.Parallel()
	var rows []struct {
		Figures    int
		Deviations []string
	}
	readYAML(t, "testdata/sigma.yaml", &rows)
	if len(rows) != 4 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for i, e := range []budget.Epsilon{2_000_000, 4_000_000, 8_000_000} {
			least, err := budget.Least(rhoOf(t, e, million), counts(row.Figures))
			if err != nil {
				t.Fatal(err)
			}
			v := least[0].Variance
			if got := strconv.FormatFloat(math.Sqrt(float64(v.Num)/float64(v.Den)), 'f', 1, 64); got != row.Deviations[i] {
				t.Errorf("%d figures, epsilon %v: a deviation of %s, not %s", row.Figures, e, got, row.Deviations[i])
			}
		}
	}
}

// tightest is the least δ of an amount with an ε over all orders, by the search of
// the authors' code, in numbers of the machine; its logarithm.
func tightest(rho, epsilon float64) float64 {
	low, high := 1+1e-9, (epsilon+1)/rho+2
	for range 200 {
		if middle := (low + high) / 2; (2*middle-1)*rho-epsilon+math.Log1p(-1/middle) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return (high-1)*(high*rho-epsilon) + high*math.Log1p(-1/high) - math.Log(high-1)
}

func drawDelta(t *rapid.T) budget.Delta {
	return budget.Delta{Num: rapid.Int64Range(1, 99).Draw(t, "of"), Den: rapid.SampledFrom([]int64{100, 1e5, 1e6, 1e9, 1e12}).Draw(t, "in")}
}

// slack is more than the error of tightest, and far less than what a billionth of an
// amount or a millionth of an ε makes of it.
const slack = 1e-10

func TestAGrantIsTheLargestAmountThatHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, d := budget.Epsilon(rapid.Int64Range(100_000, 30_000_000).Draw(t, "epsilon")), drawDelta(t)
		r := rhoOf(t, e, d)
		logDelta := math.Log(float64(d.Num)) - math.Log(float64(d.Den))
		if at := tightest(float64(r)/1e9, float64(e)/1e6); at > logDelta+slack {
			t.Errorf("%v breaks epsilon %v with %v: ln delta %g over %g", r, e, d, at, logDelta)
		}
		if at := tightest(float64(r+2)/1e9, float64(e)/1e6); at < logDelta {
			t.Errorf("two billionths more than %v would still keep epsilon %v with %v", r, e, d)
		}
	})
}

func TestNoEpsilonIsShownThatDoesNotHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, d := budget.Rho(rapid.Int64Range(1_000, 20_000_000_000).Draw(t, "rho")), drawDelta(t)
		e := epsilonOf(t, r, d)
		logDelta := math.Log(float64(d.Num)) - math.Log(float64(d.Den))
		if at := tightest(float64(r)/1e9, float64(e)/1e6); at > logDelta+slack {
			t.Errorf("epsilon %v with %v does not hold for %v: ln delta %g over %g", e, d, r, at, logDelta)
		}
		if e < 2 {
			return
		}
		if at := tightest(float64(r)/1e9, float64(e-2)/1e6); at < logDelta {
			t.Errorf("two millionths less than %v would hold for %v with %v", e, r, d)
		}
	})
}

func TestConversionsForthAndBackNeverGain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, d := budget.Epsilon(rapid.Int64Range(0, int64(budget.MaxEpsilon)).Draw(t, "epsilon")), drawDelta(t)
		granted := rhoOf(t, e, d)
		shown := epsilonOf(t, granted, d)
		if shown > e {
			t.Errorf("epsilon %v allows %v, which is shown as %v", e, granted, shown)
		}
		if more := rhoOf(t, min(e+1, budget.MaxEpsilon), d); more < granted {
			t.Errorf("a larger epsilon allows less: %v, %v", granted, more)
		}
		if back := rhoOf(t, shown, d); back < granted {
			t.Errorf("what is shown as %v allows %v, less than the %v it was shown for", shown, back, granted)
		}
	})
}

func TestNothingIsKeptForNothing(t *testing.T) {
	t.Parallel()
	if e := epsilonOf(t, 0, million); e != 0 {
		t.Errorf("no amount has an epsilon of %v", e)
	}
	for _, d := range []budget.Delta{million, {1, math.MaxInt64}, {math.MaxInt64 - 1, math.MaxInt64}} {
		for _, e := range []budget.Epsilon{0, 1, budget.MaxEpsilon} {
			if r := rhoOf(t, e, d); r < 0 || e == 0 && d == million && r > 10 {
				t.Errorf("epsilon %v with %v allows %v", e, d, r)
			}
		}
		for _, r := range []budget.Rho{1, budget.MaxRho} {
			if e := epsilonOf(t, r, d); e < 0 {
				t.Errorf("%v with %v keeps %v", r, d, e)
			}
		}
	}
}

func BenchmarkRhoOf(b *testing.B) {
	for b.Loop() {
		rhoOf(b, 4_000_000, million)
	}
}

func BenchmarkEpsilonOf(b *testing.B) {
	for b.Loop() {
		epsilonOf(b, budget.Billion, million)
	}
}
