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
