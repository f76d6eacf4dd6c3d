package ingest

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// Identities tie the information system's ids to the district's own. Resolve
// returns the SID of a student, a new one for a new student, and always the
// same for the same id; Lookup tells whether one is known. Known returns the
// profile of a student of the present version; it may be nil, and then changes
// of names and guardians are not counted.
type Identities struct {
	Resolve func(studentID string) records.SID
	Lookup  func(studentID string) (records.SID, bool)
	Known   func(records.SID) (records.Profile, bool)
	Pace    Pace
}

// Applied is the next data version and how it differs from the present one.
// Profiles are those of the students in the files, by SID, with their merged
// enrollments.
type Applied struct {
	District *records.District
	Profiles []records.Profile
	Changes  Changes
}

// Changes counts what an import adds, changes and removes, by file, and lists
// the students for whom more than their rows changes.
type Changes struct {
	Files   map[string]Delta            `json:"files"`
	Before  map[string]int              `json:"-"` // rows of the present version that were compared, by file
	Closed  []records.SID               `json:"-"` // not in the files: an enrollment was ended
	Removed []records.SID               `json:"-"` // nothing of them is left
	Merged  map[records.SID]records.SID `json:"-"` // old to new
}

// A Delta counts rows.
type Delta struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
}

// Apply makes the next data version from the present one (nil at the first
// import) and the files. Within the school years of the files:
//
//   - a record family whose file is there is replaced for the students in the
//     files; a family without a file keeps its records;
//   - under SnapshotActive what the files do not name stays: a student who is
//     not there keeps every record and the open enrollment ends on the export
//     date; records at a school where the files do not place the student stay;
//   - under SnapshotAll what the files do not name goes.
//
// Other school years stay as they are. The present version is not changed.
func (im *Import) Apply(present *records.District, version uint64, ids Identities) Applied {
	if present == nil {
		present = records.NewDistrict(records.Content{})
	}
	a := &applier{
		im: im, ids: ids, pace: ids.Pace, present: present, years: records.Years(im.Sessions),
		merged:  map[records.SID]records.Student{},
		changes: Changes{Files: map[string]Delta{}, Before: map[string]int{}, Merged: map[records.SID]records.SID{}},
	}
	content := a.places()
	content.Version = version
	content.Students = a.students()
	district := records.NewDistrict(content)
	a.count(district)
	return Applied{District: district, Profiles: a.profiles, Changes: a.changes}
}

type applier struct {
	im       *Import
	ids      Identities
	pace     Pace
	present  *records.District
	years    []records.Session
	profiles []records.Profile
	merged   map[records.SID]records.Student // who stayed, with what others left
	changes  Changes
}

// inYears reports whether the files speak of the day.
func (a *applier) inYears(day civil.Date) bool {
	return slices.ContainsFunc(a.years, func(y records.Session) bool { return y.Holds(day) })
}

// speaksOn reports whether the files say of a day all there is of a family: an
// export of active students speaks of the years of which it has a record, and of
// the one in which it was made, though it list others.
func (a *applier) speaksOn(family records.Family, day civil.Date) bool {
	return slices.ContainsFunc(a.years, func(y records.Session) bool { return y.Holds(day) && a.im.spoken[family][y.ID] })
}

// speaksOf is speaksOn for a session.
func (a *applier) speaksOf(family records.Family, id string) bool {
	if a.im.Options.Snapshot == SnapshotAll {
		return a.ofYears(id)
	}
	for _, list := range [][]records.Session{a.im.Sessions, a.present.Sessions} {
		if i := slices.IndexFunc(list, func(s records.Session) bool { return s.ID == id }); i >= 0 {
			return a.speaksOn(family, list[i].Start)
		}
	}
	return false
}

// outside reports whether a day lies in no stay at the school that an export of
// active students lists: of an earlier stay it says nothing.
func (a *applier) outside(s Student, school string, day civil.Date) bool {
	return a.im.Options.Snapshot == SnapshotActive && !slices.ContainsFunc(s.Profile.Enrollments, func(e records.Enrollment) bool {
		return e.School == school && e.Holds(day)
	})
}

// setOf are the keys of what the files list, where something that was known may
// be compared with them.
func setOf[T any, K comparable](a *applier, was, list []T, key func(T) K) map[K]bool {
	if len(was) == 0 || a.im.Options.Snapshot != SnapshotActive {
		return nil
	}
	set := make(map[K]bool, len(list))
	for _, v := range list {
		set[key(v)] = true
	}
	return set
}

// ofYears reports whether a session of the present version lies in a year that
// the files speak of.
func (a *applier) ofYears(id string) bool {
	if slices.ContainsFunc(a.im.Sessions, func(s records.Session) bool { return s.ID == id }) {
		return true
	}
	s, ok := a.present.Session(id)
	return ok && a.inYears(s.Start)
}

