package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// SafeName shows tests what a name for a file is made of.
func SafeName(parts ...string) string { return safeName(parts...) }

// WholeHas reports whether a whole release under the clauses has a row.
func WholeHas(c agreement.Clauses, k sdc.Key) bool {
	return comparisonQuestion{ComparisonRequest{Whole: true}}.asks(c, k)
}

// FitsPage is what the gate says of a whole release of so many rows and these bytes
// before it records it.
func FitsPage(rows int, data []byte) error {
	return comparisonData{Rows: make([]comparisonRow, rows)}.fitsPage(data)
}

// Message is a message before it is written.
type Message = message

// Enqueue writes messages in one Update that ends with the error.
func (b *Broker) Enqueue(ctx context.Context, end error, messages ...Message) (ids []string, err error) {
	_, err = b.store.Update(ctx, store.LanePartner, func(tx store.Tx) error {
		for _, msg := range messages {
			id, err := b.enqueue(tx, b.moment(), msg)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return end
	})
	return ids, err
}

// OutboxRow shows tests what is kept of a message.
func (b *Broker) OutboxRow(ctx context.Context, id string) (text string, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		row, err := b.messageNamed(r, id)
		text = fmt.Sprintf("%+v", row)
		return err
	})
	return text, err
}

// OutboxKeys are all keys of the outbox.
func (b *Broker) OutboxKeys(ctx context.Context) (keys []string, changed uint64, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		changed = r.Changed()
		return r.Scan(colOutbox, store.Range{}, func(k, _ []byte) (bool, error) {
			keys = append(keys, string(k))
			return true, nil
		})
	})
	return keys, changed, err
}

// PauseAfter and MaskedContact show tests what they are.
func PauseAfter(attempts int, chance float64) time.Duration { return pauseAfter(attempts, chance) }
func MaskedContact(email, phone string) string              { return maskedContact(email, phone) }

// ForgetMessages is what RunOutbox does first, and ExpireMessages what it does where
// nobody delivers.
func (b *Broker) ForgetMessages(ctx context.Context) error { return b.forgetMessages(ctx) }

func (b *Broker) ExpireMessages(ctx context.Context) error { return b.expireMessages(ctx) }

// ForgetDecided drops what was decided and built, so that the next answer is made from
// the store alone.
func (b *Broker) ForgetDecided() {
	b.decided.mu.Lock()
	defer b.decided.mu.Unlock()
	b.decided.kept, b.finished = nil, newFinishedCache(false)
}
