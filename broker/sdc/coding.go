package sdc

import (
	"errors"
	"fmt"
)

// ErrMeasure is returned for a measure that cannot be coded.
var ErrMeasure = errors.New("measure cannot be coded")

// MeasureKind says how a raw figure is coded.
type MeasureKind string

// The kinds of measures.
const (
	// Share is a part of a whole (students among students, failed results among
	// results), coded in bands by the number of students.
	Share MeasureKind = "share"
	// Mean is an average on a scale, rounded to the measure's step.
	Mean MeasureKind = "mean"
	// Per100 counts events per hundred students, coded in the bands of shares
	// and never finer than five: one student may stand behind many events, so
	// that a whole number could be one child's.
	Per100 MeasureKind = "per_100"
)

// Measure says how the ratio of a raw figure becomes a number. Min, Max and
// Step are thousandths of the printed unit; Unit is what a ratio of one is
// worth in the same, so 100,000 for a percentage. Only means need them.
//
// Spread is the standard deviation between students that intervals assume. It
// is a constant of the measure, chosen on the high side, and never computed
// from the students: a published standard deviation would be one more figure
// about them, and with a mean it gives away outliers.
//
// Floor is where a mean's values are cut off below before they enter a noisy
// sum, zero for the end of the scale.
type Measure struct {
	Kind           MeasureKind
	Results        bool // a share of results, not of students
	Unit           int64
	Min, Max, Step Milli
	Floor          Milli
	Spread         Milli
	Suffix         string // printed after the number, with its space: " %"
}

// AttendanceMeasure is a percentage rounded to half a point. Its spread is
// eight points.
func AttendanceMeasure() Measure {
	return Measure{Kind: Mean, Unit: 100 * int64(percent), Max: 100 * percent, Step: percent / 2, Floor: leastAttendance, Spread: 8 * percent, Suffix: " %"}
}

// ScaleMeasure is a mean on a marking scale, rounded to one hundredth of its
// length; unit is what a ratio of one is worth in thousandths of a mark. Its
// spread is nine fortieths of the length, as that of GPAMeasure is.
func ScaleMeasure(lowest, highest Milli, unit int64) Measure {
	length := highest - lowest
	return Measure{Kind: Mean, Unit: unit, Min: lowest, Max: highest, Step: length / 100, Spread: length * 9 / 40}
}

// GPAMeasure is a mean on the four-point scale, rounded to a tenth. Its spread
// is 0.9.
func GPAMeasure(unit int64) Measure {
	return Measure{Kind: Mean, Unit: unit, Max: 4000, Step: 100, Spread: 900}
}

// Validate reports, as an ErrMeasure, an unknown kind or a mean without a
// scale.
func (m Measure) Validate() error {
	switch {
	case m.Kind == Share, m.Kind == Per100:
		return nil
	case m.Kind != Mean:
		return fmt.Errorf("%w: its kind is none of share, mean and per_100", ErrMeasure)
	case m.Unit <= 0 || m.Step <= 0 || m.Spread <= 0 || m.Max-m.Min < 10*m.Step:
		return fmt.Errorf("%w: a mean needs a unit, a spread, and a scale of at least ten steps", ErrMeasure)
	}
	return nil
}

// Exact is the figure of exact sums in thousandths of the printed unit, a half
// upwards, and false where there is none. It is the district's: nothing protects
// it.
func (m Measure) Exact(r Raw) (Milli, bool) {
	unit := m.Unit
	if m.Kind != Mean {
		unit = 100 * int64(percent)
	}
	if r.Den <= 0 {
		return 0, false
	}
	return Milli(rounded(r.Num*unit, r.Den)), true
}

// code codes one side of a row from its sums and its number of students with a
// value.
func (m Measure) code(r Raw, n int, s Schedule) Shown {
	switch {
	case r.Den <= 0:
		return withheld()
	case m.Kind == Share:
		return Band(r.Num, r.Den, n, s)
	case m.Kind == Per100:
		return per100(r, n, s)
	}
	return m.mean(r, n)
}

func per100(r Raw, n int, s Schedule) Shown {
	g := gridFor(n, s)
	if g.width == 1 {
		g = grid{width: 5, end: 5}
	}
	out := bandOf(clamp(rounded(r.Num*100, r.Den), 100), g, " per 100 students")
	if out.High == 100*percent {
		out.High = unbounded
	}
	return out
}

// unbounded stands for "no upper bound" in a band of events.
const unbounded Milli = 1_000_000_000

// coarse is the number of students under which a mean is rounded to four steps
// at once, so that nine known values do not pin the tenth.
const coarse = 20

// mean rounds to the step and codes the ends: near the end of a scale a mean
// says something about each student (100 % attendance says it of all), so the
// last part of the scale is one open band, wider for small groups. With ten
// students and 2 % of the scale, two of them may still be at a tenth from the
// end.
func (m Measure) mean(r Raw, n int) Shown {
	step := m.step(n)
	return m.codeStep(Milli(rounded(r.Num*m.Unit, r.Den*int64(step)))*step, n)
}

// codeMean codes a noisy mean. What the noise hides is hidden at any step, so that
// from twenty students on a fifth of the step is printed: the whole step would
// cost a partner of a hundred more than the noise does.
func (m Measure) codeMean(v Milli, n int) Shown {
	if n >= coarse {
		m.Step = max(1, m.Step/5)
	}
	step := m.step(n)
	return m.codeStep(max(m.Min, min(Milli(rounded(int64(v), int64(step)))*step, m.Max)), n)
}

func (m Measure) step(n int) Milli {
	if n < coarse {
		return 4 * m.Step
	}
	return m.Step
}

// codeStep codes a mean that is a multiple of its step.
func (m Measure) codeStep(v Milli, n int) Shown {
	step := m.step(n)
	low, high := m.ends(n, step)
	switch {
	case v <= low:
		return Shown{KindBand, "LE" + m.print(low), m.Min, low + step/2, m.print(low) + m.Suffix + " or less"}
	case v >= high:
		return Shown{KindBand, "GE" + m.print(high), high - step/2, m.Max, m.print(high) + m.Suffix + " or more"}
	}
	return Shown{KindValue, m.print(v), v - step/2, v + step/2, m.print(v) + m.Suffix}
}

// ends returns the last values printed as such, inside 2 %, 1 % or half a
// percent of the scale by the number of students.
func (m Measure) ends(n int, step Milli) (low, high Milli) {
	perMille := Milli(5)
	switch {
	case n <= 60:
		perMille = 20
	case n <= 300:
		perMille = 10
	}
	margin := (m.Max - m.Min) * perMille / 1000
	low = -floorTo(-(m.Min + margin), step)
	high = floorTo(m.Max-margin, step)
	return low, high
}

// floorTo returns the largest multiple of step that is not above v.
func floorTo(v, step Milli) Milli {
	q := v / step
	if v%step < 0 {
		q--
	}
	return q * step
}

// print writes a value with the decimals that the step needs.
func (m Measure) print(v Milli) string {
	switch {
	case m.Step%1000 == 0:
		return v.fixed(0)
	case m.Step%100 == 0:
		return v.fixed(1)
	case m.Step%10 == 0:
		return v.fixed(2)
	}
	return v.fixed(3)
}
