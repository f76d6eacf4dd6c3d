package attack_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// A year less its earlier terms is the last term. With the noise of four figures
// an insider learns less of it than from one.
func TestAYearLessItsTermsTellsLessThanATermAlone(t *testing.T) {
	t.Parallel()
	const games = 20_000
	r := coin(1)
	draw, none := sampler(t, 4), func(*rand.Rand) float64 { return 0 }
	members := upTo(0, 12)
	year := func(noise func(*rand.Rand) float64, variance float64) attack.Game {
		var g attack.Game
		for i := range games {
			last := facts(r, 12, .5)
			last[3] = i%2 == 1
			known := map[int]bool{}
			for x, yes := range last {
				known[x] = yes
			}
			delete(known, 3)
			total := sum(members, last)
			terms := make([]attack.Term, 0, 4)
			for range 3 {
				events := float64(r.IntN(8))
				total += events
				terms = append(terms, attack.Term{Equation: attack.Noisy(members, events+noise(r), variance), Factor: -1})
			}
			terms = append(terms, attack.Term{Equation: attack.Noisy(members, total+noise(r), variance), Factor: 1})
			c := attack.Combine(terms...)
			c.Factors = map[int]float64{}
			for _, x := range members {
				c.Factors[x] = 1
			}
			s, ok := c.Sighting(3, known)
			if !ok {
				t.Fatal("the target is not in the combination")
			}
			g.Play(.5, attack.Insider(.5, attack.Bit(), s), last[3], r)
		}
		return g
	}
	strong, weak := year(draw, usual), year(none, 0)
	near(t, "four noises", strong.Accuracy(), .55, .02)
	if exceeds(t, strong, .6915, games) || !exceeds(t, weak, .6915, games) {
		t.Errorf("noisy: %s; exact: %s", strong, weak)
	}
}

// A public whole less the rest is the participants' figure once more, and not a
// second look at them.
func TestAPublicWholeLessTheRestIsTheSameFigure(t *testing.T) {
	t.Parallel()
	all, cohort := upTo(0, 40), upTo(0, 12)
	bits := facts(coin(2), 40, .4)
	for noise := -5.; noise <= 5; noise++ {
		printed := sum(cohort, bits) + noise
		rest := attack.Noisy(upTo(12, 40), sum(all, bits)-printed, usual)
		c := attack.Combine(attack.Term{Equation: attack.Exactly(all, sum(all, bits)), Factor: 1}, attack.Term{Equation: rest, Factor: -1})
		if c.Value != printed || c.Variance != usual || len(c.Students()) != len(cohort) || c.Students()[11] != 11 {
			t.Fatalf("%+v, not the %.0f that is printed of the cohort", c, printed)
		}
		e := attack.Noisy(cohort, printed, usual)
		if n := e.Narrowed(c.Value, c.Value); n.Low != printed || n.High != printed || n.Variance != usual {
			t.Fatalf("narrowed by itself it is %+v", n)
		}
	}
}

func TestACombinationTellsNothingOfStrangers(t *testing.T) {
	t.Parallel()
	c := attack.Combine(
		attack.Term{Equation: attack.Exactly([]int{0, 1, 2}, 2), Factor: 2},
		attack.Term{Equation: attack.Exactly([]int{1, 2}, 1), Factor: -2},
	)
	if got := c.Students(); len(got) != 1 || got[0] != 0 {
		t.Errorf("students %v are left, want student 0", got)
	}
	if _, ok := c.Sighting(1, nil); ok {
		t.Error("a student who cancels out is seen")
	}
	s, ok := c.Sighting(0, nil)
	if p := attack.Insider(.5, attack.Bit(), s); !ok || p != 1 {
		t.Errorf("twice the difference of one: a posterior of %.3f", p)
	}
	two := attack.Combine(attack.Term{Equation: attack.Exactly([]int{0, 1}, 1), Factor: 1})
	if _, ok := two.Sighting(0, map[int]bool{}); ok {
		t.Error("a sum with a stranger in it is a sighting")
	}
}

// totals estimates the total of a group of 120 from partitions of it in so many
// parts each, and tells how far off it is and how often exact, where a half may be
// rounded either way.
func totals(t *testing.T, games int, partitions ...int) (deviation, exact float64) {
	t.Helper()
	r, draw, all := coin(uint64(len(partitions))), sampler(t, 4), upTo(0, 120)
	for range games {
		bits := facts(r, len(all), .25)
		var seen []attack.Estimate
		for _, parts := range partitions {
			split := make([][]int, parts)
			for _, x := range all {
				k := r.IntN(parts)
				split[k] = append(split[k], x)
			}
			var figures []attack.Equation
			for _, part := range split {
				figures = append(figures, attack.Noisy(part, sum(part, bits)+draw(r), usual))
			}
			seen = append(seen, attack.Total(figures...))
		}
		off := math.Abs(attack.Averaged(seen...).Value - sum(all, bits))
		deviation += off * off / float64(games)
		exact += (float64(one(off < .5-1e-9)) + float64(one(off < .5+1e-9))) / 2 / float64(games)
	}
	return math.Sqrt(deviation), exact
}

func TestPartitionsAverageNoiseAwayOnlyWhereQueriesAreFree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what             string
		partitions       []int
		games            int
		deviation, exact float64
	}{
		{"the whole", []int{1}, 4000, 2.0, .20},
		{"the whole, two halves and four grades", []int{1, 2, 4}, 4000, 1.5, .26},
		{"two hundred splits", slices.Repeat([]int{2}, 200), 300, .20, .987},
	} {
		deviation, exact := totals(t, c.games, c.partitions...)
		near(t, c.what+", deviation", deviation, c.deviation, .1)
		near(t, c.what+", exact", exact, c.exact, .03)
	}
	if got := attack.Averaged(attack.Estimate{Value: 3, Variance: 2}, attack.Estimate{Value: 7}); got.Value != 7 || got.Variance != 0 {
		t.Errorf("an exact figure among noisy ones gives %+v", got)
	}
	if got := attack.Averaged(); got != (attack.Estimate{}) {
		t.Errorf("nothing averages to %+v", got)
	}
}
