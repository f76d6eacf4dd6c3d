package attack_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// sampler draws from the house's own table.
func sampler(t testing.TB, variance int64) func(*rand.Rand) float64 {
	t.Helper()
	table, err := noise.NewTable(noise.Variance{Num: variance, Den: 1})
	if err != nil {
		t.Fatal(err)
	}
	return func(r *rand.Rand) float64 { return float64(table.At(r.Uint64())) }
}

// The law that attackers assume must be that of the noise in use, or they are
// weaker than real ones.
func TestTheAssumedLawIsThatOfTheHouse(t *testing.T) {
	t.Parallel()
	for _, variance := range []int64{1, 4, 9, 400} {
		table, err := noise.NewTable(noise.Variance{Num: variance, Den: 1})
		if err != nil {
			t.Fatal(err)
		}
		law, r := attack.Gaussian(float64(variance)), coin(uint64(variance))
		const draws = 200_000
		counts := map[int]int{}
		for range draws {
			counts[table.At(r.Uint64())]++
		}
		for k := -table.Reach(); k <= table.Reach(); k++ {
			p := law.At(k)
			if off := math.Abs(float64(counts[k])/draws - p); off > 5*math.Sqrt(p*(1-p)/draws)+1e-5 {
				t.Errorf("variance %d: noise of %d comes %d times in %d, where the law says %.6f", variance, k, counts[k], draws, p)
			}
		}
		if beyond := law.At(table.Reach() + 1); beyond != 0 {
			t.Errorf("variance %d: the law goes beyond the reach of the table", variance)
		}
	}
}

func TestALawAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		law := attack.Gaussian(rapid.Float64Range(0, 30).Draw(t, "variance"))
		other := attack.Gaussian(rapid.Float64Range(.1, 30).Draw(t, "other variance"))
		all := law.Between(math.Inf(-1), math.Inf(1))
		cut := rapid.Float64Range(-20, 20).Draw(t, "cut")
		low, high := law.Between(math.Inf(-1), math.Floor(cut)), law.Between(math.Floor(cut)+1, math.Inf(1))
		if math.Abs(all-1) > 1e-9 || math.Abs(low+high-1) > 1e-9 {
			t.Fatalf("%.9f in all, %.9f and %.9f at both sides of %.3f", all, low, high, cut)
		}
		if got, want := law.Minus(other).Variance(), law.Variance()+other.Variance(); math.Abs(got-want) > 1e-6*(1+want) {
			t.Fatalf("the variance of a difference is %.6f, not %.6f", got, want)
		}
	})
}

func TestBoundsMayBeOffByWhatArithmeticLosesEvenWithoutNoise(t *testing.T) {
	t.Parallel()
	const lost = 1e-13
	exact := attack.Gaussian(0)
	for _, bounds := range [][2]float64{{lost, 1}, {-1, -lost}, {lost, -lost}, {0, 0}} {
		if got := exact.Between(bounds[0], bounds[1]); got != 1 {
			t.Errorf("no noise between %g and %g has probability %g, not 1", bounds[0], bounds[1], got)
		}
	}
	for _, bounds := range [][2]float64{{.5, 1}, {-1, -.5}, {.5, -.5}} {
		if got := exact.Between(bounds[0], bounds[1]); got != 0 {
			t.Errorf("no noise between %g and %g has probability %g, not 0", bounds[0], bounds[1], got)
		}
	}
}
