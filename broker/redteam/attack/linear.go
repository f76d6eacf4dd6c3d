package attack

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// sharp is the least variance that an equation is given in least squares, so that
// exact ones do not make the system singular.
const sharp = 1e-4

// LeastSquares scores every student by the values that explain the figures best,
// with a ridge that pulls each to its prior (Dinur and Nissim, "Revealing
// information while preserving privacy", PODS 2003, with the weights of a linear
// Bayes estimate). A score over one half is a yes; known students have theirs.
func LeastSquares(v View) ([]float64, error) {
	s, err := newSystem(v)
	if err != nil {
		return nil, err
	}
	if len(s.students) == 0 {
		return v.Priors(), nil
	}
	n := len(s.students)
	normal, right := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for i, x := range s.students {
		p := v.prior(x)
		normal.SetSym(i, i, 1/(p*(1-p)))
		right.SetVec(i, 1/(1-p)) // the ridge times the prior
	}
	for _, l := range s.lines {
		l.accumulate(normal, right)
	}
	var by mat.Cholesky
	if !by.Factorize(normal) {
		return nil, fmt.Errorf("%w: its figures are too unlike in precision for least squares", ErrView)
	}
	var found mat.VecDense
	if err := by.SolveVecTo(&found, right); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrView, err)
	}
	return s.filled(v, found.RawVector().Data), nil
}

// system is a view without its known students.
type system struct {
	students []int // who is not known
	lines    []line
}

// line is an equation over the unknown: positions in system.students.
type line struct {
	at        []int
	value     float64
	low, high float64
	noise     float64 // its variance
	variance  float64 // of value about the true sum
	reach     float64 // the most that noise adds or takes away
}

func newSystem(v View) (system, error) {
	if err := v.Validate(); err != nil {
		return system{}, err
	}
	s := system{students: v.Unknown()}
	position := make([]int, v.Students)
	for i, x := range s.students {
		position[x] = i
	}
	for i, e := range v.Equations {
		l := v.line(e, position)
		switch {
		case len(l.at) > 0:
			s.lines = append(s.lines, l)
		case l.low-l.reach > grain || l.high+l.reach < -grain:
			return system{}, fmt.Errorf("%w: equation %d: all of its members are known, and do not give what is printed", ErrView, i)
		}
	}
	return s, nil
}

// line is an equation less what is known in it.
func (v View) line(e Equation, position []int) line {
	l := line{value: e.Value, noise: e.noise(), variance: e.spread(), reach: math.Ceil(8 * math.Sqrt(e.noise()))}
	l.low, l.high = e.bounds()
	for _, x := range e.Members {
		yes, known := v.Known[x]
		if !known {
			l.at = append(l.at, position[x])
			continue
		}
		l.value -= bit(yes)
		l.low -= bit(yes)
		l.high -= bit(yes)
	}
	return l
}

// filled puts what was found for the unknown among the values of the known.
func (s system) filled(v View, found []float64) []float64 {
	out := v.Priors()
	for i, x := range s.students {
		out[x] = found[i]
	}
	return out
}

// accumulate adds the line to normal equations.
func (l line) accumulate(normal *mat.SymDense, right *mat.VecDense) {
	weight := 1 / max(l.variance, sharp)
	raw := normal.RawSymmetric()
	for n, i := range l.at {
		right.SetVec(i, right.AtVec(i)+weight*l.value)
		row := raw.Data[i*raw.Stride:]
		for _, j := range l.at[n:] {
			row[j] += weight
		}
	}
}

// Rounding scores every student by the values between zero and one that miss the
// figures' bounds by the least sum: the linear program of Dwork, McSherry and
// Talwar ("The price of privacy and the limits of LP decoding", STOC 2007), solved
// by so many rounds of the preconditioned primal-dual method of Pock and Chambolle
// (ICCV 2011), fewer if nothing moves any more. Scores are to be rounded. Three
// thousand rounds do for 500 figures of 500 students.
func Rounding(v View, rounds int) ([]float64, error) {
	s, err := newSystem(v)
	if err != nil {
		return nil, err
	}
	p := newDecoding(s, v)
	for moved := 1.; rounds > 0 && moved > still; rounds-- {
		moved = p.step()
	}
	return s.filled(v, p.values), nil
}

// still is the greatest move after which decoding stops.
const still = 1e-5

// decoding is a linear program on its way.
type decoding struct {
	lines        []line
	values, push []float64 // by student: its value, and what all lines pull it by
	pace         []float64 // by student: how far it may go in a round
	dual         []float64 // by line
}

func newDecoding(s system, v View) *decoding {
	n := len(s.students)
	p := &decoding{
		lines: s.lines, values: make([]float64, n), push: make([]float64, n),
		pace: make([]float64, n), dual: make([]float64, len(s.lines)),
	}
	for i, x := range s.students {
		p.values[i] = v.prior(x)
	}
	for _, l := range s.lines {
		for _, i := range l.at {
			p.pace[i]++
		}
	}
	return p
}

// step moves the values along the pull of the lines, and the lines along how far
// the values, taken one move further, miss their bounds. It returns the
// greatest move.
func (p *decoding) step() (moved float64) {
	clear(p.push)
	for k, l := range p.lines {
		if p.dual[k] != 0 {
			for _, i := range l.at {
				p.push[i] += p.dual[k]
			}
		}
	}
	for i, was := range p.values {
		p.values[i] = min(max(was-p.push[i]/max(1, p.pace[i]), 0), 1)
		p.push[i] = 2*p.values[i] - was // where it would be one move further
		moved = max(moved, math.Abs(p.values[i]-was))
	}
	for k, l := range p.lines {
		sum := 0.
		for _, i := range l.at {
			sum += p.push[i]
		}
		width := float64(len(l.at))
		was := p.dual[k]
		p.dual[k] = l.pulled(was+sum/width, width)
		moved = max(moved, math.Abs(p.dual[k]-was))
	}
	return moved
}

// pulled is the proximal step of the conjugate of the distance to the bounds.
func (l line) pulled(dual, width float64) float64 {
	at := dual * width
	switch {
	case at > l.high:
		return min(1, (at-l.high)/width)
	case at < l.low:
		return max(-1, (at-l.low)/width)
	}
	return 0
}
