package sdc

import (
	"fmt"
	"maps"
	"slices"
)

// Spending is what the figures of one indicator of a release cost under budgeted,
// as far as it follows from sets. Noise of a count's deviation times Hidden stands in
// each sum, and one student changes a sum by Range at most, both in parts of the
// measure (Measure.Parts).
type Spending struct {
	Indicator, Family string
	Range, Hidden     int64
	Levels            int      // in how many shown cohorts a student may be: one a level
	Schools           []string // of whose cells totals are drawn, in order; each student is in one cell
}

// Spendings lists what a release is to pay for, in the order of its plan, without
// what costs nothing. It looks at no sum. An ErrRaw names a figure or row that is
// missing.
func Spendings(plan Plan, raw []RawFigure) ([]Spending, error) {
	var list []Spending
	for _, fp := range plan.Figures {
		i := slices.IndexFunc(raw, func(r RawFigure) bool { return r.Indicator == fp.Indicator })
		if i < 0 && !fp.reported() {
			continue
		}
		if i < 0 {
			return nil, fmt.Errorf("indicator %s: %w: it has none", fp.Indicator, ErrRaw)
		}
		s, err := fp.spending(raw[i])
		if err != nil {
			return nil, fmt.Errorf("indicator %s: %w", fp.Indicator, err)
		}
		if s.Levels > 0 || len(s.Schools) > 0 {
			list = append(list, s)
		}
	}
	return list, nil
}

func (fp FigurePlan) spending(raw RawFigure) (Spending, error) {
	s := Spending{Indicator: fp.Indicator, Family: fp.Family, Range: raw.Measure.Range(), Hidden: raw.Measure.bounded().hidden}
	levels, schools := map[Level]bool{}, map[string]bool{}
	for _, v := range fp.Verdicts {
		if !v.Shown && !v.WholeShown {
			continue
		}
		_, signature, err := v.find(raw)
		if err != nil {
			return s, err
		}
		if v.Shown {
			levels[v.Key.Level()] = true
		}
		for _, c := range signature.Cells {
			if c.Public == nil {
				schools[c.Key.School] = true
			}
		}
	}
	s.Levels, s.Schools = len(levels), slices.Sorted(maps.Keys(schools))
	return s, nil
}

// Exhausted is the release of a plan that could not be paid for: its rows without
// any figure, those that would have been withheld like the others.
func Exhausted(plan Plan) Release {
	out := Release{Agreement: plan.Agreement, Profile: Budgeted, Figures: make([]ShownFigure, 0, len(plan.Figures))}
	for _, fp := range plan.Figures {
		f := ShownFigure{Indicator: fp.Indicator, Family: fp.Family, Status: StatusNotReported}
		if fp.reported() {
			f.Status = StatusBudgetExhausted
			for _, v := range fp.Verdicts {
				f.Rows = append(f.Rows, ShownRow{Row: v.Key.String(), Key: v.Key, Status: StatusBudgetExhausted})
			}
		}
		out.Figures = append(out.Figures, f)
	}
	return out
}
