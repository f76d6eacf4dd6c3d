// Package ingest reads a district's export in the plain CSV form into
// education records, and a partner's participation files, each with a check
// report. It changes nothing: what it returns is for the broker to stage.
//
// # What a fault does
//
// A fault of a file (missing or forbidden column, text that is not CSV, a zip
// out of bounds, …) makes the whole input unusable: Read returns no Import. An
// error row stays out, a warning row goes in. An import with error rows is
// rejected as a whole (Report.Rejected, exit code 3, nothing changes) unless
// the caller accepts to go on without those rows.
package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A Snapshot says what a student or enrollment that is not in the files means.
type Snapshot string

// The two kinds of export. In SnapshotActive leavers are simply not there:
// their enrollment ends on the export date and no record is deleted. In
// SnapshotAll the files are the whole truth of the years they name.
const (
	SnapshotActive Snapshot = "active"
	SnapshotAll    Snapshot = "all"
)

// Options are what the district declares of its files; Snapshot and ExportDate
// are required.
type Options struct {
	Snapshot   Snapshot
	Marking    records.Marking // how attendance.csv lists days
	ExportDate civil.Date      // the last day the files speak of
	Scales     []records.Scale // the district's own, before the registry's
	SchoolYear Span            // where an export lists no sessions; zero: from July 1 to June 30
	Final      []string        // names of the categories of final results, where a format has such
	Degrade    bool            // a family with an error is held, instead of the whole import
	Progress   Progress        // may be nil
	Pace       Pace
	Limits     Limits
}

// declared are the options without what only watches or takes its time.
func (o Options) declared() Options {
	o.Progress, o.Pace = nil, Full
	return o
}

// Progress is told before each step of an import which it is, and how many are
// done of how many.
type Progress func(step string, done, steps int)

// say calls it, if it is there.
func (p Progress) say(step string, done, steps int) {
	if p != nil {
		p(step, done, steps)
	}
}

// Validate reports an option that is missing.
func (o Options) Validate() error {
	switch {
	case o.Snapshot != SnapshotActive && o.Snapshot != SnapshotAll:
		return fmt.Errorf("say which students the files list: --snapshot active or --snapshot all")
	case o.ExportDate.IsZero():
		return fmt.Errorf("say on which date the files were exported")
	case o.SchoolYear.To < o.SchoolYear.From:
		return fmt.Errorf("the school year ends before it begins")
	}
	return nil
}

// A Student is one student of the files. The SID is zero until Apply resolves
// it.
type Student struct {
	Profile records.Profile
	Facts   records.Facts
}

// A Merge says that the information system joined two students on a day.
type Merge struct {
	Old, New string
	Date     civil.Date
}

// An Import is what the good rows say. Two reads of the same files under the
// same options are equal.
type Import struct {
	Options   Options
	Digest    [sha256.Size]byte // of the files and of what was declared of them
	Schools   []records.School
	Sessions  []records.Session
	Calendars map[string]*records.Calendar
	Students  []Student // by student_id
	Merges    []Merge
	Totals    []records.PublicTotal
	Coverage  []records.Coverage
	Stats     Stats
	Present   map[string]bool // the files that were there, by name

	spoken map[records.Family]map[string]bool // school years of which the files say all there is
}

// ReadPath reads a folder, or a single zip file, from disk; no path is for a
// format that reads no files. The error speaks of reading only: what is wrong with the files stands in the report, and the
// Import is nil where they are unusable.
func ReadPath(name string, format Format, opt Options) (*Import, *Report, error) {
	if name == "" {
		return read(format, opt, func(l Limits, r *Report) (*Files, error) { return newFiles(l, r), nil })
	}
	return read(format, opt, func(l Limits, r *Report) (*Files, error) { return OpenFiles(name, l, r) })
}

// Read reads a folder under the contract of ReadPath.
func Read(fsys fs.FS, format Format, opt Options) (*Import, *Report, error) {
	return read(format, opt, func(l Limits, r *Report) (*Files, error) { return FilesOf(fsys, l, r) })
}

