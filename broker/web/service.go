package web

import (
	"context"
	"io"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// Answer is a finished, recorded answer of the broker.
type Answer interface {
	// Created reports whether the request made something new (201, not 200).
	Created() bool
	// Page says how the answer is to be written as a page; nil: as JSON.
	Page() *broker.Page
	// Deliver calls write at most once, with the parts of the whole body.
	// write returns when they, or the page that is made of them, are flushed to
	// the connection; it changes nothing in them and keeps none. cut may be called from
	// any goroutine and at any time, and makes a running write fail at once.
	// Deliver returns [broker.ErrCut] when the bytes may not leave any more.
	Deliver(write func(body ...[]byte) error, cut func()) error
	// Drop gives up an answer that was not delivered; always safe.
	Drop()
}

// Verifier turns a bearer token into claims. Its error is a *token.Refusal
// for a token that the district did sign but that is expired or misdirected.
type Verifier interface {
	Verify(raw string) (token.Claims, error)
}

// Service is what the API needs of the broker. Every operation checks the
// caller's role itself and returns a *broker.Error, or anything else for an
// internal failure.
type Service[A Answer] interface {
	// Ready returns nil when requests can be answered, else why not.
	Ready(ctx context.Context) error
	// Failed returns non-nil once the store is sealed and only a restart helps.
	Failed() error
	// Room returns an error while the disk has room for withdrawals only.
	Room(ctx context.Context) error
	// Freshness says how old each record family is.
	Freshness(ctx context.Context) ([]broker.Freshness, error)
	// RecordMisdirected leaves an entry about a token that the district
	// signed but that is expired or meant for another audience. The caller is
	// whom the token names, the problem a token.Kind.
	RecordMisdirected(ctx context.Context, c broker.Caller, problem string) error

	partners[A]
	agreements[A]
	participation[A]
	families
	staff
	consents[A]
	rights[A]
	rounds[A]
	disclosures[A]
	duplicates[A]
	messages[A]
	periods[A]
	audit[A]
}

type partners[A Answer] interface {
	CreatePartner(ctx context.Context, c broker.Caller, r broker.PartnerRequest) (A, error)
	Partners(ctx context.Context, c broker.Caller) (A, error)
	Partner(ctx context.Context, c broker.Caller, id string) (A, error)
	AdvancePartner(ctx context.Context, c broker.Caller, id string, r broker.TransitionRequest) (A, error)
	BanPartner(ctx context.Context, c broker.Caller, id string, r broker.BanRequest) (A, error)
	RevokeTokens(ctx context.Context, c broker.Caller, id string) (A, error)
}

type agreements[A Answer] interface {
	CreateAgreement(ctx context.Context, c broker.Caller, r broker.AgreementRequest) (A, error)
	Agreements(ctx context.Context, c broker.Caller) (A, error)
	Agreement(ctx context.Context, c broker.Caller, id string) (A, error)
	AgreementText(ctx context.Context, c broker.Caller, id string) (A, error)
	Sign(ctx context.Context, c broker.Caller, id string, r broker.SignatureRequest) (A, error)
	AdvanceAgreement(ctx context.Context, c broker.Caller, id string, r broker.TransitionRequest) (A, error)
	SchoolAgreements(ctx context.Context, c broker.Caller, school string) (A, error)
	Comparison(ctx context.Context, c broker.Caller, r broker.ComparisonRequest) (A, error)
	Report(ctx context.Context, c broker.Caller, r broker.ReportRequest) (A, error)
	Students(ctx context.Context, c broker.Caller, r broker.StudentsRequest) (A, error)
	Meter(ctx context.Context, c broker.Caller, id string) (A, error)
}

type participation[A Answer] interface {
	PutParticipation(ctx context.Context, c broker.Caller, agreement string, csv io.Reader) (A, error)
	PutRoster(ctx context.Context, c broker.Caller, agreement string, csv io.Reader) (A, error)
	PutSessions(ctx context.Context, c broker.Caller, agreement string, csv io.Reader) (A, error)
	Participation(ctx context.Context, c broker.Caller, agreement string) (A, error)
	Matches(ctx context.Context, c broker.Caller) (A, error)
	DecideMatch(ctx context.Context, c broker.Caller, id string, r broker.MatchRequest) (A, error)
}

type consents[A Answer] interface {
	CreateConsent(ctx context.Context, c broker.Caller, r broker.ConsentRequest) (A, error)
	Consents(ctx context.Context, c broker.Caller) (A, error)
	Consent(ctx context.Context, c broker.Caller, id string) (A, error)
	WithdrawConsent(ctx context.Context, c broker.Caller, id string, r broker.WithdrawRequest) (A, error)
	ConfirmConsent(ctx context.Context, c broker.Caller, id string, r broker.ConfirmRequest) (A, error)
	InvalidateConsent(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
	OverrideHold(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
	ConsentState(ctx context.Context, c broker.Caller, r broker.ConsentStateRequest) (A, error)
}

type rights[A Answer] interface {
	Rights(ctx context.Context, c broker.Caller, r broker.RightsRequest) (A, error)
	RecordRestriction(ctx context.Context, c broker.Caller, r broker.RestrictionRequest) (A, error)
	LiftRestriction(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
	RecordHolder(ctx context.Context, c broker.Caller, r broker.HolderRequest) (A, error)
	RecordPostsecondary(ctx context.Context, c broker.Caller, r broker.PostsecondaryRequest) (A, error)
	OpenCase(ctx context.Context, c broker.Caller, r broker.CaseRequest) (A, error)
	Cases(ctx context.Context, c broker.Caller) (A, error)
	Conflicts(ctx context.Context, c broker.Caller) (A, error)
	CloseCase(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
}

type rounds[A Answer] interface {
	OpenRound(ctx context.Context, c broker.Caller, r broker.RoundRequest) (A, error)
	Rounds(ctx context.Context, c broker.Caller) (A, error)
	Packet(ctx context.Context, c broker.Caller, r broker.PacketRequest) (A, error)
	CreateLink(ctx context.Context, c broker.Caller, r broker.LinkRequest) (A, error)
	Paper(ctx context.Context, c broker.Caller, form string) (A, error)
	EnterPaper(ctx context.Context, c broker.Caller, ask string, r broker.PaperRequest) (A, error)
	RecordProtection(ctx context.Context, c broker.Caller, r broker.ProtectionRequest) (A, error)
	LiftProtection(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
	Texts(ctx context.Context, c broker.Caller) (A, error)
	ReviewText(ctx context.Context, c broker.Caller, r broker.TextReviewRequest) (A, error)
	Deletions(ctx context.Context, c broker.Caller, agreement string) (A, error)
	CloseDeletion(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
}

type disclosures[A Answer] interface {
	Disclosures(ctx context.Context, c broker.Caller, r broker.DisclosuresRequest) (A, error)
	DisclosedCopy(ctx context.Context, c broker.Caller, r broker.CopyRequest) (A, error)
	OpenInspection(ctx context.Context, c broker.Caller, r broker.InspectionRequest) (A, error)
	Inspections(ctx context.Context, c broker.Caller) (A, error)
	CloseInspection(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (A, error)
}

type duplicates[A Answer] interface {
	Duplicates(ctx context.Context, c broker.Caller) (A, error)
	DecideDuplicate(ctx context.Context, c broker.Caller, id string, r broker.DuplicateRequest) (A, error)
}

type messages[A Answer] interface {
	Messages(ctx context.Context, c broker.Caller, r broker.MessagesRequest) (A, error)
	RetryMessage(ctx context.Context, c broker.Caller, id string) (A, error)
}

type periods[A Answer] interface {
	Periods(ctx context.Context, c broker.Caller) (A, error)
	Budgets(ctx context.Context, c broker.Caller) (A, error)
	SetCalendar(ctx context.Context, c broker.Caller, session string, r broker.CalendarRequest) (A, error)
	Freeze(ctx context.Context, c broker.Caller, session string, families ...broker.Family) (A, error)
	ClosePeriod(ctx context.Context, c broker.Caller, session string, families ...broker.Family) (A, error)
	CorrectPeriod(ctx context.Context, c broker.Caller, session string, r broker.CorrectionRequest) (A, error)
	Ledger(ctx context.Context, c broker.Caller, r broker.LedgerRequest) (A, error)
	Preflight(ctx context.Context, c broker.Caller, session string) (A, error)
	Memo(ctx context.Context, c broker.Caller, r broker.MemoRequest) (A, error)
	SignMemo(ctx context.Context, c broker.Caller, session string, r broker.MemoSignature) (A, error)
	Disclosure(ctx context.Context, c broker.Caller) (A, error)
	SetDisclosure(ctx context.Context, c broker.Caller, d broker.Disclosure) (A, error)
}

type audit[A Answer] interface {
	Entries(ctx context.Context, c broker.Caller, r broker.EntriesRequest) (A, error)
	Checkpoint(ctx context.Context, c broker.Caller) (A, error)
	Proof(ctx context.Context, c broker.Caller, r broker.ProofRequest) (A, error)
}
