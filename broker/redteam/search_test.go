package redteam_test

import (
	"fmt"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// searches is attack 36: nobody thinks the rosters up.
func searches() []line {
	return []line{{36, "automated search", ".69", []build{weakBuild(sdc.WeakExact)}, automated, true}}
}

// oracle asks programs of rosters of many districts at once: each school, with
// each indicator and term, is a world of its own, with the same student as its
// target and other outcomes.
type oracle struct {
	x    *trial
	base shape
	each int // students a school
	memo map[string][][]attack.Answer
}

func newOracle(x *trial, schools, each int) *oracle {
	return &oracle{
		x: x, each: each, memo: map[string][][]attack.Answer{},
		base: shape{seed: 300, students: schools * each, schools: schools, terms: 4, share: .5},
	}
}

// worlds are what an attacker can practise on, or is judged by.
func (o *oracle) worlds(target int) []attack.World {
	w := makeWorld(o.base)
	var list []attack.World
	for k := range o.base.schools * len(bits) * o.base.terms {
		school, indicator, term := o.part(k)
		list = append(list, attack.World{
			Truth: w.bit(indicator, termID(term), school*o.each+target),
			Ask:   func(program [][]int) []attack.Answer { return o.answers(program)[k] },
		})
	}
	return list
}

// part is which school, indicator and term a world is.
func (o *oracle) part(k int) (school int, indicator string, term int) {
	return k / (len(bits) * o.base.terms), bits[k/o.base.terms%len(bits)], k % o.base.terms
}

// answers asks a program, each roster by a partner of its own, of a new district.
func (o *oracle) answers(program [][]int) [][]attack.Answer {
	o.x.t.Helper()
	name := fmt.Sprint(program)
	if o.memo[name] == nil {
		o.memo[name] = o.ask(program)
	}
	return o.memo[name]
}

func (o *oracle) ask(program [][]int) [][]attack.Answer {
	o.x.t.Helper()
	s := o.base
	for school := range s.schools {
		for q, roster := range program {
			if len(roster) == 0 {
				continue // nobody to ask about
			}
			s.pacts = append(s.pacts, pact{
				id: fmt.Sprintf("q-%d-%d", school, q), schools: []int{school}, indicators: bits, grain: []string{"all"},
				roster: mapped(roster, func(i int) int { return school*o.each + i }),
			})
		}
	}
	d := o.x.open(s)
	d.close(d.periods()[:s.terms]...)
	out := make([][]attack.Answer, s.schools*len(bits)*s.terms)
	for k := range out {
		out[k] = make([]attack.Answer, len(program))
	}
	for _, v := range d.read(d.periods()[:s.terms]...) {
		var school, q int
		if _, err := fmt.Sscanf(v.agreement, "q-%d-%d", &school, &q); err != nil {
			o.x.t.Fatal(err)
		}
		for k := range out {
			at, indicator, term := o.part(k)
			if seen := o.x.mine(v, true); at == school && indicator == v.indicator && termID(term) == v.period && len(seen) > 0 {
				out[k][q] = attack.Answer{Value: seen[0].Value, Shown: true}
			}
		}
	}
	d.end()
	return out
}

func automated(x *trial) {
	o := newOracle(x, x.rounds(10, 6), 60)
	worlds := o.worlds(0)
	train, test := worlds[:len(worlds)/2], worlds[len(worlds)/2:]
	how := attack.Evolution{Students: o.each, Target: 0, Queries: 6, Population: x.rounds(20, 12)}
	how.Budget = how.Queries * (len(train)*how.Population*x.rounds(20, 10) + len(train) + len(test))
	found, err := attack.Evolve(train, test, how, coin(301))
	if err != nil {
		x.t.Fatal(err)
	}
	x.measured("%d programs of %d rosters in %d generations", len(o.memo), how.Queries, found.Generations)
	x.judgeFew("the best of them", found.Game, boundFour)
}
