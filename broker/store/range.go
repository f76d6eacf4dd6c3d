package store

import "bytes"

// Range says which pairs a Scan visits. The zero Range is all of a collection
// in ascending order.
type Range struct {
	Prefix  []byte // only keys that begin so
	From    []byte // begin at this key (inclusive), or at the next that exists in the Scan's direction; empty: at the end of the range
	Reverse bool   // descending
	Limit   int    // visit at most so many; 0 or less: no limit
}

// Bounds returns the range as an interval of keys, low ≤ key < high. A nil high
// has no end; the interval may be empty.
func (r Range) Bounds() (low, high []byte) {
	low, high = r.Prefix, successor(r.Prefix)
	if len(r.From) == 0 {
		return low, high
	}
	if !r.Reverse {
		if bytes.Compare(r.From, low) > 0 {
			low = r.From
		}
		return low, high
	}
	if high == nil || bytes.Compare(r.From, high) < 0 {
		high = append(bytes.Clone(r.From), 0)
	}
	return low, high
}

// successor returns the first key after all those that begin with the prefix, or
// nil if there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			next := bytes.Clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}
