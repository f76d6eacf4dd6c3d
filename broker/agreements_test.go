package broker_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// sameRefusal asserts that two refusals say the same to the last byte.
func sameRefusal(t testing.TB, one, two error) {
	t.Helper()
	var a, b *broker.Error
	if !errors.As(one, &a) || !errors.As(two, &b) {
		t.Fatalf("got %v and %v", one, two)
	}
	if a.Kind != broker.NotAvailable {
		t.Errorf("the kind is %s", a.Kind)
	}
	texts := make([]string, 2)
	for i, e := range []*broker.Error{a, b} {
		raw, err := json.Marshal(struct {
			Error              string
			Kind, Detail       any
			Fields, Reasons, R any
			Receipt            []byte
		}{e.Error(), e.Kind, e.Detail, e.Fields, e.Reasons, e.RetryAfter, e.Receipt})
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(raw)
	}
	if texts[0] != texts[1] {
		t.Errorf("the refusals differ:\n%s\n%s", texts[0], texts[1])
	}
}

func (d *town) agreementOf(c broker.Caller, id string) agreementAnswer {
	d.t.Helper()
	return data[agreementAnswer](d.t, d.must(d.Agreement(d.t.Context(), c, id)))
}

func TestTheSecondSignatureActivatesAnAgreementWhoseTermHasBegun(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	hash := d.offer(terms("club", "club"))
	if got := d.agreementOf(officer, "club"); got.State != "offered" || got.Today != "offered" {
		t.Fatalf("made %+v", got)
	}
	one := data[agreementAnswer](t, d.must(d.Sign(t.Context(), officer, "club", signature("district", hash))))
	if one.State != "offered" || len(one.Signatures) != 1 {
		t.Errorf("after one signature: %+v", one)
	}
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "agreement_not_active")
	two := data[agreementAnswer](t, d.must(d.Sign(t.Context(), partnerOf("club"), "club", signature("partner", hash))))
	if two.State != "active" || two.Today != "active" || len(two.Signatures) != 2 || two.Signatures[1].By != "Pat Partner" {
		t.Errorf("after both signatures: %+v", two)
	}
}

func TestASignatureIsUnderTheTextOfThisVersionOnly(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	hash := d.offer(terms("club", "club"))
	text := data[struct{ Text, SHA256 string }](t, d.must(d.AgreementText(t.Context(), partnerOf("club"), "club")))
	if agreement.TextHash(text.Text) != hash || text.SHA256 != hash {
		t.Errorf("the text that is shown has hash %s, offered is %s", agreement.TextHash(text.Text), hash)
	}
	a, err := d.Sign(t.Context(), officer, "club", signature("district", sha))
	refused(t, a, err, broker.Conflict)
	d.done(d.Sign(t.Context(), officer, "club", signature("district", hash)))
	a, err = d.Sign(t.Context(), officer, "club", signature("district", hash))
	refused(t, a, err, broker.Conflict)
	if got := d.agreementOf(officer, "club"); got.State != "offered" || len(got.Signatures) != 1 {
		t.Errorf("the agreement is %+v", got)
	}
}

func TestAPartnerSignsForItselfOnly(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.partner("other")
	hash := d.offer(terms("club", "club"))
	a, err := d.Sign(t.Context(), partnerOf("club"), "club", signature("district", hash))
	refused(t, a, err, broker.Invalid, "party")
	_, foreign := d.Sign(t.Context(), partnerOf("other"), "club", signature("partner", hash))
	_, absent := d.Sign(t.Context(), partnerOf("other"), "absent", signature("partner", hash))
	sameRefusal(t, foreign, absent)
}

func TestASignatureNeedsANameATitleAndAKnownParty(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	hash := d.offer(terms("club", "club"))
	for field, s := range map[string]broker.SignatureRequest{
		"name": {Party: "district", Title: "T", TextSHA256: hash}, "title": {Party: "district", Name: "N", TextSHA256: hash},
		"party": {Party: "landlord", Name: "N", Title: "T", TextSHA256: hash}, "text_sha256": {Party: "district", Name: "N", Title: "T"},
	} {
		a, err := d.Sign(t.Context(), officer, "club", s)
		refused(t, a, err, broker.Invalid, field)
	}
}

