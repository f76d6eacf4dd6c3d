package edfi

import (
	"iter"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A feed gives the rows that the records of an export make.
type feed struct {
	*store
	opt   ingest.Options
	rows  map[string][]ingest.Row
	names map[spelling][]string
}

// newFeed makes all rows: which sessions there are depends on the records that
// name them.
func newFeed(s *store, opt ingest.Options) ingest.Feed {
	s.settle()
	f := &feed{store: s, opt: opt, rows: map[string][]ingest.Row{}, names: map[spelling][]string{}}
	var t *terms
	for _, make := range []struct {
		form string
		rows func()
	}{
		{"schools.csv", f.schools},
		{"students.csv", f.students},
		{"enrollments.csv", f.enrollments},
		{"guardians.csv", f.guardians},
		{"attendance.csv", f.attendance},
		{"discipline.csv", f.discipline},
		{"sessions.csv", func() { t = f.termsOf() }},
		{"grades.csv", func() { f.grades(t) }},
		{"sessions.csv", func() { f.sessions(t) }},
		{"calendar.csv", f.calendar},
	} {
		s.form = make.form
		make.rows()
	}
	return f
}

// Rows implements ingest.Feed.
func (f *feed) Rows(form string) (iter.Seq[ingest.Row], bool) {
	f.tell(form)
	return slices.Values(f.rows[form]), f.speaks(form)
}

// speaks reports whether the export speaks of what a form holds. Without days
// of instruction marks still come in, under an empty calendar.
func (f *feed) speaks(form string) bool {
	switch form {
	case "schools.csv", "sessions.csv", "students.csv":
		return true
	case "enrollments.csv":
		return f.spoken[stays]
	case "calendar.csv":
		return f.spoken[calendarDates] || f.speaks("attendance.csv")
	case "attendance.csv":
		return f.spoken[schoolAttendance] || f.spoken[sectionAttendance]
	case "discipline.csv":
		return f.spoken[incidents] || f.spoken[actions]
	case "grades.csv":
		return f.spoken[grades] && (len(f.rows[form]) > 0 || len(f.list[grades]) == 0) // grades that are no results say nothing
	case "guardians.csv":
		return f.spoken[contactLinks]
	}
	return false
}

func (f *feed) add(form string, at where, fields ...string) {
	f.rows[form] = append(f.rows[form], ingest.Row{At: f.place(form, at), Fields: fields})
}

// summed notes one finding for many records of a file: how many it concerns.
func (f *feed) summed(counts map[string]int, column string, rule ingest.Rule) {
	for _, file := range sortedKeys(counts) {
		f.hold(note{ingest.Place{File: file}, column, rule, plural(counts[file], "record")})
	}
}

// days returns the days that the rows of a form name in one of its columns.
func (f *feed) days(form string, columns ...int) (list []civil.Date) {
	for _, r := range f.rows[form] {
		for _, c := range columns {
			if d, err := civil.Parse(r.Fields[c]); err == nil && d <= f.opt.ExportDate {
				list = append(list, d)
			}
		}
	}
	return list
}
