package redteam_test

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// subtractions are attacks 4, 5 and 10: printed sums are added and taken away
// until a small group is left.
func subtractions() []line {
	return []line{
		{4, "complement in a breakdown", "0 sets under ten", []build{weakBuild(sdc.WeakNoComplement)}, complements, false},
		{5, "linked hierarchies", "0 hidden rows", []build{weakBuild(sdc.WeakNoComplement)}, hierarchies, false},
		{10, "general tracker", "0 students in the span", []build{weakBuild(sdc.WeakNoGuard), weakBuild(sdc.WeakExact)}, trackers, false},
	}
}

// table is all rows of one figure.
type table []view

// tablesOf sorts views into figures.
func tablesOf(views []view) []table {
	place := map[[3]string]int{}
	var list []table
	for _, v := range views {
		k := [3]string{v.agreement, v.period, v.indicator}
		if _, ok := place[k]; !ok {
			place[k] = len(list)
			list = append(list, nil)
		}
		list[place[k]] = append(list[place[k]], v)
	}
	return list
}

// sides are the sets of a row, and whether the sum of each can be read.
func (v view) sides() (sets [3][]int, printed [3]bool) {
	pair := v.cohort.printed() && v.rest.printed()
	return [3][]int{v.p, v.r, v.t}, [3]bool{v.cohort.printed(), v.rest.printed(), pair || v.whole.printed()}
}

// parts are the rows that divide a row by school, by grade, and by group. Nothing
// divides a group.
func (t table) parts(parent view) [3]table {
	var by [3]table
	for _, v := range t {
		switch {
		case parent.group != "":
			return by
		case v.group != "" && parent.row == "all":
			by[2] = append(by[2], v)
		}
		if v.group != "" {
			continue
		}
		if parent.school == "" && v.school != "" && v.grade == parent.grade {
			by[0] = append(by[0], v)
		}
		if parent.grade == "" && v.grade != "" && v.school == parent.school {
			by[1] = append(by[1], v)
		}
	}
	return by
}

func complements(x *trial) {
	derived := 0
	for _, s := range []shape{lopsided(), town(1, x.rounds(4, 2))} {
		d, views := x.read(s)
		for _, t := range tablesOf(views) {
			for _, parent := range t {
				derived += x.complementsOf(d, t, parent)
			}
		}
	}
	x.must(derived > 0, "nothing could be subtracted from anything")
	x.measured("%d of %d derived sets are under ten", x.breaches, derived)
}

// complementsOf looks at what a row leaves when its printed parts are taken away.
func (x *trial) complementsOf(d *district, t table, parent view) (derived int) {
	for _, parts := range t.parts(parent) {
		for _, left := range leftOf(parent, parts) {
			derived++
			if d.unknown(left, parent.agreement) < least && !d.readable(left, parent.agreement) {
				x.breach("%s %s less its printed parts leaves %d students", parent.agreement, parent.row, len(left))
			}
		}
	}
	return derived
}

// leftOf is what a printed row leaves, by side, when its printed parts are
// taken away.
func leftOf(parent view, parts table) map[int][]int {
	out := map[int][]int{}
	whole, printed := parent.sides()
	for s := range whole {
		left, taken := whole[s], 0
		for _, part := range parts {
			sets, shown := part.sides()
			if shown[s] && len(sets[s]) > 0 {
				left = slices.DeleteFunc(slices.Clone(left), func(i int) bool { return contains(sets[s], i) })
				taken++
			}
		}
		if printed[s] && taken > 0 && len(left) > 0 {
			out[s] = left
		}
	}
	return out
}

// readable reports that the partner may read each of the students itself.
func (d *district) readable(set []int, agreement string) bool {
	return !slices.ContainsFunc(set, func(i int) bool { return !contains(d.pact(agreement).yes, i) })
}

