package attack

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrView is returned for what cannot be read as published figures.
var ErrView = errors.New("the view cannot be attacked")

// View is what an attacker has in one period and indicator: figures, values known
// from elsewhere, and what it believes of each student before it looks.
type View struct {
	Students  int
	Equations []Equation
	Known     map[int]bool // by student: the value, where it is known
	Prior     []float64    // by student: the chance of a yes, over 0 and under 1; nil: one half
}

// Equation is one published sum of the values of a set of students.
type Equation struct {
	Members []int   // students in the sum, ascending, each once
	Value   float64 // the sum by the attacker's best reading of what is printed
	Low     float64 // least and most that the sum, with its noise, may be by
	High    float64 // what is printed, both included; infinite where it gives no bound
	// Variance is that of the discrete Gaussian noise in the sum, in squares of
	// its unit. Zero: Low and High bound the true sum.
	Variance float64
	// Exact says that Value is the true sum; Low, High and Variance do not count.
	Exact bool
}

// Exactly is the figure of a true sum.
func Exactly(members []int, sum float64) Equation {
	return Equation{Members: members, Value: sum, Low: sum, High: sum, Exact: true}
}

// Noisy is the figure of a sum that is printed to the last student, with noise.
func Noisy(members []int, sum, variance float64) Equation {
	return Equation{Members: members, Value: sum, Low: sum, High: sum, Variance: variance}
}

// Within is the figure of a sum of which a printed code gives bounds.
func Within(members []int, low, high, variance float64) Equation {
	e := Equation{Members: members, Low: low, High: high, Variance: variance}
	low, high = e.finite()
	e.Value = (low + high) / 2
	return e
}

// Share is the figure of a printed percentage of the members. A code that is open
// to an end, such as GE95, says nothing of how far noise went beyond: pass an
// infinite bound for it where the figure has noise.
func Share(members []int, low, high, variance float64) Equation {
	n := float64(len(members))
	return Within(members, low/100*n, high/100*n, variance)
}

// Narrowed is the figure with tighter bounds from another reading of the same
// noisy number: with a known whole, the rest bounds the participants once more.
// Two readings of one number must never count as two.
func (e Equation) Narrowed(low, high float64) Equation {
	return Within(e.Members, max(e.Low, low), min(e.High, high), e.Variance)
}

// bounds are the least and most of the sum that is printed.
func (e Equation) bounds() (low, high float64) {
	if e.Exact {
		return e.Value, e.Value
	}
	return e.Low, e.High
}

// noise is the variance of the noise in the sum.
func (e Equation) noise() float64 {
	if e.Exact {
		return 0
	}
	return e.Variance
}

// finite are the bounds without what cannot be: a true sum lies between zero and
// all members, and a noisy one without a bound is taken to lie no further out.
func (e Equation) finite() (low, high float64) {
	low, high = e.bounds()
	n := float64(len(e.Members))
	if e.noise() == 0 {
		return min(max(low, 0), n), min(max(high, 0), n)
	}
	if math.IsInf(low, -1) {
		low = min(0, high)
	}
	if math.IsInf(high, 1) {
		high = max(n, low)
	}
	return low, high
}

// spread is the variance with which Value stands for the true sum: that of the
// noise, and of a uniform number within the bounds.
func (e Equation) spread() float64 {
	low, high := e.finite()
	return e.noise() + (high-low)*(high-low)/12
}

// Validate reports, as an ErrView, the figure or student that does not fit.
func (v View) Validate() error {
	if v.Prior != nil && len(v.Prior) != v.Students {
		return fmt.Errorf("%w: %d priors for %d students; give one each, or none", ErrView, len(v.Prior), v.Students)
	}
	if i := slices.IndexFunc(v.Prior, func(p float64) bool { return !(p > 0 && p < 1) }); i >= 0 {
		return fmt.Errorf("%w: the prior of student %d is not between 0 and 1; put what is certain into Known", ErrView, i)
	}
	for x := range v.Known {
		if x < 0 || x >= v.Students {
			return fmt.Errorf("%w: known student %d is none of %d", ErrView, x, v.Students)
		}
	}
	for i, e := range v.Equations {
		if err := e.check(v.Students); err != nil {
			return fmt.Errorf("%w: equation %d: %w", ErrView, i, err)
		}
	}
	return nil
}

func (e Equation) check(students int) error {
	low, high := e.bounds()
	switch {
	case !(low <= high) || math.IsInf(low, 1) || math.IsInf(high, -1):
		return errors.New("its bounds hold no number")
	case !(e.noise() >= 0) || math.IsInf(e.Variance, 1):
		return errors.New("its variance is not a positive number or zero")
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0):
		return errors.New("its value is not a number")
	}
	last := -1
	for _, x := range e.Members {
		if x <= last || x >= students {
			return errors.New("its members are not ascending students of the view")
		}
		last = x
	}
	return nil
}

// prior is the chance of a yes before any figure is read, zero or one if known.
func (v View) prior(x int) float64 {
	if yes, known := v.Known[x]; known {
		return bit(yes)
	}
	if v.Prior == nil {
		return .5
	}
	return v.Prior[x]
}

// Unknown lists the students whose value is not known, ascending.
func (v View) Unknown() []int {
	var out []int
	for x := range v.Students {
		if _, known := v.Known[x]; !known {
			out = append(out, x)
		}
	}
	return out
}

// Priors lists the chance of a yes of every student before any figure is read,
// zero or one where it is known.
func (v View) Priors() []float64 {
	out := make([]float64, v.Students)
	for x := range out {
		out[x] = v.prior(x)
	}
	return out
}

func bit(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Pooled is the view of partners that put together what they have of the same
// students. The belief is that of the first that has one. Equal figures count
// once: a figure that two partners share has one noise. An ErrView says that they
// do not count the same students or know different values of one.
func Pooled(views ...View) (View, error) {
	var out View
	for i, v := range views {
		if i == 0 {
			out = View{Students: v.Students, Known: map[int]bool{}}
		}
		if err := out.take(v); err != nil {
			return View{}, err
		}
	}
	return out, nil
}

func (v *View) take(other View) error {
	if other.Students != v.Students {
		return fmt.Errorf("%w: one partner counts %d students, another %d", ErrView, v.Students, other.Students)
	}
	if v.Prior == nil {
		v.Prior = other.Prior
	}
	for x, yes := range other.Known {
		if was, known := v.Known[x]; known && was != yes {
			return fmt.Errorf("%w: two partners know different values of student %d", ErrView, x)
		}
		v.Known[x] = yes
	}
	for _, e := range other.Equations {
		if !slices.ContainsFunc(v.Equations, e.same) {
			v.Equations = append(v.Equations, e)
		}
	}
	return nil
}

func (e Equation) same(o Equation) bool {
	return e.Value == o.Value && e.Low == o.Low && e.High == o.High && e.Variance == o.Variance &&
		e.Exact == o.Exact && slices.Equal(e.Members, o.Members)
}

// Logistic is a risk model: the chance of a yes is the logistic function of the
// base and the effects of a student's traits, in log odds.
type Logistic struct {
	Base    float64
	Effects map[string]float64 // by trait: "grade 9", "frl"
}

// Chance of a yes of a student with these traits. Traits without an effect count
// nothing.
func (l Logistic) Chance(traits ...string) float64 {
	odds := l.Base
	for _, t := range traits {
		odds += l.Effects[t]
	}
	return 1 / (1 + math.Exp(-odds))
}
