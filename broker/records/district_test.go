package records_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestACalendarCountsAsOneCountsByHand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var days []civil.Date
		for _, n := range rapid.SliceOfN(rapid.Int32Range(0, 100), 0, 40).Draw(t, "days") {
			days = append(days, base+civil.Date(n))
		}
		cal := records.NewCalendar(days)
		from := base + civil.Date(rapid.Int32Range(-20, 120).Draw(t, "from"))
		to := base + civil.Date(rapid.Int32Range(-20, 120).Draw(t, "to"))
		want := 0
		for d := from; d <= to; d++ {
			if slices.Contains(days, d) {
				want++
			}
		}
		if got := cal.Days(from, to); got != want || cal.Holds(from) != slices.Contains(days, from) {
			t.Fatalf("%d days, want %d", got, want)
		}
		if all := cal.All(); len(all) != cal.Days(base-1, base+200) || !slices.IsSorted(all) {
			t.Fatalf("all: %v", all)
		}
	})
}

func TestACalendarOverCenturiesIsRefused(t *testing.T) {
	t.Parallel()
	if records.NewCalendar([]civil.Date{1, 700000}) != nil {
		t.Error("a calendar of two thousand years was built")
	}
}

// byHand recounts attendance day by day, from the definition.
func byHand(d *records.District, s *records.Student, period records.Session) (a records.Attendance) {
	for day := period.Start; day <= period.End; day++ {
		e, ok := s.PrimaryOn(day)
		if !ok || !d.Calendars[e.School].Holds(day) {
			continue
		}
		a.Enrolled += 2
		for school, m := range s.Marks.All() {
			if m.Day() == day && school == e.School && m.Code() == records.AbsentExcused {
				a.Absent += 2
				a.Missed += 1000
			}
		}
	}
	return a
}

func TestAttendanceEqualsACountDayByDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := records.Student{SID: records.SID{1}}
		for range rapid.IntRange(0, 4).Draw(t, "enrollments") {
			e := records.Enrollment{
				School: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "school"),
				Entry:  base + civil.Date(rapid.Int32Range(-10, 90).Draw(t, "entry")), Primary: rapid.Bool().Draw(t, "primary"),
			}
			if rapid.Bool().Draw(t, "left") {
				e.Exit = e.Entry + civil.Date(rapid.Int32Range(0, 60).Draw(t, "stay"))
			}
			s.Enrollments = append(s.Enrollments, e)
		}
		for _, n := range rapid.SliceOfNDistinct(rapid.Int32Range(-5, 95), 0, 30, rapid.ID[int32]).Draw(t, "marks") {
			school := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "at")
			s.Marks = s.Marks.With(school, marked(t, base+civil.Date(n), records.AbsentExcused, records.NoPortion))
		}
		year := records.Session{ID: "Y", Type: records.SchoolYear, Start: base, End: base + 90}
		d := records.NewDistrict(records.Content{
			Schools: []records.School{{ID: "A"}, {ID: "B"}}, Sessions: []records.Session{year}, Students: []records.Student{s},
			Calendars: map[string]*records.Calendar{"A": records.NewCalendar(weekdays(base, 60)), "B": records.NewCalendar(weekdays(base+3, 50))},
			Coverage: []records.Coverage{
				{School: "A", Year: "Y", Family: records.AttendanceFamily, From: year.Start, To: year.End, Daily: true},
				{School: "B", Year: "Y", Family: records.AttendanceFamily, From: year.Start, To: year.End, Daily: true},
			},
		})
		got, status := d.Attendance(&d.Students[0], year, nil, records.Settings{})
		want := byHand(d, &d.Students[0], year)
		if status == records.Reported && got != want || status != records.Reported && want.Enrolled != 0 {
			t.Fatalf("%+v %v, by hand %+v", got, status, want)
		}
	})
}

