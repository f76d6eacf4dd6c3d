package sdc_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// identities checks a planned batch against the rules, with computations of its
// own: sizes counted one student at a time, linear algebra modulo another
// prime. It returns the first rule broken.
func identities(w []sdc.Candidate, plans []sdc.Plan, h sdc.History) error {
	byName := map[string]sdc.Candidate{}
	for _, c := range w {
		byName[c.Agreement] = c
	}
	for _, p := range plans {
		c := byName[p.Agreement]
		f := released{c.Thresholds.UnconsentedFloor, c.Known[family], map[sdc.Key]triple{}, map[sdc.Key]sdc.Verdict{}}
		for _, r := range c.Rows {
			f.sets[r.Key] = tripleOf(r, c.Figures[0].Covered)
		}
		for _, v := range p.Figures[0].Verdicts {
			f.verdicts[v.Key] = v
		}
		for _, rule := range []func() error{f.thresholds, f.sums, f.span} {
			if err := rule(); err != nil {
				return fmt.Errorf("%s: %w", p.Agreement, err)
			}
		}
	}
	return differences(byName, h)
}

type triple struct{ p, r, t *roaring.Bitmap }

func tripleOf(row sdc.RowSets, covered *roaring.Bitmap) triple {
	p, t := row.P, row.T
	if covered != nil {
		p, t = roaring.And(p, covered), roaring.And(t, covered)
	}
	return triple{p, roaring.AndNot(t, p), t}
}

type released struct {
	floor    int // of unconsented students in a cohort
	known    sdc.Known
	sets     map[sdc.Key]triple
	verdicts map[sdc.Key]sdc.Verdict
}

// left counts the members that are not in v.
func left(s, v *roaring.Bitmap) (n int) {
	for _, x := range s.ToArray() {
		if v == nil || !v.Contains(x) {
			n++
		}
	}
	return n
}

func some(s *roaring.Bitmap, k sdc.Known, floor int) bool {
	return left(s, k.Self) >= floor && left(s, k.Any) >= floor
}

func ten(s *roaring.Bitmap, k sdc.Known) bool { return some(s, k, 10) }

func harmless(d *roaring.Bitmap, k sdc.Known) bool { return left(d, k.Self) == 0 || ten(d, k) }

func (f released) thresholds() error {
	for k, v := range f.verdicts {
		s := f.sets[k]
		if v.Shown && (left(s.p, nil) < 10 || left(s.r, nil) < 10 || left(s.t, nil) < 20 || !some(s.p, f.known, f.floor) || !ten(s.r, f.known)) {
			return fmt.Errorf("row %s is shown under a threshold", k)
		}
		if v.WholeShown && (left(s.t, nil) < 20 || !ten(s.t, f.known)) {
			return fmt.Errorf("the whole of row %s is shown under a threshold", k)
		}
		if v.Shown == (v.Reason != sdc.ReasonNone) {
			return fmt.Errorf("row %s has verdict and reason at odds", k)
		}
	}
	return nil
}

// sums checks every sum that readers know: what stays hidden of a shown row.
func (f released) sums() error {
	for parent, v := range f.verdicts {
		for _, level := range []sdc.Level{sdc.LevelSchool, sdc.LevelGrade, sdc.LevelSchoolGrade} {
			if !v.Shown || level <= parent.Level() {
				continue
			}
			in := func(k sdc.Key) bool {
				return k.Level() == level && (parent.School == "" || k.School == parent.School) && (parent.Grade == "" || k.Grade == parent.Grade)
			}
			if err := f.sum(parent, in); err != nil {
				return err
			}
		}
	}
	return f.groups()
}

// groups checks the sums of all rows over the groups of each dimension.
func (f released) groups() error {
	if !f.verdicts[sdc.Key{}].Shown {
		return nil
	}
	for k := range f.verdicts {
		dimension, _, divided := strings.Cut(k.Group, ":")
		if !divided {
			continue
		}
		if err := f.sum(sdc.Key{}, func(k sdc.Key) bool { return strings.HasPrefix(k.Group, dimension+":") }); err != nil {
			return err
		}
	}
	return nil
}

