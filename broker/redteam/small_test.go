package redteam_test

import "github.com/hallpass-edu/hallpass/broker/sdc"

// smallGroups are attacks 1 and 2: ask for so few that a figure is a person.
func smallGroups() []line {
	return []line{
		{1, "small cohort", "no number", []build{weakBuild(sdc.WeakExact)}, smallCohort, false},
		{2, "small rest", "no number", []build{weakBuild(sdc.WeakExact)}, smallRest, false},
	}
}

// floors are how many students of a shown cohort nobody was given, by profile.
var floors = map[string]int{"published_table": 10, "standard": 5}

const least, leastWhole = 10, 20

// unknown counts those of a set whose families did not say yes: to this
// partner, and to anyone.
func (d *district) unknown(set []int, agreement string) int {
	mine, anyone := 0, 0
	said := map[int]bool{}
	for _, p := range d.pacts {
		for _, i := range p.yes {
			said[i] = true
		}
	}
	own := d.pact(agreement).yes
	for _, i := range set {
		if !contains(own, i) {
			mine++
		}
		if !said[i] {
			anyone++
		}
	}
	return min(mine, anyone)
}

func smallCohort(x *trial) {
	d, views := x.read(town(1, x.rounds(4, 2)))
	looked, small := 0, 0
	for _, v := range views {
		looked++
		few := len(v.p) < least || d.unknown(v.p, v.agreement) < floors[v.profile]
		if few {
			small++
		}
		switch {
		case (v.cohort == nil) != (v.rest == nil):
			x.breach("%s %s shows one side without the other", v.agreement, v.row)
		case few && v.cohort.printed():
			x.breach("%s %s prints %s for %d students", v.agreement, v.row, v.cohort.Value.Code, len(v.p))
		}
	}
	x.must(small > 0, "no row was small")
	x.measured("%d numbers in %d small rows of %d", x.breaches, small, looked)
}

func smallRest(x *trial) {
	d, views := x.read(town(1, x.rounds(4, 2)))
	small := 0
	for _, v := range views {
		if len(v.p) == 0 || len(v.r) >= least && d.unknown(v.r, v.agreement) >= least && len(v.t) >= leastWhole {
			continue
		}
		small++
		if v.cohort.printed() || v.rest.printed() {
			x.breach("%s %s prints %s beside a rest of %d students", v.agreement, v.row, v.cohort.Value.Code, len(v.r))
		}
	}
	x.must(small > 0, "no row has a small rest")
	x.measured("%d numbers in %d rows with a small rest", x.breaches, small)
}
