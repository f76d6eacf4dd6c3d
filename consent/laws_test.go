package consent_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// law is a statement that must hold of every scenario; decide is the build
// under test.
type law struct {
	name  string
	holds func(s scenario, without consent.Sabotage) error
}

func (s scenario) decide(without consent.Sabotage, grants []consent.Grant) consent.State {
	return consent.DecideWithout(s.student, grants, s.question, without)
}

// opened are the record days a state opens.
func opened(s consent.State) map[civil.Date]bool {
	days := map[civil.Date]bool{}
	for _, w := range s.Windows {
		for d := w.RecordsFrom; d <= w.RecordsTo; d++ {
			if consent.Covers(w, d) {
				days[d] = true
			}
		}
	}
	return days
}

// opensMore returns an error if after opens a day that before did not.
func opensMore(before, after consent.State) error {
	had := opened(before)
	for d := range opened(after) {
		if !had[d] {
			return fmt.Errorf("%v is open and was not", d)
		}
	}
	return nil
}

func laws() []law {
	return []law{
		{"the order of the grants never matters", orderNeverMatters},
		{"a no or a wish to talk never opens", refusalNeverOpens},
		{"withdrawing never opens", withdrawingNeverOpens},
		{"a withdrawal closes what that person opened", withdrawalCloses},
		{"nothing opens without a yes in force", nothingOpensWithoutAYes},
		{"a no that counts closes", aNoCloses},
		{"past the age of majority only the student's answers matter", onlyTheStudent},
		{"a past answer is not changed by what was entered later", thePastStands},
		{"what has not happened yet changes nothing", theFutureIsSilent},
		{"a person barred by an order changes nothing", theBarredAreUnheard},
		{"a hold only closes", holdsOnlyClose},
		{"a pause closes everything", aPauseCloses},
		{"whatever opens is among what ever opened", openedIsEverOpened},
		{"joining two names of a person never opens", joiningNeverOpens},
		{"neither order nor direction of the aliases matters", aliasesAreASet},
	}
}

func TestTheLawsOfConsentHold(t *testing.T) {
	t.Parallel()
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				if err := l.holds(scenarios().Draw(t, "scenario"), consent.Sabotage{}); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestEachGuardIsNeededByALaw(t *testing.T) {
	t.Parallel()
	needs := map[string]string{
		"restrictions":          "a person barred by an order changes nothing",
		"rights at signing":     "nothing opens without a yes in force",
		"age":                   "past the age of majority only the student's answers matter",
		"expiry":                "nothing opens without a yes in force",
		"withdrawal":            "a withdrawal closes what that person opened",
		"invalidation":          "nothing opens without a yes in force",
		"moment of knowledge":   "a past answer is not changed by what was entered later",
		"holds":                 "a hold only closes",
		"pauses":                "a pause closes everything",
		"a no wins":             "a no that counts closes",
		"pending opens nothing": "nothing opens without a yes in force",
		"joining never opens":   "joining two names of a person never opens",
	}
	gen := scenarios()
	for guard, without := range consent.Sabotages() {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			l := laws()[slices.IndexFunc(laws(), func(l law) bool { return l.name == needs[guard] })]
			for seed := range 3000 {
				if l.holds(gen.Example(seed), without) != nil {
					return
				}
			}
			t.Errorf("without this guard the law %q still holds", l.name)
		})
	}
}

func orderNeverMatters(s scenario, without consent.Sabotage) error {
	turned := slices.Clone(s.grants)
	slices.Reverse(turned)
	if diff := cmp.Diff(s.decide(without, s.grants), s.decide(without, turned)); diff != "" {
		return errors.New(diff)
	}
	return nil
}

func refusalNeverOpens(s scenario, without consent.Sabotage) error {
	if s.extra.Answer == consent.Yes {
		s.extra.Answer = consent.No
	}
	return opensMore(s.decide(without, s.grants), s.decide(without, append(slices.Clone(s.grants), s.extra)))
}

func withdrawingNeverOpens(s scenario, without consent.Sabotage) error {
	before := s.decide(without, s.grants)
	for i := range s.grants {
		changed := slices.Clone(s.grants)
		if changed[i].Withdrawn != nil {
			continue
		}
		changed[i].Withdrawn = &consent.Act{By: "guardian", At: s.extra.SignedAt, EnteredAt: s.extra.EnteredAt}
		if err := opensMore(before, s.decide(without, changed)); err != nil {
			return err
		}
	}
	return nil
}

// withdrawalCloses withdraws, at the very moment asked about, each grant that
// opens.
func withdrawalCloses(s scenario, without consent.Sabotage) error {
	q := s.question
	for _, w := range s.decide(without, s.grants).Windows {
		id := w.Grant
		changed := slices.Clone(s.grants)
		i := slices.IndexFunc(changed, func(g consent.Grant) bool { return g.ID == id })
		changed[i].Withdrawn = &consent.Act{By: "guardian", At: q.At, EnteredAt: q.Known}
		if state := s.decide(without, changed); state.Answer != consent.StateNo {
			return fmt.Errorf("%s was withdrawn, yet the answer is %s", id, state.Answer)
		}
	}
	return nil
}

