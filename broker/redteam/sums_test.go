package redteam_test

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// variances are those of the noise in a count, as each profile's definition
// tells everybody.
var variances = map[string]float64{"published_table": 0, "standard": 4}

// variance is that of the noise which the attacker assumes in a count.
func (x *trial) variance(profile string) float64 {
	switch sdc.Weakness(x.build.name) {
	case sdc.WeakExact, sdc.WeakSuppressOnly, sdc.WeakRound5:
		return 0
	case sdc.WeakCellKey:
		return 4
	}
	return variances[profile]
}

// variance of a row: in that of a group there is noise in the number of students
// too, which moves the sum by as much as the share is.
func (x *trial) rowVariance(v view, s *side) float64 {
	most := x.variance(v.profile)
	if v.group == "" || most == 0 {
		return most
	}
	share := (s.Value.Low + s.Value.High) / 200
	return most * (1 + share*share)
}

// bounds are those of a printed sum of bits. A code that is open to an end says
// nothing of how far noise went beyond.
func (x *trial) bounds(v view, s *side, n int) (low, high float64, ok bool) {
	e, ok := s.sum(v.indicator, n)
	if !ok {
		return 0, 0, false
	}
	low, high = e.low, e.high
	switch {
	case x.build.name == string(sdc.WeakRound5):
		low, high = low-2.5, high+2.5
	case v.group != "" && x.variance(v.profile) > 0: // no whole number, since the number of students is none
		low, high = low-.5, high+.5
	}
	if x.variance(v.profile) > 0 {
		if strings.HasPrefix(s.Value.Code, "L") {
			low = math.Inf(-1)
		}
		if strings.HasPrefix(s.Value.Code, "G") {
			high = math.Inf(1)
		}
	}
	return low, high, true
}

// mine is the sum of the partner's students, read from the cohort and, where
// the total is public, from the rest too: the two are one number.
func (x *trial) mine(v view, publicTotal bool) []attack.Equation {
	low, high, ok := x.bounds(v, v.cohort, len(v.p))
	if !ok {
		return nil
	}
	cohort := attack.Within(v.p, low, high, x.rowVariance(v, v.cohort))
	if !publicTotal || v.group != "" { // of groups no total is public
		return []attack.Equation{cohort}
	}
	low, high, ok = x.bounds(v, v.rest, len(v.t)-len(v.p))
	if !ok {
		return []attack.Equation{cohort}
	}
	total := x.total(v)
	if both := cohort.Narrowed(total-high, total-low); both.Low <= both.High+1e-6 {
		return []attack.Equation{both}
	}
	return []attack.Equation{cohort, attack.Within(v.p, total-high, total-low, x.variance(v.profile))}
}

// total is what the district's report card says of a row.
func (x *trial) total(v view) float64 { return x.town.total(v.indicator, v.period, v.t) }

// insider is the posterior of somebody who knows everybody else in the figures.
func (x *trial) insider(target int, v []attack.Equation, truth func(student int) bool) float64 {
	return x.insiderFrom(.5, target, v, truth)
}

// insiderFrom is insider after other evidence.
func (x *trial) insiderFrom(prior float64, target int, v []attack.Equation, truth func(student int) bool) float64 {
	var seen []attack.Sighting
	for _, e := range v {
		others := 0.
		for _, i := range e.Members {
			if i != target && truth(i) {
				others++
			}
		}
		seen = append(seen, attack.Sighting{Low: e.Low, High: e.High, Others: others, Law: x.law(e.Variance)})
	}
	return attack.Insider(prior, attack.Bit(), attack.Distinct(seen)...)
}

// law is the law of noise with a variance, made once.
func (x *trial) law(variance float64) *attack.Law {
	if x.laws == nil {
		x.laws = map[float64]*attack.Law{}
	}
	if x.laws[variance] == nil {
		x.laws[variance] = attack.Gaussian(variance)
	}
	return x.laws[variance]
}

// coin is tossed where nothing speaks for either side.
func coin(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 5)) }
