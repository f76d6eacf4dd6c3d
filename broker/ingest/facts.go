package ingest

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
)

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
	daily := slices.ContainsFunc(im.out.Students[student].Facts.Marks.At(s.School), func(m records.DayMark) bool {
		return session.Holds(m.Day())
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

func (im *importer) readResults(t *table) {
	var last textKey // of the row before
	perStudent(t, im.result, func(student int32, rows []lined[records.Result]) {
		facts := &im.out.Students[student].Facts
		facts.Results = slices.Grow(facts.Results, len(rows))
		for _, row := range rows {
			key := resultKey(row.what)
			if slices.ContainsFunc(facts.Results, func(r records.Result) bool { return resultKey(r) == key }) {
				t.late(row.line, 3, DuplicateRow)
				continue
			}
			facts.Results = append(facts.Results, row.what)
			if key[0] != last[0] || key[1] != last[1] {
				im.touch("results", key[0], im.yearOfSession(im.sessions[key[1]]))
			}
			last = key
		}
	})
}

func (im *importer) result(r *row) (student int32, res records.Result) {
	student = im.studentOf(r, 0)
	_, school := im.schoolOf(r, 1)
	session := im.sessionOf(r, 2)
	c := records.Course{School: school, Session: session.ID, Name: r.word(3), Scale: r.word(5), Credits: r.hundredths(6, 100)}
	if c.Credits < 0 {
		r.fault(6, BadNumber, "not under zero")
	}
	text := r.word(4)
	if r.bad {
		return student, res
	}
	return student, records.NewResult(c, im.value(r, text, c.Scale))
}

// value reads the result on its scale; one outside it is kept and said.
func (im *importer) value(r *row, text, name string) int32 {
	scale, known := records.FindScale(name, im.opt.Scales)
	if !known {
		r.fault(5, UnknownScale, "")
	}
	v, err := scale.Value(text)
	if err != nil {
		r.fault(4, BadResult, err.Error())
		return 0
	}
	if scale.Outside(v) {
		r.fault(4, OutsideScale, "")
	}
	return v
}
