package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// form is a mother's yes as a partner collected it.
func form(agreement string, p pupil) broker.ConsentRequest {
	r := consentTo(agreement, p)
	r.Student = broker.StudentRef{ParticipantRef: p.ref()}
	r.Signer = broker.SignerRef{Name: "Mo Somebody"}
	r.Method = consent.PartnerForm
	return r
}

// stranger is a child whom no school of the town knows.
var stranger = pupil{"990001", "Solveig", "Stranger", "2011-01-01", north}

func TestAFormsAnswerIsTheSameWhoeverTheChildIs(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben, stranger)
	d.consent(consentTo("club", ben))
	var shapes []string
	for _, p := range []pupil{ann, ben, stranger} {
		a := d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", p)))
		if !a.Created() {
			t.Error("the answer does not say that it made something")
		}
		proof := d.verified(a.Body())
		if proof.Leaf.Subjects != 0 || proof.Header.Event != tlog.ConsentPending {
			t.Errorf("the receipt says %+v of %d subjects", proof.Header, proof.Leaf.Subjects)
		}
		body := data[map[string]any](t, a)
		if body["status"] != "pending" || body["participant_ref"] != p.ref() {
			t.Errorf("the answer is %v", body)
		}
		body["id"], body["participant_ref"] = "", ""
		shapes = append(shapes, canonical(t, body))
	}
	if shapes[0] != shapes[1] || shapes[0] != shapes[2] {
		t.Errorf("the answers tell the children apart:\n%s\n%s\n%s", shapes[0], shapes[1], shapes[2])
	}
}

func TestAFormOpensNothingBeforeTheDistrictConfirmsIt(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	if rows := d.clubRows(); len(rows) != 0 {
		t.Fatalf("a pending form opened %d rows", len(rows))
	}
	a := d.must(d.ConfirmConsent(t.Context(), officer, made.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ann.mother()}}))
	if p := d.verified(a.Body()); p.Header.Event != tlog.ConsentConfirmed || a.Created() {
		t.Errorf("confirmed with %s", p.Header.Event)
	}
	if got := data[grantAnswer](t, a); got.ID != made.ID || got.Status != "in_force" {
		t.Errorf("confirmed %+v", got)
	}
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("a confirmed form opened %d rows", len(rows))
	}
}

func TestAFormIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	signer := broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ann.mother()}}
	d.done(d.ConfirmConsent(t.Context(), officer, made.ID, signer))
	a, err := d.ConfirmConsent(t.Context(), officer, made.ID, signer)
	refused(t, a, err, broker.Conflict)
	a, err = d.ConfirmConsent(t.Context(), officer, "cns_absent", signer)
	refused(t, a, err, broker.NotAvailable)
}

func TestAFormIsConfirmedOnlyForAPersonOnTheChildsFile(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben, stranger)
	made := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ben))))
	for _, s := range []broker.SignerRef{{}, {GuardianID: ann.mother()}, {GuardianID: "grandmother"}, self} {
		a, err := d.ConfirmConsent(t.Context(), officer, made.ID, broker.ConfirmRequest{Signer: s})
		if err == nil {
			t.Fatalf("confirmed for %+v: %s", s, a.Body())
		}
		if broker.KindOf(err) != broker.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
	unknown := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", stranger))))
	a, err := d.ConfirmConsent(t.Context(), officer, unknown.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ben.mother()}})
	refused(t, a, err, broker.NotAvailable)
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows opened", len(rows))
	}
	found := broker.ConfirmRequest{Student: broker.StudentRef{StudentID: ben.id}, Signer: broker.SignerRef{GuardianID: ben.mother()}}
	d.done(d.ConfirmConsent(t.Context(), officer, unknown.ID, found))
}

func TestTheQueueHoldsTheFormsThatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	one := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	two := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ben))))
	queue := func() (ids []string) {
		list := data[struct{ Consents []grantAnswer }](t, d.must(d.Consents(t.Context(), officer)))
		for _, g := range list.Consents {
			if g.Status != "pending" || g.SignerName != "Mo Somebody" || g.Ref == "" {
				t.Errorf("the queue shows %+v", g)
			}
			ids = append(ids, g.ID)
		}
		return slices.Sorted(slices.Values(ids))
	}
	if want := slices.Sorted(slices.Values([]string{one.ID, two.ID})); !slices.Equal(queue(), want) {
		t.Errorf("the queue is %v, want %v", queue(), want)
	}
	shown := data[grantAnswer](t, d.must(d.Consent(t.Context(), officer, two.ID)))
	if shown.Status != "pending" || shown.Ref != ben.ref() {
		t.Errorf("the form reads %+v", shown)
	}
	d.done(d.ConfirmConsent(t.Context(), officer, one.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ann.mother()}}))
	if got := queue(); !slices.Equal(got, []string{two.ID}) {
		t.Errorf("the queue is %v after one was confirmed", got)
	}
}

