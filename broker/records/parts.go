package records

import (
	"cmp"
	"math"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A StudentFacts is the facts of one student in one segment.
type StudentFacts struct {
	SID   SID
	Facts Facts
}

// A Part is what one segment is built from: the records of a school in a school
// year (an empty ID for records outside every year).
type Part struct {
	School string
	Year   Session

	of       *cut
	students []int32 // by their place in the district
}

// A cut of a district by school and school year. Records keep their place by
// date, results and totals by their session.
type cut struct {
	district *District
	years    map[string]Session // of every session
}

// partKey names a part: a school and the ID of a year.
type partKey struct{ school, year string }

// Parts cuts the district's records, in the order of school and year.
func (d *District) Parts() []Part {
	c := &cut{d, d.sessionYears()}
	parts := map[partKey]*Part{}
	var last *Part
	for i := range d.Students {
		c.places(&d.Students[i], func(school string, year Session) {
			if last == nil || last.School != school || last.Year.ID != year.ID {
				key := partKey{school, year.ID}
				if last = parts[key]; last == nil {
					last = &Part{School: school, Year: year, of: c}
					parts[key] = last
				}
			}
			if n := len(last.students); n == 0 || last.students[n-1] != int32(i) {
				last.students = append(last.students, int32(i))
			}
		})
	}
	list := make([]Part, 0, len(parts))
	for _, p := range parts {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.School, b.School), cmp.Compare(a.Year.ID, b.Year.ID))
	})
	return list
}

// places calls at with the place of each record of a student.
func (c *cut) places(s *Student, at func(school string, year Session)) {
	for _, r := range s.Marks {
		for days := r.Days; len(days) > 0; {
			year, until := c.district.yearUntil(days[0].Day())
			at(r.School, year)
			days = days[len(between(days, days[0].Day(), until)):]
		}
	}
	for _, v := range s.Summaries {
		at(v.School, c.years[v.Session])
	}
	for _, in := range s.Incidents {
		year, _ := c.district.YearOf(in.Day)
		at(in.School, year)
	}
	for _, r := range s.Results {
		course := r.Course()
		at(course.School, c.years[course.Session])
	}
}

// Facts returns the facts of the part's students, by SID. They share memory
// with the district.
func (p Part) Facts() []StudentFacts {
	list := make([]StudentFacts, len(p.students))
	for i, at := range p.students {
		s := &p.of.district.Students[at]
		list[i] = StudentFacts{s.SID, Facts{
			Marks:     p.marks(s),
			Summaries: where(s.Summaries, func(v Summary) bool { return p.holds(v.School, p.of.years[v.Session].ID) }),
			Incidents: where(s.Incidents, func(in Incident) bool {
				year, _ := p.of.district.YearOf(in.Day)
				return p.holds(in.School, year.ID)
			}),
			Results: where(s.Results, func(r Result) bool {
				c := r.Course()
				return p.holds(c.School, p.of.years[c.Session].ID)
			}),
		}}
	}
	return list
}

func (p Part) holds(school, year string) bool { return school == p.School && year == p.Year.ID }

func (p Part) marks(s *Student) (marks Marks) {
	for days := s.Marks.At(p.School); len(days) > 0; {
		year, until := p.of.district.yearUntil(days[0].Day())
		same := between(days, days[0].Day(), until)
		if year.ID == p.Year.ID {
			marks = marks.With(p.School, same)
		}
		days = days[len(same):]
	}
	return marks
}

// where returns the records for which keep holds: the same slice if it does for
// all.
func where[T any](list []T, keep func(T) bool) []T {
	i := slices.IndexFunc(list, func(v T) bool { return !keep(v) })
	if i < 0 {
		return slices.Clip(list)
	}
	kept := slices.Clip(list[:i])
	for _, v := range list[i+1:] {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// yearUntil returns the school year of a day and the last day up to which all
// are of the same year, or of none.
func (d *District) yearUntil(day civil.Date) (year Session, until civil.Date) {
	year, ok := d.YearOf(day)
	until = math.MaxInt32 - 1
	if ok {
		until = year.End
	}
	for _, y := range d.years {
		if y.Start > day {
			until = min(until, y.Start-1)
		}
	}
	return year, until
}

func (d *District) sessionYears() map[string]Session {
	years := make(map[string]Session, len(d.Sessions))
	for _, s := range d.Sessions {
		if y, ok := d.YearOfSession(s); ok {
			years[s.ID] = y
		}
	}
	return years
}
