package compare_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// The rest of a school, and the cells (school and grade) whose noised sums its
// total is the sum of.
const (
	restStudents = 450
	wholeCells   = 4
)

// question is a difference that is there, in one indicator: the law of a student
// of the rest, and of a participant whom the program has served well.
type question struct {
	name      string
	m         sdc.Measure
	same, new law
	parts     int64
	variance  noise.Variance // of the noise in a sum
	better    compare.Word
	decimals  int
}

func questions() []question {
	return []question{
		{"chronic absence", sdc.Measure{Kind: sdc.Share}, either(0.25, 1), either(0.15, 1), 1, noise.Variance{Num: 4, Den: 1}, compare.LikelyLower, 1},
		{"attendance", sdc.AttendanceMeasure(), present(7), present(4.97), 100, noise.Variance{Num: 1600, Den: 1}, compare.LikelyHigher, 1},
		{"GPA", sdc.GPAMeasure(1000), graded(27.3), graded(30.84), 10, noise.Variance{Num: 400, Den: 1}, compare.LikelyHigher, 2},
	}
}

// present is a student's attendance in whole points from 50 on; what is missing
// falls off geometrically.
func present(missing float64) law {
	l := law{50, make([]float64, 51)}
	ratio := missing / (1 + missing)
	for k := range 50 {
		l.chances[50-k] = (1 - ratio) * math.Pow(ratio, float64(k))
	}
	l.chances[0] = math.Pow(ratio, 50)
	return l
}

// graded is a grade point average in tenths, normal around a centre with a
// deviation of 0.9 and held between 0 and 4.
func graded(centre float64) law {
	l := law{0, make([]float64, 41)}
	normal := distuv.Normal{Mu: centre, Sigma: 9}
	last := 0.0
	for k := range 40 {
		next := normal.CDF(float64(k) + 0.5)
		l.chances[k], last = next-last, next
	}
	l.chances[40] = 1 - last
	return l
}

// drawing draws from a law by one uniform number.
type drawing struct {
	low int
	cdf []float64
}

func (l law) drawing() drawing {
	d := drawing{l.low, make([]float64, len(l.chances))}
	sum := 0.0
	for i, p := range l.chances {
		sum += p
		d.cdf[i] = sum
	}
	return d
}

func (d drawing) from(r *rand.Rand) int64 {
	return int64(d.low + min(sort.SearchFloat64s(d.cdf, r.Float64()), len(d.cdf)-1))
}

// profiles are the ways of showing that are measured. Those behind the first two
// are none of the product's: they say what of a loss is due to the noise, and
// what to the groups' sizes. They are read in one trial of ten, because each of
// their rows is another one.
var profiles = [...]string{"standard", "published_table", "standard without rounding", "unprotected"}

const products, seldom = 2, 10

// tally is what many trials of one profile said.
type tally struct {
	trials                     float64
	cohortHalf, differenceHalf moments
	cohort, difference         float64 // intervals that held the truth
	clear, right               float64 // readings of a difference, and of the right one
}

type moments struct{ sum, squares float64 }

func (m *moments) add(v float64) { m.sum, m.squares = m.sum+v, m.squares+v*v }

// error is the mean's standard error.
func (m moments) error(n float64) float64 {
	return math.Sqrt(max(0, m.squares/n-m.sum*m.sum/n/n) / n)
}

func (a *tally) add(got compare.Reading, p, q float64, better compare.Word) {
	half := func(r compare.Range) float64 { return float64(r.High-r.Low) / 2000 }
	a.trials++
	a.cohortHalf.add(half(got.Cohort))
	a.differenceHalf.add(half(got.Interval))
	a.cohort += within(got.Cohort, p)
	a.difference += within(got.Interval, p-q)
	if got.Word == compare.LikelyHigher || got.Word == compare.LikelyLower {
		a.clear++
	}
	if got.Word == better {
		a.right++
	}
}

// measured is one question to a cohort of n: where nothing differs, and where
// the difference is there, by profile.
type measured struct {
	question
	n     int
	noise float64
	same  [len(profiles)]tally
	new   [len(profiles)]tally
}

