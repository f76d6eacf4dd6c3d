package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

const (
	atOnce       = 4                   // messages with the carrier, of as many persons
	outboxBatch  = 16                  // messages of one snapshot
	carryLimit   = time.Minute         // how long a carrier may take for one
	firstRetry   = time.Minute         // after the first failure; it doubles with each
	longestRetry = 6 * time.Hour       // between two attempts
	giveUpAfter  = 5 * 24 * time.Hour  // from the first attempt on
	keptEnded    = 90 * 24 * time.Hour // how long it is known what became of a message
	housekeeping = time.Hour           // what is old is looked for at least so often
)

// errNoCarrier says that nothing can be delivered.
var errNoCarrier = errors.New("messages need a carrier and a wording")

// DeliverMessages carries what is due, one message at a time per person in the order
// in which they were written, and returns how many were taken and when the next is due
// (zero: none waits). A failure of the carrier is no error: the message is tried again,
// with growing pauses, until it is of no use or five days have passed.
//
// What a carrier has taken is recorded afterwards. A process that ends in between
// carries the message again, under the same id.
func (b *Broker) DeliverMessages(ctx context.Context, carrier Carrier, wording Wording) (delivered int, next time.Time, err error) {
	if carrier == nil || wording == nil {
		return 0, time.Time{}, errNoCarrier
	}
	for {
		n, next, more, err := b.deliverBatch(ctx, carrier, wording)
		delivered += n
		if err != nil || !more {
			return delivered, next, err
		}
	}
}

func (b *Broker) deliverBatch(ctx context.Context, carrier Carrier, wording Wording) (delivered int, next time.Time, more bool, err error) {
	leave, err := b.outbox.enter(ctx)
	if err != nil {
		return 0, next, false, err
	}
	defer leave()
	if next, err = b.nextDue(ctx); err != nil || next.IsZero() || next.After(b.moment().now) {
		return 0, next, false, storeError(err)
	}
	batch, err := b.claim(ctx)
	if err != nil {
		return 0, next, false, err
	}
	var taken atomic.Int64
	group := errgroup.Group{}
	group.SetLimit(atOnce)
	for _, row := range batch {
		group.Go(func() error {
			err := b.carry(ctx, carrier, wording, row)
			if ctx.Err() != nil && err != nil {
				return ctx.Err() // it was cut off, which says nothing of the carrier
			}
			if err == nil {
				taken.Add(1)
			}
			return b.recordAttempt(context.WithoutCancel(ctx), row, err)
		})
	}
	err = group.Wait()
	return int(taken.Load()), next, true, err
}

// enter waits until nobody else delivers or exports.
func (o *outbox) enter(ctx context.Context) (leave func(), err error) {
	select {
	case o.working <- struct{}{}:
		return func() { <-o.working }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// nextDue returns when the next message is due, or zero.
func (b *Broker) nextDue(ctx context.Context) (next time.Time, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		prefix := key(outboxDue)
		return r.Scan(colOutbox, store.Range{Prefix: prefix, Limit: 1}, func(k, _ []byte) (bool, error) {
			if len(k) != len(prefix)+16 {
				return false, errMessageForm
			}
			next = time.UnixMilli(int64(binary.BigEndian.Uint64(k[len(prefix):]))).UTC()
			return false, nil
		})
	})
	return next, err
}

// claim counts an attempt for each message that is due, and returns them. What is of
// no use any more comes to its end instead.
func (b *Broker) claim(ctx context.Context) (batch []messageRow, err error) {
	err = b.withOutbox(ctx, func(tx store.Tx, m moment) (entries []*sealed, err error) {
		rows, err := b.dueRows(tx, m)
		for _, row := range rows {
			if err != nil {
				break
			}
			if b.late(row, m) {
				var s *sealed
				s, err = b.fail(tx, m, &row, MessageExpired, problemLate)
				entries = append(entries, s)
				continue
			}
			batch = append(batch, row)
			err = b.attempt(tx, m, row)
		}
		return entries, err
	})
	if err != nil {
		batch = nil
	}
	return batch, err
}

func (b *Broker) attempt(tx store.Tx, m moment, row messageRow) error {
	if row.Attempts++; row.First.IsZero() {
		row.First = m.now
	}
	if b.sabotage.TrustCarriers {
		return b.end(tx, m, &row, MessageDelivered, "")
	}
	return b.putRow(tx, row)
}

