package ingest_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// apply reads the base with some files replaced (an empty text removes one)
// and applies it.
func apply(t testing.TB, present *records.District, opt ingest.Options, replaced map[string]string) ingest.Applied {
	t.Helper()
	files := base(t, replaced)
	for name, text := range replaced {
		if text == "" {
			delete(files, name)
		}
	}
	im, report, err := ingest.Read(files, ingest.Plain(), opt)
	if err != nil || im == nil || report.Rejected(false) {
		t.Fatal(err, ingesttest.Findings(report))
	}
	return im.Apply(present, 1, ingesttest.Identities())
}

func active(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2026-06-26")}
}

// without drops the lines of a file of the base that hold a text.
func without(t testing.TB, name, text string) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(string(base(t, nil)[name].Data)) {
		if !strings.Contains(line, text) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// leaver is the base without one of its students.
func leaver(t testing.TB) map[string]string {
	files := map[string]string{}
	for _, name := range []string{"students.csv", "enrollments.csv", "attendance.csv", "discipline.csv", "grades.csv"} {
		files[name] = without(t, name, "ST-9002")
	}
	return files
}

func TestAFirstImportAddsEverything(t *testing.T) {
	t.Parallel()
	a := apply(t, nil, options(t), nil)
	want := map[string]ingest.Delta{
		"schools.csv": {Added: 2}, "sessions.csv": {Added: 3}, "students.csv": {Added: 3}, "enrollments.csv": {Added: 4},
		"calendar.csv": {Added: 5}, "attendance.csv": {Added: 3}, "attendance_summary.csv": {Added: 1}, "discipline.csv": {Added: 2},
		"grades.csv": {Added: 3}, "public_totals.csv": {Added: 2}, "merges.csv": {Added: 1},
	}
	if !reflect.DeepEqual(a.Changes.Files, want) {
		t.Errorf("%+v", a.Changes.Files)
	}
	s := a.District.Find(ingesttest.SIDOf("ST-9001"))
	if s == nil || s.Marks.Len() != 2 || len(s.Results) != 2 || len(a.Profiles) != 3 {
		t.Errorf("%+v", s)
	}
}

func TestTheSameFilesAgainChangeNothing(t *testing.T) {
	t.Parallel()
	for _, opt := range []ingest.Options{options(t), active(t)} {
		first := apply(t, nil, opt, nil)
		again := apply(t, first.District, opt, nil)
		again.Changes.Merged = nil
		for name, d := range again.Changes.Files {
			if d != (ingest.Delta{}) && name != "merges.csv" {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if !reflect.DeepEqual(first.District.Students, again.District.Students) || !reflect.DeepEqual(first.District.Coverage, again.District.Coverage) {
			t.Error("the district changed")
		}
	}
}

func TestALeaverKeepsEveryRecordUnderAnActiveExport(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, active(t), nil)
	second := apply(t, first.District, active(t), leaver(t))
	was, is := first.District.Find(ingesttest.SIDOf("ST-9002")), second.District.Find(ingesttest.SIDOf("ST-9002"))
	if is == nil || !reflect.DeepEqual(was.Marks, is.Marks) || !reflect.DeepEqual(was.Incidents, is.Incidents) {
		t.Fatalf("%+v", is)
	}
	if got := is.Enrollments[1].Exit; got != ingesttest.Date(t, "2026-06-26") {
		t.Errorf("the enrollment ends on %s", got)
	}
	if !slices.Equal(second.Changes.Closed, []records.SID{ingesttest.SIDOf("ST-9002")}) || second.Changes.Files["enrollments.csv"] != (ingest.Delta{Changed: 1}) {
		t.Errorf("%+v", second.Changes)
	}
}

func TestALeaverGoesUnderAnExportOfAll(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, options(t), nil)
	second := apply(t, first.District, options(t), leaver(t))
	if second.District.Find(ingesttest.SIDOf("ST-9002")) != nil || !slices.Equal(second.Changes.Removed, []records.SID{ingesttest.SIDOf("ST-9002")}) {
		t.Error("a student who is in no file is still there")
	}
	want := map[string]ingest.Delta{"students.csv": {Removed: 1}, "enrollments.csv": {Removed: 2}, "attendance.csv": {Removed: 1}, "discipline.csv": {Removed: 2}}
	for name, d := range want {
		if second.Changes.Files[name] != d {
			t.Errorf("%s: %+v", name, second.Changes.Files[name])
		}
	}
	if first.District.Find(ingesttest.SIDOf("ST-9002")) == nil {
		t.Error("the present version was changed")
	}
}

// nextYear is the base, a school year later, for one student.
var nextYear = map[string]string{
	"sessions.csv":           "session_id,title,type,start,end,parent\nN,Next,schoolYear,2026-09-01,2027-06-30,\n",
	"students.csv":           "student_id,given_name,family_name,birthdate\nST-9001,Wilhelmina,Quillfeather,2014-03-04\n",
	"enrollments.csv":        "student_id,school_id,entry\nST-9001,B,2026-09-01\n",
	"calendar.csv":           "school_id,date,instructional\nB,2026-09-01,yes\n",
	"attendance.csv":         "student_id,school_id,date,code\nST-9001,B,2026-09-01,absent_excused\n",
	"grades.csv":             "student_id,school_id,session_id,course,value,scale\nST-9001,B,N,Reading,77,0-100\n",
	"attendance_summary.csv": "", "discipline.csv": "", "guardians.csv": "", "public_totals.csv": "", "merges.csv": "",
}

func TestANewYearKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	for _, opt := range []ingest.Options{options(t), active(t)} {
		first := apply(t, nil, opt, nil)
		opt.ExportDate = ingesttest.Date(t, "2026-10-01")
		second := apply(t, first.District, opt, nextYear)
		s := second.District.Find(ingesttest.SIDOf("ST-9001"))
		if s == nil || s.Marks.Len() != 3 || len(s.Results) != 3 {
			t.Fatalf("%s: %+v", opt.Snapshot, s)
		}
		if len(s.Enrollments) != 2 || s.Enrollments[0].Exit != ingesttest.Date(t, "2026-08-31") {
			t.Errorf("%s: %+v", opt.Snapshot, s.Enrollments)
		}
		if len(second.District.Students) != 3 || len(second.District.Sessions) != 4 || second.District.Calendars["B"].Days(1, 1<<30) != 3 {
			t.Errorf("%s: %d students", opt.Snapshot, len(second.District.Students))
		}
		if _, ok := second.District.Covered(records.DisciplineFamily, "A", "Y"); !ok {
			t.Error("the old year's discipline is no longer reported")
		}
		if _, ok := second.District.Covered(records.DisciplineFamily, "B", "N"); ok {
			t.Error("a year without a discipline file reports discipline")
		}
	}
}

