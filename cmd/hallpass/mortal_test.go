package main

import (
	"context"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// mortal serves the district in the first argument until it kills itself, with
// SIGKILL, at a step of its store: the number of it is the second argument. A third
// one takes a guard of the privacy budget away.
func mortal() {
	o := broker.Options{Store: func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			return nil, err
		}
		left, err := strconv.Atoi(os.Args[2])
		return &dying{Engine: e, left: left}, err
	}}
	o.Sabotage.FreeDraws = slices.Contains(os.Args[3:], "free_draws")
	o.Sabotage.GiveBack = slices.Contains(os.Args[3:], "give_back")
	sabotaged(o)
}

// dying is an engine whose process dies at a step of a writing transaction. Its steps
// are: it began, its changes were applied, it is about to commit, it has committed.
type dying struct {
	store.Engine

	mu   sync.Mutex
	left int // steps to live
}

const stepsOfUpdate = 4

func (e *dying) step() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it arrives
	}
}

func (e *dying) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := e.Engine.Begin(ctx, writable)
	if err != nil || !writable {
		return tx, err
	}
	e.step()
	return dyingTx{tx, e}, nil
}

type dyingTx struct {
	store.EngineTx
	engine *dying
}

func (t dyingTx) Apply(changes []store.Change) error {
	err := t.EngineTx.Apply(changes)
	t.engine.step()
	return err
}

func (t dyingTx) Commit() error {
	t.engine.step()
	err := t.EngineTx.Commit()
	t.engine.step()
	return err
}
