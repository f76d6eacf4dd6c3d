package sdc

import (
	"math/big"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// Weakness names a build without some of its protection. Only tests have one: an
// attack that must fail on the product must succeed on its weak build, or it
// attacks nothing.
type Weakness string

// The weak builds.
const (
	Strong           Weakness = ""
	WeakExact        Weakness = "exact"            // everything is shown as it is
	WeakSuppressOnly Weakness = "suppress_only"    // withheld by size and by sums; what is shown is exact
	WeakRound5       Weakness = "round5"           // counts rounded to five, nothing withheld
	WeakCellKey      Weakness = "textbook_cellkey" // noise belongs to those who have the outcome; no history
	WeakNoGuard      Weakness = "no_guard"         // sets of other releases are not looked at
)

// PlanWeak is PlanBatch of a weak build.
func PlanWeak(w Weakness, earlier History, candidates []Candidate) ([]Plan, History, error) {
	return planBatch(earlier, candidates, w.plans())
}

func (w Weakness) plans() sabotage {
	switch w {
	case WeakExact, WeakRound5:
		return sabotage{noPrimary: true, noComplement: true, noSpan: true, noDifference: true, noExposure: true, noRank: true}
	case WeakSuppressOnly, WeakCellKey, WeakNoGuard:
		return sabotage{noDifference: true, noExposure: true, noRank: true}
	}
	return sabotage{}
}

// silent reports that the build adds no noise.
func (w Weakness) silent() bool {
	return w == WeakExact || w == WeakSuppressOnly || w == WeakRound5
}

// silence is a source of noise that is always zero.
type silence struct{ Noise }

func (silence) Of(string, int64, noise.Group) (int64, error) { return 0, nil }

// code codes an estimate of n students as the weak build does.
func (w Weakness) code(z noisy, e estimate, n int) Shown {
	if w == WeakRound5 {
		count := new(big.Rat).Mul(e.value, big.NewRat(int64(n), 5))
		five := rounded(count.Num().Int64(), count.Denom().Int64())
		e = estimate{big.NewRat(int64(5*five), int64(max(n, 1))), nil}
	}
	v := z.milli(e)
	return Shown{KindValue, v.String(), v, v, v.String() + z.measure.Suffix}
}
