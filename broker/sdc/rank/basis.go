package rank

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

// row is a vector of a basis, with a one at its pivot.
type row struct {
	vector
	pivot atom
}

// basis spans the sums that can be computed. Its light rows span those that
// vanish on every heavy atom: a combination in which a heavy row takes part does
// not, at the pivot of the first such row.
type basis struct {
	heavy []row // each pivot is a heavy atom and is zero in later rows
	light []row // zero on heavy atoms; each pivot is zero in all other rows
}

func (b basis) clone() basis {
	return basis{heavy: slices.Clone(b.heavy), light: slices.Clone(b.light)}
}

// cut follows a cut of atoms. Rows whose pivot has no heavy part left are taken
// out and returned: they are to be added again, for they may have another heavy
// atom, or none.
func (b *basis) cut(c cuts, heavy func(atom) bool) []vector {
	if c == nil {
		return nil
	}
	var loose []vector
	kept := b.heavy[:0]
	for _, r := range b.heavy {
		r.vector = r.vector.cut(c)
		if n := c.of(r.pivot); n != 0 && !heavy(r.pivot) {
			r.pivot = n
		}
		if heavy(r.pivot) {
			kept = append(kept, r)
		} else {
			loose = append(loose, r.vector)
		}
	}
	b.heavy = kept
	for i, r := range b.light {
		b.light[i].vector = r.vector.cut(c)
	}
	return loose
}

// left is what remains of a vector when the basis is taken out of it.
func (b basis) left(v vector, atoms int) vector {
	s := v.spread(atoms)
	for _, rows := range [][]row{b.heavy, b.light} {
		for _, r := range rows {
			if f := s[r.pivot]; f != 0 {
				s.take(f, r.vector)
			}
		}
	}
	return s.vector()
}

// addLight puts in a vector of which the basis was taken out. Its pivot is the
// latest atom, which tends to stand in the fewest other rows.
func (b *basis) addLight(v vector) {
	r := v.row(v[len(v)-1])
	for i, other := range b.light {
		if f := other.value(r.pivot); f != 0 {
			b.light[i].vector = other.minus(f, r.vector)
		}
	}
	b.light = append(b.light, r)
}

func (v vector) row(pivot entry) row {
	return row{v.scaled(field.Inverse(pivot.value)), pivot.at}
}
