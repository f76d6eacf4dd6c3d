// Package agreement has the data-sharing agreement between a district and a
// partner organization: typed clauses, the text both sign by its hash, the
// lifecycles of partners and agreements, and the plain difference between two
// versions. It is pure: every day is a parameter.
package agreement

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Agreement is one version of one agreement. An amendment is the next version
// under the same ID and names the version it Supersedes (0: none). Text is
// what both parties sign, kept as it was rendered when it was offered. EndedOn
// is the day of a termination.
type Agreement struct {
	ID         string      `json:"id"`
	Partner    string      `json:"partner"`
	Version    int         `json:"version"`
	State      State       `json:"state"`
	Clauses    Clauses     `json:"clauses"`
	Signatures []Signature `json:"signatures,omitzero"`
	Supersedes int         `json:"supersedes,omitzero"`
	Text       string      `json:"text,omitzero"`
	EndedOn    civil.Date  `json:"ended_on,omitzero"`
}

// New returns the first version of an agreement, as a draft.
func New(id, partner string, c Clauses) Agreement {
	return Agreement{ID: id, Partner: partner, Version: 1, State: Draft, Clauses: c}
}

// Amend returns the next version as a draft under new clauses. The version it
// supersedes stays in force until the new one does; Diff says what changes.
func (a Agreement) Amend(c Clauses) Agreement {
	next := New(a.ID, a.Partner, c)
	next.Version, next.Supersedes = a.Version+1, a.Version
	return next
}

// Current returns the version in force on a day, if any: the newest that both
// have signed and whose term has begun decides. Where that one has expired or
// was terminated, no older version revives.
func Current(versions []Agreement, today civil.Date) (Agreement, bool) {
	newest := slices.SortedFunc(slices.Values(versions), func(a, b Agreement) int { return cmp.Compare(b.Version, a.Version) })
	for _, a := range newest {
		switch a.StateOn(today) {
		case Draft, InReview, Offered, Signed:
			continue
		case Active:
			return a, true
		}
		if a.signedByBoth() { // abandoned before it was signed: it never replaced anything
			return Agreement{}, false
		}
	}
	return Agreement{}, false
}

// DestroyBy returns the day by which all records have to be destroyed, counted
// from the end of the term or the earlier termination; a study's own day
// counts if it is earlier.
func (a Agreement) DestroyBy() civil.Date {
	end := a.Clauses.TermTo
	if !a.EndedOn.IsZero() && a.EndedOn < end {
		end = a.EndedOn
	}
	by := end + civil.Date(a.Clauses.DestructionDays)
	if s := a.Clauses.Study; s != nil && !s.DestroyBy.IsZero() {
		by = min(by, s.DestroyBy)
	}
	return by
}
