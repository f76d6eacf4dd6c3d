package sdc

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// Known is, for one indicator family and period, whose values are individually
// released: Self to this partner by a grant in force, read or not; Any to
// anyone, ever (withdrawn, expired and invalidated grants stay). A nil set is
// empty.
//
// A partner knows Self and must not learn Any: who said yes to somebody else. A
// floor that Any meets or misses by one student would say it of that student to
// whoever chose the others, so Blur raises it by a number that nobody can
// foresee. Nil raises nothing.
type Known struct {
	Self, Any *roaring.Bitmap
	Blur      Blur
}

// Blur raises the floor that the students of a set who are not in Any must
// reach, by none to MostBlur. The same students have the same blur always.
type Blur func(unreleased *roaring.Bitmap) int

// MostBlur is how far a floor can be raised.
const MostBlur = noise.MostBlur

func known(k Known) Known {
	k.Self, k.Any = orEmpty(k.Self), orEmpty(k.Any)
	return k
}

func orEmpty(b *roaring.Bitmap) *roaring.Bitmap {
	if b == nil {
		return roaring.New()
	}
	return b
}

func size(s *roaring.Bitmap) int { return int(s.GetCardinality()) }

// without returns |s ∖ v|.
func without(s, v *roaring.Bitmap) int { return size(s) - int(s.AndCardinality(v)) }

// unconsented returns the smaller of |s ∖ Self| and |s ∖ Any|.
func (k Known) unconsented(s *roaring.Bitmap) int {
	return min(without(s, k.Self), without(s, k.Any))
}

// leaves reports that at least floor students of a set are not released to this
// partner, and as many, by the blurred floor, to nobody.
func (k Known) leaves(s *roaring.Bitmap, floor int) bool {
	n := k.unconsented(s)
	if n < floor || without(s, k.Any) >= k.enough(floor) {
		return n >= floor
	}
	left := roaring.AndNot(s, k.Any)
	return size(left) >= floor+k.Blur(left)
}

// enough is how many unreleased students meet a floor whatever the blur.
func (k Known) enough(floor int) int {
	if k.Blur == nil {
		return floor
	}
	return floor + MostBlur
}

// hides reports whether a set that can be computed from published ones is
// harmless: this partner may already read all of it, or it leaves floor students.
func (k Known) hides(d *roaring.Bitmap, floor int) bool {
	return without(d, k.Self) == 0 || k.leaves(d, floor)
}