func TestAnAgreementBeginsAndExpiresByItself(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	r := terms("club", "club")
	r.TermFrom, r.TermTo = day("2026-03-11"), day("2026-03-12")
	d.conclude(r)
	d.roster("club", ann)
	ask := func() (*broker.Answer, error) {
		return d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	}
	at := func(when string, want string) {
		t.Helper()
		moment, err := time.Parse(time.RFC3339, when)
		if err != nil {
			t.Fatal(err)
		}
		d.clock.Set(moment)
		if got := d.agreementOf(partnerOf("club"), "club"); got.Today != want {
			t.Errorf("on %s the agreement is %s, want %s", when, got.Today, want)
		}
	}
	at("2026-03-10T23:59:59Z", "signed")
	a, err := ask()
	denied(t, a, err, "agreement_not_begun")
	at("2026-03-11T00:00:00Z", "active")
	d.done(ask())
	at("2026-03-12T23:59:59Z", "active")
	d.done(ask())
	at("2026-03-13T00:00:00Z", "expired")
	a, err = ask()
	denied(t, a, err, "agreement_expired")
}

func TestAnAgreementsLifeGoesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.conclude(terms("club", "club"))
	d.roster("club", ann)
	for _, name := range []string{"offer", "submit", "close", "begin_destruction", "no such event", ""} {
		a, err := d.AdvanceAgreement(t.Context(), officer, "club", event(name))
		refused(t, a, err, broker.Conflict)
	}
	d.done(d.AdvanceAgreement(t.Context(), officer, "club", event("terminate")))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "agreement_terminated")
	for name, want := range map[string]string{"begin_destruction": "destruction_pending"} {
		d.done(d.AdvanceAgreement(t.Context(), officer, "club", event(name)))
		if got := d.agreementOf(officer, "club"); got.State != want {
			t.Errorf("%s leads to %s", name, got.State)
		}
	}
	d.done(d.AdvanceAgreement(t.Context(), officer, "club", event("close")))
	a, err = d.AdvanceAgreement(t.Context(), officer, "club", event("terminate"))
	refused(t, a, err, broker.Conflict)
	a, err = d.AdvanceAgreement(t.Context(), officer, "absent", event("terminate"))
	refused(t, a, err, broker.NotAvailable)
}

func TestAnAgreementsFaultsAreNamedByField(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	for _, c := range []struct {
		field string
		spoil func(*broker.AgreementRequest)
	}{
		{"id", func(r *broker.AgreementRequest) { r.ID = "../club" }},
		{"template", func(r *broker.AgreementRequest) { r.Template = "handshake" }},
		{"partner", func(r *broker.AgreementRequest) { r.Partner = "absent" }},
		{"schools[0]", func(r *broker.AgreementRequest) { r.Schools = []string{"West"} }},
		{"schools", func(r *broker.AgreementRequest) { r.Schools = nil }},
		{"administrator", func(r *broker.AgreementRequest) { r.Administrator = "" }},
		{"term_to", func(r *broker.AgreementRequest) { r.TermTo = day("2025-07-31") }},
		{"term_to", func(r *broker.AgreementRequest) { r.TermTo = day("2035-07-31") }},
		{"categories[0]", func(r *broker.AgreementRequest) { r.Categories[0] = "discipline" }},
		{"indicators[0]", func(r *broker.AgreementRequest) { r.Indicators = []string{"iq"} }},
		{"min_cohort", func(r *broker.AgreementRequest) { r.MinCohort = 9 }},
		{"unconsented_floor", func(r *broker.AgreementRequest) { r.UnconsentedFloor = 2 }},
	} {
		r := terms("club", "club")
		c.spoil(&r)
		a, err := d.CreateAgreement(t.Context(), officer, r)
		refused(t, a, err, broker.Invalid, c.field)
	}
	a, err := d.Agreement(t.Context(), officer, "club")
	refused(t, a, err, broker.NotAvailable)
}

