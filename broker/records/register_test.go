package records_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/records"
)

// TestBothKindsOfRegisterSayTheSame: a register that writes "present" on every
// other day is the register of its exceptions.
func TestBothKindsOfRegisterSayTheSame(t *testing.T) {
	t.Parallel()
	days := weekdays(base, 100)
	year := records.Session{ID: "Y", Type: records.SchoolYear, Start: base, End: base + 200}
	district := func(marking records.Marking, marks records.Marks) *records.District {
		return records.NewDistrict(records.Content{
			Schools: []records.School{{ID: "A"}}, Sessions: []records.Session{year},
			Calendars: map[string]*records.Calendar{"A": records.NewCalendar(days)},
			Coverage:  []records.Coverage{{School: "A", Year: "Y", Family: records.AttendanceFamily, From: base, To: base + 200, Daily: true, Marking: marking}},
			Students: []records.Student{{
				SID: records.SID{1}, Marks: marks,
				Enrollments: []records.Enrollment{{School: "A", Entry: base, Primary: true}},
			}},
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		var full, exceptions records.Marks
		for _, day := range days {
			code := records.AttendanceCode(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3, 4, 5, 6}).Draw(t, "code"))
			m := marked(t, day, code, records.NoPortion)
			full = full.With("A", m)
			if code != records.Present {
				exceptions = exceptions.With("A", m)
			}
		}
		a, b := district(records.EveryDay, full), district(records.Exceptions, exceptions)
		for _, id := range []string{records.AttendanceRate, records.ChronicAbsence} {
			x, xs := records.Compute(id, a, &a.Students[0], year, nil, records.Settings{})
			y, ys := records.Compute(id, b, &b.Students[0], year, nil, records.Settings{})
			if x != y || xs != ys || xs != records.Reported {
				t.Fatalf("%s: %v %v, %v %v", id, x, xs, y, ys)
			}
			if x.Num < 0 || x.Num > x.Den {
				t.Fatalf("%s is no share: %v", id, x)
			}
		}
	})
}

func BenchmarkAttendanceRate(b *testing.B) {
	days, f := typicalYear(5)
	s := records.Student{Enrollments: []records.Enrollment{{School: "A", Entry: base, Primary: true}}}
	s.Add(f)
	year := records.Session{ID: "Y", Type: records.SchoolYear, Start: base, End: base + 300}
	d := records.NewDistrict(records.Content{
		Schools: []records.School{{ID: "A"}}, Sessions: []records.Session{year}, Students: []records.Student{s},
		Calendars: map[string]*records.Calendar{"A": records.NewCalendar(days)},
		Coverage:  []records.Coverage{{School: "A", Year: "Y", Family: records.AttendanceFamily, From: base, To: base + 300, Daily: true}},
	})
	rate, _ := records.Find(records.AttendanceRate)
	b.ReportAllocs()
	for b.Loop() {
		if _, status := rate.Compute(d, &d.Students[0], year, nil, records.Settings{}); status != records.Reported {
			b.Fatal(status)
		}
	}
}
