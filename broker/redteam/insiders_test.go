package redteam_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// insiders are attacks 3, 8, 11, 12, 14, 17 and 18: games about one student,
// whose outcome is a coin, against somebody who knows much or all of the others.
func insiders() []line {
	exact := []build{weakBuild(sdc.WeakExact)}
	return []line{
		{3, "public total less the rest", ".60", exact, publicTotal, false},
		{8, "partition averaging", "sd 1.3 at least, exact .35 at most", exact, partitions, false},
		{11, "drop one and ask again, same period", ".53", []build{long(weakBuild(sdc.WeakNoGuard)), weakBuild(sdc.WeakExact)}, dropSamePeriod, false},
		{12, "drop one, next period", ".60", exact, dropNextPeriod, false},
		{14, "zero contributor", ".53", []build{weakBuild(sdc.WeakCellKey)}, zeroContributor, false},
		{17, "year to date less earlier terms", ".69", exact, yearToDate, false},
		{18, "collusion, overlap", ".76; 8 figures a student; nobody in the span", exact, collusion, false},
	}
}

// play plays districts of a kind until there are bits enough.
func (x *trial) play(bits int, kind func(seed uint64) shape, one func(d *district) attack.Game) attack.Game {
	x.t.Helper()
	var all attack.Game
	for seed := uint64(100); all.Bits() < bits && seed < 400; seed++ {
		d := x.open(kind(seed))
		g := one(d)
		d.end()
		if all.Add(g); g.Bits() == 0 {
			break // nothing was printed, and nothing will be
		}
	}
	return all
}

// gameBits is the length of a game.
func (x *trial) gameBits() int { return x.rounds(20_000, 200) }

func publicTotal(x *trial) {
	disagree, looked := 0, 0
	g := x.play(x.gameBits(), func(seed uint64) shape { return fairTown(seed, 20, x.rounds(18, 2)) }, func(d *district) (g attack.Game) {
		d.close(d.periods()[:4]...)
		draw := coin(d.seed)
		for _, v := range d.read(d.periods()[:4]...) {
			seen := x.mine(v, true)
			if len(seen) == 0 {
				continue
			}
			looked++
			if len(seen) > 1 {
				disagree++
			}
			g.Add(x.aboutOne(d, v, seen, draw))
		}
		return g
	})
	x.measured("total less rest differs from the cohort in %d of %d rows", disagree, looked)
	if disagree > 0 && x.protected() {
		x.breach("the rest says something else of the cohort than the cohort does")
	}
	x.judge("insider", g, boundOne)
}

// aboutOne plays for one member of a row whom the attacker does not know.
func (x *trial) aboutOne(d *district, v view, seen []attack.Equation, draw *rand.Rand) (g attack.Game) {
	target := v.p[draw.IntN(len(v.p))]
	truth := func(i int) bool { return d.bit(v.indicator, v.period, i) }
	g.Play(.5, x.insider(target, seen, truth), truth(target), draw)
	return g
}

// partitions estimates each sum from the row and from its grades.
func partitions(x *trial) {
	var wrong []float64
	var hit attack.Game
	for seed := range x.rounds(20, 1) {
		s := shape{seed: uint64(seed) + 500, students: 5000, schools: 10, terms: 4, share: .25}
		s.pacts = clubs(makeWorld(s), 200, 1, bits, nil)
		d := x.closed(s)
		views := d.read(d.periods()...)
		d.end()
		for _, t := range tablesOf(views) {
			if best, ok := x.partitioned(t); ok {
				miss := best - d.total(t[0].indicator, t[0].period, t[0].p)
				wrong = append(wrong, miss)
				hit.Guess(math.Abs(miss) < .5, true)
			}
		}
	}
	sum := 0.
	for _, e := range wrong {
		sum += e * e
	}
	sd := math.Sqrt(sum / float64(len(wrong)))
	x.must(len(wrong) > 0, "no row was printed with all of its grades")
	x.measured("error of the best average: sd %.2f", sd)
	if sd*(1+3.09/math.Sqrt(2*float64(len(wrong)))) < 1.3 {
		x.breach("the best average of %d sums is off by %.2f", len(wrong), sd)
	}
	x.judgeFew("exact", hit, .35)
}

