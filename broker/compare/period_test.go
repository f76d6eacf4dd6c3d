package compare_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
)

var (
	firstDay  = civil.Make(2025, 9, 1)
	schoolIDs = []string{"A", "B", "C"}
)

// drawRecords draws a district of three schools and two terms, some of whose
// students have records of several schools.
func drawRecords(t *rapid.T) *records.District {
	c := records.Content{Calendars: map[string]*records.Calendar{}, Sessions: []records.Session{
		{ID: "Y", Type: records.SchoolYear, Start: firstDay, End: firstDay + 79},
		{ID: "Y1", Type: records.Term, Start: firstDay, End: firstDay + 39, Parent: "Y"},
	}}
	var days []civil.Date
	for day := range civil.Date(80) {
		days = append(days, firstDay+day)
	}
	for _, id := range schoolIDs {
		c.Schools = append(c.Schools, records.School{ID: id})
		c.Calendars[id] = records.NewCalendar(days)
		for _, family := range []records.Family{records.AttendanceFamily, records.DisciplineFamily, records.GradesFamily} {
			if rapid.IntRange(0, 5).Draw(t, "covered") > 0 {
				c.Coverage = append(c.Coverage, records.Coverage{School: id, Year: "Y", Family: family, From: firstDay, To: firstDay + 79, Daily: true})
			}
		}
	}
	for i := range rapid.IntRange(0, 25).Draw(t, "students") {
		c.Students = append(c.Students, drawStudent(t, byte(i)))
	}
	return records.NewDistrict(c)
}

func drawStudent(t *rapid.T, id byte) records.Student {
	s := records.Student{SID: records.SID{id}}
	home := rapid.SampledFrom(schoolIDs).Draw(t, "home")
	school := func() string { // of a record: mostly the student's own
		if rapid.IntRange(0, 9).Draw(t, "elsewhere") > 0 {
			return home
		}
		return rapid.SampledFrom(schoolIDs).Draw(t, "other school")
	}
	day := func() civil.Date { return firstDay + civil.Date(rapid.Int32Range(0, 79).Draw(t, "day")) }
	for range rapid.IntRange(1, 2).Draw(t, "enrollments") {
		s.Enrollments = append(s.Enrollments, records.Enrollment{School: school(), Entry: firstDay + civil.Date(rapid.Int32Range(0, 20).Draw(t, "entry")), Primary: rapid.Bool().Draw(t, "primary")})
	}
	for range rapid.IntRange(0, 6).Draw(t, "marks") {
		code := rapid.SampledFrom([]records.AttendanceCode{records.AbsentExcused, records.HalfAbsent}).Draw(t, "code")
		mark, _ := records.NewDayMark(day(), code, records.NoPortion)
		s.Marks = s.Marks.With(school(), []records.DayMark{mark})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "incidents") {
		s.Incidents = append(s.Incidents, records.Incident{School: school(), Day: day(), ID: fmt.Sprint(i), Action: records.ActionISS})
	}
	for range rapid.IntRange(0, 3).Draw(t, "results") {
		course := records.Course{School: school(), Session: rapid.SampledFrom([]string{"Y", "Y1"}).Draw(t, "session"), Name: "algebra", Scale: rapid.SampledFrom([]string{"0-100", "0-20"}).Draw(t, "scale"), Credits: 100}
		s.Results = append(s.Results, records.NewResult(course, rapid.Int32Range(0, 2000).Draw(t, "result")))
	}
	if rapid.IntRange(0, 9).Draw(t, "total") == 0 {
		s.Summaries = append(s.Summaries, records.Summary{School: school(), Session: "Y1", Enrolled: 60, Absent: rapid.Int32Range(0, 60).Draw(t, "absent")})
	}
	return s
}

// one is what a student's value counts for; without a denominator for nothing.
type one struct{ Num, Den int64 }

