package broker_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

func TestAConsentIsRefusedWithoutAnyElementOfTheLaw(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	for _, c := range []struct {
		name, field string
		spoil       func(*broker.ConsentRequest)
	}{
		{"no categories", "categories", func(r *broker.ConsentRequest) { r.Categories = nil }},
		{"a wildcard", "categories[0]", func(r *broker.ConsentRequest) { r.Categories = []consent.Category{"*"} }},
		{"discipline as a whole", "categories[0]", func(r *broker.ConsentRequest) { r.Categories = []consent.Category{"discipline"} }},
		{"a category twice", "categories[1]", func(r *broker.ConsentRequest) {
			r.Categories = []consent.Category{consent.Grades, consent.Grades}
		}},
		{"no first day", "records_from", func(r *broker.ConsentRequest) { r.RecordsFrom = 0 }},
		{"no last day", "records_to", func(r *broker.ConsentRequest) { r.RecordsTo = 0 }},
		{"days in the wrong order", "records_to", func(r *broker.ConsentRequest) { r.RecordsTo = r.RecordsFrom - 1 }},
		{"no end", "expires", func(r *broker.ConsentRequest) { r.Expires = 0 }},
		{"an end before the signing", "expires", func(r *broker.ConsentRequest) { r.Expires = day("2026-03-01") }},
		{"an end over three years away", "expires", func(r *broker.ConsentRequest) { r.Expires = day("2029-03-10") }},
		{"no date of signing", "signed_at", func(r *broker.ConsentRequest) { r.SignedAt = time.Time{} }},
		{"signed tomorrow", "entered_at", func(r *broker.ConsentRequest) { r.SignedAt = inLent.AddDate(0, 0, 1) }},
		{"no text", "text_sha256", func(r *broker.ConsentRequest) { r.Text.SHA256 = "" }},
		{"no version of the text", "text_version", func(r *broker.ConsentRequest) { r.Text.Version = "" }},
		{"no language", "language", func(r *broker.ConsentRequest) { r.Text.Language = "" }},
		{"no method", "method", func(r *broker.ConsentRequest) { r.Method = "" }},
		{"a yes by phone", "method", func(r *broker.ConsentRequest) { r.Method = consent.Phone }},
		{"no evidence", "evidence", func(r *broker.ConsentRequest) { r.Evidence = consent.Evidence{} }},
		{"no answer", "answer", func(r *broker.ConsentRequest) { r.Answer = "" }},
		{"no signer", "signer", func(r *broker.ConsentRequest) { r.Signer = broker.SignerRef{} }},
		{"two signers", "signer", func(r *broker.ConsentRequest) { r.Signer.Self = true }},
		{"no student", "student", func(r *broker.ConsentRequest) { r.Student = broker.StudentRef{} }},
		{"two names of the student", "student", func(r *broker.ConsentRequest) { r.Student.ParticipantRef = ann.ref() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := consentTo("club", ann)
			c.spoil(&r)
			a, err := d.CreateConsent(t.Context(), officer, r)
			refused(t, a, err, broker.Invalid, c.field)
		})
	}
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows after refused consents only", len(rows))
	}
}

func TestTheCapacityIsTheStudentFilesWord(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	for name, r := range map[string]broker.ConsentRequest{
		"an emergency contact":   by(consentTo("club", ben), broker.SignerRef{GuardianID: "grandmother"}),
		"a caseworker":           by(consentTo("club", ann), broker.SignerRef{GuardianID: "caseworker"}),
		"another child's mother": by(consentTo("club", ann), broker.SignerRef{GuardianID: ben.mother()}),
		"nobody on file":         by(consentTo("club", ann), broker.SignerRef{GuardianID: "absent"}),
		"the child itself":       by(consentTo("club", ann), self),
	} {
		a, err := d.CreateConsent(t.Context(), officer, r)
		if err == nil {
			t.Fatalf("%s signed: %s", name, a.Body())
		}
		if broker.KindOf(err) != broker.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAGrownStudentAnswersAloneAndByNobodyElse(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(cal)
	a, err := d.CreateConsent(t.Context(), officer, consentTo("club", cal))
	refused(t, a, err, broker.Invalid, "signer")
	a, err = d.CreateConsent(t.Context(), guardian(cal.mother()), consentTo("club", cal))
	refused(t, a, err, broker.Invalid, "signer")
	d.done(d.CreateConsent(t.Context(), grown(cal), consentTo("club", cal)))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("the student's own yes opened %d rows", len(rows))
	}
}

func TestOnTheEighteenthBirthdayAParentsYesEnds(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(dee)
	d.consent(consentTo("club", dee))
	d.clock.Set(time.Date(2026, 3, 19, 23, 59, 0, 0, time.UTC))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows the day before", len(rows))
	}
	d.clock.Set(time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows on the birthday", len(rows))
	}
	own := by(consentTo("club", dee), self)
	a, err := d.CreateConsent(t.Context(), officer, own)
	refused(t, a, err, broker.Invalid, "signer") // signed while the parents still decided
	own.SignedAt = d.clock.Now()
	d.consent(own)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after the student's own yes", len(rows))
	}
}

