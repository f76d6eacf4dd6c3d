package ingest

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// The keys say which rows of two versions are the same row.

type dayKey struct {
	school string
	day    civil.Date
}

type textKey [4]string

type incidentID struct {
	dayKey
	id, kind string
	action   records.Action
}

func stayKey(e records.Enrollment) dayKey  { return dayKey{e.School, e.Entry} }
func summaryKey(s records.Summary) textKey { return textKey{s.School, s.Session} }

func resultKey(r records.Result) textKey {
	c := r.Course()
	return textKey{c.School, c.Session, c.Name}
}

func totalKey(p records.PublicTotal) textKey { return textKey{p.School, p.Session, p.Indicator, p.Row} }

func incidentKey(i records.Incident) incidentID {
	return incidentID{dayKey{i.School, i.Day}, i.ID, i.Type, i.Action}
}

// add counts the rows in which two versions differ.
func add[T comparable, K comparable](d *Delta, was, is []T, key func(T) K) {
	if len(was) == 0 || slices.Equal(was, is) {
		d.Added += len(is) - len(was)
		return
	}
	old := make(map[K]T, len(was))
	for _, v := range was {
		old[key(v)] = v
	}
	for _, v := range is {
		before, there := old[key(v)]
		switch {
		case !there:
			d.Added++
		case before != v:
			d.Changed++
		}
		delete(old, key(v))
	}
	d.Removed += len(old)
}

// addMarks counts the marks in which two versions differ.
func addMarks(d *Delta, was, is records.Marks) {
	for _, r := range was {
		if is.At(r.School) == nil {
			d.Removed += len(r.Days)
		}
	}
	for _, r := range is {
		addDays(d, was.At(r.School), r.Days)
	}
}

// addDays walks two registers of a school side by side.
func addDays(d *Delta, was, is []records.DayMark) {
	if slices.Equal(was, is) {
		return
	}
	for len(was) > 0 && len(is) > 0 {
		switch a, b := was[0], is[0]; {
		case a.Day() < b.Day():
			d.Removed++
			was = was[1:]
			continue
		case a.Day() > b.Day():
			d.Added++
			is = is[1:]
			continue
		case a != b:
			d.Changed++
		}
		was, is = was[1:], is[1:]
	}
	d.Removed += len(was)
	d.Added += len(is)
}

// count compares the next version with the present one.
func (a *applier) count(next *records.District) {
	var schools, sessions, totals, days, students Delta
	add(&schools, a.present.Schools, next.Schools, func(s records.School) string { return s.ID })
	add(&sessions, a.present.Sessions, next.Sessions, func(s records.Session) string { return s.ID })
	add(&totals, a.present.Totals, next.Totals, totalKey)
	for _, s := range next.Schools {
		add(&days, a.present.Calendars[s.ID].All(), next.Calendars[s.ID].All(), func(d civil.Date) civil.Date { return d })
	}
	files := a.changes.Files
	files["schools.csv"], files["sessions.csv"], files["public_totals.csv"], files["calendar.csv"] = schools, sessions, totals, days
	files["merges.csv"] = Delta{Added: len(a.changes.Merged)}
	for i := range next.Students {
		a.pace.Pause(i)
		is := &next.Students[i]
		was := a.present.Find(is.SID)
		if was != nil {
			a.changes.Before["students.csv"]++
		}
		switch {
		case was == nil:
			students.Added++
			was = &records.Student{}
		case !sameFacts(was, is):
			students.Changed++
		}
		a.countFacts(was, is)
	}
	for i := range a.present.Students {
		if was := &a.present.Students[i]; next.Find(was.SID) == nil {
			students.Removed++
			a.changes.Before["students.csv"]++
			if _, merged := a.changes.Merged[was.SID]; !merged {
				a.countFacts(was, &records.Student{})
			}
		}
	}
	files["students.csv"] = students
	a.countIdentities()
}

func sameFacts(a, b *records.Student) bool {
	return a.Birth == b.Birth && a.Sex == b.Sex && a.RaceEthnicity == b.RaceEthnicity && a.EnglishLearner == b.EnglishLearner &&
		a.SpecialEducation == b.SpecialEducation && a.EconomicallyDisadvantaged == b.EconomicallyDisadvantaged
}

func (a *applier) countFacts(was, is *records.Student) {
	update := func(file string, before int, fn func(*Delta)) {
		d := a.changes.Files[file]
		fn(&d)
		a.changes.Files[file] = d
		a.changes.Before[file] += before
	}
	update("enrollments.csv", len(was.Enrollments), func(d *Delta) { add(d, was.Enrollments, is.Enrollments, stayKey) })
	update("attendance.csv", was.Marks.Len(), func(d *Delta) { addMarks(d, was.Marks, is.Marks) })
	update("attendance_summary.csv", len(was.Summaries), func(d *Delta) { add(d, was.Summaries, is.Summaries, summaryKey) })
	update("discipline.csv", len(was.Incidents), func(d *Delta) { add(d, was.Incidents, is.Incidents, incidentKey) })
	update("grades.csv", len(was.Results), func(d *Delta) { add(d, was.Results, is.Results, resultKey) })
}

// countIdentities counts changed names and guardians, where the present
// profiles are known.
func (a *applier) countIdentities() {
	if a.ids.Known == nil {
		return
	}
	students, guardians := a.changes.Files["students.csv"], Delta{}
	for _, p := range a.profiles {
		was, ok := a.ids.Known(p.SID)
		x, y := was.Student(), p.Student()
		if ok && was.Person != p.Person && sameFacts(&x, &y) {
			students.Changed++
		}
		if a.im.Present["guardians.csv"] {
			a.changes.Before["guardians.csv"] += len(was.Guardians)
			add(&guardians, was.Guardians, p.Guardians, func(g records.Guardian) string { return g.ID })
		}
	}
	a.changes.Files["students.csv"], a.changes.Files["guardians.csv"] = students, guardians
}
