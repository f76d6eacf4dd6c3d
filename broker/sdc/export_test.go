package sdc

import "github.com/RoaringBitmap/roaring/v2"

// Broken names the guards that a test takes away.
type Broken struct {
	NoPrimary, NoComplement, NoSpan, NoDifference, NoExposure, NoRank, NoBlur, NoTwins, AnyTwins bool
}

// PlanBroken is PlanBatch without some of its guards.
func PlanBroken(h History, c []Candidate, b Broken) ([]Plan, History, error) {
	return planBatch(h, c, sabotage{b.NoPrimary, b.NoComplement, b.NoSpan, b.NoDifference, b.NoExposure, b.NoRank, b.NoBlur, b.NoTwins, b.AnyTwins})
}

// CorrectBroken is PlanCorrection without some of its guards.
func CorrectBroken(h History, p []Plan, b Broken) ([]KeptRow, History, error) {
	return planCorrection(h, p, sabotage{noExposure: b.NoExposure})
}

// AdmitAll is Admit without the hold.
func AdmitAll(h History, anyone *roaring.Bitmap, o []Opening) ([]string, *roaring.Bitmap) {
	return admit(h, anyone, o, true)
}

// Derivable reports whether the target is a linear combination of shown sets.
func Derivable(shown []*roaring.Bitmap, target *roaring.Bitmap) bool {
	a := refine(append(shown[:len(shown):len(shown)], target))
	s := newSpan([]vector{a.vector(target)})
	for _, set := range shown {
		s = s.with(a.vector(set))
	}
	return s.derivable(0)
}

// Sums are the noisy sums of a row: parts and weight of cohort, rest and whole.
type Sums struct{ Cohort, Rest, Whole [2]int64 }

// NoisySums returns what stands behind the shown rows of a figure.
func NoisySums(m Measure, n Noise, raw RawFigure) (map[Key]Sums, error) {
	out := map[Key]Sums{}
	for i, r := range raw.Rows {
		row, err := noisy{indicator: raw.Indicator, measure: m, noise: n}.row(r, raw.Signatures[i], false)
		if err != nil {
			return nil, err
		}
		side := func(s noisySum) [2]int64 { return [2]int64{s.parts, s.weight} }
		out[raw.Keys[i]] = Sums{side(row.cohort), side(row.rest), side(row.whole)}
	}
	return out, nil
}
