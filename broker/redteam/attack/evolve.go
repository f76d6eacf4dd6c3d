package attack

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Answer is what comes back for one roster: a number, or nothing.
type Answer struct {
	Value float64
	Shown bool
}

// World is one system that can be asked, with the target's truth. Ask runs a whole
// program of rosters on it as if for the first time, so that a system with a
// memory refuses what it would refuse; it returns an answer a roster.
type World struct {
	Ask   func(program [][]int) []Answer
	Truth bool
}

// Evolution says how a search over query programs goes.
type Evolution struct {
	Students   int // that rosters may name
	Target     int // the student whom the search is about
	Queries    int // rosters in a program
	Population int // programs in a generation
	Budget     int // rosters that may be asked in all, training and test
}

// Finding is the best program of a search.
type Finding struct {
	Program     [][]int
	Game        Game // on worlds that the search did not see
	Asked       int  // rosters
	Generations int
}

// Evolve searches for the rosters, and the reading of their answers, that tell a
// target's value best, with no idea of how the system protects it: programs are
// changed at random, judged on half of the training worlds by a discriminant that
// was fitted to the other half, and the better ones go on (after Cretu et al.,
// "QuerySnout", CCS 2022). The best is played on the test worlds. It stops before
// its budget is spent. An ErrGame reports worlds or a budget with which nothing
// can be found.
func Evolve(train, test []World, how Evolution, r *rand.Rand) (Finding, error) {
	each := how.Queries * len(train)
	rest := how.Budget - how.Queries*(len(train)+len(test)) // the last fit and the game
	if how.Students < 2 || how.Queries < 1 || how.Population < 2 || len(train) < 20 || len(test) == 0 || rest < how.Population*each {
		return Finding{}, fmt.Errorf("%w: a search needs two students, two programs, twenty worlds, and a budget for one generation", ErrGame)
	}
	e := evolver{how, r, train}
	var found Finding
	pool := e.first()
	for ; rest >= len(pool)/2*each; found.Generations++ {
		rest -= e.judge(pool) * each
		slices.SortStableFunc(pool, byWorth)
		e.renew(pool)
	}
	rest -= e.judge(pool[:1]) * each
	found.Program = pool[0].rosters
	found.Game = e.play(found.Program, test)
	found.Asked = how.Budget - rest
	return found, nil
}

type evolver struct {
	Evolution
	random *rand.Rand
	train  []World
}

// program is a list of rosters with how often it was right in training; worth
// under zero is not known yet.
type program struct {
	rosters [][]int
	worth   float64
}

func byWorth(a, b program) int {
	switch {
	case a.worth > b.worth:
		return -1
	case a.worth < b.worth:
		return 1
	}
	return 0
}

func (e evolver) first() []program {
	pool := make([]program, e.Population)
	for i := range pool {
		pool[i].worth = -1
		for range e.Queries {
			pool[i].rosters = append(pool[i].rosters, e.roster())
		}
	}
	return pool
}

// roster is a random one: each student with a chance that is itself random.
func (e evolver) roster() []int {
	share := e.random.Float64()
	var out []int
	for x := range e.Students {
		if e.random.Float64() < share {
			out = append(out, x)
		}
	}
	return out
}

// renew replaces the worse half by changed copies of the better.
func (e evolver) renew(pool []program) {
	half := len(pool) - len(pool)/2
	for i := half; i < len(pool); i++ {
		parent := pool[e.random.IntN(half)]
		pool[i] = program{slices.Clone(parent.rosters), -1}
		for n := 1 + e.random.IntN(2); n > 0; n-- {
			e.change(pool[i].rosters)
		}
	}
}

// change makes one roster new, flips one student in it, or makes it a copy of
// another in which the target is flipped.
func (e evolver) change(rosters [][]int) {
	at := e.random.IntN(len(rosters))
	switch e.random.IntN(4) {
	case 0:
		rosters[at] = e.roster()
	case 1:
		rosters[at] = flipped(rosters[at], e.random.IntN(e.Students))
	case 2:
		rosters[at] = flipped(rosters[at], e.Target)
	default:
		rosters[at] = flipped(rosters[e.random.IntN(len(rosters))], e.Target)
	}
}

// flipped is a copy of an ascending roster with a student put in or taken out.
func flipped(roster []int, student int) []int {
	out := slices.Clone(roster)
	i, in := slices.BinarySearch(out, student)
	if in {
		return slices.Delete(out, i, i+1)
	}
	return slices.Insert(out, i, student)
}

// judge finds the worth of the programs that have none, and tells how many those
// were.
func (e evolver) judge(pool []program) (judged int) {
	half := len(e.train) / 2
	for i := range pool {
		if pool[i].worth >= 0 {
			continue
		}
		judged++
		rows := answered(pool[i].rosters, e.train)
		fit := discriminate(rows[:half], e.train[:half])
		right := 0
		for k, row := range rows[half:] {
			right += int(bit(fit.yes(row) == e.train[half+k].Truth))
		}
		pool[i].worth = ratio(right, len(rows)-half)
	}
	return judged
}

func (e evolver) play(rosters [][]int, test []World) Game {
	fit := discriminate(answered(rosters, e.train), e.train)
	var g Game
	for k, row := range answered(rosters, test) {
		g.Guess(fit.yes(row), test[k].Truth)
	}
	return g
}

// answered asks a program of every world and describes the answers: each number,
// whether there was one, and which pairs were the same.
func answered(rosters [][]int, worlds []World) [][]float64 {
	rows := make([][]float64, len(worlds))
	for k, w := range worlds {
		answers := w.Ask(rosters)
		for i, a := range answers {
			rows[k] = append(rows[k], a.Value*bit(a.Shown), bit(a.Shown))
			for _, b := range answers[:i] {
				rows[k] = append(rows[k], bit(a == b))
			}
		}
	}
	return rows
}
