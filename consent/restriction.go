package consent

import (
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// RestrictionKind is what a court order, statute or binding document changes
// about who may decide (34 CFR 99.4).
type RestrictionKind string

// The closed list of restrictions.
const (
	MayNotDecide      RestrictionKind = "may_not_decide"      // this person's answers do not count
	BothMustAgree     RestrictionKind = "both_must_agree"     // a yes needs every holder of rights, and two at least
	ThisPersonDecides RestrictionKind = "this_person_decides" // only this person's answers count
)

// RestrictionKinds returns the closed list.
func RestrictionKinds() []RestrictionKind {
	return []RestrictionKind{MayNotDecide, BothMustAgree, ThisPersonDecides}
}

// Restriction is an order in effect from one local date to another, both
// included (zero: open). Signer is the person it is about, empty for
// both_must_agree. Document is the order's hash or file reference. It is lifted
// before its time by Lifted, never by rewriting To. A zero EnteredAt means that
// it has always been known.
type Restriction struct {
	Kind      RestrictionKind `json:"kind"`
	Signer    string          `json:"signer,omitzero"`
	From      civil.Date      `json:"from,omitzero"`
	To        civil.Date      `json:"to,omitzero"`
	Document  string          `json:"document"`
	EnteredAt time.Time       `json:"entered_at,omitzero"`
	Lifted    *Act            `json:"lifted,omitzero"`
}

// Validate returns FieldErrors for what a restriction lacks. There is no
// restriction without its document: either parent has full rights unless the
// district has been shown one (34 CFR 99.4).
func (r Restriction) Validate() error {
	var f faults
	if !slices.Contains(RestrictionKinds(), r.Kind) {
		f.add("kind", "is not a known restriction", "use may_not_decide, both_must_agree or this_person_decides")
	}
	f.unless(r.Kind == BothMustAgree || r.Signer != "", "signer", "is missing", "name the person the order is about")
	f.unless(r.Document != "", "document", "is missing", "give the hash or the file reference of the court order")
	f.unless(ordered(r.From, r.To), "to", "is before from", "give the last day of the order, or leave it open")
	f.act("lifted", r.Lifted, time.Time{})
	return f.err()
}

func (r Restriction) inEffect(today civil.Date, q Question) bool {
	lifted := q.happened(r.Lifted)
	return !q.unknown(r.EnteredAt) && !lifted && within(today, r.From, r.To)
}

// ordered reports whether a span that may be open at either end does not end
// before it begins.
func ordered(from, to civil.Date) bool { return to.IsZero() || from <= to }
