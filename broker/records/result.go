package records

import (
	"cmp"
	"unique"
)

// A Course is a course as it is taken in a session at a school: for how many
// hundredths of a credit, and on which scale its results stand.
type Course struct {
	School, Session, Name string
	Credits               int32
	Scale                 string
}

// A Result is a course result. Value is hundredths; on a letter scale it is the
// letter's place in the table of the scale. A Value outside its scale is kept as
// recorded. Courses stand in memory once, because most have many results.
type Result struct {
	course unique.Handle[Course]
	Value  int32
}

// NewResult returns the result of a course.
func NewResult(c Course, value int32) Result { return Result{unique.Make(c), value} }

// Course returns what the result is of.
func (r Result) Course() Course { return r.course.Value() }

// Equal reports whether two results are the same.
func (r Result) Equal(other Result) bool { return r == other }

func compareResults(a, b Result) int {
	if a.course == b.course {
		return cmp.Compare(a.Value, b.Value)
	}
	x, y := a.Course(), b.Course()
	return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.School, y.School), cmp.Compare(x.Scale, y.Scale),
		cmp.Compare(x.Credits, y.Credits), cmp.Compare(x.Session, y.Session))
}