func TestWhatIsPlainlyNoFormIsRefusedByField(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	for _, c := range []struct {
		field string
		spoil func(*broker.ConsentRequest)
	}{
		{"student", func(r *broker.ConsentRequest) { r.Student = broker.StudentRef{StudentID: ann.id} }},
		{"student", func(r *broker.ConsentRequest) { r.Student.StudentID = ann.id }},
		{"student.participant_ref", func(r *broker.ConsentRequest) { r.Student.ParticipantRef = ben.ref() }},
		{"signer", func(r *broker.ConsentRequest) { r.Signer = broker.SignerRef{GuardianID: ann.mother()} }},
		{"answer", func(r *broker.ConsentRequest) { r.Answer = "maybe" }},
		{"categories", func(r *broker.ConsentRequest) { r.Categories = nil }},
		{"categories", func(r *broker.ConsentRequest) { r.Categories = []consent.Category{"everything"} }},
		{"signed_at", func(r *broker.ConsentRequest) { r.SignedAt = time.Time{} }},
		{"evidence", func(r *broker.ConsentRequest) { r.Evidence = consent.Evidence{} }},
	} {
		r := form("club", ann)
		c.spoil(&r)
		a, err := d.CreateConsent(t.Context(), partnerOf("club"), r)
		refused(t, a, err, broker.Invalid, c.field)
	}
}

// A form that says no closes what the same person opened: when it is
// acknowledged, no answer with the child is being written any more.
func TestAConfirmedNoWaitsForAnswersOnTheirWay(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent, func(o *broker.Options) { o.BarrierLimit = time.Nanosecond })
	d.load(townFiles().write(t), ingest.Options{})
	d.club(ann)
	d.consent(consentTo("club", ann))
	r := form("club", ann)
	r.Answer, r.SignedAt = consent.No, inLent
	made := data[grantAnswer](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), r)))

	onItsWay := d.must(d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"}))
	writing, cut, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go onItsWay.Deliver(func(...[]byte) error {
		close(writing)
		<-cut
		close(ended)
		return broker.ErrCut
	}, func() { close(cut) })
	<-writing
	d.done(d.ConfirmConsent(t.Context(), officer, made.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: ann.mother()}}))
	select {
	case <-ended:
	default:
		t.Error("an answer with the child was still being written when the no was acknowledged")
		close(cut)
		<-ended
	}
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("%d rows after the no", len(rows))
	}
}

func TestARefusedFormWaitsNoMore(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	made := data[struct{ ID string }](t, d.must(d.CreateConsent(t.Context(), partnerOf("club"), form("club", ann))))
	d.done(d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "nobody knows this signature"}))
	waiting := data[struct{ Consents []any }](t, d.must(d.Consents(t.Context(), officer)))
	if len(waiting.Consents) != 0 {
		t.Errorf("%d forms wait", len(waiting.Consents))
	}
	a, err := d.ConfirmConsent(t.Context(), officer, made.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: "nobody"}})
	refused(t, a, err, broker.Conflict)
	a, err = d.InvalidateConsent(t.Context(), officer, made.ID, broker.ReviewRequest{Reason: "again"})
	refused(t, a, err, broker.Conflict)
}

func TestAnOfficerReadsAFormBesideThePeopleOnTheChildsFile(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, stranger)
	for _, p := range []pupil{ann, stranger} {
		f := form("club", p)
		f.Signer.Name = "ALMGREN,  mo"
		d.done(d.CreateConsent(t.Context(), partnerOf("club"), f))
	}
	type candidate struct {
		GuardianID  string `json:"guardian_id"`
		Self        bool   `json:"self"`
		HoldsRights bool   `json:"holds_rights"`
		SameName    bool   `json:"same_name"`
	}
	waiting := data[struct {
		Consents []struct {
			Ref        string             `json:"participant_ref"`
			Student    *broker.StudentRef `json:"student"`
			Candidates []candidate        `json:"candidates"`
		} `json:"consents"`
	}](t, d.must(d.Consents(t.Context(), officer))).Consents
	if len(waiting) != 2 {
		t.Fatalf("%d forms wait", len(waiting))
	}
	for _, w := range waiting {
		if w.Ref == stranger.ref() {
			if w.Student != nil || len(w.Candidates) != 0 {
				t.Errorf("a child whom nobody knows has %v, %v", w.Student, w.Candidates)
			}
			continue
		}
		want := []candidate{{Self: true}, {GuardianID: ann.father(), HoldsRights: true}, {GuardianID: ann.mother(), HoldsRights: true, SameName: true}, {GuardianID: "caseworker"}}
		if w.Student == nil || w.Student.StudentID != ann.id || !slices.Equal(w.Candidates, want) {
			t.Errorf("beside the form stand %v, %+v", w.Student, w.Candidates)
		}
	}
}
