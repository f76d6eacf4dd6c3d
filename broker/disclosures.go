package broker

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// What became of a request, for the child it was about.
type sightOutcome string

const (
	sightShown   sightOutcome = "shown"   // the child's records were sent
	sightCounted sightOutcome = "counted" // the child was one of a few whose families said yes, in a group's figures
	sightNothing sightOutcome = "nothing" // records of the roster were sent, and none of this child's
	sightRefused sightOutcome = "refused" // the whole request was refused, or could not be answered
)

// sightView is one request about a child (34 CFR 99.32(a)): who asked, when, under
// what agreement and for what, and what was sent.
type sightView struct {
	Index       uint64             `json:"index"` // of the entry in the district's log
	Time        time.Time          `json:"time"`
	Partner     string             `json:"partner"`
	PartnerName string             `json:"partner_name"`
	Person      string             `json:"person,omitzero"` // who asked; for the district's people
	Agreement   string             `json:"agreement"`
	Purpose     consent.Purpose    `json:"purpose"`
	Basis       agreement.Basis    `json:"basis"`
	Interest    string             `json:"interest,omitzero"`  // the party's legitimate interest, in the words both signed (34 CFR 99.32(a)(3)(ii))
	PassedOn    string             `json:"passed_on,omitzero"` // to whom the party may pass records on (34 CFR 99.32(b)(1))
	Outcome     sightOutcome       `json:"outcome"`
	Categories  []consent.Category `json:"categories,omitzero"` // that were asked for or, where some were sent, that were sent
	Reasons     []policy.Reason    `json:"reasons,omitzero"`
	Copy        bool               `json:"copy"` // a copy of what was sent can be asked for
}

// figuresView is an agreement under which figures of groups were published that may
// count the child.
type figuresView struct {
	Agreement   string `json:"agreement"`
	Partner     string `json:"partner"`
	PartnerName string `json:"partner_name"`
}

// figuresMeaning explains them once.
const figuresMeaning = "These organizations may read numbers about groups of students. They are made so that no single student can be told from them; your child may be one of many who were counted."

// maxSights bounds a page of requests, and maxLooked how many entries of an agreement
// it looks at.
const (
	maxSights = 100
	maxLooked = 20_000
)

// Disclosures lists who asked for a child's records, allowed or refused, newest first
// (the family; officer). What an officer reads is recorded.
func (b *Broker) Disclosures(ctx context.Context, c Caller, req DisclosuresRequest) (*Answer, error) {
	const operation = "read who saw a student's records"
	if err := b.admit(ctx, c, operation, RoleGuardian, RoleOfficer); err != nil {
		return nil, err
	}
	before := cmp.Or(req.Before, math.MaxUint64)
	if !c.is(RoleOfficer) {
		return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
			l, err := b.look(r, m, c, req.Student)
			if err != nil {
				return nil, err
			}
			return l.all(before)
		})
	}
	a := act{event: tlog.OfficerViewedLog, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		l, err := b.look(tx, m, c, req.Student)
		if err != nil {
			return outcome{}, err
		}
		data, err := l.all(before)
		return outcome{data: data, key: studentKey(l.names[0]), subjects: l.names[:1]}, err
	})
}

// look is what is needed to find the requests about one child.
type look struct {
	b      *Broker
	r      store.Reader
	caller Caller
	names  []records.SID // the child's, newest first
	under  []rostered
	held   bool // names of organizations are held back from the caller
}

// look refuses a guardian who does not hold the child's rights today.
func (b *Broker) look(r store.Reader, m moment, c Caller, of StudentRef) (*look, error) {
	sid, err := b.student(r, c, "", of)
	if err != nil {
		return nil, err
	}
	held := false
	if c.is(RoleGuardian) {
		if held, err = b.inspects(r, m, c, sid); err != nil {
			return nil, err
		}
	}
	former, _, err := formerNames.get(r, sid[:])
	if err != nil {
		return nil, err
	}
	l := &look{b: b, r: r, caller: c, names: append([]records.SID{sid}, former...), held: held}
	l.under, err = rosteredUnder(r, l.names)
	return l, err
}

// inspects refuses whoever may not inspect a student's records now (34 CFR 99.4,
// 99.5): to them there is nothing. held says that the family is protected from the
// caller, so that what tells where the child can be found is held back.
func (b *Broker) inspects(r store.Reader, m moment, c Caller, sid records.SID) (held bool, err error) {
	p, err := b.profile(r, sid)
	if err != nil {
		return false, err
	}
	law, err := b.lawNow(r, p, m)
	if err != nil {
		return false, err
	}
	signer := c.signer()
	if signer != signerSelf {
		link, err := b.link(r, c, p)
		if err != nil {
			return false, err
		}
		signer = signerGuardian + link
	}
	if _, holds := law.CapacityOf(signer, consent.Moment{At: m.now, Known: m.now, Zone: b.zone}); !holds {
		return false, notAvailable()
	}
	recorded, err := b.rightsOf(r, sid)
	return recorded.protected(m.now).from(signer) && !b.sabotage.NamesTold, err
}

