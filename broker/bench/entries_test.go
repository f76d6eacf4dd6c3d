package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// writers is how many callers record at once.
const writers = 64

// entrySize is how many bytes an entry adds to the store: leaf, sealed entry
// and two hashes with their keys. The peer appends as many.
const entrySize = 800

// appender appends a record to a file and makes it durable, one after another.
func appender(t testing.TB, dir string, size int) func() {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "appended"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	one := make([]byte, size)
	return func() {
		if _, err := f.Write(one); err != nil {
			t.Fatal(err)
		}
		if err := datasync(f); err != nil {
			t.Fatal(err)
		}
	}
}

// record leaves entries from many goroutines at once, each by the leanest
// operation that leaves one: that of a token which was signed for somebody
// else. Each is sealed, hashed into the tree, durable and under a signed
// checkpoint when it returns.
func (d *district) record(n, callers int) {
	d.t.Helper()
	var (
		group sync.WaitGroup
		left  atomic.Int64
	)
	left.Store(int64(n))
	for range callers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := d.RecordMisdirected(d.t.Context(), partnerOf("north-star"), "expired"); err != nil {
					d.t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func benchEntries(t *testing.T) outcome {
	const ours, theirs = 40_000, 10_000
	l := line{bench: "durable, hashed, signed entries, 64 writers", peer: "append + fdatasync, one after another, same disk", goal: 4, stretch: 10}
	dir := t.TempDir()
	at := noon(sample.Generate(sample.Options{Students: 1, Schools: 1}))
	counted := &commits{}
	d := openDistrict(t, initDistrict(t, dir, at), at, counted.option)
	bare := appender(t, dir, entrySize)
	before := counted.n.Load()
	o := l.measure(t,
		func() side { return timed(ours, func() { d.record(ours, writers) }) },
		func() side {
			return timed(theirs, func() {
				for range theirs {
					bare()
				}
			})
		})
	groups := counted.n.Load() - before
	o.notes = append(o.notes, fmt.Sprintf("%.0f entries a commit; a commit makes two fdatasyncs; the peer appends %d bytes", float64((rounds+1)*ours)/float64(groups), entrySize))
	return o
}

// commits counts the groups that a store makes durable.
type commits struct{ n atomic.Int64 }

// option opens the store through the counter.
func (c *commits) option(o *broker.Options) {
	o.Store = func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		return countingEngine{e, c}, err
	}
}

type countingEngine struct {
	store.Engine
	counted *commits
}

func (e countingEngine) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := e.Engine.Begin(ctx, writable)
	return countingTx{tx, e.counted}, err
}

type countingTx struct {
	store.EngineTx
	counted *commits
}

func (t countingTx) Commit() error {
	t.counted.n.Add(1)
	return t.EngineTx.Commit()
}

// leastPerCommit is how many entries of 64 writers a commit takes at least, on
// average.
const leastPerCommit = 8

func TestManyEntriesShareACommit(t *testing.T) {
	t.Parallel()
	const n = 2_000
	at := noon(sample.Generate(sample.Options{Students: 1, Schools: 1}))
	counted := &commits{}
	d := openDistrict(t, initDistrict(t, inMemory(t), at), at, counted.option)
	before := counted.n.Load()
	d.record(n, writers)
	if groups := counted.n.Load() - before; groups*leastPerCommit > n {
		t.Errorf("%d entries of %d writers took %d commits, under %d entries each", n, writers, groups, leastPerCommit)
	}
}
