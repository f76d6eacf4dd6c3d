package sdc

import "github.com/RoaringBitmap/roaring/v2"

// Known is, for one indicator family and period, whose values are individually
// released: Self to this partner by a grant in force, read or not; Any to
// anyone, ever (withdrawn, expired and invalidated grants stay). A nil set is
// empty.
type Known struct {
	Self, Any *roaring.Bitmap
}

func known(k Known) Known {
	return Known{Self: orEmpty(k.Self), Any: orEmpty(k.Any)}
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

// hides reports whether a set that can be computed from published ones is
// harmless: this partner may already read all of it, or at least floor of its
// students are released neither to it nor to anyone.
func (k Known) hides(d *roaring.Bitmap, floor int) bool {
	return without(d, k.Self) == 0 || k.unconsented(d) >= floor
}
