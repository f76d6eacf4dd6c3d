package report

import (
	"strconv"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// The drawing, in units of its view box. At 320 units across it is drawn at its
// own size on the narrowest phone, so that 12 units of text are 12 pixels.
const (
	chartLeft   = 88.0
	chartRight  = 306.0
	chartRow    = 20.0
	chartTop    = 12.0
	chartMiddle = 4.0 // half the height of a mark
)

// chart is a drawing of both sides of a figure.
type chart struct {
	id, title, description string
	series                 []series
	ticks                  []tick
	bottom                 float64 // of the plot
}

// series is one side: a dot or, where the figure is a band, a bar; with its
// interval as a line.
type series struct {
	label      string
	shape      shape
	y          float64
	band, open bool // a bar; without an upper end
	from, to   float64
	line       bool
	low, high  float64
}

// shape tells sides apart without colour.
type shape string

const (
	circle  shape = "circle"  // participants, filled
	square  shape = "square"  // the rest, hollow
	diamond shape = "diamond" // the whole school, hollow
	solid   shape = "solid"   // consented students
)

type tick struct {
	x     float64
	label string
}

// drawn is what a chart needs of one side.
type drawn struct {
	label    string
	shape    shape
	value    sdc.Shown
	interval *compare.Range
}

func (d drawn) span() compare.Range {
	low, high := d.value.Low, d.value.High
	if high >= unbounded {
		high = low
	}
	if d.interval != nil {
		low, high = min(low, d.interval.Low), max(high, d.interval.High)
	}
	return compare.Range{Low: low, High: high}
}

// newChart draws the sides that have a figure; nil where none has.
func newChart(sides []drawn, m measure) *chart {
	var span compare.Range
	var shown []drawn
	for _, d := range sides {
		if d.value.Kind == sdc.KindWithheld {
			continue
		}
		s := d.span()
		if len(shown) == 0 {
			span = s
		}
		span = compare.Range{Low: min(span.Low, s.Low), High: max(span.High, s.High)}
		shown = append(shown, d)
	}
	if len(shown) == 0 {
		return nil
	}
	a := newAxis(span, m)
	c := &chart{bottom: chartTop + chartRow*float64(len(shown)) - 4}
	for i, d := range shown {
		c.series = append(c.series, a.series(d, chartTop+chartRow*float64(i)))
	}
	for v := a.low; v <= a.high; v += a.step {
		c.ticks = append(c.ticks, tick{a.x(v), decimal(v)})
	}
	return c
}

// axis is a stretch of numbers, in thousandths, from tick to tick.
type axis struct{ low, high, step sdc.Milli }

// newAxis covers the span with at most six steps of one, two or five times a
// power of ten. A percentage stays between 0 and 100.
func newAxis(span compare.Range, m measure) axis {
	if span.High-span.Low < 10*m.grain {
		span.Low, span.High = span.Low-5*m.grain, span.High+5*m.grain
	}
	step := niceStep(span.High - span.Low)
	a := axis{down(span.Low, step), -down(-span.High, step), step}
	if low, high := max(a.low, 0), min(a.high, 100_000); m.suffix == " %" && low < high {
		a.low, a.high = low, high
	}
	return a
}

func niceStep(span sdc.Milli) sdc.Milli {
	for power := sdc.Milli(1); ; power *= 10 {
		for _, n := range []sdc.Milli{1, 2, 5} {
			if span <= 4*n*power {
				return n * power
			}
		}
	}
}

func (a axis) x(v sdc.Milli) float64 {
	v = min(max(v, a.low), a.high)
	return chartLeft + (chartRight-chartLeft)*float64(v-a.low)/float64(a.high-a.low)
}

func (a axis) series(d drawn, y float64) series {
	s := series{label: d.label, shape: d.shape, y: y}
	if d.value.Kind == sdc.KindBand {
		s.band, s.open = true, d.value.High >= unbounded
		s.from, s.to = a.x(d.value.Low), a.x(d.value.High)
	} else {
		s.from = a.x((d.value.Low + d.value.High) / 2)
		s.to = s.from
	}
	if d.interval != nil {
		s.line, s.low, s.high = true, a.x(d.interval.Low), a.x(d.interval.High)
	}
	return s
}

// at writes a coordinate.
func at(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// corner rounds the bar of participants: another difference than colour.
func corner(s shape) string {
	if s == circle {
		return at(chartMiddle)
	}
	return "0"
}

func rhombus(x, y float64) string {
	const half = 4.2
	return "M" + at(x) + " " + at(y-half) + "L" + at(x+half) + " " + at(y) + "L" + at(x) + " " + at(y+half) + "L" + at(x-half) + " " + at(y) + "Z"
}