func (a *applier) students() []records.Student {
	a.merge()
	listed := a.resolved()
	next := make([]records.Student, len(listed), max(len(listed), len(a.present.Students)))
	a.profiles = make([]records.Profile, len(listed))
	_ = a.pace.Each(len(listed), func(i int) error { // nothing fails
		a.profiles[i], next[i] = a.student(listed[i])
		return nil
	})
	return a.unlisted(next, listed)
}

// student joins what was known of a student with what the files say. Several
// may be at work at once.
func (a *applier) student(l listing) (records.Profile, records.Student) {
	s, was := a.im.Students[l.at], a.before(l.sid)
	profile := s.Profile
	profile.SID = l.sid
	profile.Enrollments = a.enrollments(was.Enrollments, profile.Enrollments)
	student := profile.Student()
	student.Add(a.kept(was, s))
	student.Add(s.Facts)
	return profile, student
}

// A listing is a student of the files and the place there.
type listing struct {
	sid records.SID
	at  int
}

// resolved are the students of the files in the order of SID.
func (a *applier) resolved() []listing {
	list := make([]listing, len(a.im.Students))
	for i := range a.im.Students {
		a.pace.Pause(i)
		list[i] = listing{a.ids.Resolve(a.im.Students[i].Profile.Person.StudentID), i}
	}
	slices.SortFunc(list, func(x, y listing) int { return x.sid.Compare(y.sid) })
	return list
}

func isListed(list []listing, sid records.SID) bool {
	_, found := slices.BinarySearchFunc(list, sid, func(l listing, sid records.SID) int { return l.sid.Compare(sid) })
	return found
}

// before is a student of the present version with what merges moved to the
// student; the zero student if there was none.
func (a *applier) before(sid records.SID) records.Student {
	if s, merged := a.merged[sid]; merged {
		return s
	}
	if _, gone := a.changes.Merged[sid]; gone {
		return records.Student{}
	}
	if s := a.present.Find(sid); s != nil {
		return *s
	}
	return records.Student{}
}

// merge moves the records of a merged student to the one that stays. Of a
// record that both have, the staying student's counts.
func (a *applier) merge() {
	for _, m := range a.im.Merges {
		old, known := a.ids.Lookup(m.Old)
		staying, there := a.staying(m.New)
		if !known || !there || old == staying {
			continue
		}
		was := a.before(old)
		a.changes.Merged[old] = staying
		delete(a.merged, old)
		if was.SID.IsZero() {
			continue
		}
		s := a.before(staying)
		s.SID = staying
		s.Enrollments = union(slices.Clone(s.Enrollments), was.Enrollments, stayKey)
		s.Marks = joinedMarks(s.Marks, was.Marks)
		s.Summaries = union(slices.Clone(s.Summaries), was.Summaries, summaryKey)
		s.Incidents = union(slices.Clone(s.Incidents), was.Incidents, incidentKey)
		s.Results = union(slices.Clone(s.Results), was.Results, resultKey)
		a.merged[staying] = s
	}
}

// staying is the student whom a merge keeps: one of the files, who may be new, or
// one who was known before and has left.
func (a *applier) staying(id string) (records.SID, bool) {
	if slices.ContainsFunc(a.im.Students, func(s Student) bool { return s.Profile.Person.StudentID == id }) {
		return a.ids.Resolve(id), true
	}
	return a.ids.Lookup(id)
}

// joinedMarks are the marks of two students who are one. Of a day that both
// have at a school the first's counts.
func joinedMarks(first, second records.Marks) records.Marks {
	more := second.Where(func(school string, m records.DayMark) bool { return !marked(first, school, m.Day()) })
	for _, r := range more {
		first = first.With(r.School, r.Days)
	}
	return first
}

// marked reports whether there is a mark of a day at a school.
func marked(marks records.Marks, school string, day civil.Date) bool {
	_, found := slices.BinarySearchFunc(marks.At(school), day, func(m records.DayMark, day civil.Date) int { return cmp.Compare(m.Day(), day) })
	return found
}

func union[T any, K comparable](first, second []T, key func(T) K) []T {
	seen := map[K]bool{}
	for _, v := range first {
		seen[key(v)] = true
	}
	for _, v := range second {
		if !seen[key(v)] {
			first = append(first, v)
		}
	}
	return first
}

