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
	var schools, sessions, totals, days Delta
	add(&schools, a.present.Schools, next.Schools, func(s records.School) string { return s.ID })
	add(&sessions, a.present.Sessions, next.Sessions, func(s records.Session) string { return s.ID })
	add(&totals, a.present.Totals, next.Totals, totalKey)
	for _, s := range next.Schools {
		add(&days, a.present.Calendars[s.ID].All(), next.Calendars[s.ID].All(), func(d civil.Date) civil.Date { return d })
	}
	files := a.changes.Files
	files["schools.csv"], files["sessions.csv"], files["public_totals.csv"], files["calendar.csv"] = schools, sessions, totals, days
	files["merges.csv"] = Delta{Added: len(a.changes.Merged)}
	for _, t := range tallies(a.pace, len(next.Students), func(t *changed, i int) {
		is := &next.Students[i]
		t.student(a.present.Find(is.SID), is)
	}) {
		a.add(t)
	}
	for _, t := range tallies(a.pace, len(a.present.Students), func(t *changed, i int) {
		if was := &a.present.Students[i]; next.Find(was.SID) == nil {
			_, merged := a.changes.Merged[was.SID]
			t.gone(was, merged)
		}
	}) {
		a.add(t)
	}
	a.countIdentities()
}

// changed is how some students' rows differ between two versions.
type changed struct {
	students, enrollments, marks, summaries, incidents, results rowsChanged
}

// rowsChanged are those of one file.
type rowsChanged struct {
	Delta
	before int // rows of the present version
}

// student compares a student with the one of the present version, nil if new.
func (c *changed) student(was, is *records.Student) {
	switch {
	case was == nil:
		c.students.Added++
		c.facts(&records.Student{}, is)
		return
	case !sameFacts(was, is):
		c.students.Changed++
	}
	c.students.before++
	c.facts(was, is)
}

// gone counts a student of whom the next version has nothing. The rows of one who
// was merged are another's now.
func (c *changed) gone(was *records.Student, merged bool) {
	c.students.Removed++
	c.students.before++
	if !merged {
		c.facts(was, &records.Student{})
	}
}

func (c *changed) facts(was, is *records.Student) {
	compared(&c.enrollments, was.Enrollments, is.Enrollments, stayKey)
	c.marks.before += was.Marks.Len()
	addMarks(&c.marks.Delta, was.Marks, is.Marks)
	compared(&c.summaries, was.Summaries, is.Summaries, summaryKey)
	compared(&c.incidents, was.Incidents, is.Incidents, incidentKey)
	compared(&c.results, was.Results, is.Results, resultKey)
}

func compared[T comparable, K comparable](c *rowsChanged, was, is []T, key func(T) K) {
	c.before += len(was)
	add(&c.Delta, was, is, key)
}

// add counts what was compared.
func (a *applier) add(c changed) {
	for file, rows := range map[string]rowsChanged{
		"students.csv": c.students, "enrollments.csv": c.enrollments, "attendance.csv": c.marks,
		"attendance_summary.csv": c.summaries, "discipline.csv": c.incidents, "grades.csv": c.results,
	} {
		d := a.changes.Files[file]
		a.changes.Files[file] = Delta{d.Added + rows.Added, d.Changed + rows.Changed, d.Removed + rows.Removed}
		a.changes.Before[file] += rows.before
	}
}

func sameFacts(a, b *records.Student) bool {
	return a.Birth == b.Birth && a.Sex == b.Sex && a.RaceEthnicity == b.RaceEthnicity && a.EnglishLearner == b.EnglishLearner &&
		a.SpecialEducation == b.SpecialEducation && a.EconomicallyDisadvantaged == b.EconomicallyDisadvantaged
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
