package broker

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// form is a family's answer as a partner collected it. It opens nothing until
// the district confirms it, and its answer to the partner does not tell
// whether the child is known.
type form struct {
	ID        string         `json:"id"`
	Agreement string         `json:"agreement"`
	By        Caller         `json:"by"`
	Request   ConsentRequest `json:"request"`
}

// storedForm is a form at rest, sealed under its agreement's key.
type storedForm struct {
	Agreement string `json:"agreement"`
	Sealed    []byte `json:"sealed"`
	Refused   bool   `json:"refused,omitzero"` // by the district: it waits no more
}

var forms = table[storedForm]{colForms}

func formAAD(id string) []byte { return append([]byte("forms|"), id...) }

// createForm takes in a form for a child of the partner's own roster.
func (b *Broker) createForm(ctx context.Context, c Caller, req ConsentRequest) (*Answer, error) {
	if err := req.checkForm(); err != nil {
		return nil, err
	}
	id, err := newID("cns", "")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.ConsentPending, lane: store.LanePartner, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		rec, err := b.workable(tx, c, req.Agreement)
		if err != nil {
			return outcome{}, err
		}
		roster, err := b.roster(tx, req.Agreement, rec.Roster)
		if err != nil {
			return outcome{}, err
		}
		if !slices.ContainsFunc(roster, func(m member) bool { return m.Ref == req.Student.ParticipantRef }) {
			return outcome{}, invalidField("student.participant_ref", "is not on your roster", "upload the roster first, or correct the reference")
		}
		if err := b.putForm(tx, form{id, req.Agreement, c, req}); err != nil {
			return outcome{}, err
		}
		data := form{id, req.Agreement, c, req}.view()
		return outcome{data: data, created: true, key: agreementKey(req.Agreement), agreement: rec.Agreement}, nil
	})
}

// formView is what the partner that sent a form and the officer who has to
// confirm it read of it.
type formView struct {
	grantView
	Ref      string           `json:"participant_ref"`
	Signer   string           `json:"signer_name"`
	Evidence consent.Evidence `json:"evidence"`
}

func (f form) view() formView {
	r := f.Request
	return formView{
		grantView: grantView{
			ID: f.ID, Agreement: f.Agreement, Party: f.By.Partner, Status: consent.Pending, Answer: r.Answer, Categories: r.Categories,
			RecordsFrom: r.RecordsFrom, RecordsTo: r.RecordsTo, Expires: r.Expires, SignedAt: r.SignedAt,
		},
		Ref: r.Student.ParticipantRef, Signer: r.Signer.Name, Evidence: r.Evidence,
	}
}

// waitingForm is what an officer reads of a form that waits: beside it who may have
// signed it.
type waitingForm struct {
	formView
	Student    *StudentRef     `json:"student,omitzero"` // whom the roster's reference means; none where it was not found
	Candidates []formCandidate `json:"candidates"`
}

// formCandidate is a person on the child's file.
type formCandidate struct {
	SignerRef
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	SameName    bool             `json:"same_name"` // as the one on the form, but for case, accents and signs
}

