package bolt

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// Engine is an open bbolt file. It implements store.Engine.
type Engine struct {
	db      *bbolt.DB
	path    string
	options Options
	seeds   seeds
	room    room        // of the writer
	stuck   atomic.Bool // a write transaction could not be ended: closing would wait forever
}

// Path returns the path of the file, also after Close.
func (e *Engine) Path() string { return e.path }

// Begin opens a transaction.
func (e *Engine) Begin(ctx context.Context, writable bool) (_ store.EngineTx, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer shield(&err)()
	t, err := e.db.Begin(writable)
	if err != nil {
		return nil, err
	}
	return &tx{engine: e, bolt: t, buckets: make([]bucket, 0, fewBuckets)}, nil
}

// Close waits for open transactions and closes the file.
func (e *Engine) Close() (err error) {
	if e.stuck.Load() {
		return errors.New("bolt: a failed transaction holds the file until the program ends")
	}
	defer shield(&err)()
	return e.db.Close()
}

// tx is one transaction. Like bbolt's it belongs to one goroutine at a time.
type tx struct {
	engine  *Engine
	bolt    *bbolt.Tx
	buckets []bucket // those that were used
}

// fewBuckets is how many a request's transaction names.
const fewBuckets = 10

// bucket is a collection's bucket, nil if it is absent, with its seed.
type bucket struct {
	*bbolt.Bucket
	of    store.Collection
	seed  seed
	finds *bbolt.Cursor // of all the transaction's Gets: a cursor keeps its path's memory
}

// find returns what is stored under a key, or nil.
func (b bucket) find(key []byte) []byte {
	if found, stored := b.finds.Seek(key); bytes.Equal(found, key) {
		return stored
	}
	return nil
}

func (t *tx) bucket(c store.Collection) bucket {
	for i := range t.buckets {
		if t.buckets[i].of == c {
			return t.buckets[i]
		}
	}
	return t.keep(t.bolt.Bucket([]byte(c)), c)
}

// keep remembers a bucket, also one that was absent before.
func (t *tx) keep(opened *bbolt.Bucket, c store.Collection) bucket {
	b := bucket{Bucket: opened, of: c, seed: t.engine.seeds.of(c)}
	if opened != nil {
		b.finds = opened.Cursor()
	}
	for i := range t.buckets {
		if t.buckets[i].of == c {
			t.buckets[i] = b
			return b
		}
	}
	t.buckets = append(t.buckets, b)
	return b
}

func (t *tx) open(b bucket, c store.Collection, key, stored []byte) ([]byte, error) {
	value, ok := b.seed.unpack(key, stored)
	if !ok && !t.engine.options.Sabotage.NoSums {
		return nil, damaged("a pair of collection " + string(c) + " does not match its checksum")
	}
	return value, nil
}

// Get shields itself by hand: a closure for each of a request's many Gets would
// have to be collected.
func (t *tx) Get(c store.Collection, key []byte) (value []byte, err error) {
	faults := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(faults)
		recovered(&err, recover())
	}()
	b := t.bucket(c)
	if b.Bucket == nil {
		return nil, nil
	}
	stored := b.find(key)
	if stored == nil {
		return nil, nil
	}
	return t.open(b, c, key, stored)
}

// Scan leaves a panic of fn alone: only bbolt's own are damage.
func (t *tx) Scan(c store.Collection, r store.Range, fn func(k, v []byte) (bool, error)) (err error) {
	calling := false
	faults := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(faults)
		if !calling {
			recovered(&err, recover())
		}
	}()
	b := t.bucket(c)
	if b.Bucket == nil {
		return nil
	}
	w := walk{cursor: b.Cursor(), reverse: r.Reverse}
	w.low, w.high = r.Bounds()
	n := 0
	for key, stored := w.first(); w.holds(key); key, stored = w.next() {
		value, err := t.open(b, c, key, stored)
		if err != nil {
			return err
		}
		calling = true
		more, err := fn(key, value)
		calling = false
		if n++; err != nil || !more || n == r.Limit {
			return err
		}
	}
	return nil
}

// walk moves over the keys of an interval.
type walk struct {
	cursor    *bbolt.Cursor
	low, high []byte
	reverse   bool
}

func (w *walk) first() (key, stored []byte) {
	switch {
	case !w.reverse:
		return w.cursor.Seek(w.low)
	case w.high != nil:
		if key, _ := w.cursor.Seek(w.high); key != nil {
			return w.cursor.Prev()
		}
	}
	return w.cursor.Last()
}

func (w *walk) next() (key, stored []byte) {
	if w.reverse {
		return w.cursor.Prev()
	}
	return w.cursor.Next()
}

func (w *walk) holds(key []byte) bool {
	if key == nil || w.reverse && bytes.Compare(key, w.low) < 0 {
		return false
	}
	return w.reverse || w.high == nil || bytes.Compare(key, w.high) < 0
}

func (t *tx) Rollback() (err error) {
	defer func() {
		if errors.Is(err, store.ErrTxDone) {
			err = nil
		}
		if err != nil && t.bolt.Writable() {
			t.engine.stuck.Store(true)
		}
	}()
	defer shield(&err)()
	return t.bolt.Rollback()
}

func (t *tx) Commit() (err error) {
	defer shield(&err)()
	return t.bolt.Commit()
}
