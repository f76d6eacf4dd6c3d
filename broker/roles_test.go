package broker_test

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// operation is one thing that callers may ask of the broker, and who may.
type operation struct {
	roles []broker.Role
	ask   func(d *town, c broker.Caller) error
}

// dropped is the error of an answer that nobody reads.
func dropped(a *broker.Answer, err error) error {
	a.Drop()
	return err
}

var (
	officers   = []broker.Role{broker.RoleOfficer}
	readers    = []broker.Role{broker.RoleOfficer, broker.RoleAuditor}
	parties    = []broker.Role{broker.RoleOfficer, broker.RoleAuditor, broker.RolePartner}
	stewards   = []broker.Role{broker.RoleSteward}
	closers    = []broker.Role{broker.RoleOfficer, broker.RoleSteward}
	uploaders  = []broker.Role{broker.RoleOfficer, broker.RolePartner}
	families   = []broker.Role{broker.RoleOfficer, broker.RoleGuardian}
	signers    = []broker.Role{broker.RoleOfficer, broker.RoleGuardian, broker.RolePartner}
	everybody  = []broker.Role{broker.RolePartner, broker.RoleGuardian, broker.RoleOfficer, broker.RoleAuditor, broker.RoleSteward, broker.RoleCoordinator}
	onlyReads  = []tlog.Event{tlog.AccessRefused, tlog.OfficerViewedLog, tlog.LogExported, tlog.QueryDenied}
	noCallers  = []string{"RecordMisdirected"} // a record of the service's own
	theEdgeOf  = day("2031-03-11")
	noSuchStep = event("no such event")
)

// operations are all of them, by the name of the method. The arguments are
// such that whoever may ask is not refused for anything else that looks the
// same.
func operations(t *testing.T, consentID, formID string) map[string]operation {
	table := partnershipOperations(t)
	maps.Copy(table, familyOperations(t, consentID, formID))
	maps.Copy(table, rightsOperations(t))
	maps.Copy(table, roundOperations(t))
	maps.Copy(table, districtOperations(t))
	maps.Copy(table, logOperations(t))
	return table
}

func partnershipOperations(t *testing.T) map[string]operation {
	ctx := t.Context()
	return map[string]operation{
		"CreatePartner": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CreatePartner(ctx, c, broker.PartnerRequest{ID: "club"}))
		}},
		"AdvancePartner": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.AdvancePartner(ctx, c, "club", noSuchStep))
		}},
		"BanPartner": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.BanPartner(ctx, c, "club", broker.BanRequest{Until: theEdgeOf}))
		}},
		"RevokeTokens": {officers, func(d *town, c broker.Caller) error { return dropped(d.RevokeTokens(ctx, c, "spare")) }},
		"Partners":     {readers, func(d *town, c broker.Caller) error { return dropped(d.Partners(ctx, c)) }},
		"Partner":      {parties, func(d *town, c broker.Caller) error { return dropped(d.Partner(ctx, c, "club")) }},
		"CreateAgreement": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CreateAgreement(ctx, c, terms("club", "club")))
		}},
		"Sign": {uploaders, func(d *town, c broker.Caller) error {
			return dropped(d.Sign(ctx, c, "club", signature("partner", sha)))
		}},
		"AdvanceAgreement": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.AdvanceAgreement(ctx, c, "club", noSuchStep))
		}},
		"Agreements":    {parties, func(d *town, c broker.Caller) error { return dropped(d.Agreements(ctx, c)) }},
		"Agreement":     {parties, func(d *town, c broker.Caller) error { return dropped(d.Agreement(ctx, c, "club")) }},
		"AgreementText": {parties, func(d *town, c broker.Caller) error { return dropped(d.AgreementText(ctx, c, "club")) }},
		"Meter":         {parties, func(d *town, c broker.Caller) error { return dropped(d.Meter(ctx, c, "club")) }},
		"SchoolAgreements": {[]broker.Role{broker.RoleOfficer, broker.RoleCoordinator}, func(d *town, c broker.Caller) error {
			return dropped(d.SchoolAgreements(ctx, c, north))
		}},
		"PutParticipation": {uploaders, func(d *town, c broker.Caller) error {
			return dropped(d.PutParticipation(ctx, c, "club", strings.NewReader("")))
		}},
		"PutRoster": {uploaders, func(d *town, c broker.Caller) error {
			return dropped(d.PutRoster(ctx, c, "club", strings.NewReader("")))
		}},
		"PutSessions": {uploaders, func(d *town, c broker.Caller) error {
			return dropped(d.PutSessions(ctx, c, "club", strings.NewReader("")))
		}},
		"Participation": {uploaders, func(d *town, c broker.Caller) error { return dropped(d.Participation(ctx, c, "club")) }},
	}
}