func TestAnAgreementIDIsTakenOnlyOnce(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.partner("other")
	hash := d.offer(terms("club", "club"))
	a, err := d.CreateAgreement(t.Context(), officer, terms("other", "club"))
	refused(t, a, err, broker.Conflict)
	if got := d.agreementOf(partnerOf("club"), "club"); got.TextSHA256 != hash {
		t.Error("the first agreement has another text now")
	}
}

func TestOnlyAnAcceptedPartnerIsOfferedAnAgreement(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("suspend")))
	a, err := d.CreateAgreement(t.Context(), officer, terms("club", "club"))
	if err == nil {
		a.Drop()
		t.Fatal("a suspended partner was offered an agreement")
	}
	if k := broker.KindOf(err); k != broker.Conflict && k != broker.Invalid {
		t.Errorf("refused with %v", err)
	}
}

func TestAStudyAgreementIsRefusedWithoutItsElements(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	r := terms("club", "club")
	r.Template = "study"
	a, err := d.CreateAgreement(t.Context(), officer, r)
	refused(t, a, err, broker.Invalid, "purpose_text", "study.scope", "study.representatives", "study.destroy_by")
	r.PurposeText = "To learn whether evening tutoring changes how students of grade nine do in mathematics."
	r.Study = &agreement.Study{Scope: "Grade nine, mathematics, two years.", Representatives: []string{"Rae Researcher"}, DestroyBy: day("2027-09-30")}
	d.conclude(r)
	if got := d.agreementOf(officer, "club"); got.Today != "active" {
		t.Errorf("the whole study agreement is %s", got.Today)
	}
}

func TestAForeignAgreementLooksLikeAnAbsentOneToEveryQuestion(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.partner("other")
	other := partnerOf("other")
	for name, ask := range map[string]func(id string) error{
		"agreement":     func(id string) error { _, err := d.Agreement(t.Context(), other, id); return err },
		"text":          func(id string) error { _, err := d.AgreementText(t.Context(), other, id); return err },
		"participation": func(id string) error { _, err := d.Participation(t.Context(), other, id); return err },
		"comparison": func(id string) error {
			_, err := d.Comparison(t.Context(), other, broker.ComparisonRequest{Agreement: id})
			return err
		},
		"students": func(id string) error {
			_, err := d.Students(t.Context(), other, broker.StudentsRequest{Agreement: id, Period: "current"})
			return err
		},
		"consent": func(id string) error { _, err := d.CreateConsent(t.Context(), other, form(id, ann)); return err },
	} {
		t.Run(name, func(t *testing.T) { sameRefusal(t, ask("club"), ask("absent")) })
	}
}

func TestACoordinatorSeesTheAgreementsOfItsSchoolsOnly(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	for id, schools := range map[string][]string{"both": {north, south}, "only-north": {north}, "only-south": {south}} {
		r := terms("club", id)
		r.Schools = schools
		d.offer(r)
	}
	holder := broker.Caller{Subject: "Cora", Role: broker.RoleCoordinator, Schools: []string{south}}
	listed := data[struct{ Agreements []agreementAnswer }](t, d.must(d.SchoolAgreements(t.Context(), holder, south)))
	var ids []string
	for _, a := range listed.Agreements {
		ids = append(ids, a.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"both", "only-south"}) {
		t.Errorf("the coordinator of South sees %v", ids)
	}
	_, foreign := d.SchoolAgreements(t.Context(), holder, north)
	_, absent := d.SchoolAgreements(t.Context(), holder, "West")
	sameRefusal(t, foreign, absent)
}

func TestAPartnerListsItsOwnAgreementsOnly(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.partner("club")
	d.partner("other")
	d.offer(terms("club", "one"))
	d.offer(terms("other", "two"))
	count := func(c broker.Caller) int {
		return len(data[struct{ Agreements []agreementAnswer }](t, d.must(d.Agreements(t.Context(), c))).Agreements)
	}
	if got := []int{count(partnerOf("club")), count(partnerOf("other")), count(officer), count(auditor)}; !slices.Equal(got, []int{1, 1, 2, 2}) {
		t.Errorf("club, other, officer and auditor see %v agreements", got)
	}
}
