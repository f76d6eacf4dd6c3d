package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// card is one indicator of the lead row: its chart and the table beside it.
type card struct {
	id, name, unit string
	chip           chip
	chart          *chart
	compared       bool // the table has intervals
	lines          []line
	notes          []string
	fine           []string // for the screen: paper has no room
}

// line is one side in a table.
type line struct {
	shape                         shape // "": none
	label, figure, interval, size string
}

func (w writer) card(id string, f figure) card {
	d := w.definition(f.Indicator)
	c := card{id: id, name: plain(d.Name), unit: cmp.Or(w.unit(d), w.phrases.figure)}
	switch f.Status {
	case sdc.StatusNotReported:
		c.notes = []string{w.notReported}
	case sdc.StatusNotPublished:
		c.notes = []string{w.notPublished}
	case sdc.StatusWithheld:
		c.chip = chip{text: w.withheld}
		c.lines = w.consentedLines(f)
		c.notes = []string{w.withheldWhy}
	case sdc.StatusBudgetExhausted:
		c.chip = chip{text: w.exhausted}
		c.lines = w.consentedLines(f)
		c.notes = []string{w.exhaustedWhy}
	default:
		w.compareIn(&c, f, d)
	}
	return c
}

func (w writer) compareIn(c *card, f figure, d definition) {
	m, reading := measureOf(d), f.compared()
	c.compared, c.chip = true, w.chip(reading)
	c.lines = w.sideLines(f)
	sides := []drawn{
		{label: w.participants, shape: circle, value: f.Cohort.Value},
		{label: w.restShort, shape: square, value: f.against().Value},
	}
	if reading != nil {
		sides[0].interval, sides[1].interval = &reading.Cohort, &reading.Rest
		c.lines[0].interval, c.lines[1].interval = m.interval(w.phrases, reading.Cohort), m.interval(w.phrases, reading.Rest)
		c.lines = append(c.lines, line{label: w.difference, figure: m.gap(w.phrases, reading.Difference), interval: m.gap(w.phrases, reading.Interval)})
	}
	if c.chart = newChart(sides, m); c.chart != nil {
		c.chart.id, c.chart.title = c.id, fmt.Sprintf(w.chartOf, c.name)
		c.chart.description = described(c.lines)
	}
	c.notes, c.fine = w.remarks(f, m), w.fine(f, m)
}

// sideLines are the cohort and what it is compared with.
func (w writer) sideLines(f figure) []line {
	label, unit := w.restShort, measureOf(w.definition(f.Indicator)).suffix
	if f.Weighted != nil {
		label = w.restMix
	}
	return []line{
		{shape: circle, label: w.participants, figure: w.shown(f.Cohort.Value, unit), size: w.students(*f.Cohort)},
		{shape: square, label: label, figure: w.shown(f.against().Value, unit), size: w.students(*f.against())},
	}
}

// students says how many a side has, and of how many of them the value is.
func (w writer) students(s side) string {
	text := thousands(s.N)
	if s.Size != nil {
		text = s.Size.Text
	}
	if s.Coverage.Kind != sdc.KindWithheld {
		text += "; " + fmt.Sprintf(w.withData, w.tersely(s.Coverage, " %"))
	}
	return text
}

// consentedLines are the consented students and the whole school beside a
// withheld figure.
func (w writer) consentedLines(f figure) []line {
	var out []line
	suffix := measureOf(w.definition(f.Indicator)).suffix
	if c := f.Consented; c != nil {
		out = append(out, line{shape: solid, label: w.consented, figure: w.exact(f) + suffix, size: thousands(c.N)})
	}
	if f.Whole != nil {
		out = append(out, line{shape: diamond, label: w.whole, figure: w.shown(f.Whole.Value, suffix), size: w.students(*f.Whole)})
	}
	return out
}

// exact is what the consented students come to, rounded for readers.
func (w writer) exact(f figure) string {
	grain := measureOf(w.definition(f.Indicator)).grain
	return decimal(down(f.Consented.Value+grain/2, grain))
}

// remarks stand small under a table.
func (w writer) remarks(f figure, m measure) []string {
	var out []string
	if f.compared() == nil {
		out = append(out, w.unread)
	}
	out = append(out, w.better[w.definition(f.Indicator).Direction])
	if f.Status == sdc.StatusLowPrecision {
		out = append(out, w.lowPrecision)
	}
	if f.Weighted != nil {
		out = append(out, fmt.Sprintf(w.rawRest, w.raw(f, m)))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// fine is what a statistician looks for.
func (w writer) fine(f figure, m measure) []string {
	var out []string
	if r := f.compared(); r != nil {
		low, high := measure{grain: 10}.outward(r.Effect)
		out = append(out, fmt.Sprintf(w.effect, w.spanOf(signed(low), signed(high))))
	}
	if n := f.against().EffectiveN; n > 0 {
		out = append(out, fmt.Sprintf(w.countsAs, thousands(n)))
	}
	if noise := w.noises(f, m); noise != "" {
		out = append(out, fmt.Sprintf(w.noise, noise))
	}
	return out
}

// raw is the unadjusted rest, with its own reading where there is one.
func (w writer) raw(f figure, m measure) string {
	text := w.shown(f.Rest.Value, m.suffix) + " (" + thousands(f.Rest.N) + ")"
	if f.Reading != nil {
		text += ", " + w.said(*f.Reading)
	}
	return text
}

func (w writer) noises(f figure, m measure) string {
	var parts []string
	for _, s := range []struct {
		label string
		side  *side
	}{{w.participants, f.Cohort}, {w.restShort, f.against()}} {
		if s.side.Noise > 0 {
			parts = append(parts, s.label+" "+decimal(-down(-s.side.Noise, m.grain))+m.difference)
		}
	}
	return strings.Join(parts, ", ")
}

// described says a chart in words.
func described(lines []line) string {
	var parts []string
	for _, l := range lines {
		parts = append(parts, joined(l.label+": "+l.figure, l.interval))
	}
	return strings.Join(parts, ". ") + "."
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// definitionText is what an indicator divides by what.
func definitionText(d definition) string {
	text := plain(d.Numerator)
	if d.Denominator != "" {
		text += " ÷ " + plain(d.Denominator)
	}
	return text + "."
}
