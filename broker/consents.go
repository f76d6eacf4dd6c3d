package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// Signers as grants name them: a guardian by the district's number, or the
// student.
const (
	signerGuardian = "guardian:"
	signerSelf     = "student"
)

// grantKey is where a grant lies.
type grantKey struct {
	sid     records.SID
	ordinal uint32
}

func (k grantKey) bytes() []byte { return key(k.sid[:], k.ordinal) }

func (k grantKey) aad() []byte { return append([]byte("consents|"), k.bytes()...) }

// CreateConsent enters one person's answer (officer: in force; guardian: her
// own, in force; partner: pending).
func (b *Broker) CreateConsent(ctx context.Context, c Caller, req ConsentRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "enter a consent", RoleOfficer, RoleGuardian, RolePartner); err != nil {
		return nil, err
	}
	if c.is(RolePartner) {
		return b.createForm(ctx, c, req)
	}
	id, err := newID("cns", "")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.ConsentGranted, lane: store.LaneOfficer, caller: c, request: req}
	return b.enterBehindBarrier(ctx, a, req, func(tx store.Tx, m moment) (outcome, error) {
		return b.enterConsent(tx, m, c, id, req)
	})
}

// enterBehindBarrier enters an answer; one that is no yes may close rows that
// are open, so it waits as a withdrawal does.
func (b *Broker) enterBehindBarrier(ctx context.Context, a act, req ConsentRequest, enter func(store.Tx, moment) (outcome, error)) (*Answer, error) {
	if req.Answer == consent.Yes {
		return b.perform(ctx, a, enter)
	}
	a.lane = store.LaneWithdrawal
	var sid records.SID
	if err := b.store.View(ctx, func(r store.Reader) (err error) {
		sid, err = b.student(r, a.caller, req.Agreement, req.Student)
		return err
	}); err != nil {
		return nil, storeError(err)
	}
	change := func() (*Answer, error) { return b.perform(ctx, a, enter) }
	return b.behindBarrier(sid, change, func() []string { return b.agreementsOf(ctx, req.Agreement) })
}

// behindBarrier makes a change after which a student may be in no answer:
// deny in memory, commit, wait for every answer on its way, acknowledge. A
// commit that failed leaves the student denied.
func (b *Broker) behindBarrier(sid records.SID, change func() (*Answer, error), affected func() []string) (*Answer, error) {
	b.flights.deny(sid)
	ans, err := change()
	if err != nil {
		if b.store.Failed() == nil {
			b.flights.allow(sid)
		}
		return nil, err
	}
	b.flights.barrier(affected())
	b.flights.allow(sid)
	return ans, nil
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
	g, err := req.grant(id, rec, c, profile, m)
	if err != nil {
		return outcome{}, err
	}
	if err := b.checkGrant(g, rec, profile); err != nil {
		return outcome{}, err
	}
	return b.acceptGrant(tx, g, rec, profile)
}

// grant is the answer in the words of the law: party and purpose are the
// agreement's, the capacity is the student file's.
func (r ConsentRequest) grant(id string, rec agreementRecord, c Caller, p records.Profile, m moment) (consent.Grant, error) {
	signer, capacity, err := signerOf(c, p, r.Signer)
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

// checkGrant refuses what no law or agreement lets a family sign.
func (b *Broker) checkGrant(g consent.Grant, rec agreementRecord, p records.Profile) error {
	if err := g.Validate(); err != nil {
		return fieldErrors(err)
	}
	for _, category := range g.Categories {
		if !slices.Contains(rec.Agreement.Clauses.Categories, category) {
			return invalidField("categories", "names a category that is not in the agreement's schedule of data", "choose among the agreement's categories")
		}
	}
	signed := civil.Of(g.SignedAt, b.zone)
	eligible := b.lawOf(p).Eligible(signed)
	if eligible != (g.Capacity == consent.EligibleStudent) {
		return invalidField("signer", "did not hold the student's rights on the day of signing", "ask the person who holds them: at 18 that is the student")
	}
	if !eligible && !slices.ContainsFunc(p.Guardians, func(gd records.Guardian) bool {
		return signerGuardian+gd.ID == g.Signer && gd.HoldsRights
	}) {
		return invalidField("signer", "does not hold the student's rights", "an officer records who holds them first")
	}
	return nil
}

// acceptGrant puts a grant in force: decides the holds, once, from the sets
// behind what is published; writes the grant; moves the consent revision of
// every agreement of the party.
func (b *Broker) acceptGrant(tx store.Tx, g consent.Grant, rec agreementRecord, p records.Profile) (outcome, error) {
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
	if err := b.moveConsent(tx, g.Party); err != nil {
		return outcome{}, err
	}
	out := outcome{
		data: consentView(g, rec.Agreement.ID), created: true, key: studentKey(p.SID),
		subjects: []records.SID{p.SID}, body: g, agreement: rec.Agreement,
	}
	if len(held) > 0 {
		out.event = tlog.ConsentHeld
	}
	return out, nil
}

// grantView is what a family or an officer reads of a grant.
type grantView struct {
	ID          string             `json:"id"`
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
		v.Held = append(v.Held, heldView{h.Family, h.Period, h.From, h.To, h.Override != "", heldMeaning})
	}
	return v
}

