package attack

import (
	"maps"
	"slices"
)

// Estimate is a number with the variance of its error.
type Estimate struct{ Value, Variance float64 }

// Averaged is the best estimate from independent ones of the same number: their
// mean, weighted by inverse variance. One without error is the answer.
func Averaged(of ...Estimate) Estimate {
	weight, sum := 0., 0.
	for _, e := range of {
		if e.Variance <= 0 {
			return e
		}
		weight += 1 / e.Variance
		sum += e.Value / e.Variance
	}
	if weight == 0 {
		return Estimate{}
	}
	return Estimate{sum / weight, 1 / weight}
}

// Total estimates the sum over all members of disjoint figures: a partition of a
// whole.
func Total(parts ...Equation) Estimate {
	var out Estimate
	for _, e := range parts {
		out.Value += e.Value
		out.Variance += e.spread()
	}
	return out
}

// Term is a figure with the factor by which it enters a combination.
type Term struct {
	Equation Equation
	Factor   float64
}

// Combination is a sum of figures: what each student's value enters it by, and
// its estimate, if the noises are independent.
type Combination struct {
	Factors map[int]float64 // by student; who cancels out is not in it
	Estimate
}

// Combine adds figures with their factors: a year less its terms, a whole less
// its rest, a set less the same without one.
func Combine(terms ...Term) Combination {
	out := Combination{Factors: map[int]float64{}}
	for _, t := range terms {
		for _, x := range t.Equation.Members {
			out.Factors[x] += t.Factor
		}
		out.Value += t.Factor * t.Equation.Value
		out.Variance += t.Factor * t.Factor * t.Equation.spread()
	}
	maps.DeleteFunc(out.Factors, func(_ int, f float64) bool { return f == 0 })
	return out
}

// Students lists who is left in a combination, ascending.
func (c Combination) Students() []int { return slices.Sorted(maps.Keys(c.Factors)) }

// Sighting is the combination as an insider sees it who knows all but the target:
// the whole number nearest to its value, in units of the target's factor. It is
// not ok if the target is not in it or another is not known.
func (c Combination) Sighting(target int, known map[int]bool) (s Sighting, ok bool) {
	factor, there := c.Factors[target]
	if !there {
		return Sighting{}, false
	}
	others := 0.
	for x, f := range c.Factors {
		if x == target {
			continue
		}
		yes, known := known[x]
		if !known {
			return Sighting{}, false
		}
		others += f * bit(yes)
	}
	value := c.Value / factor
	return Sighting{value - .5, value + .5 - 2*grain, others / factor, Gaussian(c.Variance / (factor * factor))}, true
}