// beside adds the people on the file of the child whom a form's reference means.
func (b *Broker) beside(r store.Reader, m moment, f form) (waitingForm, error) {
	w := waitingForm{formView: f.view(), Candidates: []formCandidate{}}
	sids, err := b.named(r, f.Agreement, f.Request.Student)
	if err != nil || len(sids) != 1 {
		return w, err
	}
	p, err := b.profile(r, sids[0])
	if KindOf(err) == NotAvailable {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	law, err := b.lawNow(r, p, m)
	if err != nil {
		return w, err
	}
	w.Student = &StudentRef{StudentID: p.Person.StudentID}
	at := consent.Moment{At: f.Request.SignedAt, Known: m.now, Zone: b.zone}
	add := func(signer, given, family string) {
		capacity, holds := law.CapacityOf(signer, at)
		ref := signerRef(signer)
		ref.Name = fullName(given, family)
		w.Candidates = append(w.Candidates, formCandidate{ref, capacity, holds, records.SameName(f.Request.Signer.Name, given, family)})
	}
	add(signerSelf, p.Person.Given, p.Person.Family)
	for _, g := range p.Guardians {
		add(signerGuardian+g.ID, g.Given, g.Family)
	}
	return w, nil
}

// waitingForms lists the forms that nobody confirmed yet.
func (b *Broker) waitingForms(r store.Reader, m moment) ([]waitingForm, error) {
	list := []waitingForm{}
	err := forms.all(r, nil, func(k []byte, s storedForm) error {
		done, err := r.Get(colConsentIDs, k)
		if err != nil || done != nil || s.Refused {
			return err
		}
		f, err := b.getForm(r, string(k[:len(k)-1]))
		if err != nil {
			return err
		}
		w, err := b.beside(r, m, f)
		list = append(list, w)
		return err
	})
	return list, err
}

// checkForm refuses what is plainly no form; the law is applied when the
// district confirms it.
func (r ConsentRequest) checkForm() error {
	var fields []Field
	unless := func(ok bool, name, problem, remedy string) {
		if !ok {
			fields = append(fields, Field{name, problem, remedy})
		}
	}
	unless(r.Student.ParticipantRef != "" && r.Student.StudentID == "", "student", "must be your own reference", "give participant_ref")
	unless(r.Signer.Name != "" && r.Signer.GuardianID == "", "signer", "must be the name on the form", "give name; the district finds the person")
	unless(r.Answer.Valid(), "answer", "is missing or unknown", "use yes, no or talk")
	unless(len(r.Categories) > 0 && !slices.ContainsFunc(r.Categories, func(c consent.Category) bool { return !c.Valid() }), "categories", "are missing or unknown", "name the categories of the agreement")
	unless(!r.SignedAt.IsZero(), "signed_at", "is missing", "give the date and time on the form")
	unless(r.Evidence != consent.Evidence{}, "evidence", "is missing", "give the SHA-256 of the scan, or where the paper lies")
	if len(fields) > 0 {
		return invalid(fields...)
	}
	return nil
}

func (b *Broker) putForm(tx store.Tx, f form) error {
	plain, err := json.Marshal(f)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(agreementKey(f.Agreement), formAAD(f.ID), plain)
	if err != nil {
		return err
	}
	return forms.put(tx, key(f.ID), storedForm{Agreement: f.Agreement, Sealed: box})
}

func (b *Broker) getForm(r store.Reader, id string) (f form, err error) {
	s, found, err := forms.get(r, key(id))
	if err != nil || !found {
		return f, orNotAvailable(err)
	}
	plain, err := b.vault.Open(agreementKey(s.Agreement), formAAD(id), s.Sealed)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(plain, &f)
}

// ConfirmConsent puts a partner's form in force (officer), as the answer of
// the person whom the officer found on the student's file.
func (b *Broker) ConfirmConsent(ctx context.Context, c Caller, id string, req ConfirmRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "confirm a consent", RoleOfficer); err != nil {
		return nil, err
	}
	var f form
	if err := b.store.View(ctx, func(r store.Reader) (err error) {
		f, err = b.getForm(r, id)
		return err
	}); err != nil {
		return nil, storeError(err)
	}
	filled := f.Request
	filled.Signer, filled.Method = req.Signer, consent.PartnerForm
	if req.Student != (StudentRef{}) {
		filled.Student = req.Student
	}
	a := act{event: tlog.ConsentConfirmed, lane: store.LaneOfficer, caller: c, request: req}
	return b.enterAnswer(ctx, a, filled, func(tx store.Tx, m moment) (outcome, error) {
		if err := b.waits(tx, id); err != nil {
			return outcome{}, err
		}
		out, err := b.enterConsent(tx, m, c, id, filled)
		out.event, out.created = tlog.ConsentConfirmed, false
		return out, err
	})
}

// waits refuses a form that was confirmed or refused already.
func (b *Broker) waits(r store.Reader, id string) error {
	s, found, err := forms.get(r, key(id))
	if err != nil || !found {
		return orNotAvailable(err)
	}
	done, err := r.Get(colConsentIDs, key(id))
	if err != nil || done != nil || s.Refused {
		return orConflict(err, "this form is confirmed or refused already")
	}
	return nil
}

// refuseForm takes a form out of the queue: it was no valid answer.
func (b *Broker) refuseForm(ctx context.Context, a act, id string) (*Answer, error) {
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		if err := b.waits(tx, id); err != nil {
			return outcome{}, err
		}
		s, _, err := forms.get(tx, key(id))
		if err != nil {
			return outcome{}, err
		}
		s.Refused = true
		out := outcome{data: map[string]any{"id": id, "status": "refused"}, key: agreementKey(s.Agreement)}
		return out, forms.put(tx, key(id), s)
	})
}

// isForm reports whether an id is that of a form which nobody confirmed.
func (b *Broker) isForm(ctx context.Context, id string) (is bool, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		_, found, err := forms.get(r, key(id))
		if err != nil {
			return err
		}
		confirmed, err := r.Get(colConsentIDs, key(id))
		is = found && confirmed == nil
		return err
	})
	return is, storeError(err)
}