// WithdrawConsent ends a grant from now on (officer, the family). It returns
// only when no later byte can hold the student under it.
func (b *Broker) WithdrawConsent(ctx context.Context, c Caller, id string, req WithdrawRequest) (*Answer, error) {
	a := act{event: tlog.ConsentWithdrawn, lane: store.LaneWithdrawal, caller: c, request: req}
	return b.endGrant(ctx, a, id, func(g *consent.Grant, p records.Profile, m moment) error {
		by, _, err := signerOf(c, p, req.By)
		if err != nil {
			return err
		}
		if g.Withdrawn != nil || g.Answer != consent.Yes {
			return conflict("this consent is not in force: it was withdrawn, or was no yes")
		}
		g.Withdrawn = &consent.Act{By: by, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return nil
	})
}

// InvalidateConsent records that an answer never was valid (officer).
func (b *Broker) InvalidateConsent(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "invalidate a consent", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say why the answer never was valid")
	}
	a := act{event: tlog.ConsentInvalidated, lane: store.LaneWithdrawal, caller: c, request: req}
	return b.endGrant(ctx, a, id, func(g *consent.Grant, _ records.Profile, m moment) error {
		if g.Invalidated != nil {
			return conflict("this consent is invalidated already")
		}
		g.Invalidated = &consent.Act{By: string(c.Role), At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return nil
	})
}

// endGrant changes a grant so that it opens nothing any more, behind the
// barrier.
func (b *Broker) endGrant(ctx context.Context, a act, id string, end func(*consent.Grant, records.Profile, moment) error) (*Answer, error) {
	if err := b.admit(ctx, a.caller, "end a consent", RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	at, err := b.findGrant(ctx, a.caller, id)
	if err != nil {
		return nil, err
	}
	var party string
	change := func() (*Answer, error) {
		return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			g, err := b.getGrant(tx, at)
			if err != nil {
				return outcome{}, err
			}
			p, err := b.profile(tx, at.sid)
			if err != nil {
				return outcome{}, err
			}
			if err := end(&g, p, m); err != nil {
				return outcome{}, err
			}
			party = g.Party
			return b.changedGrant(tx, at, g)
		})
	}
	return b.behindBarrier(at.sid, change, func() []string { return b.agreementsOfParty(ctx, party) })
}

