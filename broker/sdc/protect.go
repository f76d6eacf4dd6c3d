package sdc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// ErrRaw is returned for raw figures that do not belong to a plan.
var ErrRaw = errors.New("raw figures do not fit the plan")

// Raw holds the exact sums of one side of a row.
type Raw struct {
	N        int // students with a value
	Num, Den int64
}

func (r Raw) plus(o Raw) Raw { return Raw{r.N + o.N, r.Num + o.Num, r.Den + o.Den} }

// RawRow holds the sums of a row; the whole is their sum.
type RawRow struct{ Cohort, Rest Raw }

// Signature says for noisy profiles whose values a row's sums hold: those of the
// cohort, and the parts that make up the whole.
type Signature struct {
	Group noise.Group
	Cells []Cell
}

// Cell is a part of a whole that has one total for everybody, such as a grade of
// a school: its sums and whose values they hold or, where the district has
// published the cell's figure itself, that figure in thousandths of the printed
// unit. Its key names the school.
type Cell struct {
	Raw
	Key    Key
	Group  noise.Group
	Public *Milli
}

// RawFigure holds one indicator before protection: for published_table the sums
// of exact values, for noisy profiles those of Measure.Parts, with a signature a
// row. Keys name the rows; figures share them, so they must not be changed. It never
// leaves the district.
type RawFigure struct {
	Indicator  string
	Measure    Measure
	Keys       []Key
	Rows       []RawRow
	Signatures []Signature
}

// Status is all that a partner sees of a decision.
type Status string

// The statuses of a row, and those of an indicator of which the district has no
// data, or whose family it has not published yet.
const (
	StatusOK              Status = "ok"
	StatusLowPrecision    Status = "low_precision" // ten to nineteen students on a side
	StatusWithheld        Status = "withheld"
	StatusNotReported     Status = "not_reported"
	StatusNotPublished    Status = "not_published_yet"
	StatusBudgetExhausted Status = "budget_exhausted" // under budgeted: nothing of the release could be paid for
)

// ShownSide is a cohort, a rest or a whole as shown. N is the number of
// students on the roster side of the row, with or without a value: who is
// enrolled is known to the partner, who has a value is not, so Coverage gives
// the share with one in bands.
//
// Noise is the standard deviation of the noise in the value, in the value's
// unit, rounded up; none where the profile adds none. A rest is the whole less
// the cohort, so its noise is that of the whole less that of the cohort, and
// the noise in the difference of the two is more than if they were independent:
// with sums noised by σ (cohort) and σT (whole) over n and m students its
// variance is σ²(1/n + 1/m)² + σT²/m². Its root stands with the rest as
// DifferenceNoise, because n and m, as shown, give it for counts of students
// only and not for a weighted rest. Zero: not known, and so at most the sum of
// the Noise of the two sides, which no correlation exceeds.
//
// EffectiveN is the number of students that the sampling error of a weighted
// side is that of (Kish, Survey Sampling, 1965: (Σw)²/Σw²). Zero: LeastN.
type ShownSide struct {
	N               int   `json:"n"`
	Coverage        Shown `json:"coverage"`
	Value           Shown `json:"value"`
	Noise           Milli `json:"noise,omitzero"`
	DifferenceNoise Milli `json:"difference_noise,omitzero"`
	EffectiveN      int   `json:"effective_n,omitzero"`
	// Size is a band in place of N, for the rows of a group.
	Size *Shown `json:"size,omitempty"`
}

// LeastN is a lower bound of the students behind the value that follows from
// what is shown.
func (s ShownSide) LeastN() int {
	return max(int(Milli(s.N)*s.Coverage.Low/(100*percent)), PublishedTable.Thresholds().MinCohort)
}

// ShownRow is a row of a release. Cohort and Rest are both there or both not;
// Whole only beside a withheld pair. Weighted is the rest at the cohort's mix of
// schools and grades, where it can be computed from what else is shown.
type ShownRow struct {
	Row string `json:"row"`
	Key
	Status   Status     `json:"status"`
	Cohort   *ShownSide `json:"cohort,omitempty"`
	Rest     *ShownSide `json:"rest,omitempty"`
	Weighted *ShownSide `json:"weighted,omitempty"`
	Whole    *ShownSide `json:"whole,omitempty"`
}

// ShownFigure is one indicator of a release. Rows stand in the order of
// CompareKeys, the pooled one first.
type ShownFigure struct {
	Indicator string     `json:"indicator"`
	Family    string     `json:"family"`
	Status    Status     `json:"status"`
	Rows      []ShownRow `json:"rows,omitempty"`
}

// Release is what one agreement sees of a period.
//
// Pooled are the sums behind the pooled rows of a noisy profile. They are not
// served; figures over two years are made of them.
type Release struct {
	Agreement string        `json:"agreement"`
	Profile   Profile       `json:"profile"`
	Figures   []ShownFigure `json:"figures"`
	Pooled    []Pooled      `json:"pooled,omitempty"`
}