func familyOperations(t *testing.T, consentID, formID string) map[string]operation {
	ctx := t.Context()
	return map[string]operation{
		"CreateConsent": {signers, func(d *town, c broker.Caller) error {
			return dropped(d.CreateConsent(ctx, c, broker.ConsentRequest{Agreement: "club", Student: broker.StudentRef{StudentID: ann.id}}))
		}},
		"WithdrawConsent": {families, func(d *town, c broker.Caller) error {
			return dropped(d.WithdrawConsent(ctx, c, consentID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: ann.mother()}}))
		}},
		"InvalidateConsent": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.InvalidateConsent(ctx, c, consentID, broker.ReviewRequest{}))
		}},
		"OverrideHold": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.OverrideHold(ctx, c, consentID, broker.ReviewRequest{}))
		}},
		"ConfirmConsent": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.ConfirmConsent(ctx, c, formID, broker.ConfirmRequest{}))
		}},
		"Consents": {families, func(d *town, c broker.Caller) error { return dropped(d.Consents(ctx, c)) }},
		"Consent":  {families, func(d *town, c broker.Caller) error { return dropped(d.Consent(ctx, c, consentID)) }},
	}
}

func rightsOperations(t *testing.T) map[string]operation {
	ctx := t.Context()
	child := broker.StudentRef{StudentID: ann.id}
	return map[string]operation{
		"ConsentState": {readers, func(d *town, c broker.Caller) error {
			return dropped(d.ConsentState(ctx, c, broker.ConsentStateRequest{Agreement: "club", Student: child}))
		}},
		"Rights": {readers, func(d *town, c broker.Caller) error {
			return dropped(d.Rights(ctx, c, broker.RightsRequest{Student: child}))
		}},
		"RecordRestriction": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.RecordRestriction(ctx, c, broker.RestrictionRequest{Student: child}))
		}},
		"LiftRestriction": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.LiftRestriction(ctx, c, "rst_absent", broker.ReviewRequest{}))
		}},
		"RecordHolder": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.RecordHolder(ctx, c, broker.HolderRequest{Student: child}))
		}},
		"RecordPostsecondary": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.RecordPostsecondary(ctx, c, broker.PostsecondaryRequest{Student: child}))
		}},
		"OpenCase": {families, func(d *town, c broker.Caller) error {
			return dropped(d.OpenCase(ctx, c, broker.CaseRequest{Student: child}))
		}},
		"Conflicts": {readers, func(d *town, c broker.Caller) error { return dropped(d.Conflicts(ctx, c)) }},
		"Cases":     {readers, func(d *town, c broker.Caller) error { return dropped(d.Cases(ctx, c)) }},
		"CloseCase": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CloseCase(ctx, c, "cas_absent", broker.ReviewRequest{}))
		}},
		"OpenInspection": {families, func(d *town, c broker.Caller) error {
			return dropped(d.OpenInspection(ctx, c, broker.InspectionRequest{Student: child}))
		}},
		"Inspections": {readers, func(d *town, c broker.Caller) error { return dropped(d.Inspections(ctx, c)) }},
		"CloseInspection": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CloseInspection(ctx, c, "ins_absent", broker.ReviewRequest{}))
		}},
		"Disclosures": {families, func(d *town, c broker.Caller) error {
			return dropped(d.Disclosures(ctx, c, broker.DisclosuresRequest{Student: child}))
		}},
		"DisclosedCopy": {families, func(d *town, c broker.Caller) error {
			return dropped(d.DisclosedCopy(ctx, c, broker.CopyRequest{}))
		}},
	}
}