func (f released) sum(parent sdc.Key, in func(sdc.Key) bool) error {
	p, r, hidden, seen, secret := f.sets[parent].p.Clone(), f.sets[parent].r.Clone(), 0, 0, 0
	for k, v := range f.verdicts {
		if !in(k) {
			continue
		}
		if v.Shown {
			seen++
			p.AndNot(f.sets[k].p)
			r.AndNot(f.sets[k].r)
		} else if !f.sets[k].t.IsEmpty() {
			hidden++
			if !shy(v) {
				secret++
			}
		}
	}
	if seen == 0 || p.IsEmpty() && r.IsEmpty() {
		return nil
	}
	if hidden == 1 && secret == 1 || !harmless(p, f.known) || !harmless(r, f.known) {
		return fmt.Errorf("row %s gives away its %d hidden parts", parent, hidden)
	}
	return nil
}

func (f released) span() error {
	var shown []*roaring.Bitmap
	for k, v := range f.verdicts {
		if v.Shown {
			shown = append(shown, f.sets[k].p, f.sets[k].r)
		}
		if v.WholeShown {
			shown = append(shown, f.sets[k].t)
		}
	}
	e := eliminate(shown)
	for k, v := range f.verdicts {
		if v.Shown {
			continue
		}
		for _, s := range []*roaring.Bitmap{f.sets[k].p, f.sets[k].r} {
			fit := v.Reason != sdc.ReasonPrimary && left(s, nil) >= 10 && ten(s, f.known)
			if !s.IsEmpty() && !contains(shown, s) && !fit && e.holds(s) {
				return fmt.Errorf("hidden row %s is a combination of shown ones", k)
			}
		}
		if s := f.sets[k]; !shy(v) && !contains(shown, s.p) && !contains(shown, s.r) && !s.p.IsEmpty() && !s.r.IsEmpty() && e.holds(s.p) && e.holds(s.r) {
			return fmt.Errorf("hidden row %s follows whole from shown ones", k)
		}
		if t := f.sets[k].t; e.holds(t) && !t.IsEmpty() && !v.WholeShown && !(left(t, nil) >= 20 && ten(t, f.known)) {
			return fmt.Errorf("the whole of hidden row %s is a combination of shown ones", k)
		}
	}
	return nil
}

// shy reports that a row was left out although it might have been shown.
func shy(v sdc.Verdict) bool {
	return v.Reason == sdc.ReasonExposure || v.Reason == sdc.ReasonDetail
}

func contains(list []*roaring.Bitmap, s *roaring.Bitmap) bool {
	for _, o := range list {
		if o.Equals(s) {
			return true
		}
	}
	return false
}

// elimination is Gauss over the integers modulo a prime, one column a student.
type elimination struct{ rows []map[uint32]int64 }

const q = 1_000_000_007

func eliminate(sets []*roaring.Bitmap) elimination {
	var e elimination
	for _, s := range sets {
		if v := e.reduce(asMap(s)); len(v) > 0 {
			e.rows = append(e.rows, v)
		}
	}
	return e
}

func asMap(s *roaring.Bitmap) map[uint32]int64 {
	out := map[uint32]int64{}
	for _, x := range s.ToArray() {
		out[x] = 1
	}
	return out
}

func (e elimination) holds(s *roaring.Bitmap) bool { return len(e.reduce(asMap(s))) == 0 }

func (e elimination) reduce(v map[uint32]int64) map[uint32]int64 {
	for _, row := range e.rows {
		at := lowest(row)
		if v[at] == 0 {
			continue
		}
		f := v[at] * power(row[at], q-2) % q
		for x, c := range row {
			if v[x] = (v[x] + (q-f)*c) % q; v[x] == 0 {
				delete(v, x)
			}
		}
	}
	return v
}

func lowest(row map[uint32]int64) uint32 {
	best, first := uint32(0), true
	for x := range row {
		if first || x < best {
			best, first = x, false
		}
	}
	return best
}

func power(b, e int64) int64 {
	out := int64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			out = out * b % q
		}
		b = b * b % q
	}
	return out
}

// differences checks every pair of published sets, over all agreements. Either
// agreement may be the one that reads both.
func differences(byName map[string]sdc.Candidate, h sdc.History) error {
	for i, a := range h {
		for _, b := range h[:i] {
			k := byName[a.Agreement].Known[family]
			if d := roaring.Xor(a.Set, b.Set); a.Set.Intersects(b.Set) && !d.IsEmpty() && !harmless(d, k) && !published(h, d) {
				return fmt.Errorf("%s %s %s and %s %s %s differ by %d students",
					a.Agreement, a.Row, a.Role, b.Agreement, b.Row, b.Role, left(d, nil))
			}
		}
	}
	return nil
}

// published reports that a set's own sum was published: it passed on its own.
func published(h sdc.History, s *roaring.Bitmap) bool {
	return slices.ContainsFunc(h, func(p sdc.PublishedSet) bool { return p.Set.Equals(s) })
}
