package attack_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

const population = 400

// games are the attacks on one student, with as many bits as the run can bear. Each
// must succeed on weak figures and stay in its bound on those of the house.
func games() map[string]func(t *testing.T, bits int) {
	return map[string]func(t *testing.T, bits int){
		"an insider learns as much as one noisy figure gives":  oneFigure,
		"an insider learns more from more figures":             moreFigures,
		"a large contrast is protected less":                   largeContrast,
		"many pairs that differ by one tell what one does not": differingPairs,
		"textbook keys give a zero away":                       zeroContributor,
		"reloads of an unchanged figure say nothing more":      reloads,
	}
}

// A budget says how many bits a game has; those of the red team have 20,000.
func TestHarnessAttackGames(t *testing.T) {
	t.Parallel()
	bits := rounds(t, "ATTACK_GAMES", 4000)
	t.Run("game", func(t *testing.T) {
		for name, game := range games() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				game(t, bits)
			})
		}
	})
	t.Logf("harness attack_games: %d bits a game, %d attacks on one student", bits, len(games()))
}

// chance is how far an accuracy of so many bits may be off: four deviations.
func chance(bits int) float64 { return 2/math.Sqrt(float64(bits)) + .002 }

// play draws sets with a target in them and lets an attack find the target's bit.
func play(seed uint64, played, n int, guess func(r *rand.Rand, members []int, target int, bits []bool) float64) attack.Game {
	r := coin(seed)
	bits := facts(r, population, .5)
	var g attack.Game
	for i := range played {
		members := few(r, population, n)
		target := members[r.IntN(n)]
		bits[target] = i%2 == 1
		g.Play(.5, guess(r, members, target, bits), bits[target], r)
	}
	return g
}

func sighting(printed, others float64, law *attack.Law) attack.Sighting {
	return attack.Sighting{Low: printed, High: printed, Others: others, Law: law}
}

func oneFigure(t *testing.T, bits int) {
	t.Helper()
	house, law := newKeyed(t, 1, population), attack.Gaussian(usual)
	insider := func(print publisher, law *attack.Law) attack.Game {
		return play(1, bits, 12, func(_ *rand.Rand, members []int, target int, facts []bool) float64 {
			others := sum(without(members, target), facts)
			return attack.Insider(.5, attack.Bit(), sighting(print(members, facts), others, law))
		})
	}
	g := insider(house.groupKeyed, law)
	near(t, "one figure", g.Accuracy(), .600, chance(bits))
	if exceeds(t, g, .60, bits) {
		t.Errorf("the bound of one figure is exceeded: %s", g)
	}
	if weak := insider(sum, attack.Gaussian(0)); !exceeds(t, weak, .60, bits) || weak.Accuracy() != 1 {
		t.Errorf("the attack fails on exact figures: %s", weak)
	}
}

func moreFigures(t *testing.T, bits int) {
	t.Helper()
	house, law := newKeyed(t, 2, population), attack.Gaussian(usual)
	for figures, bound := range map[int]float64{4: .6915, 8: .7602} {
		g := play(uint64(figures), bits, 12, func(r *rand.Rand, _ []int, target int, facts []bool) float64 {
			var seen []attack.Sighting
			for range figures {
				others := without(few(r, population, 12), target)
				seen = append(seen, sighting(house.groupKeyed(joined(others, target), facts), sum(others, facts), law))
			}
			return attack.Insider(.5, attack.Bit(), seen...)
		})
		near(t, "figures", g.Accuracy(), bound, chance(bits))
		if exceeds(t, g, bound, bits) {
			t.Errorf("the bound of %d figures is exceeded: %s", figures, g)
		}
	}
}

// largeContrast is attendance of 60 % against 95 %, with the noise
// of a mean, 40 points in the sum, and four figures.
func largeContrast(t *testing.T, bits int) {
	t.Helper()
	law, r := attack.Gaussian(1600), coin(5)
	var g attack.Game
	draw := sampler(t, 1600)
	for i := range bits {
		truth := i%2 == 1
		value := 60.
		if truth {
			value = 95
		}
		var seen []attack.Sighting
		for range 4 {
			seen = append(seen, sighting(900+value+draw(r), 900, law))
		}
		g.Play(.5, attack.Insider(.5, attack.Fact{No: 60, Yes: 95}, seen...), truth, r)
	}
	near(t, "a contrast of 35 points", g.Accuracy(), .809, chance(bits))
}