// partitioned averages the pooled row with the sums of its parts.
func (x *trial) partitioned(t table) (float64, bool) {
	of := t[slices.IndexFunc(t, func(v view) bool { return v.row == "all" })]
	var seen []attack.Estimate
	by := t.parts(of)
	for _, rows := range append(by[:], table{of}) {
		var parts []attack.Equation
		for _, v := range rows {
			parts = append(parts, x.mine(v, false)...)
		}
		if len(parts) == len(rows) && len(rows) > 0 {
			seen = append(seen, attack.Total(parts...))
		}
	}
	if len(seen) == 0 {
		return 0, false
	}
	return attack.Averaged(seen...).Value, true
}

// pairs are partners with and without one student, so many pairs a target, one
// target a school.
func pairs(seed uint64, schools, each, n int) shape {
	s := shape{seed: seed, students: 500 * schools, schools: schools, terms: 4, share: .5}
	w, draw := makeWorld(s), coin(seed)
	for school := range s.schools {
		pool := w.in(school, -1)
		target := pool[draw.IntN(len(pool))]
		for k := range each {
			others := sample(draw, without(pool, target), n)
			for _, which := range []string{"a", "b"} {
				p := pact{id: fmt.Sprintf("%s-%d-%d", which, school, k), schools: []int{school}, indicators: bits, grain: []string{"all"}, roster: others}
				if which == "a" {
					p.roster = sorted(append(slices.Clone(others), target))
				}
				s.pacts = append(s.pacts, p)
			}
		}
	}
	return s
}

func dropSamePeriod(x *trial) {
	fresh, asked := x.reasked()
	x.measured("%d of %d answers changed with the roster", fresh, asked)
	if fresh > 0 {
		x.breach("%d answers changed with the roster of a closed period", fresh)
	}
	both, all := 0, 0
	g := x.play(x.rounds(20_000, x.suited(40, 140)), func(seed uint64) shape { return pairs(seed, 4, x.rounds(30, x.suited(1, 15)), 60) }, func(d *district) (g attack.Game) {
		d.close(d.periods()[:4]...)
		draw := coin(d.seed)
		found, tried := d.printedPairs(x)
		all += tried
		for k, list := range found {
			both += len(list)
			law := x.law(2 * x.variance(list[0].profile))
			target := list[0].target
			var pairs []attack.Pair
			for _, f := range list {
				pairs = append(pairs, f.Pair)
			}
			g.Play(.5, attack.Differencing(.5, law, pairs...), d.bit(k[1], k[2], target), draw)
		}
		return g
	})
	x.measured("%d of %d pairs printed", both, all)
	x.judgeFew("the student between them", g, boundCoin)
}

// suited is a count for most builds, or for one that takes long to break.
func (x *trial) suited(most, hard int) int {
	if x.build.long {
		return hard
	}
	return most
}

// long is a build that takes long to break.
func long(b build) build {
	b.long = true
	return b
}

// reasked drops students from a roster after the close, one after the other.
func (x *trial) reasked() (fresh, asked int) {
	d := x.closed(pair(70))
	p := d.pacts[1]
	a := d.attacker(p.id)
	ask := func() string { return printedOf(a.comparison(termID(0), "all")) }
	was := ask()
	for _, i := range p.roster[:x.rounds(200, 10)] {
		a.upload(without(p.roster, i))
		d.close(termID(0))
		if asked++; ask() != was {
			fresh++
		}
	}
	return fresh, asked
}

// found is a pair of sums that differ by the target.
type found struct {
	attack.Pair
	target  int
	profile string
	same    bool
}

// printedPairs are the pairs of which both sums are printed, by school,
// indicator and period.
func (d *district) printedPairs(x *trial) (out map[[3]string][]found, tried int) {
	out = map[[3]string][]found{}
	with := map[[4]string]view{}
	for _, v := range d.read(d.periods()[:4]...) {
		which, pair, _ := strings.Cut(v.agreement, "-")
		k := [4]string{pair, v.indicator, v.period}
		if which == "a" {
			with[k] = v
			continue
		}
		tried++
		a, other := x.mine(with[k], false), x.mine(v, false)
		if len(a) == 0 || len(other) == 0 {
			continue
		}
		target := slices.IndexFunc(with[k].p, func(i int) bool { return !contains(v.p, i) })
		school, _, _ := strings.Cut(pair, "-")
		key := [3]string{school, v.indicator, v.period}
		out[key] = append(out[key], found{
			Pair:   attack.Pair{WithLow: a[0].Low, WithHigh: a[0].High, WithoutLow: other[0].Low, WithoutHigh: other[0].High},
			target: with[k].p[target], profile: v.profile, same: math.Abs(a[0].Value-other[0].Value) < .5,
		})
	}
	return out, tried
}

