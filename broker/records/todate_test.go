package records_test

import (
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// part is a session of a school year, by the days from its first to its last.
func part(id string, kind records.SessionType, parent string, from, to civil.Date) records.Session {
	return records.Session{ID: id, Title: "Part " + id, Type: kind, Start: base + from, End: base + to, Parent: parent}
}

// TestAYearToDateIsDerivedWhereNoSessionOfItsDaysStands also says which terms add
// up to it.
func TestAYearToDateIsDerivedWhereNoSessionOfItsDaysStands(t *testing.T) {
	t.Parallel()
	year := part("Y", records.SchoolYear, "", 0, 199)
	for name, c := range map[string]struct {
		sessions []records.Session
		want     map[string][]string // the terms with results that stand for each
	}{
		"two semesters": {[]records.Session{
			year, part("S1", records.Semester, "Y", 0, 99), part("S2", records.Semester, "Y", 100, 199),
		}, nil},
		"four terms": {[]records.Session{
			year, part("T1", records.Term, "Y", 0, 49), part("T2", records.Term, "Y", 50, 99),
			part("T3", records.Term, "Y", 100, 149), part("T4", records.Term, "Y", 150, 199),
		}, map[string][]string{"T2-to-date": {"T1", "T2"}, "T3-to-date": {"T1", "T2", "T3"}}},
		"quarters within semesters": {[]records.Session{
			year, part("S1", records.Semester, "Y", 0, 99), part("S2", records.Semester, "Y", 100, 199),
			part("Q1", records.GradingPeriod, "S1", 0, 49), part("Q2", records.GradingPeriod, "S1", 50, 99),
			part("Q3", records.GradingPeriod, "S2", 100, 149), part("Q4", records.GradingPeriod, "S2", 150, 199),
		}, map[string][]string{"Q3-to-date": {"Q1", "Q2", "Q3"}}},
		"quarters beside semesters": {[]records.Session{
			year, part("S1", records.Semester, "Y", 0, 99), part("S2", records.Semester, "Y", 100, 199),
			part("Q1", records.GradingPeriod, "Y", 0, 49), part("Q2", records.GradingPeriod, "Y", 50, 99),
			part("Q3", records.GradingPeriod, "Y", 100, 149), part("Q4", records.GradingPeriod, "Y", 150, 199),
		}, map[string][]string{"Q3-to-date": {"Q1", "Q2", "Q3"}}},
		"a session of the same days": {[]records.Session{
			year, part("T1", records.Term, "Y", 0, 49), part("T2", records.Term, "Y", 50, 99), part("T3", records.Term, "Y", 100, 199),
			part("half", records.Semester, "Y", 0, 99),
		}, nil},
		"a session of the same name": {[]records.Session{
			year, part("T1", records.Term, "Y", 0, 49), part("T2", records.Term, "Y", 50, 99), part("T3", records.Term, "Y", 100, 199),
			part("T2-to-date", records.Term, "Y", 0, 98),
		}, nil},
		"terms without a year": {[]records.Session{
			part("T1", records.Term, "", 0, 49), part("T2", records.Term, "", 50, 99), part("T3", records.Term, "", 100, 199),
		}, nil},
		"terms of two years": {[]records.Session{
			year, part("T1", records.Term, "Y", 0, 49), part("T2", records.Term, "Y", 50, 199),
			part("Z", records.SchoolYear, "", 365, 560), part("U1", records.Term, "Z", 365, 400), part("U2", records.Term, "Z", 401, 450), part("U3", records.Term, "Z", 451, 560),
		}, map[string][]string{"U2-to-date": {"U1", "U2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var student records.Student
			for _, s := range c.sessions {
				if s.Type != records.SchoolYear && s.Type != records.Semester {
					student.Results = append(student.Results, records.NewResult(records.Course{School: "A", Session: s.ID, Name: "Maths", Scale: "0-20"}, 1000))
				}
			}
			d := records.NewDistrict(records.Content{Schools: []records.School{{ID: "A"}}, Sessions: slices.Clone(c.sessions), Students: []records.Student{student}})
			got := map[string][]string{}
			for _, s := range d.Periods() {
				if s.Type == records.YearToDate {
					got[s.ID] = d.Sources(records.GradesFamily, "A", s.ID)
					checkToDate(t, d, s)
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("derived are %v, want %v", got, c.want)
			}
			for id, want := range c.want {
				if terms := slices.Sorted(slices.Values(got[id])); !slices.Equal(terms, want) {
					t.Errorf("%s counts the results of %v, want %v", id, terms, want)
				}
			}
		})
	}
}

// checkToDate tests what holds of each derived session.
func checkToDate(t *testing.T, d *records.District, s records.Session) {
	t.Helper()
	year, ok := d.YearOfSession(s)
	if !ok || s.Start != year.Start || s.End >= year.End || s.Title == "" {
		t.Errorf("%+v is no part of %+v from its first day", s, year)
	}
	if found, ok := d.Session(s.ID); !ok || found != s {
		t.Errorf("%s is not found by its ID", s.ID)
	}
	if slices.ContainsFunc(d.Years(), func(y records.Session) bool { return y.ID == s.ID }) {
		t.Errorf("%s passes for a school year", s.ID)
	}
}

func TestATermIsShownBesideTheYearUpToItsEnd(t *testing.T) {
	t.Parallel()
	d := records.NewDistrict(records.Content{Sessions: []records.Session{
		part("Y", records.SchoolYear, "", 0, 199), part("T1", records.Term, "Y", 0, 49), part("T2", records.Term, "Y", 50, 99), part("T3", records.Term, "Y", 100, 199),
	}})
	for id, want := range map[string]string{"T1": "", "T2": "T2-to-date", "T3": "Y", "Y": "", "T2-to-date": ""} {
		s, _ := d.Session(id)
		got := ""
		for _, longer := range d.ToDate(s) {
			got += longer.ID
		}
		if got != want {
			t.Errorf("beside %s stands %q, want %q", id, got, want)
		}
	}
}