// trial shows one pair of sums under each profile and reads it.
type trial struct {
	t     *testing.T
	q     question
	n     int
	table *noise.Table
	r     *rand.Rand
	see   func(sdc.ShownRow) sdc.ShownRow // what is left of a row for the one who reads it
	read  [len(profiles)]map[[2]string]compare.Reading
}

// rows are those of the product and, if all are wanted, the others.
func (x trial) rows(a, b int64, all bool) []sdc.ShownRow {
	own, whole := x.noises()
	out := []sdc.ShownRow{x.standard(a+own, b+whole-own), x.published(a, b)}
	if all {
		out = append(out, x.unrounded(a+own, b+whole-own), x.unprotected(a, b))
	}
	return out
}

// noises draws the cohort's noise, and that of the whole: the sum of its cells'.
// The rest is the whole less the cohort.
func (x trial) noises() (own, all int64) {
	for range wholeCells {
		all += int64(x.table.At(x.r.Uint64()))
	}
	return int64(x.table.At(x.r.Uint64())), all
}

// remember reads a row, or finds the reading of one with the same codes and sizes.
func (x trial) remember(profile int, r sdc.ShownRow) compare.Reading {
	key := [2]string{r.Cohort.Value.Code, r.Rest.Value.Code}
	got, ok := x.read[profile][key]
	if !ok {
		got, _ = compare.Read(x.see(r), x.q.m)
		x.read[profile][key] = got
	}
	return got
}

// standard is the row that a release of the profile standard shows.
func (x trial) standard(a, b int64) sdc.ShownRow {
	sd := x.q.sd()
	p := noisyGroup{x.n, a, int64(x.n) * x.q.parts, sd}
	q := noisyGroup{restStudents, b, restStudents * x.q.parts, sd}
	r := noisyRow(x.q.m, p, q, sd*math.Sqrt(wholeCells))
	r.Cohort.Coverage = sdc.Band(int64(x.n), int64(x.n), x.n, sdc.Subgroup)
	r.Rest.Coverage = sdc.Band(restStudents, restStudents, restStudents, sdc.Subgroup)
	return r
}

func (x trial) unrounded(a, b int64) sdc.ShownRow {
	noisy, exact := x.standard(a, b), x.unprotected(a, b)
	noisy.Cohort.Value, noisy.Rest.Value = exact.Cohort.Value, exact.Rest.Value
	return noisy
}

func (q question) sd() float64 { return math.Sqrt(float64(q.variance.Num) / float64(q.variance.Den)) }

func (x trial) published(a, b int64) sdc.ShownRow {
	return shown(x.t, x.q.m, sdc.Raw{N: x.n, Num: a, Den: int64(x.n) * x.q.parts}, sdc.Raw{N: restStudents, Num: b, Den: restStudents * x.q.parts})
}

func (x trial) unprotected(a, b int64) sdc.ShownRow {
	unit := 100_000.0
	if x.q.m.Kind == sdc.Mean {
		unit = float64(x.q.m.Unit)
	}
	exact := func(sum int64, n int) *sdc.ShownSide {
		v := sdc.Milli(math.Round(unit * float64(sum) / float64(int64(n)*x.q.parts)))
		all := sdc.Shown{Kind: sdc.KindValue, Low: 100_000, High: 100_000}
		return &sdc.ShownSide{N: n, Coverage: all, Value: sdc.Shown{Kind: sdc.KindValue, Code: v.String(), Low: v, High: v}}
	}
	return sdc.ShownRow{Cohort: exact(a, x.n), Rest: exact(b, restStudents)}
}

