package broker

import (
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// PartnerRequest makes an accepted partner organization.
type PartnerRequest struct {
	ID          string   `json:"id,omitzero"` // chosen by the district, or empty for a random one
	Name        string   `json:"name"`
	LegalEntity string   `json:"legal_entity"` // registered name: agreements bind it, a ban follows it
	TaxID       string   `json:"tax_id,omitzero"`
	Contact     string   `json:"contact"`
	Sites       []string `json:"sites,omitzero"`
	Programs    []string `json:"programs,omitzero"`
}

// TransitionRequest moves a partner or an agreement along its lifecycle.
type TransitionRequest struct {
	Event  string `json:"event"`
	Reason string `json:"reason,omitzero"`
}

// BanRequest bars a partner's legal entity until a day, which it does not
// include, by an order on file.
type BanRequest struct {
	Until civil.Date `json:"until"`
	Order string     `json:"order"`
}

// AgreementRequest offers an agreement to a partner: a template whose clauses
// the named members replace.
type AgreementRequest struct {
	ID               string                  `json:"id,omitzero"`
	Partner          string                  `json:"partner"`
	Template         string                  `json:"template,omitzero"`
	Basis            agreement.Basis         `json:"basis,omitzero"` // where no template fits
	Purpose          consent.Purpose         `json:"purpose,omitzero"`
	PurposeText      string                  `json:"purpose_text,omitzero"`
	Schools          []string                `json:"schools"`
	Categories       []consent.Category      `json:"categories,omitzero"`
	Indicators       []string                `json:"indicators,omitzero"`
	Grain            []string                `json:"grain,omitzero"`
	DosageFloor      int                     `json:"dosage_floor,omitzero"`
	MinCohort        int                     `json:"min_cohort,omitzero"`
	UnconsentedFloor int                     `json:"unconsented_floor,omitzero"`
	Profile          agreement.Profile       `json:"profile,omitzero"`        // standard, published_table or budgeted
	Epsilon          int                     `json:"epsilon_tenths,omitzero"` // of the budgeted profile
	TermFrom         civil.Date              `json:"term_from"`
	TermTo           civil.Date              `json:"term_to"`
	Administrator    string                  `json:"administrator"`
	Redisclosure     string                  `json:"redisclosure,omitzero"`
	DestructionDays  int                     `json:"destruction_days,omitzero"`
	Study            *agreement.Study        `json:"study,omitzero"`
	Attestations     *agreement.Attestations `json:"attestations,omitzero"`
}

// SignatureRequest is one party's signature under the rendered text.
type SignatureRequest struct {
	Party      string `json:"party"` // "district" or "partner"
	Name       string `json:"name"`
	Title      string `json:"title"`
	TextSHA256 string `json:"text_sha256"`
}

// StudentRef names one student by exactly one of the ways a caller may know:
// the district's number (staff and families) or, within the agreement, the
// partner's own reference.
type StudentRef struct {
	StudentID      string `json:"student_id,omitzero"`
	ParticipantRef string `json:"participant_ref,omitzero"`
}

// SignerRef names who answered: a guardian of the student by the district's
// number, or the student. A partner, who knows no such numbers, gives the name
// on the form; the district finds the person when it confirms.
type SignerRef struct {
	GuardianID string `json:"guardian_id,omitzero"`
	Self       bool   `json:"self,omitzero"`
	Name       string `json:"name,omitzero"`
}

// TextRef is the text that was shown to the signer: its version, language
// (BCP 47) and SHA-256.
type TextRef struct {
	Version  string `json:"version"`
	Language string `json:"language"`
	SHA256   string `json:"sha256"`
}

// ConsentRequest enters one answer of one person about one student and one
// agreement. From an officer it is in force at once, from a partner it is
// pending until the district confirms it, from a guardian it is her own.
type ConsentRequest struct {
	Agreement   string             `json:"agreement"`
	Student     StudentRef         `json:"student"`
	Signer      SignerRef          `json:"signer"`
	Answer      consent.Answer     `json:"answer"`
	Categories  []consent.Category `json:"categories,omitzero"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	SignedAt    time.Time          `json:"signed_at"`
	Method      consent.Method     `json:"method"`
	Text        TextRef            `json:"text"`
	Evidence    consent.Evidence   `json:"evidence,omitzero"`
}

// RestrictionRequest records a court order, statute or binding document on a
// student's file, in effect from one day to another, both included (none: open).
// Signer is whom it is about; both_must_agree is about all. Document is its SHA-256
// or where it is kept.
type RestrictionRequest struct {
	Student  StudentRef              `json:"student"`
	Kind     consent.RestrictionKind `json:"kind"`
	Signer   SignerRef               `json:"signer,omitzero"`
	From     civil.Date              `json:"from,omitzero"`
	To       civil.Date              `json:"to,omitzero"`
	Document string                  `json:"document"`
}

// HolderRequest records that a person of a student's file holds the student's
// rights in a capacity, or does not, from one day to another, both included (none:
// open). Document is the SHA-256 of what shows it, or where that is kept.
type HolderRequest struct {
	Student     StudentRef       `json:"student"`
	Signer      SignerRef        `json:"signer"`
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	From        civil.Date       `json:"from,omitzero"`
	To          civil.Date       `json:"to,omitzero"`
	Document    string           `json:"document"`
	Reason      string           `json:"reason,omitzero"`
}

// PostsecondaryRequest records the first day on which a student attends an
// institution of postsecondary education; without a day it takes that back.
type PostsecondaryRequest struct {
	Student  StudentRef `json:"student"`
	From     civil.Date `json:"from,omitzero"`
	Document string     `json:"document"`
}

// RightsRequest asks who decides about a student's records. It travels in a body:
// no id of a child stands in an address.
type RightsRequest struct {
	Student StudentRef `json:"student"`
}

// DisclosuresRequest asks who asked for a student's records, newest first. Before
// pages: only entries of the log before it are looked at; zero is the newest.
type DisclosuresRequest struct {
	Student StudentRef `json:"student"`
	Before  uint64     `json:"before,omitzero"`
}

// CopyRequest asks for what was sent about a student in answer to the request that
// stands at an index of the log.
type CopyRequest struct {
	Student StudentRef `json:"student"`
	Index   uint64     `json:"index"`
}

// CaseRequest says that somebody who was asked about a student says that the child is
// not theirs, or that an answer was not theirs. By names the person where an officer
// enters it; Consent is the answer, if it is about one.
type CaseRequest struct {
	Student StudentRef `json:"student"`
	Kind    CaseKind   `json:"kind"`
	By      SignerRef  `json:"by,omitzero"`
	Consent string     `json:"consent,omitzero"`
}

// RoundRequest asks the families of an agreement's roster, or of those of its children
// who are at the named schools, about records of some days (both included), to be
// looked at until Expires (none: 120 days after the last of them). Categories: none
// stands for all of the agreement. In_program asks for as long as the child is in the
// program, three years at most, in place of both last days.
type RoundRequest struct {
	Agreement   string             `json:"agreement"`
	Schools     []string           `json:"schools,omitzero"`
	Categories  []consent.Category `json:"categories,omitzero"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to,omitzero"`
	Expires     civil.Date         `json:"expires,omitzero"`
	Program     bool               `json:"in_program,omitzero"`
}

// PacketRequest asks for the printed forms of a round that nobody answered, of one
// school or all, behind the form After.
type PacketRequest struct {
	Round  string `json:"round"`
	School string `json:"school,omitzero"`
	After  string `json:"after,omitzero"`
}

// LinkRequest asks for a link for somebody on a student's file.
type LinkRequest struct {
	Student StudentRef `json:"student"`
	Person  SignerRef  `json:"person"`
}

// PaperRequest is the answer on a printed form that came back signed. Language is that
// of the form, ScanSHA256 the hash of its scan.
type PaperRequest struct {
	Answer     consent.Answer `json:"answer"`
	SignedAt   time.Time      `json:"signed_at"`
	Language   string         `json:"language"`
	ScanSHA256 string         `json:"scan_sha256"`
}

// ProtectionRequest protects a student's family from one of its own. Protects is the
// person whom it protects with the student; none: the student, from everyone on the
// file. Document is the SHA-256 of what shows it, or where that is kept.
type ProtectionRequest struct {
	Student  StudentRef `json:"student"`
	Protects SignerRef  `json:"protects,omitzero"`
	Document string     `json:"document"`
}

// TextReviewRequest is a district's word that the consent texts of a version were read
// in a language by somebody who may say that they are right, named by Reviewer.
type TextReviewRequest struct {
	Language string `json:"language"`
	Version  string `json:"version"`
	Reviewer string `json:"reviewer"`
}

// InspectionRequest records that a family asks to inspect a student's records. By
// names the person where an officer enters it; a guardian asks as herself.
type InspectionRequest struct {
	Student StudentRef `json:"student"`
	By      SignerRef  `json:"by,omitzero"`
}

// ConsentStateRequest asks what the answers about one student came to for an
// agreement: at a moment, by what was known at another. Without them it asks about
// now.
type ConsentStateRequest struct {
	Agreement string     `json:"agreement"`
	Student   StudentRef `json:"student"`
	At        time.Time  `json:"at,omitzero"`
	Known     time.Time  `json:"known,omitzero"`
}

// WithdrawRequest ends a grant from now on. By names the person when an
// officer enters it for them; a guardian withdraws as herself.
type WithdrawRequest struct {
	By     SignerRef `json:"by,omitzero"`
	Reason string    `json:"reason,omitzero"`
}

// ConfirmRequest is an officer's word that a form collected by a partner is
// what it seems: who the student is, unless the roster says so, and who signed.
type ConfirmRequest struct {
	Student StudentRef `json:"student,omitzero"`
	Signer  SignerRef  `json:"signer"`
	Reason  string     `json:"reason,omitzero"`
}

// ReviewRequest is an officer's word on a grant, an invalidation or an
// override of a hold, with its reason.
type ReviewRequest struct {
	Reason string `json:"reason"`
}

// CalendarRequest publishes a period's dates: rosters are drafts until
// Census; Provisional and Final are when figures may be expected.
type CalendarRequest struct {
	Census      civil.Date `json:"census"`
	Provisional civil.Date `json:"provisional,omitzero"`
	Final       civil.Date `json:"final,omitzero"`
}

// Family is an indicator family of a period: attendance, discipline or grades.
type Family = records.Family

// FamiliesRequest says which indicator families of a period are frozen or closed:
// none stands for all that are not yet.
type FamiliesRequest struct {
	Families []Family `json:"families,omitzero"`
}

// CorrectionRequest makes the figures of a published period anew from corrected
// values, once: for the families named or, where none is, for all that are
// published and not corrected yet.
type CorrectionRequest struct {
	Reason   string   `json:"reason"`
	Families []Family `json:"families,omitzero"`
}

// LedgerRequest pages through the ledger of releases, oldest first. From is a
// record's sequence number; the first is 1.
type LedgerRequest struct {
	From  uint64
	Limit int
}

// MemoRequest asks for the determination memo about one agreement in a period.
type MemoRequest struct {
	Session   string
	Agreement string
}

// MemoSignature is an officer's signature under a determination memo, by the
// SHA-256 of its text.
type MemoSignature struct {
	Agreement string `json:"agreement"`
	Name      string `json:"name"`
	Title     string `json:"title"`
	SHA256    string `json:"sha256"`
}

// ComparisonRequest asks for an agreement's released figures. School is "all"
// or a school id; Period a session id, or empty for the newest release. Whole
// asks for every row of the release that the agreement provides, pooled and by
// school, in one answer; School is then "all" or empty. Audience is for whom a
// whole answer is, empty for the people whom the agreement names: one for others
// holds protected figures alone.
type ComparisonRequest struct {
	Agreement string
	School    string
	Period    string
	Whole     bool
	Audience  report.Audience
}

// ReportRequest asks for the release of an agreement and a session as a page for
// an audience.
type ReportRequest struct {
	Agreement string
	Session   string
	Audience  report.Audience
}

// StudentsRequest asks for the consented rows of an agreement; Period is
// "current". Categories narrows them; nil asks for all of the agreement's.
type StudentsRequest struct {
	Agreement  string
	Period     string
	Categories []consent.Category
}

// MatchRequest is the steward's decision on one unmatched participant: the
// student, or that there is none.
type MatchRequest struct {
	StudentID string `json:"student_id,omitzero"`
	None      bool   `json:"none,omitzero"`
}

// DuplicateRequest is the steward's decision on two guardians who look like
// one person: DuplicateConfirm, DuplicateReject or DuplicateUndo.
type DuplicateRequest struct {
	Decision string `json:"decision"`
}

// EntriesRequest pages through the log, oldest first.
type EntriesRequest struct {
	From  uint64
	Limit int
}

// ProofRequest asks for the receipt of one entry against the newest
// checkpoint.
type ProofRequest struct{ Index uint64 }
