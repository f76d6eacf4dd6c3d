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

// A Part is what one segment is built from: a school, a school year (an empty
// ID for records outside every year) and the facts of its students, by SID.
type Part struct {
	School   string
	Year     Session
	Students []StudentFacts
}

// Parts cuts the district's records by school and school year, in the order of
// school and year. Records keep their place by date, results and totals by
// their session.
func (d *District) Parts() []Part {
	parts := map[[2]string]*Part{}
	years := d.sessionYears()
	for i := range d.Students {
		st := &d.Students[i]
		at := func(school string, year Session) *Facts {
			key := [2]string{school, year.ID}
			p := parts[key]
			if p == nil {
				p = &Part{School: school, Year: year}
				parts[key] = p
			}
			if n := len(p.Students); n == 0 || p.Students[n-1].SID != st.SID {
				p.Students = append(p.Students, StudentFacts{SID: st.SID})
			}
			return &p.Students[len(p.Students)-1].Facts
		}
		d.part(st, years, at)
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

func (d *District) part(st *Student, years map[string]Session, at func(string, Session) *Facts) {
	for _, r := range st.Marks {
		for days := r.Days; len(days) > 0; {
			year, until := d.yearUntil(days[0].Day())
			of := between(days, days[0].Day(), until)
			f := at(r.School, year)
			f.Marks = f.Marks.With(r.School, of)
			days = days[len(of):]
		}
	}
	for _, s := range st.Summaries {
		f := at(s.School, years[s.Session])
		f.Summaries = append(f.Summaries, s)
	}
	for _, in := range st.Incidents {
		year, _ := d.YearOf(in.Day)
		f := at(in.School, year)
		f.Incidents = append(f.Incidents, in)
	}
	for _, r := range st.Results {
		f := at(r.School, years[r.Session])
		f.Results = append(f.Results, r)
	}
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