// bridge is a district in which two cycles of small groups are joined by one:
// every sum hides two or more, and yet the five in the middle are an exact
// combination of the sums.
func bridge() shape {
	return patched(7, [4][4]int{{6, 6, 20, 20}, {6, 6, 5, 20}, {20, 20, 6, 6}, {20, 20, 6, 6}})
}

// lopsided is a district in which one group of a school is too small, and the
// others are not.
func lopsided() shape {
	return patched(6, [4][4]int{{30, 30, 30, 6}, {30, 30, 30, 30}, {30, 30, 30, 30}, {30, 30, 30, 30}})
}

// patched is a district with one partner, with so many students by school and grade.
func patched(seed uint64, sizes [4][4]int) shape {
	s := shape{seed: seed, students: 1600, schools: 4, terms: 1}
	w := makeWorld(s)
	p := pact{id: "patched", schools: all(4), indicators: bits}
	for school, row := range sizes {
		for g, n := range row {
			p.roster = append(p.roster, w.in(school, firstGrade+g)[:n]...)
		}
	}
	slices.Sort(p.roster)
	s.pacts = []pact{p}
	return s
}

func hierarchies(x *trial) {
	hidden := 0
	for _, s := range []shape{bridge(), town(1, x.rounds(4, 2))} {
		d, views := x.read(s)
		for _, t := range tablesOf(views) {
			n, found := t.derivable(d)
			hidden += n
			for _, row := range found {
				x.breach("%s: the sum of %s follows from printed ones", t[0].agreement, row)
			}
		}
	}
	x.must(hidden > 0, "no row was hidden")
	x.measured("%d of %d small hidden sums follow from printed ones", x.breaches, hidden)
}

// derivable looks for hidden sums over few students that are combinations of
// printed ones.
func (t table) derivable(d *district) (hidden int, found []string) {
	var shown, secret [][]int
	var rows []string
	for _, v := range t {
		sets, printed := v.sides()
		for s := range sets {
			switch {
			case printed[s]:
				shown = append(shown, sets[s])
			case len(sets[s]) > 0 && d.unknown(sets[s], v.agreement) < least:
				secret, rows = append(secret, sets[s]), append(rows, v.row)
			}
		}
	}
	r := reach(shown, secret)
	for i, set := range secret {
		if r.has(set) {
			found = append(found, rows[i])
		}
	}
	return len(secret), found
}

// tracker is Denning's general tracker with four rosters of which any two differ
// by a dozen students or more: first − second − third + twice the fourth is one
// student (Denning and Schlörer, ACM TODS 5(1), 1980).
func tracker() shape {
	s := shape{seed: 8, students: 1000, schools: 2, terms: 1}
	w := makeWorld(s)
	pool := w.in(0, -1)
	a, b, c, one := pool[:24], pool[24:48], pool[48:72], pool[72]
	join := func(id string, sets ...[]int) pact {
		return pact{id: id, schools: []int{0}, indicators: bits, grain: []string{"all"}, roster: sorted(slices.Concat(sets...))}
	}
	s.pacts = []pact{join("first", a, b, []int{one}), join("second", a, c), join("third", b, c), join("fourth", c)}
	return s
}

func trackers(x *trial) {
	sums := 0
	for _, s := range []shape{tracker(), town(1, x.rounds(4, 2))} {
		d, views := x.read(s)
		for _, shown := range d.pooled(views) {
			sums += len(shown)
			for _, group := range reach(shown, nil).small() {
				if len(group) == 1 {
					x.breach("the value of one student is a combination of %d printed sums", len(shown))
				}
			}
		}
	}
	x.measured("%d students whose value is a combination of the %d printed sums", x.breaches, sums)
}

// pooled are the sets of all printed sums of each indicator and period, of all
// partners together.
func (d *district) pooled(views []view) map[[2]string][][]int {
	out := map[[2]string][][]int{}
	for _, v := range views {
		sets, printed := v.sides()
		for s, set := range sets {
			if k := [2]string{v.period, v.indicator}; printed[s] && len(set) > 0 {
				out[k] = append(out[k], set)
			}
		}
	}
	return out
}
