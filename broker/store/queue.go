package store

import (
	"context"
	"sync"
	"sync/atomic"
)

// request is one waiting Update. Who moves its state from waiting decides: the
// writer takes it, or its caller leaves.
type request struct {
	ctx   context.Context
	lane  Lane
	fn    func(Tx) error
	state atomic.Int32
	done  chan struct{} // closed when rev and err are final
	rev   uint64
	err   error
}

const (
	waiting = iota
	taken
	left
)

func (r *request) finish(rev uint64, err error) {
	r.rev, r.err = rev, err
	close(r.done)
}

// patience is how many groups may pass a waiting import.
const patience = 16

// queue holds waiting requests by lane, first come first served within one.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond
	lanes  [LaneWithdrawal + 1][]*request
	passed int   // groups that ran while an import waited
	closed error // what push returns once set
}

func newQueue() *queue {
	q := &queue{}
	q.filled.L = &q.mu
	return q
}

func (q *queue) push(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return q.closed
	}
	q.lanes[r.lane] = append(q.lanes[r.lane], r)
	q.filled.Signal()
	return nil
}

// close makes push return err; what waits stays. The first err stays too.
func (q *queue) close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed == nil {
		q.closed = err
	}
	q.filled.Signal()
}

// wait returns true when something waits, false when nothing will any more.
func (q *queue) wait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.empty() && q.closed == nil {
		q.filled.Wait()
	}
	return !q.empty()
}

func (q *queue) empty() bool {
	for _, lane := range q.lanes {
		if len(lane) > 0 {
			return false
		}
	}
	return true
}

// next takes the request that a group which has run so many runs next, or nil if
// the group is to be committed. An import is the only one of its group; behind a
// withdrawal (urgent) come only others.
func (q *queue) next(ran int, urgent bool) *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	lane := q.first(ran)
	if lane == 0 || urgent && lane != LaneWithdrawal {
		return nil
	}
	switch {
	case lane == LaneImport:
		q.passed = 0
	case ran == 0 && len(q.lanes[LaneImport]) > 0:
		q.passed++
	}
	return q.pop(lane)
}

// first returns the lane that is next, 0 for none.
func (q *queue) first(ran int) Lane {
	importing := ran == 0 && len(q.lanes[LaneImport]) > 0
	if importing && q.passed >= patience && len(q.lanes[LaneWithdrawal]) == 0 {
		return LaneImport
	}
	for lane := LaneWithdrawal; lane > LaneImport; lane-- {
		if len(q.lanes[lane]) > 0 {
			return lane
		}
	}
	if importing {
		return LaneImport
	}
	return 0
}

func (q *queue) pop(lane Lane) *request {
	r := q.lanes[lane][0]
	q.lanes[lane][0] = nil
	q.lanes[lane] = q.lanes[lane][1:]
	return r
}

// all takes everything that waits.
func (q *queue) all() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []*request
	for lane := LaneWithdrawal; lane >= LaneImport; lane-- {
		list = append(list, q.lanes[lane]...)
		q.lanes[lane] = nil
	}
	return list
}
