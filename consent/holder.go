package consent

import (
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Capacity is what a person is to the student.
type Capacity string

// The first six may hold a student's rights (34 CFR 99.3 "parent" and
// "eligible student"; 20 USC 1415(b)(2) for surrogates; 42 USC 11434a(6) for
// unaccompanied youth). The last three never sign.
const (
	EligibleStudent      Capacity = "eligible_student"
	Parent               Capacity = "parent"
	ActingAsParent       Capacity = "acting_as_parent"
	FosterParent         Capacity = "foster_parent"
	EducationalSurrogate Capacity = "educational_surrogate"
	UnaccompaniedYouth   Capacity = "unaccompanied_youth"
	AgencyCaseworker     Capacity = "agency_caseworker" // a recipient with a basis of its own, 20 USC 1232g(b)(1)(L)
	EmergencyContact     Capacity = "emergency_contact"
	UnknownCapacity      Capacity = "unknown" // an officer has to settle it before this person can sign
)

// Capacities returns the closed list; those that may hold rights come first.
func Capacities() []Capacity {
	return []Capacity{
		EligibleStudent, Parent, ActingAsParent, FosterParent, EducationalSurrogate,
		UnaccompaniedYouth, AgencyCaseworker, EmergencyContact, UnknownCapacity,
	}
}

// Valid reports whether c is on the list.
func (c Capacity) Valid() bool { return slices.Contains(Capacities(), c) }

// MayHoldRights reports whether a person of this capacity may hold a
// student's rights at all; whether one does is what a Holder says.
func (c Capacity) MayHoldRights() bool { return slices.Contains(Capacities()[:6], c) }

// Holder records that a person holds, or does not hold, the rights over a
// student's records from one day to another, both included. A zero From means
// always, a zero To means still. Nothing is ever rewritten: a change is a new
// record, and on a day that several cover the one entered last decides (of two
// entered together, the one that gives no rights). A zero EnteredAt means that
// the record has always been known. The student is a holder too, with capacity
// eligible_student: this is how Decide knows which signer the student is.
type Holder struct {
	Signer      string     `json:"signer"`
	Capacity    Capacity   `json:"capacity"`
	HoldsRights bool       `json:"holds_rights"`
	From        civil.Date `json:"from,omitzero"`
	To          civil.Date `json:"to,omitzero"`
	EnteredAt   time.Time  `json:"entered_at,omitzero"`
}

func (h Holder) covers(day civil.Date) bool { return within(day, h.From, h.To) }

// outranks reports whether h is the word to believe over other.
func (h Holder) outranks(other Holder) bool {
	if c := h.EnteredAt.Compare(other.EnteredAt); c != 0 {
		return c > 0
	}
	return !h.HoldsRights && other.HoldsRights
}

// Student is what the law of consent has to know of a student. Postsecondary
// is the first day on which the district regards the student as attending an
// institution of postsecondary education (34 CFR 99.3 "eligible student"); a
// pupil of the district's own high school who also takes college courses is
// for the district to judge.
type Student struct {
	Birth         civil.Date    `json:"birth"`
	Postsecondary civil.Date    `json:"postsecondary,omitzero"`
	Holders       []Holder      `json:"holders,omitzero"`
	Aliases       []Alias       `json:"aliases,omitzero"`
	Restrictions  []Restriction `json:"restrictions,omitzero"`
	Pauses        []Pause       `json:"pauses,omitzero"`
}

// Majority is the age, in completed years, at which rights pass to the
// student (34 CFR 99.3 "eligible student", 99.5(a)(1)).
const Majority = 18

// Eligible reports whether the rights have passed to the student by a local
// date: 18 years completed, or in postsecondary education. Without a birth
// date the age is unknown and Eligible answers by Postsecondary alone.
func (s Student) Eligible(day civil.Date) bool {
	if !s.Postsecondary.IsZero() && day >= s.Postsecondary {
		return true
	}
	return !s.Birth.IsZero() && civil.Age(s.Birth, day) >= Majority
}

// RightsPass returns the first day on which the rights are the student's own; none
// where that is not known.
func (s Student) RightsPass() civil.Date {
	if s.Birth.IsZero() {
		return s.Postsecondary
	}
	majority := s.Birth.AddYears(Majority)
	if !s.Postsecondary.IsZero() {
		return min(majority, s.Postsecondary)
	}
	return majority
}

// Moment is when something is asked about a person, and by what knowledge; Zone is
// the district's.
type Moment struct {
	At, Known time.Time
	Zone      *time.Location
}

func (s Student) seen(m Moment) view {
	return newView(s, Question{At: m.At, Known: m.Known, Zone: m.Zone}, sabotage{})
}

// CapacityOf returns the capacity in which a person holds the student's rights at a
// moment, or false for one who does not hold them.
func (s Student) CapacityOf(signer string, m Moment) (Capacity, bool) {
	v := s.seen(m)
	return v.rights(signer, v.today)
}

// MayDecide reports whether no restriction keeps a person's answer from counting at
// a moment; whether the person holds the rights is not asked.
func (s Student) MayDecide(signer string, m Moment) bool {
	v := s.seen(m)
	o := v.order()
	switch {
	case o.barred[signer], o.barredPeople[v.person(signer)]:
		return false
	case o.decider != "":
		return v.person(signer) == v.person(o.decider)
	}
	return true
}

// within reports whether a day lies in a span, both ends included; a zero end
// is open.
func within(day, from, to civil.Date) bool {
	return day >= from && (to.IsZero() || day <= to)
}
