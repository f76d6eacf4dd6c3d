package ingest

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func (im *importer) readStudents(t *table) {
	perStudent(t, im.student, func(_ int32, rows []lined[records.Profile]) {
		if len(im.out.Students) == 0 {
			im.out.Students = make([]Student, 0, t.counts.Good)
		}
		for _, row := range rows {
			id := row.what.Person.StudentID
			if _, twice := im.students[id]; twice {
				t.late(row.line, 0, DuplicateRow)
				continue
			}
			im.students[id] = int32(len(im.out.Students))
			im.out.Students = append(im.out.Students, Student{Profile: row.what})
		}
	})
}

func (im *importer) student(r *row) (_ int32, p records.Profile) {
	p = records.Profile{
		Person: records.Person{StudentID: r.text(0), Given: r.text(1), Family: r.text(2)},
		Birth:  im.birth(r), Sex: r.word(4), RaceEthnicity: r.word(5),
		EnglishLearner: r.flag(6), SpecialEducation: r.flag(7), EconomicallyDisadvantaged: r.flag(8),
	}
	if !p.Birth.IsZero() && p.Birth.AddYears(contactAge) <= im.opt.ExportDate || r.t.limits.sabotage.keepContacts {
		p.Person.Email, p.Person.Phone = r.mail(9), r.text(10)
	}
	if !p.Birth.IsZero() && (p.Birth > im.opt.ExportDate || p.Birth < im.opt.ExportDate.AddYears(-120)) {
		r.fault(3, ImpossibleBirth, "")
	}
	return 0, p
}

// birth is required in the plain form; another system may not give it.
func (im *importer) birth(r *row) civil.Date {
	if r.t.feed == nil || len(r.raw(3)) > 0 {
		return r.date(3)
	}
	r.fault(3, NoBirthDate, "")
	return 0
}

// readMerge lets rows of other files that still use the old id count for the
// new one.
func (im *importer) readMerge(r *row) {
	m := Merge{Old: r.text(0), Date: r.date(2)}
	if m.Date > im.opt.ExportDate {
		r.fault(2, AfterExport, "")
	}
	if im.mergedLeaver(r, m) {
		return
	}
	student := im.studentOf(r, 1)
	if r.bad {
		return
	}
	m.New = im.out.Students[student].Profile.Person.StudentID
	known, there := im.students[m.Old]
	switch {
	case m.Old == m.New || string(r.raw(1)) == m.Old:
		r.fault(0, MergedWithItself, "")
	case there && im.out.Students[known].Profile.Person.StudentID == m.Old:
		r.fault(0, MergedStillThere, "")
	case there:
		r.fault(0, MergedTwice, "")
	default:
		im.students[m.Old] = student
		im.out.Merges = append(im.out.Merges, m)
	}
}

// mergedLeaver takes in a merge whose student an export of active students does
// not list any more: the row goes on standing in the file after he has left.
func (im *importer) mergedLeaver(r *row, m Merge) bool {
	m.New = r.text(1)
	if _, listed := im.students[m.New]; listed || m.New == "" || r.bad || im.opt.Snapshot != SnapshotActive {
		return false
	}
	if m.Old == m.New {
		r.fault(0, MergedWithItself, "")
		return true
	}
	if _, listed := im.students[m.Old]; listed {
		return false // an error: the new number is unknown and the old one is not
	}
	im.out.Merges = append(im.out.Merges, m)
	return true
}

// readEnrollments reads all, then drops the later of two that overlap at one
// school.
func (im *importer) readEnrollments(t *table) {
	var rows []lined[records.Enrollment]
	perStudent(t, im.enrollment, func(_ int32, more []lined[records.Enrollment]) { rows = append(rows, more...) })
	slices.SortStableFunc(rows, func(a, b lined[records.Enrollment]) int {
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.what.Entry, b.what.Entry), cmp.Compare(a.line, b.line))
	})
	for _, row := range rows {
		im.stay(t, row.student, row.line, row.what)
	}
}

func (im *importer) enrollment(r *row) (student int32, e records.Enrollment) {
	student = im.studentOf(r, 0)
	_, school := im.schoolOf(r, 1)
	e = records.Enrollment{School: school, Entry: r.date(2), Exit: r.optionalDate(3), Grade: r.word(4)}
	e.Primary = r.flag(5) != records.No
	r.span(3, e.Entry, e.Exit)
	return student, e
}

