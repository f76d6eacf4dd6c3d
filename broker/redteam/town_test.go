package redteam_test

import (
	"math/rand/v2"
	"slices"
)

// everything are the indicators of an agreement that asks for all of them.
var everything = []string{chronic, attendance, gpa, suspended, inSchool, incidents}

// town is the district of the suite: 5,000 students of ten schools, four terms,
// twelve agreements with eight to 200 students that overlap, and families who
// said yes to some of them.
func town(seed uint64, terms int) shape {
	s := shape{seed: seed, students: 5000, schools: 10, terms: terms}
	w := makeWorld(s)
	rng := rand.New(rand.NewPCG(seed, 3))
	club := func(id string, n int, schools ...int) pact {
		var pool []int
		for _, school := range schools {
			pool = append(pool, w.in(school, -1)...)
		}
		return pact{id: id, schools: schools, indicators: everything, roster: sample(rng, pool, n)}
	}
	eleven := club("eleven", 11, 1)
	ten := eleven
	ten.id, ten.roster = "ten", eleven.roster[:10]
	twelve := club("twelve", 12, 2)
	twelve.yes = twelve.roster[:11]
	crowded := club("crowded", 30, 4)
	crowded.roster = sorted(append(crowded.roster, sample(rng, w.in(4, firstGrade), 118)...))
	large := club("two-hundred", 200, all(10)...)
	large.yes = sample(rng, large.roster, 20)
	s.pacts = []pact{
		club("eight", 8, 1), club("nine", 9, 1), ten, eleven, twelve, club("twenty", 20, 2, 3), crowded,
		club("forty", 40, 2, 3, 4, 5), club("sixty", 60, 5), club("hundred", 100, all(10)...), club("hundred-fifty", 150, 6, 7), large,
	}
	for i := range s.pacts {
		if len(s.pacts[i].roster) >= 100 {
			s.pacts[i].grain = divided
		}
	}
	return s
}

// divided is the grain of an agreement with three dimensions, one of which the
// partner may not know of a child.
var divided = []string{"all", "school", "grade", "special_education"}

// sorted is a set as a list without repetitions.
func sorted(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

// pact finds an agreement by its id.
func (s shape) pact(id string) pact {
	return s.pacts[slices.IndexFunc(s.pacts, func(p pact) bool { return p.id == id })]
}

// read reads every figure of every agreement.
func (d *district) read(periods ...string) []view {
	d.t.Helper()
	var list []view
	for _, p := range d.pacts {
		list = append(list, d.attacker(p.id).views(p, periods...)...)
	}
	return list
}

// clubs are partners with disjoint rosters of n students, so many a school.
// Each school has four times n students or more of its own that nobody names.
func clubs(w *world, n, each int, indicators, grain []string) []pact {
	var list []pact
	rng := rand.New(rand.NewPCG(w.seed, 4))
	for s := range w.schools {
		pool := w.in(s, -1)
		rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		for k := range each {
			roster := sorted(slices.Clone(pool[k*n : (k+1)*n]))
			list = append(list, pact{id: "club-" + letters(s) + "-" + letters(k), schools: []int{s}, indicators: indicators, grain: grain, roster: roster})
		}
	}
	return list
}

// fairTown is a district whose outcomes are coins and whose partners are clubs.
func fairTown(seed uint64, n, each int) shape {
	s := shape{seed: seed, students: 5000, schools: 10, terms: 4, share: .5}
	s.pacts = clubs(makeWorld(s), n, each, bits, []string{"all"})
	return s
}

// pair is a small district with two partners.
func pair(seed uint64) shape {
	s := shape{seed: seed, students: 1000, schools: 2, terms: 2}
	w := makeWorld(s)
	s.pacts = []pact{
		{id: "first", schools: []int{0}, indicators: everything, roster: w.in(0, -1)[:60]},
		{id: "second", schools: all(2), indicators: everything, roster: w.in(1, -1)[:200]},
	}
	return s
}
