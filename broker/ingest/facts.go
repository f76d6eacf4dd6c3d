package ingest

import (
	"cmp"
	"slices"
	"strings"

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
		im.report.add(t.form.name, 0, "", NeedsCalendar, "")
		return
	}
	m := &marker{im: im, lines: make([]markRow, 0, len(t.scan.rest)/48)}
	t.each(m.read)
	m.group(t)
	for _, touched := range m.touched {
		im.touch("marks", touched.school, touched.year)
	}
	for _, school := range im.school {
		bare := func(t touch) bool { return t.school == school && im.out.Calendars[school] == nil }
		if slices.ContainsFunc(m.touched, bare) {
			im.report.add(t.form.name, 0, "school_id", NoCalendar, "")
		}
	}
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

func (im *importer) readSummaries(t *table) {
	t.each(func(r *row) {
		student := im.studentOf(r, 0)
		_, school := im.schoolOf(r, 1)
		session := im.sessionOf(r, 2)
		s := records.Summary{School: school, Session: session.ID, Enrolled: r.halfDays(3), Absent: r.halfDays(4)}
		if !r.bad {
			im.checkSummary(r, s, session, student)
		}
		if r.bad || !im.once(r, 2, im.idOf(student)+"\x00"+school+"\x00"+s.Session) {
			return
		}
		facts := &im.out.Students[student].Facts
		facts.Summaries = append(facts.Summaries, s)
		im.touch("summaries", school, im.yearOfSession(session))
	})
}

func (im *importer) checkSummary(r *row, s records.Summary, session records.Session, student int32) {
	if s.Absent > s.Enrolled {
		r.fault(4, AbsentOverDays, "")
	}
	if s.Enrolled > 2*int32(session.End-session.Start+1) {
		r.fault(3, DaysOverSession, "")
	}
	daily := slices.ContainsFunc(im.out.Students[student].Facts.Marks, func(m records.Mark) bool {
		return m.School == s.School && session.Holds(m.Day)
	})
	if daily {
		r.fault(2, MarksAndSummary, "")
	}
}

func (im *importer) readIncident(r *row) {
	student := im.studentOf(r, 0)
	_, school := im.schoolOf(r, 1)
	in := records.Incident{School: school, Day: im.dated(r, 2), Type: r.text(3), ID: r.text(5), Days: r.halfDays(6)}
	in.Action, _ = records.ParseAction(r.code(4, records.Actions()))
	if r.bad {
		return
	}
	key := strings.Join([]string{im.idOf(student), school, in.Day.String(), in.ID, in.Type, in.Action.String()}, "\x00")
	if !im.once(r, 4, key) {
		return
	}
	im.enrolled(r, 2, student, school, in.Day)
	facts := &im.out.Students[student].Facts
	facts.Incidents = append(facts.Incidents, in)
	year, _ := im.yearOf(in.Day)
	im.touch("incidents", school, year.ID)
}

func (im *importer) readResult(r *row) {
	student := im.studentOf(r, 0)
	_, school := im.schoolOf(r, 1)
	session := im.sessionOf(r, 2)
	res := records.Result{School: school, Session: session.ID, Course: r.text(3), Scale: r.text(5), Credits: r.hundredths(6, 100)}
	if res.Credits < 0 {
		r.fault(6, BadNumber, "not under zero")
	}
	text := r.text(4)
	if r.bad {
		return
	}
	im.value(r, text, &res)
	if r.bad || !im.once(r, 3, strings.Join([]string{im.idOf(student), school, session.ID, res.Course}, "\x00")) {
		return
	}
	facts := &im.out.Students[student].Facts
	facts.Results = append(facts.Results, res)
	im.touch("results", school, im.yearOfSession(session))
}

// value reads the result on its scale; one outside it is kept and said.
func (im *importer) value(r *row, text string, res *records.Result) {
	scale, known := records.FindScale(res.Scale, im.opt.Scales)
	if !known {
		r.fault(5, UnknownScale, "")
	}
	v, err := scale.Value(text)
	if err != nil {
		r.fault(4, BadResult, err.Error())
		return
	}
	if scale.Outside(v) {
		r.fault(4, OutsideScale, "")
	}
	res.Value = v
}
