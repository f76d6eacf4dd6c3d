package report

import (
	"io"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// Broken names the guards that a test takes away.
type Broken struct{ KeepConsented, AnyReceipt bool }

// RenderBroken is Render without some of its guards.
func RenderBroken(w io.Writer, p Page, r *Receipt, s Stamp, b Broken) error {
	return render(w, p, r, s, sabotage{b.KeepConsented, b.AnyReceipt})
}

// Style is the page's style sheet.
func Style() string { return style }

// Outward rounds an interval of the unit as a page prints it.
func Outward(unit string, r compare.Range) (low, high string) {
	return measureOf(definition{Unit: unit}).outward(r)
}

// DaysMissed is the illustration of an attendance rate.
func DaysMissed(rate sdc.Shown) string { return daysMissed(rate) }

// Plot is where a chart of two sides draws: each mark and line from left to
// right, and each tick with its label; ok is false where there is no chart.
func Plot(unit string, cohort, rest sdc.Shown, reading *compare.Reading) (marks []float64, ticks map[string]float64, ok bool) {
	sides := []drawn{{shape: circle, value: cohort}, {shape: square, value: rest}}
	if reading != nil {
		sides[0].interval, sides[1].interval = &reading.Cohort, &reading.Rest
	}
	c := newChart(sides, measureOf(definition{Unit: unit}))
	if c == nil {
		return nil, nil, false
	}
	ticks = map[string]float64{}
	for _, t := range c.ticks {
		ticks[t.label] = t.x
	}
	for _, s := range c.series {
		marks = append(marks, s.from, s.to)
		if s.line {
			marks = append(marks, s.low, s.high)
		}
	}
	return marks, ticks, true
}

// PlotLeft and PlotRight are the ends of a chart's axis.
const (
	PlotLeft  = chartLeft
	PlotRight = chartRight
)
