package broker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// Rights shows who decides about a student's records, and by what (officer,
// auditor).
func (b *Broker) Rights(ctx context.Context, c Caller, req RightsRequest) (*Answer, error) {
	const operation = "read who decides for a student"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		sid, err := b.student(r, c, "", req.Student)
		if err != nil {
			return nil, err
		}
		p, err := b.profile(r, sid)
		if err != nil {
			return nil, err
		}
		recorded, err := b.rightsOf(r, sid)
		if err != nil {
			return nil, err
		}
		who, err := b.persons(r)
		if err != nil {
			return nil, err
		}
		v := b.viewRights(b.lawOf(who, p, recorded, nil, m.now), p, recorded, m)
		if c.is(RoleOfficer) {
			v.name(p)
		}
		v.Answers, err = b.answersAbout(r, sid)
		return v, err
	})
}

// rightsView is who decides about a student's records today, and everything that
// officers recorded of it.
type rightsView struct {
	Student       studentView         `json:"student"`
	Eligible      bool                `json:"eligible"` // the rights are the student's own
	Majority      civil.Date          `json:"majority,omitzero"`
	Deciders      []deciderView       `json:"deciders"`
	Holders       []holderView        `json:"recorded_holders"`
	Restrictions  []restrictionView   `json:"restrictions"`
	Postsecondary []postsecondaryView `json:"postsecondary"`
	Protections   []protectionView    `json:"protections"`
	Answers       []answeredView      `json:"answers"` // newest first
}

// studentView names a student; the name is for officers.
type studentView struct {
	StudentID string `json:"student_id"`
	Name      string `json:"name,omitzero"`
}

// answeredView is an answer about a student, with who gave it and how.
type answeredView struct {
	grantView
	Signer   SignerRef        `json:"signer"`
	Capacity consent.Capacity `json:"capacity"`
	Method   consent.Method   `json:"method"`
	Entered  time.Time        `json:"entered_at"`
}

// answersAbout lists everything that was answered about a student.
func (b *Broker) answersAbout(r store.Reader, sid records.SID) ([]answeredView, error) {
	grants, err := b.grants(r, sid)
	list := []answeredView{}
	for _, g := range grants {
		list = append(list, answeredView{consentView(g, ""), signerRef(g.Signer), g.Capacity, g.Method, g.EnteredAt})
	}
	slices.SortStableFunc(list, func(a, b answeredView) int { return b.SignedAt.Compare(a.SignedAt) })
	return list, err
}

// name adds the names of the people on the student's file.
func (v *rightsView) name(p records.Profile) {
	v.Student.Name = fullName(p.Person.Given, p.Person.Family)
	for i, d := range v.Deciders {
		v.Deciders[i].Name = nameOnFile(p, d.SignerRef)
	}
}

// nameOnFile is the name of the student or of one of the guardians.
func nameOnFile(p records.Profile, ref SignerRef) string {
	for _, g := range p.Guardians {
		if g.ID == ref.GuardianID {
			return fullName(g.Given, g.Family)
		}
	}
	return fullName(p.Person.Given, p.Person.Family)
}

func fullName(given, family string) string { return strings.TrimSpace(given + " " + family) }

// deciderView is one person of the file and what their answer is worth today.
type deciderView struct {
	SignerRef
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	MayDecide   bool             `json:"may_decide"` // holds the rights, and no restriction keeps the answer from counting
}

type holderView struct {
	SignerRef
	Capacity    consent.Capacity `json:"capacity"`
	HoldsRights bool             `json:"holds_rights"`
	From        civil.Date       `json:"from,omitzero"`
	To          civil.Date       `json:"to,omitzero"`
	Document    string           `json:"document"`
	Reason      string           `json:"reason,omitzero"`
	EnteredAt   time.Time        `json:"entered_at"`
}

type restrictionView struct {
	ID        string                  `json:"id"`
	Kind      consent.RestrictionKind `json:"kind"`
	Signer    SignerRef               `json:"signer,omitzero"`
	From      civil.Date              `json:"from,omitzero"`
	To        civil.Date              `json:"to,omitzero"`
	Document  string                  `json:"document"`
	EnteredAt time.Time               `json:"entered_at"`
	LiftedAt  time.Time               `json:"lifted_at,omitzero"`
	Lifted    string                  `json:"lifted_because,omitzero"`
}

type postsecondaryView struct {
	From      civil.Date `json:"from,omitzero"`
	Document  string     `json:"document"`
	EnteredAt time.Time  `json:"entered_at"`
}

func (b *Broker) viewRights(law consent.Student, p records.Profile, recorded rights, m moment) rightsView {
	v := rightsView{
		Student: studentView{StudentID: p.Person.StudentID}, Eligible: law.Eligible(m.today), Deciders: []deciderView{}, Holders: []holderView{},
		Restrictions: []restrictionView{}, Postsecondary: []postsecondaryView{}, Protections: []protectionView{},
	}
	if !p.Birth.IsZero() {
		v.Majority = p.Birth.AddYears(consent.Majority)
	}
	signers := []string{signerSelf}
	for _, g := range p.Guardians {
		signers = append(signers, signerGuardian+g.ID)
	}
	at := consent.Moment{At: m.now, Known: m.now, Zone: b.zone}
	for _, signer := range signers {
		capacity, holds := law.CapacityOf(signer, at)
		v.Deciders = append(v.Deciders, deciderView{signerRef(signer), capacity, holds, holds && law.MayDecide(signer, at)})
	}
	for _, w := range recorded.Holders {
		v.Holders = append(v.Holders, viewHolder(w))
	}
	for _, w := range recorded.Restrictions {
		v.Restrictions = append(v.Restrictions, viewRestriction(w))
	}
	for _, w := range recorded.Postsecondary {
		v.Postsecondary = append(v.Postsecondary, postsecondaryView{w.From, w.Document, w.EnteredAt})
	}
	for _, w := range recorded.Protections {
		v.Protections = append(v.Protections, viewProtection(w))
	}
	return v
}

func viewHolder(w holderWord) holderView {
	return holderView{signerRef(w.Signer), w.Capacity, w.HoldsRights, w.From, w.To, w.Document, w.Reason, w.EnteredAt}
}

func viewRestriction(w restrictionWord) restrictionView {
	v := restrictionView{
		ID: w.ID, Kind: w.Kind, Signer: signerRef(w.Signer), From: w.From, To: w.To, Document: w.Document, EnteredAt: w.EnteredAt,
	}
	if w.Lifted != nil {
		v.LiftedAt, v.Lifted = w.Lifted.At, w.Lifted.Reason
	}
	return v
}

// signerRef names a signer as requests do.
func signerRef(signer string) SignerRef {
	if id, isGuardian := strings.CutPrefix(signer, signerGuardian); isGuardian {
		return SignerRef{GuardianID: id}
	}
	return SignerRef{Self: signer == signerSelf}
}
