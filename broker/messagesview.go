package broker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// MessagesRequest asks for messages to families, the newest first.
type MessagesRequest struct {
	State MessageState // empty: any
	Limit int          // 0: 100; at most 1000
}

// personRef names a person as the district does.
type personRef struct {
	GuardianID string `json:"guardian_id,omitzero"`
	StudentID  string `json:"student_id,omitzero"` // an eligible student
}

// personOf reads whom a token's subject means.
func personOf(subject string) personRef {
	if id, isStudent := strings.CutPrefix(subject, subjectStudent); isStudent {
		return personRef{StudentID: id}
	}
	return personRef{GuardianID: subject}
}

// messageView is what is read of a message.
type messageView struct {
	ID       string         `json:"id"`
	Kind     MessageKind    `json:"kind"`
	State    MessageState   `json:"state"`
	Problem  messageProblem `json:"problem,omitzero"`
	To       personRef      `json:"to"`
	Contact  string         `json:"contact,omitzero"` // masked
	Language string         `json:"language,omitzero"`
	Written  time.Time      `json:"written_at"`
	NotAfter time.Time      `json:"not_after,omitzero"`
	Attempts int            `json:"attempts"`
	Next     time.Time      `json:"next_attempt_at,omitzero"` // at the earliest: those of the same person before it leave first
	Ended    time.Time      `json:"ended_at,omitzero"`
}

func (b *Broker) viewMessage(row messageRow, m moment) messageView {
	v := messageView{
		ID: row.ID, Kind: row.Kind, State: row.State, Problem: row.Problem, To: personOf(row.Person), Contact: row.Masked,
		Language: row.Language, Written: row.Written, NotAfter: row.NotAfter, Attempts: row.Attempts, Ended: row.Ended,
	}
	switch {
	case row.State != MessageWaiting:
	case b.late(row, m): // its turn to be brought to its end has not come
		v.State, v.Problem = MessageExpired, problemLate
	case !b.outbox.served.Load():
		v.Problem = problemNoCarrier
	default:
		v.Next = row.Due
	}
	return v
}

// maxMessages bounds a list of messages.
const maxMessages = 1000

// Messages lists the messages to families of the last 90 days, the newest first:
// what became of them, and never what they say or where they went (officer, auditor).
func (b *Broker) Messages(ctx context.Context, c Caller, req MessagesRequest) (*Answer, error) {
	const operation = "list messages"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	if req.State != "" && !slices.Contains(MessageStates(), req.State) {
		return nil, invalidField("state", "is unknown", "use one of "+statesInWords())
	}
	limit := cmp.Or(req.Limit, 100)
	if limit < 1 || limit > maxMessages {
		return nil, invalidField("limit", "is out of range", fmt.Sprintf("ask for 1 to %d messages", maxMessages))
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		list := []messageView{}
		err := b.eachMessage(r, func(row messageRow) bool {
			if v := b.viewMessage(row, m); req.State == "" || v.State == req.State {
				list = append(list, v)
			}
			return len(list) < limit
		})
		return map[string]any{"messages": list, "carrier": b.outbox.served.Load()}, err
	})
}

func statesInWords() string {
	var names []string
	for _, s := range MessageStates() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// eachMessage calls fn with the messages, newest first, until fn says that it has
// enough.
func (b *Broker) eachMessage(r store.Reader, fn func(messageRow) (more bool)) error {
	prefix := key(outboxRow)
	return r.Scan(colOutbox, store.Range{Prefix: prefix, Reverse: true}, func(k, box []byte) (bool, error) {
		number, err := numberIn(k, len(prefix))
		if err != nil {
			return false, err
		}
		row, err := b.openRow(number, box)
		if err != nil {
			return false, err
		}
		return fn(row), nil
	})
}

// RetryMessage has a message tried at once that waits for its next attempt, with those
// of the same person that go before it (officer). What has ended is not tried again:
// its contents are gone.
func (b *Broker) RetryMessage(ctx context.Context, c Caller, id string) (*Answer, error) {
	if err := b.admit(ctx, c, "retry a message", RoleOfficer); err != nil {
		return nil, err
	}
	a := act{event: tlog.MessageRetried, lane: store.LaneOfficer, caller: c, request: map[string]string{"message": id}}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		row, err := b.messageNamed(tx, id)
		if err != nil {
			return outcome{}, err
		}
		if b.viewMessage(row, m).State != MessageWaiting {
			return outcome{}, conflict("this message has come to its end and its contents are erased; do what it told of anew")
		}
		first, err := b.firstOf(tx, row.Person)
		if err != nil {
			return outcome{}, err
		}
		if err := b.setDue(tx, &first, m.now); err != nil {
			return outcome{}, err
		}
		b.outbox.fresh.Store(true)
		if first.number == row.number {
			row = first
		}
		return outcome{data: b.viewMessage(row, m)}, nil
	})
}

