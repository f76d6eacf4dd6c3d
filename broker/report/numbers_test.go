package report_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func units() []string { return []string{"share of students", "points of 4.0", "incidents a student"} }

func number(t *rapid.T, printed string) float64 {
	v, err := strconv.ParseFloat(strings.Replace(printed, "−", "-", 1), 64)
	if err != nil {
		t.Fatalf("%q is no number", printed)
	}
	return v
}

func drawRange(t *rapid.T) compare.Range {
	low := rapid.Int64Range(-100_000, 100_000).Draw(t, "low")
	return compare.Range{Low: sdc.Milli(low), High: sdc.Milli(low + rapid.Int64Range(0, 50_000).Draw(t, "width"))}
}

// A printed interval holds the one of the answer, and says no more and no less
// about zero.
func TestRoundingNeverNarrowsAnInterval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRange(t)
		unit := rapid.SampledFrom(units()).Draw(t, "unit")
		a, b := report.Outward(unit, r)
		low, high := number(t, a), number(t, b)
		if low > float64(r.Low)/1000+1e-9 || high < float64(r.High)/1000-1e-9 {
			t.Fatalf("%v is printed as %s to %s", r, a, b)
		}
		if (r.Low > 0) != (low > 0) || (r.High < 0) != (high < 0) {
			t.Fatalf("%v, printed as %s to %s, says something else about zero", r, a, b)
		}
		if high-low > float64(r.High-r.Low)/1000+0.2+1e-9 {
			t.Fatalf("%v is printed far wider, as %s to %s", r, a, b)
		}
	})
}

func TestIntervalsArePrintedForReaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit      string
		low, high sdc.Milli
		want      string
	}{
		{"share of students", 93_042, 96_010, "93 to 96.1"},
		{"share of students", -1_234, 40, "−1.3 to 0.1"},
		{"share of students", 40, 1_000, "0.04 to 1"},
		{"points of 4.0", 2_512, 2_904, "2.51 to 2.91"},
		{"points of 4.0", -9, -1, "−0.009 to −0.001"},
	} {
		low, high := report.Outward(c.unit, compare.Range{Low: c.low, High: c.high})
		if got := low + " to " + high; got != c.want {
			t.Errorf("%d to %d: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

func drawShown(t *rapid.T) sdc.Shown {
	r := drawRange(t)
	kind := rapid.SampledFrom([]sdc.ShownKind{sdc.KindValue, sdc.KindBand, sdc.KindWithheld}).Draw(t, "kind")
	if kind == sdc.KindBand && rapid.Bool().Draw(t, "open") {
		r.High = 1_000_000_000
	}
	return sdc.Shown{Kind: kind, Low: r.Low, High: r.High}
}

// Whatever is drawn, it lies on the axis, in order, between few ticks.
func TestAChartStaysInsideItsAxis(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawShown(t), drawShown(t)
		var reading *compare.Reading
		if rapid.Bool().Draw(t, "read") {
			reading = &compare.Reading{Cohort: drawRange(t), Rest: drawRange(t)}
		}
		marks, ticks, ok := report.Plot(rapid.SampledFrom(units()).Draw(t, "unit"), p, q, reading)
		if ok == (p.Kind == sdc.KindWithheld && q.Kind == sdc.KindWithheld) {
			t.Fatal("a chart is drawn of nothing, or none of something")
		}
		for i, x := range marks {
			if math.IsNaN(x) || x < report.PlotLeft || x > report.PlotRight || i%2 == 1 && x < marks[i-1] {
				t.Fatalf("mark %d of %v", i, marks)
			}
		}
		if ok && (len(ticks) < 2 || len(ticks) > 7) {
			t.Fatalf("%d ticks", len(ticks))
		}
		for label, x := range ticks {
			if x < report.PlotLeft || x > report.PlotRight {
				t.Fatalf("tick %s at %f", label, x)
			}
		}
	})
}

func TestAHigherValueStandsFurtherRight(t *testing.T) {
	t.Parallel()
	value := func(v sdc.Milli) sdc.Shown { return sdc.Shown{Kind: sdc.KindValue, Low: v - 250, High: v + 250} }
	marks, ticks, _ := report.Plot("share of days", value(94_500), value(92_000), nil)
	if marks[0] <= marks[2] {
		t.Errorf("94.5 stands at %f, 92 at %f", marks[0], marks[2])
	}
	if math.Abs(marks[2]-ticks["92"]) > 0.05 {
		t.Errorf("92 stands at %f, its tick at %f", marks[2], ticks["92"])
	}
}

// luminance is the relative luminance of WCAG 2.1 of a colour such as #0b4f8a.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) == 4 {
		colour = "#" + strings.Repeat(colour[1:2], 2) + strings.Repeat(colour[2:3], 2) + strings.Repeat(colour[3:4], 2)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		noError(t, err)
		c := float64(v) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Text needs 4.5 to 1 and what is drawn 3 to 1 (WCAG 2.1, 1.4.3 and 1.4.11);
// here everything has the first, also on the stripes of what is withheld.
func TestEveryColourStandsOutFromThePaper(t *testing.T) {
	t.Parallel()
	colours := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z]+):(#[0-9a-f]+)`).FindAllStringSubmatch(report.Style(), -1) {
		colours[m[1]] = m[2]
	}
	stripe := regexp.MustCompile(`#e[0-9a-f]{5}`).FindString(report.Style())
	if len(colours) < 6 || stripe == "" {
		t.Fatalf("the style names %v and the stripe %q", colours, stripe)
	}
	for _, ink := range []string{"ink", "quiet", "cohort", "rest"} {
		for _, paper := range []string{colours["paper"], stripe} {
			if ratio := contrast(t, colours[ink], paper); ratio < 4.5 {
				t.Errorf("%s on %s has a contrast of %.2f", ink, paper, ratio)
			}
		}
	}
	if ratio := contrast(t, "#000", "#fff"); math.Abs(ratio-21) > 0.01 {
		t.Errorf("black on white has %f", ratio)
	}
}
