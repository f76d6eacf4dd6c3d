package attack_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// reading is how an attacker notes what a publisher printed of a roster.
type reading func(members []int, printed float64) attack.Equation

func withNoise(variance float64) reading {
	return func(members []int, printed float64) attack.Equation {
		return attack.Noisy(members, printed, variance)
	}
}

// inFives notes a sum that was rounded to five.
func inFives(members []int, printed float64) attack.Equation {
	return attack.Within(members, printed-2, printed+2, 0)
}

// rosters are what a publisher prints of so many random rosters of a school where
// a quarter is a yes.
func rosters(seed uint64, n int, bits []bool, print publisher, read reading) attack.View {
	r := coin(seed)
	v := attack.View{Students: len(bits), Prior: same(len(bits), .25)}
	for range n {
		members := some(r, len(bits), .5)
		v.Equations = append(v.Equations, read(members, print(members, bits)))
	}
	return v
}

func same(n int, p float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = p
	}
	return out
}

// leastSquares and rounding play a view, all of whose bits are unknown.
func leastSquares(t *testing.T, v attack.View, bits []bool) attack.Game {
	t.Helper()
	scores, err := attack.LeastSquares(v)
	if err != nil {
		t.Fatal(err)
	}
	return guessed(scores, bits)
}

func rounding(t *testing.T, v attack.View, bits []bool) attack.Game {
	t.Helper()
	scores, err := attack.Rounding(v, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return guessed(scores, bits)
}

func guessed(scores []float64, bits []bool) (g attack.Game) {
	for x, s := range scores {
		g.Guess(s > .5, bits[x])
	}
	return g
}

// reconstructed plays schools of fifty with so many rosters each.
func reconstructed(t *testing.T, schools, n int, print func(seed uint64) publisher, read reading) (ls, lp attack.Game) {
	t.Helper()
	for seed := range uint64(schools) {
		bits := facts(coin(seed), 50, .25)
		v := rosters(seed+5000, n, bits, print(seed), read)
		ls.Add(leastSquares(t, v, bits))
		lp.Add(rounding(t, v, bits))
	}
	return ls, lp
}

func TestRostersWithoutAGuardRebuildTheSchool(t *testing.T) {
	t.Parallel()
	dp := sampler(t, 49)
	always := func(p publisher) func(uint64) publisher { return func(uint64) publisher { return p } }
	sticky := func(seed uint64) publisher { return newKeyed(t, byte(seed), 50).groupKeyed }
	fresh := func(seed uint64) publisher {
		r := coin(seed)
		return func(m []int, b []bool) float64 { return sum(m, b) + dp(r) }
	}
	for _, c := range []struct {
		what            string
		schools, n      int
		print           func(uint64) publisher
		read            reading
		squares, linear float64 // least shares of right guesses
	}{
		{"exact counts", 20, 50, always(sum), withNoise(0), .998, .998},
		{"rounded to five, 200 rosters", 10, 200, always(roundedToFive), inFives, .975, .97},
		{"rounded to five, 500 rosters", 4, 500, always(roundedToFive), inFives, .995, .99},
		{"sticky noise, 200 rosters", 10, 200, sticky, withNoise(usual), .94, .92},
		{"sticky noise, 500 rosters", 4, 500, sticky, withNoise(usual), .985, .98},
		{"noise of seven, 2,000 rosters", 1, 2000, fresh, withNoise(49), .90, .88},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			ls, lp := reconstructed(t, c.schools, c.n, c.print, c.read)
			t.Logf("least squares: %s; linear program: %s", ls, lp)
			if ls.Accuracy() < c.squares || lp.Accuracy() < c.linear {
				t.Errorf("least squares %.3f, linear program %.3f; want at least %.3f and %.3f",
					ls.Accuracy(), lp.Accuracy(), c.squares, c.linear)
			}
		})
	}
}