func TestAStudentIsFoundBySid(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var students []records.Student
	for range 200 {
		var sid records.SID
		for i := range sid {
			sid[i] = byte(rng.Uint32())
		}
		students = append(students, records.Student{SID: sid, Birth: civil.Date(rng.Int32N(1000))})
	}
	want := slices.Clone(students)
	d := records.NewDistrict(records.Content{Students: students})
	for _, s := range want {
		if got := d.Find(s.SID); got == nil || got.Birth != s.Birth {
			t.Fatal("a student was not found")
		}
	}
	if d.Find(records.SID{0xff}) != nil {
		t.Error("nobody was found as somebody")
	}
}

func sessions() []records.Session {
	return []records.Session{
		{ID: "Y2", Type: records.SchoolYear, Start: base + 365, End: base + 660},
		{ID: "Y1", Type: records.SchoolYear, Start: base, End: base + 290},
		{ID: "T1", Type: records.Term, Start: base, End: base + 100, Parent: "Y1"},
		{ID: "G1", Type: records.GradingPeriod, Start: base, End: base + 40, Parent: "T1"},
		{ID: "loose", Type: records.Term, Start: base + 400, End: base + 420},
	}
}

func TestBetweenYearsTheCurrentYearIsTheLastThatEnded(t *testing.T) {
	t.Parallel()
	d := records.NewDistrict(records.Content{Sessions: sessions()})
	for day, want := range map[civil.Date]string{base + 5: "Y1", base + 300: "Y1", base + 365: "Y2", base + 900: "Y2", base - 1: ""} {
		if y, ok := d.CurrentYear(day); y.ID != want || ok != (want != "") {
			t.Errorf("day %d: %q", day-base, y.ID)
		}
	}
}

func TestASessionBelongsToTheYearAboveIt(t *testing.T) {
	t.Parallel()
	d := records.NewDistrict(records.Content{Sessions: sessions()})
	for id, want := range map[string]string{"Y1": "Y1", "G1": "Y1", "T1": "Y1", "loose": "Y2"} {
		s, _ := d.Session(id)
		if y, _ := d.YearOfSession(s); y.ID != want {
			t.Errorf("%s belongs to %q", id, y.ID)
		}
	}
}

func TestParentsInACircleEndTheSearch(t *testing.T) {
	t.Parallel()
	d := records.NewDistrict(records.Content{
		Schools:  []records.School{{ID: "A"}},
		Sessions: []records.Session{{ID: "a", Parent: "b", Start: 1, End: 2}, {ID: "b", Parent: "a", Start: 1, End: 2}},
	})
	if got := d.Sources(records.GradesFamily, "A", "a"); got != nil {
		t.Error(got)
	}
	s, _ := d.Session("a")
	if _, ok := d.YearOfSession(s); ok {
		t.Error("a circle has a year")
	}
}

func TestPartsHoldEveryFactOnce(t *testing.T) {
	t.Parallel()
	days, f := typicalYear(4)
	other := records.Facts{
		Results: []records.Result{records.NewResult(records.Course{School: "B", Session: "Y2", Name: "Art", Scale: "0-20"}, 0)},
		Marks:   records.Marks{}.With("B", marked(t, base+500, records.Present, records.NoPortion)),
	}
	var s records.Student
	s.SID = records.SID{1}
	s.Add(f)
	s.Add(other)
	all := append(sessions(), records.Session{ID: "T0", Parent: "Y1", Start: base, End: base}, records.Session{ID: "T2", Parent: "Y1", Start: base, End: base})
	d := records.NewDistrict(records.Content{Sessions: all, Students: []records.Student{s}})
	var got records.Student
	got.SID = s.SID
	names := []string{}
	for _, p := range d.Parts() {
		names = append(names, p.School+p.Year.ID)
		seg, err := records.NewSegment(p.School, p.Year.ID, p.Year.Start, days, nil, []records.Facts{p.Facts()[0].Facts})
		if err != nil {
			t.Fatal(err)
		}
		block, err := seg.AppendBlock(nil, p.Facts()[0].Facts)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := seg.DecodeBlock(block)
		if err != nil {
			t.Fatal(err)
		}
		got.Add(facts)
	}
	got.Sort()
	if !reflect.DeepEqual(got, d.Students[0]) || !slices.Equal(names, []string{"AY1", "BY2"}) {
		t.Errorf("%v\n%+v\n%+v", names, got, d.Students[0])
	}
}
