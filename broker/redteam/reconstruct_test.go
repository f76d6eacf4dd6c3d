package redteam_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// reconstructions are attacks 13, 22 and 32: all figures at once, for all
// students at once.
func reconstructions() []line {
	exact := []build{weakBuild(sdc.WeakExact)}
	return []line{
		{13, "random rosters", "balanced .56; base rate + .02", []build{weakBuild(sdc.WeakNoGuard), weakBuild(sdc.WeakExact)}, randomRosters, false},
		{22, "posterior over all bits, 0/70/95 % known", "claims .03/.05/.08; no yes exposed", []build{weakBuild(sdc.WeakSuppressOnly)}, posteriors, false},
		{32, "reconstruction by integers", "0 proven values", exact, proven, false},
	}
}

// places give the students of a puzzle the numbers from nought.
type places struct {
	students []int
	at       map[int]int
}

func placesOf(students []int) places {
	p := places{students: students, at: map[int]int{}}
	for k, i := range students {
		p.at[i] = k
	}
	return p
}

// moved is a figure in a puzzle's numbers.
func (p places) moved(e attack.Equation) attack.Equation {
	e.Members = mapped(e.Members, func(i int) int { return p.at[i] })
	slices.Sort(e.Members)
	return e
}

// crowd is so many partners with random rosters of the same school.
func crowd(seed uint64, students, rosters int) shape {
	s := shape{seed: seed, students: 2 * students, schools: 2, terms: 1, share: .25}
	w, draw := makeWorld(s), coin(seed)
	for k := range rosters {
		s.pacts = append(s.pacts, pact{id: fmt.Sprintf("r-%d", k), schools: []int{0}, indicators: bits, grain: []string{"all"}, roster: sample(draw, w.in(0, -1), students*2/5)})
	}
	return s
}

func randomRosters(x *trial) {
	students, rosters := x.rounds(500, 60), x.rounds(500, 110)
	var ridge, box attack.Game
	printed := 0
	for seed := range x.rounds(4, 1) {
		d := x.closed(crowd(uint64(seed)+90, students, rosters))
		p := placesOf(d.in(0, -1))
		for _, indicator := range bits {
			view := attack.View{Students: len(p.students)}
			for _, v := range d.read(termID(0)) {
				if v.indicator == indicator {
					view.Equations = append(view.Equations, mapped(x.mine(v, true), p.moved)...)
				}
			}
			printed += len(view.Equations)
			x.score(&ridge, d, p, indicator, solved(x, view, attack.LeastSquares))
			x.score(&box, d, p, indicator, solved(x, view, func(v attack.View) ([]float64, error) { return attack.Rounding(v, x.rounds(3000, 1000)) }))
		}
	}
	x.measured("%d sums of %d rosters printed", printed, rosters)
	for _, solver := range []struct {
		name string
		game attack.Game
	}{{"ridge", ridge}, {"rounding", box}} {
		x.judgeBalanced(solver.name, solver.game, .56)
		x.judgeBase(solver.name, solver.game, .02)
	}
}

func solved(x *trial, v attack.View, solve func(attack.View) ([]float64, error)) []float64 {
	x.t.Helper()
	scores, err := solve(v)
	if err != nil {
		x.t.Fatal(err)
	}
	return scores
}

// score calls as many a yes as there are.
func (x *trial) score(g *attack.Game, d *district, p places, indicator string, scores []float64) {
	yes := 0
	for _, i := range p.students {
		yes += int(truth(d.bit(indicator, termID(0), i)))
	}
	cut := attack.Cut(scores, float64(yes)/float64(len(scores)))
	for k, i := range p.students {
		g.Guess(scores[k] > cut, d.bit(indicator, termID(0), i))
	}
}

func (x *trial) judgeBalanced(name string, g attack.Game, bound float64) {
	x.t.Helper()
	lost, err := attack.Judge{Least: 1, Doubt: .001}.ExceedsBalanced(g, bound)
	if err != nil {
		x.t.Fatal(err)
	}
	x.measured("%s: balanced %.3f of %d", name, g.Balanced(), g.Bits())
	if lost {
		x.breach("%s: balanced %.3f of %d", name, g.Balanced(), g.Bits())
	}
}

// judgeBase compares an attack with always naming the commoner value.
func (x *trial) judgeBase(name string, g attack.Game, margin float64) {
	x.t.Helper()
	lost, err := attack.Judge{Least: 1, Doubt: .001}.ExceedsBase(g, margin)
	if err != nil {
		x.t.Fatal(err)
	}
	x.measured("%s: %.3f right, base rate %.3f", name, g.Accuracy(), g.Base())
	if lost {
		x.breach("%s: %.3f right, base rate %.3f", name, g.Accuracy(), g.Base())
	}
}

// lifelike is a district of eight partners a school, of twelve to ninety students
// of whom none has two, whose outcomes go with grade and with what nobody knows.
func lifelike(seed uint64, schools int) shape {
	s := shape{seed: seed, students: 500 * schools, schools: schools, terms: 4}
	w, draw := makeWorld(s), coin(seed)
	for school := range schools {
		pool := w.in(school, -1)
		draw.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		for k, n := range []int{12, 90, 20, 75, 30, 60, 40, 50} {
			s.pacts = append(s.pacts, pact{
				id: fmt.Sprintf("s-%d-%d", school, k), schools: []int{school}, indicators: []string{chronic}, grain: divided, roster: sorted(slices.Clone(pool[:n])),
			})
			pool = pool[n:]
		}
	}
	return s
}

