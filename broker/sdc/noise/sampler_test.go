package noise_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

func sampler(t testing.TB, seed byte, v noise.Variance) *noise.Sampler {
	t.Helper()
	s, err := noise.NewSampler(rand.NewChaCha8([32]byte{seed}), v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func draw(t testing.TB, s *noise.Sampler) int {
	t.Helper()
	n, err := s.Draw()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// chiSquare compares counts with the chances of a table; what is expected less
// than ten times is counted with its neighbour towards the end. It returns the
// statistic as a standard normal number (Wilson and Hilferty 1931).
func chiSquare(of *noise.Table, counts map[int]int, draws int) float64 {
	var statistic, expected, seen float64
	cells := 0.
	for k := -of.Reach(); k <= of.Reach(); k++ {
		expected += chance(of, k) * float64(draws)
		seen += float64(counts[k])
		if expected >= 10 && k < of.Reach() && float64(draws)*rest(of, k) >= 10 || k == of.Reach() {
			if expected > 0 {
				statistic += (seen - expected) * (seen - expected) / expected
				cells++
			}
			expected, seen = 0, 0
		}
	}
	freedom := cells - 1
	return (math.Cbrt(statistic/freedom) - (1 - 2/(9*freedom))) / math.Sqrt(2/(9*freedom))
}

// rest is the probability of noise over k.
func rest(of *noise.Table, k int) float64 { return float64(math.MaxUint64-first(of, k+1)) / (1 << 64) }

func TestDrawsFollowTheDistribution(t *testing.T) {
	t.Parallel()
	for i, v := range []noise.Variance{{1, 4}, {1, 1}, usual, {9, 2}, {48, 1}, {1600, 1}} {
		draws := 40_000
		if v == usual {
			draws = 200_000
		}
		s, of := sampler(t, byte(i), v), table(t, v)
		counts := map[int]int{}
		var squares float64
		for range draws {
			n := draw(t, s)
			counts[n]++
			squares += float64(n * n)
		}
		if z := chiSquare(of, counts, draws); z > 3.09 { // p > 0.001, one-sided
			t.Errorf("%d/%d: %.2f deviations from the distribution", v.Num, v.Den, z)
		}
		var want, fourth float64
		for k := -of.Reach(); k < of.Reach(); k++ {
			want += float64(k*k) * chance(of, k)
			fourth += float64(k*k*k*k) * chance(of, k)
		}
		if off := (squares/float64(draws) - want) / math.Sqrt((fourth-want*want)/float64(draws)); math.Abs(off) > 3.29 {
			t.Errorf("%d/%d: a variance of %.4f, %.2f deviations from %.4f", v.Num, v.Den, squares/float64(draws), off, want)
		}
	}
}

// The test above must notice noise of another distribution.
func TestTheTestOfDrawsNoticesAnotherDistribution(t *testing.T) {
	t.Parallel()
	const draws = 200_000
	s, of := sampler(t, 1, noise.Variance{Num: 41, Den: 10}), table(t, usual)
	counts := map[int]int{}
	for range draws {
		counts[draw(t, s)]++
	}
	if z := chiSquare(of, counts, draws); z < 3.09 {
		t.Errorf("a variance of 4.1 passes for one of 4: %.2f deviations", z)
	}
}

func TestWithoutRandomnessNothingIsDrawn(t *testing.T) {
	t.Parallel()
	broken := errors.New("no randomness")
	s, err := noise.NewSampler(iotest.ErrReader(broken), usual)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Draw(); !errors.Is(err, broken) || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func BenchmarkDraw(b *testing.B) {
	s := sampler(b, 1, usual)
	for b.Loop() {
		draw(b, s)
	}
}
