package web_test

import (
	"context"
	"io"
	"sync"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// behaviour is what a test's service does: op is the operation's name, input
// its arguments after the caller.
type behaviour func(ctx context.Context, op string, c broker.Caller, input ...any) (*reply, error)

// service is the smallest web.Service: every operation is one behaviour, and there is
// no family: their pages are tested over the real broker.
type service struct {
	noFamilies
	noStaff

	do            behaviour
	ready, failed error
	full          error // what Room returns
	fresh         []broker.Freshness
	freshness     error // what Freshness returns with them
	recording     error // what RecordMisdirected returns

	mu          sync.Mutex
	misdirected []string
}

// reply is an answer that is delivered at once, or as deliver says.
type reply struct {
	body    []byte
	created bool
	page    *broker.Page
	deliver func(write func(...[]byte) error, cut func()) error
	dropped bool
}

func (r *reply) Created() bool      { return r.created }
func (r *reply) Page() *broker.Page { return r.page }
func (r *reply) Drop()              { r.dropped = true }
func (r *reply) Deliver(write func(...[]byte) error, cut func()) error {
	if r.deliver != nil {
		return r.deliver(write, cut)
	}
	return write(r.body)
}

func (s *service) Ready(context.Context) error { return s.ready }
func (s *service) Failed() error               { return s.failed }
func (s *service) Room(context.Context) error  { return s.full }

func (s *service) Freshness(context.Context) ([]broker.Freshness, error) {
	return s.fresh, s.freshness
}

func (s *service) RecordMisdirected(_ context.Context, c broker.Caller, problem string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misdirected = append(s.misdirected, problem+" "+string(c.Role)+" "+c.Partner)
	return s.recording
}

func (s *service) CreatePartner(ctx context.Context, c broker.Caller, r broker.PartnerRequest) (*reply, error) {
	return s.do(ctx, "createPartner", c, r)
}

func (s *service) Partners(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listPartners", c)
}

func (s *service) Partner(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getPartner", c, id)
}

func (s *service) AdvancePartner(ctx context.Context, c broker.Caller, id string, r broker.TransitionRequest) (*reply, error) {
	return s.do(ctx, "advancePartner", c, id, r)
}

func (s *service) BanPartner(ctx context.Context, c broker.Caller, id string, r broker.BanRequest) (*reply, error) {
	return s.do(ctx, "banPartner", c, id, r)
}

func (s *service) RevokeTokens(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "revokeTokens", c, id)
}

func (s *service) CreateAgreement(ctx context.Context, c broker.Caller, r broker.AgreementRequest) (*reply, error) {
	return s.do(ctx, "createAgreement", c, r)
}

func (s *service) Agreements(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listAgreements", c)
}

func (s *service) Agreement(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getAgreement", c, id)
}

func (s *service) AgreementText(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getAgreementText", c, id)
}

func (s *service) Sign(ctx context.Context, c broker.Caller, id string, r broker.SignatureRequest) (*reply, error) {
	return s.do(ctx, "signAgreement", c, id, r)
}

func (s *service) AdvanceAgreement(ctx context.Context, c broker.Caller, id string, r broker.TransitionRequest) (*reply, error) {
	return s.do(ctx, "advanceAgreement", c, id, r)
}

func (s *service) SchoolAgreements(ctx context.Context, c broker.Caller, school string) (*reply, error) {
	return s.do(ctx, "listSchoolAgreements", c, school)
}

func (s *service) Comparison(ctx context.Context, c broker.Caller, r broker.ComparisonRequest) (*reply, error) {
	return s.do(ctx, "getComparison", c, r)
}

func (s *service) Report(ctx context.Context, c broker.Caller, r broker.ReportRequest) (*reply, error) {
	return s.do(ctx, "getReport", c, r)
}

func (s *service) Students(ctx context.Context, c broker.Caller, r broker.StudentsRequest) (*reply, error) {
	return s.do(ctx, "getStudents", c, r)
}

func (s *service) PutParticipation(ctx context.Context, c broker.Caller, id string, csv io.Reader) (*reply, error) {
	return s.do(ctx, "putParticipation", c, id, csv)
}

