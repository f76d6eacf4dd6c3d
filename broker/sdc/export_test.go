package sdc

import "github.com/RoaringBitmap/roaring/v2"

// Broken names the guards that a test takes away.
type Broken struct{ NoPrimary, NoComplement, NoSpan, NoDifference, NoExposure bool }

// PlanBroken is PlanBatch without some of its guards.
func PlanBroken(h History, c []Candidate, b Broken) ([]Plan, History, error) {
	return planBatch(h, c, sabotage{b.NoPrimary, b.NoComplement, b.NoSpan, b.NoDifference, b.NoExposure})
}

// AdmitAll is Admit without the hold.
func AdmitAll(h History, anyone *roaring.Bitmap, o []Opening) ([]string, *roaring.Bitmap) {
	return admit(h, anyone, o, true)
}

// Derivable reports whether the target is a linear combination of shown sets.
func Derivable(shown []*roaring.Bitmap, target *roaring.Bitmap) bool {
	a := refine(append(shown[:len(shown):len(shown)], target))
	s := newSpan([]vector{a.vector(target)})
	for _, set := range shown {
		s = s.with(a.vector(set))
	}
	return s.derivable(0)
}
