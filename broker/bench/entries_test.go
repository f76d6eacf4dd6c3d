package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
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
	counted := &counts{}
	d := openDistrict(t, initDistrict(t, dir, anyDay), anyDay, counted.option)
	bare := appender(t, dir, entrySize)
	before := counted.commits.Load()
	o := l.measure(t,
		func() side { return timed(ours, func() { d.record(ours, writers) }) },
		func() side {
			return timed(theirs, func() {
				for range theirs {
					bare()
				}
			})
		})
	groups := counted.commits.Load() - before
	o.notes = append(o.notes, fmt.Sprintf("%.0f entries a commit; a commit makes two fdatasyncs; the peer appends %d bytes", float64((rounds+1)*ours)/float64(groups), entrySize))
	return o
}

// queued is a context that tells when its Update has joined the queue: only
// then is it asked for its end.
type queued struct {
	context.Context
	tell func()
}

func (q queued) Done() <-chan struct{} {
	q.tell()
	return q.Context.Done()
}

func TestAllWhoWaitShareTheNextCommit(t *testing.T) {
	t.Parallel()
	counted := &counts{}
	d := openDistrict(t, initDistrict(t, inMemory(t), anyDay), anyDay, counted.option)
	var group, waiting sync.WaitGroup
	record := func(ctx context.Context) {
		group.Go(func() {
			if err := d.RecordMisdirected(ctx, partnerOf("north-star"), "expired"); err != nil {
				t.Error(err)
			}
		})
	}
	held := func() { // the first commit begins: the others come and wait for it
		for range writers - 1 {
			waiting.Add(1)
			record(queued{t.Context(), sync.OnceFunc(waiting.Done)})
		}
		waiting.Wait()
	}
	counted.hold.Store(&held)
	before := counted.commits.Load()
	record(t.Context())
	group.Wait()
	if n := counted.commits.Load() - before; n != 2 {
		t.Errorf("%d entries, all but one while the first was being made durable, took %d commits, not 2", writers, n)
	}
}
