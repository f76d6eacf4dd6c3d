package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Options of a store; the zero value is right for most.
type Options struct {
	// Journals are collections that only tell what happened, like a log. Writing to
	// them does not move Reader.Changed.
	Journals []Collection
	// OnCommit is called by the writer after each durable group, with the newest
	// revision, before the callers of that group are answered: when an Update
	// returns, OnCommit has been called for it. Everything waits for it, so it
	// must be quick, and it must not call the store.
	OnCommit func(rev uint64)
	// Sabotage removes guards, for tests that prove that the guards are needed.
	Sabotage Sabotage
}

// Sabotage removes a store's guards. Only tests set it.
type Sabotage struct {
	AckBeforeCommit bool // answer the callers before the commit
}

// Store is a district's data over one engine. Its methods may be called by any
// number of goroutines.
type Store struct {
	engine  Engine
	options Options
	queue   *queue
	group   *group // the writer's own
	rev     atomic.Uint64
	full    atomic.Bool           // the newest Update found the reserve of the disk not whole
	ended   atomic.Pointer[error] // why no more calls are served
	stopped chan struct{}         // closed when the writer has ended
	close   func() error
}

// Open returns a store over an engine, which belongs to it from then on, also
// when Open fails.
func Open(e Engine, o Options) (*Store, error) {
	tx, at, err := begin(context.Background(), e, false)
	full := false
	if err == nil {
		sized, ok := tx.(Sized)
		full = ok && sized.Fits(0, 0, false) != nil
		err = tx.Rollback()
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	s := &Store{engine: e, options: o, queue: newQueue(), stopped: make(chan struct{})}
	s.rev.Store(at.rev)
	s.full.Store(full)
	s.close = sync.OnceValue(s.drain)
	go s.write()
	return s, nil
}

// errAsked is what an Update returns that only asks for room.
var errAsked = errors.New("store: nothing is to be written")

func (s *Store) ask(ctx context.Context) error {
	_, err := s.Update(ctx, LaneOfficer, func(Tx) error { return errAsked })
	if errors.Is(err, errAsked) {
		return nil
	}
	return err
}

// Room returns nil when Updates of every lane find room on the disk, and while only
// withdrawals do an error that wraps ErrFull. Once the disk was full it looks again
// at each call, and takes the engine's reserve back if it can.
func (s *Store) Room(ctx context.Context) error {
	if !s.full.Load() {
		return nil
	}
	return s.ask(ctx)
}

// Update runs fn in a transaction and returns, after that is durable, the revision
// which it made. If fn returns an error, panics or calls runtime.Goexit, nothing of
// it stays, the revision does not move, and Update returns that error, a
// *PanicError or ErrGoexit.
//
// fn runs at most once, in the writer's goroutine while everyone else waits: seal,
// hash and encode before. It must not call the store.
//
// A context that ends before fn has run skips it, and Update returns ctx.Err(). Once
// fn runs, the context has no say: Update waits for the outcome of the commit.
func (s *Store) Update(ctx context.Context, lane Lane, fn func(Tx) error) (rev uint64, err error) {
	if !lane.valid() {
		return 0, ErrLane
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r := &request{ctx: ctx, lane: lane, fn: fn, done: make(chan struct{})}
	if err := s.queue.push(r); err != nil {
		return 0, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, left) {
			return 0, ctx.Err()
		}
		<-r.done
	}
	return r.rev, r.err
}

// View runs fn over one snapshot and returns its error. Views never wait for the
// writer.
//
// A snapshot may hold a group that is being made durable at this moment and is
// acknowledged to nobody yet; what leaves the house on its strength must be
// recorded by an Update first, which cannot succeed if that commit fails. If it
// fails while fn runs, View returns ErrSealed.
//
// fn must not call the store, nor wait for anything slow: an open snapshot makes
// the file grow.
func (s *Store) View(ctx context.Context, fn func(Reader) error) error {
	if err := s.refusal(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, at, err := begin(ctx, s.engine, false)
	if err != nil {
		return err
	}
	if err := look(&viewTx{engine: tx, at: at}, fn); err != nil {
		return err
	}
	return s.Failed()
}

// look runs fn and ends the snapshot, whatever fn does.
func look(t *viewTx, fn func(Reader) error) (err error) {
	defer func() {
		t.ended = true
		if rollback := t.engine.Rollback(); err == nil {
			err = rollback
		}
	}()
	return fn(t)
}

// Rev returns the newest revision that is durable.
func (s *Store) Rev() uint64 { return s.rev.Load() }

// Failed returns nil while the store works, and once a commit has failed an error
// that wraps ErrSealed and the cause.
func (s *Store) Failed() error {
	if err := s.refusal(); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// Close lets the Updates that wait run, waits for open Views, and closes the engine.
// Later calls return ErrClosed. Closing twice is the same as once.
func (s *Store) Close() error { return s.close() }

func (s *Store) drain() error {
	s.queue.close(ErrClosed)
	<-s.stopped
	closed := ErrClosed
	s.ended.CompareAndSwap(nil, &closed)
	return s.engine.Close()
}

// refusal returns why calls are no longer served, or nil.
func (s *Store) refusal() error {
	if err := s.ended.Load(); err != nil {
		return *err
	}
	return nil
}

// seal makes the store fail-stop and answers all who wait, first those of the group
// whose commit failed.
func (s *Store) seal(group []*request, cause error) {
	err := sealed(cause)
	s.ended.CompareAndSwap(nil, &err)
	s.queue.close(err)
	s.refuse(group, err)
	s.refuse(s.queue.all(), err)
}

func (s *Store) refuse(list []*request, err error) {
	for _, r := range list {
		if r.state.Load() == taken || r.state.CompareAndSwap(waiting, taken) {
			r.finish(0, err)
		}
	}
}