// alone are the values of a report, each computed from the records by itself.
func alone(d *records.District, s records.Session, census civil.Date, r compare.Report) map[uint32]one {
	out := map[uint32]one{}
	for _, p := range compare.Place(d.Students, census) {
		for _, school := range r.Schools {
			v, status := r.Indicator.Compute(d, &d.Students[p.Ordinal], s, nil, records.Settings{Scale: r.Scale})
			switch {
			case school != p.School || status != records.Reported || v.Den <= 0:
			case r.Indicator.Kind == records.MeanOfRatios:
				out[p.Ordinal] = one{(2_000_000*v.Num + v.Den) / (2 * v.Den), 1_000_000}
			default:
				out[p.Ordinal] = one{v.Num, v.Den}
			}
		}
	}
	return out
}

func together(t *rapid.T, p *compare.Period, r compare.Report) map[uint32]one {
	out := map[uint32]one{}
	c, err := p.Column(r)
	if err != nil {
		t.Fatal(err)
	}
	for it := c.Covered(r.Schools).Iterator(); it.HasNext(); {
		x := it.Next()
		num, den, _ := c.Value(x)
		out[x] = one{num, den}
	}
	return out
}

// drawReports draws agreements that report every indicator, each over schools of
// its own.
func drawReports(t *rapid.T, scale func(schools []string) string) (list []compare.Report) {
	for range rapid.IntRange(1, 4).Draw(t, "agreements") {
		schools := rapid.SliceOfNDistinct(rapid.SampledFrom(schoolIDs), 1, 3, rapid.ID).Draw(t, "schools")
		for _, ind := range records.Registry() {
			list = append(list, compare.Report{Indicator: ind, Schools: schools, Scale: scale(schools)})
		}
	}
	return list
}

// sideBySide calls work from as many goroutines as there is work.
func sideBySide(n int, work func(i int) error) error {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { _ = work(i) })
	}
	all.Wait()
	return nil
}

// differing counts the reports whose values are not those computed alone.
func differing(t *rapid.T) (n int, first string) {
	d := drawRecords(t)
	session, _ := d.Session(rapid.SampledFrom([]string{"Y", "Y1"}).Draw(t, "period"))
	census := firstDay + civil.Date(rapid.Int32Range(0, 79).Draw(t, "census"))
	p := compare.NewPeriod(d, session, census)
	list := drawReports(t, p.Scale)
	if rapid.Bool().Draw(t, "ahead") {
		if err := p.Compute(list, sideBySide); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range list {
		if diff := cmp.Diff(alone(d, session, census, r), together(t, p, r)); diff != "" {
			n, first = n+1, fmt.Sprintf("%s at %v: %s", r.Indicator.ID, r.Schools, diff)
		}
	}
	return n, first
}

func TestAgreementsThatShareValuesHaveThoseOfEachAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if n, first := differing(t); n > 0 {
			t.Fatalf("%d reports differ, among them %s", n, first)
		}
	})
}

func TestThePeriodsScaleIsThatOfTheDistrict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawRecords(t)
		session, _ := d.Session("Y")
		p := compare.NewPeriod(d, session, firstDay)
		schools := rapid.SliceOfDistinct(rapid.SampledFrom(schoolIDs), rapid.ID).Draw(t, "schools")
		if got, want := p.Scale(schools), mainScale(d, session, schools); got != want {
			t.Fatalf("the scale of %v is %q, want %q", schools, got, want)
		}
	})
}

// mainScale counts the results one by one.
func mainScale(d *records.District, s records.Session, schools []string) (best string) {
	counts := map[string]int{}
	for _, student := range d.Students {
		for _, r := range student.Results {
			for _, from := range d.Sources(records.GradesFamily, r.Course().School, s.ID) {
				if from == r.Course().Session && (len(schools) == 0 || slices.Contains(schools, r.Course().School)) {
					counts[r.Course().Scale]++
				}
			}
		}
	}
	for _, name := range []string{"0-100", "0-20"} { // the first of equal ones
		if counts[name] > counts[best] {
			best = name
		}
	}
	return best
}
