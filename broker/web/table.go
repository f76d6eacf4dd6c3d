package web

import (
	"net/http"
	"slices"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut

	partner     = broker.RolePartner
	guardian    = broker.RoleGuardian
	officer     = broker.RoleOfficer
	auditor     = broker.RoleAuditor
	steward     = broker.RoleSteward
	coordinator = broker.RoleCoordinator
)

// table is the whole API: the router, the OpenAPI check and the role matrix
// are built from it.
func table[A Answer]() []route[A] {
	return slices.Concat(partnerRoutes[A](), agreementRoutes[A](), familyRoutes[A](), roundRoutes[A](), periodRoutes[A](), districtRoutes[A]())
}

// partnerRoutes are about organizations and their people.
func partnerRoutes[A Answer]() []route[A] {
	return []route[A]{
		takes(post, "/v1/partners", roles(officer), Service[A].CreatePartner),
		lists(get, "/v1/partners", roles(officer, auditor), Service[A].Partners),
		reads(get, "/v1/partners/{id}", roles(officer, auditor, partner), Service[A].Partner),
		changes(post, "/v1/partners/{id}/transitions", roles(officer), Service[A].AdvancePartner),
		changes(post, "/v1/partners/{id}/ban", roles(officer), Service[A].BanPartner),
		acts(post, "/v1/partners/{id}/revoke", roles(officer), Service[A].RevokeTokens),
	}
}

// agreementRoutes are about agreements, rosters and what a partner asks.
func agreementRoutes[A Answer]() []route[A] {
	return []route[A]{
		takes(post, "/v1/agreements", roles(officer), Service[A].CreateAgreement),
		lists(get, "/v1/agreements", roles(officer, auditor, partner), Service[A].Agreements),
		reads(get, "/v1/agreements/{id}", roles(officer, auditor, partner), Service[A].Agreement),
		reads(get, "/v1/agreements/{id}/text", roles(officer, auditor, partner), Service[A].AgreementText),
		changes(post, "/v1/agreements/{id}/signatures", roles(officer, partner), Service[A].Sign),
		changes(post, "/v1/agreements/{id}/transitions", roles(officer), Service[A].AdvanceAgreement),

		uploads(put, "/v1/agreements/{id}/participation", roles(partner, officer), Service[A].PutParticipation),
		uploads(put, "/v1/agreements/{id}/roster", roles(partner, officer), Service[A].PutRoster),
		uploads(put, "/v1/agreements/{id}/sessions", roles(partner, officer), Service[A].PutSessions),
		reads(get, "/v1/agreements/{id}/participation", roles(partner, officer), Service[A].Participation),

		asks(get, "/v1/agreements/{id}/comparisons", roles(partner), Service[A].Comparison, comparison, "school", "period"),
		asks(get, "/v1/agreements/{id}/releases/{session_id}/report", roles(partner), Service[A].Report, releaseReport, "audience"),
		asks(get, "/v1/agreements/{id}/students", roles(partner), Service[A].Students, students, "period", "categories"),
		reads(get, "/v1/agreements/{id}/meter", roles(officer, auditor, partner), Service[A].Meter),
	}
}

// familyRoutes are about who decides for a student, what they said, and who saw what.
func familyRoutes[A Answer]() []route[A] {
	return []route[A]{
		takes(post, "/v1/consents", roles(officer, guardian, partner), Service[A].CreateConsent),
		lists(get, "/v1/consents", roles(guardian, officer), Service[A].Consents),
		reads(get, "/v1/consents/{id}", roles(officer, guardian), Service[A].Consent),
		mayChange(post, "/v1/consents/{id}/withdraw", roles(officer, guardian), Service[A].WithdrawConsent),
		changes(post, "/v1/consents/{id}/confirm", roles(officer), Service[A].ConfirmConsent),
		changes(post, "/v1/consents/{id}/invalidate", roles(officer), Service[A].InvalidateConsent),
		changes(post, "/v1/consents/{id}/override", roles(officer), Service[A].OverrideHold),

		takes(post, "/v1/consents/state", roles(officer, auditor), Service[A].ConsentState),

		takes(post, "/v1/rights", roles(officer, auditor), Service[A].Rights),
		takes(post, "/v1/restrictions", roles(officer), Service[A].RecordRestriction),
		changes(post, "/v1/restrictions/{id}/lift", roles(officer), Service[A].LiftRestriction),
		takes(post, "/v1/holders", roles(officer), Service[A].RecordHolder),
		takes(post, "/v1/postsecondary", roles(officer), Service[A].RecordPostsecondary),

		takes(post, "/v1/cases", roles(guardian, officer), Service[A].OpenCase),
		lists(get, "/v1/cases", roles(officer, auditor), Service[A].Cases),
		lists(get, "/v1/conflicts", roles(officer, auditor), Service[A].Conflicts),
		changes(post, "/v1/cases/{id}/close", roles(officer), Service[A].CloseCase),

		takes(post, "/v1/inspections", roles(guardian, officer), Service[A].OpenInspection),
		lists(get, "/v1/inspections", roles(officer, auditor), Service[A].Inspections),
		changes(post, "/v1/inspections/{id}/close", roles(officer), Service[A].CloseInspection),

		takes(post, "/v1/disclosures", roles(guardian, officer), Service[A].Disclosures),
		takes(post, "/v1/disclosures/copy", roles(guardian, officer), Service[A].DisclosedCopy),
	}
}

