package attack

import (
	"math"
	"slices"
)

// Probe is one question whose refusal may tell: how often the row is shown if a
// student is in the sensitive group and if not.
type Probe struct{ IfIn, IfOut float64 }

// Posterior that the student is in the group, after the row was shown or not.
func (p Probe) Posterior(prior float64, shown bool) float64 {
	if shown {
		return posterior(prior, logRatio(p.IfIn, p.IfOut))
	}
	return posterior(prior, logRatio(1-p.IfIn, 1-p.IfOut))
}

// Accuracy is how often the best guess from the probe is right, for a student who
// is in the group or not as likely.
func (p Probe) Accuracy() float64 { return (1 + math.Abs(p.IfIn-p.IfOut)) / 2 }

// BestProbe finds the roster that tells most: how many students of the group to
// put beside the target, between two. Shown gives how often a row with so many is
// shown.
func BestProbe(from, to int, shown func(n int) float64) (beside int, best Probe) {
	beside, best = from, Probe{shown(from + 1), shown(from)}
	for n := from + 1; n <= to; n++ {
		if p := (Probe{shown(n + 1), shown(n)}); p.Accuracy() > best.Accuracy() {
			beside, best = n, p
		}
	}
	return beside, best
}

// Smirnov compares two samples of a side channel, say the times of answers about
// students with and without a record: the greatest distance of their distributions,
// and the probability of one at least as great if they are the same (Smirnov 1948,
// the limit with the correction of Stephens 1970; conservative where values repeat).
// Without values the probability is one.
func Smirnov(a, b []float64) (distance, p float64) {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	if len(a) == 0 || len(b) == 0 {
		return 0, 1
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		v := min(a[i], b[j])
		for i < len(a) && a[i] <= v {
			i++
		}
		for j < len(b) && b[j] <= v {
			j++
		}
		distance = max(distance, math.Abs(ratio(i, len(a))-ratio(j, len(b))))
	}
	root := math.Sqrt(float64(len(a)) * float64(len(b)) / float64(len(a)+len(b)))
	return distance, kolmogorov((root + .12 + .11/root) * distance)
}

// kolmogorov is the probability that the limit of scaled distances is over x.
func kolmogorov(x float64) float64 {
	if x < .2 {
		return 1
	}
	sum, sign := 0., 1.
	for k := 1.; k <= 100; k++ {
		sum += sign * math.Exp(-2*k*k*x*x)
		sign = -sign
	}
	return min(max(2*sum, 0), 1)
}
