package sdc

import (
	"cmp"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// Opening is a grant as disclosure control sees it: it would open one student's
// values of one family and period to a party.
type Opening struct {
	ID       string
	SignedAt time.Time
	Student  uint32 // in the period's ordinal table
}

// Held reports whether honouring the opening would leave fewer than its floor
// of students unreleased in any published or computable set, or in the
// difference of two of one indicator, none included. h is one family of one
// period, over every agreement; anyone is V_any of that family before the
// opening. What a partner may read itself is part of what anyone was ever
// given, so V_any covers V_self too. Outcomes play no part.
func Held(h History, anyone *roaring.Bitmap, o Opening) bool {
	held, _ := Admit(h, anyone, []Opening{o})
	return len(held) > 0
}

// Admit decides a batch of openings one by one, by signing time and then id
// whatever the order given. It returns the ids of those held and V_any as it is
// after the others; anyone is not changed.
func Admit(h History, anyone *roaring.Bitmap, openings []Opening) (held []string, after *roaring.Bitmap) {
	return admit(h, anyone, openings, false)
}

func admit(h History, anyone *roaring.Bitmap, openings []Opening, noHold bool) (held []string, after *roaring.Bitmap) {
	g := guard{after: orEmpty(anyone).Clone()}
	for _, p := range h {
		g.sets = append(g.sets, guarded{p, roaring.AndNot(p.Set, g.after)})
	}
	sorted := slices.SortedStableFunc(slices.Values(openings), func(a, b Opening) int {
		return cmp.Or(a.SignedAt.Compare(b.SignedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range sorted {
		switch {
		case g.after.Contains(o.Student): // released already: nothing changes
		case !noHold && g.holds(o.Student):
			held = append(held, o.ID)
		default:
			g.open(o.Student)
		}
	}
	return held, g.after
}

// guard keeps, for each published set, the students that nobody was given.
type guard struct {
	after *roaring.Bitmap
	sets  []guarded
}

type guarded struct {
	PublishedSet
	left *roaring.Bitmap
}

func (g guard) open(student uint32) {
	g.after.Add(student)
	for _, s := range g.sets {
		s.left.Remove(student)
	}
}

func (g guard) holds(student uint32) bool {
	for _, s := range g.sets {
		if !s.left.Contains(student) {
			continue
		}
		if size(s.left)-1 < s.Floor || slices.ContainsFunc(g.sets, func(o guarded) bool { return g.exposed(s, o, student) }) {
			return true
		}
	}
	return false
}

// exposed reports that the student is in s and not in o, and that too few
// others would remain in the difference of the two. A difference that is itself
// a published set has its own floor.
func (g guard) exposed(s, o guarded, student uint32) bool {
	if s.Indicator != o.Indicator || o.Set.Contains(student) || !s.Set.Intersects(o.Set) {
		return false
	}
	apart := size(s.left) + size(o.left) - 2*int(s.left.AndCardinality(o.left))
	return apart-1 < max(s.Floor, o.Floor) && !g.public(s.Indicator, roaring.Xor(s.Set, o.Set))
}

func (g guard) public(indicator string, set *roaring.Bitmap) bool {
	return slices.ContainsFunc(g.sets, func(p guarded) bool { return p.Indicator == indicator && p.Set.Equals(set) })
}
