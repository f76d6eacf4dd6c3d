package budget_test

import (
	"errors"
	"math"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestAnAmountIsWrittenWithAsManyDecimalsAsItNeeds(t *testing.T) {
	t.Parallel()
	for r, want := range map[budget.Rho]string{
		0: "0", 1: "0.000000001", 125_000_000: "0.125", budget.Billion: "1", 10 * budget.Billion: "10",
		-budget.Billion / 2: "-0.5", budget.MaxRho: "9007199.254740991", math.MinInt64: "-9223372036.854775808",
	} {
		if got := r.String(); got != want {
			t.Errorf("%d billionths are %q, not %q", int64(r), got, want)
		}
	}
	if got := budget.Epsilon(7_077_197).String(); got != "7.077197" {
		t.Errorf("an epsilon is %q", got)
	}
}

func TestALossOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	million := budget.Delta{Num: 1, Den: 1_000_000}
	for _, e := range []budget.Epsilon{-1, budget.MaxEpsilon + 1, math.MaxInt64, math.MinInt64} {
		if _, err := budget.RhoOf(e, million); !errors.Is(err, budget.ErrEpsilon) {
			t.Errorf("epsilon %v: %v", e, err)
		}
	}
	for _, d := range []budget.Delta{{}, {0, 1}, {1, 1}, {2, 1}, {-1, 2}, {1, -2}, {-2, -1}} {
		if _, err := budget.RhoOf(1, d); !errors.Is(err, budget.ErrDelta) {
			t.Errorf("delta %v: %v", d, err)
		}
		for _, r := range []budget.Rho{0, 1} {
			if _, err := budget.EpsilonOf(r, d); !errors.Is(err, budget.ErrDelta) {
				t.Errorf("delta %v: %v", d, err)
			}
		}
	}
	for _, r := range []budget.Rho{-1, budget.MaxRho + 1} {
		if _, err := budget.EpsilonOf(r, million); !errors.Is(err, budget.ErrRho) {
			t.Errorf("rho %v: %v", r, err)
		}
	}
}
