package sdc

import (
	"cmp"
	"fmt"
	"slices"
)

// KeptRow is a shown row of a corrected figure that keeps its first value, since
// a second one would be more than a student of its cohort may be in. It is for
// the district's audit log, like a Reason.
type KeptRow struct {
	Agreement string `json:"agreement"`
	Indicator string `json:"indicator"`
	Row       Key    `json:"row"`
}

// PlanCorrection decides for all published figures of the plans together which
// of their shown rows are shown a second time, from corrected values: in the
// order of PlanBatch, pooled rows first, as long as no student of the cohort is
// in ExposureCap figures already. Each corrected row counts again, whether or not
// a value in it changed, because what counts must not depend on values; a cohort
// that several agreements correct counts once, under the first. The others are
// kept.
//
// earlier is all that is published of the period. It returns the rows that are
// kept, and the history with the corrected sets appended. An ErrPlan names a
// shown row whose sets are not in it.
func PlanCorrection(earlier History, plans []Plan) ([]KeptRow, History, error) {
	return planCorrection(earlier, plans, sabotage{})
}

func planCorrection(earlier History, plans []Plan, broken sabotage) ([]KeptRow, History, error) {
	sorted := slices.SortedStableFunc(slices.Values(plans), func(a, b Plan) int { return cmp.Compare(a.Agreement, b.Agreement) })
	c := correction{public: map[string]*knowledge{}, earlier: earlier, broken: broken}
	for _, level := range Levels() {
		for _, p := range sorted {
			for _, f := range p.Figures {
				if err := c.level(level, p.Agreement, f); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return c.kept, slices.Concat(earlier, c.fresh), nil
}

// correction is a correction while it is being decided.
type correction struct {
	public         map[string]*knowledge // by indicator
	earlier, fresh History
	kept           []KeptRow
	broken         sabotage
}

func (c *correction) level(level Level, agreement string, f FigurePlan) error {
	k := c.public[f.Indicator]
	if k == nil {
		k = exposureOf(c.earlier.Of(f.Indicator))
		c.public[f.Indicator] = k
	}
	for _, v := range f.Verdicts {
		if !v.Shown || v.Key.Level() != level {
			continue
		}
		set, found := c.earlier.cohortOf(agreement, f.Indicator, v.Key)
		if !found {
			return fmt.Errorf("%w: agreement %s, indicator %s, row %s is shown and was never published", ErrPlan, agreement, f.Indicator, v.Key)
		}
		set.Role = RoleCorrected
		switch {
		case c.fresh.any(func(p PublishedSet) bool { return p.Indicator == f.Indicator && p.Set.Equals(set.Set) }): // the same figure
		case !c.broken.noExposure && k.full.Intersects(set.Set):
			c.kept = append(c.kept, KeptRow{agreement, f.Indicator, v.Key})
		default:
			k.add(History{set})
			c.fresh = append(c.fresh, set)
		}
	}
	return nil
}

// cohortOf returns the cohort of a published row.
func (h History) cohortOf(agreement, indicator string, row Key) (PublishedSet, bool) {
	i := slices.IndexFunc(h, func(p PublishedSet) bool {
		return p.Role == RoleCohort && p.Agreement == agreement && p.Indicator == indicator && p.Row == row
	})
	if i < 0 {
		return PublishedSet{}, false
	}
	return h[i], true
}

// Without returns the plan with kept rows withheld, so that nothing new is
// computed for them.
func (p Plan) Without(kept []KeptRow) Plan {
	p.Figures = slices.Clone(p.Figures)
	for i, f := range p.Figures {
		f.Verdicts = slices.Clone(f.Verdicts)
		for j, v := range f.Verdicts {
			if slices.Contains(kept, KeptRow{p.Agreement, f.Indicator, v.Key}) {
				f.Verdicts[j].Shown = false
			}
		}
		p.Figures[i] = f
	}
	return p
}

// Keep returns the release with the kept rows as they stand in the first one.
func (r Release) Keep(first Release, kept []KeptRow) Release {
	r.Pooled = slices.Clone(r.Pooled)
	for _, p := range first.Pooled {
		if slices.Contains(kept, KeptRow{r.Agreement, p.Indicator, Key{}}) {
			r.Pooled = append(r.Pooled, p)
		}
	}
	r.Figures = slices.Clone(r.Figures)
	for i, f := range r.Figures {
		f.Rows = slices.Clone(f.Rows)
		for j, row := range f.Rows {
			if slices.Contains(kept, KeptRow{r.Agreement, f.Indicator, row.Key}) {
				f.Rows[j] = first.row(f.Indicator, row)
			}
		}
		r.Figures[i] = f
	}
	return r
}

// row is a row of an indicator, and otherwise where there is none.
func (r Release) row(indicator string, otherwise ShownRow) ShownRow {
	for _, f := range r.Figures {
		for _, row := range f.Rows {
			if f.Indicator == indicator && row.Key == otherwise.Key {
				return row
			}
		}
	}
	return otherwise
}