// nothingOpensWithoutAYes checks each deciding yes against the facts one by
// one, without any code of the package.
func nothingOpensWithoutAYes(s scenario, without consent.Sabotage) error {
	q, state := s.question, s.decide(without, s.grants)
	if state.Answer != consent.StateYes {
		if len(state.Windows) > 0 {
			return errors.New("windows without a yes")
		}
		return nil
	}
	today := civil.Of(q.At, q.Zone)
	for _, id := range state.Deciding {
		g := s.grants[slices.IndexFunc(s.grants, func(g consent.Grant) bool { return g.ID == id })]
		held := slices.ContainsFunc(s.student.Holders, func(h consent.Holder) bool {
			d := civil.Of(g.SignedAt, q.Zone)
			return h.Signer == g.Signer && h.HoldsRights && h.Capacity == g.Capacity && h.Capacity.MayHoldRights() &&
				h.From <= d && (h.To.IsZero() || d <= h.To) && !h.EnteredAt.After(q.Known)
		})
		switch {
		case g.Answer != consent.Yes, g.Status != consent.InForce, today > g.Expires, !held,
			g.Confirmed != nil && g.Confirmed.EnteredAt.After(q.Known),
			g.Invalidated != nil && !g.Invalidated.EnteredAt.After(q.Known),
			!slices.Contains(g.Categories, q.Category), g.SignedAt.After(q.At), g.EnteredAt.After(q.Known):
			return fmt.Errorf("%s decides and is no yes in force", id)
		}
	}
	return nil
}

// aNoCloses adds a no, at the moment asked about, of a person whose yes
// decides.
func aNoCloses(s scenario, without consent.Sabotage) error {
	q := s.question
	for _, id := range s.decide(without, s.grants).Deciding {
		g := s.grants[slices.IndexFunc(s.grants, func(g consent.Grant) bool { return g.ID == id })]
		for _, h := range s.student.Holders {
			no := g
			no.ID, no.Answer, no.Signer, no.Capacity, no.SignedAt, no.EnteredAt = "no", consent.No, h.Signer, h.Capacity, q.At, q.Known
			no.Withdrawn, no.Invalidated, no.Confirmed, no.Status = nil, nil, nil, consent.InForce
			alone := s.decide(without, []consent.Grant{no})
			if both := s.decide(without, append(slices.Clone(s.grants), no)); alone.Answer == consent.StateNo && both.Answer != consent.StateNo {
				return fmt.Errorf("the no of %s counts and does not close", h.Signer)
			}
		}
	}
	return nil
}

func onlyTheStudent(s scenario, without consent.Sabotage) error {
	if !s.student.Eligible(civil.Of(s.question.At, s.question.Zone)) {
		return nil
	}
	own := slices.DeleteFunc(slices.Clone(s.grants), func(g consent.Grant) bool { return g.Signer != "student" })
	all, alone := s.decide(without, s.grants), s.decide(without, own)
	all.Reason, alone.Reason = "", "" // whether a parent once answered may be told
	if diff := cmp.Diff(all, alone); diff != "" {
		return errors.New(diff)
	}
	return nil
}

// thePastStands takes away everything that was entered after Known.
func thePastStands(s scenario, without consent.Sabotage) error {
	known := s.question.Known
	past := func(a *consent.Act) *consent.Act {
		if a != nil && a.EnteredAt.After(known) {
			return nil
		}
		return a
	}
	then := scenario{question: s.question, student: s.student}
	then.student.Holders = slices.DeleteFunc(slices.Clone(s.student.Holders), func(h consent.Holder) bool { return h.EnteredAt.After(known) })
	then.student.Restrictions = slices.DeleteFunc(slices.Clone(s.student.Restrictions), func(r consent.Restriction) bool { return r.EnteredAt.After(known) })
	then.student.Aliases = slices.DeleteFunc(slices.Clone(s.student.Aliases), func(a consent.Alias) bool { return a.EnteredAt.After(known) })
	then.student.Pauses = slices.DeleteFunc(slices.Clone(s.student.Pauses), func(p consent.Pause) bool { return p.EnteredAt.After(known) })
	for i := range then.student.Pauses {
		then.student.Pauses[i].Ended = past(then.student.Pauses[i].Ended)
	}
	for i := range then.student.Restrictions {
		then.student.Restrictions[i].Lifted = past(then.student.Restrictions[i].Lifted)
	}
	for _, g := range s.grants {
		if g.EnteredAt.After(known) {
			continue
		}
		if g.Confirmed != nil && g.Confirmed.EnteredAt.After(known) {
			g.Status, g.Confirmed = consent.Pending, nil
		}
		g.Withdrawn, g.Invalidated = past(g.Withdrawn), past(g.Invalidated)
		g.Held = slices.Clone(g.Held)
		for i := range g.Held {
			if g.Held[i].OverriddenAt.After(known) {
				g.Held[i].Override, g.Held[i].OverriddenAt = "", time.Time{}
			}
		}
		then.grants = append(then.grants, g)
	}
	if diff := cmp.Diff(then.decide(without, then.grants), s.decide(without, s.grants)); diff != "" {
		return errors.New(diff)
	}
	return nil
}

