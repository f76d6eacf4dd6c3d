package sdc

import "github.com/hallpass-edu/hallpass/broker/sdc/noise"

// Pooled holds the noisy sums behind the pooled row of one indicator. Figures over
// several periods are made of them: such a figure is worked out from what was
// released already, and tells no more of anybody.
type Pooled struct {
	Indicator string    `json:"indicator"`
	Cohort    PooledSum `json:"cohort"`
	Whole     PooledSum `json:"whole"`
}

// PooledSum is a noisy sum: over Students, of whom N have a value, in parts of a
// weight, with so many independent draws of noise in it.
type PooledSum struct {
	Students int   `json:"students"`
	N        int   `json:"n"`
	Parts    int64 `json:"parts"`
	Weight   int64 `json:"weight"`
	Draws    int   `json:"draws"`
}

func pooled(indicator string, v Verdict, r noisyRow) Pooled {
	return Pooled{indicator, pooledSum(v.Cohort, r.cohort), pooledSum(v.Cohort+v.Rest, r.whole)}
}

func pooledSum(students int, s noisySum) PooledSum {
	return PooledSum{students, s.n, s.parts, s.weight, len(s.draws)}
}

// sum is the noisy sum again, with the draws of a period.
func (p PooledSum) sum(period int) noisySum {
	s := noisySum{p.N, p.Parts, p.Weight, map[draw]int64{}}
	for i := range p.Draws {
		s.draws[draw{period: period, number: i}] = 1
	}
	return s
}

// TwoYears is the pooled row over two periods that have no student's value in
// common: cohort beside rest as in a release, of a measure and noise that were
// those of both.
func TwoYears(one, two Pooled, m Measure, v noise.Variance) ShownRow {
	z := noisy{indicator: one.Indicator, measure: m, noise: of{v}}
	cohort := one.Cohort.sum(1).plus(two.Cohort.sum(3), 1)
	whole := one.Whole.sum(2).plus(two.Whole.sum(4), 1)
	students, all := one.Cohort.Students+two.Cohort.Students, one.Whole.Students+two.Whole.Students
	rest := whole.minus(cohort)
	verdict := Verdict{Shown: true, CohortCovered: cohort.n, RestCovered: rest.n}
	out, e := verdict.row(), cohort.estimate()
	out.Cohort = z.side(e, e, students, cohort.n, Subgroup)
	out.Rest = z.side(rest.estimate(), e, all-students, rest.n, Subgroup)
	return out
}

// of is noise of a variance from which nothing more is drawn.
type of struct{ variance noise.Variance }

func (of) Of(string, int64, noise.Group) (int64, error) { return 0, ErrNoise }

func (o of) Variance() noise.Variance { return o.variance }
