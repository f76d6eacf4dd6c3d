package pages

import (
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// Frame is what stands round every page. All texts are plain; Render escapes.
type Frame struct {
	District string // its name, as families know it
	Phone    string // whom to call, as it is read out: (414) 555-0142; "" leaves the link out
	Lang     string // a tag of Languages
	// Path is an address at which this page can be got again, without a query:
	// the language links lead to it with ?lang=TAG. A page that answers a POST
	// names the GET page it came from.
	Path      string
	SignedIn  bool // shows the person's own links and the button POST /sign-out
	Simulated bool // the district's clock is set by hand: a banner says so
}

// Page is one of the structs of this file.
type Page interface {
	title(w *words) string
}

// Landing is the page at /: open the link in your message, or ask for a new one
// by POST /link with the field contact (an e-mail address or telephone number).
type Landing struct{}

// LinkSent answers POST /link, whatever was typed: it never says whether the
// district knows the contact.
type LinkSent struct{}

// InvitationState says what can be done with the link of an invitation.
type InvitationState string

// What can be done with the link of an invitation.
const (
	InvitationOpen    InvitationState = ""         // a code can be sent
	InvitationExpired InvitationState = "expired"  // too old: ask for a new one
	InvitationUsedUp  InvitationState = "used_up"  // too many codes were asked for or guessed
	InvitationOffice  InvitationState = "office"   // the district has no contact on file that a code may go to
	InvitationWrong   InvitationState = "reported" // "this is not my child" was said; the link is dead
)

// Invitation is G1, GET {Link}: who invites, and one button that sends a code to the
// contact on file (POST {Link}/code). "This is not my child" is POST {Link}/wrong.
// Only InvitationOpen shows names.
type Invitation struct {
	Link     string   // this invitation's own path: /i/SECRET
	Partners []string // the organizations that ask, by name
	Children []string // first names only
	Self     bool     // the reader is the student, who is 18
	Contact  string   // masked: "••• 42"
	State    InvitationState
}

// CodeForm asks for the code of the message and the child's birthday on one
// screen: POST {Link}/open with the fields code, month, day and year. A new code
// is POST {Link}/code.
type CodeForm struct {
	Link    string
	Contact string // masked, where the code went
	Child   string // first name of the child whose birthday is asked; unused where Self
	Self    bool
	Wrong   bool // the last try did not fit: one sentence that does not say what was wrong
}

// Days are a student's attendance of the school year so far, in days; halves
// count as 0.5.
type Days struct {
	Present, Enrolled float64
}

// Result is one result of a course, as the school reported it.
type Result struct {
	Course string
	Mark   string // a letter or a number: never rescaled
}

// Event is one discipline event. A portion that is not asked for, or not known,
// is empty.
type Event struct {
	Date     civil.Date
	Incident string // what happened, in the district's words
	Action   string // what the school did, in the district's words
}

// Records are the real values of a child, as the partner would see them now.
// Whatever is not among the categories of the page is not shown.
type Records struct {
	Attendance *Days    // nil: none yet
	Grades     []Result // empty: none yet
	Discipline []Event  // empty: none
}

// ChoiceState says whether a request can be answered.
type ChoiceState string

// Whether a request can be answered.
const (
	ChoiceOpen      ChoiceState = ""          // it waits for this person's answer
	ChoiceAnswered  ChoiceState = "answered"  // this person has answered
	ChoiceOff       ChoiceState = "off"       // sharing is off: neutral, whoever or whatever stopped it
	ChoiceOfAge     ChoiceState = "of_age"    // the student is 18, and the choice is the student's
	ChoiceWithdrawn ChoiceState = "withdrawn" // the partner or the district took the request back
)

// Terms are what a consent names (34 CFR 99.30(b)): party, records, purpose and
// both windows. Text and hash depend on nothing else.
type Terms struct {
	District    string // who discloses
	Partner     string // to whom
	Child       string // first name
	Self        bool   // the signer is the student
	Purpose     consent.Purpose
	Categories  []consent.Category
	RecordsFrom civil.Date // the records of these days, both included
	RecordsTo   civil.Date
	Until       civil.Date // the last day on which the partner may look
	// WhileInProgram says that looking ends earlier when the child leaves the
	// partner's program. With no Until the text says: at most three years.
	WhileInProgram bool
}

// Choice is G2, GET /asks/{Ask}: one request, to be answered by POST to the same path
// with the fields answer (yes, no or talk) and text, the SHA-256 of the text that
// was shown, in lower-case hexadecimal digits.
type Choice struct {
	Terms
	Ask     string // path segment
	Records Records
	State   ChoiceState
	// MaySign says that the text may be signed in the language of the page: it
	// was Reviewed here, or the district recorded a review of its own. Without
	// it the page has no buttons.
	MaySign bool
	SignIn  []string       // tags of Languages in which the text may be signed
	Answer  consent.Answer // of ChoiceAnswered
	Receipt string         // number of the receipt of that answer
}

// Held is a span of records that a yes does not open, because figures that
// hold them were published before it.
type Held struct {
	Family   string // consent.AttendanceFamily, …
	From, To civil.Date
}

// Receipt is G3, GET /receipts/{Number}: what was answered, and the button that stops
// it (POST StopPath).
type Receipt struct {
	Terms
	Number   string // as it is read out
	Answer   consent.Answer
	Answered civil.Date // the day of the answer, in the district's time zone
	Held     []Held     // of a yes
	StopPath string     // "" where there is nothing to stop
	Stopped  civil.Date // the day on which it was stopped; zero: it was not
	Ended    civil.Date // the day on which it ended by itself; zero: it did not
	// DeletionAsked is the day on which the partner was asked to delete what it
	// already saw; until then a stopped yes has the button
	// POST /receipts/{Number}/deletion.
	DeletionAsked civil.Date
	Again         string // path at which the answer can be changed: /asks/…; "" where it cannot
	Sent          bool   // the receipt was just sent to the contact on file
	NotSent       bool   // it could not be sent
}

// Stop is the page behind the link in a receipt's message, GET {Link}: it shows no
// record, and one button that stops sharing (POST {Link}).
type Stop struct {
	Link    string // this page's own path: /s/SECRET
	Partner string
	Child   string
	Self    bool
	Number  string     // of the receipt
	Stopped civil.Date // zero: it can be stopped
	Over    bool       // there is nothing to stop: ended, or answered anew since
}

// CardState says how things stand between a child and a partner.
type CardState string

// How things stand between a child and a partner.
const (
	CardWaiting CardState = "waiting" // for this person's answer
	CardShares  CardState = "shares"
	CardNo      CardState = "no" // this person said no
	CardTalk    CardState = "talk"
	CardStopped CardState = "stopped" // this person stopped it
	CardEnded   CardState = "ended"
	CardOff     CardState = "off" // neutral, whoever or whatever stopped it
)

// Card is one partner of a child.
type Card struct {
	ID      string // path segment of POST /choices/{ID}/stop, for CardShares
	Partner string
	State   CardState
	Until   civil.Date // last day, for CardShares
	Since   civil.Date // day of the answer, the stop or the end; zero: not told
	Ask     string     // path segment of /asks/…, for CardWaiting
	Receipt string     // number of the newest receipt, or ""
}

// ChildChoices are the cards of one child.
type ChildChoices struct {
	Child string // first name
	Self  bool
	Seen  int // ordinal of the child in /seen/{n}, from 1
	Cards []Card
}

// Choices is G4, GET /choices.
type Choices struct {
	Children []ChildChoices
}

// Outcome is what became of a request of a partner for one child.
type Outcome string

// What became of a request.
const (
	OutcomeShown   Outcome = "shown"   // the child's records were sent
	OutcomeCounted Outcome = "counted" // the child was one of a few in a group's figures
	OutcomeNothing Outcome = "nothing" // records of others were sent, none of this child's
	OutcomeRefused Outcome = "refused" // nothing was sent
)

// Sight is one request of a partner that concerned a child (34 CFR 99.32).
type Sight struct {
	Date       civil.Date
	Partner    string // "" where names are held
	Categories []consent.Category
	Purpose    consent.Purpose
	Outcome    Outcome
	Index      uint64 // of the entry in the district's log
	Copy       bool   // a copy of what was sent can be had: /seen/{n}/{Index}
}

// GroupFigures names an agreement under whose figures of groups the child may be
// counted.
type GroupFigures struct {
	Partner   string // "" where names are held
	Agreement string
}

// Seen is G5, GET /seen/{N}: every request about a child, newest first.
type Seen struct {
	N        int // ordinal of the child among the person's children, from 1
	Child    string
	Self     bool
	Children []string // first names of all the person's children, by ordinal
	Requests []Sight
	Older    string // path of the next, older page, or ""
	Groups   []GroupFigures
	// NamesHeld says that this family's names of organizations are not shown on a
	// screen (a protected address); the office reads them out.
	NamesHeld bool
}

// Covered are the days that one category of a row covers.
type Covered struct {
	Category consent.Category
	From, To civil.Date
}

// SeenCopy is GET /seen/{N}/{Index}: what was sent about a child, as it was sent
// (34 CFR 99.30(c)). Records show the row in words; Exact is its JSON.
type SeenCopy struct {
	N       int
	Child   string
	Self    bool
	Sight   Sight
	School  string
	Ref     string // the number by which the partner knows the child
	Records Records
	Covered []Covered
	Exact   string // the bytes of the row
	Receipt string // path of the receipt as a file, or ""
	Key     string // the district's verifier key, that checks the receipt
}

// NoteKind is what a Note says.
type NoteKind string

// The closed list of notes.
const (
	NoteNotFound       NoteKind = "not_found"
	NoteExpiredSession NoteKind = "expired_session"
	NoteTooMany        NoteKind = "too_many"
	NoteTryAgain       NoteKind = "try_again"     // a form was not complete, or what it showed has changed
	NoteNotAvailable   NoteKind = "not_available" // whatever depends on a student and is not to be told
	NoteUnavailable    NoteKind = "unavailable"
	NoteSent           NoteKind = "sent"
	NoteSignedOut      NoteKind = "signed_out"
)

// NoteKinds returns the closed list.
func NoteKinds() []NoteKind {
	return []NoteKind{
		NoteNotFound, NoteExpiredSession, NoteTooMany, NoteTryAgain, NoteNotAvailable, NoteUnavailable, NoteSent, NoteSignedOut,
	}
}

// Note is any other state or error as a page: a sentence, what to do next, whom to
// call.
type Note struct {
	Kind NoteKind
}

// Sheet is the consent form of one child for one partner.
//
// Without MaySign (see Choice) the sheet is there to be read: it has no boxes and
// names the languages in which one can sign.
type Sheet struct {
	Terms
	MaySign bool
	SignIn  []string // tags of Languages in which the text may be signed
	Student string   // full name, for the office
	Number  string   // of the form, for the office
	Address string   // of the pages, printed under the QR code; "" without one
	QR      [][]bool // rows of dark modules, without the quiet zone; nil: none
}

// Packet are consent forms to print, each on sheets of its own, in the language of
// the Frame.
type Packet struct {
	Sheets []Sheet
}
