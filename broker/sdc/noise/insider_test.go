package noise_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

func TestAnInsiderGuessesRightNoMoreOftenThanStated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variance noise.Variance
		figures  int
		want     string
	}{
		{usual, 0, "0.500"},
		{usual, 1, "0.600"},
		{usual, 4, "0.691"},
		{usual, 8, "0.760"},
		{usual, 12, "0.806"},
		{usual, 16, "0.841"},
		{noise.Variance{Num: 9, Den: 1}, 4, "0.630"},
		{noise.Variance{Num: 9, Den: 1}, 8, "0.681"},
		{noise.Variance{Num: 9, Den: 4}, 4, "0.746"},
		{noise.Variance{Num: 9, Den: 4}, 8, "0.826"},
	} {
		share := table(t, c.variance).Insider(c.figures)
		if got := strconv.FormatFloat(share, 'f', 3, 64); got != c.want {
			t.Errorf("variance %d/%d, %d figures: %s, not %s", c.variance.Num, c.variance.Den, c.figures, got, c.want)
		}
		deviation := math.Sqrt(float64(c.variance.Num) / float64(c.variance.Den))
		continuous := (1 + math.Erf(math.Sqrt(float64(c.figures)/8)/deviation)) / 2
		if math.Abs(share-continuous) > .002 {
			t.Errorf("%.4f, far from the %.4f of Gaussian noise that is not discrete", share, continuous)
		}
	}
}

// The game itself: a fact is drawn, the figures are shown, and the insider says
// under which of both they are likelier, figure by figure.
func TestAnInsiderWhoPlaysGuessesRightAsOftenAsStated(t *testing.T) {
	t.Parallel()
	const games, figures = 100_000, 4
	of := table(t, usual)
	coin := rand.New(rand.NewPCG(1, 2))
	likely := func(k int) float64 {
		if k < -of.Reach() || k > of.Reach() {
			return 0
		}
		return chance(of, k)
	}
	var memo [2*16 + 3]float64
	for k := range memo {
		memo[k] = likely(k - 17)
	}
	right := 0.
	for range games {
		fact := int(coin.Uint64() & 1)
		without, with := 1., 1.
		for range figures {
			shown := fact + of.At(coin.Uint64())
			without *= memo[shown+17]
			with *= memo[shown-1+17]
		}
		switch {
		case with == without:
			right += .5
		case with > without == (fact == 1):
			right++
		}
	}
	want := of.Insider(figures)
	if got := right / games; math.Abs(got-want) > 3.29*math.Sqrt(want*(1-want)/games) {
		t.Errorf("right in %.4f of the games, stated is %.4f", got, want)
	}
}
