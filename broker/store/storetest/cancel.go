package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func aCancelledUpdateDoesNotRun(t *testing.T, o Opener) {
	bubble(t, func(t *testing.T) {
		s := o.open(t)
		gone, cancelGone := context.WithCancel(t.Context())
		cancelGone()
		never := func(store.Tx) error { t.Error("it ran"); return nil }
		if _, err := s.Update(gone, store.LanePartner, never); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
		if err := s.View(gone, func(store.Reader) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("a view cancelled before: %v", err)
		}
		release := occupy(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.Update(ctx, store.LanePartner, never)
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) { // although the writer is still busy
			t.Errorf("cancelled while it waited: %v", err)
		}
		release()
		if s.Rev() != 1 {
			t.Errorf("revision %d, want 1", s.Rev())
		}
	})
}

func aRunUpdateWaits(t *testing.T, o Opener) {
	s := o.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	rev, err := s.Update(ctx, store.LanePartner, func(tx store.Tx) error {
		cancel()
		return tx.Put(letters, []byte("k"), []byte("v"))
	})
	if rev != 1 || err != nil || read(t, s, letters, "k") != "v" {
		t.Errorf("cancelled while it ran: revision %d, %v", rev, err)
	}
}

func closingDrains(t *testing.T, o Opener) {
	bubble(t, func(t *testing.T) {
		e := o.Open(t)
		s := over(t, e, store.Options{})
		release := occupy(t, s)
		var all sync.WaitGroup
		for _, lane := range []store.Lane{store.LaneImport, store.LanePartner, store.LaneImport} {
			all.Go(func() {
				if _, err := s.Update(context.Background(), lane, put(letters, "k", "v")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		if _, err := s.Update(t.Context(), store.LanePartner, put(letters, "late", "v")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("an update after Close: %v", err)
		}
		release()
		all.Wait()
		if err := errors.Join(<-closed, s.Close()); err != nil {
			t.Error(err)
		}
		if err := s.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
			t.Errorf("a view after Close: %v", err)
		}
		if s.Failed() != nil {
			t.Errorf("closing is called a failure: %v", s.Failed())
		}
		if s = o.again(t, s, e); s.Rev() != 4 {
			t.Errorf("revision %d, want all four", s.Rev())
		}
	})
}
