package compare_test

import (
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// world is a cohort beside a rest: the law of one student on each side, and the
// noise in the sums of the cohort and of the whole.
type world struct {
	m               sdc.Measure
	cohort, rest    law
	n, others       int
	parts           int64 // of the denominator that a student counts for
	noise, wholesSD float64
}

// covered is how likely the intervals of cohort and difference hold the truth,
// over every sum and every noise, none of it by chance. Read with another eye,
// the rows may have lost something.
type covered struct{ cohort, difference, effect float64 }

func (w world) covered(see func(sdc.ShownRow) sdc.ShownRow) covered {
	p, q := w.cohort.of(w.n), w.rest.of(w.others).plus(gaussian(w.wholesSD))
	noise := gaussian(w.noise)
	noisy := p.plus(noise)
	var out covered
	for i := range noisy.chances {
		for j := range len(q.chances) + len(noise.chances) - 1 {
			a, b := noisy.low+i, q.low-noise.low-len(noise.chances)+1+j
			chance := w.joint(p, q, noise, a, b)
			if chance < 1e-12 {
				continue
			}
			got, _ := compare.Read(see(w.row(a, b)), w.m)
			out.add(w, got, chance)
		}
	}
	return out
}

// joint is the chance of a noisy sum of the cohort beside one of the rest, which
// lacks what the noise gave to the cohort.
func (w world) joint(p, q, noise law, a, b int) float64 {
	sum := 0.0
	for k, chance := range noise.chances {
		e := noise.low + k
		sum += chance * p.at(a-e) * q.at(b+e)
	}
	return sum
}

func (l law) at(v int) float64 {
	if i := v - l.low; i >= 0 && i < len(l.chances) {
		return l.chances[i]
	}
	return 0
}

func (w world) row(a, b int) sdc.ShownRow {
	p := noisyGroup{w.n, int64(a), int64(w.n) * w.parts, w.noise}
	q := noisyGroup{w.others, int64(b), int64(w.others) * w.parts, w.noise}
	return noisyRow(w.m, p, q, w.wholesSD)
}

func (c *covered) add(w world, got compare.Reading, chance float64) {
	p, q := w.cohort.mean()/float64(w.parts), w.rest.mean()/float64(w.parts)
	c.cohort += chance * within(got.Cohort, 100*p)
	c.difference += chance * within(got.Interval, 100*(p-q))
	if w.m.Kind == sdc.Share {
		c.effect += chance * within(got.Effect, compare.CoxIndex(p, q))
	}
}

func within(r compare.Range, v float64) float64 {
	if float64(r.Low) <= v*1000 && v*1000 <= float64(r.High) {
		return 1
	}
	return 0
}

func asShown(r sdc.ShownRow) sdc.ShownRow { return r }

func worlds() map[string]world {
	share, events := sdc.Measure{Kind: sdc.Share}, sdc.Measure{Kind: sdc.Per100}
	return map[string]world{
		"12 beside 40, nobody higher":   {share, either(0.2, 1), either(0.2, 1), 12, 40, 1, 2, 2},
		"20 beside 60, a tenth":         {share, either(0.1, 1), either(0.1, 1), 20, 60, 1, 2, 4},
		"25 beside 120, 15 % and 25 %":  {share, either(0.15, 1), either(0.25, 1), 25, 120, 1, 2, 4},
		"50 beside 150, seldom":         {share, either(0.05, 1), either(0.05, 1), 50, 150, 1, 2, 2},
		"100 beside 150, a half":        {share, either(0.5, 1), either(0.4, 1), 100, 150, 1, 2, 2},
		"60 beside 90, three or none":   {events, either(0.05, 3), either(0.1, 3), 60, 90, 1, 2, 4},
		"120 beside 150, one at a time": {events, either(0.08, 1), either(0.04, 1), 120, 150, 1, 2, 4},
	}
}

func TestNoisyIntervalsCoverTheTruth(t *testing.T) {
	t.Parallel()
	for name, w := range worlds() {
		got := w.covered(asShown)
		if got.cohort < 0.94 || got.difference < 0.94 || w.m.Kind == sdc.Share && got.effect < 0.94 {
			t.Errorf("%s: covered %+v, less than 0.94", name, got)
		}
	}
}

// Sabotage: the same rows, read without their noise, must miss the truth too
// often, or the test above would prove nothing.
func TestWithoutTheNoiseIntervalsMissTheTruth(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"12 beside 40, nobody higher", "20 beside 60, a tenth", "25 beside 120, 15 % and 25 %"} {
		got := worlds()[name].covered(withoutNoise)
		if got.difference >= 0.94 {
			t.Errorf("%s: covered %+v although the noise was left out", name, got)
		}
	}
}

// Sabotage: noise of the two sides that is taken to be independent makes the
// interval of the difference too narrow where the noise is most of it.
func TestIndependentNoiseWouldBeTooNarrow(t *testing.T) {
	t.Parallel()
	w := world{sdc.Measure{Kind: sdc.Share}, either(0.5, 1), either(0.5, 1), 40, 40, 1, 6, 1}
	independent := func(r sdc.ShownRow) sdc.ShownRow {
		rest := *r.Rest
		rest.DifferenceNoise = sdc.Milli(math.Hypot(float64(r.Cohort.Noise), float64(rest.Noise)))
		r.Rest = &rest
		return r
	}
	right, wrong := w.covered(asShown), w.covered(independent)
	if right.difference < 0.94 || wrong.difference >= 0.94 {
		t.Errorf("covered %v with the covariance, %v without", right, wrong)
	}
}
