package attack_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

func TestABandIsReadByItsMiddle(t *testing.T) {
	t.Parallel()
	ten, inf := upTo(0, 10), math.Inf(1)
	for what, c := range map[string]struct {
		e    attack.Equation
		want float64
	}{
		"a count":                          {attack.Exactly(ten, 4), 4},
		"a noisy count under zero":         {attack.Noisy(ten, -3, usual), -3},
		"a noisy band under zero":          {attack.Within(ten, -4, -2, usual), -3},
		"20 % or less, with noise":         {attack.Share(ten, -inf, 20, usual), 1},
		"80 % or more, with noise":         {attack.Share(ten, 80, inf, usual), 9},
		"20 % or less, without":            {attack.Share(ten, -.5, 20, 0), 1},
		"more than all, with noise":        {attack.Within(ten, 12, inf, usual), 12},
		"a band narrowed by another":       {attack.Within(ten, 2, 8, 0).Narrowed(4, 10), 6},
		"nothing at all":                   {attack.Within(ten, -inf, inf, 0), 5},
		"a share of forty to sixty":        {attack.Share(ten, 40, 60, usual), 5},
		"a noisy band of known lower half": {attack.Within(ten, 0, 5, usual), 2.5},
	} {
		if math.Abs(c.e.Value-c.want) > 1e-9 {
			t.Errorf("%s is read as %.3f, not %.3f", what, c.e.Value, c.want)
		}
	}
}

func TestTheUnknownAreThoseWhoAreNotKnown(t *testing.T) {
	t.Parallel()
	v := attack.View{Students: 4, Known: map[int]bool{1: true, 3: false}, Prior: []float64{.1, .2, .3, .4}}
	if got := v.Unknown(); len(got) != 2 || got[0] != 0 || got[1] != 2 {
		t.Errorf("unknown: %v", got)
	}
	for x, want := range []float64{.1, 1, .3, 0} {
		if got := v.Priors()[x]; got != want {
			t.Errorf("student %d has a prior of %.2f, not %.2f", x, got, want)
		}
	}
	for _, p := range (attack.View{Students: 3}).Priors() {
		if p != .5 {
			t.Errorf("without a belief, the prior is %.2f", p)
		}
	}
}

func TestARiskModelAddsItsEffects(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, effect := rapid.Float64Range(-4, 4).Draw(t, "base"), rapid.Float64Range(-3, 3).Draw(t, "effect")
		m := attack.Logistic{Base: base, Effects: map[string]float64{"frl": effect}}
		for odds, p := range map[float64]float64{base: m.Chance("grade 9"), base + effect: m.Chance("grade 9", "frl")} {
			if got := math.Log(p / (1 - p)); math.Abs(got-odds) > 1e-9 {
				t.Fatalf("log odds of %.6f, not %.6f", got, odds)
			}
		}
	})
}