// sightsView is the page of a child.
type sightsView struct {
	Requests []sightView   `json:"requests"`
	Next     uint64        `json:"next,omitzero"` // before this entry there may be more
	Figures  []figuresView `json:"figures"`
	Meaning  string        `json:"figures_meaning"`
	Held     bool          `json:"names_held,omitzero"` // organizations are not named: call the district
}

// all finds the newest requests about the child before an entry.
func (l *look) all(before uint64) (view sightsView, err error) {
	view = sightsView{Requests: []sightView{}, Figures: []figuresView{}, Meaning: figuresMeaning, Held: l.held}
	for _, at := range l.under {
		u, err := l.agreement(at)
		if err != nil {
			return view, err
		}
		if err := eachAsked(l.r, at.agreement, before, u.next); err != nil {
			return view, err
		}
		view.Requests = append(view.Requests, u.found...)
		view.Next = max(view.Next, u.stopped)
		published, _, err := l.b.memo.released.get(l.r, key(at.agreement))
		if err != nil {
			return view, err
		}
		if len(published) > 0 && !l.held {
			view.Figures = append(view.Figures, figuresView{at.agreement, u.rec.Agreement.Partner, u.partner.Partner.Name})
		}
	}
	view.cut()
	return view, nil
}

// cut leaves the newest, and none that is older than where the search of any
// agreement stopped: the next page finds those.
func (v *sightsView) cut() {
	slices.SortFunc(v.Requests, func(a, b sightView) int { return cmp.Compare(b.Index, a.Index) })
	v.Requests = slices.DeleteFunc(v.Requests, func(s sightView) bool { return s.Index < v.Next })
	if len(v.Requests) > maxSights {
		v.Requests = v.Requests[:maxSights]
		v.Next = v.Requests[maxSights-1].Index
	}
}

// lookUnder looks for a child's requests under one agreement.
type lookUnder struct {
	*look
	at      rostered
	rec     agreementRecord
	partner partnerRecord

	looked  int
	found   []sightView
	stopped uint64 // before this entry there may be more; zero: there is none
}

func (l *look) agreement(at rostered) (*lookUnder, error) {
	u := &lookUnder{look: l, at: at}
	var err error
	if u.rec, _, err = agreements.get(l.r, key(at.agreement)); err != nil {
		return nil, err
	}
	u.partner, _, err = partners.get(l.r, key(u.rec.Agreement.Partner))
	return u, err
}

// next looks at one request of the agreement, newest first.
func (u *lookUnder) next(index uint64) (more bool, err error) {
	if u.looked++; u.looked > maxLooked || len(u.found) > maxSights {
		u.stopped = index + 1
		return false, nil
	}
	a, ok, err := u.open(index)
	if err != nil || !ok {
		return err == nil, err
	}
	if a.leaf.Time.Before(u.at.since) {
		return false, nil
	}
	s, ok, err := u.sight(a)
	if ok {
		u.found = append(u.found, s)
	}
	return true, err
}

// askedBody is what of an entry's private half says whom a request was about.
type askedBody struct {
	Facts struct {
		Action  string         `json:"action"`
		Version int            `json:"version"`
		Caller  policy.Caller  `json:"caller"`
		Request policy.Request `json:"request"`
	} `json:"facts"`
	Stamp struct {
		Agreement uint64 `json:"agreement"`
	} `json:"stamp"`
	Reasons []policy.Reason `json:"reasons"`
	Detail  *shown          `json:"detail"`
}

// askedEntry is an opened entry of a partner's request.
type askedEntry struct {
	leaf   tlog.Leaf
	person string
	body   askedBody
}

// open reads an entry; ok is false for one whose key was destroyed.
func (u *lookUnder) open(index uint64) (a askedEntry, ok bool, err error) {
	e, ok, err := u.b.readEntry(u.r, index)
	if err != nil || !ok {
		return a, false, err
	}
	h, err := tlog.ParseHeader(e.Header)
	if err != nil {
		return a, false, err
	}
	a = askedEntry{leaf: e.Leaf, person: h.Caller.Subject}
	return a, true, json.Unmarshal(e.Body, &a.body)
}