func roundOperations(t *testing.T) map[string]operation {
	ctx := t.Context()
	return map[string]operation{
		"OpenRound": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.OpenRound(ctx, c, broker.RoundRequest{Agreement: "club"}))
		}},
		"Rounds": {readers, func(d *town, c broker.Caller) error { return dropped(d.Rounds(ctx, c)) }},
		"Packet": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.Packet(ctx, c, broker.PacketRequest{}))
		}},
		"CreateLink": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CreateLink(ctx, c, broker.LinkRequest{Student: broker.StudentRef{StudentID: ann.id}}))
		}},
		"Paper": {officers, func(d *town, c broker.Caller) error { return dropped(d.Paper(ctx, c, "ask_absent")) }},
		"EnterPaper": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.EnterPaper(ctx, c, "ask_absent", broker.PaperRequest{}))
		}},
		"RecordProtection": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.RecordProtection(ctx, c, broker.ProtectionRequest{Student: broker.StudentRef{StudentID: ann.id}}))
		}},
		"LiftProtection": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.LiftProtection(ctx, c, "prt_absent", broker.ReviewRequest{}))
		}},
		"Texts": {readers, func(d *town, c broker.Caller) error { return dropped(d.Texts(ctx, c)) }},
		"ReviewText": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.ReviewText(ctx, c, broker.TextReviewRequest{}))
		}},
		"Deletions": {parties, func(d *town, c broker.Caller) error { return dropped(d.Deletions(ctx, c, "club")) }},
		"CloseDeletion": {[]broker.Role{broker.RolePartner}, func(d *town, c broker.Caller) error {
			return dropped(d.CloseDeletion(ctx, c, "del_absent", broker.ReviewRequest{}))
		}},
	}
}

func districtOperations(t *testing.T) map[string]operation {
	ctx := t.Context()
	return map[string]operation{
		"Matches": {stewards, func(d *town, c broker.Caller) error { return dropped(d.Matches(ctx, c)) }},
		"DecideMatch": {stewards, func(d *town, c broker.Caller) error {
			return dropped(d.DecideMatch(ctx, c, "mch_absent", broker.MatchRequest{}))
		}},
		"Duplicates": {closers, func(d *town, c broker.Caller) error { return dropped(d.Duplicates(ctx, c)) }},
		"DecideDuplicate": {closers, func(d *town, c broker.Caller) error {
			return dropped(d.DecideDuplicate(ctx, c, "dup_absent", broker.DuplicateRequest{}))
		}},
		"Import": {closers, func(d *town, c broker.Caller) error {
			_, err := d.Import(ctx, c, broker.ImportRequest{Path: t.TempDir(), Options: loadAll})
			return err
		}},
		"Loads":         {[]broker.Role{broker.RoleOfficer, broker.RoleSteward, broker.RoleAuditor}, func(d *town, c broker.Caller) error { _, err := d.Loads(ctx, c); return err }},
		"Undo":          {closers, func(d *town, c broker.Caller) error { _, err := d.Undo(ctx, c); return err }},
		"ApproveImport": {closers, func(d *town, c broker.Caller) error { return d.ApproveImport(ctx, c, "absent") }},
		"PlanRollover":  {closers, func(d *town, c broker.Caller) error { return d.PlanRollover(ctx, c, broker.Rollover{}) }},
		"Budgets": {[]broker.Role{broker.RoleOfficer, broker.RoleAuditor}, func(d *town, c broker.Caller) error {
			return dropped(d.Budgets(ctx, c))
		}},
		"Periods": {[]broker.Role{broker.RoleOfficer, broker.RoleSteward, broker.RoleAuditor, broker.RolePartner}, func(d *town, c broker.Caller) error {
			return dropped(d.Periods(ctx, c))
		}},
		"SetCalendar": {closers, func(d *town, c broker.Caller) error {
			return dropped(d.SetCalendar(ctx, c, townFall, broker.CalendarRequest{}))
		}},
		"Freeze":      {closers, func(d *town, c broker.Caller) error { return dropped(d.Freeze(ctx, c, townLent)) }},
		"ClosePeriod": {closers, func(d *town, c broker.Caller) error { return dropped(d.ClosePeriod(ctx, c, townLent)) }},
		"CorrectPeriod": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.CorrectPeriod(ctx, c, townLent, broker.CorrectionRequest{}))
		}},
		"Ledger":    {readers, func(d *town, c broker.Caller) error { return dropped(d.Ledger(ctx, c, broker.LedgerRequest{})) }},
		"Preflight": {closers, func(d *town, c broker.Caller) error { return dropped(d.Preflight(ctx, c, townLent)) }},
		"Memo": {readers, func(d *town, c broker.Caller) error {
			return dropped(d.Memo(ctx, c, broker.MemoRequest{Session: townLent, Agreement: "club"}))
		}},
		"SignMemo": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.SignMemo(ctx, c, townLent, broker.MemoSignature{}))
		}},
		"Disclosure": {[]broker.Role{broker.RoleOfficer, broker.RoleAuditor}, func(d *town, c broker.Caller) error {
			return dropped(d.Disclosure(ctx, c))
		}},
		"SetDisclosure": {[]broker.Role{broker.RoleOfficer}, func(d *town, c broker.Caller) error {
			return dropped(d.SetDisclosure(ctx, c, broker.Disclosure{}))
		}},
	}
}