// changedGrant writes a grant back, with the outcome that says so.
func (b *Broker) changedGrant(tx store.Tx, at grantKey, g consent.Grant) (outcome, error) {
	out := outcome{data: consentView(g, ""), key: studentKey(at.sid), subjects: []records.SID{at.sid}, body: g}
	if err := b.putGrant(tx, at, g); err != nil {
		return outcome{}, err
	}
	return out, b.moveConsent(tx, g.Party)
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
		return nil, err
	}
	a := act{event: tlog.ConsentOpened, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		g, err := b.getGrant(tx, at)
		if err != nil {
			return outcome{}, err
		}
		if len(g.Held) == 0 {
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
	return b.read(ctx, func(r store.Reader, _ moment) (any, error) {
		if c.is(RoleOfficer) {
			waiting, err := b.waitingForms(r)
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
	for _, sid := range family {
		grants, err := b.grants(r, sid)
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			if g.Signer == signerGuardian+c.Subject || g.Signer == signerSelf {
				list = append(list, consentView(g, ""))
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
		return b.read(ctx, func(r store.Reader, _ moment) (any, error) {
			f, err := b.getForm(r, id)
			return f.view(), err
		})
	}
	if err != nil {
		return nil, err
	}
	return b.read(ctx, func(r store.Reader, _ moment) (any, error) {
		g, err := b.getGrant(r, at)
		return consentView(g, ""), err
	})
}

// findGrant locates a grant that the caller may touch: an officer any, a
// guardian the ones she signed.
func (b *Broker) findGrant(ctx context.Context, c Caller, id string) (at grantKey, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		raw, err := r.Get(colConsentIDs, key(id))
		if err != nil || len(raw) != 20 {
			return orNotAvailable(err)
		}
		at = grantKey{records.SID(raw[:16]), binary.BigEndian.Uint32(raw[16:])}
		if c.is(RoleOfficer) {
			return nil
		}
		g, err := b.getGrant(r, at)
		if err != nil {
			return err
		}
		family, err := b.family(r, c)
		if err != nil {
			return err
		}
		if !slices.Contains(family, at.sid) || g.Signer != signerGuardian+c.Subject && g.Signer != signerSelf {
			return notAvailable()
		}
		return nil
	})
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Kind == NotAvailable && c.is(RoleGuardian) {
			return at, b.refuseAccess(ctx, c, "touch a consent")
		}
		return at, storeError(err)
	}
	return at, nil
}

func (b *Broker) getGrant(r store.Reader, at grantKey) (g consent.Grant, err error) {
	box, err := r.Get(colConsents, at.bytes())
	if err != nil || box == nil {
		return g, orNotAvailable(err)
	}
	plain, err := b.vault.Open(studentKey(at.sid), at.aad(), box)
	if err != nil {
		return g, err
	}
	return g, json.Unmarshal(plain, &g)
}

func (b *Broker) putGrant(tx store.Tx, at grantKey, g consent.Grant) error {
	plain, err := json.Marshal(g)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(studentKey(at.sid), at.aad(), plain)
	if err != nil {
		return err
	}
	return tx.Put(colConsents, at.bytes(), box)
}

// grants returns every answer about a student, in the order of entry.
func (b *Broker) grants(r store.Reader, sid records.SID) (list []consent.Grant, err error) {
	err = r.Scan(colConsents, store.Range{Prefix: sid[:]}, func(k, _ []byte) (bool, error) {
		g, err := b.getGrant(r, grantKey{sid, binary.BigEndian.Uint32(k[16:])})
		list = append(list, g)
		return true, err
	})
	return list, err
}

func (b *Broker) nextGrant(r store.Reader, sid records.SID) (at grantKey, err error) {
	at.sid = sid
	err = r.Scan(colConsents, store.Range{Prefix: sid[:], Reverse: true, Limit: 1}, func(k, _ []byte) (bool, error) {
		at.ordinal = binary.BigEndian.Uint32(k[16:]) + 1
		return false, nil
	})
	return at, err
}

// moveConsent bumps the consent revision of every agreement of a party, so
// that answers computed before are computed anew.
func (b *Broker) moveConsent(tx store.Tx, party string) error {
	p, _, err := partners.get(tx, key(party))
	if err != nil {
		return err
	}
	for _, id := range p.Agreements {
		if err := bump(tx, colConsentRev, key(id)); err != nil {
			return err
		}
	}
	return bump(tx, colHead, key(headConsent))
}

// agreementsOfParty lists a party's agreements for the barrier. It reads
// with a context of its own: a family that hung up is still waited for.
func (b *Broker) agreementsOfParty(ctx context.Context, party string) (ids []string) {
	err := b.store.View(context.WithoutCancel(ctx), func(r store.Reader) error {
		p, _, err := partners.get(r, key(party))
		ids = p.Agreements
		return err
	})
	if err != nil {
		b.alarm("barrier", err)
	}
	return ids
}

// agreementsOf lists the agreements of the party to an agreement.
func (b *Broker) agreementsOf(ctx context.Context, id string) []string {
	var party string
	err := b.store.View(context.WithoutCancel(ctx), func(r store.Reader) error {
		rec, _, err := agreements.get(r, key(id))
		party = rec.Agreement.Partner
		return err
	})
	if err != nil {
		b.alarm("barrier", err)
	}
	return b.agreementsOfParty(ctx, party)
}

// signerOf finds who answered among the people on the student's file. The
// capacity is the file's word, not the request's.
func signerOf(c Caller, p records.Profile, ref SignerRef) (string, consent.Capacity, error) {
	if c.is(RoleGuardian) {
		if c.Subject == p.Person.StudentID {
			return signerSelf, consent.EligibleStudent, nil
		}
		ref = SignerRef{GuardianID: c.Subject}
	}
	if ref.Self == (ref.GuardianID != "") {
		return "", "", invalidField("signer", "must name one person", "give guardian_id, or self for the student")
	}
	if ref.Self {
		return signerSelf, consent.EligibleStudent, nil
	}
	for _, g := range p.Guardians {
		if g.ID == ref.GuardianID {
			return signerGuardian + g.ID, consent.Capacity(g.Capacity), nil
		}
	}
	return "", "", invalidField("signer", "is not on the student's file", "load the guardian with the next import, then enter the answer")
}

// lawOf is what the law of consent has to know of a student.
func (b *Broker) lawOf(p records.Profile) consent.Student {
	s := consent.Student{Birth: p.Birth}
	for _, g := range p.Guardians {
		s.Holders = append(s.Holders, consent.Holder{
			Signer: signerGuardian + g.ID, Capacity: consent.Capacity(g.Capacity), HoldsRights: g.HoldsRights,
		})
	}
	s.Holders = append(s.Holders, consent.Holder{Signer: signerSelf, Capacity: consent.EligibleStudent, HoldsRights: true})
	return s
}
