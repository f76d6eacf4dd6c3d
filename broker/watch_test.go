package broker_test

import (
	"context"
	"sync"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// watch tells a test when the broker has opened a snapshot and when it has
// committed.
type watch struct {
	mu        sync.Mutex
	opened    func()
	committed func()
}

// on sets what is called; nil calls nothing.
func (w *watch) on(opened, committed func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened, w.committed = opened, committed
}

func (w *watch) call(which func(*watch) func()) {
	w.mu.Lock()
	fn := which(w)
	w.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// option opens the store under the watch.
func (w *watch) option(o *broker.Options) {
	o.Store = func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			return nil, err
		}
		return watched{e, w}, nil
	}
}

type watched struct {
	store.Engine
	w *watch
}

func (e watched) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := e.Engine.Begin(ctx, writable)
	if err != nil {
		return nil, err
	}
	if !writable {
		e.w.call(func(w *watch) func() { return w.opened })
	}
	return watchedTx{tx, e.w, writable}, nil
}

type watchedTx struct {
	store.EngineTx
	w        *watch
	writable bool
}

func (t watchedTx) Commit() error {
	if err := t.EngineTx.Commit(); err != nil || !t.writable {
		return err
	}
	t.w.call(func(w *watch) func() { return w.committed })
	return nil
}
