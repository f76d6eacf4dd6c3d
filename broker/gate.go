package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// errMoved says that what an answer was computed from changed before the
// answer was recorded.
var errMoved = errors.New("what the answer was computed from has changed")

// errOverruled tells the operator that the rules allow more than the
// agreement does.
var errOverruled = errors.New("the rules allowed what the agreement does not; the ceiling refused it")

// attempts is how often an answer is computed before the service gives up
// on permissions that keep moving.
const attempts = 3

// stamp is everything an answer depends on. It is read in the answer's
// snapshot and again in the Update that records the answer.
type stamp struct {
	Agreement uint64     `json:"agreement"` // version of the record, state included
	Partner   uint64     `json:"partner"`
	Banned    bool       `json:"banned,omitzero"`
	Epoch     uint64     `json:"epoch"`
	Policy    string     `json:"policy"`
	Data      uint64     `json:"data"`
	Consent   uint64     `json:"consent,omitzero"` // only where rows or a consented summary are in the answer
	Release   uint64     `json:"release"`          // counts freezes and publications
	Day       civil.Date `json:"day"`              // every expiry and every age is tested by the day
}

// question is one kind of partner request. Its methods read the snapshot
// only; what they return depends on nothing else.
type question interface {
	agreement() string
	asked() any                                             // what was asked, for the entry's digest
	facts(s *snapshot, f *policy.Facts) error               // adds what policy must know of this kind
	build(s *snapshot, d policy.Decision) (finished, error) // the finished bytes
	page(s *snapshot) *Page                                 // how they are read; nil: as JSON
}

// finished is a finished answer before it is recorded.
type finished struct {
	data      []byte
	sum       string        // SHA-256 of data
	body      []byte        // the private half of its entry, canonical
	subjects  []records.SID // whom the bytes show or count one by one
	consented bool          // the bytes depend on the consent revision
	places    int           // how many the partner's own roster holds
	detail    any           // of the entry's private half
	copies    []rowCopy
	kept      *atomic.Bool // the copies are in the store
}

// answer is the gate: every partner request passes here and nowhere else.
func (b *Broker) answer(ctx context.Context, c Caller, q question) (*Answer, error) {
	f := b.flights.enter(q.agreement())
	a, err := b.answerAloft(ctx, c, q, f)
	if err == nil {
		return a, nil
	}
	f.land()
	return nil, b.turnAway(ctx, c, "ask under an agreement", err)
}

func (b *Broker) answerAloft(ctx context.Context, c Caller, q question, f *flight) (*Answer, error) {
	endTurn, err := b.turns.take(ctx)
	if err != nil {
		return nil, storeError(err)
	}
	defer endTurn()
	for range attempts {
		p, err := b.prepare(ctx, c, q)
		if err != nil {
			return nil, err
		}
		receipt, err := b.record(ctx, store.LanePartner, p.draft, p.unmoved(b, c, func() {
			f.board(p.draft.subjects)
			endTurn()
		}))
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.refusal != nil {
			p.refusal.Receipt = receipt
			return nil, p.refusal
		}
		if p.kept != nil {
			p.kept.Store(true)
		}
		return &Answer{data: p.draft.data, receipt: receipt, flight: f, page: p.page}, nil
	}
	return nil, unavailable("permissions are changing just now; ask again", errMoved)
}

// prepared is a decided question: an answer, or a refusal, and its entry.
type prepared struct {
	draft     draft
	stamp     stamp
	consented bool
	copies    []rowCopy
	kept      *atomic.Bool
	page      *Page
	refusal   *Error
}

// unmoved tests, in the Update that records, that the answer is still true, and then
// says so: a withdrawal whose Update comes later has to know whom it holds.
func (p *prepared) unmoved(b *Broker, c Caller, still func()) func(store.Tx, tlog.Leaf) error {
	return func(tx store.Tx, leaf tlog.Leaf) error {
		if b.sabotage.NoStamp {
			still()
			return b.putCopies(tx, p, leaf)
		}
		again := snapshot{b: b, r: tx, caller: c, now: b.clock().UTC()}
		again.today = civil.Of(again.now, b.zone)
		if err := again.readStamp(p.draft.agreement, p.consented); err != nil {
			return err
		}
		if again.stamp != p.stamp || c.expired(again.now) {
			return errMoved
		}
		still()
		return b.putCopies(tx, p, leaf)
	}
}

