package ingest

import "strings"

// slabBytes is how long a piece of a slab is.
const slabBytes = 16 << 10

// A slab keeps many short texts in few pieces of memory, which spares the
// garbage collector looking at each.
type slab struct{ piece *strings.Builder }

// text returns a copy of b.
func (s *slab) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s.piece == nil || s.piece.Cap()-s.piece.Len() < len(b) {
		s.piece = &strings.Builder{}
		s.piece.Grow(max(slabBytes, len(b)))
	}
	from := s.piece.Len()
	s.piece.Write(b)
	return s.piece.String()[from:]
}
