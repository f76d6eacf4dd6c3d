package attack_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

const (
	pupilsAsked = 30 // students of whom rosters may be made
	victim      = 4
)

// worlds are schools of their own, half of them with a yes of the victim. Guarded,
// they answer the first roster of ten or more only, and others that are the same.
func worlds(seed uint64, n int, print func(keyed) publisher, guarded bool, house keyed) []attack.World {
	r := coin(seed)
	out := make([]attack.World, n)
	for i := range out {
		bits := facts(r, pupilsAsked, .5)
		bits[victim] = i%2 == 0
		out[i] = attack.World{Truth: bits[victim], Ask: func(program [][]int) []attack.Answer {
			answers := make([]attack.Answer, len(program))
			var first []int
			for k, roster := range program {
				if guarded && first != nil && !slices.Equal(first, roster) || guarded && len(roster) < 10 {
					continue
				}
				first = roster
				answers[k] = attack.Answer{Value: print(house)(roster, bits), Shown: true}
			}
			return answers
		}}
	}
	return out
}

func evolved(t *testing.T, print func(keyed) publisher, guarded bool) attack.Finding {
	t.Helper()
	house := newKeyed(t, 9, pupilsAsked)
	how := attack.Evolution{Students: pupilsAsked, Target: victim, Queries: 4, Population: 12, Budget: 150_000}
	f, err := attack.Evolve(worlds(1, 300, print, guarded, house), worlds(2, 2000, print, guarded, house), how, coin(3))
	if err != nil {
		t.Fatal(err)
	}
	if f.Asked > how.Budget || f.Generations < 2 {
		t.Errorf("%d of %d rosters were asked in %d generations", f.Asked, how.Budget, f.Generations)
	}
	t.Logf("%d generations, %s", f.Generations, f.Game)
	return f
}

func TestASearchFindsTheHolesOfWeakBuilds(t *testing.T) {
	t.Parallel()
	for name, print := range map[string]func(keyed) publisher{
		"exact counts":  func(keyed) publisher { return sum },
		"textbook keys": func(k keyed) publisher { return k.textbook },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if f := evolved(t, print, false); !exceeds(t, f.Game, .69, 2000) {
				t.Errorf("the search found nothing: %s", f.Game)
			}
		})
	}
}

func TestASearchFindsNothingInAGuardedBuild(t *testing.T) {
	t.Parallel()
	if f := evolved(t, func(k keyed) publisher { return k.groupKeyed }, true); exceeds(t, f.Game, .60, 2000) {
		t.Errorf("the search found something: %s", f.Game)
	}
}

func TestASearchThatCannotBeginIsRefused(t *testing.T) {
	t.Parallel()
	some := worlds(1, 40, func(keyed) publisher { return sum }, false, keyed{})
	fine := attack.Evolution{Students: pupilsAsked, Target: victim, Queries: 2, Population: 4, Budget: 10_000}
	poor := fine
	poor.Budget = 100
	for what, try := range map[string]func() error{
		"too few worlds": func() error { _, err := attack.Evolve(some[:10], some, fine, coin(1)); return err },
		"no test worlds": func() error { _, err := attack.Evolve(some, nil, fine, coin(1)); return err },
		"no budget":      func() error { _, err := attack.Evolve(some, some, poor, coin(1)); return err },
	} {
		if err := try(); !errors.Is(err, attack.ErrGame) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
