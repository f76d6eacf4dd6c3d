package tlog

import "slices"

// Event says what an entry records. The list is closed: [Leaf.Marshal] and
// [ParseLeaf] know no other value.
type Event string

// The events. The names follow the audit vocabulary of the design; a release
// of figures or rows to a partner is query.released.
const (
	DistrictCreated       Event = "district.created"
	PartnerCreated        Event = "partner.created"
	PartnerAdvanced       Event = "partner.advanced"
	AgreementCreated      Event = "agreement.created"
	AgreementSigned       Event = "agreement.signed"
	AgreementAdvanced     Event = "agreement.advanced"
	ConsentGranted        Event = "consent.granted"
	ConsentPending        Event = "consent.pending"
	ConsentConfirmed      Event = "consent.confirmed"
	ConsentWithdrawn      Event = "consent.withdrawn"
	ConsentInvalidated    Event = "consent.invalidated"
	ConsentHeld           Event = "consent.held"
	ConsentOpened         Event = "consent.opened" // an officer's recorded override of a hold
	RestrictionRecorded   Event = "restriction.recorded"
	ParticipationUploaded Event = "participation.uploaded"
	MatchDecided          Event = "match.decided"
	GuardiansJoined       Event = "guardians.joined"     // two numbers of guardians are one person
	GuardiansToldApart    Event = "guardians.told_apart" // they are not, though they look it
	GuardiansUndecided    Event = "guardians.undecided"  // either of these was taken back
	ImportPublished       Event = "import.published"
	ImportHeld            Event = "import.held"     // nothing of an export was loaded
	ImportDoubted         Event = "import.doubted"  // an export needs a second person's approval
	ImportApproved        Event = "import.approved" // by that person
	ImportUndone          Event = "import.undone"
	RolloverPlanned       Event = "import.rollover_planned" // days on which many students may leave
	PeriodCalendar        Event = "period.calendar"
	PeriodFrozen          Event = "period.frozen"
	PeriodPublished       Event = "period.published"
	QueryReleased         Event = "query.released"
	QueryDenied           Event = "query.denied"
	QueryUnavailable      Event = "query.unavailable"
	AuthMisdirected       Event = "auth.misdirected" // a validly signed token that is expired or meant for another audience
	AccessRefused         Event = "access.refused"
	OfficerViewedLog      Event = "officer.viewed_log"
	LogExported           Event = "log.exported"
	PolicyActivated       Event = "policy.activated"
	PolicyRejected        Event = "policy.rejected"
	TokenRevoked          Event = "token.revoked"
	KeyRotated            Event = "key.rotated"
	KeyDestroyed          Event = "key.destroyed"
	RecordsDestroyed      Event = "records.destroyed"
	StoreRestored         Event = "store.restored"
	BanRecorded           Event = "ban.recorded"
	DisclosureSet         Event = "disclosure.set"       // how the district protects figures
	PeriodCorrected       Event = "period.corrected"     // figures of a published period were made anew from corrected values
	ReportWritten         Event = "report.written"       // the district's own page of a release
	DeterminationSigned   Event = "determination.signed" // an officer signed the memo of 34 CFR 99.31(b)(1)
	BudgetReserved        Event = "budget.reserved"      // privacy was set aside for releases, before anything was drawn
	RestrictionLifted     Event = "restriction.lifted"
	HolderRecorded        Event = "holder.recorded" // that somebody holds a student's rights, or does not
	PostsecondaryRecorded Event = "postsecondary.recorded"
	InspectionOpened      Event = "inspection.opened" // a family asks to inspect a student's records
	InspectionClosed      Event = "inspection.closed"
	CaseOpened            Event = "case.opened" // somebody says that a child, or an answer, is not theirs
	CaseClosed            Event = "case.closed"
	RoundOpened           Event = "round.opened"     // families are asked
	FamilySignedIn        Event = "family.signed_in" // by a link, a code to the contact on file and a birthday
	FamilyLocked          Event = "family.locked"    // a link takes no more codes today: too many were wrong
	ProtectionRecorded    Event = "protection.recorded"
	ProtectionLifted      Event = "protection.lifted"
	DeletionAsked         Event = "deletion.asked" // a family asks a partner to delete what it saw
	DeletionDone          Event = "deletion.done"
	TextReviewed          Event = "text.reviewed"       // a consent text may be signed in a language
	FormsPrinted          Event = "forms.printed"       // consent forms of a round, each with a link
	LinkMade              Event = "link.made"           // for somebody at the front desk
	MessageUndelivered    Event = "message.undelivered" // a message to a family reached nobody, and is not tried any more
	MessageRetried        Event = "message.retried"     // an officer had it tried at once
	MessagesExported      Event = "messages.exported"   // handed over to be sent by other means
	StaffSignedIn         Event = "staff.signed_in"     // one of the district's people, by a link that is good once
)

