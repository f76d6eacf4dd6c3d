package store

import "bytes"

// layer shows an overlay's writes over what lies below.
type layer struct {
	base   source
	writes *overlay
}

func (l layer) Get(c Collection, key []byte) ([]byte, error) {
	if s := l.writes.sets[c]; s != nil {
		if w := s.get(key); w != nil {
			return w.Value, nil // nil for a removed key
		}
	}
	return l.base.Get(c, key)
}

// Scan merges both. It looks the overlay's next write up again at each step, since
// fn may write meanwhile.
func (l layer) Scan(c Collection, r Range, fn func(k, v []byte) (bool, error)) error {
	m := newMerge(l.writes, c, r, fn)
	below := r
	below.Limit = 0 // pairs that the overlay hides do not count
	err := l.base.Scan(c, below, m.below)
	if err != nil || m.stopped {
		return err
	}
	_, err = m.overlayUntil(nil)
	return err
}

// merge is the state of one Scan over a layer.
type merge struct {
	writes     *overlay
	collection Collection
	reverse    bool
	left       int    // pairs until the limit; negative: no limit
	low, high  []byte // what is left of the range, low ≤ key < high; it shrinks from one side
	stopped    bool
	fn         func(k, v []byte) (bool, error)
}

func newMerge(o *overlay, c Collection, r Range, fn func(k, v []byte) (bool, error)) *merge {
	low, high := r.Bounds()
	m := &merge{writes: o, collection: c, reverse: r.Reverse, left: -1, fn: fn}
	m.low, m.high = bytes.Clone(low), bytes.Clone(high)
	if r.Limit > 0 {
		m.left = r.Limit
	}
	return m
}

// below takes one pair of the base.
func (m *merge) below(k, v []byte) (bool, error) {
	if more, err := m.overlayUntil(k); err != nil || !more {
		return false, err
	}
	m.pass(k)
	if s := m.writes.sets[m.collection]; s != nil {
		if w := s.get(k); w != nil {
			return m.show(k, w.Value)
		}
	}
	return m.show(k, v)
}

// overlayUntil shows the overlay's writes that come before the key, or all that
// are left if the key is nil.
func (m *merge) overlayUntil(key []byte) (bool, error) {
	for {
		w := m.next()
		if w == nil || key != nil && !m.precedes(w.Key, key) {
			return true, nil
		}
		k, v := w.Key, w.Value
		m.pass(k)
		if more, err := m.show(k, v); err != nil || !more {
			return false, err
		}
	}
}

// next returns the overlay's next write in what is left of the range.
func (m *merge) next() *Write {
	s := m.writes.sets[m.collection]
	if s == nil {
		return nil
	}
	if !m.reverse {
		w := s.atOrAfter(m.low)
		if w == nil || m.high != nil && bytes.Compare(w.Key, m.high) >= 0 {
			return nil
		}
		return w
	}
	w := s.last()
	if m.high != nil {
		w = s.before(m.high)
	}
	if w == nil || bytes.Compare(w.Key, m.low) < 0 {
		return nil
	}
	return w
}

func (m *merge) precedes(a, b []byte) bool {
	if m.reverse {
		return bytes.Compare(a, b) > 0
	}
	return bytes.Compare(a, b) < 0
}

// pass takes a key, and all before it, off the range.
func (m *merge) pass(key []byte) {
	if m.reverse {
		m.high = append(m.high[:0], key...)
		return
	}
	m.low = append(append(m.low[:0], key...), 0)
}

// show hands one pair out; a nil value is a removed key.
func (m *merge) show(k, v []byte) (bool, error) {
	if v == nil {
		return true, nil
	}
	m.left--
	more, err := m.fn(k, v)
	m.stopped = err != nil || !more || m.left == 0
	return !m.stopped, err
}
