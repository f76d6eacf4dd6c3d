package bench_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// aggregated is a district whose indicators are summed: schools of one size,
// each with every grade, and a value of every indicator for each student.
type aggregated struct {
	placed     []compare.Placement
	indicators []records.Indicator
	values     [][2]int64 // num and den, a row of indicators a student
	school     string     // of the school's comparison
	atSchool   map[uint32]int
	overall    map[uint32]int
}

// sizes say how many students and participants there are.
type sizes struct{ schools, students, atSchool, overall int }

// comparedSizes are those of the line.
var comparedSizes = sizes{schools: 125, students: 800, atSchool: 120, overall: 2_000}

func grades() []string {
	list := []string{"K"}
	for g := 1; g <= 12; g++ {
		list = append(list, strconv.Itoa(g))
	}
	return list
}

// aggregatedDistrict gives students their ordinals in no order of school, as
// pseudonyms do. Every grade of every school has a participant.
func aggregatedDistrict(n sizes) aggregated {
	rng := rand.New(rand.NewPCG(1, 8))
	d := aggregated{indicators: records.Registry()[:8], school: "S000", atSchool: map[uint32]int{}, overall: map[uint32]int{}}
	all := rng.Perm(n.schools * n.students)
	for i, ordinal := range all {
		p := compare.Placement{Ordinal: uint32(ordinal), School: fmt.Sprintf("S%03d", i/n.students), Grade: grades()[i%n.students%13]}
		d.placed = append(d.placed, p)
		if i < n.atSchool {
			d.atSchool[p.Ordinal] = 1
		}
		if i%n.students < max(13, n.overall/n.schools) {
			d.overall[p.Ordinal] = 1
		}
	}
	slices.SortFunc(d.placed, func(a, b compare.Placement) int { return int(a.Ordinal) - int(b.Ordinal) })
	for range d.placed {
		for _, ind := range d.indicators {
			d.values = append(d.values, valueOf(rng, ind.Kind))
		}
	}
	return d
}

func valueOf(rng *rand.Rand, kind records.Kind) [2]int64 {
	switch kind {
	case records.ShareOfStudents, records.PerHundred:
		return [2]int64{int64(rng.IntN(2)), 1}
	}
	den := 1 + rng.Int64N(180)
	return [2]int64{rng.Int64N(den + 1), den}
}

// columns are the indicators as the service has them once a period is computed.
func (d aggregated) columns(roll *compare.Roll) (list []*compare.Column) {
	for i, ind := range d.indicators {
		c := compare.NewColumn(roll, ind.Kind)
		for _, school := range d.schools() {
			c.Fill(school, func(x uint32) (num, den int64, ok bool) {
				v := d.values[int(x)*len(d.indicators)+i]
				return v[0], v[1], true
			})
		}
		list = append(list, c)
	}
	return list
}

