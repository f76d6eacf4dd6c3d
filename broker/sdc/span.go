package sdc

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

// vector is a sum of students over the field, with one place an atom.
type vector []uint64

func (v vector) pivot() int {
	for i, x := range v {
		if x != 0 {
			return i
		}
	}
	return -1
}

// minus returns v − f·w in a new vector.
func (v vector) minus(f uint64, w vector) vector {
	out := make(vector, len(v))
	for i := range v {
		out[i] = field.Sub(v[i], field.Mul(f, w[i]))
	}
	return out
}

func (v vector) scaled(f uint64) vector {
	out := make(vector, len(v))
	for i := range v {
		out[i] = field.Mul(f, v[i])
	}
	return out
}

// atoms divide the students into classes that no set of a figure splits, so
// that each set is a 0/1 vector with one place an atom.
type atoms struct {
	class map[uint32]int
	count int
}

// refine finds the coarsest such classes.
func refine(sets []*roaring.Bitmap) atoms {
	a := atoms{class: map[uint32]int{}}
	next := 1 // class 0: in no set yet
	for _, s := range sets {
		split := map[int]int{}
		for it := s.Iterator(); it.HasNext(); {
			x := it.Next()
			old := a.class[x]
			if _, ok := split[old]; !ok {
				split[old] = next
				next++
			}
			a.class[x] = split[old]
		}
	}
	return a.dense()
}

// dense renumbers the classes that are still used, from zero.
func (a atoms) dense() atoms {
	names := map[int]int{}
	for x, c := range a.class {
		if _, ok := names[c]; !ok {
			names[c] = len(names)
		}
		a.class[x] = names[c]
	}
	a.count = len(names)
	return a
}

func (a atoms) vector(s *roaring.Bitmap) vector {
	v := make(vector, a.count)
	for it := s.Iterator(); it.HasNext(); {
		v[a.class[it.Next()]] = 1
	}
	return v
}

// span is the row space of the shown sets with, for each watched set, what is
// left of it after elimination: nothing left means that it can be computed
// from the shown ones. A span is a value: with returns a new one.
type span struct {
	basis   []pivoted
	watched []vector
}

// pivoted is a vector with a one at its pivot; those found earlier have been
// taken out of it, so reduction in order of discovery is complete.
type pivoted struct {
	vector
	at int
}

func newSpan(watched []vector) span { return span{watched: watched} }

func (s span) reduce(v vector) vector {
	for _, b := range s.basis {
		if f := v[b.at]; f != 0 {
			v = v.minus(f, b.vector)
		}
	}
	return v
}

func (s span) with(vs ...vector) span {
	for _, v := range vs {
		v = s.reduce(v)
		p := v.pivot()
		if p < 0 {
			continue
		}
		s = s.extend(v.scaled(field.Inverse(v[p])), p)
	}
	return s
}

func (s span) extend(v vector, pivot int) span {
	out := span{basis: append(s.basis[:len(s.basis):len(s.basis)], pivoted{v, pivot}), watched: make([]vector, len(s.watched))}
	for i, w := range s.watched {
		if f := w[pivot]; f != 0 {
			w = w.minus(f, v)
		}
		out.watched[i] = w
	}
	return out
}

// derivable reports whether watched set i can be computed from shown ones.
func (s span) derivable(i int) bool { return s.watched[i].pivot() < 0 }
