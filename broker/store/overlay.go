package store

import (
	"bytes"
	"slices"
	"strings"
)

// overlay is a set of writes that are not in the engine yet.
type overlay struct {
	sets  map[Collection]*sorted
	bytes int // of keys and values ever set: a measure of memory, not exact
}

func newOverlay() *overlay { return &overlay{sets: map[Collection]*sorted{}} }

func (o *overlay) set(c Collection, w Write) {
	o.of(c).set(w)
	o.bytes += len(w.Key) + len(w.Value)
}

// setAll is set of writes in the order of their keys; the list is now the
// overlay's.
func (o *overlay) setAll(c Collection, writes []Write) {
	o.of(c).setAll(writes)
	for _, w := range writes {
		o.bytes += len(w.Key) + len(w.Value)
	}
}

func (o *overlay) of(c Collection) *sorted {
	s := o.sets[c]
	if s == nil {
		s = &sorted{}
		o.sets[c] = s
	}
	return s
}

// absorb moves all writes of a later overlay into this one; that one is empty
// afterwards.
func (o *overlay) absorb(later *overlay) {
	for c, from := range later.sets {
		if to := o.sets[c]; to != nil {
			from.each(to.set)
		} else {
			o.sets[c] = from
		}
	}
	o.bytes += later.bytes
	later.reset()
}

// count is how many keys are written.
func (o *overlay) count() (n int) {
	for _, s := range o.sets {
		n += s.size
	}
	return n
}

// holdsOthers reports whether there is a write to a collection that is not listed.
func (o *overlay) holdsOthers(listed []Collection) bool {
	for c := range o.sets {
		if !slices.Contains(listed, c) {
			return true
		}
	}
	return false
}

func (o *overlay) reset() {
	clear(o.sets)
	o.bytes = 0
}

// changes returns the overlay for Apply, collections in order.
func (o *overlay) changes() []Change {
	list := make([]Change, 0, len(o.sets))
	for c, s := range o.sets {
		change := Change{Collection: c, Writes: make([]Write, 0, s.size)}
		s.each(func(w Write) { change.Writes = append(change.Writes, w) })
		list = append(list, change)
	}
	slices.SortFunc(list, func(a, b Change) int {
		return strings.Compare(string(a.Collection), string(b.Collection))
	})
	return list
}

// chunkSize bounds what one insertion has to move.
const chunkSize = 128

// sorted holds writes in the order of their keys, in chunks of at most chunkSize,
// so that inserting in any order stays cheap. No chunk is empty.
type sorted struct {
	chunks [][]Write
	size   int
}

// locate returns the place of the first write whose key is not less; chunk may be
// len(chunks), and at may be the end of the last chunk.
func (s *sorted) locate(key []byte) (chunk, at int, found bool) {
	chunk, _ = slices.BinarySearchFunc(s.chunks, key, func(c []Write, key []byte) int {
		return bytes.Compare(c[len(c)-1].Key, key)
	})
	if chunk == len(s.chunks) {
		return chunk, 0, false
	}
	at, found = slices.BinarySearchFunc(s.chunks[chunk], key, func(w Write, key []byte) int {
		return bytes.Compare(w.Key, key)
	})
	return chunk, at, found
}

func (s *sorted) get(key []byte) *Write {
	if chunk, at, found := s.locate(key); found {
		return &s.chunks[chunk][at]
	}
	return nil
}

func (s *sorted) set(w Write) {
	chunk, at, found := s.locate(w.Key)
	if found {
		s.chunks[chunk][at] = w
		return
	}
	s.size++
	if chunk == len(s.chunks) { // behind all: the usual case, sorted input
		if chunk == 0 || len(s.chunks[chunk-1]) >= chunkSize {
			s.chunks = append(s.chunks, []Write{w})
			return
		}
		s.chunks[chunk-1] = append(s.chunks[chunk-1], w)
		return
	}
	s.chunks[chunk] = slices.Insert(s.chunks[chunk], at, w)
	if len(s.chunks[chunk]) > chunkSize {
		s.split(chunk)
	}
}

// setAll is set of writes in the order of their keys. Where all lie behind what
// is there, the list's parts become chunks.
func (s *sorted) setAll(writes []Write) {
	if last := s.last(); last != nil && len(writes) > 0 && bytes.Compare(last.Key, writes[0].Key) >= 0 {
		for _, w := range writes {
			s.set(w)
		}
		return
	}
	s.chunks = slices.AppendSeq(s.chunks, slices.Chunk(writes, chunkSize))
	s.size += len(writes)
}

func (s *sorted) split(chunk int) {
	whole := s.chunks[chunk]
	half := len(whole) / 2
	s.chunks[chunk] = slices.Clip(whole[:half])
	s.chunks = slices.Insert(s.chunks, chunk+1, slices.Clone(whole[half:]))
}

func (s *sorted) each(fn func(Write)) {
	for _, chunk := range s.chunks {
		for _, w := range chunk {
			fn(w)
		}
	}
}

// atOrAfter returns the first write whose key is not less than key.
func (s *sorted) atOrAfter(key []byte) *Write {
	chunk, at, _ := s.locate(key)
	if chunk == len(s.chunks) {
		return nil
	}
	return &s.chunks[chunk][at]
}

// before returns the last write whose key is less than key.
func (s *sorted) before(key []byte) *Write {
	chunk, at, _ := s.locate(key)
	if at > 0 {
		return &s.chunks[chunk][at-1]
	}
	if chunk == 0 {
		return nil
	}
	previous := s.chunks[chunk-1]
	return &previous[len(previous)-1]
}

// last returns the last write.
func (s *sorted) last() *Write {
	if len(s.chunks) == 0 {
		return nil
	}
	chunk := s.chunks[len(s.chunks)-1]
	return &chunk[len(chunk)-1]
}
