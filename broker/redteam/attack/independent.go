package attack

import (
	"fmt"
	"math"
	"slices"
)

// independent are the lines of a system without the exact ones that others imply:
// a whole beside all of its parts says nothing more, and would only make chains
// stiff. Of those the smaller are kept. An ErrView reports exact lines that
// contradict each other.
func (s system) independent() ([]line, error) {
	var exact, out []line
	for _, l := range s.lines {
		if l.noise == 0 && l.high-l.low < grain {
			exact = append(exact, l)
			continue
		}
		out = append(out, l)
	}
	slices.SortStableFunc(exact, func(a, b line) int { return len(a.at) - len(b.at) })
	var basis []reduced
	for _, l := range exact {
		r := reduced{row: make([]float64, len(s.students)+1)}
		for _, i := range l.at {
			r.row[i] = 1
		}
		r.row[len(s.students)] = l.low
		switch left := r.by(basis); {
		case left:
			basis = append(basis, r)
			out = append(out, l)
		case math.Abs(r.row[len(s.students)]) > tiny:
			return nil, fmt.Errorf("%w: exact figures contradict each other", ErrView)
		}
	}
	return out, nil
}

// tiny is what elimination may leave of zero.
const tiny = 1e-6

// reduced is an exact line from which earlier ones were taken: a factor for each
// student, then the sum. Its pivot is the student of the largest factor.
type reduced struct {
	row   []float64
	pivot int
}

// by takes the basis from the line, and reports whether anything is left of it.
func (r *reduced) by(basis []reduced) bool {
	for _, b := range basis {
		if factor := r.row[b.pivot] / b.row[b.pivot]; factor != 0 {
			for i, v := range b.row {
				r.row[i] -= factor * v
			}
		}
	}
	most := 0.
	for i, v := range r.row[:len(r.row)-1] {
		if math.Abs(v) > most {
			r.pivot, most = i, math.Abs(v)
		}
	}
	return most > tiny
}
