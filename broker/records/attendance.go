package records

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// attendanceIndicators follow EDFacts FS195: a rate over the days enrolled, and
// chronic absence at 10 % of them, a day counting when half of it was missed.
func attendanceIndicators() []Indicator {
	notes := []string{
		"Days enrolled are the instructional days of the school's calendar from entry to exit, or the reported total.",
		"A day belongs to one school: the primary enrollment's. Days at two schools in turn are added.",
	}
	return []Indicator{{
		ID: AttendanceRate, Version: 1, Family: AttendanceFamily, Name: "Attendance rate", Unit: "share of days",
		Direction: HigherIsBetter, Kind: MeanOfRatios, MinimumEnrolment: DefaultMinimumEnrolment,
		Numerator: "days enrolled less the share of days missed", Denominator: "days enrolled",
		Notes: append(notes, "Half a day absent is 0.5 day; a share of the day is that share."), compute: attendanceRate,
	}, {
		ID: ChronicAbsence, Version: 1, Family: AttendanceFamily, Name: "Chronically absent", Unit: "share of students",
		Direction: LowerIsBetter, Kind: ShareOfStudents, MinimumEnrolment: DefaultMinimumEnrolment,
		Numerator:   "students absent on 10 % or more of their enrolled days, for any reason",
		Denominator: "students enrolled for the minimum of days",
		Notes:       append(notes, "A day counts as absent when half of it or more was missed; exactly 10.0 % is chronic."),
		compute:     chronicAbsence,
	}}
}

// Attendance is a student's attendance over a span. Enrolled and Absent are
// half days, Absent counting a whole day when half of it or more was missed;
// Missed is the share of days missed, in per mille of a day.
type Attendance struct {
	Enrolled, Absent int64
	Missed           int64
}

func attendanceRate(q query) (Value, Status) {
	a, status := q.attendance()
	if status != Reported {
		return Value{}, status
	}
	return Value{Num: a.Enrolled*500 - a.Missed, Den: a.Enrolled * 500}, Reported
}

func chronicAbsence(q query) (Value, Status) {
	a, status := q.attendance()
	if status != Reported {
		return Value{}, status
	}
	v := Value{Den: 1}
	if a.Absent*10 >= a.Enrolled {
		v.Num = 1
	}
	return v, Reported
}

// Attendance returns the student's attendance over a period at the given
// schools (none given means all), without a minimum of days. A period without
// an ID is a bare span of days and reads daily marks only.
func (d *District) Attendance(s *Student, period Session, schools []string, set Settings) (Attendance, Status) {
	return query{district: d, student: s, period: period, schools: schools, settings: set}.attendance()
}

func (q query) attendance() (Attendance, Status) {
	claims := q.student.claims(q.period)
	total, summed := q.totals()
	reported, enrolled := len(summed) > 0, len(summed) > 0
	missing := false
	for _, c := range claims {
		if !q.at(c.school) || slices.Contains(summed, c.school) {
			continue
		}
		enrolled = true
		if q.register(c, &total) {
			reported = true
		} else if len(q.district.Sources(AttendanceFamily, c.school, q.period.ID)) > 0 {
			missing = true // others of the school have totals, this student has none
		}
	}
	switch {
	case !enrolled:
		return Attendance{}, NotEnrolled
	case !reported && missing:
		return Attendance{}, NoRecord
	case !reported:
		return Attendance{}, NotReported
	case total.Enrolled == 0:
		return Attendance{}, NotEnrolled
	case total.Enrolled < 2*int64(q.minimum):
		return Attendance{}, UnderMinimum
	}
	return total, Reported
}

// totals adds the reported totals of the student and names their schools.
func (q query) totals() (sum Attendance, schools []string) {
	for _, s := range q.student.Summaries {
		if !q.at(s.School) || !slices.Contains(q.district.Sources(AttendanceFamily, s.School, q.period.ID), s.Session) {
			continue
		}
		sum.Enrolled += int64(s.Enrolled)
		sum.Absent += int64(s.Absent)
		sum.Missed += int64(s.Absent) * 500
		if !slices.Contains(schools, s.School) {
			schools = append(schools, s.School)
		}
	}
	return sum, schools
}

// A claim is a span of days that belongs to one school of a student.
type claim struct {
	school   string
	from, to civil.Date
}

// claims cuts the period at each entry and exit and gives every piece to the
// enrollment that places the student there, so that no day counts twice.
func (s *Student) claims(period Session) []claim {
	cuts := []civil.Date{period.Start, period.End + 1}
	for _, e := range s.Enrollments {
		if e.Entry > period.Start && e.Entry <= period.End {
			cuts = append(cuts, e.Entry)
		}
		if !e.Exit.IsZero() && e.Exit >= period.Start && e.Exit < period.End {
			cuts = append(cuts, e.Exit+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	claims := make([]claim, 0, len(cuts)-1)
	for i := range len(cuts) - 1 {
		if e, ok := s.PrimaryOn(cuts[i]); ok {
			claims = append(claims, claim{e.School, cuts[i], cuts[i+1] - 1})
		}
	}
	return claims
}

// register adds what the daily register says of a claim; false where the
// school has no register or no calendar for any of it.
func (q query) register(c claim, sum *Attendance) bool {
	cal := q.district.Calendars[c.school]
	if cal == nil {
		return false
	}
	found := false
	for _, year := range q.district.years {
		cover, ok := q.district.Covered(AttendanceFamily, c.school, year.ID)
		if !ok || !cover.Daily {
			continue
		}
		span := claim{c.school, max(c.from, cover.From, year.Start), min(c.to, cover.To, year.End)}
		if span.to < span.from {
			continue
		}
		found = true
		q.marks(span, cal, cover.Marking, sum)
	}
	return found
}

// marks adds a span of one register. Of several marks of a day the largest
// missed share counts, once.
func (q query) marks(span claim, cal *Calendar, marking Marking, sum *Attendance) {
	enrolled, marked := int64(cal.Days(span.from, span.to)), int64(0)
	sum.Enrolled += 2 * enrolled
	for days := between(q.student.Marks.At(span.school), span.from, span.to); len(days) > 0; {
		day, missed := days[0].Day(), int64(0)
		for ; len(days) > 0 && days[0].Day() == day; days = days[1:] {
			missed = max(missed, q.settings.missed(days[0]))
		}
		if cal.Holds(day) {
			marked++
			sum.add(missed)
		}
	}
	if q.settings.missingIsAbsent(marking) {
		sum.Missed += 1000 * (enrolled - marked)
		sum.Absent += 2 * (enrolled - marked)
	}
}

// add counts one day of which a share, in per mille, was missed.
func (a *Attendance) add(missed int64) {
	a.Missed += missed
	if missed >= 500 {
		a.Absent += 2
	}
}
