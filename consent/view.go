package consent

import (
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// sabotage removes one guard each. Decide runs with none of them; tests set
// them to show that the guard is what makes a case or a law hold.
type sabotage struct {
	ignoreRestrictions bool
	ignoreRights       bool
	ignoreAge          bool
	ignoreExpiry       bool
	ignoreWithdrawal   bool
	ignoreInvalidation bool
	ignoreKnown        bool
	ignoreHolds        bool
	ignorePauses       bool
	ignoreRefusal      bool // any yes opens, whatever others said
	countPending       bool
	uniteAnswers       bool // what two names of a person said before they were joined counts as said by one
}

// view is a student's facts as a question sees them: known by its moment of
// knowledge, on the local date of its moment.
type view struct {
	student  Student
	q        Question
	today    civil.Date
	eligible bool // the rights have passed to the student
	without  sabotage
}

func newView(s Student, q Question, without sabotage) view {
	if without.ignoreKnown {
		q.Known = time.Unix(1<<40, 0)
	}
	v := view{student: s, q: q, without: without}
	v.today = v.date(q.At)
	v.eligible = v.eligibleOn(v.today)
	return v
}

func (v view) date(t time.Time) civil.Date { return civil.Of(t, v.q.Zone) }

func (v view) eligibleOn(day civil.Date) bool {
	return !v.without.ignoreAge && v.student.Eligible(day)
}

func (v view) ageUnknown() bool { return v.student.Birth.IsZero() && !v.eligible }

// rights returns the capacity in which a person held the student's rights on a
// day. From the day on which the rights pass only the student holds them,
// before it only others do (34 CFR 99.5(a)(1)).
func (v view) rights(signer string, day civil.Date) (Capacity, bool) {
	var word Holder
	found := false
	for _, h := range v.student.Holders {
		relevant := h.Signer == signer && h.Capacity.MayHoldRights() && h.covers(day) && !v.q.unknown(h.EnteredAt)
		if !relevant || (h.Capacity == EligibleStudent) != v.eligibleOn(day) {
			continue
		}
		if !found || h.outranks(word) {
			word, found = h, true
		}
	}
	return word.Capacity, found && word.HoldsRights
}

// holdersToday returns the persons who hold rights on the day asked about.
func (v view) holdersToday() map[string]bool {
	people := map[string]bool{}
	for _, h := range v.student.Holders {
		if _, ok := v.rights(h.Signer, v.today); ok {
			people[h.Signer] = true
		}
	}
	return people
}
