package storetest

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// journal is a collection that only tells what happened.
const journal store.Collection = "journal"

// writtenLast is the revision that the newest Update beside the journals wrote down.
func writtenLast(r store.Reader) (uint64, error) {
	value, err := r.Get(numbers, []byte("last"))
	if err != nil || value == nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

// changedAgrees lets many writers write to a journal, to more than that, or fail;
// in every snapshot Changed is the revision that was written down last.
func changedAgrees(t *testing.T, o Opener) {
	const writers, rounds = 8, 40
	e := o.Open(t)
	options := store.Options{Journals: []store.Collection{journal}}
	s := over(t, e, options)
	agrees := func(r store.Reader) error {
		last, err := writtenLast(r)
		if err == nil && r.Changed() != last {
			t.Errorf("at revision %d changed last at %d; Changed says %d", r.Rev(), last, r.Changed())
		}
		return err
	}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range rounds {
				kind := (w*7 + i*5) % 4
				_, err := s.Update(context.Background(), store.LanePartner, func(tx store.Tx) error { return leave(tx, kind, agrees) })
				if (err != nil) != (kind == fails) {
					t.Errorf("kind %d: %v", kind, err)
				}
				if err := s.View(context.Background(), agrees); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := over(t, o.Reopen(t, e), options).View(t.Context(), agrees); err != nil {
		t.Error(err)
	}
}

// The kinds of Updates of changedAgrees.
const (
	toldOnly = iota
	toldAndChanged
	changedOnly
	fails
)

func leave(tx store.Tx, kind int, agrees func(store.Reader) error) error {
	if err := agrees(tx); err != nil {
		return err
	}
	told := kind == toldOnly || kind == toldAndChanged
	if told {
		if err := tx.Put(journal, binary.BigEndian.AppendUint64(nil, tx.Rev()), nil); err != nil {
			return err
		}
		if err := agrees(tx); err != nil { // a journal moves nothing
			return err
		}
	}
	if kind == toldOnly {
		return nil
	}
	if err := tx.Put(numbers, []byte("last"), binary.BigEndian.AppendUint64(nil, tx.Rev())); err != nil {
		return err
	}
	if err := agrees(tx); err != nil || kind != fails {
		return err
	}
	return errRefused
}
