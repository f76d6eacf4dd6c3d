package agreement_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// life is a random sequence of everything anybody could try with one
// agreement, on days that never go back.
type life struct {
	clauses agreement.Clauses
	moves   []move
}

type move struct {
	days  int // since the move before
	what  int // one of the events, or a signature
	other bool
}

const (
	districtSigns = 100 + iota
	partnerSigns
)

func lives() *rapid.Generator[life] {
	return rapid.Custom(func(t *rapid.T) life {
		l := life{clauses: drawClauses(t)}
		l.clauses.TermTo = l.clauses.TermFrom + civil.Date(rapid.IntRange(0, 200).Draw(t, "term"))
		if l.clauses.Study != nil {
			strip(l.clauses.Study, rapid.IntRange(0, 3).Draw(t, "lacks"))
		}
		// The road to an agreement in force first, then anything.
		road := []int{0, 2, districtSigns, partnerSigns}
		for i := range rapid.IntRange(4, 30).Draw(t, "moves") {
			m := move{days: rapid.IntRange(0, 60).Draw(t, "days"), other: rapid.IntRange(0, 9).Draw(t, "other") == 9}
			if m.what = rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, districtSigns, partnerSigns}).Draw(t, "what"); i < len(road) && rapid.IntRange(0, 3).Draw(t, "road") < 3 {
				m.what = road[i]
			}
			l.moves = append(l.moves, m)
		}
		return l
	})
}

func strip(s *agreement.Study, what int) {
	switch what {
	case 1:
		s.Scope = ""
	case 2:
		s.Representatives = nil
	case 3:
		s.DestroyBy = 0
	}
}

// holds walks through a life and returns the first law that is broken.
func (l life) holds(without agreement.Sabotage) error {
	a, today, over := draft(l.clauses), termFrom-40, false
	for _, m := range l.moves {
		today += civil.Date(m.days)
		a = m.try(a, today, without)
		state := agreement.StateOnWithout(a, today, without)
		if over && !ends(state) {
			return fmt.Errorf("came back from its end as %s", state)
		}
		over = over || ends(state)
		if state == agreement.Active {
			if err := mayBeActive(a, today); err != nil {
				return err
			}
		}
	}
	return nil
}

// try returns the agreement as it was where a move is refused.
func (m move) try(a agreement.Agreement, today civil.Date, without agreement.Sabotage) agreement.Agreement {
	var (
		next agreement.Agreement
		err  error
	)
	switch m.what {
	case districtSigns, partnerSigns:
		s := signature(a, []string{agreement.DistrictParty, agreement.PartnerParty}[m.what-districtSigns])
		if m.other {
			s.TextSHA256 = agreement.TextHash("another text")
		}
		next, err = agreement.SignWithout(a, s, today, without)
	default:
		if a.State == agreement.InReview {
			a.Text = agreement.Render(partner(), a, district)
		}
		next, err = agreement.AdvanceWithout(a, events()[m.what], today, without)
	}
	if err != nil {
		return a
	}
	return next
}

// ends are the states from which nothing comes back.
func ends(s agreement.State) bool {
	return slices.Contains([]agreement.State{agreement.Expired, agreement.Terminated, agreement.DestructionPending, agreement.Closed}, s)
}

// mayBeActive checks what must hold of an agreement in force, one by one.
func mayBeActive(a agreement.Agreement, today civil.Date) error {
	c := a.Clauses
	parties := map[string]bool{}
	for _, s := range a.Signatures {
		parties[s.Party] = s.TextSHA256 == agreement.TextHash(agreement.Render(partner(), a, district))
	}
	switch {
	case today < c.TermFrom || today > c.TermTo:
		return errors.New("active outside its term")
	case !parties[agreement.DistrictParty] || !parties[agreement.PartnerParty] || len(a.Signatures) != 2:
		return errors.New("active without both signatures under its text")
	case c.Basis.NeedsStudy() && (c.Study == nil || c.PurposeText == "" || c.Study.Scope == "" || len(c.Study.Representatives) == 0 || c.Study.DestroyBy == 0):
		return errors.New("a study is active without its four elements")
	}
	return nil
}

func TestNoSequenceOfEventsBreaksTheLawsOfAnAgreement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if err := lives().Draw(t, "life").holds(agreement.Sabotage{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRandomLivesReachEveryState(t *testing.T) {
	t.Parallel()
	reached := map[agreement.State]bool{}
	gen := lives()
	for seed := 0; seed < 2000 && len(reached) < len(agreement.States()); seed++ {
		l := gen.Example(seed)
		a, today := draft(l.clauses), termFrom-40
		for _, m := range l.moves {
			today += civil.Date(m.days)
			a = m.try(a, today, agreement.Sabotage{})
			reached[a.StateOn(today)] = true
		}
	}
	for _, s := range agreement.States() {
		if !reached[s] {
			t.Errorf("no life reaches %s", s)
		}
	}
}

func TestEachGuardIsNeededByTheLaws(t *testing.T) {
	t.Parallel()
	gen := lives()
	for guard, without := range agreement.Sabotages() {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			for seed := range 20000 {
				if gen.Example(seed).holds(without) != nil {
					return
				}
			}
			t.Error("without this guard the laws still hold")
		})
	}
}
