package consent

import (
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Answer is what a person said.
type Answer string

// The closed list of answers.
const (
	Yes  Answer = "yes"
	No   Answer = "no"
	Talk Answer = "talk" // wants to talk to someone first: neither a yes nor a no
)

// Valid reports whether a is on the list.
func (a Answer) Valid() bool { return a == Yes || a == No || a == Talk }

// Method is how an answer reached the district.
type Method string

// The closed list of methods. An answer by phone can refuse but not consent,
// for a consent is signed and dated (34 CFR 99.30(a)).
const (
	Paper       Method = "paper"
	InPerson    Method = "in_person"
	Phone       Method = "phone"
	Web         Method = "web"
	PartnerForm Method = "partner_form"
)

// Methods returns the closed list.
func Methods() []Method { return []Method{Paper, InPerson, Phone, Web, PartnerForm} }

// Valid reports whether m is on the list.
func (m Method) Valid() bool { return slices.Contains(Methods(), m) }

// Status tells whether the district stands behind a grant.
type Status string

// A form that a partner collected is pending until the district confirms it
// and who signed it; it opens nothing before.
const (
	Pending Status = "pending"
	InForce Status = "in_force"
)

// Valid reports whether s is on the list.
func (s Status) Valid() bool { return s == Pending || s == InForce }

// Grant is one person's signed answer about one student, one party, one
// purpose and the categories it names, with the records it opens (RecordsFrom
// to RecordsTo, both included) and the last day on which the party may look
// (Expires). Nothing in it is ever rewritten but the acts, the holds and the
// status, each of which carries its own time.
type Grant struct {
	ID          string     `json:"id"`
	Student     string     `json:"student"`
	Party       string     `json:"party"`
	Purpose     Purpose    `json:"purpose"`
	Categories  []Category `json:"categories"`
	RecordsFrom civil.Date `json:"records_from,omitzero"`
	RecordsTo   civil.Date `json:"records_to,omitzero"`
	Expires     civil.Date `json:"expires,omitzero"`
	Signer      string     `json:"signer"`
	Capacity    Capacity   `json:"capacity"`
	Answer      Answer     `json:"answer"`
	TextVersion string     `json:"text_version,omitzero"` // of the text that was shown
	Language    string     `json:"language,omitzero"`     // BCP 47, in which it was shown
	TextSHA256  string     `json:"text_sha256,omitzero"`  // 64 lower-case hexadecimal digits
	Method      Method     `json:"method"`
	Evidence    Evidence   `json:"evidence,omitzero"`
	SignedAt    time.Time  `json:"signed_at"`
	EnteredAt   time.Time  `json:"entered_at"`
	Status      Status     `json:"status"`

	// Confirmed is the district's act that put a pending grant in force; nil
	// for one that was in force from its entry.
	Confirmed *Act `json:"confirmed,omitzero"`
	// Withdrawn turns the signer's answer into a no from its moment on.
	Withdrawn *Act `json:"withdrawn,omitzero"`
	// Invalidated says that the answer never was valid.
	Invalidated *Act `json:"invalidated,omitzero"`
	// Held are the spans this grant does not open, decided when it was put in
	// force.
	Held []Hold `json:"held,omitzero"`
}

// Act is something done later to a grant or a restriction: who did it, when it
// took effect and when the district knew.
type Act struct {
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	EnteredAt time.Time `json:"entered_at"`
	Reason    string    `json:"reason,omitzero"`
}

// Evidence is what shows that the person answered: the hash of a scan, or a
// reference under which the paper, the witness or the signed-in session is
// found.
type Evidence struct {
	Kind      string `json:"kind,omitzero"`
	SHA256    string `json:"sha256,omitzero"`
	Reference string `json:"reference,omitzero"`
}

// Hold keeps closed, for one indicator family, the span of a period whose
// figures were published before the grant, so that the grant does not expose
// the last students who did not consent. An officer's recorded Override (its
// reason, at OverriddenAt) opens it.
type Hold struct {
	Family       string     `json:"family"`
	Period       string     `json:"period"`
	From         civil.Date `json:"from"`
	To           civil.Date `json:"to"`
	Override     string     `json:"override,omitzero"`
	OverriddenAt time.Time  `json:"overridden_at,omitzero"`
}

// names reports whether the grant is about the party, purpose and category of
// a question.
func (g *Grant) names(q Question) bool {
	return g.Party == q.Party && g.Purpose == q.Purpose && slices.Contains(g.Categories, q.Category)
}
