package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hallpass-edu/hallpass/broker/store"
)

var errDisk = errors.New("the disk of the test failed")

// failing is an engine whose disk can fail: the transaction is then rolled back, as
// after a power cut.
type failing struct {
	store.Engine
	atBegin, atApply, atCommit atomic.Bool
}

func (f *failing) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	if writable && f.atBegin.Load() {
		return nil, errDisk
	}
	tx, err := f.Engine.Begin(ctx, writable)
	return failingTx{tx, f}, err
}

type failingTx struct {
	store.EngineTx
	engine *failing
}

func (t failingTx) Apply(changes []store.Change) error {
	if t.engine.atApply.Load() {
		return errDisk
	}
	return t.EngineTx.Apply(changes)
}

func (t failingTx) Commit() error {
	if t.engine.atCommit.Load() {
		return errDisk
	}
	return t.EngineTx.Commit()
}

func aFailedCommitSeals(t *testing.T, o Opener) {
	for _, at := range []string{"apply", "commit"} {
		bubble(t, func(t *testing.T) {
			e := &failing{Engine: o.Open(t)}
			s := over(t, e, store.Options{})
			mustUpdate(t, s, put(letters, "before", "1"))
			gate := make(chan struct{})
			errs := make([]error, 4)
			var all sync.WaitGroup
			for i, lane := range []store.Lane{store.LanePartner, store.LanePartner, store.LaneImport, store.LaneImport} {
				all.Go(func() {
					_, errs[i] = s.Update(context.Background(), lane, func(tx store.Tx) error {
						<-gate
						return tx.Put(letters, []byte("lost"), []byte("1"))
					})
				})
			}
			synctest.Wait()
			e.atApply.Store(at == "apply")
			e.atCommit.Store(at == "commit")
			close(gate)
			all.Wait()
			_, late := s.Update(t.Context(), store.LaneWithdrawal, put(letters, "late", "1"))
			view := s.View(t.Context(), func(store.Reader) error { t.Error("the view ran"); return nil })
			for _, err := range append(errs, late, view, s.Failed()) {
				if !errors.Is(err, store.ErrSealed) || !errors.Is(err, errDisk) {
					t.Errorf("%s failed: a caller got %v", at, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Errorf("closing a sealed store: %v", err)
			}
			s = over(t, o.Reopen(t, e.Engine), store.Options{})
			if got := read(t, s, letters, "before") + read(t, s, letters, "lost"); got != "1absent" || s.Rev() != 1 {
				t.Errorf("reopened: %s at revision %d", got, s.Rev())
			}
		})
	}
}

func aFailedBeginSealsNothing(t *testing.T, o Opener) {
	e := &failing{Engine: o.Open(t)}
	s := over(t, e, store.Options{})
	e.atBegin.Store(true)
	if _, err := s.Update(t.Context(), store.LanePartner, put(letters, "k", "1")); !errors.Is(err, errDisk) || errors.Is(err, store.ErrSealed) {
		t.Errorf("a failed begin gave %v", err)
	}
	e.atBegin.Store(false)
	if rev := mustUpdate(t, s, put(letters, "k", "2")); rev != 1 || s.Failed() != nil {
		t.Errorf("then: revision %d, %v", rev, s.Failed())
	}
}

// acknowledgingEarlyLoses is the sabotage of the promise that an acknowledged update
// is durable: with the guard it holds, without it the same failure breaks it.
func acknowledgingEarlyLoses(t *testing.T, o Opener) {
	for _, early := range []bool{false, true} {
		e := &failing{Engine: o.Open(t)}
		s := over(t, e, store.Options{Sabotage: store.Sabotage{AckBeforeCommit: early}})
		e.atCommit.Store(true)
		_, err := s.Update(t.Context(), store.LanePartner, put(letters, "k", "v"))
		acknowledged := err == nil
		s.Close()
		s = over(t, o.Reopen(t, e.Engine), store.Options{})
		kept := read(t, s, letters, "k") == "v"
		if lost := acknowledged && !kept; lost != early {
			t.Errorf("acknowledging early %v: acknowledged %v, kept %v", early, acknowledged, kept)
		}
	}
}
