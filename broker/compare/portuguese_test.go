package compare_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// portuguese is the real pair of schools of shared/data/uci-por, read straight
// from its files: nothing here goes through the importer.
type portuguese struct {
	roll     *compare.Roll
	dosage   map[uint32]int
	enrolled []int64
	absent   []int64
	results  [][]int64
}

func readPortuguese(t *testing.T) portuguese {
	t.Helper()
	dir := siblingData(t, "uci-por")
	var p portuguese
	index, byName := map[string]uint32{}, map[[3]string]uint32{}
	for i, r := range table(t, dir, "students.csv") {
		index[r["student_id"]] = uint32(i)
		byName[[3]string{r["given_name"], r["family_name"], r["birthdate"]}] = uint32(i)
	}
	p.enrolled, p.absent, p.results = make([]int64, len(index)), make([]int64, len(index)), make([][]int64, len(index))
	var placed []compare.Placement
	for _, r := range table(t, dir, "enrollments.csv") {
		placed = append(placed, compare.Placement{Ordinal: index[r["student_id"]], School: r["school_id"], Grade: r["grade_level"]})
	}
	p.roll = compare.NewRoll(placed)
	for _, r := range table(t, dir, "attendance_summary.csv") {
		i := index[r["student_id"]]
		p.enrolled[i], p.absent[i] = number(t, r["days_enrolled"]), number(t, r["days_absent"])
	}
	for _, r := range table(t, dir, "grades.csv") {
		i := index[r["student_id"]]
		p.results[i] = append(p.results[i], number(t, r["value"]))
	}
	dates := map[uint32][]civil.Date{}
	for _, r := range table(t, dir, "partner/participation.csv") {
		i, ok := byName[[3]string{r["given_name"], r["family_name"], r["birthdate"]}]
		if !ok {
			t.Fatal("a participant is no student")
		}
		dates[i] = append(dates[i], day(t, r["date"]))
	}
	p.dosage = map[uint32]int{}
	for i, d := range dates {
		p.dosage[i] = compare.Dosage(d, day(t, "2005-09-15"), day(t, "2006-06-30"))
	}
	return p
}

