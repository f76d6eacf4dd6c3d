package rank_test

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"
)

// town is a small world: sets of students zero to students-1.
type town struct {
	students, floor int
	released        *roaring.Bitmap
	sets            []*roaring.Bitmap
}

// smallTowns have up to fourteen students and any floor, so that every group can
// be tried.
func smallTowns() *rapid.Generator[town] { return towns(14, 12, 10) }

// wideTowns have more students and sets and low floors, so that atoms are cut up
// many times before they are light.
func wideTowns() *rapid.Generator[town] { return towns(30, 20, 4) }

func towns(students, sets, floor int) *rapid.Generator[town] {
	return rapid.Custom(func(t *rapid.T) town {
		w := town{
			students: rapid.IntRange(1, students).Draw(t, "students"),
			floor:    rapid.IntRange(2, floor).Draw(t, "floor"),
			released: roaring.New(),
		}
		chance := rapid.IntRange(0, 3)
		if chance.Draw(t, "some are released") == 0 {
			w.released = some(t, w.students, chance)
		}
		families := w.families(t)
		for range rapid.IntRange(1, sets).Draw(t, "sets") {
			s := union(t, families)
			if chance.Draw(t, "a student more or less") == 0 {
				x := uint64(rapid.IntRange(0, w.students-1).Draw(t, "student"))
				s.Flip(x, x+1)
			}
			w.sets = append(w.sets, s)
		}
		return w
	})
}

// families divide the students into groups that most sets have whole.
func (w town) families(t *rapid.T) []*roaring.Bitmap {
	largest := rapid.IntRange(1, max(1, w.students/2)).Draw(t, "largest family")
	var out []*roaring.Bitmap
	for x := 0; x < w.students; {
		end := min(w.students, x+rapid.IntRange(1, largest).Draw(t, "family"))
		out = append(out, between(x, end))
		x = end
	}
	return out
}

func union(t *rapid.T, families []*roaring.Bitmap) *roaring.Bitmap {
	s := roaring.New()
	for _, f := range families {
		if rapid.Bool().Draw(t, "in") {
			s.Or(f)
		}
	}
	return s
}

func some(t *rapid.T, students int, chance *rapid.Generator[int]) *roaring.Bitmap {
	s := roaring.New()
	for x := range students {
		if chance.Draw(t, "one of them") == 0 {
			s.Add(uint32(x))
		}
	}
	return s
}

// between is the students from one up to, but not including, another.
func between(from, to int) *roaring.Bitmap {
	s := roaring.New()
	s.AddRange(uint64(from), uint64(to))
	return s
}

// mask has a bit for each student of a set.
func mask(s *roaring.Bitmap) uint64 {
	var m uint64
	for _, x := range s.ToArray() {
		m |= 1 << x
	}
	return m
}

func masks(sets []*roaring.Bitmap) []uint64 {
	out := make([]uint64, len(sets))
	for i, s := range sets {
		out[i] = mask(s)
	}
	return out
}

// open has a bit for each student who is not released.
func (w town) open() uint64 { return (1<<w.students - 1) &^ mask(w.released) }

// smallest is the specification of Exposed, by force and over the rationals: of
// all groups of unreleased students under the floor, the size of the smallest that
// contains everybody of some weighted sum. There is one if the sets, seen only
// from outside of the group, are of a lower rank than the whole ones.
func (w town) smallest(sets []*roaring.Bitmap) int {
	m, open := masks(sets), w.open()
	all := rankOf(m, open)
	for size := 1; size < w.floor; size++ {
		for group := range subsets(open, size) {
			if rankOf(m, open&^group) < all {
				return size
			}
		}
	}
	return 0
}

// smallestOfTwo is the same of groups that are one atom or two.
func (w town) smallestOfTwo(sets []*roaring.Bitmap) int {
	m, open := masks(sets), w.open()
	all, best := rankOf(m, open), 0
	atoms := atomsOf(m, open)
	for i, a := range atoms {
		for _, b := range atoms[:i+1] {
			size := bits.OnesCount64(a | b)
			if size < w.floor && (best == 0 || size < best) && rankOf(m, open&^(a|b)) < all {
				best = size
			}
		}
	}
	return best
}

// atomsOf are the classes of students who are in the same sets.
func atomsOf(m []uint64, open uint64) []uint64 {
	atoms := []uint64{open}
	for _, s := range m {
		var next []uint64
		for _, a := range atoms {
			for _, part := range []uint64{a & s, a &^ s} {
				if part != 0 {
					next = append(next, part)
				}
			}
		}
		atoms = next
	}
	return atoms
}