// Encode writes the release as JSON. Equal releases give equal bytes.
func (r Release) Encode() ([]byte, error) { return json.Marshal(r) }

// Protect applies a plan to raw figures. Rows that the plan withholds are never
// looked at. It returns an ErrProfile, an ErrNoise, an ErrMeasure or an ErrRaw that
// names the figure and row that do not fit.
func Protect(plan Plan, raw []RawFigure, p Protection) (Release, error) {
	if err := p.Validate(); err != nil {
		return Release{}, err
	}
	out := Release{Agreement: plan.Agreement, Profile: p.Profile, Figures: make([]ShownFigure, 0, len(plan.Figures))}
	for _, fp := range plan.Figures {
		f, pooled, err := fp.protect(raw, p)
		if err != nil {
			return Release{}, fmt.Errorf("indicator %s: %w", fp.Indicator, err)
		}
		out.Figures, out.Pooled = append(out.Figures, f), append(out.Pooled, pooled...)
	}
	return out, nil
}

func (fp FigurePlan) protect(raw []RawFigure, p Protection) (out ShownFigure, pooled []Pooled, err error) {
	out = ShownFigure{Indicator: fp.Indicator, Family: fp.Family, Status: StatusNotReported}
	if !fp.reported() {
		return out, nil, nil
	}
	i := slices.IndexFunc(raw, func(r RawFigure) bool { return r.Indicator == fp.Indicator })
	if i < 0 {
		return out, nil, fmt.Errorf("%w: it has none", ErrRaw)
	}
	if err := raw[i].Measure.Validate(); err != nil {
		return out, nil, err
	}
	out.Status = StatusOK
	if p.Profile.Noisy() && !p.Weak.Silent() {
		out.Rows, pooled, err = p.noisy(fp.Indicator, raw[i].Measure).rows(fp.Verdicts, raw[i])
	} else {
		out.Rows, err = fp.rows(raw[i], p.Weak)
	}
	return out, pooled, err
}

func (fp FigurePlan) rows(raw RawFigure, weak Weakness) (list []ShownRow, err error) {
	for _, v := range fp.Verdicts {
		r, err := v.protect(raw, weak)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// reported tells whether any student of the figure has a value.
func (fp FigurePlan) reported() bool {
	return fp.Reported || slices.ContainsFunc(fp.Verdicts, func(v Verdict) bool { return v.CohortCovered+v.RestCovered > 0 })
}

func (v Verdict) protect(f RawFigure, weak Weakness) (ShownRow, error) {
	out := v.row()
	if !v.Shown && !v.WholeShown {
		return out, nil
	}
	r, _, err := v.find(f)
	if err != nil {
		return out, err
	}
	if v.Shown {
		out.Cohort = weak.side(f.Measure, r.Cohort, v.Cohort, Subgroup)
		out.Rest = weak.side(f.Measure, r.Rest, v.Rest, Subgroup)
		return out, nil
	}
	out.Whole = weak.side(f.Measure, r.Cohort.plus(r.Rest), v.Cohort+v.Rest, v.Key.schedule())
	return out, nil
}

// row is the verdict's row with nothing shown.
func (v Verdict) row() ShownRow {
	return ShownRow{Row: v.Key.String(), Key: v.Key, Status: v.status()}
}

// find returns the sums of the verdict's row and, where there is one, its
// signature.
func (v Verdict) find(f RawFigure) (RawRow, Signature, error) {
	i := slices.Index(f.Keys, v.Key)
	if i < 0 || i >= len(f.Rows) || f.Rows[i].Cohort.N != v.CohortCovered || f.Rows[i].Rest.N != v.RestCovered {
		return RawRow{}, Signature{}, fmt.Errorf("%w: row %s is missing or counts other students than were planned; sum over the sets of the freeze", ErrRaw, v.Key)
	}
	if i < len(f.Signatures) {
		return f.Rows[i], f.Signatures[i], nil
	}
	return f.Rows[i], Signature{}, nil
}

func (m Measure) side(r Raw, n int, s Schedule) *ShownSide {
	return &ShownSide{N: n, Coverage: coverage(r.N, n, s), Value: m.code(r, r.N, s)}
}

func coverage(covered, n int, s Schedule) Shown { return Band(int64(covered), int64(n), n, s) }

// schedule is that of the row's whole.
func (k Key) schedule() Schedule {
	if k.Grade == "" {
		return AllStudents
	}
	return Subgroup
}

func (v Verdict) status() Status {
	switch {
	case !v.Shown:
		return StatusWithheld
	case min(v.CohortCovered, v.RestCovered) < coarse:
		return StatusLowPrecision
	}
	return StatusOK
}
