package broker

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// The kinds of keys in colOutbox. Messages are numbered in the order in which they
// were written. The first message of each person's queue, and no other, is due.
const (
	outboxRow   = "row"   // number -> sealed messageRow
	outboxID    = "id"    // id of a message -> number
	outboxQueue = "queue" // HMAC(person), number -> nothing: it waits
	outboxDue   = "due"   // time, number -> nothing: when it is to be tried
	outboxEnded = "ended" // time, number -> nothing: when it came to its end
	outboxCount = "count" // the newest number
)

// messageRow is a message at rest. From its end on it says only what became of it.
type messageRow struct {
	ID       string            `json:"id"`
	Kind     MessageKind       `json:"kind"`
	State    MessageState      `json:"state"`
	Problem  messageProblem    `json:"problem,omitzero"` // the last one
	Person   string            `json:"person"`
	Masked   string            `json:"masked,omitzero"` // the contact, masked
	Language string            `json:"language,omitzero"`
	Email    string            `json:"email,omitzero"`
	Phone    string            `json:"phone,omitzero"`
	Values   map[string]string `json:"values,omitzero"`
	NotAfter time.Time         `json:"not_after,omitzero"`
	Written  time.Time         `json:"written"`
	Due      time.Time         `json:"due"`            // the next attempt, once it is its turn
	First    time.Time         `json:"first,omitzero"` // attempt
	Attempts int               `json:"attempts,omitzero"`
	Ended    time.Time         `json:"ended,omitzero"`

	number uint64
}

// outbox is what the process knows of the messages beside the store.
type outbox struct {
	chance  func() float64 // in [0, 1)
	wake    chan struct{}  // something was written since it was last read
	fresh   atomic.Bool    // the Update that runs now writes a message
	working chan struct{}  // one delivery at a time
	served  atomic.Bool    // somebody carries what is written
}

func newOutbox(chance func() float64) *outbox {
	if chance == nil {
		chance = chanceOf
	}
	return &outbox{chance: chance, wake: make(chan struct{}, 1), working: make(chan struct{}, 1)}
}

// chanceOf draws a number in [0, 1).
func chanceOf() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// committed wakes whoever delivers, once a message that was written is durable.
func (o *outbox) committed(uint64) {
	if !o.fresh.Swap(false) {
		return
	}
	select {
	case o.wake <- struct{}{}:
	default: // it is awake already
	}
}

var errMessageForm = errors.New("a message at rest is not in its form")

// enqueue writes a message for one person in the caller's transaction: it is there if
// and only if what it tells of is. Messages of one person leave in the order in which
// they were written. Whoever has no contact on file gets none, and officers see that.
func (b *Broker) enqueue(tx store.Tx, m moment, msg message) (id string, err error) {
	if !msg.Kind.Valid() || msg.Person == "" {
		return "", internal(fmt.Errorf("a message of kind %q to nobody, or of no kind", msg.Kind))
	}
	if id, err = newID("msg", ""); err != nil {
		return "", err
	}
	number, err := number(tx, colOutbox, key(outboxCount))
	if err != nil {
		return "", err
	}
	row := messageRow{
		ID: id, Kind: msg.Kind, State: MessageWaiting, Person: msg.Person, Language: msg.Language,
		Email: msg.Email, Phone: msg.Phone, Values: msg.Values, NotAfter: msg.NotAfter,
		Written: m.now, Due: m.now, number: number + 1,
	}
	if err := putNumber(tx, colOutbox, key(outboxCount), row.number); err != nil {
		return "", err
	}
	if err := putNumber(tx, colOutbox, key(outboxID, id), row.number); err != nil {
		return "", err
	}
	if msg.Email == "" && msg.Phone == "" {
		return id, b.keepOutcome(tx, m, &row, MessageUndeliverable, problemNoContact)
	}
	row.Masked = maskedContact(msg.Email, msg.Phone)
	b.outbox.fresh.Store(true)
	return id, b.line(tx, m, &row)
}

// line puts a message at the end of its person's queue. One that soon is of no use
// makes the first of the queue due: if that can leave now, so can this.
func (b *Broker) line(tx store.Tx, m moment, row *messageRow) error {
	if err := b.putRow(tx, *row); err != nil {
		return err
	}
	if err := tx.Put(colOutbox, b.queueKey(*row), nil); err != nil {
		return err
	}
	number, err := b.nextOf(tx, row.Person)
	if err != nil {
		return err
	}
	if number == row.number || b.sabotage.Overtake {
		return tx.Put(colOutbox, dueKey(*row), nil)
	}
	if row.NotAfter.IsZero() {
		return nil
	}
	first, err := b.firstOf(tx, row.Person)
	if err != nil {
		return err
	}
	return b.setDue(tx, &first, m.now)
}

