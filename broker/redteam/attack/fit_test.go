package attack_test

import (
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// drawsOf draws from a discrete Gaussian by its probabilities.
func drawsOf(variance float64, n int, seed uint64) []int {
	law, r := attack.Gaussian(variance), coin(seed)
	out := make([]int, n)
	for i := range out {
		u, k := r.Float64(), -int(8*math.Sqrt(variance))
		for ; u > law.At(k) && k < 100; k++ {
			u -= law.At(k)
		}
		out[i] = k
	}
	return out
}

func TestDrawsOfALawFitIt(t *testing.T) {
	t.Parallel()
	for seed, variance := range []float64{.25, 1, 4, 12} {
		draws := drawsOf(variance, 50_000, uint64(seed)+1)
		if p := attack.Fit(draws, attack.Gaussian(variance)); p < .001 {
			t.Errorf("variance %.2f: p %.5f", variance, p)
		}
		if off := attack.Spread(draws, attack.Gaussian(variance)); math.Abs(off) > 3.3 {
			t.Errorf("variance %.2f is off by %.1f errors", variance, off)
		}
	}
}

func TestDrawsOfAnotherLawDoNotFit(t *testing.T) {
	t.Parallel()
	r := coin(9)
	rounded := make([]int, 200_000)
	for i := range rounded {
		rounded[i] = int(math.Round(2 * r.NormFloat64()))
	}
	if p := attack.Fit(rounded, attack.Gaussian(4)); p > .001 {
		t.Errorf("rounded numbers pass for a discrete law: p %.4f", p)
	}
	if off := attack.Spread(rounded, attack.Gaussian(4)); math.Abs(off) < 3.3 {
		t.Errorf("their variance is off by %.1f errors only", off)
	}
}

func TestDrawsBeyondTheReachCountAtItsEnd(t *testing.T) {
	t.Parallel()
	draws := drawsOf(1, 1000, 5)
	for i := range 60 {
		draws[i] = 90
	}
	if p := attack.Fit(draws, attack.Gaussian(1)); p > .001 {
		t.Errorf("sixty draws of ninety are taken for chance: p %.4f", p)
	}
}
