package main

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// premature serves a district as hallpass serve does, but makes a data version
// count before its parts are staged: the sabotage that the test of families
// must notice.
func premature() {
	sabotaged(broker.Options{Store: func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		return &lateParts{Engine: e, waiting: map[store.Collection][]store.Write{}}, err
	}})
}

// lateParts keeps the parts of a data version back until the version counts,
// and writes them before whatever is written next.
type lateParts struct {
	store.Engine

	mu      sync.Mutex
	counts  bool // the version whose parts wait
	waiting map[store.Collection][]store.Write
}

func isPart(c store.Collection) bool { return c == "pages" || c == "segments" }

func (e *lateParts) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	if writable {
		if err := e.catchUp(ctx); err != nil {
			return nil, err
		}
	}
	tx, err := e.Engine.Begin(ctx, writable)
	return lateTx{tx, e}, err
}

// catchUp writes what waited for a version that counts now.
func (e *lateParts) catchUp(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.counts {
		return nil
	}
	tx, err := e.Engine.Begin(ctx, true)
	if err != nil {
		return err
	}
	var changes []store.Change
	for c, writes := range e.waiting {
		changes = append(changes, store.Change{Collection: c, Writes: writes})
	}
	if err := tx.Apply(changes); err != nil {
		return err
	}
	e.counts = false
	clear(e.waiting)
	return tx.Commit()
}

type lateTx struct {
	store.EngineTx
	engine *lateParts
}

func (t lateTx) Apply(changes []store.Change) error {
	t.engine.mu.Lock()
	defer t.engine.mu.Unlock()
	var now []store.Change
	for _, c := range changes {
		if !isPart(c.Collection) {
			now = append(now, c)
			t.engine.counts = t.engine.counts || c.Collection == "manifests"
			continue
		}
		for _, w := range c.Writes {
			w.Key, w.Value = bytes.Clone(w.Key), bytes.Clone(w.Value)
			t.engine.waiting[c.Collection] = append(t.engine.waiting[c.Collection], w)
		}
	}
	return t.EngineTx.Apply(now)
}

func (t lateTx) Get(c store.Collection, key []byte) ([]byte, error) {
	t.engine.mu.Lock()
	defer t.engine.mu.Unlock()
	i := slices.IndexFunc(t.engine.waiting[c], func(w store.Write) bool { return bytes.Equal(w.Key, key) })
	if i >= 0 {
		return t.engine.waiting[c][i].Value, nil
	}
	return t.EngineTx.Get(c, key)
}