func (b *Broker) queueOf(person string) []byte {
	sum := b.vault.Index("outbox", person)
	return key(outboxQueue, sum[:])
}

func (b *Broker) queueKey(row messageRow) []byte {
	return append(b.queueOf(row.Person), key(row.number)...)
}

func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }

func dueKey(row messageRow) []byte   { return key(outboxDue, millis(row.Due), row.number) }
func endedKey(row messageRow) []byte { return key(outboxEnded, millis(row.Ended), row.number) }

// nextOf returns the number of the first message that waits for a person; zero is none.
func (b *Broker) nextOf(r store.Reader, person string) (number uint64, err error) {
	queue := b.queueOf(person)
	err = r.Scan(colOutbox, store.Range{Prefix: queue, Limit: 1}, func(k, _ []byte) (bool, error) {
		number, err = numberIn(k, len(queue))
		return false, err
	})
	return number, err
}

// firstOf returns the first message that waits for a person, or a zero row.
func (b *Broker) firstOf(r store.Reader, person string) (messageRow, error) {
	number, err := b.nextOf(r, person)
	if err != nil || number == 0 {
		return messageRow{}, err
	}
	row, found, err := b.row(r, number)
	if err == nil && !found {
		err = errMessageForm
	}
	return row, err
}

// numberIn reads the number behind the first bytes of a key, at its end.
func numberIn(k []byte, before int) (uint64, error) {
	if len(k) != before+8 {
		return 0, errMessageForm
	}
	return binary.BigEndian.Uint64(k[before:]), nil
}

// setDue sets when the first message of a queue is tried. What is of no use any more
// by then ends in time, so that those behind it need not wait.
func (b *Broker) setDue(tx store.Tx, row *messageRow, at time.Time) error {
	if err := tx.Delete(colOutbox, dueKey(*row)); err != nil {
		return err
	}
	if row.Due = at; !row.NotAfter.IsZero() && row.NotAfter.Before(at) {
		row.Due = row.NotAfter
	}
	if err := b.putRow(tx, *row); err != nil {
		return err
	}
	return tx.Put(colOutbox, dueKey(*row), nil)
}

// end brings a message to its end, and the next of its person is due.
func (b *Broker) end(tx store.Tx, m moment, row *messageRow, state MessageState, problem messageProblem) error {
	for _, k := range [][]byte{b.queueKey(*row), dueKey(*row)} {
		if err := tx.Delete(colOutbox, k); err != nil {
			return err
		}
	}
	if err := b.keepOutcome(tx, m, row, state, problem); err != nil {
		return err
	}
	next, err := b.firstOf(tx, row.Person)
	if err != nil || next.number == 0 {
		return err
	}
	return tx.Put(colOutbox, dueKey(next), nil)
}

// keepOutcome keeps of a message only what became of it.
func (b *Broker) keepOutcome(tx store.Tx, m moment, row *messageRow, state MessageState, problem messageProblem) error {
	row.State, row.Problem, row.Ended = state, problem, m.now
	if !b.sabotage.KeepMessages {
		row.Email, row.Phone, row.Values = "", "", nil
	}
	if err := tx.Put(colOutbox, endedKey(*row), nil); err != nil {
		return err
	}
	return b.putRow(tx, *row)
}

func rowAAD(number uint64) []byte { return append([]byte("outbox|"), key(number)...) }

func (b *Broker) putRow(tx store.Tx, row messageRow) error {
	plain, err := json.Marshal(row)
	if err != nil {
		return err
	}
	box, err := b.vault.Seal(districtKey, rowAAD(row.number), plain)
	if err != nil {
		return err
	}
	return tx.Put(colOutbox, key(outboxRow, row.number), box)
}

// row returns a message and whether there is one of the number.
func (b *Broker) row(r store.Reader, number uint64) (row messageRow, found bool, err error) {
	box, err := r.Get(colOutbox, key(outboxRow, number))
	if err != nil || box == nil {
		return row, false, err
	}
	row, err = b.openRow(number, box)
	return row, err == nil, err
}

func (b *Broker) openRow(number uint64, box []byte) (row messageRow, err error) {
	plain, err := b.vault.Open(districtKey, rowAAD(number), box)
	if err != nil {
		return row, err
	}
	row.number = number
	return row, json.Unmarshal(plain, &row)
}