// late reports whether a message is of no use any more.
func (b *Broker) late(row messageRow, m moment) bool {
	return !row.NotAfter.IsZero() && !m.now.Before(row.NotAfter) && !b.sabotage.LateMessages
}

// dueRows reads the messages that are due, the longest due first.
func (b *Broker) dueRows(r store.Reader, m moment) (rows []messageRow, err error) {
	prefix := key(outboxDue)
	err = r.Scan(colOutbox, store.Range{Prefix: prefix, Limit: outboxBatch}, func(k, _ []byte) (bool, error) {
		number, err := numberIn(k, len(prefix)+8)
		if err != nil || binary.BigEndian.Uint64(k[len(prefix):]) > millis(m.now) {
			return false, err
		}
		row, found, err := b.row(r, number)
		if err == nil && !found {
			err = errMessageForm
		}
		rows = append(rows, row)
		return true, err
	})
	return rows, err
}

// carry words a message and hands it to the carrier.
func (b *Broker) carry(ctx context.Context, carrier Carrier, wording Wording, row messageRow) error {
	p, err := row.parcel(wording)
	if err != nil {
		return err
	}
	limit := carryLimit
	if !row.NotAfter.IsZero() && !b.sabotage.LateMessages {
		limit = min(limit, row.NotAfter.Sub(b.moment().now))
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	return carrier.Carry(ctx, p)
}

// errWording says that there are no words for a message.
var errWording = errors.New("the message cannot be worded")

func (row messageRow) parcel(wording Wording) (Parcel, error) {
	subject, text, err := wording(row.Kind, row.Language, row.Values)
	if err != nil {
		return Parcel{}, errors.Join(errWording, err)
	}
	return Parcel{
		ID: row.ID, Kind: row.Kind, Email: row.Email, Phone: row.Phone, Language: row.Language, Subject: subject, Text: text,
	}, nil
}

// recordAttempt records what came of an attempt.
func (b *Broker) recordAttempt(ctx context.Context, claimed messageRow, outcome error) error {
	return b.withOutbox(ctx, func(tx store.Tx, m moment) ([]*sealed, error) {
		row, found, err := b.row(tx, claimed.number)
		if err != nil || !found || row.State != MessageWaiting {
			return nil, err
		}
		if outcome == nil {
			return nil, b.end(tx, m, &row, MessageDelivered, "")
		}
		row.Problem = problemOf(outcome)
		last := row.First.Add(giveUpAfter)
		switch {
		case row.Problem == problemRefused:
			s, err := b.fail(tx, m, &row, MessageUndeliverable, row.Problem)
			return []*sealed{s}, err
		case !m.now.Before(last):
			s, err := b.fail(tx, m, &row, MessageGivenUp, row.Problem)
			return []*sealed{s}, err
		}
		again := m.now.Add(pauseAfter(row.Attempts, b.outbox.chance()))
		if again.After(last) {
			again = last
		}
		return nil, b.setDue(tx, &row, again)
	})
}

// pauseAfter is how long to wait after so many attempts that failed. Chance, in
// [0, 1), spreads messages that failed together.
func pauseAfter(attempts int, chance float64) time.Duration {
	const longest = longestRetry * 4 / 5 // a quarter of it is left to chance
	pause := longest
	if doublings := attempts - 1; doublings < 10 {
		pause = min(longest, firstRetry<<max(doublings, 0))
	}
	return pause + time.Duration(chance*float64(pause/4))
}

// problemOf puts a carrier's error into the service's own words.
func problemOf(err error) messageProblem {
	switch {
	case errors.Is(err, errWording):
		return problemWording
	case errors.Is(err, ErrUndeliverable):
		return problemRefused
	case errors.Is(err, context.DeadlineExceeded):
		return problemTimeout
	}
	return problemFailed
}

// fail ends a message that nobody was reached with, and records that.
func (b *Broker) fail(tx store.Tx, m moment, row *messageRow, state MessageState, problem messageProblem) (*sealed, error) {
	if err := b.end(tx, m, row, state, problem); err != nil {
		return nil, err
	}
	a := act{event: tlog.MessageUndelivered, caller: Caller{Subject: "hallpass"}, request: undelivered{
		row.ID, row.Kind, personOf(row.Person), state, problem, row.Attempts,
	}}
	d, err := a.draft(outcome{}, []byte("null"))
	if err != nil {
		return nil, err
	}
	s, err := b.sealDraft(d)
	if err != nil {
		return nil, err
	}
	return &s, b.append(tx, &s)
}

// undelivered is the private half of the entry about a message that reached nobody.
type undelivered struct {
	Message  string         `json:"message"`
	Kind     MessageKind    `json:"kind"`
	To       personRef      `json:"to"`
	State    MessageState   `json:"state"`
	Problem  messageProblem `json:"problem"`
	Attempts int            `json:"attempts"`
}

// withOutbox runs one Update and returns when the entries that it appended are signed.
func (b *Broker) withOutbox(ctx context.Context, do func(store.Tx, moment) ([]*sealed, error)) error {
	var entries []*sealed
	_, err := b.store.Update(ctx, store.LanePartner, func(tx store.Tx) (err error) {
		entries, err = do(tx, b.moment())
		return err
	})
	if err != nil {
		return storeError(err)
	}
	if len(entries) == 0 {
		return nil
	}
	last := entries[len(entries)-1].entry.Leaf.Index
	if _, err := b.checkpoints.covering(context.WithoutCancel(ctx), last); err != nil {
		return unavailable("the log could not be signed", err)
	}
	return nil
}

// RunOutbox delivers messages as they are written and as they are due, until the
// context ends. Without a carrier or a wording they wait for as long as they are of use.
// It also forgets what ended 90 days ago.
func (b *Broker) RunOutbox(ctx context.Context, carrier Carrier, wording Wording) {
	carries := carrier != nil && wording != nil
	b.outbox.served.Store(carries)
	defer b.outbox.served.Store(false)
	for ctx.Err() == nil && b.store.Failed() == nil {
		var next time.Time
		err := b.forgetMessages(ctx)
		switch {
		case err != nil:
		case carries:
			_, next, err = b.DeliverMessages(ctx, carrier, wording)
		default:
			err = b.expireMessages(ctx)
		}
		if err != nil && ctx.Err() == nil {
			b.alarm("outbox", err)
			next = b.moment().now.Add(firstRetry)
		}
		b.awaitMessages(ctx, next, carries && err == nil)
	}
}

// awaitMessages returns when a message is due, or new where that matters.
func (b *Broker) awaitMessages(ctx context.Context, next time.Time, orNew bool) {
	wait := housekeeping
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(b.moment().now), 0))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var wake <-chan struct{}
	if orNew {
		wake = b.outbox.wake
	}
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// expireMessages ends what is of no use any more where nobody delivers, so that its
// contents do not stay.
func (b *Broker) expireMessages(ctx context.Context) error {
	waiting, err := b.waitingMessages(ctx)
	if err != nil {
		return err
	}
	for numbers := range slices.Chunk(waiting, outboxBatch) {
		err := b.withOutbox(ctx, func(tx store.Tx, m moment) (entries []*sealed, err error) {
			for _, number := range numbers {
				row, found, err := b.row(tx, number)
				if err != nil {
					return nil, err
				}
				if !found || row.State != MessageWaiting || !b.late(row, m) {
					continue
				}
				s, err := b.fail(tx, m, &row, MessageExpired, problemLate)
				if err != nil {
					return nil, err
				}
				entries = append(entries, s)
			}
			return entries, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetMessages deletes what is known of messages that ended long ago.
func (b *Broker) forgetMessages(ctx context.Context) error {
	prefix := key(outboxEnded)
	for more := true; more; {
		before := millis(b.moment().now.Add(-keptEnded))
		var old [][]byte
		err := b.store.View(ctx, func(r store.Reader) error {
			return r.Scan(colOutbox, store.Range{Prefix: prefix, Limit: 1000}, func(k, _ []byte) (bool, error) {
				if len(k) != len(prefix)+16 {
					return false, errMessageForm
				}
				if binary.BigEndian.Uint64(k[len(prefix):]) > before {
					return false, nil
				}
				old = append(old, append([]byte(nil), k...))
				return true, nil
			})
		})
		if more = len(old) > 0; err != nil || !more {
			return storeError(err)
		}
		err = b.withOutbox(ctx, func(tx store.Tx, _ moment) ([]*sealed, error) { return nil, b.forget(tx, old, len(prefix)+8) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) forget(tx store.Tx, ended [][]byte, before int) error {
	for _, k := range ended {
		number, err := numberIn(k, before)
		if err != nil {
			return err
		}
		row, _, err := b.row(tx, number)
		if err != nil {
			return err
		}
		for _, gone := range [][]byte{k, key(outboxRow, number), key(outboxID, row.ID)} {
			if err := tx.Delete(colOutbox, gone); err != nil {
				return err
			}
		}
	}
	return nil
}
