package agreement

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// State is where an agreement stands.
type State string

// The closed list of agreement states.
const (
	Draft              State = "draft"
	InReview           State = "in_review"
	Offered            State = "offered" // its text is fixed and can be signed
	Signed             State = "signed"  // by both, and the term has not begun
	Active             State = "active"
	Expired            State = "expired"
	Terminated         State = "terminated"
	DestructionPending State = "destruction_pending"
	Closed             State = "closed"
)

// States returns the closed list in the order of an agreement's life.
func States() []State {
	return []State{Draft, InReview, Offered, Signed, Active, Expired, Terminated, DestructionPending, Closed}
}

// Event moves an agreement from one state to the next. Nobody activates an
// agreement or lets it expire: the second signature (Sign) and the term do.
type Event string

// The closed list of events.
const (
	EventSubmit           Event = "submit"            // the draft goes to review
	EventReturn           Event = "return"            // the review sends it back
	EventOffer            Event = "offer"             // its Text can be signed; Offer renders and offers
	EventRecall           Event = "recall"            // an offer becomes a draft again, without text and signatures
	EventAbandon          Event = "abandon"           // never to be signed
	EventTerminate        Event = "terminate"         // ends before its term does
	EventBeginDestruction Event = "begin_destruction" // the partner has to destroy what it holds
	EventClose            Event = "close"             // destruction is confirmed
)

var agreementTable = []transition[State, Event]{
	{Draft, EventSubmit, InReview},
	{Draft, EventAbandon, Closed},
	{InReview, EventReturn, Draft},
	{InReview, EventOffer, Offered},
	{InReview, EventAbandon, Closed},
	{Offered, EventRecall, Draft},
	{Offered, EventAbandon, Closed},
	{Signed, EventTerminate, Terminated},
	{Active, EventTerminate, Terminated},
	{Expired, EventBeginDestruction, DestructionPending},
	{Terminated, EventBeginDestruction, DestructionPending},
	{DestructionPending, EventClose, Closed},
}

// sabotage removes one guard each. Agreements run with none of them; tests set
// them to show that the guard is what makes a law hold.
type sabotage struct {
	ignoreTerm     bool
	ignoreElements bool
	ignoreText     bool
	ignoreParty    bool
	ignoreWidening bool // no change needs new consents
	ignoreLines    bool // free text goes into the document as it is
	extra          []transition[State, Event]
}

// StateOn returns the state on a local date: a signed agreement is active
// within its term, signed before it and expired after it, whether or not
// anybody recorded that. One that lacks what its basis needs is never active.
func (a Agreement) StateOn(today civil.Date) State { return a.stateOn(today, sabotage{}) }

func (a Agreement) stateOn(today civil.Date, without sabotage) State {
	switch {
	case a.State != Signed && a.State != Active:
		return a.State
	case today > a.Clauses.TermTo && !without.ignoreTerm:
		return Expired
	case today < a.Clauses.TermFrom && !without.ignoreTerm, a.Clauses.lacking() != "" && !without.ignoreElements:
		return Signed
	}
	return Active
}

// Settle records StateOn in the agreement.
func (a Agreement) Settle(today civil.Date) Agreement {
	a.State = a.StateOn(today)
	return a
}

// Advance settles the agreement on a day and moves it along its lifecycle, or
// returns a *TransitionError.
func (a Agreement) Advance(event Event, today civil.Date) (Agreement, error) {
	return a.advance(event, today, sabotage{})
}

func (a Agreement) advance(event Event, today civil.Date, without sabotage) (Agreement, error) {
	settled := a
	settled.State = a.stateOn(today, without)
	next, err := follow("agreement", slices.Concat(agreementTable, without.extra), settled.State, event)
	if err != nil {
		return a, err
	}
	switch event {
	case EventOffer:
		if detail := a.unfit(today, without); detail != "" {
			return a, &TransitionError{
				Object: "agreement", State: string(a.State), Event: string(event),
				Allowed: a.Events(today), Detail: detail,
			}
		}
	case EventRecall:
		settled.Text, settled.Signatures = "", nil
	case EventTerminate:
		settled.EndedOn = today
	}
	settled.State = next
	return settled, nil
}

// Events returns the events that the agreement's state allows on a day.
func (a Agreement) Events(today civil.Date) []string {
	return allowed(agreementTable, a.StateOn(today))
}

// unfit returns why the agreement may not be offered or signed on a day, or "".
func (a Agreement) unfit(today civil.Date, without sabotage) string {
	switch {
	case a.Text == "":
		return "its text has not been rendered"
	case today > a.Clauses.TermTo && !without.ignoreTerm:
		return "its term has ended"
	case without.ignoreElements:
		return ""
	}
	return a.Clauses.lacking()
}

// Offer renders the text for a partner and a district, and offers it to be
// signed: the clauses must be valid and the partner accepted. It returns
// FieldErrors or a *TransitionError.
func (a Agreement) Offer(p Partner, districtName string, r Rules, today civil.Date) (Agreement, error) {
	if p.ID != a.Partner || p.State != Accepted {
		return a, &TransitionError{
			Object: "agreement", State: string(a.State), Event: string(EventOffer),
			Allowed: a.Events(today), Detail: "only the agreement's own partner, once accepted, can be offered it",
		}
	}
	if err := a.Clauses.Validate(r); err != nil {
		return a, err
	}
	offered := a
	offered.Text = Render(p, a, districtName)
	offered, err := offered.Advance(EventOffer, today)
	if err != nil {
		return a, err
	}
	return offered, nil
}