func TestAGuardianAnswersForHerOwnChildrenOnly(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	a := d.must(d.CreateConsent(t.Context(), guardian(ann.mother()), by(consentTo("club", ann), broker.SignerRef{})))
	if p := d.verified(a.Body()); p.Header.Caller.Subject != ann.mother() {
		t.Errorf("the receipt names %+v", p.Header.Caller)
	}
	a.Drop()
	_, foreign := d.CreateConsent(t.Context(), guardian(ann.mother()), consentTo("club", ben))
	_, absent := d.CreateConsent(t.Context(), guardian(ann.mother()), consentTo("club", stranger))
	sameRefusal(t, foreign, absent)
	if rows := d.clubRows(); len(rows) != 1 || rows[ann.ref()].Attendance == nil {
		t.Errorf("the rows are %v", rows)
	}
}

func TestAGuardiansTokenSignsAsHerselfWhateverTheRequestSays(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	r := by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()})
	r.SignedAt = inLent.AddDate(0, -1, 0)
	d.done(d.CreateConsent(t.Context(), guardian(ann.mother()), r))
	own := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), guardian(ann.mother()))))
	fathers := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), guardian(ann.father()))))
	if len(own.Consents) != 1 || len(fathers.Consents) != 0 {
		t.Errorf("the mother has %d answers, the father %d", len(own.Consents), len(fathers.Consents))
	}
}

func TestAGuardianOfTwoChildrenReadsWhichAnswerIsAboutWhom(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.add("guardians", ben.id, ann.mother(), "Mo", ann.family, "mother", "parent", "yes")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ann, ben)
	about := map[string]string{}
	for _, p := range []pupil{ann, ben} {
		about[d.consent(by(consentTo("club", p), broker.SignerRef{GuardianID: ann.mother()})).ID] = p.id
	}
	own := data[struct {
		Consents []struct {
			ID      string            `json:"id"`
			Student broker.StudentRef `json:"student"`
		}
	}](t, d.must(d.Consents(t.Context(), guardian(ann.mother()))))
	for _, c := range own.Consents {
		if c.Student.StudentID != about[c.ID] || c.Student.ParticipantRef != "" {
			t.Errorf("%s is said to be about %+v", c.ID, c.Student)
		}
	}
	if len(own.Consents) != len(about) {
		t.Errorf("she reads %d answers", len(own.Consents))
	}
}

func TestAnotherPersonsGrantCannotBeTouched(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	made := d.consent(consentTo("club", ann))
	for name, c := range map[string]broker.Caller{
		"the other guardian": guardian(ann.father()), "another family": guardian(ben.mother()), "the child": grown(ann), "nobody": guardian("absent"),
	} {
		t.Run(name, func(t *testing.T) {
			_, foreign := d.Consent(t.Context(), c, made.ID)
			_, absent := d.Consent(t.Context(), c, "cns_absent")
			sameRefusal(t, foreign, absent)
			_, foreign = d.WithdrawConsent(t.Context(), c, made.ID, broker.WithdrawRequest{})
			_, absent = d.WithdrawConsent(t.Context(), c, "cns_absent", broker.WithdrawRequest{})
			sameRefusal(t, foreign, absent)
		})
	}
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows are left", len(rows))
	}
}

// At eighteen the rights pass to the student (34 CFR 99.5): a parent neither
// reads nor ends what the student says.
func TestAParentCannotTouchTheAnswerOfAGrownStudent(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(cal)
	made := d.consent(by(consentTo("club", cal), self))
	mother := guardian(cal.mother())
	if list := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), mother))); len(list.Consents) != 0 {
		t.Errorf("the mother's list shows %+v", list.Consents)
	}
	a, err := d.Consent(t.Context(), mother, made.ID)
	refused(t, a, err, broker.NotAvailable)
	a, err = d.WithdrawConsent(t.Context(), mother, made.ID, broker.WithdrawRequest{})
	refused(t, a, err, broker.NotAvailable)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows are left", len(rows))
	}
	if list := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), grown(cal)))); len(list.Consents) != 1 {
		t.Errorf("the student's own list shows %+v", list.Consents)
	}
	d.done(d.WithdrawConsent(t.Context(), grown(cal), made.ID, broker.WithdrawRequest{}))
}

