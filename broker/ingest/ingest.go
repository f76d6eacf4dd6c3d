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
	"maps"
	"slices"

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
	Limits     Limits
}

// Validate reports an option that is missing.
func (o Options) Validate() error {
	switch {
	case o.Snapshot != SnapshotActive && o.Snapshot != SnapshotAll:
		return fmt.Errorf("say which students the files list: --snapshot active or --snapshot all")
	case o.ExportDate.IsZero():
		return fmt.Errorf("say on which date the files were exported")
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
	Present   map[string]bool // the files that were there, by name
}

// Read reads the files of a folder. The error speaks of reading only: what is
// wrong with the files stands in the report, and the Import is nil where they
// are unusable.
func Read(fsys fs.FS, opt Options) (*Import, *Report, error) {
	if err := opt.Validate(); err != nil {
		return nil, nil, err
	}
	opt.Limits = opt.Limits.withDefaults()
	report := newReport()
	src, err := folder(fsys, opt.Limits, report)
	if err != nil {
		return nil, nil, err
	}
	return read(src, opt, report)
}

// ReadZip reads the files of a zip of the given size, under the same contract.
func ReadZip(r io.ReaderAt, size int64, opt Options) (*Import, *Report, error) {
	if err := opt.Validate(); err != nil {
		return nil, nil, err
	}
	opt.Limits = opt.Limits.withDefaults()
	report := newReport()
	return read(archive(r, size, opt.Limits, report), opt, report)
}

func read(src source, opt Options, report *Report) (*Import, *Report, error) {
	digest := make(chan [sha256.Size]byte, 1)
	go func() { digest <- src.digest(opt) }()
	im := newImporter(opt, report)
	for _, f := range forms {
		if !src.refused {
			im.file(f, src)
		}
	}
	im.finish()
	im.out.Digest = <-digest
	report.Digest = hex.EncodeToString(im.out.Digest[:])
	report.finish()
	if report.Unusable() {
		return nil, report, nil
	}
	return im.out, report, nil
}

// digest hashes the declared options and each file's name and SHA-256.
func (s source) digest(opt Options) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "hallpass plain csv v1\n%s %s %s\n", opt.Snapshot, opt.Marking, opt.ExportDate)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(s.files[name]))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// An importer gathers one import, file after file.
type importer struct {
	opt      Options
	report   *Report
	out      *Import
	years    []records.Session
	schools  map[string]int32
	sessions map[string]records.Session
	students map[string]int32 // student_id, old ids of merges included -> place in out.Students
	school   []string         // by number
	days     map[string][]civil.Date
	seen     map[string]bool           // keys of rows that may stand once
	touched  map[string]map[touch]bool // by what was read
}

func newImporter(opt Options, report *Report) *importer {
	return &importer{
		opt: opt, report: report,
		out:      &Import{Options: opt, Calendars: map[string]*records.Calendar{}, Present: map[string]bool{}},
		schools:  map[string]int32{},
		sessions: map[string]records.Session{},
		students: map[string]int32{},
		days:     map[string][]civil.Date{},
		seen:     map[string]bool{},
		touched:  map[string]map[touch]bool{},
	}
}

// file reads one file of the form, if it is there.
func (im *importer) file(f form, src source) {
	data, there := src.files[f.name]
	if !there {
		if f.required {
			im.report.add(f.name, 0, "", MissingFile, "")
		}
		return
	}
	im.out.Present[f.name] = true
	t := openTable(f, data, im.opt.Limits, im.report)
	if t == nil {
		return
	}
	clear(im.seen)
	if !im.blind() {
		im.rows(f.name, t)
	}
	t.close()
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
		t.each(im.readStudent)
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
		t.each(im.readResult)
	case "guardians.csv":
		t.each(im.readGuardian)
	case "public_totals.csv":
		t.each(im.readTotal)
	}
}

// finish sorts what was read and states what it covers.
func (im *importer) finish() {
	im.coverage()
	slices.SortFunc(im.out.Students, func(a, b Student) int {
		return cmp.Compare(a.Profile.Person.StudentID, b.Profile.Person.StudentID)
	})
	for i := range im.out.Students {
		s := &im.out.Students[i]
		sortFacts(s)
	}
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