func (d aggregated) schools() (list []string) {
	for _, p := range d.placed {
		list = append(list, p.School)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// sum is one group of the answer: students, and the sum of each indicator.
type sum struct {
	Students int64
	Sums     [8]int64
}

// group names a grade's participants or the rest of the grade.
type group struct {
	Grade       string
	Participant bool
}

// sumsOf reads the grades of figures.
func sumsOf(figures []sdc.RawFigure) map[group]sum {
	out := map[group]sum{}
	for i, f := range figures {
		for at, r := range f.Rows {
			grade := f.Keys[at].Grade
			for participant, side := range map[bool]sdc.Raw{true: r.Cohort, false: r.Rest} {
				if grade == "" {
					continue
				}
				s := out[group{grade, participant}]
				s.Students, s.Sums[i] = int64(side.N), side.Num
				out[group{grade, participant}] = s
			}
		}
	}
	return out
}

// comparison is one that both sides make.
type comparison struct {
	asked  []compare.Asked
	roll   *compare.Roll
	choice compare.Choice
	layout compare.Layout
}

func (d aggregated) comparison(roll *compare.Roll, columns []*compare.Column, schools []string, participants map[uint32]int) *comparison {
	c := &comparison{roll: roll, choice: compare.Choice{Schools: schools, Dosage: participants, Floor: 1}}
	for i, column := range columns {
		c.asked = append(c.asked, compare.Asked{Indicator: d.indicators[i].ID, Column: column})
	}
	c.layOut()
	return c
}

func (c *comparison) layOut() { c.layout = c.roll.Choose(c.choice).Layout(compare.Grain{Grade: true}) }

func (c *comparison) figures() []sdc.RawFigure {
	return c.layout.Figures(c.asked)
}

// wide writes the district as a table: a row a student, a column an indicator,
// and whether it takes part, for each comparison. Indexes cover both questions.
func (pg *postgres) wide(t testing.TB, d aggregated) {
	t.Helper()
	var columns, sums []string
	for i := range d.indicators {
		columns = append(columns, fmt.Sprintf("v%d", i))
		sums = append(sums, fmt.Sprintf("sum(v%d)", i))
	}
	list := strings.Join(columns, ", ")
	pg.do(t, "CREATE TABLE wide (school text NOT NULL, grade text NOT NULL, at_school boolean NOT NULL, overall boolean NOT NULL, "+
		strings.Join(columns, " integer NOT NULL, ")+" integer NOT NULL)")
	var rows [][]any
	whole := compare.NewRoll(d.placed)
	values := d.columns(whole)
	for _, p := range d.placed {
		row := []any{p.School, p.Grade, d.atSchool[p.Ordinal] > 0, d.overall[p.Ordinal] > 0}
		for _, c := range values {
			num, _, _ := c.Value(p.Ordinal)
			row = append(row, num)
		}
		rows = append(rows, row)
	}
	if _, err := pg.conn.CopyFrom(t.Context(), pgx.Identifier{"wide"}, append([]string{"school", "grade", "at_school", "overall"}, columns...), pgx.CopyFromRows(rows)); err != nil {
		t.Fatal(err)
	}
	pg.do(t, "CREATE INDEX ON wide (school, grade, at_school) INCLUDE ("+list+")")
	pg.do(t, "CREATE INDEX ON wide (grade, overall) INCLUDE ("+list+")")
	pg.do(t, "VACUUM ANALYZE wide")
	for name, sql := range map[string]string{
		"school":   "SELECT grade, at_school, count(*), " + strings.Join(sums, ", ") + " FROM wide WHERE school = $1 GROUP BY grade, at_school",
		"district": "SELECT grade, overall, count(*), " + strings.Join(sums, ", ") + " FROM wide GROUP BY grade, overall",
	} {
		if _, err := pg.conn.Prepare(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
}

// grouped asks a prepared question.
func (pg *postgres) grouped(t testing.TB, name string, args ...any) map[group]sum {
	t.Helper()
	rows, err := pg.conn.Query(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[group]sum{}
	for rows.Next() {
		var g group
		var s sum
		into := []any{&g.Grade, &g.Participant, &s.Students}
		for i := range s.Sums {
			into = append(into, &s.Sums[i])
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out[g] = s
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// benchAggregation measures the sums of a school's and of a district's
// comparison. The answers are held together in every round.
func benchAggregation(t *testing.T) []outcome {
	lines := []line{
		{bench: "sums of a school's comparison, 800 students, 120 participants, 8 indicators × 13 grades", peer: "the same GROUP BY on PostgreSQL, covering index, prepared", goal: 100, stretch: 600},
		{bench: "sums of a district's comparison, 100,000 students, 2,000 participants", peer: "the same GROUP BY on PostgreSQL, covering index, prepared", goal: 100, stretch: 600},
	}
	pg, remedy := startPostgres(t)
	if pg == nil {
		return []outcome{lines[0].without(remedy), lines[1].without(remedy)}
	}
	d := aggregatedDistrict(comparedSizes)
	pg.wide(t, d)
	roll := compare.NewRoll(d.placed)
	columns := d.columns(roll)
	return []outcome{
		pg.compared(t, lines[0], d.comparison(roll, columns, []string{d.school}, d.atSchool), 50_000, 1000, "school", d.school),
		pg.compared(t, lines[1], d.comparison(roll, columns, d.schools(), d.overall), 2000, 20, "district"),
	}
}

func (pg *postgres) compared(t *testing.T, l line, c *comparison, ours, theirs int, name string, args ...any) outcome {
	var figures []sdc.RawFigure
	o := l.measure(t, func() side {
		return paced(ours, func() { figures = c.figures() })
	}, func() side {
		var got map[group]sum
		s := paced(theirs, func() { got = pg.grouped(t, name, args...) }, pg.pid)
		if diff := cmp.Diff(got, sumsOf(figures)); diff != "" {
			t.Errorf("%s: the sums differ from PostgreSQL's:\n%s", l.bench, diff)
		}
		return s
	})
	chosen := paced(ours/10, func() {
		c.layOut()
		figures = c.figures()
	})
	o.notes = append(o.notes, fmt.Sprintf("median of an operation: ours %v, peer %v; with choosing the cohort and laying it out ours takes %.1f times as long",
		medianFigure(o.ours), medianFigure(o.them), chosen.figure/median(figuresOf(o.ours))))
	return o
}

func figuresOf(list []side) (figures []float64) {
	for _, s := range list {
		figures = append(figures, s.figure)
	}
	return figures
}

func TestSumsAreThoseOfEachStudent(t *testing.T) {
	t.Parallel()
	d := aggregatedDistrict(sizes{schools: 3, students: 60, atSchool: 20, overall: 60})
	roll := compare.NewRoll(d.placed)
	columns := d.columns(roll)
	for _, c := range []struct {
		schools      []string
		participants map[uint32]int
	}{{[]string{d.school}, d.atSchool}, {d.schools(), d.overall}} {
		want := map[group]sum{}
		for _, p := range d.placed {
			if !slices.Contains(c.schools, p.School) {
				continue
			}
			g := group{p.Grade, c.participants[p.Ordinal] > 0}
			s := want[g]
			s.Students++
			for i, column := range columns {
				num, _, _ := column.Value(p.Ordinal)
				s.Sums[i] += num
			}
			want[g] = s
		}
		if diff := cmp.Diff(want, sumsOf(d.comparison(roll, columns, c.schools, c.participants).figures())); diff != "" {
			t.Error(diff)
		}
	}
}