// prepare opens one snapshot, gathers the facts, asks policy once and builds
// the finished bytes.
func (b *Broker) prepare(ctx context.Context, c Caller, q question) (p prepared, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		s, err := b.gather(ctx, r, c, q.agreement())
		if err != nil {
			return err
		}
		p, err = b.decide(s, q)
		return err
	})
	return p, storeError(err)
}

func (b *Broker) decide(s *snapshot, q question) (prepared, error) {
	facts := s.facts()
	if err := q.facts(s, &facts); err != nil {
		return prepared{}, err
	}
	request, err := b.requests.of(q)
	if err != nil {
		return prepared{}, internal(err)
	}
	p := prepared{stamp: s.stamp, page: q.page(s), draft: draft{
		caller: s.caller, request: request, policy: b.policy, key: agreementKey(q.agreement()),
		action: facts.Action, agreement: q.agreement(), version: s.agreement.Agreement.Version,
	}}
	err = b.ask(s, q, facts, &p)
	return p, err
}

// ask asks policy, and makes of its decision an answer or a refusal.
func (b *Broker) ask(s *snapshot, q question, facts policy.Facts, p *prepared) error {
	d, err := b.engine.Decide(s.ctx, facts)
	if d.Overruled {
		b.alarm("policy", errOverruled)
	}
	if err == nil && d.Allow {
		err = b.release(s, q, d, facts, p)
		if !errors.Is(err, errRules) {
			return err
		}
	}
	switch {
	case errors.Is(err, policy.ErrFacts):
		return internal(err)
	case err != nil:
		b.alarm("policy", err)
		p.refuse(tlog.QueryUnavailable, tlog.Error, &Error{
			Kind: Unavailable, Detail: "the rules could not be evaluated; the privacy officer has been told", RetryAfter: retryPolicy, cause: err,
		})
		p.draft.body, err = entryBody{Failure: err.Error()}.about(s, facts, p.draft.request)
	default:
		p.refuse(tlog.QueryDenied, tlog.Deny, &Error{Kind: Denied, Detail: "this agreement does not allow it", Reasons: d.Reasons})
		p.draft.clause, p.draft.reasons = d.Clause, d.Reasons
		p.draft.body, err = entryBody{Reasons: d.Reasons}.about(s, facts, p.draft.request)
	}
	return err
}

// errRules says that the row filters of the rules cannot be used.
var errRules = errors.New("the row filters of the rules cannot be used")

// retryPolicy is when a partner may ask again after the rules failed.
const retryPolicy = 30 * time.Second

// refuse makes the answer a refusal, which does not depend on any consent.
func (p *prepared) refuse(event tlog.Event, decision tlog.Decision, why *Error) {
	p.draft.event, p.draft.decision, p.refusal = event, decision, why
	p.stamp.Consent = 0
}

func (b *Broker) release(s *snapshot, q question, d policy.Decision, facts policy.Facts, p *prepared) error {
	done, err := b.finished.of(s, q, d, facts, p.draft.request)
	if err != nil {
		return err
	}
	if !done.consented {
		p.stamp.Consent = 0
	} else if err := b.shutError(); err != nil {
		return err
	}
	p.consented, p.copies, p.kept = done.consented, done.copies, done.kept
	p.draft.event, p.draft.decision = tlog.QueryReleased, tlog.Allow
	p.draft.clause, p.draft.subjects, p.draft.places = d.Clause, done.subjects, done.places
	p.draft.data, p.draft.sum, p.draft.body = done.data, done.sum, done.body
	return nil
}

// entryBody is the private half of the entry of a partner request: enough to
// replay the decision, and whom the answer showed.
type entryBody struct {
	Request jsonBytes       `json:"request"`
	Facts   loggedFacts     `json:"facts"`
	Stamp   stamp           `json:"stamp"`
	Reasons []policy.Reason `json:"reasons,omitzero"`
	Failure string          `json:"failure,omitzero"`
	Detail  any             `json:"detail,omitzero"`
}

// loggedFacts are the facts of a decision as the entry keeps them: the
// agreement by id and version, whose text the store keeps for ever.
type loggedFacts struct {
	Action           string              `json:"action"`
	Caller           policy.Caller       `json:"caller"`
	Agreement        string              `json:"agreement"`
	Version          int                 `json:"version"`
	Partner          policy.PartnerFacts `json:"partner"`
	Request          policy.Request      `json:"request"`
	Today            civil.Date          `json:"today"`
	RosterPresent    bool                `json:"roster_present"`
	ReleasePublished bool                `json:"release_published"`
}

