package ingest_test

import (
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// usual is a night of a district like many others.
func usual() ingest.Stats {
	return ingest.Stats{
		Rows: map[string]int{"attendance.csv": 4000, "guardians.csv": 900}, Days: 200, Absent: 1000, Stray: 20,
		Codes:   map[string]map[string]int{"attendance.csv": {"absent_excused": 1000, "tardy": 3000}},
		Schools: map[string]int{"A": 2000, "B": 2000}, Placed: map[string]int{"A": 300, "B": 300},
		Empty: map[string]float64{"attendance.csv portion": 0.3, "guardians.csv email": 0.4},
	}
}

func TestDriftIsSeenAndTheUsualIsNot(t *testing.T) {
	t.Parallel()
	var last []ingest.Stats
	for range 10 {
		last = append(last, usual())
	}
	for name, c := range map[string]struct {
		change func(*ingest.Stats)
		family ingest.Family
		hold   bool
	}{
		"a night like the others":     {func(*ingest.Stats) {}, "", false},
		"a little more of all":        {func(s *ingest.Stats) { s.Rows["attendance.csv"], s.Absent = 4800, 1300 }, "", false},
		"a school without marks":      {func(s *ingest.Stats) { delete(s.Schools, "B") }, ingest.Attendance, true},
		"a school without anybody":    {func(s *ingest.Stats) { delete(s.Placed, "B") }, ingest.People, true},
		"twice the marks a day":       {func(s *ingest.Stats) { s.Rows["attendance.csv"] = 8000 }, ingest.Attendance, false},
		"exceptions became every day": {func(s *ingest.Stats) { s.Rows["attendance.csv"] = 80_000 }, ingest.Attendance, true},
		"absence doubled":             {func(s *ingest.Stats) { s.Absent = 2100 }, ingest.Attendance, false},
		"everybody is absent":         {func(s *ingest.Stats) { s.Absent = 4000 }, ingest.Attendance, true},
		"a new code":                  {func(s *ingest.Stats) { s.Codes["attendance.csv"]["iss"] = 3 }, ingest.Attendance, false},
		"a column half renamed":       {func(s *ingest.Stats) { s.Empty["guardians.csv email"] = 0.65 }, ingest.Guardians, false},
		"a column renamed":            {func(s *ingest.Stats) { s.Empty["guardians.csv email"] = 1 }, ingest.Guardians, true},
		"day and month swapped":       {func(s *ingest.Stats) { s.Stray = 2600 }, ingest.Attendance, true},
	} {
		is := usual()
		c.change(&is)
		found := is.Drift(last)
		if c.family == "" {
			if len(found) != 0 {
				t.Errorf("%s: found %+v", name, found)
			}
			continue
		}
		if !slices.ContainsFunc(found, func(d ingest.Drift) bool { return d.Family == c.family && d.Hold == c.hold && d.Remedy != "" }) {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

func TestAFirstLoadHasNothingToDriftFrom(t *testing.T) {
	t.Parallel()
	if found := usual().Drift(nil); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}
