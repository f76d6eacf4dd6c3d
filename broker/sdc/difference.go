package sdc

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Role says which set of a row a published set is.
type Role string

// The roles. A hidden set is not printed but follows from printed ones: what
// is left of a shown row when its shown parts are taken away.
const (
	RoleCohort Role = "cohort"
	RoleRest   Role = "rest"
	RoleWhole  Role = "whole"
	RoleHidden Role = "hidden"
)

// PublishedSet is one set whose sum an attacker can have from a release. The
// caller keeps these for a period, over all agreements, in its one table of
// student ordinals.
type PublishedSet struct {
	Agreement string
	Indicator string
	Family    string
	Row       Key
	Role      Role
	Floor     int // unconsented students that must remain in it
	Set       *roaring.Bitmap
}

// History is what was published of one period, by all agreements of the
// district, in order. It only grows.
type History []PublishedSet

// Of returns the sets of one indicator.
func (h History) Of(indicator string) History {
	return h.filter(func(p PublishedSet) bool { return p.Indicator == indicator })
}

// OfFamily returns the sets of one indicator family.
func (h History) OfFamily(family string) History {
	return h.filter(func(p PublishedSet) bool { return p.Family == family })
}

func (h History) filter(keep func(PublishedSet) bool) History {
	return slices.DeleteFunc(slices.Clone(h), func(p PublishedSet) bool { return !keep(p) })
}

// has reports whether the agreement published sets of the indicator already.
func (h History) has(agreement, indicator string) bool {
	return h.any(func(p PublishedSet) bool { return p.Agreement == agreement && p.Indicator == indicator })
}

func (h History) any(is func(PublishedSet) bool) bool { return slices.ContainsFunc(h, is) }

// Difference applies the difference rule to a candidate set: for each earlier
// set S' of the same indicator and period, of any agreement, the students in
// exactly one of the two must all be readable by this partner already, or
// floor of them must be released neither to it nor to anyone. It reports
// whether the candidate passes. h must hold one indicator only.
//
// Two sets that share nobody are not compared: what separates them contains
// each of them whole, and each passed on its own. Nor is a difference judged
// that is itself a published set, or one of those that come with the candidate:
// such a set has passed, or has to pass, on its own.
func (h History) Difference(candidate *roaring.Bitmap, k Known, floor int, with ...*roaring.Bitmap) bool {
	k = known(k)
	return !slices.ContainsFunc(h, func(p PublishedSet) bool {
		return !keepsApart(p.Set, candidate, k, floor) && !h.open(roaring.Xor(p.Set, candidate), with)
	})
}

// open reports that a set is published, or among those that are about to be.
func (h History) open(set *roaring.Bitmap, with []*roaring.Bitmap) bool {
	return among(with, set) || h.any(func(p PublishedSet) bool { return p.Set.Equals(set) })
}

func among(list []*roaring.Bitmap, set *roaring.Bitmap) bool {
	return slices.ContainsFunc(list, func(s *roaring.Bitmap) bool { return s.Equals(set) })
}

// keepsApart is the difference rule for two sets.
func keepsApart(earlier, candidate *roaring.Bitmap, k Known, floor int) bool {
	return !earlier.Intersects(candidate) || k.hides(roaring.Xor(earlier, candidate), floor)
}
