package rank

import (
	"iter"
	"maps"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// atom numbers a class of students that no added set divides. Atom zero is the
// class of those who are in no set; it has no column.
type atom uint32

const pageBits = 12

type page [1 << pageBits]atom

// partition says which atom each student is in.
type partition struct {
	pages  map[uint32]*page // by the upper bits of the ordinal; clones share pages, so they are replaced, never written
	weight []int            // how many students an atom has; atom zero is not counted
}

func newPartition() partition {
	return partition{pages: map[uint32]*page{}, weight: []int{0}}
}

func (p partition) clone() partition {
	return partition{pages: maps.Clone(p.pages), weight: slices.Clone(p.weight)}
}

// stretches yields the members of a set in ascending order, at each step some
// that lie on one page.
func stretches(s *roaring.Bitmap) iter.Seq2[uint32, []uint32] {
	return func(yield func(uint32, []uint32) bool) {
		buffer := make([]uint32, 1<<pageBits)
		members := s.ManyIterator()
		for n := members.NextMany(buffer); n > 0; n = members.NextMany(buffer) {
			for rest := buffer[:n]; len(rest) > 0; {
				at := rest[0] >> pageBits
				end := sort.Search(len(rest), func(i int) bool { return rest[i]>>pageBits > at })
				if !yield(at, rest[:end]) {
					return
				}
				rest = rest[end:]
			}
		}
	}
}

func place(x uint32) uint32 { return x & (1<<pageBits - 1) }

// count returns how many members of the set each atom has.
func (p partition) count(s *roaring.Bitmap) []int {
	hits := make([]int, len(p.weight))
	for at, students := range stretches(s) {
		numbers := p.pages[at]
		if numbers == nil {
			hits[0] += len(students)
			continue
		}
		for _, x := range students {
			hits[numbers[place(x)]]++
		}
	}
	return hits
}

// cuts says, by old atom, which new one got those of its students who are in
// the set that divided it; zero if it is whole. Nil if all are. New atoms are
// numbered in the order of the old ones.
type cuts []atom

// of returns the new atom, or zero.
func (c cuts) of(a atom) atom {
	if int(a) >= len(c) {
		return 0
	}
	return c[a]
}

// cut divides atoms until the set consists of whole ones, and returns these in
// ascending order.
func (p *partition) cut(s *roaring.Bitmap) ([]atom, cuts) {
	var whole, made []atom
	c := make(cuts, len(p.weight))
	for i, n := range p.count(s) {
		switch a := atom(i); {
		case n == 0:
		case i > 0 && n == p.weight[i]:
			whole = append(whole, a)
		default:
			c[a] = atom(len(p.weight))
			made = append(made, c[a])
			p.weight = append(p.weight, n)
			p.weight[a] -= n
		}
	}
	if len(made) == 0 {
		return whole, nil
	}
	p.weight[0] = 0
	p.renumber(s, c)
	return append(whole, made...), c
}

func (p *partition) renumber(s *roaring.Bitmap, c cuts) {
	var at uint32
	var numbers *page // the copy of page at
	for on, students := range stretches(s) {
		if numbers == nil || on != at {
			at, numbers = on, new(page)
			if old := p.pages[at]; old != nil {
				*numbers = *old
			}
			p.pages[at] = numbers
		}
		for _, x := range students {
			if n := c.of(numbers[place(x)]); n != 0 {
				numbers[place(x)] = n
			}
		}
	}
}

// whole returns the atoms that a set consists of, in ascending order, or false
// if it divides one or holds students who are in no set.
func (p partition) whole(s *roaring.Bitmap) ([]atom, bool) {
	var out []atom
	for i, n := range p.count(s) {
		if n > 0 && (i == 0 || n != p.weight[i]) {
			return nil, false
		}
		if n > 0 {
			out = append(out, atom(i))
		}
	}
	return out, true
}
