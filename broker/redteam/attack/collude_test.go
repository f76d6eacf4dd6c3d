package attack_test

import (
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// partners are agreements of one school whose rosters overlap in one student or are
// apart: what each sees of its own students, and all others of whom it knows.
func partners(t *testing.T, bits []bool, overlap int, print publisher, read reading) []attack.View {
	t.Helper()
	var out []attack.View
	for k := range 3 {
		members := upTo(k*(20-overlap), k*(20-overlap)+20)
		v := attack.View{Students: len(bits), Known: map[int]bool{}}
		for _, x := range members {
			if x != target {
				v.Known[x] = bits[x]
			}
		}
		v.Equations = []attack.Equation{read(members, print(members, bits))}
		out = append(out, v)
	}
	return out
}

const target = 19 // the last of the first roster, and of the second too if they overlap

// pooled plays the posterior and least squares of what partners have together.
func pooled(t *testing.T, games, overlap int, print publisher, read reading) (chains, squares attack.Game) {
	t.Helper()
	r := coin(31)
	for i := range games {
		bits := facts(r, 60, .5)
		bits[target] = i%2 == 0
		v, err := attack.Pooled(partners(t, bits, overlap, print, read)...)
		if err != nil {
			t.Fatal(err)
		}
		p, err := attack.Sample(v, attack.Sampling{Chains: 2, BurnIn: 10, Sweeps: 400}, r)
		if err != nil {
			t.Fatal(err)
		}
		chains.Play(.5, p.Chances[target], bits[target], r)
		scores, err := attack.LeastSquares(v)
		if err != nil {
			t.Fatal(err)
		}
		squares.Guess(scores[target] > .5, bits[target])
	}
	return chains, squares
}

// Two partners with the target in both rosters know all others: two figures of it,
// as many as one partner with two.
func TestColludersLearnWhatAsManyFiguresTell(t *testing.T) {
	t.Parallel()
	const games = 2500
	draw, r := sampler(t, 4), coin(32)
	noisy := func(members []int, bits []bool) float64 { return sum(members, bits) + draw(r) }
	chains, squares := pooled(t, games, 1, noisy, withNoise(usual))
	for what, g := range map[string]attack.Game{"chains": chains, "least squares": squares} {
		near(t, what, g.Accuracy(), .638, chance(games)+.01)
		if exceeds(t, g, .76, games) {
			t.Errorf("%s: %s", what, g)
		}
	}
	apart, _ := pooled(t, games, 0, noisy, withNoise(usual))
	near(t, "rosters apart", apart.Accuracy(), .600, chance(games)+.01)
	if weak, _ := pooled(t, 1000, 1, sum, withNoise(0)); !exceeds(t, weak, .76, 1000) {
		t.Errorf("the attack fails on exact figures: %s", weak)
	}
}
