package rank

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

// entry is one place of a vector that is not zero.
type entry struct {
	at    atom
	value uint64
}

// vector is a weighted sum of atoms, by ascending atom. It is never written
// once made.
type vector []entry

func indicator(members []atom) vector {
	v := make(vector, len(members))
	for i, a := range members {
		v[i] = entry{a, 1}
	}
	return v
}

// value returns what stands at an atom.
func (v vector) value(at atom) uint64 {
	i, found := slices.BinarySearchFunc(v, at, func(e entry, at atom) int { return int(e.at) - int(at) })
	if !found {
		return 0
	}
	return v[i].value
}

func (v vector) scaled(f uint64) vector {
	if f == 1 {
		return v
	}
	out := make(vector, len(v))
	for i, e := range v {
		out[i] = entry{e.at, field.Mul(f, e.value)}
	}
	return out
}

// minus returns v − f·w, for f that is not zero.
func (v vector) minus(f uint64, w vector) vector {
	out := make(vector, 0, len(v)+len(w))
	negative := field.Sub(0, f)
	for len(v) > 0 && len(w) > 0 {
		switch {
		case v[0].at < w[0].at:
			out, v = append(out, v[0]), v[1:]
		case v[0].at > w[0].at:
			out, w = append(out, entry{w[0].at, field.Mul(negative, w[0].value)}), w[1:]
		default:
			if x := field.Sub(v[0].value, field.Mul(f, w[0].value)); x != 0 {
				out = append(out, entry{v[0].at, x})
			}
			v, w = v[1:], w[1:]
		}
	}
	out = append(out, v...)
	for _, e := range w {
		out = append(out, entry{e.at, field.Mul(negative, e.value)})
	}
	return out
}

// cut gives each new atom what stood at the one that it was cut from.
func (v vector) cut(c cuts) vector {
	out := v[:len(v):len(v)]
	for _, e := range v {
		if n := c.of(e.at); n != 0 {
			out = append(out, entry{n, e.value})
		}
	}
	return out
}

// spread is a vector with a place for each atom, to be worked on.
type spread []uint64

func (v vector) spread(atoms int) spread {
	s := make(spread, atoms)
	for _, e := range v {
		s[e.at] = e.value
	}
	return s
}

// take subtracts f·w.
func (s spread) take(f uint64, w vector) {
	for _, e := range w {
		s[e.at] = field.Sub(s[e.at], field.Mul(f, e.value))
	}
}

func (s spread) vector() vector {
	var v vector
	for i, x := range s {
		if x != 0 {
			v = append(v, entry{atom(i), x})
		}
	}
	return v
}
