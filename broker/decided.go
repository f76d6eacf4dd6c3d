package broker

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// decidedCohorts keep what the children of a roster's families opened, so that after
// one family's answer only that child is decided again. What a child's family opened
// is a function of everything in decidedAt and of what families said up to a change
// (headConsent). Both are read in the snapshot that is answered from.
type decidedCohorts struct {
	mu   sync.Mutex
	kept map[decidedKey]*decidedCohort
	old  bool // sabotage: changes are not looked at
}

type decidedKey struct{ agreement, categories string }

// decidedAt is what a decision rests on beside what families say. A change of any
// decides the whole cohort anew.
type decidedAt struct {
	stamp     stamp  // without its consent revision
	guardians uint64 // the count of words on guardians who look like one person
}

// decidedCohort is the children who were decided at one change.
type decidedCohort struct {
	at     decidedAt
	change uint64

	mu     sync.Mutex
	opened map[records.SID]opened // without the student's records
}

// maxDecided bounds the cohorts kept; when it is reached all are dropped.
const maxDecided = 256

// keptChanges is how many changes of what families say are remembered. A cohort that
// is further behind is decided anew.
const keptChanges = 4096

// of returns the cohort of an agreement in a snapshot, in which some children may have
// been decided before.
func (c *decidedCohorts) of(s *snapshot, categories []consent.Category) (*decidedCohort, error) {
	k := decidedKey{agreement: s.agreement.Agreement.ID}
	for _, category := range categories {
		k.categories += string(category) + " "
	}
	fresh := &decidedCohort{at: decidedAt{stamp: s.stamp}, opened: map[records.SID]opened{}}
	fresh.at.stamp.Consent = 0
	var err error
	if fresh.at.guardians, err = number(s.r, colHead, key(headGuardians)); err != nil {
		return nil, err
	}
	if fresh.change, err = number(s.r, colHead, key(headConsent)); err != nil {
		return nil, err
	}
	if _, update := s.r.(store.Tx); update {
		return fresh, nil // its changes may yet be undone
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.kept[k]
	switch {
	case kept == nil || kept.at != fresh.at:
	case kept.change == fresh.change, c.old:
		return kept, nil
	case kept.change > fresh.change:
		return fresh, nil // an older snapshot keeps nothing
	default:
		if err := fresh.follow(s.r, kept); err != nil {
			return nil, err
		}
	}
	if c.kept == nil || len(c.kept) >= maxDecided {
		c.kept = map[decidedKey]*decidedCohort{}
	}
	c.kept[k] = fresh
	return fresh, nil
}

// follow takes over what an earlier cohort decided, but for the children about whom
// something was said since. A change that does not say about whom takes over nothing.
func (d *decidedCohort) follow(r store.Reader, earlier *decidedCohort) error {
	if d.change-earlier.change > keptChanges {
		return nil
	}
	var changed []records.SID
	next := earlier.change + 1
	err := r.Scan(colChanges, store.Range{From: key(next)}, func(k, v []byte) (bool, error) {
		if len(k) != 8 || len(v) != len(records.SID{}) || binary.BigEndian.Uint64(k) != next || next > d.change {
			return false, nil
		}
		changed = append(changed, records.SID(v))
		next++
		return true, nil
	})
	if err != nil || next <= d.change {
		return err
	}
	earlier.mu.Lock()
	d.opened = maps.Clone(earlier.opened)
	earlier.mu.Unlock()
	for _, sid := range changed {
		delete(d.opened, sid)
	}
	return nil
}

func (d *decidedCohort) get(sid records.SID) (opened, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := d.opened[sid]
	return o, ok
}

// put keeps what a child's family opened. Its records stay with the data that has them.
func (d *decidedCohort) put(sid records.SID, o opened) {
	o.student = nil
	if o.empty() {
		o.parts = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened[sid] = o
}

// said counts a change of what families say and remembers whom it is about; without a
// student everybody may be concerned.
func said(tx store.Tx, about ...records.SID) error {
	if err := bump(tx, colHead, key(headConsent)); err != nil || len(about) != 1 {
		return err
	}
	change, err := number(tx, colHead, key(headConsent))
	if err != nil {
		return err
	}
	if change > keptChanges {
		if err := tx.Delete(colChanges, key(change-keptChanges)); err != nil {
			return err
		}
	}
	return tx.Put(colChanges, key(change), slices.Clone(about[0][:]))
}
