package redteam_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// printedNumbers are attacks 23 and 26 to 29: what the digits of one figure
// give away.
func printedNumbers() []line {
	exact := []build{weakBuild(sdc.WeakExact)}
	return []line{
		{23, "group attribute", "no certain none or all", exact, groupAttribute, false},
		{26, "unpicking a mean", "more than one sum fits", exact, unpickMeans, false},
		{27, "decimals", "count right .35 at most", exact, decimals, false},
		{28, "outlier in a mean", "not told to a point; no impossible value", exact, outlier, false},
		{29, "one student has all incidents", "not told to within three", exact, dominated, false},
	}
}

// ends is a district in which everybody or nobody has an outcome.
func ends(everybody bool) shape {
	s := shape{seed: 60, students: 1000, schools: 2, terms: 1}
	s.change = func(_, _ int, o *outcome) {
		o.out, o.in, o.absent = everybody, everybody, 0
		if everybody {
			o.absent = enrolled / 2
		}
	}
	pool := makeWorld(s).in(0, -1)
	for i, n := range []int{10, 15, 25, 45, 80, 110} {
		s.pacts = append(s.pacts, pact{id: fmt.Sprintf("p%d", i), schools: []int{0}, indicators: bits, roster: pool[:n]})
		pool = pool[n:]
	}
	return s
}

func groupAttribute(x *trial) {
	looked := 0
	for _, everybody := range []bool{false, true} {
		d := x.closed(ends(everybody))
		for _, v := range d.read(termID(0)) {
			for _, e := range []struct {
				side *side
				n    int
			}{{v.cohort, len(v.p)}, {v.rest, len(v.t) - len(v.p)}} {
				got, ok := e.side.sum(v.indicator, e.n)
				if !ok {
					continue
				}
				looked++
				if got.high < 1 || got.low > float64(e.n)-1 {
					x.breach("%s of %d students says it of each of them", e.side.Value.Text, e.n)
				}
			}
		}
	}
	x.measured("%d of %d figures say it of every child", x.breaches, looked)
}

func unpickMeans(x *trial) {
	_, views := x.read(town(1, x.rounds(4, 2)))
	looked, least := 0, math.MaxInt
	for _, v := range views {
		if v.indicator != gpa || !v.cohort.printed() {
			continue
		}
		looked++
		got, _ := v.cohort.sum(gpa, len(v.p))
		fit := int(math.Floor(got.high*10+1e-6)-math.Ceil(got.low*10-1e-6)) + 1 // sums in tenths
		least = min(least, fit)
		if fit < 2 {
			x.breach("a mean of %d students leaves one sum", len(v.p))
		}
	}
	x.must(looked > 0, "no mean was printed")
	x.measured("%d of %d means leave one sum; %d sums fit the tightest", x.breaches, looked, least)
	x.unpickSizes(views)
}

// unpickSizes reads the size of a group's cohort: as printed or, from shares, as
// what all of them are multiples of.
func (x *trial) unpickSizes(views []view) {
	shares := map[string][]float64{}
	size, bands := map[string]int{}, map[string]shown{}
	for _, v := range views {
		if v.group == "" || !v.cohort.printed() || !slices.Contains(bits, v.indicator) {
			continue
		}
		key := fmt.Sprint(v.agreement, v.period, v.group)
		size[key], bands[key] = len(v.p), v.cohort.Size
		if v.cohort.N > 0 {
			bands[key] = shown{Low: float64(v.cohort.N), High: float64(v.cohort.N)}
		}
		if code, err := strconv.ParseFloat(v.cohort.Value.Code, 64); err == nil {
			shares[key] = append(shares[key], code)
		}
	}
	var g attack.Game
	for key, n := range size {
		g.Guess(guessedSize(bands[key], shares[key]) == n, true)
	}
	x.must(g.Bits() > 0, "no group was shown")
	x.judgeFew("the size of a group", g, .35)
}

// guessedSize is the smallest size in a band of which all shares are whole numbers
// of students, within the rounding of a percent.
func guessedSize(band shown, shares []float64) int {
	fits := func(n int) bool {
		return !slices.ContainsFunc(shares, func(s float64) bool {
			count := math.Round(s * float64(n) / 100)
			return math.Abs(100*count/float64(n)-s) > .51
		})
	}
	low, high := int(band.Low), min(int(band.High), 1000)
	for n := low; n <= high; n++ {
		if fits(n) {
			return n
		}
	}
	return (low + high) / 2
}

var wholePercent = regexp.MustCompile(`^(\d+|\d+-\d+|[LG][TE]\d+)$`)

