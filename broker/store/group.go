package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// A group takes at most so many Updates, and no more once its writes are so large.
const (
	groupUpdates = 1024
	groupBytes   = 64 << 20
)

// The revisions live under one key of a collection that no caller can name.
const head Collection = "~head"

var revKey = []byte("rev") // never changed

// revisions are the newest of a snapshot, and the newest of those that wrote to more
// than the journals.
type revisions struct{ rev, changed uint64 }

func (r revisions) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.rev), r.changed)
}

// group is the writer's work in hand. It lives on the Store, not on a stack, so
// that a new goroutine can go on with it.
type group struct {
	tx       EngineTx
	base     uint64 // the revision before it
	changed  uint64 // the newest revision that wrote to more than the journals
	journals []Collection
	full     *atomic.Bool // the Store's
	ran      int
	urgent   bool       // a withdrawal is in it: nothing of another lane joins any more
	writes   *overlay   // of the Updates that succeeded
	own      *overlay   // of the Update that runs
	done     []*request // that succeeded, in order: the i-th has revision base+1+i
	failed   []failure  // after others had succeeded
}

// A failure is an Update that failed and may have done so for what others of its
// group wrote. Its caller is told when that is durable and can be seen, so that
// who tries again at once meets it.
type failure struct {
	*request
	err error
}

// write is the one writer. It ends when the queue is closed and empty. A Goexit in
// an Update's function ends its goroutine too; another then goes on with the group.
func (s *Store) write() {
	finished := false
	defer func() {
		if !finished {
			go s.write()
		}
	}()
	for s.group != nil || s.begin() {
		g := s.group
		for s.fill(g) > 0 && !g.urgent {
			runtime.Gosched() // whoever is about to join may: a commit costs the same for many
		}
		s.group = nil
		s.commit(g)
	}
	finished = true
	close(s.stopped)
}

// fill runs what waits, and returns how many it ran.
func (s *Store) fill(g *group) (n int) {
	for r := s.take(g); r != nil; r = s.take(g) {
		g.run(r)
		n++
	}
	return n
}

// begin waits for work and opens the group that does it.
func (s *Store) begin() bool {
	for s.queue.wait() {
		tx, at, err := begin(context.Background(), s.engine, true)
		if err == nil {
			s.group = &group{tx: tx, base: at.rev, changed: at.changed, journals: s.options.Journals, full: &s.full, writes: newOverlay(), own: newOverlay()}
			return true
		}
		s.refuse(s.queue.all(), err) // nothing was written
	}
	return false
}

// begin opens a transaction and reads the revisions in it.
func begin(ctx context.Context, e Engine, writable bool) (EngineTx, revisions, error) {
	tx, err := e.Begin(ctx, writable)
	if err != nil {
		return nil, revisions{}, fmt.Errorf("beginning a transaction: %w", err)
	}
	value, err := tx.Get(head, revKey)
	switch {
	case err == nil && value == nil:
		return tx, revisions{}, nil
	case err == nil && len(value) == 16:
		return tx, revisions{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}, nil
	case err == nil:
		err = fmt.Errorf("%w: its revision", ErrCorrupt)
	}
	return nil, revisions{}, fmt.Errorf("reading the revision: %w", errors.Join(err, tx.Rollback()))
}

// take returns the next request that is still wanted, or nil when the group is full
// or nothing waits.
func (s *Store) take(g *group) *request {
	for g.ran < groupUpdates && g.writes.bytes < groupBytes {
		r := s.queue.next(g.ran, g.urgent)
		if r == nil {
			return nil
		}
		if !r.state.CompareAndSwap(waiting, taken) {
			continue // its caller has left
		}
		if err := r.ctx.Err(); err != nil {
			r.finish(0, err)
			continue
		}
		g.ran++
		g.urgent = g.urgent || r.lane == LaneWithdrawal
		if r.lane == LaneImport {
			g.ran = groupUpdates
		}
		return r
	}
	return nil
}

// run runs one Update's function and keeps its writes if it succeeds. After a
// Goexit only the deferred part runs.
func (g *group) run(r *request) {
	tx := &updateTx{
		reads: layer{base: layer{base: g.tx, writes: g.writes}, writes: g.own},
		own:   g.own,
		at:    revisions{g.rev() + 1, g.changed}, journals: g.journals,
	}
	err := ErrGoexit
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Type: fmt.Sprintf("%T", v), Stack: debug.Stack()}
		}
		tx.ended = true
		if err != nil {
			g.own.reset()
			if len(g.done) == 0 {
				r.finish(0, err)
				return
			}
			g.failed = append(g.failed, failure{r, err})
			return
		}
		g.changed = tx.Changed()
		g.writes.absorb(g.own)
		g.done = append(g.done, r)
	}()
	if err = r.fn(tx); err == nil {
		err = tx.err
	}
	if err == nil || errors.Is(err, errAsked) {
		err = cmp.Or(g.fits(r.lane), err)
	}
}

// fits asks the engine whether the group still finds its room on the disk with what
// the Update that ran has written. Withdrawals may use up what is held in reserve.
func (g *group) fits(lane Lane) error {
	sized, ok := g.tx.(Sized)
	if !ok {
		return nil
	}
	writes, bytes := g.writes.count()+g.own.count(), g.writes.bytes+g.own.bytes
	err := sized.Fits(writes, bytes, false)
	g.full.Store(err != nil)
	if err != nil && lane == LaneWithdrawal {
		err = sized.Fits(writes, bytes, true)
	}
	return err
}

// commit makes the group durable and answers its callers.
func (s *Store) commit(g *group) {
	if len(g.done) == 0 {
		if err := g.tx.Rollback(); err != nil {
			s.seal(nil, fmt.Errorf("rolling back: %w", err))
		}
		return
	}
	callers := g.done
	if s.options.Sabotage.AckBeforeCommit {
		g.acknowledge(callers)
		callers = nil
	}
	for _, f := range g.failed {
		callers = append(callers, f.request)
	}
	if err := g.store(); err != nil {
		s.seal(callers, errors.Join(err, g.tx.Rollback()))
		return
	}
	s.rev.Store(g.rev())
	if s.options.OnCommit != nil {
		s.options.OnCommit(g.rev())
	}
	if !s.options.Sabotage.AckBeforeCommit {
		g.acknowledge(g.done)
	}
	for _, f := range g.failed {
		f.finish(0, f.err)
	}
}

// store applies and commits everything at once.
func (g *group) store() error {
	g.writes.set(head, Write{Key: revKey, Value: revisions{g.rev(), g.changed}.encode()})
	if err := g.tx.Apply(g.writes.changes()); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	if err := g.tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// rev is the revision of the group's last Update.
func (g *group) rev() uint64 { return g.base + uint64(len(g.done)) }

func (g *group) acknowledge(callers []*request) {
	for i, r := range callers {
		r.finish(g.base+1+uint64(i), nil)
	}
}
