package sdc

import (
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// order gives every student a place, so that students who stand in one row
// stand side by side and a set of them fills few words.
type order struct {
	pages map[uint32]*[1 << pageBits]uint32 // by ordinal: place and one
	next  uint32
	fill  []uint64 // all zero between two calls
}

const pageBits = 12

func newOrder() *order { return &order{pages: map[uint32]*[1 << pageBits]uint32{}} }

// place returns the place of a student; a student without one gets the next.
func (o *order) place(student uint32) uint32 {
	page := o.pages[student>>pageBits]
	if page == nil {
		page = new([1 << pageBits]uint32)
		o.pages[student>>pageBits] = page
	}
	p := &page[student%(1<<pageBits)]
	if *p == 0 {
		o.next++
		*p = o.next
	}
	return *p - 1
}

// seat gives the students of the candidates their places: those of a grade of a
// school side by side and, where there are no such rows, of a school or grade.
func (o *order) seat(candidates []Candidate) {
	for _, level := range []Level{LevelSchoolGrade, LevelSchool, LevelGrade, LevelAll} {
		for _, c := range candidates {
			for _, r := range c.Rows {
				if r.Key.Level() == level {
					r.T.Iterate(func(x uint32) bool {
						o.place(x)
						return true
					})
				}
			}
		}
	}
}

// words are a set by places, as words of 64 of them: those that are not zero,
// and where they stand.
type words struct {
	at    []uint32
	bits  []uint64
	count int // of students
}

func (o *order) words(s *roaring.Bitmap) words {
	low, high := uint32(1<<31), uint32(0)
	for it := s.Iterator(); it.HasNext(); {
		p := o.place(it.Next())
		if at := int(p / 64); at >= len(o.fill) {
			o.fill = append(o.fill, make([]uint64, at+1-len(o.fill))...)
		}
		o.fill[p/64] |= 1 << (p % 64)
		low, high = min(low, p/64), max(high, p/64)
	}
	out := words{count: size(s)}
	for at := low; at <= high && int(at) < len(o.fill); at++ {
		if w := o.fill[at]; w != 0 {
			out.at, out.bits = append(out.at, at), append(out.bits, w)
			o.fill[at] = 0
		}
	}
	out.at, out.bits = slices.Clip(out.at), slices.Clip(out.bits)
	return out
}

// apart counts the students in exactly one of the two sets.
func (w words) apart(o words) int {
	common := 0
	for i, j := 0, 0; i < len(w.at) && j < len(o.at); {
		switch {
		case w.at[i] < o.at[j]:
			i++
		case w.at[i] > o.at[j]:
			j++
		default:
			common += bits.OnesCount64(w.bits[i] & o.bits[j])
			i, j = i+1, j+1
		}
	}
	return w.count + o.count - 2*common
}

// beyond reports that all of one set stand before all of the other.
func (w words) beyond(o words) bool {
	return len(w.at) == 0 || len(o.at) == 0 || w.at[len(w.at)-1] < o.at[0] || o.at[len(o.at)-1] < w.at[0]
}
