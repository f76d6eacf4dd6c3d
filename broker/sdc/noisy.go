package sdc

import (
	"errors"
	"fmt"
	"maps"
	"math/big"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// ErrNoise is returned where a profile needs noise and there is none.
var ErrNoise = errors.New("the profile needs noise")

// Noise stands between the sums of a release and its figures.
type Noise interface {
	// Of returns the noise of a group's sum, in which a change of the given size
	// is to be hidden. An error means that nothing may be shown.
	Of(indicator string, hidden int64, g noise.Group) (int64, error)
	// Variance is that of the noise of a count of students.
	Variance() noise.Variance
}

// Protection is what stands between raw figures and shown ones. Noise is for
// noisy profiles only.
type Protection struct {
	Profile Profile
	Noise   Noise
	Weak    Weakness // of tests
}

// Validate reports an unknown profile, or a noisy one without noise.
func (p Protection) Validate() error {
	if err := p.Profile.Validate(); err != nil {
		return err
	}
	if p.Profile.Noisy() && p.Noise == nil {
		return ErrNoise
	}
	return nil
}

// A noisySum is a sum over n students with noise in it: parts of a weight. Draws
// say how often it holds each draw of noise.
type noisySum struct {
	n             int
	parts, weight int64
	draws         map[draw]int64
}

// A draw of noise is that of a group or, where the group is not at hand any more,
// one of the numbered draws of an earlier period.
type draw struct {
	group  noise.Group
	period int
	number int
}

func (s noisySum) plus(o noisySum, times int64) noisySum {
	out := noisySum{s.n + int(times)*o.n, s.parts + times*o.parts, s.weight + times*o.weight, maps.Clone(s.draws)}
	for g, k := range o.draws {
		out.draws[g] += times * k
	}
	return out
}

func (s noisySum) minus(o noisySum) noisySum { return s.plus(o, -1) }

// noisyRow holds the noisy sums of a row. The rest is what remains of the whole,
// so that it says nothing that the other two do not.
type noisyRow struct{ cohort, rest, whole noisySum }

func (r noisyRow) minus(o noisyRow) noisyRow {
	return noisyRow{r.cohort.minus(o.cohort), r.rest.minus(o.rest), r.whole.minus(o.whole)}
}

// noisy is one indicator under noise.
type noisy struct {
	indicator string
	measure   Measure
	noise     Noise
}

// noisy is an indicator under the protection.
func (p Protection) noisy(indicator string, m Measure) noisy {
	return noisy{indicator, m, p.Noise}
}

// sum is one group's sum with the group's noise.
func (z noisy) sum(r Raw, g noise.Group) (noisySum, error) {
	e, err := z.noise.Of(z.indicator, z.measure.bounded().hidden, g)
	if err != nil {
		return noisySum{}, fmt.Errorf("%w: %w", ErrNoise, err)
	}
	return noisySum{r.N, r.Num + e, r.Den, map[draw]int64{{group: g}: 1}}, nil
}

// row adds noise to a row's sums: to the cohort as one, and to the whole cell by
// cell, so that a cell has the same total in every row and for every partner. Of a
// row whose whole alone is shown there is no cohort, and no noise is drawn for it.
func (z noisy) row(r RawRow, s Signature, wholeOnly bool) (noisyRow, error) {
	cohort, whole := noisySum{draws: map[draw]int64{}}, noisySum{draws: map[draw]int64{}}
	if !wholeOnly {
		var err error
		if cohort, err = z.sum(r.Cohort, s.Group); err != nil {
			return noisyRow{}, err
		}
	}
	for _, c := range s.Cells {
		cell, err := z.total(c)
		if err != nil {
			return noisyRow{}, err
		}
		whole = whole.plus(cell, 1)
	}
	return noisyRow{cohort, whole.minus(cohort), whole}, nil
}

// total is a cell's: as the district published it, or with its noise.
func (z noisy) total(c Cell) (noisySum, error) {
	if c.Public == nil {
		return z.sum(c.Raw, c.Group)
	}
	return noisySum{c.N, z.measure.partsOf(*c.Public, c.Den), c.Den, map[draw]int64{}}, nil
}

// partsOf turns a published figure of a whole back into a sum.
func (m Measure) partsOf(v Milli, weight int64) int64 {
	c := m.bounded()
	return int64(rounded(int64(v-c.low)*weight, int64(c.part)))
}

// An estimate is a linear combination of noisy sums, each divided by its weight:
// parts of one, and how much of each group's noise is in it.
type estimate struct {
	value *big.Rat
	draws map[draw]*big.Rat
}

func nothing() estimate { return estimate{new(big.Rat), map[draw]*big.Rat{}} }

// estimate is the sum divided by its weight, which must be positive.
func (s noisySum) estimate() estimate {
	e := estimate{big.NewRat(s.parts, s.weight), map[draw]*big.Rat{}}
	for g, k := range s.draws {
		e.draws[g] = big.NewRat(k, s.weight)
	}
	return e
}

// plus adds another estimate so many times.
func (e estimate) plus(o estimate, times *big.Rat) estimate {
	out := estimate{new(big.Rat).Add(e.value, new(big.Rat).Mul(o.value, times)), maps.Clone(e.draws)}
	for g, k := range o.draws {
		sum := new(big.Rat).Mul(k, times)
		if have := out.draws[g]; have != nil {
			sum.Add(sum, have)
		}
		out.draws[g] = sum
	}
	return out
}

// milli is the figure in thousandths of the printed unit, a half upwards.
func (z noisy) milli(e estimate) Milli {
	c := z.measure.bounded()
	v := new(big.Rat).Mul(e.value, big.NewRat(int64(c.part), 1))
	v.Add(v, big.NewRat(2*int64(c.low)+1, 2)) // half a thousandth more, then down
	q := new(big.Int)
	q.DivMod(v.Num(), v.Denom(), new(big.Int)) // Euclidean: down, for the denominator is positive
	return Milli(q.Int64())
}

// deviation is the standard deviation of an estimate's noise in thousandths of
// the printed unit, rounded up.
func (z noisy) deviation(e estimate) Milli {
	c, v := z.measure.bounded(), z.noise.Variance().Times(z.measure.bounded().hidden)
	sum := new(big.Rat)
	for _, k := range e.draws {
		sum.Add(sum, new(big.Rat).Mul(k, k))
	}
	sum.Mul(sum, big.NewRat(v.Num, v.Den)).Mul(sum, big.NewRat(int64(c.part)*int64(c.part), 1))
	return Milli(rootUp(sum))
}

// rootUp returns the least whole number whose square is not under v.
func rootUp(v *big.Rat) int64 {
	up := new(big.Int).Add(v.Num(), new(big.Int).Sub(v.Denom(), big.NewInt(1)))
	up.Quo(up, v.Denom())
	root := new(big.Int).Sqrt(up)
	if new(big.Int).Mul(root, root).Cmp(up) < 0 {
		root.Add(root, big.NewInt(1))
	}
	return root.Int64()
}
