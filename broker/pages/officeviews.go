package pages

import (
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// OfficeFrame is what stands round every page of the district's own people, who read
// English.
type OfficeFrame struct {
	District  string
	Phone     string
	Person    string    // who is signed in; empty: nobody
	Role      string    // of that person: officer, steward or auditor
	Path      string    // of the page, as its menu names it
	Now       time.Time // when the page was made, in the district's time zone
	Simulated bool      // the district's clock is set by hand: a banner says so
}

// OfficePage is one of the structs of this file. Their members are read from the data
// of the API's answers, by the names that stand there.
type OfficePage interface {
	officeTitle() string
}

// OfficeDoor is the page of a link by which one of the district's people signs in: POST
// to the same path does, once.
type OfficeDoor struct {
	Link   string // this page's own path
	Person string
	Role   string
}

// OfficeNote is a state or an error as a page. Details are sentences that name the
// place and the remedy, and hold nothing of a person.
type OfficeNote struct {
	Kind    NoteKind
	Details []string
}

// OfficePerson is somebody on a student's file.
type OfficePerson struct {
	GuardianID string `json:"guardian_id"`
	Self       bool   `json:"self"` // the student
	Name       string `json:"name"`
}

// Field is how forms name the person.
func (p OfficePerson) Field() string {
	switch {
	case p.Self:
		return "self"
	case p.GuardianID != "":
		return "guardian:" + p.GuardianID
	}
	return ""
}

// OfficeRef names a student by the district's number.
type OfficeRef struct {
	StudentID string `json:"student_id"`
	Name      string `json:"name"`
}

// OfficeCase is a case about a student.
type OfficeCase struct {
	ID      string       `json:"id"`
	Kind    string       `json:"kind"`
	Student OfficeRef    `json:"student"`
	By      OfficePerson `json:"by"`
	Consent string       `json:"consent"`
	Pauses  bool         `json:"pauses"`
	Opened  time.Time    `json:"opened_at"`
	Closed  time.Time    `json:"closed_at"`
	How     string       `json:"closed_how"`
}

// OfficeInspection is a family's request to inspect a student's records.
type OfficeInspection struct {
	ID      string       `json:"id"`
	Student OfficeRef    `json:"student"`
	By      OfficePerson `json:"by"`
	Opened  time.Time    `json:"opened_at"`
	Due     civil.Date   `json:"due"`
	State   string       `json:"state"`
	Closed  time.Time    `json:"closed_at"`
	How     string       `json:"closed_how"`
}

// OfficeCandidate is a person who may have signed a form, or who may decide.
type OfficeCandidate struct {
	OfficePerson
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	SameName    bool             `json:"same_name"`
	MayDecide   bool             `json:"may_decide"`
}

// OfficeForm is a form that a partner collected and nobody confirmed yet.
type OfficeForm struct {
	ID          string             `json:"id"`
	Agreement   string             `json:"agreement"`
	Party       string             `json:"party"`
	Ref         string             `json:"participant_ref"`
	Signer      string             `json:"signer_name"`
	Answer      consent.Answer     `json:"answer"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	SignedAt    time.Time          `json:"signed_at"`
	Evidence    consent.Evidence   `json:"evidence"`
	Student     *OfficeRef         `json:"student"` // nil: nobody was found
	Candidates  []OfficeCandidate  `json:"candidates"`
}

// OfficeMessage is a message to a family, without what it says.
type OfficeMessage struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	State   string `json:"state"`
	Problem string `json:"problem"`
	To      struct {
		GuardianID string `json:"guardian_id"`
		StudentID  string `json:"student_id"`
	} `json:"to"`
	Contact  string    `json:"contact"` // masked
	Language string    `json:"language"`
	Written  time.Time `json:"written_at"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next_attempt_at"`
	Ended    time.Time `json:"ended_at"`
}

// OfficeRound is a round of questions and what came of it.
type OfficeRound struct {
	ID          string             `json:"id"`
	Agreement   string             `json:"agreement"`
	Schools     []string           `json:"schools"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	OpenedAt    time.Time          `json:"opened_at"`
	Done        bool               `json:"everyone_was_asked"`
	Children    struct {
		Asked    int                    `json:"asked"`
		Yes      int                    `json:"yes"`
		No       int                    `json:"no"`
		Talk     int                    `json:"wants_to_talk"`
		Silent   int                    `json:"no_answer"`
		ByMethod map[consent.Method]int `json:"answered_by_method"`
	} `json:"children"`
}

// OfficeAgreement is an agreement under which a round may be opened.
type OfficeAgreement struct {
	ID      string `json:"id"`
	Partner string `json:"partner"`
	State   string `json:"state_today"`
	Clauses struct {
		Schools    []string           `json:"schools"`
		Categories []consent.Category `json:"categories"`
	} `json:"clauses"`
}

// OfficeText says whether families may sign in a language.
type OfficeText struct {
	Language string    `json:"language"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Signable bool      `json:"signable"`
	Shipped  bool      `json:"reviewed_before_it_shipped"`
	Reviewer string    `json:"reviewer"`
	Reviewed time.Time `json:"reviewed_at"`
}

// OfficeOverview is GET /office: what waits for somebody. What the role may not read is
// not there.
type OfficeOverview struct {
	Cases       []OfficeCase       // open, those that pause sharing first
	Inspections []OfficeInspection // open, those due first
	Conflicts   int                // families whose people disagree
	Forms       int                // that wait for a word
	Unreached   int                // messages that reached nobody
	More        bool               // there are more of those than were counted
	Rounds      []OfficeRound      // newest first
	Matches     int                // children on rosters who were not found, for stewards
	Duplicates  int                // pairs of guardians who look like one person
}

// OfficeSight is one request about a student, as 34 CFR 99.32 asks it to be kept.
type OfficeSight struct {
	Index       uint64             `json:"index"`
	Time        time.Time          `json:"time"`
	Partner     string             `json:"partner"`
	PartnerName string             `json:"partner_name"`
	Person      string             `json:"person"`
	Agreement   string             `json:"agreement"`
	Purpose     consent.Purpose    `json:"purpose"`
	Basis       string             `json:"basis"`
	Interest    string             `json:"interest"`
	PassedOn    string             `json:"passed_on"`
	Outcome     Outcome            `json:"outcome"`
	Categories  []consent.Category `json:"categories"`
	Reasons     []string           `json:"reasons"`
}

// OfficeRecord is a page of the record of one student, newest first.
type OfficeRecord struct {
	Requests []OfficeSight `json:"requests"`
	Next     uint64        `json:"next"` // older ones stand before this entry; zero: none
	Figures  []struct {
		Agreement   string `json:"agreement"`
		PartnerName string `json:"partner_name"`
	} `json:"figures"`
	Meaning string `json:"figures_meaning"`
	Before  uint64 `json:"-"` // the page begins before this entry; zero: with the newest
}

// OfficeHolder is an officer's word on whether somebody holds a student's rights.
type OfficeHolder struct {
	OfficePerson
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	From        civil.Date       `json:"from"`
	To          civil.Date       `json:"to"`
	Document    string           `json:"document"`
	Reason      string           `json:"reason"`
	EnteredAt   time.Time        `json:"entered_at"`
}

// OfficeRestriction is a document that says who may decide.
type OfficeRestriction struct {
	ID        string                  `json:"id"`
	Kind      consent.RestrictionKind `json:"kind"`
	Signer    OfficePerson            `json:"signer"`
	From      civil.Date              `json:"from"`
	To        civil.Date              `json:"to"`
	Document  string                  `json:"document"`
	EnteredAt time.Time               `json:"entered_at"`
	LiftedAt  time.Time               `json:"lifted_at"`
	Lifted    string                  `json:"lifted_because"`
}

// OfficeProtection protects a family from one of its own.
type OfficeProtection struct {
	ID        string       `json:"id"`
	Protects  OfficePerson `json:"protects"`
	Document  string       `json:"document"`
	EnteredAt time.Time    `json:"entered_at"`
	LiftedAt  time.Time    `json:"lifted_at"`
}

// OfficeAnswer is an answer about a student.
type OfficeAnswer struct {
	ID          string             `json:"id"`
	Party       string             `json:"party"`
	Answer      consent.Answer     `json:"answer"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	SignedAt    time.Time          `json:"signed_at"`
	Withdrawn   time.Time          `json:"withdrawn_at"`
	Invalidated time.Time          `json:"invalidated_at"`
	Signer      OfficePerson       `json:"signer"`
	Capacity    consent.Capacity   `json:"capacity"`
	Method      consent.Method     `json:"method"`
}

// OfficeRights is who decides about a student's records, and everything that was
// recorded of it.
type OfficeRights struct {
	Student       OfficeRef           `json:"student"`
	Eligible      bool                `json:"eligible"`
	Majority      civil.Date          `json:"majority"`
	Deciders      []OfficeCandidate   `json:"deciders"`
	Holders       []OfficeHolder      `json:"recorded_holders"`
	Restrictions  []OfficeRestriction `json:"restrictions"`
	Postsecondary []struct {
		From      civil.Date `json:"from"`
		Document  string     `json:"document"`
		EnteredAt time.Time  `json:"entered_at"`
	} `json:"postsecondary"`
	Protections []OfficeProtection `json:"protections"`
	Answers     []OfficeAnswer     `json:"answers"`
}

// OfficeStudent answers POST /office/student: everything of one student. An auditor's
// has no record: only officers and families read who saw a child.
type OfficeStudent struct {
	Rights      OfficeRights
	Record      *OfficeRecord
	Cases       []OfficeCase
	Inspections []OfficeInspection
	Done        string // a sentence: what was just recorded
}

// OfficeCases is GET /office/cases.
type OfficeCases struct {
	Cases     []OfficeCase     `json:"cases"`
	Conflicts []OfficeConflict `json:"conflicts"`
}

// OfficeConflict is a student about whom people, or documents, disagree now.
type OfficeConflict struct {
	Student   OfficeRef       `json:"student"`
	Party     string          `json:"party"`
	Purpose   consent.Purpose `json:"purpose"`
	Documents bool            `json:"documents_contradict"`
	Yes       []OfficeWord    `json:"yes"`
	No        []OfficeWord    `json:"no"`
}

// OfficeWord is what one person said.
type OfficeWord struct {
	By        OfficePerson `json:"by"`
	At        time.Time    `json:"at"`
	Withdrawn bool         `json:"withdrew"`
}

// OfficeInspections is GET /office/inspections.
type OfficeInspections struct {
	Inspections []OfficeInspection `json:"inspections"`
}

// OfficeTicket is GET /office/inspections/{id}, to be printed and handed out.
type OfficeTicket struct {
	OfficeInspection
}

// OfficeForms is GET /office/forms.
type OfficeForms struct {
	Forms []OfficeForm `json:"consents"`
}

// OfficeRounds is GET /office/rounds. Agreements are those in force.
type OfficeRounds struct {
	Rounds     []OfficeRound
	Agreements []OfficeAgreement
}

// MaxScans is how many scans are read at once.
const MaxScans = 60

// OfficePaper is GET /office/paper: printed forms that came back signed, to be entered.
type OfficePaper struct {
	Rows    []OfficePaperRow // what is still to be entered
	Entered int              // just now
}

// OfficePaperRow is one scan. Form is nil where its number is not known yet.
type OfficePaperRow struct {
	File     string // its name
	Scan     string // SHA-256, in hex
	Form     *OfficePaperForm
	Answer   consent.Answer
	Signed   string // day, as it was typed
	Language string
	Problem  string // why it is not entered
}

// OfficePaperForm is what a printed form is about.
type OfficePaperForm struct {
	Form        string             `json:"form"`
	Student     OfficeRef          `json:"student"`
	Name        string             `json:"student_name"`
	Person      OfficePerson       `json:"person"`
	Partner     string             `json:"partner_name"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Language    string             `json:"language"`
	Answered    bool               `json:"answered"`
}

// OfficeLink is a link for somebody at the front desk, to be opened on their own
// telephone. The code goes to the contact on file.
type OfficeLink struct {
	Student OfficeRef
	Address string    // of the link, as it is typed
	QR      [][]bool  // the same, as rows of dark modules
	Code    string    // masked contact to which the code goes; empty: the file has none
	Ends    time.Time // when the link ends
}

// OfficeMessages is GET /office/messages.
type OfficeMessages struct {
	Messages []OfficeMessage `json:"messages"`
	Carrier  bool            `json:"carrier"`
	State    string          `json:"-"` // only those in this state; empty: all
}

// OfficeTexts is GET /office/texts.
type OfficeTexts struct {
	Texts []OfficeText `json:"texts"`
}
