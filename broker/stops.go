package broker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// A stop is an act that may close rows, kept so that it can be done again in a
// store that was restored from a copy made before it. Stops are numbered within
// an epoch, which begins with the district and with each restoration, and each one's
// chain commits to all before it. They stand in the store, in the transaction of
// their act, and are copied to the withdrawal journal before the act is acknowledged.
type stop struct {
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`   // from 1 within the epoch
	Index uint64 `json:"index"` // of the act's entry in the log of its time
	Box   []byte `json:"box"`   // sealed stopAct
	Chain []byte `json:"chain"` // SHA-256 of the chain before it and of the rest
}

// stopAct is what a stop does again.
type stopAct struct {
	Op      stopOp         `json:"op"`
	ID      string         `json:"id,omitzero"` // of what the act changed or made
	Caller  Caller         `json:"caller"`
	Request jsontext.Value `json:"request"`
}

// stopOp names the operation of a stop.
type stopOp string

const (
	stopWithdraw      stopOp = "withdraw"
	stopInvalidate    stopOp = "invalidate"
	stopAnswer        stopOp = "answer" // a no, a wish to talk, or a yes that may be narrower than one before
	stopRestrict      stopOp = "restrict"
	stopLift          stopOp = "lift"
	stopHolder        stopOp = "holder"
	stopPostsecondary stopOp = "postsecondary"
	stopCase          stopOp = "case"
	stopDuplicate     stopOp = "duplicate"
	stopPartner       stopOp = "partner"
	stopBan           stopOp = "ban"
	stopTokens        stopOp = "tokens"
	stopAgreement     stopOp = "agreement"
)

// standsAlone reports whether the act must be done even where the store knows
// nothing of what it is about: a word on a student or partner that a later load
// brings back. The others only end what is there.
func (o stopOp) standsAlone() bool {
	switch o {
	case stopAnswer, stopRestrict, stopHolder, stopPostsecondary, stopCase, stopDuplicate, stopBan:
		return true
	}
	return false
}

func (c stop) key() []byte { return key(c.Epoch, c.Seq) }

// chained returns the chain of the stop behind another chain.
func (c stop) chained(before []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(binary.BigEndian.AppendUint64(key(c.Epoch, c.Seq), c.Index))
	h.Write(c.Box)
	return h.Sum(nil)
}

var stops = table[stop]{colStops}

var stopAAD = []byte("stops")

// sealStop seals what an act is to do again. The key is one that every store of
// the district has from its first day, also an old copy.
func (b *Broker) sealStop(a act) ([]byte, error) {
	if a.again == "" {
		return nil, nil
	}
	request, err := json.Marshal(a.request, json.Deterministic(true))
	if err != nil {
		return nil, internal(err)
	}
	c := a.caller
	plain, err := json.Marshal(stopAct{a.again, a.id, Caller{Subject: c.Subject, Role: c.Role, Partner: c.Partner}, request})
	if err != nil {
		return nil, internal(err)
	}
	return b.vault.Seal(districtKey, stopAAD, plain)
}

func (b *Broker) openStop(c stop) (a stopAct, err error) {
	plain, err := b.vault.Open(districtKey, stopAAD, c.Box)
	if err != nil {
		return a, fmt.Errorf("opening line %d of epoch %d: %w", c.Seq, c.Epoch, err)
	}
	return a, json.Unmarshal(plain, &a)
}

// lastStop is the newest of an epoch; its zero value before the first.
func lastStop(r store.Reader, epoch uint64) (last stop, err error) {
	last.Epoch = epoch
	err = r.Scan(colStops, store.Range{Prefix: key(epoch), Reverse: true, Limit: 1}, func(_, raw []byte) (bool, error) {
		return false, json.Unmarshal(raw, &last)
	})
	return last, err
}

// putStop keeps a new stop of the present epoch, or, where the act does a
// journal's one again, that one itself: so each is done once.
func putStop(ctx context.Context, tx store.Tx, box []byte, index uint64) error {
	if again := replayed(ctx); again != nil {
		return adopt(tx, again.stop)
	}
	epoch, err := number(tx, colHead, key(headEpoch))
	if err != nil {
		return err
	}
	last, err := lastStop(tx, epoch)
	if err != nil {
		return err
	}
	next := stop{Epoch: epoch, Seq: last.Seq + 1, Index: index, Box: box}
	next.Chain = next.chained(last.Chain)
	return stops.put(tx, next.key(), next)
}

var errOtherJournal = errors.New("the journal does not continue this store's own: it is another district's, or lines of it were changed or lost")

// adopt keeps a journal's stop behind the last of its epoch; one that is there
// already stays.
func adopt(tx store.Tx, c stop) error {
	last, err := lastStop(tx, c.Epoch)
	switch {
	case err != nil:
		return err
	case c.Seq <= last.Seq:
		return nil
	case c.Seq != last.Seq+1 || !bytes.Equal(c.Chain, c.chained(last.Chain)):
		return errOtherJournal
	}
	return stops.put(tx, c.key(), c)
}

// replaying is a stop that is being done again.
type replaying struct {
	stop
	act stopAct
}

type replayKey struct{}

func replayed(ctx context.Context) *replaying {
	again, _ := ctx.Value(replayKey{}).(*replaying)
	return again
}

// idFor returns a fresh id of a kind, or that which the act gave when it was first
// done, so that later ones find it.
func idFor(ctx context.Context, kind string) (string, error) {
	if again := replayed(ctx); again != nil {
		return again.act.ID, nil
	}
	return newID(kind, "")
}
