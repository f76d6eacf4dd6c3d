package records

import (
	"cmp"
	"slices"
)

// Sort puts the student's facts into their canonical order, in which marks
// always are: what two imports of the same files, or a segment and its source,
// are compared in.
func (s *Student) Sort() {
	sortInPlace(s.Enrollments, compareEnrollments)
	sortInPlace(s.Summaries, compareSummaries)
	sortInPlace(s.Incidents, compareIncidents)
	sortInPlace(s.Results, compareResults)
}

// sortInPlace does not write where everything is in order: others may read the
// same records.
func sortInPlace[T any](list []T, compare func(a, b T) int) {
	if !slices.IsSortedFunc(list, compare) {
		slices.SortFunc(list, compare)
	}
}

func compareEnrollments(a, b Enrollment) int {
	return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.School, b.School), cmp.Compare(a.Exit, b.Exit),
		cmp.Compare(a.Grade, b.Grade))
}

func compareSummaries(a, b Summary) int {
	return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.School, b.School),
		cmp.Compare(a.Enrolled, b.Enrolled), cmp.Compare(a.Absent, b.Absent))
}

func compareIncidents(a, b Incident) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.School, b.School), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Type, b.Type), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Days, b.Days))
}

// ShareTexts makes equal texts of students who were read one by one share one
// piece of memory. Nobody else may be reading the students.
func ShareTexts(students []Student) {
	texts := interner{}
	for i := range students {
		texts.student(&students[i])
	}
}

// interner makes equal texts share one piece of memory.
type interner map[string]string

func (t interner) share(s *string) {
	if *s == "" {
		return
	}
	if known, ok := t[*s]; ok {
		*s = known
		return
	}
	t[*s] = *s
}

func (t interner) student(s *Student) {
	t.share(&s.Sex)
	t.share(&s.RaceEthnicity)
	for i := range s.Enrollments {
		t.share(&s.Enrollments[i].School)
		t.share(&s.Enrollments[i].Grade)
	}
	for i := range s.Summaries {
		t.share(&s.Summaries[i].School)
		t.share(&s.Summaries[i].Session)
	}
	for i := range s.Incidents {
		t.share(&s.Incidents[i].School)
		t.share(&s.Incidents[i].Type)
	}
}
