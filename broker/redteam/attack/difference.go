package attack

import "math"

// Fact is what an insider wants to know of one student: which of two values it
// has. For a yes or no they are zero and one; for a sum of attendance points they
// may lie twenty apart.
type Fact struct{ No, Yes float64 }

// Bit is the fact of a yes or no.
func Bit() Fact { return Fact{Yes: 1} }

// Sighting is one figure as an insider sees it: what is printed bounds the sum
// with its noise, and the sum of all others in it is known.
type Sighting struct {
	Low, High float64 // of the printed sum, both included
	Others    float64 // sum of the other members
	Law       *Law
}

// Insider is the posterior that a student has the greater value, for somebody
// who knows all others in each figure. Noise must be independent between figures:
// see Distinct. Where no value fits what is printed, the prior stays.
func Insider(prior float64, f Fact, seen ...Sighting) float64 {
	odds := 0.
	for _, s := range seen {
		no := s.Law.Between(s.Low-s.Others-f.No, s.High-s.Others-f.No)
		yes := s.Law.Between(s.Low-s.Others-f.Yes, s.High-s.Others-f.Yes)
		odds += logRatio(yes, no)
	}
	return posterior(prior, odds)
}

// logRatio is log(yes/no), zero where both are impossible.
func logRatio(yes, no float64) float64 {
	if yes == no {
		return 0
	}
	return math.Log(yes) - math.Log(no)
}

// posterior is a prior after evidence in log odds. Evidence that contradicts
// itself counts nothing.
func posterior(prior, odds float64) float64 {
	if math.IsNaN(odds) {
		return prior
	}
	return 1 / (1 + math.Exp(-odds)*(1-prior)/prior)
}

// Distinct leaves out sightings that repeat another: the same answer to the same
// question has the same noise, and a thousand of them say what one says. Where an
// unprotected system draws anew each time, all of them stay.
func Distinct(seen []Sighting) []Sighting {
	var out []Sighting
	met := map[Sighting]bool{}
	for _, s := range seen {
		if !met[s] {
			met[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Pair is what is printed of a set with the target and of the same set without:
// bounds of both sums, both included.
type Pair struct{ WithLow, WithHigh, WithoutLow, WithoutHigh float64 }

// Differencing is the posterior of a yes from pairs of figures that differ by one
// student, for somebody who knows nobody in them. The law is that of the
// difference of the two noises.
func Differencing(prior float64, law *Law, pairs ...Pair) float64 {
	odds := 0.
	for _, p := range pairs {
		low, high := p.WithLow-p.WithoutHigh, p.WithHigh-p.WithoutLow
		odds += logRatio(law.Between(low-1, high-1), law.Between(low, high))
	}
	return posterior(prior, odds)
}

// Equality is the test of zero contributors: how often the answers with and
// without a student are the same, if its value is a no and if it is a yes. Where
// noise is keyed on the records that were counted, a no changes nothing and the
// answers are always the same.
type Equality struct{ IfNo, IfYes float64 }

// TextbookKeys is the equality test for cell keys on the counted records alone:
// a no leaves the same noise, a yes draws another, which gives the same answer if
// it is one less.
func TextbookKeys(noise *Law) Equality {
	return Equality{IfNo: 1, IfYes: noise.Minus(noise).At(1)}
}

// Posterior of a yes after comparisons of which each tells whether both answers
// were the same.
func (e Equality) Posterior(prior float64, same ...bool) float64 {
	odds := 0.
	for _, s := range same {
		if s {
			odds += logRatio(e.IfYes, e.IfNo)
		} else {
			odds += logRatio(1-e.IfYes, 1-e.IfNo)
		}
	}
	return posterior(prior, odds)
}