func siblingData(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if d := filepath.Join(dir, "shared/data", name); exists(d) {
			return d
		}
	}
	t.Skipf("no shared/data/%s beside this checkout: the real schools are not compared", name)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func table(t *testing.T, dir, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func day(t *testing.T, s string) civil.Date {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (p portuguese) groups() compare.Groups {
	return p.roll.Choose(compare.Choice{Schools: []string{"GP", "MS"}, Dosage: p.dosage, Floor: 9})
}

func (p portuguese) attendance(x uint32) (int64, int64, bool) {
	return p.enrolled[x] - p.absent[x], p.enrolled[x], true
}

func (p portuguese) chronic(x uint32) (int64, int64, bool) {
	if p.absent[x]*10 >= p.enrolled[x] {
		return 1, 1, true
	}
	return 0, 1, true
}

func (p portuguese) mean(x uint32) (int64, int64, bool) {
	var sum int64
	for _, v := range p.results[x] {
		sum += v
	}
	return sum, int64(len(p.results[x])), len(p.results[x]) > 0
}

func (p portuguese) failed(x uint32) (num, den int64, ok bool) {
	for _, v := range p.results[x] {
		if v < 10 {
			num++
		}
	}
	return num, int64(len(p.results[x])), len(p.results[x]) > 0
}

func (p portuguese) figures(t *testing.T, l compare.Layout) []sdc.RawFigure {
	t.Helper()
	scale, _ := records.FindScale("0-20", nil)
	var out []sdc.RawFigure
	for _, f := range []struct {
		id    string
		value compare.Value
	}{
		{records.AttendanceRate, p.attendance},
		{records.ChronicAbsence, p.chronic},
		{records.MeanCourseResult, p.mean},
		{records.CourseFailureShare, p.failed},
	} {
		ind, _ := records.Find(f.id)
		m, err := compare.MeasureOf(ind, scale)
		if err != nil {
			t.Fatal(err)
		}
		c := compare.NewColumn(p.roll, ind.Kind)
		for _, school := range []string{"GP", "MS"} {
			c.Fill(school, f.value)
		}
		out = append(out, l.Figures([]compare.Asked{{Indicator: f.id, Measure: m, Column: c}})[0])
	}
	return out
}

func TestTheRealSchoolsHaveTheCohortCountedByHand(t *testing.T) {
	t.Parallel()
	g := readPortuguese(t).groups()
	want := map[string][2]uint64{"all": {315, 334}, "school:GP": {219, 204}, "school:MS": {96, 130}}
	for _, r := range g.Layout(compare.Grain{School: true}).Rows() {
		got := [2]uint64{r.P.GetCardinality(), roaring.AndNot(r.T, r.P).GetCardinality()}
		if got != want[r.Key.String()] {
			t.Errorf("%s: cohort and rest %v, want %v", r.Key, got, want[r.Key.String()])
		}
		delete(want, r.Key.String())
	}
	if len(want) > 0 {
		t.Errorf("rows are missing: %v", want)
	}
}

func TestTheRealSchoolsHaveTheSumsCountedByHand(t *testing.T) {
	t.Parallel()
	p := readPortuguese(t)
	raw := p.figures(t, p.groups().Layout(compare.Grain{}))
	ratio := func(r sdc.Raw, unit float64) float64 { return unit * float64(r.Num) / float64(r.Den) }
	near(t, "cohort attendance", ratio(raw[0].Rows[0].Cohort, 100), 98.01, 0.005)
	near(t, "rest attendance", ratio(raw[0].Rows[0].Rest, 100), 97.93, 0.005)
	near(t, "cohort mean", ratio(raw[2].Rows[0].Cohort, 1), 11.83, 0.005)
	near(t, "rest mean", ratio(raw[2].Rows[0].Rest, 1), 11.43, 0.005)
	for _, c := range []struct{ got, want sdc.Raw }{
		{raw[1].Rows[0].Cohort, sdc.Raw{N: 315, Num: 4, Den: 315}},
		{raw[1].Rows[0].Rest, sdc.Raw{N: 334, Num: 7, Den: 334}},
		{raw[3].Rows[0].Cohort, sdc.Raw{N: 315, Num: 170, Den: 945}},
		{raw[3].Rows[0].Rest, sdc.Raw{N: 334, Num: 232, Den: 1002}},
	} {
		if c.got != c.want {
			t.Errorf("counted %+v, want %+v", c.got, c.want)
		}
	}
}

func TestTheRealSchoolsAreShownInBandsAndReadInWords(t *testing.T) {
	t.Parallel()
	p := readPortuguese(t)
	layout := p.groups().Layout(compare.Grain{School: true, Grade: true})
	raw := p.figures(t, layout)
	plans, _, err := sdc.PlanBatch(nil, []sdc.Candidate{{
		Agreement: "A-1", Profile: sdc.PublishedTable, Rows: layout.Rows(), Thresholds: sdc.PublishedTable.Thresholds(),
		Figures: []sdc.FigureSets{
			{Indicator: records.AttendanceRate, Family: "attendance"},
			{Indicator: records.ChronicAbsence, Family: "attendance"},
			{Indicator: records.MeanCourseResult, Family: "grades"},
			{Indicator: records.CourseFailureShare, Family: "grades"},
		},
		Known: map[string]sdc.Known{"attendance": {}, "grades": {}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	release, err := sdc.Protect(plans[0], raw, sdc.Protection{Profile: sdc.PublishedTable})
	if err != nil {
		t.Fatal(err)
	}
	want := [][3]string{
		{"98.0 %", "98.0 %", "no clear difference"},
		{"1 % or less", "2 %", "no clear difference"},
		{"11.8", "11.4", "no clear difference"},
		{"18 %", "23 %", "no clear difference"},
	}
	for i, f := range release.Figures {
		r := f.Rows[0]
		reading, ok := compare.Read(r, raw[i].Measure)
		got := [3]string{r.Cohort.Value.Text, r.Rest.Value.Text, reading.Text}
		if !ok || r.Row != "all" || r.Cohort.N != 315 || r.Rest.N != 334 || got != want[i] {
			t.Errorf("%s: %s %d / %d %q, want %q", f.Indicator, r.Row, r.Cohort.N, r.Rest.N, got, want[i])
		}
	}
}