// measure runs the trials of one question and size.
func measure(t *testing.T, q question, n, trials int, see func(sdc.ShownRow) sdc.ShownRow) measured {
	t.Helper()
	table, err := noise.NewTable(q.variance)
	if err != nil {
		t.Fatal(err)
	}
	x := trial{t: t, q: q, n: n, table: table, see: see, r: rand.New(rand.NewPCG(uint64(n), uint64(q.variance.Num)))}
	for i := range x.read {
		x.read[i] = map[[2]string]compare.Reading{}
	}
	unit := 100.0
	if q.m.Kind == sdc.Mean {
		unit = float64(q.m.Unit) / 1000
	}
	scale := unit / float64(q.parts)
	out := measured{question: q, n: n, noise: q.sd() * scale / float64(n)}
	rest := q.same.of(restStudents).drawing()
	for _, c := range []struct {
		law law
		out *[len(profiles)]tally
	}{{q.same, &out.same}, {q.new, &out.new}} {
		cohort := c.law.of(n).drawing()
		p, r := scale*c.law.mean(), scale*q.same.mean()
		for k := range trials {
			for i, row := range x.rows(cohort.from(x.r), rest.from(x.r), k%seldom == 0) {
				c.out[i].add(x.remember(i, row), p, r, q.better)
			}
		}
	}
	return out
}

// TestHarnessUtility measures what a partner can see, through the noise, the
// coding and the readings of the product, and holds docs/disclosure.md to it.
func TestHarnessUtility(t *testing.T) {
	t.Parallel()
	trials := utilityTrials(t, 500)
	sizes := []int{20, 50, 100, 200, 500}
	all := make([]measured, 0, len(questions())*len(sizes))
	for _, q := range questions() {
		for _, n := range sizes {
			all = append(all, measured{question: q, n: n})
		}
	}
	t.Run("cells", func(t *testing.T) {
		for i := range all {
			t.Run(fmt.Sprintf("%s of %d", all[i].name, all[i].n), func(t *testing.T) {
				t.Parallel()
				all[i] = measure(t, all[i].question, all[i].n, trials, asShown)
				for _, fault := range all[i].faults() {
					t.Error(fault)
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	text := readDoc(t)
	for _, p := range []printed{widths(all), powers(all)} {
		for _, d := range p.differs(text, trials) {
			t.Errorf("docs/disclosure.md: %s", d)
		}
		t.Logf("measured:\n%s", p)
	}
	if !t.Failed() {
		t.Logf("harness utility_trials: %d trials a cell, coverage and false alarms hold, and the tables of docs/disclosure.md agree", trials)
	}
}

func utilityTrials(t *testing.T, otherwise int) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BUDGET_UTILITY_TRIALS")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HALLPASS_BUDGET_UTILITY_TRIALS is %q, not a number of trials", text)
	}
	return n
}

// faults are the promises of the product's readings that so many trials refute:
// only where the truth is beyond the bound with 99.9 % confidence.
func (c measured) faults() []string {
	var out []string
	for i, profile := range profiles[:products] {
		for _, a := range []tally{c.same[i], c.new[i]} {
			if most := atMost(a.cohort, a.trials); most < 0.94 {
				out = append(out, fmt.Sprintf("%s: intervals of the cohort hold the truth in at most %.4f", profile, most))
			}
			if most := atMost(a.difference, a.trials); most < 0.94 {
				out = append(out, fmt.Sprintf("%s: intervals of the difference hold the truth in at most %.4f", profile, most))
			}
		}
		if least := atLeast(c.same[i].clear, c.same[i].trials); least > 0.06 {
			out = append(out, fmt.Sprintf("%s: a difference that is not there is seen in at least %.4f", profile, least))
		}
	}
	return out
}

// Sabotage: readings that do not know of the noise must break every promise
// that the harness checks, on the same rows.
func TestUtilityNoticesReadingsThatForgetTheNoise(t *testing.T) {
	t.Parallel()
	got := measure(t, questions()[0], 40, 3000, withoutNoise).faults()
	for _, what := range []string{"of the cohort", "of the difference", "not there"} {
		if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, "standard: ") && strings.Contains(f, what) }) {
			t.Errorf("nobody noticed that the noise is missing from intervals %s: %q", what, got)
		}
	}
}

// atLeast and atMost are the one-sided exact limits of a chance, 99.9 % (Clopper
// and Pearson, Biometrika 26, 1934).
func atLeast(k, n float64) float64 {
	if k == 0 {
		return 0
	}
	return distuv.Beta{Alpha: k, Beta: n - k + 1}.Quantile(0.001)
}

func atMost(k, n float64) float64 { return 1 - atLeast(n-k, n) }