func (s *service) PutRoster(ctx context.Context, c broker.Caller, id string, csv io.Reader) (*reply, error) {
	return s.do(ctx, "putRoster", c, id, csv)
}

func (s *service) PutSessions(ctx context.Context, c broker.Caller, id string, csv io.Reader) (*reply, error) {
	return s.do(ctx, "putSessions", c, id, csv)
}

func (s *service) Participation(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getParticipation", c, id)
}

func (s *service) Matches(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listMatches", c)
}

func (s *service) DecideMatch(ctx context.Context, c broker.Caller, id string, r broker.MatchRequest) (*reply, error) {
	return s.do(ctx, "decideMatch", c, id, r)
}

func (s *service) Duplicates(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listDuplicates", c)
}

func (s *service) DecideDuplicate(ctx context.Context, c broker.Caller, id string, r broker.DuplicateRequest) (*reply, error) {
	return s.do(ctx, "decideDuplicate", c, id, r)
}

func (s *service) CreateConsent(ctx context.Context, c broker.Caller, r broker.ConsentRequest) (*reply, error) {
	return s.do(ctx, "createConsent", c, r)
}

func (s *service) Consents(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listConsents", c)
}

func (s *service) Consent(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getConsent", c, id)
}

func (s *service) WithdrawConsent(ctx context.Context, c broker.Caller, id string, r broker.WithdrawRequest) (*reply, error) {
	return s.do(ctx, "withdrawConsent", c, id, r)
}

func (s *service) ConfirmConsent(ctx context.Context, c broker.Caller, id string, r broker.ConfirmRequest) (*reply, error) {
	return s.do(ctx, "confirmConsent", c, id, r)
}

func (s *service) InvalidateConsent(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "invalidateConsent", c, id, r)
}

func (s *service) OverrideHold(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "overrideHold", c, id, r)
}

func (s *service) ConsentState(ctx context.Context, c broker.Caller, r broker.ConsentStateRequest) (*reply, error) {
	return s.do(ctx, "readConsentState", c, r)
}

func (s *service) Rights(ctx context.Context, c broker.Caller, r broker.RightsRequest) (*reply, error) {
	return s.do(ctx, "readRights", c, r)
}

func (s *service) RecordRestriction(ctx context.Context, c broker.Caller, r broker.RestrictionRequest) (*reply, error) {
	return s.do(ctx, "recordRestriction", c, r)
}

func (s *service) RecordHolder(ctx context.Context, c broker.Caller, r broker.HolderRequest) (*reply, error) {
	return s.do(ctx, "recordHolder", c, r)
}

func (s *service) RecordPostsecondary(ctx context.Context, c broker.Caller, r broker.PostsecondaryRequest) (*reply, error) {
	return s.do(ctx, "recordPostsecondary", c, r)
}

func (s *service) OpenRound(ctx context.Context, c broker.Caller, r broker.RoundRequest) (*reply, error) {
	return s.do(ctx, "openRound", c, r)
}

func (s *service) Rounds(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listRounds", c)
}

func (s *service) Packet(ctx context.Context, c broker.Caller, r broker.PacketRequest) (*reply, error) {
	return s.do(ctx, "printForms", c, r)
}

func (s *service) CreateLink(ctx context.Context, c broker.Caller, r broker.LinkRequest) (*reply, error) {
	return s.do(ctx, "createLink", c, r)
}

func (s *service) Paper(ctx context.Context, c broker.Caller, form string) (*reply, error) {
	return s.do(ctx, "readForm", c, form)
}

func (s *service) EnterPaper(ctx context.Context, c broker.Caller, ask string, r broker.PaperRequest) (*reply, error) {
	return s.do(ctx, "enterForm", c, ask, r)
}

func (s *service) RecordProtection(ctx context.Context, c broker.Caller, r broker.ProtectionRequest) (*reply, error) {
	return s.do(ctx, "recordProtection", c, r)
}

func (s *service) LiftProtection(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "liftProtection", c, id, r)
}

func (s *service) Texts(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listTexts", c)
}

func (s *service) ReviewText(ctx context.Context, c broker.Caller, r broker.TextReviewRequest) (*reply, error) {
	return s.do(ctx, "reviewText", c, r)
}

