package sdc

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
	WeakNoComplement Weakness = "no_complement"    // rows that follow from others are not withheld with them
)

// PlanWeak is PlanBatch of a weak build.
func PlanWeak(w Weakness, earlier History, candidates []Candidate) ([]Plan, History, error) {
	return planBatch(earlier, candidates, w.plans())
}

func (w Weakness) plans() sabotage {
	switch w {
	case WeakExact, WeakRound5:
		return sabotage{noPrimary: true, noComplement: true, noSpan: true, noDifference: true, noExposure: true, noRank: true, noBlur: true}
	case WeakSuppressOnly, WeakCellKey, WeakNoGuard:
		return sabotage{noDifference: true, noExposure: true, noRank: true, noBlur: true}
	case WeakNoComplement:
		return sabotage{noComplement: true, noSpan: true}
	}
	return sabotage{}
}

// Silent reports that the build shows sums of exact values without noise.
func (w Weakness) Silent() bool {
	return w == WeakExact || w == WeakSuppressOnly || w == WeakRound5
}

// side is that of a measure, but without noise to the thousandth.
func (w Weakness) side(m Measure, r Raw, n int, s Schedule) *ShownSide {
	out := m.side(r, n, s)
	if w == WeakRound5 && m.Kind == Share {
		r.Num = 5 * int64(rounded(r.Num, 5))
	}
	if v, ok := m.Exact(r); ok && w.Silent() {
		out.Value = Shown{KindValue, v.String(), v, v, v.String() + m.Suffix}
	}
	return out
}
