package attack_test

import (
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// hard shows a row of ten or more; soft adds noise to the number first, of -2 to 2
// with chances of 1, 2, 3, 2 and 1 in nine, and asks for twelve.
func hard(n int) float64 { return float64(one(n >= 10)) }

func soft(n int) float64 {
	chances, shown := []float64{1, 2, 3, 2, 1}, 0.
	for i, c := range chances {
		shown += c / 9 * float64(one(n+i-2 >= 12))
	}
	return shown
}

func TestAHardThresholdTellsAndASoftOneTellsLittle(t *testing.T) {
	t.Parallel()
	beside, weak := attack.BestProbe(0, 20, hard)
	if beside != 9 || weak.Accuracy() != 1 {
		t.Errorf("beside %d students a hard threshold tells with %.3f", beside, weak.Accuracy())
	}
	beside, strong := attack.BestProbe(0, 20, soft)
	if beside != 11 || math.Abs(strong.Accuracy()-2./3) > 1e-9 {
		t.Errorf("beside %d students a soft threshold tells with %.3f, want .667", beside, strong.Accuracy())
	}
	r := coin(1)
	var g, h attack.Game
	for i := range 20_000 {
		in := i%2 == 0
		n := beside + one(in)
		g.Play(.5, strong.Posterior(.5, r.Float64() < soft(n)), in, r)
		h.Play(.5, weak.Posterior(.5, hard(9+one(in)) == 1), in, r)
	}
	if exceeds(t, g, .69, 20_000) || !exceeds(t, h, .69, 20_000) {
		t.Errorf("soft: %s; hard: %s", g, h)
	}
}

func TestTheSameChannelIsNotTakenForTwo(t *testing.T) {
	t.Parallel()
	r, alarms := coin(2), 0
	for range 400 {
		a, b := make([]float64, 200), make([]float64, 300)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		for i := range b {
			b[i] = r.NormFloat64()
		}
		_, p := attack.Smirnov(a, b)
		alarms += one(p < .05)
	}
	if alarms < 6 || alarms > 40 {
		t.Errorf("%d of 400 pairs of equal samples differ at 5 %%", alarms)
	}
}

func TestALeakingChannelIsNoticed(t *testing.T) {
	t.Parallel()
	r := coin(3)
	a, b := make([]float64, 400), make([]float64, 400)
	for i := range a {
		a[i], b[i] = r.NormFloat64(), r.NormFloat64()+.4
	}
	if d, p := attack.Smirnov(a, b); p > .01 {
		t.Errorf("four tenths of a deviation: distance %.3f, p %.4f", d, p)
	}
	if d, p := attack.Smirnov(a, a); d != 0 || p != 1 {
		t.Errorf("a sample differs from itself: %.3f, %.4f", d, p)
	}
	if d, p := attack.Smirnov([]float64{1, 1, 1}, []float64{1, 1}); d != 0 || p != 1 {
		t.Errorf("equal values differ: %.3f, %.4f", d, p)
	}
	if _, p := attack.Smirnov(nil, a); p != 1 {
		t.Errorf("nothing differs from something: %.4f", p)
	}
}