func TestTheGuardsOneRosterOrTwoRebuildNothing(t *testing.T) {
	t.Parallel()
	const schools = 400 // of fifty: 20,000 bits
	var one, two, free attack.Game
	for seed := range uint64(schools) {
		bits := facts(coin(seed), 50, .25)
		house := newKeyed(t, byte(seed), 50)
		one.Add(leastSquares(t, rosters(seed+5000, 1, bits, house.groupKeyed, withNoise(usual)), bits))
		two.Add(rounding(t, rosters(seed+5000, 2, bits, house.groupKeyed, withNoise(usual)), bits))
		free.Add(leastSquares(t, rosters(seed+5000, 60, bits, house.groupKeyed, withNoise(usual)), bits))
	}
	for what, g := range map[string]attack.Game{"one roster": one, "two rosters": two} {
		if over, err := attack.House().ExceedsBase(g, .02); err != nil || over {
			t.Errorf("%s, over a base of %.3f: %s (%v)", what, g.Base(), g, err)
		}
		over, err := attack.House().ExceedsBalanced(g, .56)
		if err != nil || over {
			t.Errorf("%s: %s (%v)", what, g, err)
		}
	}
	if over, err := attack.House().ExceedsBalanced(free, .56); err != nil || !over {
		t.Errorf("sixty rosters rebuild nothing either: %s (%v)", free, err)
	}
}

func TestFiveHundredRostersOfFiveHundredStudentsAreRebuilt(t *testing.T) {
	t.Parallel()
	bits := facts(coin(3), 500, .25)
	v := rosters(4, 500, bits, sum, withNoise(0))
	if g := leastSquares(t, v, bits); g.Accuracy() < .99 {
		t.Errorf("least squares: %s", g)
	}
	scores, err := attack.Rounding(v, 600)
	if err != nil {
		t.Fatal(err)
	}
	if g := guessed(scores, bits); g.Accuracy() < .99 {
		t.Errorf("linear program: %s", g)
	}
}

func TestKnownStudentsKeepTheirValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SliceOfN(rapid.Bool(), 2, 12).Draw(t, "bits")
		v := attack.View{Students: len(bits), Known: map[int]bool{}}
		all := make([]int, len(bits))
		for x := range bits {
			all[x] = x
			if x > 0 {
				v.Known[x] = bits[x]
			}
		}
		v.Equations = []attack.Equation{attack.Exactly(all, sum(all, bits))}
		for name, solve := range map[string]func() ([]float64, error){
			"least squares":  func() ([]float64, error) { return attack.LeastSquares(v) },
			"linear program": func() ([]float64, error) { return attack.Rounding(v, 500) },
		} {
			scores, err := solve()
			if err != nil {
				t.Fatal(err)
			}
			for x, yes := range bits {
				if math.Abs(scores[x]-float64(one(yes))) > .01 {
					t.Fatalf("%s: student %d scores %.3f", name, x, scores[x])
				}
			}
		}
	})
}

func TestViewsThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	fine := attack.Exactly([]int{0, 2}, 1)
	for what, v := range map[string]attack.View{
		"a member beyond the last":  {Students: 2, Equations: []attack.Equation{fine}},
		"members out of order":      {Students: 3, Equations: []attack.Equation{attack.Exactly([]int{2, 0}, 1)}},
		"a member twice":            {Students: 3, Equations: []attack.Equation{attack.Exactly([]int{2, 2}, 1)}},
		"bounds that cross":         {Students: 3, Equations: []attack.Equation{attack.Within([]int{0}, 2, 1, 0)}},
		"a value that is no number": {Students: 3, Equations: []attack.Equation{attack.Exactly([]int{0}, math.NaN())}},
		"a negative variance":       {Students: 3, Equations: []attack.Equation{attack.Noisy([]int{0}, 1, -1)}},
		"too few priors":            {Students: 3, Prior: []float64{.5}},
		"a prior of one":            {Students: 1, Prior: []float64{1}},
		"a stranger who is known":   {Students: 1, Known: map[int]bool{1: true}},
	} {
		if err := v.Validate(); !errors.Is(err, attack.ErrView) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := attack.LeastSquares(v); !errors.Is(err, attack.ErrView) {
			t.Errorf("%s, least squares: %v", what, err)
		}
		if _, err := attack.Rounding(v, 10); !errors.Is(err, attack.ErrView) {
			t.Errorf("%s, linear program: %v", what, err)
		}
	}
}
