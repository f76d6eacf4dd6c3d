package records_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A vector is one case of testdata/indicators; its README says what the lines
// mean.
type vector struct {
	Name           string
	Calendar       string
	Enrollments    []string
	Marks          []string
	Summaries      []string
	OtherSummaries []string `yaml:"other_summaries"`
	Incidents      []string
	Results        []string
	Others         []string
	Register       string
	Discipline     string
	CoveredTo      string `yaml:"covered_to"`
	Period         string
	Schools        []string
	Settings       vectorSettings
	Want           map[string]string
}

type vectorSettings struct {
	Minimum    int
	Missing    string
	ISSAbsent  bool `yaml:"iss_absent"`
	OSSPresent bool `yaml:"oss_present"`
	Scale      string
	ScalePass  map[string]string `yaml:"scale_pass"`
}

func TestIndicatorVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/indicators/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	cases := 0
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			cases++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				v.run(t)
			})
		}
	}
	if cases < 40 {
		t.Errorf("%d cases, at least 40 are needed", cases)
	}
}

func readVectors(t *testing.T, file string) []vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	var list []vector
	if err := dec.Decode(&list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return list
}

func (v vector) run(t *testing.T) {
	d, set := v.district(t), v.settings(t)
	id := v.Period
	if id == "" {
		id = "Y"
	}
	period, ok := d.Session(id)
	if !ok || len(v.Want) == 0 {
		t.Fatalf("the case has no period %q or wants nothing", id)
	}
	for indicator, want := range v.Want {
		if _, ok := records.Find(indicator); !ok {
			t.Errorf("no indicator %q", indicator)
			continue
		}
		got, status := records.Compute(indicator, d, d.Find(records.SID{1}), period, v.Schools, set)
		if !sameOutcome(t, want, got, status) {
			t.Errorf("%s: %d/%d %v, want %s", indicator, got.Num, got.Den, status, want)
		}
	}
}

func sameOutcome(t *testing.T, want string, got records.Value, status records.Status) bool {
	num, den, fraction := strings.Cut(want, "/")
	if !fraction {
		return status.String() == want && got == records.Value{}
	}
	return status == records.Reported && got.Den > 0 && got.Num*number(t, den) == got.Den*number(t, num)
}

func (v vector) settings(t *testing.T) records.Settings {
	set := records.Settings{
		MinimumEnrolment: v.Settings.Minimum, ISSAbsent: v.Settings.ISSAbsent,
		OSSPresent: v.Settings.OSSPresent, Scale: v.Settings.Scale,
	}
	switch v.Settings.Missing {
	case "present":
		set.MissingMark = records.MissingPresent
	case "absent":
		set.MissingMark = records.MissingAbsent
	}
	for name, pass := range v.Settings.ScalePass {
		scale, ok := records.FindScale(name, nil)
		if !ok {
			t.Fatalf("no scale %q", name)
		}
		scale.HasPass, scale.Pass = true, hundredths(t, pass)
		set.Scales = append(set.Scales, scale)
	}
	return set
}

func (v vector) district(t *testing.T) *records.District {
	c := records.Content{
		Schools: []records.School{{ID: "A"}, {ID: "B"}},
		Sessions: []records.Session{
			{ID: "Y", Type: records.SchoolYear, Start: date(t, "2025-09-01"), End: date(t, "2026-06-30")},
			{ID: "T1", Type: records.Term, Start: date(t, "2025-09-01"), End: date(t, "2026-01-31"), Parent: "Y"},
			{ID: "T2", Type: records.Term, Start: date(t, "2026-02-01"), End: date(t, "2026-06-30"), Parent: "Y"},
		},
	}
	days := weekdays(date(t, "2025-09-01"), 180)
	if v.Calendar != "none" {
		cal := records.NewCalendar(days)
		c.Calendars = map[string]*records.Calendar{"A": cal, "B": cal}
	}
	c.Coverage = v.coverage(t)
	c.Students = []records.Student{v.student(t, days), v.other(t)}
	return records.NewDistrict(c)
}