// eventCodes gives an event its code in a leaf: its place plus one. Leaves are
// permanent, so the list only ever grows at its end.
var eventCodes = [...]Event{
	DistrictCreated, PartnerCreated, PartnerAdvanced,
	AgreementCreated, AgreementSigned, AgreementAdvanced,
	ConsentGranted, ConsentPending, ConsentConfirmed, ConsentWithdrawn, ConsentInvalidated, ConsentHeld, ConsentOpened,
	RestrictionRecorded, ParticipationUploaded, MatchDecided, ImportPublished,
	PeriodCalendar, PeriodFrozen, PeriodPublished,
	QueryReleased, QueryDenied, QueryUnavailable,
	AuthMisdirected, AccessRefused, OfficerViewedLog, LogExported,
	PolicyActivated, PolicyRejected, TokenRevoked,
	KeyRotated, KeyDestroyed, RecordsDestroyed, StoreRestored, BanRecorded,
	ImportHeld, ImportDoubted, ImportApproved, ImportUndone, RolloverPlanned,
	GuardiansJoined, GuardiansToldApart, GuardiansUndecided,
	DisclosureSet, PeriodCorrected, ReportWritten, DeterminationSigned, BudgetReserved,
	RestrictionLifted, HolderRecorded, PostsecondaryRecorded, InspectionOpened, InspectionClosed,
	CaseOpened, CaseClosed,
	RoundOpened, FamilySignedIn, FamilyLocked, ProtectionRecorded, ProtectionLifted, DeletionAsked, DeletionDone, TextReviewed,
	MessageUndelivered, MessageRetried, MessagesExported,
	FormsPrinted, LinkMade,
	StaffSignedIn,
}

// Events returns the closed list, in the order of the codes.
func Events() []Event { return slices.Clone(eventCodes[:]) }

// Valid reports whether the event is in the closed list.
func (e Event) Valid() bool { return e.code() != 0 }

func (e Event) code() byte { return byte(slices.Index(eventCodes[:], e) + 1) }

// destroys reports whether earlier entries may be unopenable because of e.
func (e Event) destroys() bool { return e == KeyDestroyed || e == RecordsDestroyed }

func eventOf(code byte) (Event, bool) {
	if code == 0 || int(code) > len(eventCodes) {
		return "", false
	}
	return eventCodes[code-1], true
}

// Decision is the outcome that an entry records.
type Decision string

// The decisions. None is for acts that no policy decided.
const (
	None  Decision = "none"
	Allow Decision = "allow"
	Deny  Decision = "deny"
	Error Decision = "error"
)

var decisionCodes = [...]Decision{None, Allow, Deny, Error}

// Valid reports whether the decision is one of the four.
func (d Decision) Valid() bool { return d.code() != 0 }

func (d Decision) code() byte { return byte(slices.Index(decisionCodes[:], d) + 1) }

func decisionOf(code byte) (Decision, bool) {
	if code == 0 || int(code) > len(decisionCodes) {
		return "", false
	}
	return decisionCodes[code-1], true
}