func TestAStayThatIsListedAnewKeepsItsEarlierYears(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, options(t), nil)
	opt := active(t)
	opt.ExportDate = ingesttest.Date(t, "2026-10-01")
	files := maps.Clone(nextYear)
	files["enrollments.csv"] = "student_id,school_id,entry\nST-9001,A,2026-09-01\n"
	second := apply(t, first.District, opt, files)
	s := second.District.Find(ingesttest.SIDOf("ST-9001"))
	if len(s.Enrollments) != 2 || s.Enrollments[0].Entry != ingesttest.Date(t, "2025-09-01") || s.Enrollments[0].Exit != ingesttest.Date(t, "2026-08-31") {
		t.Errorf("%+v", s.Enrollments)
	}
}

func TestAFamilyWithoutAFileKeepsItsRecords(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, options(t), nil)
	second := apply(t, first.District, options(t), map[string]string{
		"grades.csv": "", "discipline.csv": "",
		"attendance.csv": "student_id,school_id,date,code\nST-9001,A,2025-09-01,present\n",
	})
	s := second.District.Find(ingesttest.SIDOf("ST-9001"))
	if len(s.Results) != 2 || s.Marks.Len() != 1 || s.Marks[0].Days[0].Code() != records.Present {
		t.Errorf("%+v", s)
	}
	want := ingest.Delta{Changed: 1, Removed: 2}
	if got := second.Changes.Files["attendance.csv"]; got != want {
		t.Errorf("%+v", got)
	}
}