func (v vector) coverage(t *testing.T) []records.Coverage {
	to := date(t, "2026-06-30")
	if v.CoveredTo != "" {
		to = date(t, v.CoveredTo)
	}
	var list []records.Coverage
	for _, school := range []string{"A", "B"} {
		base := records.Coverage{School: school, Year: "Y", From: date(t, "2025-09-01"), To: to}
		if v.Register != "none" {
			daily := base
			daily.Family, daily.Daily = records.AttendanceFamily, true
			if v.Register == "every-day" {
				daily.Marking = records.EveryDay
			}
			list = append(list, daily)
		}
		if v.Discipline == "reported" {
			base.Family = records.DisciplineFamily
			list = append(list, base)
		}
	}
	return list
}

func (v vector) student(t *testing.T, days []civil.Date) records.Student {
	s := records.Student{SID: records.SID{1}}
	lines := v.Enrollments
	if lines == nil {
		lines = []string{"A 2025-09-01 -"}
	}
	for _, f := range fields(lines, 3) {
		e := records.Enrollment{School: f[0], Entry: date(t, f[1]), Primary: len(f) == 3}
		if f[2] != "-" {
			e.Exit = date(t, f[2])
		}
		s.Enrollments = append(s.Enrollments, e)
	}
	for _, f := range fields(v.Marks, 3) {
		s.Marks = s.Marks.With(f[0], marks(t, f, days))
	}
	for _, f := range fields(v.Incidents, 5) {
		in := records.Incident{School: f[0], Day: date(t, f[1]), ID: strings.TrimPrefix(f[2], "-"), Type: f[3]}
		in.Action, _ = records.ParseAction(f[4])
		s.Incidents = append(s.Incidents, in)
	}
	s.Summaries = summaries(t, v.Summaries)
	s.Results = results(t, v.Results)
	return s
}

// other is a second student, who makes a school report what the first lacks.
func (v vector) other(t *testing.T) records.Student {
	return records.Student{SID: records.SID{2}, Results: results(t, v.Others), Summaries: summaries(t, v.OtherSummaries)}
}

func marks(t *testing.T, f []string, days []civil.Date) []records.DayMark {
	first, times, _ := strings.Cut(f[1], "x")
	code, err := records.ParseAttendanceCode(f[2])
	if err != nil {
		t.Fatal(f, err)
	}
	portion := records.NoPortion
	if len(f) > 3 {
		share, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		portion = int16(share*1000 + 0.5)
	}
	last := date(t, first)
	list := marked(t, last, code, portion)
	for _, day := range days {
		if day > last && int64(len(list)) < number(t, times) {
			last = day
			list = append(list, marked(t, day, code, portion)...)
		}
	}
	return list
}

func summaries(t *testing.T, lines []string) []records.Summary {
	var list []records.Summary
	for _, f := range fields(lines, 4) {
		list = append(list, records.Summary{School: f[0], Session: f[1], Enrolled: hundredths(t, f[2]) / 50, Absent: hundredths(t, f[3]) / 50})
	}
	return list
}

func results(t *testing.T, lines []string) []records.Result {
	var list []records.Result
	for _, f := range fields(lines, 6) {
		scale, _ := records.FindScale(f[5], nil)
		value, err := scale.Value(f[4])
		if err != nil {
			t.Fatal(f, err)
		}
		c := records.Course{School: f[0], Session: f[1], Name: f[2], Credits: hundredths(t, f[3]), Scale: f[5]}
		list = append(list, records.NewResult(c, value))
	}
	return list
}

// fields splits lines that have at least n words.
func fields(lines []string, n int) [][]string {
	var all [][]string
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) < n {
			panic("short line in a vector: " + line)
		}
		all = append(all, f)
	}
	return all
}

func weekdays(from civil.Date, n int) []civil.Date {
	var days []civil.Date
	for d := from; len(days) < n; d++ {
		if w := d.Weekday(); w != 0 && w != 6 {
			days = append(days, d)
		}
	}
	return days
}

func date(t testing.TB, s string) civil.Date {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return d
}

func number(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func hundredths(t testing.TB, s string) int32 {
	t.Helper()
	n, err := records.ParseHundredths(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return n
}
