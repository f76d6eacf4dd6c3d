package sds

import (
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A student is a person who is in the role of one.
type student struct {
	at            ingest.Place
	id            string
	given, family string
	birth         string // as it stands until the whole column is known
	sex, race     string
	learner       string // of English
	special       string // education
	disadvantaged string
	placed        bool // a membership was read, whatever became of it
}

func (s *student) row() ingest.Row {
	return ingest.Row{At: s.at, Fields: []string{
		s.id, s.given, s.family, s.birth, s.sex, s.race, s.learner, s.special, s.disadvantaged,
	}}
}

// same reports whether two rows of a file say the same of a student.
func (s *student) same(o *student) bool {
	return s.given == o.given && s.family == o.family && s.birth == o.birth
}

// add enters a student, and a second row of one only if it says something
// else: then the check finds it.
func (x *export) add(s *student) *student {
	known := x.byID[s.id]
	if known != nil && known.same(s) {
		return known
	}
	x.students = append(x.students, s)
	if known != nil {
		return known
	}
	x.byID[s.id] = s
	return s
}

func (x *export) emitStudents() {
	x.rows["students.csv"] = []ingest.Row{}
	for _, s := range x.students {
		if x.byID[s.id] == s && !s.placed {
			x.report.Note(s.at, "", ingest.NoSchool, "")
		}
		x.emit("students.csv", s.row())
	}
}
