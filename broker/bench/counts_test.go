package bench_test

import (
	"context"
	"sync/atomic"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// counts are what a district does to its store. hold, if there is one, is
// called once, before the next commit.
type counts struct {
	commits, gets atomic.Int64
	hold          atomic.Pointer[func()]
}

// option opens the store through the counter.
func (c *counts) option(o *broker.Options) {
	o.Store = func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		return countedEngine{e, c}, err
	}
}

type countedEngine struct {
	store.Engine
	counts *counts
}

func (e countedEngine) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := e.Engine.Begin(ctx, writable)
	return countedTx{tx, e.counts}, err
}

type countedTx struct {
	store.EngineTx
	counts *counts
}

func (t countedTx) Get(c store.Collection, key []byte) ([]byte, error) {
	t.counts.gets.Add(1)
	return t.EngineTx.Get(c, key)
}

func (t countedTx) Commit() error {
	if hold := t.counts.hold.Swap(nil); hold != nil {
		(*hold)()
	}
	t.counts.commits.Add(1)
	return t.EngineTx.Commit()
}
