package budget

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// Figures are what one release shows of one indicator: sums over rows, each with
// noise of its own of the same variance.
//
// Sensitivity is by how much one student's value can differ in one figure, in the
// units of the sum. Values are clipped to a range and summed from its lower end: a
// count 1, incidents up to three 3, failed results up to eight 8, points of
// attendance over 50 up to 100 50, tenths of GPA or fortieths of a scale 40. Where a
// value were summed whole, a student who is in another row would change both by more.
//
// Public is the number of partitions in which nobody's row is secret: all students
// are one, and so is each such dimension, such as the grade. Sensitive is the number
// of dimensions in which it is. There a student may be in another row, so that two
// figures change, and it counts twice.
type Figures struct {
	Sensitivity       int64
	Public, Sensitive int
	Variance          noise.Variance
}

// Bounds of figures: those of any indicator, with products that fit 64 bits.
const (
	maxSensitivity = 1000
	maxPartitions  = 1000
)

// ErrFigures is returned for figures that cannot be accounted for.
var ErrFigures = errors.New("figures must have a sensitivity from 1 to 1000 and from 1 to 1000 partitions")

// Validate reports a sensitivity or numbers of partitions out of range as an
// ErrFigures, and a variance out of range as a noise.ErrVariance.
func (f Figures) Validate() error {
	inRange := f.Public >= 0 && f.Public <= maxPartitions && f.Sensitive >= 0 && f.Sensitive <= maxPartitions
	if n := f.Public + f.Sensitive; f.Sensitivity < 1 || f.Sensitivity > maxSensitivity || !inRange || n < 1 || n > maxPartitions {
		return fmt.Errorf("%w, not %d and %d+%d", ErrFigures, f.Sensitivity, f.Public, f.Sensitive)
	}
	return f.Variance.Validate()
}

// square is at least the square of the L2 distance of the figures of neighbours. With
// a sensitive dimension it is more: a student who counts in both rows counts among all
// in both districts too.
func (f Figures) square() int64 {
	return f.Sensitivity * f.Sensitivity * int64(f.Public+2*f.Sensitive)
}

// Cost is what a release of all these figures costs each student who may be in
// them: the sum of Δ²/2σ² (Canonne, Kamath and Steinke 2020, theorem 4), rounded up
// once. No figures cost nothing. Figures out of range are an error, and so are those
// that cost over MaxRho, as an ErrRho.
func Cost(plan ...Figures) (Rho, error) {
	exact, err := cost(plan)
	if err != nil {
		return 0, err
	}
	units := roundedUp(exact.Mul(exact, rational(int64(Billion), 1)))
	if units.Cmp(big.NewInt(int64(MaxRho))) > 0 {
		return 0, fmt.Errorf("%w: such figures cost more; give them more noise", ErrRho)
	}
	return Rho(units.Int64()), nil
}

func cost(plan []Figures) (*big.Rat, error) {
	sum := new(big.Rat)
	for i, f := range plan {
		if err := f.Validate(); err != nil {
			return nil, fmt.Errorf("figures %d: %w", i, err)
		}
		share := rational(f.square(), 2)
		sum.Add(sum, share.Quo(share, rational(f.Variance.Num, f.Variance.Den)))
	}
	return sum, nil
}

// ErrUnaffordable is matched by an Unaffordable.
var ErrUnaffordable = errors.New("the figures asked for cost more than is left of the privacy budget")

// Unaffordable refuses a plan before anything is drawn for it.
type Unaffordable struct {
	Asked, Left Rho
	Least       []Figures // the plan with the least noise that can be paid for; nil when there is none
}

// Error says what would be affordable.
func (u *Unaffordable) Error() string {
	said := fmt.Sprintf("%v: %v is asked, %v is left", ErrUnaffordable, u.Asked, u.Left)
	if u.Least == nil {
		return said + "; no noise is enough for so many figures: ask for fewer"
	}
	variances := make([]string, len(u.Least))
	for i, f := range u.Least {
		variances[i] = thousandths(f.Variance)
	}
	return said + "; affordable is a noise variance of " + strings.Join(variances, ", ")
}

// Unwrap makes it an ErrUnaffordable.
func (u *Unaffordable) Unwrap() error { return ErrUnaffordable }

// Afford is Cost, or an Unaffordable when that is more than is left.
func Afford(left Rho, plan ...Figures) (Rho, error) {
	asked, err := Cost(plan...)
	if err != nil || asked <= left {
		return asked, err
	}
	least, _ := Least(left, plan...) // none where that is an error
	return 0, &Unaffordable{asked, left, least}
}

// Least is the plan with the least noise that can be paid with what is left: its
// variances all multiplied with the same number, then rounded up to thousandths.
// Where even the variances that noise allows cost more, it is an ErrUnaffordable.
func Least(left Rho, plan ...Figures) ([]Figures, error) {
	factor, err := cost(plan)
	if err != nil {
		return nil, err
	}
	if left <= 0 {
		return nil, ErrUnaffordable
	}
	factor.Quo(factor, rational(int64(left), int64(Billion)))
	least := make([]Figures, len(plan))
	for i, f := range plan {
		scaled := new(big.Rat).Mul(factor, rational(f.Variance.Num, f.Variance.Den))
		units := roundedUp(scaled.Mul(scaled, rational(1000, 1)))
		if f.Variance = fraction(units); f.Variance.Validate() != nil {
			return nil, ErrUnaffordable
		}
		least[i] = f
	}
	return least, nil
}

// fraction is a number of thousandths in lowest terms; zero when it is far too large.
func fraction(units *big.Int) noise.Variance {
	if !units.IsInt64() {
		return noise.Variance{}
	}
	v := new(big.Rat).SetFrac(units, big.NewInt(1000))
	return noise.Variance{Num: v.Num().Int64(), Den: v.Denom().Int64()}
}

// thousandths writes a variance of fraction as a decimal number.
func thousandths(v noise.Variance) string { return decimal(v.Num*(1000/v.Den), 3) }

func rational(num, den int64) *big.Rat { return big.NewRat(num, den) }