func dropNextPeriod(x *trial) {
	leaving := func(seed uint64) shape {
		s := fairTown(seed, 20, x.rounds(18, 6))
		s.constant, s.terms = true, 2
		return s
	}
	g := x.play(x.rounds(20_000, 150), leaving, func(d *district) (g attack.Game) {
		draw := coin(d.seed)
		targets := map[string]int{}
		d.close(termID(0))
		before := map[[2]string]view{}
		for _, v := range d.read(termID(0)) {
			before[[2]string{v.agreement, v.indicator}] = v
		}
		for i, p := range d.pacts {
			targets[p.id] = p.roster[draw.IntN(len(p.roster))]
			d.pacts[i].roster = without(p.roster, targets[p.id])
			d.attacker(p.id).upload(d.pacts[i].roster)
		}
		d.close(termID(1))
		for _, v := range d.read(termID(1)) {
			a, b := x.mine(before[[2]string{v.agreement, v.indicator}], false), x.mine(v, false)
			if len(a) == 0 || len(b) == 0 {
				continue
			}
			p := attack.Pair{WithLow: a[0].Low, WithHigh: a[0].High, WithoutLow: b[0].Low, WithoutHigh: b[0].High}
			target := targets[v.agreement]
			g.Play(.5, attack.Differencing(.5, x.law(2*x.variance(v.profile)), p), d.bit(v.indicator, v.period, target), draw)
		}
		return g
	})
	x.judge("the student who left", g, boundOne)
}

func zeroContributor(x *trial) {
	both, all := 0, 0
	g := x.play(x.rounds(20_000, 120), func(seed uint64) shape { return pairs(seed, 10, 1, 40) }, func(d *district) (g attack.Game) {
		d.close(d.periods()[:4]...)
		draw := coin(d.seed)
		test := attack.TextbookKeys(x.law(4))
		found, tried := d.printedPairs(x)
		all += tried
		for k, list := range found {
			both += len(list)
			g.Play(.5, test.Posterior(.5, list[0].same), d.bit(k[1], k[2], list[0].target), draw)
		}
		return g
	})
	x.measured("%d of %d pairs printed", both, all)
	x.judgeFew("the student between them", g, boundCoin)
}

// yearToDate: of students who were not suspended in three terms, the year's
// figure asks the same as the fourth term's.
func yearToDate(x *trial) {
	asked := []string{suspended, inSchool}
	last := termID(3)
	g := x.play(x.rounds(20_000, 60), func(seed uint64) shape { return only(fairTown(seed, 20, x.rounds(18, 4)), asked) }, func(d *district) (g attack.Game) {
		d.close(last, yearID)
		draw := coin(d.seed)
		seen := map[[2]string][]attack.Equation{}
		year := map[[2]string][]attack.Equation{}
		for _, v := range d.read(last, yearID) {
			k := [2]string{v.agreement, v.indicator}
			if v.period == yearID {
				year[k] = x.mine(v, true)
			} else {
				seen[k] = x.mine(v, true)
			}
		}
		for _, p := range d.pacts {
			for _, indicator := range asked {
				k := [2]string{p.id, indicator}
				i := slices.IndexFunc(p.roster, func(i int) bool { return d.free(indicator, i) })
				if i < 0 || len(seen[k]) == 0 || len(year[k]) == 0 {
					continue
				}
				posterior := x.insider(p.roster[i], seen[k], func(o int) bool { return d.bit(indicator, last, o) })
				posterior = x.insiderFrom(posterior, p.roster[i], year[k], func(o int) bool { return d.bit(indicator, yearID, o) })
				g.Play(.5, posterior, d.bit(indicator, last, p.roster[i]), draw)
			}
		}
		return g
	})
	x.judge("the fourth term", g, boundFour)
}

// only is a shape whose partners ask for fewer indicators.
func only(s shape, indicators []string) shape {
	for i := range s.pacts {
		s.pacts[i].indicators = indicators
	}
	return s
}

// free reports that nothing came of a student in the first three terms.
func (w *world) free(indicator string, student int) bool {
	return !slices.ContainsFunc(all(3), func(t int) bool { return w.bit(indicator, termID(t), student) })
}

