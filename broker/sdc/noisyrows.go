package sdc

import (
	"fmt"
	"math/big"
)

// rows protects the rows of an indicator with noise. It returns the pooled row's
// sums too, if that row is shown.
func (z noisy) rows(verdicts []Verdict, raw RawFigure) (list []ShownRow, all []Pooled, err error) {
	sums := map[Key]noisyRow{}
	for _, v := range verdicts {
		if !v.Shown && !v.WholeShown {
			continue
		}
		r, s, err := v.find(raw)
		if err != nil {
			return nil, nil, err
		}
		row, err := z.row(r, s, !v.Shown)
		if err != nil {
			return nil, nil, err
		}
		if row.whole.n != v.CohortCovered+v.RestCovered || v.Shown && row.cohort.weight <= 0 || row.whole.weight <= 0 {
			return nil, nil, fmt.Errorf("%w: the cells of row %s hold other students than its cohort and rest", ErrRaw, v.Key)
		}
		if v.Key.Level() == LevelGroup {
			if row, err = z.sized(row, s); err != nil {
				return nil, nil, err
			}
		}
		sums[v.Key] = row
		if v.Shown && v.Key.Level() == LevelAll {
			all = append(all, pooled(z.indicator, v, row))
		}
	}
	for _, v := range verdicts {
		list = append(list, z.shown(v, verdicts, sums))
	}
	return list, all, nil
}

func (z noisy) shown(v Verdict, all []Verdict, sums map[Key]noisyRow) ShownRow {
	out := v.row()
	row := sums[v.Key]
	switch {
	case v.Shown && v.Key.Level() == LevelGroup:
		z.showGroup(&out, row)
	case v.Shown:
		cohort := row.cohort.estimate()
		out.Cohort = z.side(cohort, cohort, v.Cohort, row.cohort.n, Subgroup)
		out.Rest = z.side(row.rest.estimate(), cohort, v.Rest, row.rest.n, Subgroup)
		out.Weighted = z.weighted(cohort, v.Rest, partition(v.Key, all, sums))
	case v.WholeShown:
		whole := row.whole.estimate()
		out.Whole = z.side(whole, whole, v.Cohort+v.Rest, row.whole.n, v.Key.schedule())
	}
	return out
}

// side codes an estimate of a group of n students, of whom so many have a value.
func (z noisy) side(e, cohort estimate, n, covered int, s Schedule) *ShownSide {
	return &ShownSide{
		N: n, Coverage: coverage(covered, n, s), Value: z.measure.codeNoisy(z.milli(e), covered),
		Noise: z.deviation(e), DifferenceNoise: z.deviation(e.plus(cohort, big.NewRat(-1, 1))),
	}
}

// partition divides a shown row into parts without overlap: its shown parts,
// each divided further where it can be, and what remains of it. Schools come
// before grades. Where what remains has no rest of its own, the row stays whole.
func partition(k Key, verdicts []Verdict, sums map[Key]noisyRow) []noisyRow {
	for _, level := range []Level{LevelSchool, LevelGrade, LevelSchoolGrade} {
		left, parts := sums[k], []noisyRow(nil)
		for _, v := range verdicts {
			if v.Shown && v.Key.Level() == level && isPart(k, v.Key) {
				parts = append(parts, partition(v.Key, verdicts, sums)...)
				left = left.minus(sums[v.Key])
			}
		}
		switch {
		case len(parts) == 0:
		case left.cohort.n == 0: // nobody takes part there
			return parts
		case left.rest.n > 0 && left.rest.weight > 0 && left.cohort.weight > 0:
			return append(parts, left)
		}
	}
	return []noisyRow{sums[k]}
}

// weighted is the rest at the cohort's mix: each part's rest counts as much as
// the part has of the cohort. There is none where the row is not divided.
func (z noisy) weighted(cohort estimate, n int, parts []noisyRow) *ShownSide {
	if len(parts) < 2 {
		return nil
	}
	var weight int64
	covered := 0
	for _, p := range parts {
		weight += p.cohort.weight
		covered += p.rest.n
	}
	rest, spread := nothing(), new(big.Rat)
	for _, p := range parts {
		share := big.NewRat(p.cohort.weight, weight)
		rest = rest.plus(p.rest.estimate(), share)
		share.Mul(share, share)
		spread.Add(spread, share.Quo(share, big.NewRat(int64(p.rest.n), 1)))
	}
	side := z.side(rest, cohort, n, covered, Subgroup)
	side.EffectiveN = int(new(big.Int).Quo(spread.Denom(), spread.Num()).Int64())
	return side
}