// sight is what an entry says of the child; ok is false where it says nothing.
func (u *lookUnder) sight(a askedEntry) (s sightView, ok bool, err error) {
	terms, on, in, err := u.standing(a.body)
	if err != nil || !on {
		return s, false, err
	}
	s = sightView{
		Index: a.leaf.Index, Time: a.leaf.Time, Partner: terms.Partner, PartnerName: u.partner.Partner.Name, Agreement: terms.ID,
		Purpose: terms.Clauses.Purpose, Basis: terms.Clauses.Basis, Interest: terms.Clauses.PurposeText, PassedOn: terms.Clauses.Redisclosure,
		Categories: a.body.Facts.Request.Categories, Reasons: a.body.Reasons,
		Outcome: outcomeOf(a.leaf.Decision, a.body.Facts.Action, in),
	}
	if u.caller.is(RoleOfficer) {
		s.Person = a.person
	}
	if s.Copy = s.Outcome == sightShown; s.Copy {
		s.Categories, err = u.sentCategories(a)
	}
	if u.held {
		s.Copy, s.Partner, s.PartnerName, s.Agreement, s.Interest, s.PassedOn = false, "", "", "", "", ""
	}
	return s, s.Outcome != "", err
}

// sentCategories are those of which the child's row held any day: a row holds what its
// own family opened, whatever was asked for and sent of others.
func (u *lookUnder) sentCategories(a askedEntry) ([]consent.Category, error) {
	row, err := u.b.sentRow(u.r, u.names, u.at.agreement, a)
	if KindOf(err) == NotAvailable { // no copy is left: what was sent is among these
		return a.body.Detail.Columns, nil
	}
	if err != nil {
		return nil, err
	}
	var sent struct {
		Spans []spanCell `json:"spans"`
	}
	if err := json.Unmarshal(row, &sent); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(consent.Categories(), func(c consent.Category) bool {
		return !slices.ContainsFunc(sent.Spans, func(s spanCell) bool { return s.Category == c })
	}), nil
}

// outcomeOf is what became of a request for one child; empty where it did not concern
// the child.
func outcomeOf(d tlog.Decision, action string, in bool) sightOutcome {
	switch {
	case d != tlog.Allow:
		return sightRefused
	case in && action == policy.ActionStudents:
		return sightShown
	case in:
		return sightCounted
	case action == policy.ActionStudents:
		return sightNothing
	}
	return ""
}

// standing tells under what terms a request was made, whether the child was on the
// roster that it was about, and whether it was among those whom the answer held one by
// one.
func (u *lookUnder) standing(body askedBody) (terms agreement.Agreement, on, in bool, err error) {
	then, found, err := agreementHistory.get(u.r, key(u.at.agreement, uint64(body.Facts.Version), body.Stamp.Agreement))
	if err != nil || !found || then.Roster == 0 {
		return terms, false, false, err
	}
	roster, err := u.b.roster(u.r, u.at.agreement, then.Roster)
	if err != nil {
		return terms, false, false, err
	}
	var held func(ordinal uint32) bool
	if body.Detail != nil {
		set, err := bitmapOf(body.Detail.Members)
		if err != nil {
			return terms, false, false, err
		}
		held = set.Contains
	}
	for _, m := range roster {
		if slices.Contains(u.names, m.sid) {
			on = true
			in = in || held != nil && held(m.ordinal)
		}
	}
	return then.Agreement, on, in, nil
}

// DisclosedCopy returns what was sent about a child in answer to a request, as it was
// sent, with the receipt that proves the request (the family, officer; 34 CFR
// 99.30(c)).
func (b *Broker) DisclosedCopy(ctx context.Context, c Caller, req CopyRequest) (*Answer, error) {
	const operation = "read a copy of what was disclosed"
	if err := b.admit(ctx, c, operation, RoleGuardian, RoleOfficer); err != nil {
		return nil, err
	}
	proof, proofErr := b.Prove(ctx, req.Index)
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		l, err := b.look(r, m, c, req.Student)
		if err != nil {
			return nil, err
		}
		if proofErr != nil {
			return nil, proofErr
		}
		if l.held {
			return nil, notAvailable()
		}
		return l.copyOf(req.Index, proof)
	})
}

// copyView is a row as it was sent, and the proof of the request.
type copyView struct {
	Sight sightView      `json:"request"`
	Row   jsontext.Value `json:"row"`
	Proof jsontext.Value `json:"proof"`
}

// copyOf finds the sent row among the agreements of the child.
func (l *look) copyOf(index uint64, proof []byte) (sent copyView, err error) {
	for _, at := range l.under {
		asked, err := l.r.Get(colAsked, key(at.agreement, index))
		if err != nil {
			return sent, err
		}
		if asked == nil {
			continue
		}
		u, err := l.agreement(at)
		if err != nil {
			return sent, err
		}
		return u.copyOf(index, proof)
	}
	return sent, notAvailable()
}

func (u *lookUnder) copyOf(index uint64, proof []byte) (sent copyView, err error) {
	a, ok, err := u.open(index)
	if err != nil || !ok {
		return sent, orNotAvailable(err)
	}
	s, ok, err := u.sight(a)
	if err != nil || !ok || !s.Copy {
		return sent, orNotAvailable(err)
	}
	row, err := u.b.sentRow(u.r, u.names, u.at.agreement, a)
	return copyView{s, row, proof}, err
}
