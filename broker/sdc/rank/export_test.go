package rank

import "github.com/RoaringBitmap/roaring/v2"

// Broken names the guards that a test takes away.
type Broken struct{ NoSearch, NoPairs, NoRepivot bool }

// NewBroken is New without some of its guards.
func NewBroken(released *roaring.Bitmap, floor int, b Broken) *Audit {
	a := New(released, floor)
	a.broken = sabotage{b.NoSearch, b.NoPairs, b.NoRepivot}
	return a
}

// Size says how large an audit is.
type Size struct{ Atoms, Heavy, Light, Entries int }

// SizeOf measures an audit.
func SizeOf(a *Audit) Size {
	s := Size{Atoms: len(a.atoms.weight) - 1, Heavy: len(a.basis.heavy), Light: len(a.basis.light)}
	for _, rows := range [][]row{a.basis.heavy, a.basis.light} {
		for _, r := range rows {
			s.Entries += len(r.vector)
		}
	}
	return s
}
