package ingest

import (
	"cmp"
	"math"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A marker reads some of the rows of the register. It is the long file: a row
// costs no allocation, and what stood in the row before is not looked up again.
type marker struct {
	im      *importer
	days    []records.DayMark // of the good rows, in the order of the file
	spells  []spell
	steps   []step
	touched []touch

	id, schoolID []byte // of the last row
	student      int32
	school       int32
	name         string            // of the school
	calendar     *records.Calendar // of the school, nil if it has none
	stay         Span              // of the student at the school
	year         records.Session
	noted        bool // that the school has a mark in the year
	dates        dateMemo
}

// A spell is a run of rows of one student at one school: n marks from the first
// on. rising says that their days are in order and none is there twice.
type spell struct {
	student, school int32
	first, n        int32
	rising          bool
}

// A step says on which line a mark stands; those after it stand on the lines
// after it, up to the next step.
type step struct{ at, line int32 }

// readMarks reads the register.
func (im *importer) readMarks(t *table) {
	if !im.out.Present["calendar.csv"] {
		im.report.Note(Place{File: t.form.name}, "", NeedsCalendar, "")
		return
	}
	markers := inParts(t, func(rows int) *marker {
		return &marker{im: im, days: make([]records.DayMark, 0, rows), student: -1, school: -1}
	}, (*marker).read)
	im.register(t, markers)
	for _, m := range markers {
		for _, touched := range m.touched {
			im.touch("marks", touched.school, touched.year)
		}
	}
	for _, school := range im.school {
		if im.out.Calendars[school] == nil && im.marked(school) {
			im.report.Note(Place{File: t.form.name}, "school_id", NoCalendar, "")
		}
	}
}

func (im *importer) marked(school string) bool {
	for t := range im.touched["marks"] {
		if t.school == school {
			return true
		}
	}
	return false
}

func (m *marker) read(r *row) {
	m.place(r)
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
	mark, ok := records.NewDayMark(day, code, portion)
	if !ok {
		r.fault(2, BadDate, "")
		return
	}
	if day < m.stay.From || day > m.stay.To {
		m.im.enrolled(r, 2, m.student, m.name, day)
	}
	if m.calendar != nil && !m.calendar.Holds(day) {
		r.fault(2, NoSchoolDay, "")
	}
	m.add(mark, int32(r.line))
	if !m.noted {
		m.touch(touch{m.name, m.year.ID})
		m.noted = true
	}
}

// place finds student and school of a row.
func (m *marker) place(r *row) {
	id, school := r.raw(0), r.raw(1)
	sameStudent := m.student >= 0 && string(id) == string(m.id)
	sameSchool := m.school >= 0 && string(school) == string(m.schoolID)
	if sameStudent && sameSchool {
		return
	}
	if !sameStudent {
		m.student = m.im.studentOf(r, 0)
		m.id = append(m.id[:0], id...)
	}
	if !sameSchool {
		m.school, m.name = m.im.schoolOf(r, 1)
		m.schoolID = append(m.schoolID[:0], school...)
		m.calendar, m.noted = m.im.out.Calendars[m.name], false
	}
	m.stay = m.im.firstStay(m.student, m.school)
}

// firstStay is a span in which a student was at a school, so that most rows need
// not look for one.
func (im *importer) firstStay(student, school int32) Span {
	if student < 0 || school < 0 {
		return Span{}
	}
	for _, e := range im.out.Students[student].Profile.Enrollments {
		if e.School == im.school[school] {
			if e.Exit.IsZero() {
				e.Exit = math.MaxInt32
			}
			return Span{e.Entry, e.Exit}
		}
	}
	return Span{}
}

// day is importer.dated, which looks no year up twice in a row.
func (m *marker) day(r *row) civil.Date {
	day := m.dates.of(r, 2)
	if day.IsZero() || m.year.Holds(day) && day <= m.im.opt.ExportDate {
		return day
	}
	m.im.checkDay(r, 2, day)
	m.year, _ = m.im.yearOf(day)
	m.noted = false
	return day
}

func (m *marker) add(mark records.DayMark, line int32) {
	at := int32(len(m.days))
	if n := len(m.steps); n == 0 || line-m.steps[n-1].line != at-m.steps[n-1].at {
		m.steps = append(m.steps, step{at, line})
	}
	m.days = append(m.days, mark)
	if n := len(m.spells); n > 0 && m.spells[n-1].student == m.student && m.spells[n-1].school == m.school {
		s := &m.spells[n-1]
		s.rising = s.rising && m.days[at-1].Day() < mark.Day()
		s.n++
		return
	}
	m.spells = append(m.spells, spell{m.student, m.school, at, 1, true})
}

// line returns the line of a mark.
func (m *marker) line(at int32) int {
	i, exact := slices.BinarySearchFunc(m.steps, at, func(s step, at int32) int { return cmp.Compare(s.at, at) })
	if !exact {
		i--
	}
	return int(m.steps[i].line + at - m.steps[i].at)
}

func (m *marker) touch(t touch) {
	if !slices.Contains(m.touched, t) {
		m.touched = append(m.touched, t)
	}
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

// register gives each student what was read of it, and drops the second of two
// marks of a day at a school.
func (im *importer) register(t *table, markers []*marker) {
	var all []spellOf
	for _, m := range markers {
		for _, s := range m.spells {
			all = append(all, spellOf{s, m})
		}
	}
	order := func(a, b spellOf) int {
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.school, b.school))
	}
	if !slices.IsSortedFunc(all, order) {
		slices.SortStableFunc(all, order)
	}
	for i := 0; len(all) > 0; i++ {
		t.pace.Pause(i)
		n := 1
		for n < len(all) && order(all[0], all[n]) == 0 {
			n++
		}
		facts := &im.out.Students[all[0].student].Facts
		facts.Marks = facts.Marks.With(im.school[all[0].school], onceADay(t, all[:n]))
		all = all[n:]
	}
}

// A spellOf is a spell with the part that it stands in.
type spellOf struct {
	spell
	part *marker
}

// onceADay are the marks of a student at a school, of which the first of a day
// counts.
func onceADay(t *table, spells []spellOf) []records.DayMark {
	if s := spells[0]; len(spells) == 1 && s.rising {
		return s.part.days[s.first : s.first+s.n : s.first+s.n]
	}
	type lined struct {
		mark records.DayMark
		line int
	}
	var list []lined
	for _, s := range spells {
		for at := s.first; at < s.first+s.n; at++ {
			list = append(list, lined{s.part.days[at], s.part.line(at)})
		}
	}
	slices.SortFunc(list, func(a, b lined) int {
		return cmp.Or(cmp.Compare(a.mark.Day(), b.mark.Day()), cmp.Compare(a.line, b.line))
	})
	days := make([]records.DayMark, 0, len(list))
	for _, l := range list {
		if n := len(days); n > 0 && days[n-1].Day() == l.mark.Day() {
			t.late(l.line, 2, DuplicateRow)
			continue
		}
		days = append(days, l.mark)
	}
	return days
}