// Numbers of guardians and of students are two lists: that a guardian has a
// student's number makes her nobody but herself.
func TestAGuardianWithAStudentsNumberIsNotThatStudent(t *testing.T) {
	t.Parallel()
	f := townFiles()
	f.add("guardians", ben.id, cal.id, "Un", "Cle", "other", "acting_as_parent", "yes")
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(ben, cal)
	own := d.consent(by(consentTo("club", cal), self))
	uncle := guardian(cal.id)
	a, err := d.WithdrawConsent(t.Context(), uncle, own.ID, broker.WithdrawRequest{})
	refused(t, a, err, broker.NotAvailable)
	a, err = d.CreateConsent(t.Context(), uncle, consentTo("club", cal))
	refused(t, a, err, broker.NotAvailable)
	d.done(d.CreateConsent(t.Context(), uncle, consentTo("club", ben)))
	if rows := d.clubRows(); len(rows) != 2 {
		t.Errorf("%d rows, want that of the student and that of the nephew", len(rows))
	}
}

func TestACategoryOutsideTheAgreementIsRefused(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	r := terms("club", "club")
	r.Categories = []consent.Category{consent.Attendance}
	d.conclude(r)
	a, err := d.CreateConsent(t.Context(), officer, consentTo("club", ann))
	refused(t, a, err, broker.Invalid, "categories")
}

func TestANoOfOneGuardianClosesWhatTheOtherOpened(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	no := by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()})
	no.Answer, no.Categories = consent.No, []consent.Category{consent.Grades}
	d.consent(no)
	row := d.clubRows()[ann.ref()]
	if row.Attendance == nil || row.Grades != nil {
		t.Errorf("after a no to grades the row is %+v", row)
	}
	no.Categories = []consent.Category{consent.Attendance}
	d.consent(no)
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows after a no to everything", len(rows))
	}
}

func TestAWithdrawalTurnsAYesIntoANoThatTheOtherGuardianCannotReopen(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := d.consent(consentTo("club", ann))
	a := d.must(d.WithdrawConsent(t.Context(), guardian(ann.mother()), made.ID, broker.WithdrawRequest{Reason: "changed my mind"}))
	if p := d.verified(a.Body()); p.Header.Event != tlog.ConsentWithdrawn {
		t.Errorf("the entry is %s", p.Header.Event)
	}
	if got := data[grantAnswer](t, a); !got.Withdrawn.Equal(inLent) {
		t.Errorf("withdrawn at %s", got.Withdrawn)
	}
	d.consent(by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()}))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestAConsentIsWithdrawnOnce(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := d.consent(consentTo("club", ann))
	d.done(d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: ann.mother()}}))
	a, err := d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: ann.mother()}})
	refused(t, a, err, broker.Conflict)
	no := consentTo("club", ann)
	no.Answer = consent.No
	said := d.consent(no)
	a, err = d.WithdrawConsent(t.Context(), officer, said.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: ann.mother()}})
	refused(t, a, err, broker.Conflict)
}

func TestAnOfficerNamesThePersonWhoWithdraws(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := d.consent(consentTo("club", ann))
	for _, s := range []broker.SignerRef{{}, {GuardianID: ben.mother()}} {
		a, err := d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: s})
		refused(t, a, err, broker.Invalid)
	}
	a, err := d.WithdrawConsent(t.Context(), officer, "cns_absent", broker.WithdrawRequest{By: broker.SignerRef{GuardianID: ann.mother()}})
	refused(t, a, err, broker.NotAvailable)
}

func TestAnInvalidatedAnswerNeverWas(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	no := by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()})
	no.Answer = consent.No
	refusal := d.consent(no)
	d.consent(consentTo("club", ann))
	a, err := d.InvalidateConsent(t.Context(), officer, refusal.ID, broker.ReviewRequest{})
	refused(t, a, err, broker.Invalid, "reason")
	done := data[grantAnswer](t, d.must(d.InvalidateConsent(t.Context(), officer, refusal.ID, broker.ReviewRequest{Reason: "forged"})))
	if !done.Invalidated.Equal(inLent) {
		t.Errorf("invalidated at %s", done.Invalidated)
	}
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows: the forged no still closes", len(rows))
	}
	a, err = d.InvalidateConsent(t.Context(), officer, refusal.ID, broker.ReviewRequest{Reason: "forged"})
	refused(t, a, err, broker.Conflict)
}

func TestAnOverrideNeedsAReasonAndSomethingHeld(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := d.consent(consentTo("club", ann))
	a, err := d.OverrideHold(t.Context(), officer, made.ID, broker.ReviewRequest{})
	refused(t, a, err, broker.Invalid, "reason")
	a, err = d.OverrideHold(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "the family asks"})
	refused(t, a, err, broker.Conflict)
	a, err = d.OverrideHold(t.Context(), officer, "cns_absent", broker.ReviewRequest{Reason: "the family asks"})
	refused(t, a, err, broker.NotAvailable)
}

