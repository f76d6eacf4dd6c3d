package rank_test

import (
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

// misses counts, over towns that are the same each time, those in which an audit
// without some guards says that the smallest group is larger than it is.
func misses(b rank.Broken, smallest func(town) int) int {
	missed := 0
	worlds := smallTowns()
	for seed := range 600 {
		w := worlds.Example(seed)
		a := rank.NewBroken(w.released, w.floor, b)
		a.Add(w.sets...)
		if want := smallest(w); want != 0 && (a.Exposed() == 0 || a.Exposed() > want) {
			missed++
		}
	}
	return missed
}

func ofAny(w town) int { return w.smallest(w.sets) }

func ofTwo(w town) int { return w.smallestOfTwo(w.sets) }

func TestWithoutTheSearchGroupsOfMoreThanTwoAtomsAreMissed(t *testing.T) {
	t.Parallel()
	if n := misses(rank.Broken{}, ofAny); n > 0 {
		t.Errorf("%d missed", n)
	}
	if misses(rank.Broken{NoSearch: true}, ofAny) == 0 {
		t.Error("none is missed without the search: it finds nothing that pairs do not")
	}
}

func TestWithoutThePairsGroupsOfTwoAtomsAreMissed(t *testing.T) {
	t.Parallel()
	if n := misses(rank.Broken{NoSearch: true}, ofTwo); n > 0 {
		t.Errorf("%d missed", n)
	}
	if misses(rank.Broken{NoSearch: true, NoPairs: true}, ofTwo) == 0 {
		t.Error("none is missed without the pairs: they find nothing that rows do not")
	}
}

func TestWithoutRepivotingGroupsAreMissed(t *testing.T) {
	t.Parallel()
	if misses(rank.Broken{NoRepivot: true}, ofAny) == 0 {
		t.Error("none is missed with pivots that are no longer heavy")
	}
}