func (im *importer) stay(t *table, student int32, line int, e records.Enrollment) {
	p := &im.out.Students[student].Profile
	for i, earlier := range p.Enrollments {
		if !overlap(earlier, e) {
			continue
		}
		if earlier.School == e.School && t.feed != nil {
			p.Enrollments[i] = joined(earlier, e)
			t.lateWarning(line, 2, JoinedStays)
			return
		}
		if earlier.School == e.School {
			t.late(line, 2, EnrollmentOverlap)
			return
		}
		if earlier.Primary && e.Primary {
			t.lateWarning(line, 2, TwoPrimaries)
		}
	}
	p.Enrollments = append(p.Enrollments, e)
}

// joined is one stay in place of two that overlap: another system keeps both
// after a correction.
func joined(earlier, later records.Enrollment) records.Enrollment {
	if later.Exit.IsZero() || !earlier.Exit.IsZero() && later.Exit > earlier.Exit {
		earlier.Exit = later.Exit
	}
	if later.Grade != "" {
		earlier.Grade = later.Grade
	}
	earlier.Primary = earlier.Primary || later.Primary
	return earlier
}

func overlap(a, b records.Enrollment) bool {
	return (a.Exit.IsZero() || b.Entry <= a.Exit) && (b.Exit.IsZero() || a.Entry <= b.Exit)
}

func (im *importer) readGuardians(t *table) {
	perStudent(t, im.guardian, func(student int32, rows []lined[records.Guardian]) {
		p := &im.out.Students[student].Profile
		p.Guardians = slices.Grow(p.Guardians, len(rows))
		for _, row := range rows {
			if slices.ContainsFunc(p.Guardians, func(g records.Guardian) bool { return g.ID == row.what.ID }) {
				t.late(row.line, 1, DuplicateRow)
				continue
			}
			p.Guardians = append(p.Guardians, row.what)
		}
	})
}

func (im *importer) guardian(r *row) (student int32, g records.Guardian) {
	student = im.studentOf(r, 0)
	g = records.Guardian{
		ID: r.text(1), HoldsRights: r.flag(2) == records.Yes, Given: r.text(3), Family: r.text(4),
		Relation: r.word(5), Capacity: guardianCapacity(r), Language: r.word(7), Email: r.mail(8), Phone: r.text(9),
	}
	if r.bad {
		return student, g
	}
	if (g.Capacity == records.CapacityEmergencyContact || g.Capacity == records.CapacityCaseworker) && g.HoldsRights {
		r.fault(2, NeverHoldsRights, "")
		g.HoldsRights = false
	}
	g.Language = im.language(r, g.Language)
	return student, g
}

// contactAge is the age from which a student's own contact is kept: from 18 on the
// student decides, and is told sixty days before.
const contactAge = 17

// mail is an e-mail address, and empty where the text is none.
func (r *row) mail(column int) string {
	text := r.text(column)
	if text == "" || mailAddress(text) {
		return text
	}
	r.fault(column, BadEmail, "")
	return ""
}

// language is the tag that a text stands for; each is read once.
func (im *importer) language(r *row, text string) string {
	if text == "" {
		return ""
	}
	known, ok := im.languages.Load(text)
	if !ok {
		tag, err := language.Parse(text)
		if err != nil {
			r.fault(7, BadLanguage, "")
			return ""
		}
		known, _ = im.languages.LoadOrStore(text, tag.String())
	}
	return known.(string)
}

// guardianCapacity reads the capacity; an empty one is parent for a mother or
// father, else unknown.
func guardianCapacity(r *row) string {
	if len(r.raw(6)) > 0 {
		return r.code(6, records.Capacities())
	}
	switch strings.ToLower(string(r.raw(5))) {
	case "mother", "father":
		return records.CapacityParent
	}
	return records.CapacityUnknown
}

func mailAddress(s string) bool {
	user, host, ok := strings.Cut(s, "@")
	return ok && user != "" && host != "" && !strings.ContainsAny(s, " ,;<>()\"") && !strings.Contains(host, "@")
}