func (b *Broker) messageNamed(r store.Reader, id string) (messageRow, error) {
	number, err := number(r, colOutbox, key(outboxID, id))
	if err != nil || number == 0 {
		return messageRow{}, orNotAvailable(err)
	}
	row, found, err := b.row(r, number)
	if err == nil && !found {
		err = errMessageForm
	}
	return row, err
}

// handedAtOnce bounds how many messages one act hands over.
const handedAtOnce = 1000

// HandOverMessages takes all that waits out of the queues, for the district's own tool
// to send: keep is called with the messages in their order, and once it has returned
// nil they count as handed over. It returns how many were, and how many wait because
// there are no words for them or for one before them (officer). Each call of keep is one
// entry in the log.
func (b *Broker) HandOverMessages(ctx context.Context, c Caller, wording Wording, keep func([]Parcel) error) (handed, waiting int, err error) {
	if err := b.admit(ctx, c, "export messages", RoleOfficer); err != nil {
		return 0, 0, err
	}
	if wording == nil {
		return 0, 0, errNoWording
	}
	leave, err := b.outbox.enter(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	all, err := b.waitingMessages(ctx)
	h := handing{wording: wording, stuck: map[string]bool{}}
	for numbers := range slices.Chunk(all, handedAtOnce) {
		var parcels []Parcel
		var taken []uint64
		if parcels, taken, err = b.toHandOver(ctx, &h, numbers); err != nil {
			break
		}
		if len(parcels) == 0 {
			continue
		}
		if err = keep(parcels); err != nil {
			break
		}
		if err = b.markHanded(ctx, c, taken); err != nil {
			break
		}
		handed += len(taken)
	}
	return handed, h.waiting, err
}

// errNoWording says that messages cannot be written.
var errNoWording = &Error{Kind: Unavailable, Detail: "there are no words for messages yet, so that none can be sent or handed over"}

// waitingMessages lists the numbers of what waits, in order.
func (b *Broker) waitingMessages(ctx context.Context) (numbers []uint64, err error) {
	prefix := key(outboxQueue)
	err = b.store.View(ctx, func(r store.Reader) error {
		return r.Scan(colOutbox, store.Range{Prefix: prefix}, func(k, _ []byte) (bool, error) {
			number, err := numberIn(k, len(prefix)+32)
			numbers = append(numbers, number)
			return true, err
		})
	})
	slices.Sort(numbers)
	return numbers, storeError(err)
}

// handing is what one export has come to.
type handing struct {
	wording Wording
	stuck   map[string]bool // persons whose next message has no words
	waiting int
}

func (b *Broker) toHandOver(ctx context.Context, h *handing, numbers []uint64) (parcels []Parcel, taken []uint64, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		for _, number := range numbers {
			row, found, err := b.row(r, number)
			if err != nil {
				return err
			}
			if !found || row.State != MessageWaiting || b.late(row, b.moment()) {
				continue
			}
			p, err := row.parcel(h.wording)
			if h.stuck[row.Person] = h.stuck[row.Person] || err != nil; h.stuck[row.Person] {
				h.waiting++
				continue
			}
			parcels, taken = append(parcels, p), append(taken, number)
		}
		return nil
	})
	return parcels, taken, storeError(err)
}

func (b *Broker) markHanded(ctx context.Context, c Caller, numbers []uint64) error {
	a := act{event: tlog.MessagesExported, lane: store.LaneOfficer, caller: c, request: map[string]int{"messages": len(numbers)}}
	_, err := b.perform(context.WithoutCancel(ctx), a, func(tx store.Tx, m moment) (outcome, error) {
		ids := make([]string, len(numbers))
		for i, number := range numbers {
			row, found, err := b.row(tx, number)
			if err != nil || !found {
				return outcome{}, orNotAvailable(err)
			}
			ids[i] = row.ID
			if err := b.end(tx, m, &row, MessageHandedOver, ""); err != nil {
				return outcome{}, err
			}
		}
		return outcome{body: map[string]any{"messages": ids}}, nil
	})
	return err
}
