package broker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// CreateConsent enters one person's answer (officer: in force; guardian: her
// own, in force; partner: pending).
func (b *Broker) CreateConsent(ctx context.Context, c Caller, req ConsentRequest) (*Answer, error) {
	return b.createConsent(ctx, c, req, "")
}

var errAnswered = conflict("this is answered already; a later answer is entered as one of its own")

// createConsent enters an answer, and where it is one to a question (ask) only if that
// has none: two taps at one moment are one answer.
func (b *Broker) createConsent(ctx context.Context, c Caller, req ConsentRequest, ask string) (*Answer, error) {
	if err := b.admit(ctx, c, "enter a consent", RoleOfficer, RoleGuardian, RolePartner); err != nil {
		return nil, err
	}
	if c.is(RolePartner) {
		return b.createForm(ctx, c, req)
	}
	id, err := idFor(ctx, "cns")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.ConsentGranted, lane: store.LaneOfficer, caller: c, request: req, id: id}
	return b.enterAnswer(ctx, a, req, func(tx store.Tx, m moment) (outcome, error) {
		if ask != "" {
			if _, q, err := asks.get(b, tx, ask); err != nil || q.Grant != "" {
				return outcome{}, cmp.Or(err, errAnswered)
			}
		}
		return b.enterConsent(tx, m, c, id, req)
	})
}

func (b *Broker) enterConsent(tx store.Tx, m moment, c Caller, id string, req ConsentRequest) (outcome, error) {
	rec, found, err := agreements.get(tx, key(req.Agreement))
	if err != nil || !found {
		return outcome{}, orNotAvailable(err)
	}
	sid, err := b.student(tx, c, req.Agreement, req.Student)
	if err != nil {
		return outcome{}, err
	}
	profile, err := b.profile(tx, sid)
	if err != nil {
		return outcome{}, err
	}
	link, err := b.link(tx, c, profile)
	if err != nil {
		return outcome{}, err
	}
	g, err := req.grant(id, rec, c, link, profile, m)
	if err != nil {
		return outcome{}, err
	}
	law, err := b.lawNow(tx, profile, m)
	if err != nil {
		return outcome{}, err
	}
	signed := consent.Moment{At: g.SignedAt, Known: m.now, Zone: b.zone}
	if capacity, holds := law.CapacityOf(g.Signer, signed); holds {
		g.Capacity = capacity
	}
	if err := b.checkGrant(g, rec, law, signed); err != nil {
		return outcome{}, err
	}
	out, err := b.acceptGrant(tx, m, g, rec, profile)
	if err != nil {
		return outcome{}, err
	}
	return out, b.noticeFlips(tx, m, sid, g.Signer, g.Party)
}

// grant is the answer in the words of the law: party and purpose are the
// agreement's, the capacity is the student file's.
func (r ConsentRequest) grant(id string, rec agreementRecord, c Caller, link string, p records.Profile, m moment) (consent.Grant, error) {
	signer, capacity, err := signerOf(c, link, p, r.Signer)
	if err != nil {
		return consent.Grant{}, err
	}
	g := consent.Grant{
		ID: id, Student: p.SID.String(), Party: rec.Agreement.Partner, Purpose: rec.Agreement.Clauses.Purpose,
		Categories: r.Categories, RecordsFrom: r.RecordsFrom, RecordsTo: r.RecordsTo, Expires: r.Expires,
		Signer: signer, Capacity: capacity, Answer: r.Answer,
		TextVersion: r.Text.Version, Language: r.Text.Language, TextSHA256: r.Text.SHA256,
		Method: r.Method, Evidence: r.Evidence, SignedAt: r.SignedAt.UTC(), EnteredAt: m.now, Status: consent.InForce,
	}
	if c.is(RoleGuardian) {
		g.Method, g.SignedAt = consent.Web, m.now
	}
	return g, nil
}

// longestConsent is how many years a family's yes can last.
const longestConsent = 3