// What an officer opened and why stands as it was said first.
func TestAnOverrideIsGivenOnce(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:2] {
		d.consent(consentTo("club", kid))
	}
	d.closePeriod(townFall)
	made := d.consent(consentTo("club", kids[2]))
	if rows := d.clubRows()[kids[2].ref()]; len(rows.Grades) != 1 {
		t.Fatalf("the held row is %+v", rows)
	}
	a := d.must(d.OverrideHold(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "the family insists"}))
	if p := d.verified(a.Body()); p.Header.Event != tlog.ConsentOpened {
		t.Errorf("the entry is %s", p.Header.Event)
	}
	a.Drop()
	if rows := d.clubRows()[kids[2].ref()]; len(rows.Grades) != 2 {
		t.Errorf("the opened row is %+v", rows)
	}
	a, err := d.OverrideHold(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "another reason"})
	refused(t, a, err, broker.Conflict)
}

func TestAConsentEndsAfterItsLastDay(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	r := consentTo("club", ann)
	r.Expires = day("2026-03-10")
	d.consent(r)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows on the last day", len(rows))
	}
	d.clock.Set(inLent.AddDate(0, 0, 1))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows after it", len(rows))
	}
}

func TestALaterWishToTalkSilencesAYes(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	talk := consentTo("club", ann)
	talk.Answer, talk.SignedAt = consent.Talk, inLent
	d.consent(talk)
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestAConsentToOneClubOpensNothingToAnother(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.partner("other")
	d.conclude(terms("other", "other"))
	d.roster("other", ann)
	d.consent(consentTo("club", ann))
	if rows := d.rowsFor(partnerOf("other"), "other"); len(rows) != 0 {
		t.Errorf("the other club reads %d rows", len(rows))
	}
}

func TestAConsentToAnotherPurposeOpensNothing(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	r := terms("club", "evaluation")
	r.Purpose = consent.ProgramEvaluation
	d.conclude(r)
	d.consent(consentTo("evaluation", ann))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestAnOfficerMayNameTheChildByThePartnersReference(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, stranger)
	r := consentTo("club", ann)
	r.Student = broker.StudentRef{ParticipantRef: ann.ref()}
	d.consent(r)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
	r.Student.ParticipantRef = stranger.ref()
	a, err := d.CreateConsent(t.Context(), officer, r)
	refused(t, a, err, broker.NotAvailable)
}

// Who held the rights on the day of signing answered for good; who has lost
// them since answers no more.
func TestALostRightEndsAnsweringAndNoAnswerThatWasGiven(t *testing.T) {
	t.Parallel()
	for answer, want := range map[consent.Answer]int{consent.Yes: 1, consent.No: 0} {
		d := newTown(t)
		d.club(ann)
		r := consentTo("club", ann)
		r.Answer = answer
		d.consent(r)
		f := townFiles()
		for i, row := range f["guardians"] {
			if row[1] == ann.mother() {
				f["guardians"][i][6] = "no"
			}
		}
		d.load(f.write(t), ingest.Options{})
		d.consent(by(consentTo("club", ann), broker.SignerRef{GuardianID: ann.father()}))
		if rows := d.clubRows(); len(rows) != want {
			t.Errorf("after a %s of the mother, who lost her rights, and the father's yes there are %d rows, want %d", answer, len(rows), want)
		}
		r.SignedAt = inLent
		a, err := d.CreateConsent(t.Context(), officer, r)
		refused(t, a, err, broker.Invalid, "signer")
	}
}

// Every act of a consent's life answers with a receipt that verifies against
// its own bytes.
func TestEveryConsentAnswerCarriesAReceipt(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	check := func(a *broker.Answer, err error) grantAnswer {
		t.Helper()
		d.must(a, err)
		if p := d.verified(a.Body()); !p.DataChecked || p.Leaf.Subjects == 0 && p.Header.Event != tlog.ConsentPending {
			t.Errorf("the receipt of %s covers %d subjects", p.Header.Event, p.Leaf.Subjects)
		}
		return data[grantAnswer](t, a)
	}
	made := check(d.CreateConsent(t.Context(), officer, consentTo("club", ann)))
	check(d.WithdrawConsent(t.Context(), guardian(ann.mother()), made.ID, broker.WithdrawRequest{}))
	check(d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "forged"}))
	pending := check(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ben)))
	check(d.ConfirmConsent(t.Context(), officer, pending.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ben.mother()}}))
}
