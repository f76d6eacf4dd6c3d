package ingest

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
)

// A Family is a group of records that an import changes together or not at
// all.
type Family string

// The families. All others refer to People: where that fails, nothing of an
// export can be loaded.
const (
	People     Family = "people" // schools, sessions, students, enrollments, merges
	Guardians  Family = "guardians"
	Attendance Family = "attendance" // with the calendar that its denominators come from
	Discipline Family = "discipline"
	Grades     Family = "grades"
	Totals     Family = "totals"
)

// Families returns the closed list in the order in which they are read.
func Families() []Family {
	return []Family{People, Attendance, Discipline, Grades, Guardians, Totals}
}

// FamilyOf returns the family of a plain form's file.
func FamilyOf(form string) Family {
	switch form {
	case "calendar.csv", "attendance.csv", "attendance_summary.csv":
		return Attendance
	case "discipline.csv":
		return Discipline
	case "grades.csv":
		return Grades
	case "guardians.csv":
		return Guardians
	case "public_totals.csv":
		return Totals
	}
	return People
}

// Forms are the plain form's files that make up the family.
func (f Family) Forms() []string {
	return slices.DeleteFunc(Forms(), func(form string) bool { return FamilyOf(form) != f })
}

// A Hold says why a family of an export was not loaded. What was loaded before
// stays, and is stale from then on.
type Hold struct {
	Family Family `json:"family"`
	Why    string `json:"why"`
	Remedy string `json:"remedy"`
}

// holdFaulty takes out each family that has a fault, where the caller asked for
// that; false where People has one, so that nothing can be loaded.
func (im *importer) holdFaulty() bool {
	for _, f := range Families() {
		if im.report.errors[f] == 0 {
			continue
		}
		if f == People {
			return false
		}
		im.out.Hold(f)
		im.report.Held = append(im.report.Held, Hold{f, "it has errors", "mend the rows in the order below; the next load takes them in"})
	}
	return true
}

// Hold takes a family out of the import, as if the export did not speak of it.
// People cannot be taken out: without it there is no import.
func (im *Import) Hold(f Family) {
	for _, form := range f.Forms() {
		delete(im.Present, form)
	}
	switch f {
	case Attendance:
		im.Calendars = map[string]*records.Calendar{}
		im.uncover(records.AttendanceFamily)
	case Discipline:
		im.uncover(records.DisciplineFamily)
	case Grades:
		im.uncover(records.GradesFamily)
	case Totals:
		im.Totals = nil
	}
	for i := range im.Students {
		im.Students[i].hold(f)
	}
}

func (s *Student) hold(f Family) {
	switch f {
	case Attendance:
		s.Facts.Marks, s.Facts.Summaries = nil, nil
	case Discipline:
		s.Facts.Incidents = nil
	case Grades:
		s.Facts.Results = nil
	case Guardians:
		s.Profile.Guardians = nil
	}
}

func (im *Import) uncover(f records.Family) {
	im.Coverage = slices.DeleteFunc(im.Coverage, func(c records.Coverage) bool { return c.Family == f })
}