// enrollments joins what was known with what the files say. What lies before
// the first year of the files stays.
func (a *applier) enrollments(was, listed []records.Enrollment) []records.Enrollment {
	all := slices.Clone(listed)
	for _, e := range was {
		replaced := slices.ContainsFunc(listed, func(l records.Enrollment) bool { return l.School == e.School && overlap(l, e) })
		switch {
		case a.im.Options.Snapshot == SnapshotAll && a.afterYears(e.Entry):
			all = append(until(all, e), e) // the files say nothing of it
			continue
		case replaced || a.im.Options.Snapshot == SnapshotAll:
			e = a.earlier(e, listed)
		default:
			e = a.ended(e, listed)
		}
		if e.Exit >= e.Entry {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(x, y records.Enrollment) int {
		return cmp.Or(cmp.Compare(x.Entry, y.Entry), cmp.Compare(x.School, y.School))
	})
	return all
}

// until ends the enrollments at the school of a later one on the day before it.
func until(all []records.Enrollment, later records.Enrollment) []records.Enrollment {
	for i, e := range all {
		if e.School == later.School && e.Entry < later.Entry && (e.Exit.IsZero() || e.Exit >= later.Entry) {
			all[i].Exit = later.Entry - 1
		}
	}
	return all
}

// afterYears reports whether a day lies behind all years of the files.
func (a *applier) afterYears(day civil.Date) bool {
	return len(a.years) > 0 && day > a.years[len(a.years)-1].End
}

// earlier cuts an enrollment to the part that lies before what the files list at
// the school and, in an export of all, before their years.
func (a *applier) earlier(e records.Enrollment, listed []records.Enrollment) records.Enrollment {
	last := e.Exit
	first := a.im.Options.Snapshot == SnapshotAll && len(a.years) > 0
	if first && (last.IsZero() || last >= a.years[0].Start) {
		last = a.years[0].Start - 1
	}
	for _, l := range listed {
		if l.School == e.School && overlap(l, e) && (last.IsZero() || last >= l.Entry) {
			last = l.Entry - 1
		}
	}
	e.Exit = last
	return e
}

// ended closes an enrollment that an export of active students no longer
// lists: on the day before the next one began, at the latest on the export
// date.
func (a *applier) ended(e records.Enrollment, listed []records.Enrollment) records.Enrollment {
	last := a.im.Options.ExportDate
	for _, l := range listed {
		if l.Primary && l.Entry > e.Entry {
			last = min(last, l.Entry-1)
		}
	}
	if e.Exit.IsZero() || e.Exit > last {
		e.Exit = max(last, e.Entry)
	}
	return e
}

// kept returns the facts of the present version that the files do not replace.
func (a *applier) kept(was records.Student, s Student) (f records.Facts) {
	attendance := a.im.Present["attendance.csv"] || a.im.Present["attendance_summary.csv"]
	spoken := a.placed(s, func(f records.Facts) []string {
		return append(schoolsOf(f.Marks, func(r records.Register) string { return r.School }),
			schoolsOf(f.Summaries, func(v records.Summary) string { return v.School })...)
	})
	f.Marks = was.Marks.Where(func(school string, m records.DayMark) bool {
		return !attendance || !a.speaksOn(records.AttendanceFamily, m.Day()) || !spoken(school) ||
			a.outside(s, school, m.Day()) && !marked(s.Facts.Marks, school, m.Day())
	})
	f.Summaries = keep(was.Summaries, func(v records.Summary) bool {
		return !attendance || !a.speaksOf(records.AttendanceFamily, v.Session) || !spoken(v.School)
	})
	disciplined := a.placed(s, func(f records.Facts) []string {
		return schoolsOf(f.Incidents, func(v records.Incident) string { return v.School })
	})
	done := setOf(a, was.Incidents, s.Facts.Incidents, incidentKey)
	f.Incidents = keep(was.Incidents, func(v records.Incident) bool {
		return !a.im.Present["discipline.csv"] || !a.speaksOn(records.DisciplineFamily, v.Day) || !disciplined(v.School) ||
			a.outside(s, v.School, v.Day) && !done[incidentKey(v)]
	})
	graded := a.placed(s, func(f records.Facts) []string {
		return schoolsOf(f.Results, func(v records.Result) string { return v.Course().School })
	})
	f.Results = keep(was.Results, func(v records.Result) bool {
		c := v.Course()
		return !a.im.Present["grades.csv"] || !a.speaksOf(records.GradesFamily, c.Session) || !graded(c.School)
	})
	return f
}

// placed returns whether the files speak of the student at a school: always in
// an export of all, else where they have an enrollment or a record of the
// family there.
func (a *applier) placed(s Student, family func(records.Facts) []string) func(school string) bool {
	if a.im.Options.Snapshot == SnapshotAll {
		return func(string) bool { return true }
	}
	schools := append(family(s.Facts), schoolsOf(s.Profile.Enrollments, func(e records.Enrollment) string { return e.School })...)
	return func(school string) bool { return slices.Contains(schools, school) }
}

// schoolsOf returns the schools of records, one after another once.
func schoolsOf[T any](list []T, school func(T) string) []string {
	var schools []string
	for _, v := range list {
		if n := len(schools); n == 0 || schools[n-1] != school(v) {
			schools = append(schools, school(v))
		}
	}
	return schools
}

func keep[T any](list []T, stays func(T) bool) (kept []T) {
	for _, v := range list {
		if stays(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// unlisted adds the students who are not in the files.
func (a *applier) unlisted(next []records.Student, listed []listing) []records.Student {
	stay := func(s records.Student) {
		if isListed(listed, s.SID) {
			return
		}
		if s, stays := a.unnamed(s); stays {
			next = append(next, s)
		}
	}
	for i := range a.present.Students {
		sid := a.present.Students[i].SID
		_, gone := a.changes.Merged[sid]
		_, moved := a.merged[sid]
		if !gone && !moved {
			stay(a.present.Students[i])
		}
	}
	for _, s := range a.merged {
		stay(s)
	}
	slices.SortFunc(a.changes.Closed, records.SID.Compare)
	slices.SortFunc(a.changes.Removed, records.SID.Compare)
	return next
}

// unnamed is what the files leave of a student whom they do not name; false
// where that is nothing.
func (a *applier) unnamed(s records.Student) (_ records.Student, stays bool) {
	was := s.Enrollments
	s.Enrollments = a.enrollments(was, nil)
	if a.im.Options.Snapshot == SnapshotAll {
		f := a.kept(s, Student{})
		s.Marks, s.Summaries, s.Incidents, s.Results = f.Marks, f.Summaries, f.Incidents, f.Results
		if len(s.Enrollments) == 0 && f.Empty() {
			a.changes.Removed = append(a.changes.Removed, s.SID)
			return s, false
		}
	}
	if !slices.Equal(was, s.Enrollments) {
		a.changes.Closed = append(a.changes.Closed, s.SID)
	}
	return s, true
}

// places joins schools, sessions, calendars, coverage and public totals.
func (a *applier) places() records.Content {
	im, p := a.im, a.present
	c := records.Content{
		Schools:   union(slices.Clone(im.Schools), p.Schools, func(s records.School) string { return s.ID }),
		Totals:    union(slices.Clone(im.Totals), p.Totals, totalKey),
		Calendars: map[string]*records.Calendar{},
		Coverage:  slices.Clone(im.Coverage),
	}
	was := slices.DeleteFunc(slices.Clone(p.Sessions), func(s records.Session) bool {
		overlaps := func(y records.Session) bool { return s.Start <= y.End && y.Start <= s.End }
		return s.Type == records.SchoolYear && slices.ContainsFunc(a.years, overlaps)
	})
	c.Sessions = union(slices.Clone(im.Sessions), was, func(s records.Session) string { return s.ID })
	for _, s := range c.Schools {
		if cal := a.calendar(s.ID); cal != nil {
			c.Calendars[s.ID] = cal
		}
	}
	for _, cover := range p.Coverage {
		if !a.replaces(cover) {
			c.Coverage = append(c.Coverage, cover)
		}
	}
	slices.SortFunc(c.Coverage, func(x, y records.Coverage) int {
		return cmp.Or(cmp.Compare(x.School, y.School), cmp.Compare(x.Year, y.Year), cmp.Compare(x.Family, y.Family))
	})
	return c
}

// replaces reports whether the files speak anew of a family, school and year.
func (a *applier) replaces(c records.Coverage) bool {
	same := func(n records.Coverage) bool { return n.School == c.School && n.Year == c.Year && n.Family == c.Family }
	if slices.ContainsFunc(a.im.Coverage, same) {
		return true
	}
	file := map[records.Family]bool{
		records.AttendanceFamily: a.im.Present["attendance.csv"] || a.im.Present["attendance_summary.csv"],
		records.DisciplineFamily: a.im.Present["discipline.csv"],
		records.GradesFamily:     a.im.Present["grades.csv"],
	}
	return a.im.Options.Snapshot == SnapshotAll && file[c.Family] && a.ofYears(c.Year)
}

func (a *applier) calendar(school string) *records.Calendar {
	was, is := a.present.Calendars[school], a.im.Calendars[school]
	switch {
	case is == nil:
		return was
	case was == nil:
		return is
	}
	days := is.All()
	for _, day := range was.All() {
		if !a.inYears(day) || a.im.Options.Snapshot == SnapshotActive && !a.lists(is, day) {
			days = append(days, day)
		}
	}
	return records.NewCalendar(days)
}

// lists reports whether a calendar of the files has any day of the school year
// that holds the day.
func (a *applier) lists(c *records.Calendar, day civil.Date) bool {
	return slices.ContainsFunc(a.years, func(y records.Session) bool { return y.Holds(day) && c.Days(y.Start, y.End) > 0 })
}
