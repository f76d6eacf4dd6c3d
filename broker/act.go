package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// act is what the district's own people and families do: it is read, checked,
// written and recorded in one Update.
type act struct {
	event     tlog.Event
	lane      store.Lane
	caller    Caller
	request   any           // what was asked; only its digest is in the public half
	again     stopOp        // how the act is done again in a restored store; empty: it is not
	id        string        // of what the act changes or makes, for that
	journaled *replaying    // it is done again from the withdrawal journal
	closes    []records.SID // students whose rows the act may close: it waits for every answer on its way
}

// outcome is what an act did.
type outcome struct {
	data      any                 // the answer's member data
	created   bool                // something new exists
	unlogged  bool                // nothing changed, so nothing is recorded
	event     tlog.Event          // instead of the act's, where the outcome decides it
	agreement agreement.Agreement // the agreement that the act is about; zero: none
	key       seal.KeyID          // the key that opens the entry; empty: the district's
	subjects  []records.SID       // the students concerned
	places    int                 // how many the reader of the receipt knows there may be
	body      any                 // the entry's private half; nil: the request
	moved     []string            // agreements whose answers the act changes
	closed    []records.SID       // whose rows it may have closed, under every name they had
}

// moment is the one reading of the clock that an operation uses.
type moment struct {
	now   time.Time
	today civil.Date
}

func (b *Broker) moment() moment {
	now := b.clock().UTC()
	return moment{now, civil.Of(now, b.zone)}
}

// perform runs an act in the Update that records it. An act that may close a
// student's rows denies the student in memory first and is acknowledged only
// when every answer on its way has landed; a store that failed leaves the
// student denied. Who reaches for what is not theirs finds nothing, and the
// log says so.
func (b *Broker) perform(ctx context.Context, a act, do func(store.Tx, moment) (outcome, error)) (*Answer, error) {
	for _, sid := range a.closes {
		b.flights.deny(sid)
	}
	out, data, s, err := b.update(ctx, a, do)
	if err == nil && a.again != "" && !out.unlogged {
		b.journal.wait(ctx)
	}
	if err == nil && len(a.closes) > 0 {
		b.flights.barrier(out.closed, out.moved)
	}
	if b.store.Failed() == nil {
		for _, sid := range a.closes {
			b.flights.allow(sid)
		}
	}
	if err != nil {
		return nil, b.turnAway(ctx, a.caller, string(a.event), storeError(err))
	}
	if out.unlogged {
		return &Answer{data: data}, nil
	}
	receipt, err := b.receipt(context.WithoutCancel(ctx), s.entry)
	if err != nil {
		return nil, err
	}
	return &Answer{data: data, receipt: receipt, created: out.created}, nil
}

func (b *Broker) update(ctx context.Context, a act, do func(store.Tx, moment) (outcome, error)) (out outcome, data []byte, s sealed, err error) {
	a.journaled = replayed(ctx)
	box, err := b.sealStop(a)
	if err != nil {
		return out, nil, s, err
	}
	_, err = b.store.Update(ctx, a.lane, func(tx store.Tx) (err error) {
		if err := b.valid(tx, a.caller); err != nil {
			return err
		}
		if out, err = do(tx, b.moment()); err != nil {
			return err
		}
		if len(a.closes) > 0 {
			if out.closed, err = everyName(tx, slices.Concat(a.closes, out.subjects)); err != nil {
				return err
			}
		}
		if data, err = json.Marshal(out.data, json.Deterministic(true)); err != nil || out.unlogged {
			return err
		}
		d, err := a.draft(out, data)
		if err != nil {
			return err
		}
		if s, err = b.sealDraft(d); err != nil {
			return err
		}
		if err := b.append(tx, &s); err != nil || box == nil {
			return err
		}
		return putStop(ctx, tx, box, s.entry.Leaf.Index)
	})
	return out, data, s, err
}

// valid refuses a token that has ended or was revoked.
func (b *Broker) valid(r store.Reader, c Caller) error {
	if c.expired(b.clock()) {
		return ErrToken
	}
	if !c.is(RolePartner) {
		return nil
	}
	epoch, err := number(r, colEpochs, key(c.Partner))
	if err == nil && c.Epoch < epoch {
		err = ErrToken
	}
	return err
}