// circles are five partners whose rosters overlap in a target: three circles a
// school, each with students of its own.
func circles(seed uint64, schools, each int) shape {
	s := shape{seed: seed, students: 500 * schools, schools: schools, terms: 4, share: .5}
	w, draw := makeWorld(s), coin(seed)
	for school := range s.schools {
		students := sample(draw, w.in(school, -1), 500)
		draw.Shuffle(len(students), func(i, j int) { students[i], students[j] = students[j], students[i] })
		for c := range each {
			pool := students[c*140 : (c+1)*140]
			for k := range 5 {
				roster := sorted(append(sample(draw, pool[1:], 60), pool[0]))
				s.pacts = append(s.pacts, pact{
					id: fmt.Sprintf("c-%d-%d-%d", school, c, k), schools: []int{school}, indicators: bits, grain: []string{"all", "grade"}, roster: roster,
				})
			}
		}
	}
	return s
}

// centres are the targets of the circles: whom all five have.
func (s shape) centres() map[string]int {
	out := map[string]int{}
	for i := 0; i < len(s.pacts); i += 5 {
		in := s.pacts[i].roster
		for _, p := range s.pacts[i+1 : i+5] {
			in = slices.DeleteFunc(slices.Clone(in), func(x int) bool { return !contains(p.roster, x) })
		}
		id := s.pacts[i].id
		out[id[:strings.LastIndex(id, "-")]] = in[0]
	}
	return out
}

func collusion(x *trial) {
	most, first := 0, true
	g := x.play(x.rounds(20_000, 90), func(seed uint64) shape { return circles(seed, x.rounds(10, 4), x.rounds(3, 2)) }, func(d *district) (g attack.Game) {
		d.close(d.periods()[:4]...)
		draw := coin(d.seed)
		views := d.read(d.periods()[:4]...)
		most = max(most, exposure(views))
		if first {
			first = false
			x.inSpan(d, views)
		}
		targets := d.centres()
		for k, seen := range x.byCircle(views, targets) {
			target := targets[k[0]]
			if len(seen) == 0 {
				continue
			}
			truth := func(i int) bool { return d.bit(k[1], k[2], i) }
			g.Play(.5, x.insider(target, seen, truth), truth(target), draw)
		}
		return g
	})
	x.measured("at most %d figures of one student", most)
	if most > 8 {
		x.breach("one student counts in %d figures of an indicator and period", most)
	}
	x.judge("insider of five partners", g, boundEight)
}

// exposure is the greatest number of different printed cohorts of an indicator
// and period that one student is in.
func exposure(views []view) int {
	type key struct {
		period, indicator string
		student           int
	}
	count, seen := map[key]int{}, map[string]bool{}
	most := 0
	for _, v := range views {
		set := fmt.Sprint(v.period, v.indicator, v.p)
		if !v.cohort.printed() || seen[set] {
			continue
		}
		seen[set] = true
		for _, i := range v.p {
			k := key{v.period, v.indicator, i}
			count[k]++
			most = max(most, count[k])
		}
	}
	return most
}

// inSpan looks for students whose value is a combination of printed sums.
func (x *trial) inSpan(d *district, views []view) {
	sums := 0
	for school := range d.schools {
		var here []view
		for _, v := range views {
			if strings.HasPrefix(v.agreement, fmt.Sprintf("c-%d-", school)) && v.period == termID(0) && v.indicator == chronic {
				here = append(here, v)
			}
		}
		for _, sets := range d.pooled(here) {
			sums += len(sets)
			for _, group := range reach(sets, nil).small() {
				if len(group) == 1 {
					x.breach("one student's value is a combination of %d sums", len(sets))
				}
			}
		}
	}
	x.measured("%d sums of one period spanned", sums)
}

// byCircle are the sums over the target's rows, by circle, indicator and period.
func (x *trial) byCircle(views []view, targets map[string]int) map[[3]string][]attack.Equation {
	out := map[[3]string][]attack.Equation{}
	for _, v := range views {
		circle := v.agreement[:strings.LastIndex(v.agreement, "-")]
		if contains(v.p, targets[circle]) {
			k := [3]string{circle, v.indicator, v.period}
			out[k] = append(out[k], x.mine(v, true)...)
		}
	}
	return out
}