func logOperations(t *testing.T) map[string]operation {
	ctx := t.Context()
	return map[string]operation{
		"Entries":     {readers, func(d *town, c broker.Caller) error { return dropped(d.Entries(ctx, c, broker.EntriesRequest{})) }},
		"ListEntries": {readers, func(d *town, c broker.Caller) error { _, err := d.ListEntries(ctx, c, 0, 1); return err }},
		"Proof":       {readers, func(d *town, c broker.Caller) error { return dropped(d.Proof(ctx, c, broker.ProofRequest{})) }},
		"ExportLog": {readers, func(d *town, c broker.Caller) error {
			_, err := d.ExportLog(ctx, c, filepath.Join(t.TempDir(), "log"), nil)
			return err
		}},
		"Messages": {readers, func(d *town, c broker.Caller) error {
			return dropped(d.Messages(ctx, c, broker.MessagesRequest{}))
		}},
		"RetryMessage": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.RetryMessage(ctx, c, d.sends(to(ann.mother(), "one"))[0]))
		}},
		"HandOverMessages": {officers, func(d *town, c broker.Caller) error {
			_, _, err := d.HandOverMessages(ctx, c, wording, func([]broker.Parcel) error { return nil })
			return err
		}},
		"Checkpoint": {everybody, func(d *town, c broker.Caller) error { return dropped(d.Checkpoint(ctx, c)) }},
		// Who holds the agreement is told by the rules that its role is answered
		// nothing; whoever does not sees no agreement.
		"Comparison": {append(parties[:3:3], broker.RoleCoordinator), func(d *town, c broker.Caller) error {
			return dropped(d.Comparison(ctx, c, broker.ComparisonRequest{Agreement: "club"}))
		}},
		"Report": {append(parties[:3:3], broker.RoleCoordinator), func(d *town, c broker.Caller) error {
			return dropped(d.Report(ctx, c, broker.ReportRequest{Agreement: "club", Session: townFall}))
		}},
		"OfficerReport": {officers, func(d *town, c broker.Caller) error {
			return dropped(d.OfficerReport(ctx, c, broker.ReportRequest{Agreement: "club", Session: townFall}))
		}},
		"Students": {append(parties[:3:3], broker.RoleCoordinator), func(d *town, c broker.Caller) error {
			return dropped(d.Students(ctx, c, broker.StudentsRequest{Agreement: "club", Period: "current"}))
		}},
	}
}

// callers are one person of each role.
func callers() map[broker.Role]broker.Caller {
	return map[broker.Role]broker.Caller{
		broker.RoleOfficer: officer, broker.RoleSteward: steward, broker.RoleAuditor: auditor, broker.RolePartner: partnerOf("club"),
		broker.RoleGuardian:    guardian(ann.mother()),
		broker.RoleCoordinator: {Subject: "Cora Coordinator", Role: broker.RoleCoordinator, Schools: []string{north}},
	}
}

func TestEveryOperationOfTheBrokerStandsInTheTableOfRoles(t *testing.T) {
	t.Parallel()
	table := operations(t, "", "")
	methods := reflect.TypeFor[*broker.Broker]()
	for m := range methods.Methods() {
		takesCaller := m.Type.NumIn() > 2 && m.Type.In(2) == reflect.TypeFor[broker.Caller]()
		if _, listed := table[m.Name]; takesCaller != listed && !slices.Contains(noCallers, m.Name) {
			t.Errorf("%s takes a caller: %t; stands in the table: %t", m.Name, takesCaller, listed)
		}
	}
}

