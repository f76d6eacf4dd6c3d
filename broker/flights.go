package broker

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
)

// ErrCut says that an answer may not leave any more: a family withdrew while
// it was on its way.
var ErrCut = errors.New("the answer was cut because a consent was withdrawn")

// flights is the table of answers on their way out, by agreement, and of the
// students who may not be in them any more.
type flights struct {
	mu      sync.Mutex
	aloft   map[string]map[*flight]struct{}
	denied  map[records.SID]int
	limit   time.Duration
	without bool // sabotage: no barrier
}

// flight is one answer on its way, from before its snapshot until its bytes
// are flushed. It names the students in its bytes in the Update that records it, when
// its stamp was found unmoved: what is recorded after a withdrawal cannot hold the
// child, so a flight that names nobody yet is nobody's to wait for.
type flight struct {
	table     *flights
	agreement string
	subjects  []records.SID
	landed    chan struct{}
	cut       func()
	stopped   bool
}

func newFlights(limit time.Duration, without bool) *flights {
	return &flights{
		aloft: map[string]map[*flight]struct{}{}, denied: map[records.SID]int{},
		limit: limit, without: without,
	}
}

// enter registers an answer before its snapshot is opened.
func (t *flights) enter(agreement string) *flight {
	f := &flight{table: t, agreement: agreement, landed: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.aloft[agreement] == nil {
		t.aloft[agreement] = map[*flight]struct{}{}
	}
	t.aloft[agreement][f] = struct{}{}
	return f
}

// board names the students in the bytes.
func (f *flight) board(subjects []records.SID) {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	f.subjects = subjects
}

// depart allows the bytes to be written, unless a student in them was denied
// meanwhile. cut must make a write that is running fail at once.
func (f *flight) depart(cut func()) error {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	if f.table.without {
		return nil
	}
	if f.stopped {
		return ErrCut
	}
	for _, s := range f.subjects {
		if f.table.denied[s] > 0 {
			return ErrCut
		}
	}
	f.cut = cut
	return nil
}

// land takes the answer out of the table; it may be called twice.
func (f *flight) land() {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	if _, ok := f.table.aloft[f.agreement][f]; !ok {
		return
	}
	delete(f.table.aloft[f.agreement], f)
	if len(f.table.aloft[f.agreement]) == 0 {
		delete(f.table.aloft, f.agreement)
	}
	close(f.landed)
}

// deny keeps a student out of every answer that has not departed; allow ends
// that once the store says so itself.
func (t *flights) deny(s records.SID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.denied[s]++
}

func (t *flights) allow(s records.SID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.denied[s]--; t.denied[s] <= 0 {
		delete(t.denied, s)
	}
}

// barrier returns when no byte of the students can leave any more in an answer of the
// agreements that was recorded before the call. What holds one of them and has not
// departed does not leave; what is being written is waited for, and after the limit it
// is cut.
func (t *flights) barrier(students []records.SID, agreements []string) {
	if t.without {
		return
	}
	pending := t.stop(students, agreements)
	if len(pending) == 0 {
		return
	}
	late := time.NewTimer(t.limit)
	defer late.Stop()
	for i, f := range pending {
		select {
		case <-f.landed:
		case <-late.C:
			t.cutAll(pending[i:])
			for _, f := range pending[i:] {
				<-f.landed
			}
			return
		}
	}
}

// stop keeps answers that hold one of the students from departing, and returns those
// that have.
func (t *flights) stop(students []records.SID, agreements []string) (departed []*flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range agreements {
		for f := range t.aloft[a] {
			if !f.holds(students) {
				continue
			}
			f.stopped = true
			if f.cut != nil {
				departed = append(departed, f)
			}
		}
	}
	return departed
}

func (f *flight) holds(students []records.SID) bool {
	return slices.ContainsFunc(students, func(s records.SID) bool { return slices.Contains(f.subjects, s) })
}

func (t *flights) cutAll(departed []*flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range departed {
		f.cut()
	}
}
