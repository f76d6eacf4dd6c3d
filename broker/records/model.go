// Package records holds a district's education records in memory: schools,
// sessions, calendars and, for each student, the facts that indicators are
// computed from. It also has the indicator registry and the binary coding of
// the records. It knows no clock, storage or network.
//
// Names and contacts stand apart (Person, Guardian, Profile), so that what is
// computed from holds none.
package records

import "github.com/hallpass-edu/hallpass/broker/civil"

// A School is one school of the district. ID is opaque, case-sensitive text.
type School struct {
	ID, Name, Level string
}

// SessionType is the kind of an academic session, in OneRoster's words.
type SessionType string

// The session types of the plain CSV form.
const (
	SchoolYear    SessionType = "schoolYear"
	Semester      SessionType = "semester"
	Term          SessionType = "term"
	GradingPeriod SessionType = "gradingPeriod"
)

// YearToDate is the type of a session that the service derives from the others.
const YearToDate SessionType = "yearToDate"

// SessionTypes returns the types that an export may give, from the longest to the
// shortest.
func SessionTypes() []SessionType {
	return []SessionType{SchoolYear, Semester, Term, GradingPeriod}
}

// A Session is an academic session. Start and End are its first and last day;
// Parent is the ID of the session that contains it, or empty.
type Session struct {
	ID, Title  string
	Type       SessionType
	Start, End civil.Date
	Parent     string
}

// Holds reports whether the day lies in the session.
func (s Session) Holds(day civil.Date) bool { return s.Start <= day && day <= s.End }

// A Student is one student's facts, without a name. The slices stand in the
// canonical order of Sort.
type Student struct {
	SID                                                         SID
	Birth                                                       civil.Date
	Sex, RaceEthnicity                                          string
	EnglishLearner, SpecialEducation, EconomicallyDisadvantaged Flag
	Enrollments                                                 []Enrollment
	Marks                                                       Marks
	Summaries                                                   []Summary
	Incidents                                                   []Incident
	Results                                                     []Result
}

// An Enrollment is a stay at a school. Exit is the last day of it; the zero
// date means that it is open.
type Enrollment struct {
	School      string
	Entry, Exit civil.Date
	Grade       string
	Primary     bool
}

// Holds reports whether the student was enrolled on the day.
func (e Enrollment) Holds(day civil.Date) bool {
	return e.Entry <= day && (e.Exit.IsZero() || day <= e.Exit)
}

// A Summary is a student's attendance over a session as a total, in half days.
type Summary struct {
	School, Session  string
	Enrolled, Absent int32
}

// An Incident is one line of the discipline record: what happened and what was
// done. ID groups the lines of one incident and may be empty; Days are the
// half days of the action.
type Incident struct {
	School string
	Day    civil.Date
	ID     string
	Type   string
	Action Action
	Days   int32
}

// A PublicTotal is a figure that the district has published already: School is
// an ID or "all", Row is "all" or "<dimension>:<value>", Value and Precision
// are the published decimal text (Precision the step it was rounded to).
type PublicTotal struct {
	School, Session, Indicator, Row string
	Value, Precision                string
}

// PrimaryOn returns the enrollment that places the student on the day: a
// primary one before others, then the latest entry, then the school's ID.
func (s *Student) PrimaryOn(day civil.Date) (Enrollment, bool) {
	var best Enrollment
	found := false
	for _, e := range s.Enrollments {
		if e.Holds(day) && (!found || placesBefore(e, best)) {
			best, found = e, true
		}
	}
	return best, found
}

// placesBefore is the order in which enrollments claim a day.
func placesBefore(a, b Enrollment) bool {
	switch {
	case a.Primary != b.Primary:
		return a.Primary
	case a.Entry != b.Entry:
		return a.Entry > b.Entry
	default:
		return a.School < b.School
	}
}