func (s *service) Deletions(ctx context.Context, c broker.Caller, agreement string) (*reply, error) {
	return s.do(ctx, "listDeletions", c, agreement)
}

func (s *service) CloseDeletion(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "closeDeletion", c, id, r)
}

func (s *service) Disclosures(ctx context.Context, c broker.Caller, r broker.DisclosuresRequest) (*reply, error) {
	return s.do(ctx, "listDisclosures", c, r)
}

func (s *service) DisclosedCopy(ctx context.Context, c broker.Caller, r broker.CopyRequest) (*reply, error) {
	return s.do(ctx, "readDisclosedCopy", c, r)
}

func (s *service) OpenInspection(ctx context.Context, c broker.Caller, r broker.InspectionRequest) (*reply, error) {
	return s.do(ctx, "openInspection", c, r)
}

func (s *service) Inspections(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listInspections", c)
}

func (s *service) CloseInspection(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "closeInspection", c, id, r)
}

func (s *service) OpenCase(ctx context.Context, c broker.Caller, r broker.CaseRequest) (*reply, error) {
	return s.do(ctx, "openCase", c, r)
}

func (s *service) Conflicts(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listConflicts", c)
}

func (s *service) Cases(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listCases", c)
}

func (s *service) CloseCase(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "closeCase", c, id, r)
}

func (s *service) Messages(ctx context.Context, c broker.Caller, r broker.MessagesRequest) (*reply, error) {
	return s.do(ctx, "listMessages", c, r)
}

func (s *service) RetryMessage(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "retryMessage", c, id)
}

func (s *service) LiftRestriction(ctx context.Context, c broker.Caller, id string, r broker.ReviewRequest) (*reply, error) {
	return s.do(ctx, "liftRestriction", c, id, r)
}

func (s *service) Budgets(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listBudgets", c)
}

func (s *service) Periods(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "listPeriods", c)
}

func (s *service) SetCalendar(ctx context.Context, c broker.Caller, id string, r broker.CalendarRequest) (*reply, error) {
	return s.do(ctx, "setCalendar", c, id, r)
}

func (s *service) Freeze(ctx context.Context, c broker.Caller, id string, families ...records.Family) (*reply, error) {
	return s.do(ctx, "freezePeriod", c, id, families)
}

func (s *service) ClosePeriod(ctx context.Context, c broker.Caller, id string, families ...records.Family) (*reply, error) {
	return s.do(ctx, "closePeriod", c, id, families)
}

func (s *service) CorrectPeriod(ctx context.Context, c broker.Caller, id string, r broker.CorrectionRequest) (*reply, error) {
	return s.do(ctx, "correctPeriod", c, id, r)
}

func (s *service) Ledger(ctx context.Context, c broker.Caller, r broker.LedgerRequest) (*reply, error) {
	return s.do(ctx, "listLedger", c, r)
}

func (s *service) Preflight(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getPreflight", c, id)
}

func (s *service) Memo(ctx context.Context, c broker.Caller, r broker.MemoRequest) (*reply, error) {
	return s.do(ctx, "getMemo", c, r)
}

func (s *service) SignMemo(ctx context.Context, c broker.Caller, id string, r broker.MemoSignature) (*reply, error) {
	return s.do(ctx, "signMemo", c, id, r)
}

func (s *service) Disclosure(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "getDisclosure", c)
}

func (s *service) SetDisclosure(ctx context.Context, c broker.Caller, d broker.Disclosure) (*reply, error) {
	return s.do(ctx, "setDisclosure", c, d)
}

func (s *service) Meter(ctx context.Context, c broker.Caller, id string) (*reply, error) {
	return s.do(ctx, "getMeter", c, id)
}

func (s *service) Entries(ctx context.Context, c broker.Caller, r broker.EntriesRequest) (*reply, error) {
	return s.do(ctx, "listEntries", c, r)
}

func (s *service) Checkpoint(ctx context.Context, c broker.Caller) (*reply, error) {
	return s.do(ctx, "getCheckpoint", c)
}

func (s *service) Proof(ctx context.Context, c broker.Caller, r broker.ProofRequest) (*reply, error) {
	return s.do(ctx, "getProof", c, r)
}