// ReadZip reads a zip of the given size under the contract of ReadPath.
func ReadZip(zip io.ReaderAt, size int64, format Format, opt Options) (*Import, *Report, error) {
	return read(format, opt, func(l Limits, r *Report) (*Files, error) { return FilesOfZip(zip, size, l, r), nil })
}

func read(format Format, opt Options, open func(Limits, *Report) (*Files, error)) (*Import, *Report, error) {
	if err := opt.Validate(); err != nil {
		return nil, nil, err
	}
	opt.Limits.Depth = max(opt.Limits.Depth, format.Depth)
	opt.Limits = opt.Limits.withDefaults()
	report := newReport()
	files, err := open(opt.Limits, report)
	if err != nil {
		return nil, nil, err
	}
	defer files.Close()
	im := newImporter(opt, report)
	if !report.Unusable() {
		im.read(files, format)
	}
	im.finish()
	im.out.Stats = im.stats()
	report.Sources = files.sources()
	im.out.Digest = files.digest(format.Name, opt)
	report.Digest = hex.EncodeToString(im.out.Digest[:])
	whole := !report.Unusable()
	if opt.Degrade {
		whole = im.holdFaulty()
	}
	report.finish()
	if !whole {
		return nil, report, nil
	}
	return im.out, report, nil
}

func (im *importer) read(files *Files, format Format) {
	if im.feed = format.Open(files, im.opt, im.report); im.feed == nil {
		return
	}
	for i, f := range forms {
		im.opt.Progress.say("checking "+f.name, i, len(forms))
		im.form(f)
	}
	im.opt.Progress.say("checked", len(forms), len(forms))
}

// An importer gathers one import, file after file.
type importer struct {
	opt      Options
	report   *Report
	out      *Import
	feed     Feed
	years    []records.Session
	schools  map[string]int32
	sessions map[string]records.Session
	students map[string]int32 // student_id, old ids of merges included -> place in out.Students
	school   []string         // by number
	days     map[string][]civil.Date
	seen     map[string]bool           // keys of rows that may stand once
	touched  map[string]map[touch]bool // by what was read

	languages sync.Map // the text of a language -> its tag
}

func newImporter(opt Options, report *Report) *importer {
	return &importer{
		opt: opt, report: report,
		out:      &Import{Options: opt.declared(), Calendars: map[string]*records.Calendar{}, Present: map[string]bool{}},
		schools:  map[string]int32{},
		sessions: map[string]records.Session{},
		students: map[string]int32{},
		days:     map[string][]civil.Date{},
		seen:     map[string]bool{},
		touched:  map[string]map[touch]bool{},
	}
}

// form reads one file of the form, if the export speaks of it.
func (im *importer) form(f form) {
	t, there := im.open(f)
	if there {
		im.out.Present[f.name] = true
	}
	if t == nil {
		return
	}
	t.pace = im.opt.Pace
	clear(im.seen)
	if !im.blind() {
		im.rows(f.name, t)
	}
	t.close()
}

func (im *importer) open(f form) (t *table, there bool) {
	im.report.family = FamilyOf(f.name)
	if p, ok := im.feed.(*plain); ok {
		return p.table(f, im.opt.Limits, im.report)
	}
	rows, there := im.feed.Rows(f.name)
	if !there {
		return nil, false
	}
	return openFeed(f, rows, im.opt.Limits, im.report), true
}

// blind reports whether one of the files that all others refer to is unusable:
// then rows are not read, since each would be in error for that reason alone.
func (im *importer) blind() bool {
	return slices.ContainsFunc(im.report.Findings, func(f Finding) bool {
		e, _ := explain(f.Rule)
		return e.fatal && (f.File == "" || slices.Contains([]string{"schools.csv", "sessions.csv", "students.csv"}, f.File))
	})
}