func differingPairs(t *testing.T, bits int) {
	t.Helper()
	house := newKeyed(t, 3, population)
	law := attack.Gaussian(usual)
	twice := law.Minus(law)
	for pairs, want := range map[int]float64{1: .570, 10: .712, 30: .833} {
		g := play(uint64(pairs), bits, 12, func(r *rand.Rand, _ []int, target int, facts []bool) float64 {
			var seen []attack.Pair
			for range pairs {
				smaller := without(few(r, population, 12), target)
				with, less := house.groupKeyed(joined(smaller, target), facts), house.groupKeyed(smaller, facts)
				seen = append(seen, attack.Pair{WithLow: with, WithHigh: with, WithoutLow: less, WithoutHigh: less})
			}
			return attack.Differencing(.5, twice, seen...)
		})
		near(t, "pairs", g.Accuracy(), want, chance(bits))
	}
}

// zeroContributor shows the reason why noise is keyed on the whole group.
func zeroContributor(t *testing.T, bits int) {
	t.Helper()
	house := newKeyed(t, 4, population)
	test := attack.TextbookKeys(attack.Gaussian(usual))
	equality := func(print publisher, pairs int) attack.Game {
		return play(uint64(pairs), bits, 12, func(r *rand.Rand, _ []int, target int, facts []bool) float64 {
			var same []bool
			for range pairs {
				smaller := without(few(r, population, 12), target)
				same = append(same, print(joined(smaller, target), facts) == print(smaller, facts))
			}
			return test.Posterior(.5, same...)
		})
	}
	weak := equality(house.textbook, 1)
	near(t, "one pair, textbook keys", weak.Accuracy(), .934, chance(bits))
	near(t, "three pairs, textbook keys", equality(house.textbook, 3).Accuracy(), .999, .001)
	strong := equality(house.groupKeyed, 1)
	if exceeds(t, strong, .53, bits) || !exceeds(t, weak, .53, bits) {
		t.Errorf("group keys: %s; textbook keys: %s", strong, weak)
	}
}

func reloads(t *testing.T, bits int) {
	t.Helper()
	house, law := newKeyed(t, 5, population), attack.Gaussian(usual)
	reload := func(print publisher, which func([]attack.Sighting) []attack.Sighting) attack.Game {
		return play(7, bits, 12, func(_ *rand.Rand, members []int, target int, facts []bool) float64 {
			var seen []attack.Sighting
			for range 15 {
				seen = append(seen, sighting(print(members, facts), sum(without(members, target), facts), law))
			}
			return attack.Insider(.5, attack.Bit(), which(seen)...)
		})
	}
	g := reload(house.groupKeyed, attack.Distinct)
	if exceeds(t, g, .60, bits) {
		t.Errorf("many looks tell more than one: %s", g)
	}
	counted := func(seen []attack.Sighting) []attack.Sighting { return seen }
	if fooled := reload(house.groupKeyed, counted); g.Gained < 0 || fooled.Gained > 0 {
		t.Errorf("an attacker who counts one answer many times is not misled: %s; %s", fooled, g)
	}
	if g := reload(unsticky(t, coin(8)), attack.Distinct); !exceeds(t, g, .60, bits) {
		t.Errorf("the attack fails on noise that is drawn anew: %s", g)
	}
}

func TestNoEvidenceLeavesThePrior(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prior := rapid.Float64Range(.01, .99).Draw(t, "prior")
		law := attack.Gaussian(usual)
		for what, got := range map[string]float64{
			"no figure":             attack.Insider(prior, attack.Bit()),
			"an impossible figure":  attack.Insider(prior, attack.Bit(), sighting(900, 0, law)),
			"no pair":               attack.Differencing(prior, law),
			"no comparison":         attack.TextbookKeys(law).Posterior(prior),
			"a fact without effect": attack.Insider(prior, attack.Fact{No: 1, Yes: 1}, sighting(3, 2, law)),
		} {
			if got < prior-1e-9 || got > prior+1e-9 {
				t.Fatalf("%s: %.4f, not %.4f", what, got, prior)
			}
		}
	})
}

func TestExactFiguresDecide(t *testing.T) {
	t.Parallel()
	none := attack.Gaussian(0)
	if p := attack.Insider(.5, attack.Bit(), sighting(8, 7, none)); p != 1 {
		t.Errorf("8 of which 7 are others': a posterior of %.3f", p)
	}
	if p := attack.Insider(.5, attack.Bit(), sighting(7, 7, none)); p != 0 {
		t.Errorf("7 of which 7 are others': a posterior of %.3f", p)
	}
	band := attack.Sighting{Low: 5, High: 9, Others: 7, Law: none}
	if p := attack.Insider(.3, attack.Bit(), band); p < .3-1e-9 || p > .3+1e-9 {
		t.Errorf("a band that fits both moved the prior to %.3f", p)
	}
}