// checkGrant refuses what no law or agreement lets a family sign.
func (b *Broker) checkGrant(g consent.Grant, rec agreementRecord, law consent.Student, at consent.Moment) error {
	if err := g.Validate(); err != nil {
		return fieldErrors(err)
	}
	for _, category := range g.Categories {
		if !slices.Contains(rec.Agreement.Clauses.Categories, category) {
			return invalidField("categories", "names a category that is not in the agreement's schedule of data", "choose among the agreement's categories")
		}
	}
	signed := civil.Of(g.SignedAt, b.zone)
	if g.Expires > signed.AddYears(longestConsent) {
		return invalidField("expires", "is over three years after the signature", "ask again by then: every consent ends by itself")
	}
	return mayAnswer(g.Signer, law, at)
}

// mayAnswer refuses the answer of a person who did not hold the student's rights at
// the signing, or who may not decide under a document on file.
func mayAnswer(signer string, law consent.Student, at consent.Moment) error {
	_, holds := law.CapacityOf(signer, at)
	switch {
	case !holds && (signer == signerSelf || law.Eligible(civil.Of(at.At, at.Zone))):
		return invalidField("signer", "did not hold the student's rights on the day of signing", "ask the person who holds them: at 18 that is the student")
	case !holds:
		return invalidField("signer", "does not hold the student's rights", "an officer records who holds them first")
	case !law.MayDecide(signer, at):
		return &Error{Kind: Denied, Detail: "a document on the student's file says who decides now; the district's privacy officer can say more"}
	}
	return nil
}

// acceptGrant puts a grant in force: decides the holds, once, from the sets
// behind what is published; writes the grant; moves the consent revision of
// every agreement of the party.
func (b *Broker) acceptGrant(tx store.Tx, m moment, g consent.Grant, rec agreementRecord, p records.Profile) (outcome, error) {
	held, err := b.holds(tx, &g, p)
	if err != nil {
		return outcome{}, err
	}
	g.Held = held
	at, err := b.nextGrant(tx, p.SID)
	if err != nil {
		return outcome{}, err
	}
	if err := b.putGrant(tx, at, g); err != nil {
		return outcome{}, err
	}
	if err := tx.Put(colConsentIDs, key(g.ID), at.bytes()); err != nil {
		return outcome{}, err
	}
	if err := b.answered(tx, m, g, p); err != nil {
		return outcome{}, err
	}
	moved, err := b.moveConsent(tx, g.Party, p.SID)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{
		data: consentView(g, rec.Agreement.ID), created: true, key: studentKey(p.SID),
		subjects: []records.SID{p.SID}, body: g, agreement: rec.Agreement, moved: moved,
	}
	if len(held) > 0 {
		out.event = tlog.ConsentHeld
	}
	return out, nil
}

// grantView is what a family or an officer reads of a grant.
type grantView struct {
	ID          string             `json:"id"`
	Student     *StudentRef        `json:"student,omitzero"` // in a family's own list, which may be about several children
	Agreement   string             `json:"agreement,omitzero"`
	Party       string             `json:"party"`
	Status      consent.Status     `json:"status"`
	Answer      consent.Answer     `json:"answer"`
	Categories  []consent.Category `json:"categories,omitzero"`
	RecordsFrom civil.Date         `json:"records_from,omitzero"`
	RecordsTo   civil.Date         `json:"records_to,omitzero"`
	Expires     civil.Date         `json:"expires,omitzero"`
	SignedAt    time.Time          `json:"signed_at"`
	Withdrawn   time.Time          `json:"withdrawn_at,omitzero"`
	Invalidated time.Time          `json:"invalidated_at,omitzero"`
	Held        []heldView         `json:"held,omitzero"`
}

// heldView says which records a grant does not open, and from when it does.
type heldView struct {
	Family  string     `json:"family"`
	Period  string     `json:"period"`
	From    civil.Date `json:"from"`
	To      civil.Date `json:"to"`
	Opened  bool       `json:"opened_by_officer,omitzero"`
	Meaning string     `json:"meaning"`
}

const heldMeaning = "The district has published group figures for this period. Opening these records now would let the partner work out the records of the few students whose families did not say yes. Records after the period are open."

