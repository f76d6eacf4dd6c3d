package noise

import (
	"errors"
	"fmt"
	"math/big"
	"sort"
)

// Variance is sigma squared, as a fraction: {4, 1} is a standard deviation of two
// students.
type Variance struct{ Num, Den int64 }

// ErrVariance is returned for a variance outside its range.
var ErrVariance = errors.New("a noise variance must be a positive fraction of at most 40,000, with a denominator of at most 1,000")

// Bounds of a variance: a deviation of 200, and fractions whose products fit 64
// bits.
const (
	maxVariance    = 40_000
	maxDenominator = 1000
)

// Validate reports a variance that is not positive, is over 40,000 or has a
// denominator over 1,000, as an ErrVariance.
func (v Variance) Validate() error {
	if v.Num <= 0 || v.Den <= 0 || v.Den > maxDenominator || v.Num > maxVariance*v.Den {
		return fmt.Errorf("%w, not %d/%d", ErrVariance, v.Num, v.Den)
	}
	return nil
}

// Table turns 64 uniform bits into discrete Gaussian noise. It is made by
// arithmetic of fixed precision alone, and so is the same on every machine.
type Table struct {
	reach  int      // the most noise, eight deviations rounded up: less than 2 in 10^15 lies beyond
	bounds []uint64 // the i-th: 2^64 times the probability of noise up to i-reach
}

// precision of the arithmetic behind a table, in bits: four times that of its bounds.
const precision = 256

// NewTable returns the table of a variance, or an ErrVariance.
func NewTable(v Variance) (*Table, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	t := &Table{reach: v.reach()}
	weights := v.weights(t.reach)
	total := number(0)
	for k := -t.reach; k <= t.reach; k++ {
		total.Add(total, weights[max(k, -k)])
	}
	sum := number(0)
	for k := -t.reach; k < t.reach; k++ { // the last takes what is left
		sum.Add(sum, weights[max(k, -k)])
		share := number(0).Quo(sum, total)
		bound, _ := share.SetMantExp(share, 64).Uint64()
		t.bounds = append(t.bounds, bound)
	}
	return t, nil
}

// Reach is the most that noise of the table adds or takes away.
func (t *Table) Reach() int { return t.reach }

// At returns the noise that belongs to 64 uniform bits.
func (t *Table) At(u uint64) int {
	return sort.Search(len(t.bounds), func(i int) bool { return u < t.bounds[i] }) - t.reach
}

// reach is eight standard deviations, rounded up.
func (v Variance) reach() int {
	n := new(big.Int).Mul(big.NewInt(64), big.NewInt(v.Num))
	n.Add(n, big.NewInt(v.Den-1)).Quo(n, big.NewInt(v.Den)) // 64 variances, rounded up
	root := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(root, root).Cmp(n) < 0 {
		root.Add(root, big.NewInt(1))
	}
	return int(root.Int64())
}

// weights are exp(-k²/2σ²) for k from 0 to reach.
func (v Variance) weights(reach int) []*big.Float {
	step := expMinus(number(v.Den), number(2*v.Num)) // from 0 to 1; from k to k+1 it is its (2k+1)th power
	square := number(0).Mul(step, step)
	list := []*big.Float{number(1)}
	for k := range reach {
		list = append(list, number(0).Mul(list[k], step))
		step = number(0).Mul(step, square)
	}
	return list
}

// expMinus is exp(-n/d), by its series; n must not be more than 4 d, or the terms
// would cancel.
func expMinus(n, d *big.Float) *big.Float {
	x := number(0).Quo(n, d)
	sum, term := number(1), number(1)
	for i := int64(1); term.MantExp(nil) > -precision; i++ {
		term = number(0).Quo(number(0).Mul(term, x), number(-i))
		sum.Add(sum, term)
	}
	return sum
}

func number(n int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(n) }