func theFutureIsSilent(s scenario, without consent.Sabotage) error {
	happened := slices.DeleteFunc(slices.Clone(s.grants), func(g consent.Grant) bool { return g.SignedAt.After(s.question.At) })
	for i, g := range happened {
		if g.Withdrawn != nil && g.Withdrawn.At.After(s.question.At) {
			happened[i].Withdrawn = nil
		}
	}
	// A grant withdrawn before it was signed is no valid grant: leave such out.
	if slices.ContainsFunc(s.grants, func(g consent.Grant) bool { return g.Withdrawn != nil && g.Withdrawn.At.Before(g.SignedAt) }) {
		return nil
	}
	if diff := cmp.Diff(s.decide(without, happened), s.decide(without, s.grants)); diff != "" {
		return errors.New(diff)
	}
	return nil
}

func theBarredAreUnheard(s scenario, without consent.Sabotage) error {
	s.student.Restrictions = append(slices.Clone(s.student.Restrictions),
		consent.Restriction{Kind: consent.MayNotDecide, Signer: "mother", Document: "order"})
	others := slices.DeleteFunc(slices.Clone(s.grants), func(g consent.Grant) bool { return g.Signer == "mother" })
	all, alone := s.decide(without, s.grants), s.decide(without, others)
	all.Reason, alone.Reason = "", ""
	if diff := cmp.Diff(all, alone); diff != "" {
		return errors.New(diff)
	}
	return nil
}

// holdsOnlyClose checks that held days without a known override are closed.
func holdsOnlyClose(s scenario, without consent.Sabotage) error {
	for _, w := range s.decide(without, s.grants).Windows {
		g := s.grants[slices.IndexFunc(s.grants, func(g consent.Grant) bool { return g.ID == w.Grant })]
		for _, h := range g.Held {
			open := h.Override != "" && !h.OverriddenAt.After(s.question.Known)
			for d := h.From; d <= h.To; d++ {
				if !open && consent.Covers(w, d) {
					return fmt.Errorf("%v is held and open", d)
				}
			}
		}
	}
	return nil
}

// aPauseCloses pauses at the very moment asked about, and ends the pause there again.
func aPauseCloses(s scenario, without consent.Sabotage) error {
	before := s.decide(without, s.grants)
	pause := consent.Pause{At: s.question.At, EnteredAt: s.question.Known}
	s.student.Pauses = append(slices.Clone(s.student.Pauses), pause)
	if during := s.decide(without, s.grants); len(during.Windows) > 0 {
		return fmt.Errorf("%v decide during a pause", during.Deciding)
	}
	s.student.Pauses[len(s.student.Pauses)-1].Ended = &consent.Act{By: "officer", At: s.question.At, EnteredAt: s.question.Known}
	if diff := cmp.Diff(before, s.decide(without, s.grants)); diff != "" {
		return errors.New(diff)
	}
	return nil
}

func openedIsEverOpened(s scenario, without consent.Sabotage) error {
	from, to := s.extra.RecordsFrom, s.extra.RecordsTo
	self := consent.OpensWithout(s.student, s.grants, s.question, consent.AttendanceFamily, from, to, without)
	if self && !consent.EverOpened(s.student, s.grants, consent.AttendanceFamily, from, to) {
		return errors.New("open now, yet never opened")
	}
	state := s.decide(without, s.grants)
	for d := from; d <= to; d++ {
		if opened(state)[d] && !self {
			return fmt.Errorf("%v is open, yet the span is not", d)
		}
	}
	return nil
}

// joiningNeverOpens joins the names after everything was said.
func joiningNeverOpens(s scenario, without consent.Sabotage) error {
	joined := s.student.Aliases
	s.student.Aliases = nil
	before := s.decide(without, s.grants)
	last := s.question.At
	if s.question.Known.Before(last) {
		last = s.question.Known
	}
	for _, a := range joined {
		a.EnteredAt = last
		s.student.Aliases = append(s.student.Aliases, a)
	}
	return opensMore(before, s.decide(without, s.grants))
}

func aliasesAreASet(s scenario, without consent.Sabotage) error {
	turned := s
	turned.student.Aliases = nil
	for _, a := range s.student.Aliases {
		turned.student.Aliases = append([]consent.Alias{{Signer: a.Other, Other: a.Signer, EnteredAt: a.EnteredAt}}, turned.student.Aliases...)
	}
	if diff := cmp.Diff(s.decide(without, s.grants), turned.decide(without, s.grants)); diff != "" {
		return errors.New(diff)
	}
	return nil
}
