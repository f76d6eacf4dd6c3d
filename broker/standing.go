package broker

import (
	"sync"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// standing is how an agreement stands in every snapshot with the same change and on
// the same day: what readStamp reads.
type standing struct {
	changed   uint64 // store.Reader.Changed
	today     civil.Date
	agreement agreementRecord
	partner   partnerRecord
	banned    bool
	released  []releaseRef
	stamp     stamp
}

// standings keep the newest standing of each agreement, so that between two changes
// of the district only the first request reads it.
type standings struct {
	mu   sync.RWMutex
	kept map[string]*standing
	old  bool // sabotage: changes are not looked at
}

// maxStandings bounds the standings kept; when it is reached all are dropped.
const maxStandings = 4096

// of returns the standing of an agreement in a snapshot, or nil where it must be
// read.
func (t *standings) of(id string, r store.Reader, today civil.Date) *standing {
	t.mu.RLock()
	kept := t.kept[id]
	t.mu.RUnlock()
	if kept == nil || kept.changed != r.Changed() && !t.old || kept.today != today {
		return nil
	}
	return kept
}

// keep keeps what was read from a snapshot. That of an Update is refused: its
// revision may yet be another's.
func (t *standings) keep(id string, r store.Reader, s standing) {
	if _, update := r.(store.Tx); update {
		return
	}
	s.changed = r.Changed()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil || len(t.kept) >= maxStandings {
		t.kept = map[string]*standing{}
	}
	t.kept[id] = &s
}
