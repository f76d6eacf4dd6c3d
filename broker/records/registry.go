package records

import "slices"

// Kind says how students' values make a group's figure.
type Kind string

// The kinds of indicator. A Value holds Num and Den of one student.
const (
	MeanOfRatios    Kind = "mean of student ratios" // the mean of Num/Den over the students
	ShareOfStudents Kind = "share of students"      // the students with Num 1 among those with a value; Den is 1
	RatioOfSums     Kind = "ratio of sums"          // sum of Num / sum of Den
	PerHundred      Kind = "per 100 students"       // 100 × sum of Num / sum of Den; Den is 1
)

// Direction says which way is better for students.
type Direction string

// The two directions.
const (
	HigherIsBetter Direction = "higher is better"
	LowerIsBetter  Direction = "lower is better"
)

// DefaultMinimumEnrolment is the number of enrolled days from which a student
// counts in an attendance indicator.
const DefaultMinimumEnrolment = 20

// An Indicator is one versioned definition. Its texts are printed with every
// report that uses it. Unit is the unit of Num/Den. MinimumEnrolment is in
// days, 0 where none applies.
type Indicator struct {
	ID               string
	Version          int
	Family           Family
	Name, Unit       string
	Direction        Direction
	Kind             Kind
	Numerator        string
	Denominator      string
	Notes            []string // how missing marks, half days, suspensions, scales count
	MinimumEnrolment int
	compute          func(query) (Value, Status)
}

// The indicators of the registry.
const (
	AttendanceRate     = "attendance_rate"
	ChronicAbsence     = "chronic_absence"
	ISSStudents        = "iss_students"
	OSSStudents        = "oss_students"
	SuspendedStudents  = "suspended_students"
	IncidentsPer100    = "incidents_per_100"
	MeanCourseResult   = "mean_course_result"
	GPA                = "gpa"
	CourseFailureShare = "course_failure_share"
)

// Registry returns the definitions in the order in which a report shows them.
func Registry() []Indicator {
	return slices.Concat(attendanceIndicators(), gradeIndicators(), disciplineIndicators())
}

// Find returns the definition with the ID.
func Find(id string) (Indicator, bool) {
	all := Registry()
	i := slices.IndexFunc(all, func(ind Indicator) bool { return ind.ID == id })
	if i < 0 {
		return Indicator{}, false
	}
	return all[i], true
}

// A Value is one student's exact figure, Num/Den in the indicator's unit. Scale
// names the scale of course results and is empty elsewhere.
type Value struct {
	Num, Den int64
	Scale    string
}

// Status says whether a student has a value, and why not.
type Status uint8

// The statuses. Only NotReported speaks of the records; the others of the
// student.
const (
	Reported     Status = iota
	NotReported         // the family, calendar, scale table or session has no data there: never zero
	NoRecord            // the family is reported, but holds nothing of this student
	UnderMinimum        // enrolled for fewer days than the definition asks
	NotEnrolled         // not enrolled in the period at these schools
)

// String returns the status as it stands in answers.
func (s Status) String() string {
	return [...]string{"reported", "not_reported", "no_record", "under_minimum", "not_enrolled"}[min(int(s), 4)]
}

type query struct {
	district *District
	student  *Student
	period   Session
	schools  []string
	settings Settings
	minimum  int
}

func (q query) at(school string) bool {
	return len(q.schools) == 0 || slices.Contains(q.schools, school)
}

// Compute returns the student's value of the indicator over the period. Only
// enrollment and records at the given schools count; none given means all.
// A Value is meaningful only with Reported.
func (i Indicator) Compute(d *District, s *Student, period Session, schools []string, set Settings) (Value, Status) {
	v, status := i.compute(query{d, s, period, schools, set, set.minimum(i)})
	if status != Reported {
		return Value{}, status
	}
	return v, Reported
}

// Compute looks the indicator up by its ID and computes it; an unknown ID is
// NotReported.
func Compute(id string, d *District, s *Student, period Session, schools []string, set Settings) (Value, Status) {
	ind, ok := Find(id)
	if !ok {
		return Value{}, NotReported
	}
	return ind.Compute(d, s, period, schools, set)
}