func TestAWrongRoleFindsNothingAndLeavesAnEntry(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.partner("spare")
	made := d.consent(consentTo("club", ann))
	form := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	for name, op := range operations(t, made.ID, form.ID) {
		for role, c := range callers() {
			before := d.size()
			err := op.ask(d, c)
			var refusals int
			for _, e := range d.since(before) {
				if e.Event == tlog.AccessRefused && e.Caller.Role == string(role) && e.Caller.Subject == c.Subject {
					refusals++
				}
			}
			if slices.Contains(op.roles, role) {
				if refusals > 0 {
					t.Errorf("%s: the %s was refused: %v", name, role, err)
				}
				continue
			}
			if broker.KindOf(err) != broker.NotAvailable || refusals != 1 {
				t.Errorf("%s: the %s got %v and left %d entries of a refusal", name, role, err, refusals)
			}
		}
	}
}

func TestTheRulesAnswerNobodyButPartners(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	table := operations(t, "", "")
	for _, name := range []string{"Comparison", "Report", "Students"} {
		for _, role := range []broker.Role{broker.RoleOfficer, broker.RoleAuditor, broker.RoleCoordinator} {
			denied(t, nil, table[name].ask(d, callers()[role]), "role_not_permitted")
		}
	}
}

func TestAnAuditorChangesNothing(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := d.consent(consentTo("club", ann))
	form := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	before := d.size()
	for _, op := range operations(t, made.ID, form.ID) {
		_ = op.ask(d, auditor)
	}
	for _, e := range d.events(before) {
		if !slices.Contains(onlyReads, e) {
			t.Errorf("the auditor left a %s", e)
		}
	}
}

// Reaching for what is another's leaves the same trace as reaching for what a
// role may not touch.
func TestReachingForAnothersLeavesAnEntry(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.partner("other")
	made := d.consent(consentTo("club", ann))
	other, ctx := partnerOf("other"), t.Context()
	for name, reach := range map[string]func() error{
		"a partner":            func() error { return dropped(d.Partner(ctx, other, "club")) },
		"rows":                 func() error { return operations(t, "", "")["Students"].ask(d, other) },
		"figures":              func() error { return operations(t, "", "")["Comparison"].ask(d, other) },
		"a page of figures":    func() error { return operations(t, "", "")["Report"].ask(d, other) },
		"an agreement":         func() error { return dropped(d.Agreement(ctx, other, "club")) },
		"its text":             func() error { return dropped(d.AgreementText(ctx, other, "club")) },
		"its participation":    func() error { return dropped(d.Participation(ctx, other, "club")) },
		"its roster":           func() error { return dropped(d.PutParticipation(ctx, other, "club", stringReader(sessionLog(ann)))) },
		"a signature under it": func() error { return dropped(d.Sign(ctx, other, "club", signature("partner", sha))) },
		"a form under it":      func() error { return dropped(d.CreateConsent(ctx, other, form("club", ann))) },
		"a consent":            func() error { return dropped(d.Consent(ctx, guardian(ben.mother()), made.ID)) },
		"its end": func() error {
			return dropped(d.WithdrawConsent(ctx, guardian(ben.mother()), made.ID, broker.WithdrawRequest{}))
		},
		"its deletions":          func() error { return dropped(d.Deletions(ctx, other, "club")) },
		"another family's child": func() error { return dropped(d.CreateConsent(ctx, guardian(ben.mother()), consentTo("club", ann))) },
		"a school's agreements": func() error {
			return dropped(d.SchoolAgreements(ctx, broker.Caller{Subject: "Cora", Role: broker.RoleCoordinator, Schools: []string{south}}, north))
		},
	} {
		before := d.size()
		if err := reach(); broker.KindOf(err) != broker.NotAvailable {
			t.Errorf("%s: got %v", name, err)
		}
		if got := d.events(before); len(got) != 1 || got[0] != tlog.AccessRefused {
			t.Errorf("%s: the entries are %v", name, got)
		}
	}
}
