package ingest

import (
	"cmp"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A markRow is one good row of attendance.csv.
type markRow struct {
	student, school int32
	day             civil.Date
	line            int32
	portion         int16
	code            records.AttendanceCode
}

// readMarks reads the register. It is the long file: a row costs no
// allocation.
func (im *importer) readMarks(t *table) {
	if !im.out.Present["calendar.csv"] {
		im.report.Note(Place{File: t.form.name}, "", NeedsCalendar, "")
		return
	}
	m := im.marks(t)
	m.group(t)
	for _, touched := range m.touched {
		im.touch("marks", touched.school, touched.year)
	}
	for _, school := range im.school {
		bare := func(t touch) bool { return t.school == school && im.out.Calendars[school] == nil }
		if slices.ContainsFunc(m.touched, bare) {
			im.report.Note(Place{File: t.form.name}, "school_id", NoCalendar, "")
		}
	}
}

// marks reads the parts of the register side by side.
func (im *importer) marks(t *table) *marker {
	parts := t.split()
	markers := make([]*marker, len(parts))
	var side errgroup.Group
	side.SetLimit(runtime.GOMAXPROCS(0))
	for i, part := range parts {
		m := &marker{im: im}
		if part.scan != nil {
			m.lines = make([]markRow, 0, len(part.scan.rest)/24)
		}
		markers[i] = m
		side.Go(func() error {
			part.each(m.read)
			return nil
		})
	}
	_ = side.Wait() // no part fails: what is wrong stands in the report
	t.join(parts)
	all, rows := markers[0], 0
	for _, m := range markers {
		rows += len(m.lines)
	}
	all.lines = slices.Grow(all.lines, rows-len(all.lines))
	for _, m := range markers[1:] {
		all.lines = append(all.lines, m.lines...)
		for _, touched := range m.touched {
			all.touch(touched)
		}
	}
	return all
}

// A marker reads the rows of the register. It remembers the last student, since
// rows of one student stand together in most exports.
type marker struct {
	im      *importer
	lines   []markRow
	lastID  []byte
	last    int32
	year    records.Session // of the last day
	touched []touch
}

func (m *marker) read(r *row) {
	im := m.im
	student := m.student(r)
	school, name := im.schoolOf(r, 1)
	day := m.day(r)
	code := attendanceCode(r)
	portion := records.NoPortion
	if b := r.raw(4); len(b) > 0 {
		share, ok := parseShare(b)
		if !ok {
			r.fault(4, BadNumber, "a share of the day from 0 to 1 with at most three decimals")
		}
		portion = share
	}
	if r.bad {
		return
	}
	im.enrolled(r, 2, student, name, day)
	if cal := im.out.Calendars[name]; cal != nil && !cal.Holds(day) {
		r.fault(2, NoSchoolDay, "")
	}
	m.lines = append(m.lines, markRow{student, school, day, int32(r.line), portion, code})
	m.touch(touch{name, m.year.ID})
}

// day is importer.dated, which looks no year up twice in a row.
func (m *marker) day(r *row) civil.Date {
	day := r.date(2)
	if day.IsZero() || m.year.Holds(day) && day <= m.im.opt.ExportDate {
		return day
	}
	m.im.checkDay(r, 2, day)
	m.year, _ = m.im.yearOf(day)
	return day
}

func (m *marker) touch(t touch) {
	if n := len(m.touched); n > 0 && m.touched[n-1] == t {
		return
	}
	if i := slices.Index(m.touched, t); i >= 0 {
		m.touched[i], m.touched[len(m.touched)-1] = m.touched[len(m.touched)-1], m.touched[i]
		return
	}
	m.touched = append(m.touched, t)
}

func (m *marker) student(r *row) int32 {
	b := r.raw(0)
	if len(b) > 0 && string(b) == string(m.lastID) {
		return m.last
	}
	n := m.im.studentOf(r, 0)
	if n >= 0 {
		m.lastID, m.last = append(m.lastID[:0], b...), n
	}
	return n
}

// attendanceCode is row.code for the register, without allocation.
func attendanceCode(r *row) records.AttendanceCode {
	b := r.raw(3)
	switch string(b) {
	case "present":
		return records.Present
	case "absent_excused":
		return records.AbsentExcused
	case "absent_unexcused":
		return records.AbsentUnexcused
	case "half_absent":
		return records.HalfAbsent
	case "tardy":
		return records.Tardy
	case "iss":
		return records.InSchoolSuspended
	case "oss":
		return records.OutOfSchoolSuspended
	}
	c, _ := records.ParseAttendanceCode(r.code(3, records.AttendanceCodes()))
	return c
}

// group gives each student its marks and drops the second of two marks of one
// day at one school.
func (m *marker) group(t *table) {
	order := func(a, b markRow) int {
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.day, b.day), cmp.Compare(a.school, b.school),
			cmp.Compare(a.line, b.line))
	}
	if !slices.IsSortedFunc(m.lines, order) {
		slices.SortFunc(m.lines, order)
	}
	all := make([]records.Mark, 0, len(m.lines))
	for i := 0; i < len(m.lines); {
		first, student := len(all), m.lines[i].student
		for ; i < len(m.lines) && m.lines[i].student == student; i++ {
			l := m.lines[i]
			if i > 0 && l.day == m.lines[i-1].day && l.school == m.lines[i-1].school && student == m.lines[i-1].student {
				t.late(int(l.line), 2, DuplicateRow)
				continue
			}
			all = append(all, records.Mark{School: m.im.school[l.school], Day: l.day, Code: l.code, Portion: l.portion})
		}
		m.im.out.Students[student].Facts.Marks = all[first:len(all):len(all)]
	}
}