// roundRoutes are about asking families, and what they wish.
func roundRoutes[A Answer]() []route[A] {
	return []route[A]{
		takes(post, "/v1/rounds", roles(officer), Service[A].OpenRound),
		lists(get, "/v1/rounds", roles(officer, auditor), Service[A].Rounds),
		takes(post, "/v1/packets", roles(officer), Service[A].Packet),
		takes(post, "/v1/links", roles(officer), Service[A].CreateLink),
		reads(get, "/v1/asks/{id}", roles(officer), Service[A].Paper),
		changes(post, "/v1/asks/{id}/answer", roles(officer), Service[A].EnterPaper),
		takes(post, "/v1/protections", roles(officer), Service[A].RecordProtection),
		changes(post, "/v1/protections/{id}/lift", roles(officer), Service[A].LiftProtection),
		lists(get, "/v1/texts", roles(officer, auditor), Service[A].Texts),
		takes(post, "/v1/texts", roles(officer), Service[A].ReviewText),
		reads(get, "/v1/agreements/{id}/deletions", roles(partner, officer, auditor), Service[A].Deletions),
		changes(post, "/v1/deletions/{id}/close", roles(partner), Service[A].CloseDeletion),
	}
}

// periodRoutes are about reporting periods and how figures are protected.
func periodRoutes[A Answer]() []route[A] {
	return []route[A]{
		lists(get, "/v1/periods", roles(officer, steward, partner, auditor), Service[A].Periods),
		changes(put, "/v1/periods/{session_id}/calendar", roles(officer, steward), Service[A].SetCalendar),
		closes(post, "/v1/periods/{session_id}/freeze", roles(officer, steward), Service[A].Freeze),
		closes(post, "/v1/periods/{session_id}/close", roles(officer, steward), Service[A].ClosePeriod),
		patiently(changes(post, "/v1/periods/{session_id}/correct", roles(officer), Service[A].CorrectPeriod)),
		patiently(reads(get, "/v1/periods/{session_id}/preflight", roles(officer, steward), Service[A].Preflight)),
		patiently(asks(get, "/v1/periods/{session_id}/memo", roles(officer, auditor), Service[A].Memo, memo, "agreement")),
		patiently(changes(post, "/v1/periods/{session_id}/memo", roles(officer), Service[A].SignMemo)),

		lists(get, "/v1/disclosure", roles(officer, auditor), Service[A].Disclosure),
		takes(put, "/v1/disclosure", roles(officer), Service[A].SetDisclosure),

		lists(get, "/v1/budgets", roles(officer, auditor), Service[A].Budgets),
	}
}

// districtRoutes are the stewards' queues, the messages to families, a school's view, and
// the log.
func districtRoutes[A Answer]() []route[A] {
	return []route[A]{
		lists(get, "/v1/matches", roles(steward), Service[A].Matches),
		changes(post, "/v1/matches/{id}", roles(steward), Service[A].DecideMatch),

		lists(get, "/v1/duplicates", roles(steward, officer), Service[A].Duplicates),
		changes(post, "/v1/duplicates/{id}", roles(steward, officer), Service[A].DecideDuplicate),

		asks(get, "/v1/messages", roles(officer, auditor), Service[A].Messages, messageList, "state", "limit"),
		acts(post, "/v1/messages/{id}/retry", roles(officer), Service[A].RetryMessage),

		reads(get, "/v1/schools/{school_id}/agreements", roles(coordinator, officer), Service[A].SchoolAgreements),

		asks(get, "/v1/ledger", roles(officer, auditor), Service[A].Ledger, ledger, "from", "limit"),
		asks(get, "/v1/audit/entries", roles(officer, auditor), Service[A].Entries, entries, "from", "limit"),
		lists(get, "/v1/audit/checkpoint", token.Roles(), Service[A].Checkpoint),
		asks(get, "/v1/audit/entries/{index}/proof", roles(officer, auditor), Service[A].Proof, proof),
	}
}

func roles(r ...broker.Role) []broker.Role { return r }
