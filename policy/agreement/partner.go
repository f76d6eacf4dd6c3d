package agreement

import "slices"

// PartnerState is where a partner organization stands with the district.
type PartnerState string

// The closed list of partner states. Only an accepted partner is answered.
const (
	Inquiry     PartnerState = "inquiry"
	UnderReview PartnerState = "under_review"
	Accepted    PartnerState = "accepted"
	Suspended   PartnerState = "suspended"
	Ended       PartnerState = "ended"
)

// PartnerStates returns the closed list in the order of a partner's life.
func PartnerStates() []PartnerState {
	return []PartnerState{Inquiry, UnderReview, Accepted, Suspended, Ended}
}

// PartnerEvent moves a partner from one state to the next.
type PartnerEvent string

// The closed list of partner events.
const (
	PartnerReview  PartnerEvent = "review"  // the district takes up the inquiry
	PartnerAccept  PartnerEvent = "accept"  // into the district's register of partners
	PartnerSuspend PartnerEvent = "suspend" // nothing more is answered until it is resumed
	PartnerResume  PartnerEvent = "resume"
	PartnerEnd     PartnerEvent = "end" // for good: declined, withdrawn or over
)

var partnerTable = []transition[PartnerState, PartnerEvent]{
	{Inquiry, PartnerReview, UnderReview},
	{Inquiry, PartnerEnd, Ended},
	{UnderReview, PartnerAccept, Accepted},
	{UnderReview, PartnerEnd, Ended},
	{Accepted, PartnerSuspend, Suspended},
	{Accepted, PartnerEnd, Ended},
	{Suspended, PartnerResume, Accepted},
	{Suspended, PartnerEnd, Ended},
}

// Partner is an organization that works with students of the district.
// LegalEntity is its registered name, to which a ban clings, and TaxID its tax
// number where it has one. Version counts changes of the record and is kept by
// whoever stores it.
type Partner struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	LegalEntity string       `json:"legal_entity"`
	TaxID       string       `json:"tax_id,omitzero"`
	Contact     string       `json:"contact"`
	State       PartnerState `json:"state"`
	Sites       []string     `json:"sites,omitzero"`
	Programs    []string     `json:"programs,omitzero"`
	Version     int          `json:"version"`
}

// Validate returns FieldErrors for what a partner lacks to be stored.
func (p Partner) Validate() error {
	var f faults
	f.word("id", p.ID, "give the partner an id of its own")
	f.text("name", p.Name, 200, "give the name families know the organization by")
	f.text("legal_entity", p.LegalEntity, 200, "give the registered name: agreements bind it and a ban follows it")
	f.text("contact", p.Contact, 500, "give an address or telephone number for families and officers")
	f.unless(p.TaxID == "" || NormalTaxID(p.TaxID) != "", "tax_id", "has no digits", "give the tax number, or leave it out")
	f.unless(slices.Contains(PartnerStates(), p.State), "state", "is missing or unknown",
		"use inquiry, under_review, accepted, suspended or ended")
	for i, s := range p.Sites {
		f.text(at("sites", i), s, 200, "give the name of the site")
	}
	for i, s := range p.Programs {
		f.text(at("programs", i), s, 200, "give the name of the program")
	}
	return f.err()
}

// Advance moves the partner along its lifecycle or returns a *TransitionError.
func (p Partner) Advance(event PartnerEvent) (Partner, error) {
	next, err := follow("partner", partnerTable, p.State, event)
	if err != nil {
		return p, err
	}
	p.State = next
	return p, nil
}

// Events returns the events that the partner's state allows.
func (p Partner) Events() []string { return allowed(partnerTable, p.State) }
