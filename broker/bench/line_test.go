package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rounds is how often both sides of a line take turns.
const rounds = 7

// line is one line of the table: a ratio that a goal is set for.
type line struct {
	bench, peer   string
	goal, stretch float64 // stretch 0: none
	atMost        bool    // the ratio must stay under the goal, and not over it
}

// side is what one side of a line did in one round.
type side struct {
	figure float64 // what the ratio is made of, such as seconds an operation
	wall   time.Duration
	cpu    time.Duration // of every process that worked for it
	ops    int
}

// perOp returns wall and processor time an operation.
func (s side) perOp() (wall, cpu time.Duration) {
	n := time.Duration(max(s.ops, 1))
	return s.wall / n, s.cpu / n
}

// outcome is a line after its rounds.
type outcome struct {
	line
	ratios     []float64
	ours, them []side
	notes      []string
	missing    string // the peer is not here: how to get it
	load       string
}

// measure lets both sides take turns: once to warm up, then round by round.
// The ratio of a round is theirs over ours, or ours over theirs where it has to
// stay small.
func (l line) measure(t testing.TB, ours, theirs func() side) outcome {
	t.Helper()
	o := outcome{line: l}
	ours()
	theirs()
	for range rounds {
		a, b := ours(), theirs()
		o.ours, o.them = append(o.ours, a), append(o.them, b)
		ratio := b.figure / a.figure
		if l.atMost {
			ratio = a.figure / b.figure
		}
		o.ratios = append(o.ratios, ratio)
	}
	o.load = loadAverage()
	return o
}

// without is the outcome of a line whose peer is not here.
func (l line) without(remedy string) outcome { return outcome{line: l, missing: remedy} }

// single is the outcome of a line without a peer: one figure.
func (l line) single(figure float64, notes ...string) outcome {
	return outcome{line: l, ratios: []float64{figure}, notes: notes, load: loadAverage()}
}

func median[T int | float64 | time.Duration](list []T) T {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// reaches reports whether a ratio is as good as a goal.
func (l line) reaches(ratio, goal float64) bool {
	if l.atMost {
		return ratio <= goal
	}
	return ratio >= goal
}

// verdict says whether the median reaches the goal; of a miss it says whether
// some round reached it.
func (o outcome) verdict() string {
	switch {
	case o.missing != "":
		return "peer missing"
	case o.goal == 0:
		return "printed"
	case o.stretch != 0 && o.reaches(median(o.ratios), o.stretch):
		return "met, stretch too"
	case o.reaches(median(o.ratios), o.goal):
		return "met"
	case slices.ContainsFunc(o.ratios, func(r float64) bool { return o.reaches(r, o.goal) }):
		return "missed, within its spread"
	}
	return "missed"
}

// tolerated is how far a ratio may fall behind its goal before the run fails:
// the rest is noise of the machine.
const tolerated = 0.6

// failed reports whether every round fell far behind the goal.
func (o outcome) failed() bool {
	limit := o.goal * tolerated
	if o.atMost {
		limit = o.goal / tolerated
	}
	return o.missing == "" && o.goal != 0 && !slices.ContainsFunc(o.ratios, func(r float64) bool { return o.reaches(r, limit) })
}

func (l line) wanted() string {
	switch {
	case l.goal == 0:
		return "–"
	case l.atMost:
		return fmt.Sprintf("≤ %g", l.goal)
	case l.stretch == 0:
		return fmt.Sprintf("%g", l.goal)
	}
	return fmt.Sprintf("%g · %g", l.goal, l.stretch)
}

func (o outcome) measured() string {
	switch len(o.ratios) {
	case 0:
		return "–"
	case 1:
		return number(o.ratios[0])
	}
	return fmt.Sprintf("%s (%s..%s)", number(median(o.ratios)), number(slices.Min(o.ratios)), number(slices.Max(o.ratios)))
}

// number writes a figure with three digits.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// costs writes the median wall and processor time an operation of each side.
func (o outcome) costs() string {
	if len(o.ours) == 0 {
		return ""
	}
	text := func(list []side) string {
		var wall, cpu []time.Duration
		for _, s := range list {
			w, c := s.perOp()
			wall, cpu = append(wall, w), append(cpu, c)
		}
		return fmt.Sprintf("%v wall, %v cpu", round(median(wall)), round(median(cpu)))
	}
	return "an operation: ours " + text(o.ours) + "; peer " + text(o.them)
}

func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}

// String writes the line with everything that is known of it.
func (o outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  beside %s\n  goal %s, measured %s: %s\n", o.bench, o.peer, o.wanted(), o.measured(), o.verdict())
	for _, more := range append([]string{o.missing, o.costs()}, o.notes...) {
		if more != "" {
			fmt.Fprintf(&b, "  %s\n", more)
		}
	}
	if o.load != "" {
		fmt.Fprintf(&b, "  load average %s\n", o.load)
	}
	return b.String()
}

// table writes the outcomes as the table of docs/benchmarks.md.
func table(list []outcome) string {
	var b strings.Builder
	b.WriteString("| bench | peer in the same run | goal · stretch | measured, median (spread) | verdict |\n|---|---|---|---|---|\n")
	for _, o := range list {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", o.bench, o.peer, o.wanted(), o.measured(), o.verdict())
	}
	return b.String()
}

func TestAGoalIsMetByTheMedian(t *testing.T) {
	t.Parallel()
	faster := line{goal: 4, stretch: 10}
	flat := line{goal: 1.2, atMost: true}
	for _, c := range []struct {
		line   line
		ratios []float64
		want   string
		failed bool
	}{
		{faster, []float64{4, 5, 9}, "met", false},
		{faster, []float64{9, 10, 11}, "met, stretch too", false},
		{faster, []float64{3, 3, 4}, "missed, within its spread", false},
		{faster, []float64{2, 3, 3}, "missed", false},
		{faster, []float64{1, 2, 2}, "missed", true},
		{flat, []float64{1.1, 1.2, 1.5}, "met", false},
		{flat, []float64{1.2, 1.3, 1.4}, "missed, within its spread", false},
		{flat, []float64{1.3, 1.4, 2.2}, "missed", false},
		{flat, []float64{2.1, 2.2, 2.2}, "missed", true},
		{line{}, []float64{3}, "printed", false},
	} {
		o := outcome{line: c.line, ratios: c.ratios}
		if o.verdict() != c.want || o.failed() != c.failed {
			t.Errorf("goal %s with %v: %s, failed %t", c.line.wanted(), c.ratios, o.verdict(), o.failed())
		}
	}
	if o := faster.without("build it"); o.verdict() != "peer missing" || o.failed() {
		t.Errorf("a missing peer: %s, failed %t", o.verdict(), o.failed())
	}
}
