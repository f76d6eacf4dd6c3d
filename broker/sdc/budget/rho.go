package budget

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Rho is an amount of zero-concentrated differential privacy (Bun and Steinke,
// "Concentrated Differential Privacy: Simplifications, Extensions, and Lower
// Bounds", TCC 2016), in billionths. What releases cost adds up, exactly.
type Rho int64

// Billion is a ρ of one.
const Billion Rho = 1_000_000_000

// MaxRho is the largest amount that is calculated with, some nine million: every
// reader of JSON keeps its digits.
const MaxRho Rho = 1<<53 - 1

// ErrRho is returned for an amount out of range.
var ErrRho = fmt.Errorf("an amount of privacy must be over zero and at most %v", MaxRho)

// String writes the amount with as many decimals as it needs, at most nine.
func (r Rho) String() string { return decimal(int64(r), 9) }

// validate reports an amount that is not positive or is over MaxRho.
func (r Rho) validate() error {
	if r <= 0 || r > MaxRho {
		return fmt.Errorf("%w, not %v", ErrRho, r)
	}
	return nil
}

// Epsilon is the ε of approximate differential privacy, in millionths.
type Epsilon int64

// MaxEpsilon is the largest ε that is calculated with, a hundred. One of ten
// already promises next to nothing.
const MaxEpsilon Epsilon = 100_000_000

// ErrEpsilon is returned for an ε out of range.
var ErrEpsilon = errors.New("an epsilon must be from 0 to 100")

// String writes ε with as many decimals as it needs, at most six.
func (e Epsilon) String() string { return decimal(int64(e), 6) }

// Validate reports an ε that is negative or over MaxEpsilon, as an ErrEpsilon.
func (e Epsilon) Validate() error {
	if e < 0 || e > MaxEpsilon {
		return fmt.Errorf("%w, not %v", ErrEpsilon, e)
	}
	return nil
}

// Delta is the δ of approximate differential privacy, as a fraction: {1, 1_000_000}
// is one in a million.
type Delta struct{ Num, Den int64 }

// ErrDelta is returned for a δ out of range.
var ErrDelta = errors.New("a delta must be a fraction over zero and under one")

// Validate reports a δ that is not over zero and under one, as an ErrDelta.
func (d Delta) Validate() error {
	if d.Num <= 0 || d.Num >= d.Den {
		return fmt.Errorf("%w, not %d/%d", ErrDelta, d.Num, d.Den)
	}
	return nil
}

// decimal writes a number of units of which ten to the power of places are one.
func decimal(units int64, places int) string {
	sign, size := "", uint64(units)
	if units < 0 {
		sign, size = "-", -size
	}
	digits := fmt.Sprintf("%0*d", places+1, size)
	point := len(digits) - places
	return sign + strings.TrimSuffix(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
}

// roundedUp is the least whole number that is not under x.
func roundedUp(x *big.Rat) *big.Int {
	n := new(big.Int).Add(x.Num(), x.Denom())
	n.Sub(n, big.NewInt(1))
	return n.Div(n, x.Denom())
}