// turnAway leaves an entry about a refusal that concerns who asks: a revoked
// token, or what is not the caller's. It returns the error to answer with.
func (b *Broker) turnAway(ctx context.Context, c Caller, operation string, err error) error {
	switch KindOf(err) {
	case NotAvailable:
		return b.refuseAccess(ctx, c, operation)
	case Unauthenticated:
		return errors.Join(b.RecordMisdirected(ctx, c, "revoked"), err)
	}
	return err
}

func (a act) draft(out outcome, data []byte) (draft, error) {
	request, err := tlog.Canonical(a.request)
	if err != nil {
		return draft{}, internal(err)
	}
	d := draft{
		event: a.event, caller: a.caller, decision: tlog.None, request: request, data: data,
		agreement: out.agreement.ID, version: out.agreement.Version,
		key: cmp.Or(out.key, districtKey), subjects: out.subjects, places: out.places, body: request,
	}
	if out.event != "" {
		d.event = out.event
	}
	if out.body == nil && a.journaled == nil {
		return d, nil
	}
	body := out.body
	if body == nil {
		body = a.request
	}
	if a.journaled != nil { // the act was done before, in what was lost
		body = map[string]any{"body": body, "journal": map[string]uint64{"epoch": a.journaled.Epoch, "seq": a.journaled.Seq, "index": a.journaled.Index}}
	}
	if d.body, err = tlog.Canonical(body); err != nil {
		return draft{}, internal(fmt.Errorf("encoding an entry's body: %w", err))
	}
	return d, nil
}

// read answers from one snapshot without an entry: the district's public and
// administrative facts.
func (b *Broker) read(ctx context.Context, c Caller, operation string, do func(store.Reader, moment) (any, error)) (*Answer, error) {
	var data []byte
	err := b.store.View(ctx, func(r store.Reader) error {
		if err := b.valid(r, c); err != nil {
			return err
		}
		v, err := do(r, b.moment())
		if err != nil {
			return err
		}
		data, err = json.Marshal(v, json.Deterministic(true))
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, storeError(err))
	}
	return &Answer{data: data}, nil
}

// admit refuses a caller whose role may not do this, with an entry. To the
// caller it looks as if there were nothing.
func (b *Broker) admit(ctx context.Context, c Caller, operation string, roles ...Role) error {
	if c.is(roles...) {
		return nil
	}
	return b.refuseAccess(ctx, c, operation)
}

// refuseAccess records that a caller reached for what is not theirs.
func (b *Broker) refuseAccess(ctx context.Context, c Caller, operation string) error {
	a := act{event: tlog.AccessRefused, lane: store.LanePartner, caller: c, request: map[string]string{"operation": operation}}
	err := b.note(ctx, a, func(tx store.Tx, _ tlog.Leaf) error { return b.valid(tx, c) })
	if KindOf(err) == Unauthenticated {
		return errors.Join(b.RecordMisdirected(ctx, c, "revoked"), err)
	}
	if err != nil {
		return err
	}
	return notAvailable()
}

// RecordMisdirected leaves an entry about a token that was validly signed but
// has expired or is meant for somebody else.
func (b *Broker) RecordMisdirected(ctx context.Context, c Caller, problem string) error {
	a := act{event: tlog.AuthMisdirected, lane: store.LanePartner, caller: c, request: map[string]string{"problem": problem}}
	return b.note(ctx, a, func(store.Tx, tlog.Leaf) error { return nil })
}

// note records an act that changes nothing. It returns when the entry is
// durable and under a signed checkpoint; nobody is given a receipt.
func (b *Broker) note(ctx context.Context, a act, check func(store.Tx, tlog.Leaf) error) error {
	d, err := a.draft(outcome{}, []byte("null"))
	if err != nil {
		return err
	}
	e, err := b.enter(ctx, a.lane, d, check)
	if err != nil {
		return err
	}
	if _, err := b.checkpoints.covering(context.WithoutCancel(ctx), e.Leaf.Index); err != nil {
		return unavailable("the log could not be signed", err)
	}
	return nil
}