// about adds what was asked, in which state of the district, and returns the
// canonical form.
func (e entryBody) about(s *snapshot, f policy.Facts, request []byte) ([]byte, error) {
	e.Request, e.Facts, e.Stamp = request, logFacts(f), s.stamp
	body, err := tlog.Canonical(e)
	if err != nil {
		return nil, internal(fmt.Errorf("encoding an entry's body: %w", err))
	}
	return body, nil
}

func logFacts(f policy.Facts) loggedFacts {
	a := f.Agreement.Agreement()
	return loggedFacts{f.Action, f.Caller, a.ID, a.Version, f.Partner, f.Request, f.Today, f.RosterPresent, f.ReleasePublished}
}

// jsonBytes is JSON that is embedded as it stands.
type jsonBytes []byte

// MarshalJSON returns the bytes themselves.
func (j jsonBytes) MarshalJSON() ([]byte, error) { return j, nil }

// record appends one entry and whatever apply writes in one transaction, and
// returns the receipt when both are durable and signed. Nothing may leave
// before.
func (b *Broker) record(ctx context.Context, lane store.Lane, d draft, apply func(store.Tx, tlog.Leaf) error) ([]byte, error) {
	e, err := b.enter(ctx, lane, d, apply)
	if err != nil {
		return nil, err
	}
	return b.receipt(context.WithoutCancel(ctx), e)
}

// enter is record without the receipt. The entry is sealed before the Update,
// so that the writer does not wait for it.
func (b *Broker) enter(ctx context.Context, lane store.Lane, d draft, apply func(store.Tx, tlog.Leaf) error) (tlog.Entry, error) {
	s, err := b.sealDraft(d)
	if err != nil {
		return tlog.Entry{}, internal(err)
	}
	_, err = b.store.Update(ctx, lane, func(tx store.Tx) error {
		if err := b.append(tx, &s); err != nil {
			return err
		}
		return apply(tx, s.entry.Leaf)
	})
	if err != nil {
		return tlog.Entry{}, storeError(err)
	}
	b.checkpoints.hashes.add(s.entry.Leaf.Index, s.hashes)
	return s.entry, nil
}

// receipt joins the entry's public half with its proof, as JSON.
func (b *Broker) receipt(ctx context.Context, e tlog.Entry) (receipt []byte, err error) {
	if b.sabotage.EarlyAck {
		return []byte("{}"), nil
	}
	c, err := b.checkpoints.covering(ctx, e.Leaf.Index)
	if err != nil {
		return nil, unavailable("the log could not be signed", err)
	}
	proof, err := tlog.ProveInclusion(c.size, int64(e.Leaf.Index), b.checkpoints.hashes.durable(ctx, b.store))
	if err != nil {
		return nil, unavailable("the log could not prove the entry", err)
	}
	full, err := tlog.NewReceipt(b.settings.Origin, e, proof, c.note)
	if err != nil {
		return nil, internal(err)
	}
	return full.MarshalJSON()
}

// storeError gives a failed transaction its kind; what is an *Error already, or
// errMoved, passes through.
func storeError(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) || errors.Is(err, errMoved) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return unavailable("the request ended before it was recorded", err)
	}
	if errors.Is(err, store.ErrFull) {
		return &Error{Kind: Unavailable, Detail: "the district's disk is full: only withdrawals are accepted until there is space", RetryAfter: retryFull, cause: err}
	}
	for _, down := range []error{store.ErrSealed, store.ErrClosed, store.ErrCorrupt, seal.ErrOpen, seal.ErrHalfway} {
		if errors.Is(err, down) {
			return unavailable("nothing can be read or recorded now, so nothing may leave", err)
		}
	}
	return internal(err)
}

// retryFull is when to ask again after the disk was full.
const retryFull = 30 * time.Second

// agreementKey and studentKey name the keys under which rows are sealed.
func agreementKey(id string) seal.KeyID     { return seal.KeyID("agreement/" + id) }
func studentKey(sid records.SID) seal.KeyID { return seal.KeyID("student/" + sid.String()) }

// districtKey seals what concerns neither one student nor one agreement.
const districtKey seal.KeyID = "district"
