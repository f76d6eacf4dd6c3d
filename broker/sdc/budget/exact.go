package budget

import (
	"math"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// ExactDelta is the least δ that one figure keeps with ε, when its noise has the
// variance and neighbours differ in it by the sensitivity: the chance of each
// figure beyond what e^ε allows (Canonne, Kamath and Steinke 2020, theorem 7). It
// is a number for people, to hold conversions against: nothing is decided by it.
// A variance, a sensitivity or an ε out of range is an error.
func ExactDelta(v noise.Variance, sensitivity int64, e Epsilon) (float64, error) {
	f := Figures{Sensitivity: sensitivity, Public: 1, Variance: v}
	if err := f.Validate(); err != nil {
		return 0, err
	}
	if err := e.Validate(); err != nil {
		return 0, err
	}
	variance, apart := float64(v.Num)/float64(v.Den), float64(sensitivity)
	epsilon := float64(e) / 1e6
	first := math.Floor(epsilon*variance/apart-apart/2) + 1
	reach := math.Ceil(40 * math.Sqrt(variance)) // e^-800: nothing beyond it is told from zero
	sum, total := 0., 0.
	for k := -reach; k <= reach; k++ {
		weight := math.Exp(-k * k / 2 / variance)
		total += weight
		if k >= first {
			excess := (2*k*apart+apart*apart)/2/variance - epsilon
			sum -= weight * math.Expm1(-excess)
		}
	}
	return max(sum/total, 0), nil
}
