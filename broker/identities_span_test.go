package broker_test

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// What can be worked out of shown sets: sums that readers know, and every linear
// combination, by Gauss over the integers modulo a prime.

// sums checks every sum that readers know: what stays hidden of a shown row.
func (x *identities) sums(f *handFigure) {
	for parent, v := range f.verdicts {
		for _, level := range []sdc.Level{sdc.LevelSchool, sdc.LevelGrade, sdc.LevelSchoolGrade} {
			if v.Shown && level > parent.Level() {
				x.leftOver(f, parent, level)
			}
		}
	}
}

// leftOver is what is left of a shown row without its shown parts of a level.
func (x *identities) leftOver(f *handFigure, parent sdc.Key, level sdc.Level) {
	p, r, hidden, seen, secret := f.rows[parent].p.Clone(), f.rows[parent].r.Clone(), 0, 0, 0
	for k, v := range f.verdicts {
		if k.Level() != level || parent.School != "" && k.School != parent.School || parent.Grade != "" && k.Grade != parent.Grade {
			continue
		}
		switch row := f.rows[k]; {
		case v.Shown:
			seen++
			p.AndNot(row.p)
			r.AndNot(row.r)
		case !row.t.IsEmpty():
			hidden++
			if !leftOut(v) {
				secret++
			}
		}
	}
	if seen == 0 || p.IsEmpty() && r.IsEmpty() {
		return
	}
	if hidden == 1 && secret == 1 || !f.harmless(p) || !f.harmless(r) {
		x.fail(f, "row %s gives away its %d hidden parts by %s", parent, hidden, level)
	}
}

// leftOut reports that a row was left out though nothing in it is secret.
func leftOut(v sdc.Verdict) bool {
	return v.Reason == sdc.ReasonExposure || v.Reason == sdc.ReasonDetail
}

// spans checks that nothing hidden is a combination of what is shown.
func (x *identities) spans(f *handFigure) {
	var shown, all []*roaring.Bitmap
	for k, v := range f.verdicts {
		r := f.rows[k]
		all = append(all, r.p, r.r, r.t)
		if v.Shown {
			shown = append(shown, r.p, r.r)
		}
		if v.WholeShown {
			shown = append(shown, r.t)
		}
	}
	g := gaussOf(all, nil)
	for _, s := range shown {
		g.add(s)
	}
	for k, v := range f.verdicts {
		if !v.Shown {
			x.hiddenRow(f, g, k, shown)
		}
	}
}

func (x *identities) hiddenRow(f *handFigure, g *gauss, k sdc.Key, shown []*roaring.Bitmap) {
	r, v := f.rows[k], f.verdicts[k]
	open := func(s *roaring.Bitmap) bool {
		return slices.ContainsFunc(shown, func(o *roaring.Bitmap) bool { return o.Equals(s) })
	}
	for _, s := range []*roaring.Bitmap{r.p, r.r} {
		fit := v.Reason != sdc.ReasonPrimary && count(s) >= 10 && f.keeps(s, 10)
		if !s.IsEmpty() && !open(s) && !fit && g.holds(s) {
			x.fail(f, "hidden row %s is a combination of shown ones", k)
		}
	}
	if !leftOut(v) && !r.p.IsEmpty() && !r.r.IsEmpty() && !open(r.p) && !open(r.r) && g.holds(r.p) && g.holds(r.r) {
		x.fail(f, "hidden row %s follows whole from shown ones", k)
	}
	if !r.t.IsEmpty() && !v.WholeShown && g.holds(r.t) && (count(r.t) < 20 || !f.keeps(r.t, 10)) {
		x.fail(f, "the whole of hidden row %s is a combination of shown ones", k)
	}
}

// singles checks what all partners together can work out: that no student's own value
// is a combination of everything on record, where the values that somebody was given
// are taken away.
func (x *identities) singles() {
	for _, indicator := range x.indicators() {
		var sets []*roaring.Bitmap
		anyone, last := roaring.New(), (*handFigure)(nil)
		for _, f := range x.figures {
			if f.indicator == indicator {
				anyone.Or(f.anyone)
				last = f
				for _, p := range f.Sets.Of(indicator) {
					sets = append(sets, p.Set)
				}
			}
		}
		g := gaussOf(sets, anyone)
		for _, s := range sets {
			g.add(s)
		}
		for i, size := range g.sizes {
			if size == 1 && g.holdsAtom(i) {
				x.fail(last, "a student's value is a combination of published figures")
			}
		}
	}
}

// gauss eliminates over atoms: students that the same sets have. Sizes are theirs.
type gauss struct {
	atoms   map[uint32]int // by student
	sizes   []int
	reduced map[int][]int64 // by pivot
}

// prime is that of the field in which sets are combined.
const prime = 1_000_000_007

// gaussOf makes atoms of some sets, without the students that are known.
func gaussOf(sets []*roaring.Bitmap, known *roaring.Bitmap) *gauss {
	g := &gauss{atoms: map[uint32]int{}, reduced: map[int][]int64{}}
	in := map[uint32][]byte{}
	for i, s := range sets {
		for _, student := range s.ToArray() {
			if known == nil || !known.Contains(student) {
				in[student] = fmt.Appendf(in[student], "%d,", i)
			}
		}
	}
	numbers := map[string]int{}
	for student, key := range in {
		n, met := numbers[string(key)]
		if !met {
			n = len(g.sizes)
			numbers[string(key)] = n
			g.sizes = append(g.sizes, 0)
		}
		g.atoms[student] = n
		g.sizes[n]++
	}
	return g
}

func (g *gauss) vector(s *roaring.Bitmap) []int64 {
	v := make([]int64, len(g.sizes))
	for _, student := range s.ToArray() {
		if n, ok := g.atoms[student]; ok {
			v[n] = 1
		}
	}
	return v
}

func (g *gauss) add(s *roaring.Bitmap) {
	v := g.reduce(g.vector(s))
	at := slices.IndexFunc(v, func(c int64) bool { return c != 0 })
	if at < 0 {
		return
	}
	inverse := raised(v[at], prime-2)
	for i := range v {
		v[i] = v[i] * inverse % prime
	}
	g.reduced[at] = v
}

func (g *gauss) reduce(v []int64) []int64 {
	for at := range v {
		row, c := g.reduced[at], v[at]
		if row == nil || c == 0 {
			continue
		}
		for i := at; i < len(v); i++ {
			v[i] = (v[i] + (prime-c)*row[i]) % prime
		}
	}
	return v
}

func (g *gauss) holds(s *roaring.Bitmap) bool { return isNought(g.reduce(g.vector(s))) }

func (g *gauss) holdsAtom(i int) bool {
	v := make([]int64, len(g.sizes))
	v[i] = 1
	return isNought(g.reduce(v))
}

func isNought(v []int64) bool { return !slices.ContainsFunc(v, func(c int64) bool { return c != 0 }) }

func raised(b, e int64) int64 {
	out := int64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			out = out * b % prime
		}
		b = b * b % prime
	}
	return out
}