func TestATransferUnderAnActiveExportEndsTheFirstStay(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, active(t), nil)
	second := apply(t, first.District, active(t), map[string]string{
		"enrollments.csv": strings.Replace(string(base(t, nil)["enrollments.csv"].Data), "ST-9001,A,2025-09-01", "ST-9001,B,2026-03-02", 1),
		"attendance.csv":  "student_id,school_id,date,code\n",
	})
	s := second.District.Find(ingesttest.SIDOf("ST-9001"))
	if len(s.Enrollments) != 2 || s.Enrollments[0].Exit != ingesttest.Date(t, "2026-03-01") || s.Marks.Len() != 2 {
		t.Errorf("%+v", s)
	}
}

func TestMergedStudentsBecomeOne(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, options(t), nil)
	files := map[string]string{
		"merges.csv":      "old_student_id,new_student_id,date\n0042,ST-9001,2026-05-01\nST-7000,ST-9001,2026-05-01\n",
		"students.csv":    without(t, "students.csv", "0042"),
		"enrollments.csv": without(t, "enrollments.csv", "0042"),
		"grades.csv":      "", "attendance_summary.csv": "", "attendance.csv": "",
	}
	second := apply(t, first.District, options(t), files)
	if second.District.Find(ingesttest.SIDOf("0042")) != nil || second.Changes.Merged[ingesttest.SIDOf("0042")] != ingesttest.SIDOf("ST-9001") {
		t.Error("the merged student is still there")
	}
	s := second.District.Find(ingesttest.SIDOf("ST-9001"))
	if len(s.Results) != 3 || len(s.Summaries) != 1 || s.Marks.Len() != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAChangedNameIsCounted(t *testing.T) {
	t.Parallel()
	first := apply(t, nil, options(t), nil)
	profiles := map[records.SID]records.Profile{}
	for _, p := range first.Profiles {
		profiles[p.SID] = p
	}
	files := base(t, map[string]string{
		"students.csv":  strings.Replace(string(base(t, nil)["students.csv"].Data), "Barnaby", "Bartholomew", 1),
		"guardians.csv": strings.Replace(string(base(t, nil)["guardians.csv"].Data), "555-0100", "555-0199", 1),
	})
	im, _ := read(t, files)
	ids := ingesttest.Identities()
	ids.Known = func(sid records.SID) (records.Profile, bool) { p, ok := profiles[sid]; return p, ok }
	a := im.Apply(first.District, 2, ids)
	one := ingest.Delta{Changed: 1}
	if a.Changes.Files["students.csv"] != one || a.Changes.Files["guardians.csv"] != one || a.District.Version != 2 {
		t.Errorf("%+v", a.Changes.Files)
	}
}

func TestCoverageSaysWhatWasReported(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.ExportDate = ingesttest.Date(t, "2026-02-10")
	d := apply(t, nil, opt, map[string]string{"discipline.csv": "student_id,school_id,date,incident_type,action\n"}).District
	daily, ok := d.Covered(records.AttendanceFamily, "A", "Y")
	if !ok || !daily.Daily || daily.To != ingesttest.Date(t, "2026-02-10") || daily.Marking != records.Exceptions {
		t.Errorf("%+v", daily)
	}
	totals, ok := d.Covered(records.AttendanceFamily, "B", "Y")
	if !ok || totals.Daily {
		t.Errorf("%+v", totals)
	}
	if _, ok := d.Covered(records.DisciplineFamily, "B", "Y"); !ok {
		t.Error("a discipline file without a row reports nothing")
	}
	without := apply(t, nil, opt, map[string]string{"discipline.csv": ""}).District
	if _, ok := without.Covered(records.DisciplineFamily, "B", "Y"); ok {
		t.Error("discipline is reported without a file")
	}
}

func TestImportsNeedTheirDeclarations(t *testing.T) {
	t.Parallel()
	for _, opt := range []ingest.Options{{}, {Snapshot: "some", ExportDate: civil.Date(1)}, {Snapshot: ingest.SnapshotAll}} {
		if _, _, err := ingest.Read(base(t, nil), ingest.Plain(), opt); err == nil {
			t.Errorf("%+v was accepted", opt)
		}
	}
}