// posteriors: the attacker has the true shares by grade, all totals, and the
// values of a part of its own students.
func posteriors(x *trial) {
	for _, c := range []struct {
		share, claims, bits float64
	}{{0, .03, .05}, {.7, .05, .07}, {.95, .08, .11}} {
		if !x.protected() && c.share < .9 {
			continue // what a weak build gives away most of
		}
		x.unmixed = 0
		g := x.play(x.rounds(20_000, 100), func(seed uint64) shape { return lifelike(seed, x.rounds(10, 2)) }, func(d *district) (g attack.Game) {
			d.close(d.periods()[:d.terms]...)
			draw := coin(d.seed)
			for _, t := range tablesOf(d.read(d.periods()[:d.terms]...)) {
				g.Add(x.posterior(d, t, c.share, draw))
			}
			return g
		})
		x.must(10*x.unmixed <= g.Bits(), "chains did not mix")
		x.claims(fmt.Sprintf("%.0f %% known", 100*c.share), g, c.claims, c.bits)
	}
}

// claims judges what an attacker would say of students with 95 % confidence.
func (x *trial) claims(name string, g attack.Game, claims, gained float64) {
	house := attack.House()
	x.measured("%s: %.1f %% claimed, %d of %d yes exposed, %.3f bits gained, of %d", name, 100*g.ClaimShare(), g.Exposed, g.Yes(), g.BitsEach(), g.Bits())
	if limit := house.Lower(g.Claims, g.Bits()); limit > claims {
		x.breach("%s: %.1f %% claimed, %d of %d yes exposed", name, 100*g.ClaimShare(), g.Exposed, g.Yes())
	}
	if limit := house.Lower(g.Exposed, max(1, g.Yes())); limit > .01 || x.full && x.protected() && g.Exposed > 0 {
		x.breach("%s: %d of %d yes exposed", name, g.Exposed, g.Yes())
	}
	if x.full && x.protected() && g.BitsEach() > gained {
		x.breach("%s: %.3f bits gained, bound %.2f", name, g.BitsEach(), gained)
	}
}

// posterior plays for the members of the partner whom the attacker does not
// know. With the total public, what is printed of the rest speaks of the partner's
// students, so that they alone make the puzzle.
func (x *trial) posterior(d *district, t table, share float64, draw *rand.Rand) (g attack.Game) {
	of := t[slices.IndexFunc(t, func(v view) bool { return v.row == "all" })]
	p := placesOf(of.p)
	view := attack.View{Students: len(p.students), Known: map[int]bool{}, Prior: d.rates(of, p)}
	for _, v := range t {
		view.Equations = append(view.Equations, mapped(x.mine(v, true), p.moved)...)
	}
	for _, i := range of.p {
		if draw.Float64() < share {
			view.Known[p.at[i]] = d.bit(of.indicator, of.period, i)
		}
	}
	view, err := attack.Pooled(view) // the pooled row and that of the only school are one figure
	if err != nil {
		x.t.Fatal(err)
	}
	found, err := attack.Sample(view, attack.Sampling{Chains: 4, BurnIn: 250, Sweeps: 1000}, draw)
	if err != nil {
		x.t.Fatal(err)
	}
	if !found.Mixed() {
		x.unmixed++
		return g
	}
	for _, i := range of.p {
		if _, known := view.Known[p.at[i]]; !known {
			g.Play(view.Prior[p.at[i]], found.Chances[p.at[i]], d.bit(of.indicator, of.period, i), draw)
		}
	}
	return g
}

// rates are the shares of the whole district by grade.
func (d *district) rates(v view, p places) []float64 {
	byGrade := map[int]float64{}
	for g := range grades {
		students := d.in(-1, firstGrade+g)
		byGrade[firstGrade+g] = (d.total(v.indicator, v.period, students) + .5) / float64(len(students)+1)
	}
	return mapped(p.students, func(i int) float64 { return byGrade[d.grade[i]] })
}

// proven looks for values that hold in every assignment that the figures of the
// smallest partners of one school and the public totals allow.
func proven(x *trial) {
	d, views := x.read(town(1, x.rounds(4, 2)))
	claims, wrong, undecided, figures := 0, 0, 0, 0
	p := placesOf(d.in(1, -1))
	for _, indicator := range bits {
		for _, period := range d.periods() {
			puzzle := x.puzzle(p, views, indicator, period)
			figures += len(puzzle.Equations)
			found, err := attack.Certain(puzzle, 20_000)
			if err != nil {
				x.t.Fatal(err)
			}
			undecided += found.Undecided
			for k, yes := range found.Claims {
				claims++
				if d.bit(indicator, period, p.students[k]) != yes {
					wrong++
				}
				x.breach("a student's value is the same in every solution")
			}
		}
	}
	x.measured("%d values proven, %d of them wrong, %d undecided, from %d sums", claims, wrong, undecided, figures)
}

// puzzle is what is known of one indicator and period.
func (x *trial) puzzle(p places, views []view, indicator, period string) attack.View {
	out := attack.View{Students: len(p.students)}
	for _, v := range views {
		smallest := slices.Contains([]string{"eight", "nine", "ten", "eleven"}, v.agreement)
		if v.indicator != indicator || v.period != period || !smallest || len(v.t) == 0 {
			continue
		}
		out.Equations = append(out.Equations, p.moved(attack.Exactly(v.t, x.total(v))))
		out.Equations = append(out.Equations, mapped(x.mine(v, false), p.moved)...)
	}
	return out
}
