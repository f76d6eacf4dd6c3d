package policy

import (
	"errors"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// The actions a policy decides on.
const (
	ActionComparison = "comparison" // figures of a published release
	ActionStudents   = "students"   // rows of consenting students
)

// AllSchools as Request.School asks for all schools of the agreement together.
const AllSchools = "all"

// RolePartner is the only role that the shipped rules answer.
const RolePartner = "partner"

// Facts is everything a decision may depend on, gathered from one snapshot.
// Nothing in it is about a student.
type Facts struct {
	Action           string       // ActionComparison or ActionStudents
	Caller           Caller       // who asks
	Agreement        *Prepared    // under what; never nil
	Partner          PartnerFacts // for whom
	Request          Request      // what is asked
	Today            civil.Date   // the district's local date at the request
	RosterPresent    bool         // the agreement has a roster (comparison: one that was frozen with the period)
	ReleasePublished bool         // a release of this agreement and period is published; false for ActionStudents
}

// Caller is the bearer of a verified token.
type Caller struct {
	Role     string   // as in the token
	Partner  string   // the organization of a partner's person, else ""
	Sites    []string // sites the token grants; none means the whole organization
	Programs []string // programs the token grants; none means all
}

// PartnerFacts is the organization that the agreement is with, as it stands in
// the snapshot.
type PartnerFacts struct {
	ID       string   // equals the agreement's partner
	State    string   // inquiry, under_review, accepted, suspended, ended
	Banned   bool     // a ban on its legal entity holds today (34 CFR 99.67)
	Sites    []string // every site it registered
	Programs []string // every program it registered
}

// Request is what is asked, after defaults were filled in.
type Request struct {
	School     string             // a school id or AllSchools
	Period     string             // a session id, or "current"; names the period, decides nothing
	PeriodFrom civil.Date         // first day of the period, both inclusive
	PeriodTo   civil.Date         // last day
	Grain      string             // comparison: "all", "school" or "grade"; students: ""
	Categories []consent.Category // record categories; unless the caller chose, the agreement's schedule
	Indicators []string           // comparison: indicator ids; unless the caller chose, the agreement's
}

// maxText and maxList bound every string and list of Facts, and maxInput the
// text of the whole input in bytes: evaluation time grows with the input.
const (
	maxText  = 256
	maxList  = 512
	maxInput = 64 << 10
)

// ErrFacts is returned for facts that no request can have: it points at the
// caller of this package, not at the policy.
var ErrFacts = errors.New("facts are incomplete, contradictory or too large")

func (f *Facts) check() error {
	switch {
	case f.Agreement == nil:
		return fmt.Errorf("%w: no agreement", ErrFacts)
	case f.Action != ActionComparison && f.Action != ActionStudents:
		return fmt.Errorf("%w: unknown action", ErrFacts)
	case f.Today.IsZero():
		return fmt.Errorf("%w: no date", ErrFacts)
	case f.Partner.ID != f.Agreement.agreement.Partner:
		return fmt.Errorf("%w: the partner is not the agreement's", ErrFacts)
	case f.Caller.Role == RolePartner && f.Caller.Partner != f.Partner.ID:
		return fmt.Errorf("%w: the caller is of another partner", ErrFacts)
	}
	for _, c := range f.Request.Categories {
		if !c.Valid() {
			return fmt.Errorf("%w: unknown category", ErrFacts)
		}
	}
	return f.checkSize()
}

func (f *Facts) checkSize() error {
	size := f.Agreement.size()
	texts := [...]string{f.Caller.Role, f.Caller.Partner, f.Partner.ID, f.Partner.State, f.Request.School, f.Request.Period, f.Request.Grain}
	lists := [...][]string{texts[:], f.Caller.Sites, f.Caller.Programs, f.Partner.Sites, f.Partner.Programs, f.Request.Indicators}
	for _, list := range lists {
		if len(list) > maxList {
			return fmt.Errorf("%w: a list has more than %d members", ErrFacts, maxList)
		}
		for _, s := range list {
			if len(s) > maxText {
				return fmt.Errorf("%w: a text is longer than %d bytes", ErrFacts, maxText)
			}
			size += len(s)
		}
	}
	if size > maxInput || len(f.Request.Categories) > maxList {
		return fmt.Errorf("%w: the input is larger than %d bytes", ErrFacts, maxInput)
	}
	return nil
}