const restMeaning = "Two files of this child were joined, and the answers in them differ. The district asks which one is meant; until then these records stay closed."

func meaningOf(h consent.Hold) string {
	if h.Period == mergedFiles {
		return restMeaning
	}
	return heldMeaning
}

func consentView(g consent.Grant, agreement string) grantView {
	v := grantView{
		ID: g.ID, Agreement: agreement, Party: g.Party, Status: g.Status, Answer: g.Answer, Categories: g.Categories,
		RecordsFrom: g.RecordsFrom, RecordsTo: g.RecordsTo, Expires: g.Expires, SignedAt: g.SignedAt,
	}
	if g.Withdrawn != nil {
		v.Withdrawn = g.Withdrawn.At
	}
	if g.Invalidated != nil {
		v.Invalidated = g.Invalidated.At
	}
	for _, h := range g.Held {
		v.Held = append(v.Held, heldView{h.Family, h.Period, h.From, h.To, h.Override != "", meaningOf(h)})
	}
	return v
}

// OverrideHold opens a held span with an officer's recorded reason.
func (b *Broker) OverrideHold(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "override a hold", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say why the last students may be exposed")
	}
	at, err := b.findGrant(ctx, c, id)
	if err != nil {
		return nil, b.turnAway(ctx, c, "override a hold", err)
	}
	a := act{event: tlog.ConsentOpened, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		g, err := b.getGrant(tx, at)
		if err != nil {
			return outcome{}, err
		}
		if !slices.ContainsFunc(g.Held, func(h consent.Hold) bool { return h.Override == "" }) {
			return outcome{}, conflict("nothing of this consent is held")
		}
		for i := range g.Held {
			g.Held[i].Override, g.Held[i].OverriddenAt = req.Reason, m.now
		}
		if err := b.knowHeld(tx, g, at.sid); err != nil {
			return outcome{}, err
		}
		return b.changedGrant(tx, at, g)
	})
}

// Consents lists the answers of the caller's own family (guardian), or the
// forms that wait for the district's confirmation (officer).
func (b *Broker) Consents(ctx context.Context, c Caller) (*Answer, error) {
	if err := b.admit(ctx, c, "list consents", RoleGuardian, RoleOfficer); err != nil {
		return nil, err
	}
	return b.read(ctx, c, "list consents", func(r store.Reader, m moment) (any, error) {
		if c.is(RoleOfficer) {
			waiting, err := b.waitingForms(r, m)
			return map[string]any{"consents": waiting}, err
		}
		own, err := b.familyGrants(r, c)
		return map[string]any{"consents": own}, err
	})
}

func (b *Broker) familyGrants(r store.Reader, c Caller) ([]grantView, error) {
	list := []grantView{}
	family, err := b.family(r, c)
	if err != nil {
		return nil, err
	}
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	signers := who.signers(c)
	for _, sid := range family {
		grants, err := b.grants(r, sid)
		if err != nil {
			return nil, err
		}
		p, err := b.profile(r, sid)
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			if slices.Contains(signers, g.Signer) {
				v := consentView(g, "")
				v.Student = &StudentRef{StudentID: p.Person.StudentID}
				list = append(list, v)
			}
		}
	}
	return list, nil
}

// Consent shows one answer (officer, the person who gave it).
func (b *Broker) Consent(ctx context.Context, c Caller, id string) (*Answer, error) {
	if err := b.admit(ctx, c, "read a consent", RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	at, err := b.findGrant(ctx, c, id)
	if KindOf(err) == NotAvailable && c.is(RoleOfficer) {
		return b.read(ctx, c, "read a consent", func(r store.Reader, _ moment) (any, error) {
			f, err := b.getForm(r, id)
			return f.view(), err
		})
	}
	if err != nil {
		return nil, b.turnAway(ctx, c, "read a consent", err)
	}
	return b.read(ctx, c, "read a consent", func(r store.Reader, _ moment) (any, error) {
		g, err := b.getGrant(r, at)
		return consentView(g, ""), err
	})
}