func (im *importer) rows(name string, t *table) {
	switch name {
	case "schools.csv":
		t.each(im.readSchool)
	case "sessions.csv":
		im.readSessions(t)
	case "students.csv":
		im.readStudents(t)
	case "enrollments.csv":
		im.readEnrollments(t)
	case "merges.csv":
		t.each(im.readMerge)
	case "calendar.csv":
		im.readCalendar(t)
	case "attendance.csv":
		im.readMarks(t)
	case "attendance_summary.csv":
		im.readSummaries(t)
	case "discipline.csv":
		t.each(im.readIncident)
	case "grades.csv":
		im.readResults(t)
	case "guardians.csv":
		im.readGuardians(t)
	case "public_totals.csv":
		t.each(im.readTotal)
	}
}

// finish sorts what was read and states what it covers.
func (im *importer) finish() {
	im.coverage()
	im.out.spoken = im.spokenYears()
	slices.SortFunc(im.out.Students, func(a, b Student) int {
		return cmp.Compare(a.Profile.Person.StudentID, b.Profile.Person.StudentID)
	})
	_ = im.opt.Pace.Each(len(im.out.Students), func(i int) error { // nothing fails
		sortFacts(&im.out.Students[i])
		return nil
	})
}

func sortFacts(s *Student) {
	all := records.Student{
		Enrollments: s.Profile.Enrollments, Marks: s.Facts.Marks, Summaries: s.Facts.Summaries,
		Incidents: s.Facts.Incidents, Results: s.Facts.Results,
	}
	all.Sort()
	slices.SortFunc(s.Profile.Guardians, func(a, b records.Guardian) int { return cmp.Compare(a.ID, b.ID) })
}

// once faults a row whose key stood before.
func (im *importer) once(r *row, column int, key string) bool {
	if im.seen[key] {
		r.fault(column, DuplicateRow, "")
		return false
	}
	im.seen[key] = true
	return true
}

// schoolOf returns a school's number and ID.
func (im *importer) schoolOf(r *row, column int) (int32, string) {
	b := r.need(column)
	if len(b) == 0 {
		return -1, ""
	}
	n, ok := im.schools[string(b)]
	if !ok {
		r.fault(column, UnknownSchool, "")
		return -1, ""
	}
	return n, im.school[n]
}

func (im *importer) sessionOf(r *row, column int) records.Session {
	b := r.need(column)
	if len(b) == 0 {
		return records.Session{}
	}
	s, ok := im.sessions[string(b)]
	if !ok {
		r.fault(column, UnknownSession, "")
	}
	return s
}

// studentOf returns the student's place in out.Students, or -1.
func (im *importer) studentOf(r *row, column int) int32 {
	b := r.need(column)
	if len(b) == 0 {
		return -1
	}
	n, ok := im.students[string(b)]
	if !ok {
		r.fault(column, UnknownStudent, "")
		return -1
	}
	return n
}

func (im *importer) idOf(student int32) string {
	return im.out.Students[student].Profile.Person.StudentID
}

// yearOf returns the school year of a day.
func (im *importer) yearOf(day civil.Date) (records.Session, bool) {
	for _, y := range slices.Backward(im.years) {
		if y.Holds(day) {
			return y, true
		}
	}
	return records.Session{}, false
}

// dated reads the day of a record: in a school year, not after the export.
func (im *importer) dated(r *row, column int) civil.Date {
	day := r.date(column)
	if day.IsZero() {
		return 0
	}
	im.checkDay(r, column, day)
	return day
}

func (im *importer) checkDay(r *row, column int, day civil.Date) {
	if day > im.opt.ExportDate {
		r.fault(column, AfterExport, "")
	} else if _, ok := im.yearOf(day); !ok {
		r.fault(column, OutsideYear, "")
	}
}

// enrolled warns where the student was not at the school on the day.
func (im *importer) enrolled(r *row, column int, student int32, school string, day civil.Date) {
	for _, e := range im.out.Students[student].Profile.Enrollments {
		if e.School == school && e.Holds(day) {
			return
		}
	}
	r.fault(column, OutsideEnrollment, "")
}