func decimals(x *trial) {
	d, views := x.read(town(1, x.rounds(4, 2)))
	var played attack.Game
	looked, told := 0, 0
	for _, v := range views {
		if !slices.Contains(bits, v.indicator) || len(v.p) < 20 {
			continue
		}
		got, ok := v.cohort.sum(v.indicator, len(v.p))
		if !ok {
			continue
		}
		looked++
		if !wholePercent.MatchString(v.cohort.Value.Code) && x.protected() {
			x.breach("%s is finer than a whole percent", v.cohort.Value.Code)
		}
		right := false
		if counts := attack.Counts(100*got.low/float64(len(v.p)), 100*got.high/float64(len(v.p)), len(v.p)); len(counts) == 1 {
			told++
			right = counts[0] == int(d.total(v.indicator, v.period, v.p))
		}
		played.Guess(right, true)
	}
	x.measured("%d of %d shares of 20 and more leave one count", told, looked)
	x.judgeFew("the true count", played, .35)
}

// outlier: everybody is at school nearly always, but one student never was.
func outlier(x *trial) {
	s := shape{seed: 61, students: 2000, schools: 4, terms: 1}
	s.pacts = clubs(makeWorld(s), 40, 3, []string{attendance, gpa}, []string{"all"})
	odd := s.eighths()
	s.change = func(_, student int, o *outcome) {
		if odd[student] {
			o.absent, o.mark = enrolled, 40
		}
	}
	d := x.closed(s)
	looked, widest := 0, 0.
	for _, v := range d.read(termID(0)) {
		got, ok := v.cohort.sum(v.indicator, len(v.p))
		if !ok {
			continue
		}
		looked++
		unit := 1. // a point of a percentage, a tenth of a mark
		low, high := got.low*100, got.high*100
		if v.indicator == gpa {
			low, high = got.low*10, got.high*10
		}
		widest = max(widest, high-low)
		if high-low < unit {
			x.breach("the mean %s tells one student's %s to a point, to whoever knows the others", v.cohort.Value.Code, v.indicator)
		}
	}
	x.must(looked > 0, "no mean was printed")
	x.measured("%d of %d means tell an outlier to a point", x.breaches, looked)
	if x.protected() {
		x.impossible()
		x.clipped()
	}
}

// eighths are one student of each roster.
func (s shape) eighths() map[int]bool {
	odd := map[int]bool{}
	for _, p := range s.pacts {
		odd[p.roster[7]] = true
	}
	return odd
}

// clipped: a mark beyond the scale moves a mean no further than the best mark.
func (x *trial) clipped() {
	means := map[int]float64{}
	const best, beyond = 40, 99
	for _, mark := range []int{best, beyond} {
		s := shape{seed: 64, students: 2000, schools: 4, terms: 1}
		s.pacts = clubs(makeWorld(s), 40, 3, []string{gpa}, []string{"all"})
		odd := s.eighths()
		s.change = func(_, student int, o *outcome) {
			if odd[student] {
				o.mark = mark
			}
		}
		d := x.closed(s)
		for _, v := range d.read(termID(0)) {
			if v.cohort.printed() {
				means[mark] += (v.cohort.Value.Low + v.cohort.Value.High) / 2 / float64(len(s.pacts))
			}
		}
	}
	moved := means[beyond] - means[best]
	x.measured("a mark of 9.9 instead of 4.0 moves the mean of forty by %.3f", moved)
	if moved > .1 {
		x.breach("a mark beyond the scale moves the mean of forty by %.2f", moved)
	}
}

// impossible: what is no mark does not come in.
func (x *trial) impossible() {
	values := []string{"NaN", "1e3", "Inf", "four"}
	in := 0
	for _, value := range values {
		d := x.open(pair(62))
		if !d.refuses(value) {
			in++
			x.breach("a mark of %s came in", value)
		}
	}
	x.measured("%d of %d impossible marks came in", in, len(values))
}

// refuses reports that a load with one mark of this value says what is wrong.
func (d *district) refuses(value string) bool {
	d.t.Helper()
	dir := d.folder()
	path := filepath.Join(dir, "grades.csv")
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 3)
	cells := strings.Split(lines[1], ",")
	cells[5] = value
	lines[1] = strings.Join(cells, ",")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	res := d.take(dir)
	return slices.ContainsFunc(res.Report.Findings, func(f ingest.Finding) bool { return f.File == "grades.csv" && f.Severity == ingest.Error })
}

// dominated: one student has thirty incidents, the others none.
func dominated(x *trial) {
	s := shape{seed: 63, students: 2000, schools: 4, terms: 1}
	s.pacts = clubs(makeWorld(s), 60, 2, []string{incidents}, []string{"all"})
	odd := s.eighths()
	const many = 30
	s.change = func(_, student int, o *outcome) {
		*o = outcome{mark: o.mark}
		if odd[student] {
			o.more = many
		}
	}
	d := x.closed(s)
	looked := 0
	for _, v := range d.read(termID(0)) {
		got, ok := v.cohort.sum(incidents, len(v.p))
		if !ok {
			continue
		}
		looked++
		if got.low > many-4 && got.high < many+4 {
			x.breach("%s tells that one student had %.0f to %.0f of %d incidents", v.cohort.Value.Text, got.low, got.high, many)
		}
	}
	x.must(looked > 0, "no rate was printed")
	x.measured("%d of %d rates tell one student's incidents to within three", x.breaches, looked)
}
