package mapping_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// suggest writes files to disk and looks at them.
func suggest(t *testing.T, files map[string]string) (*mapping.Suggestion, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, _, err := mapping.SuggestPath(dir, ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mapping.Parse(s.YAML); err != nil {
		t.Fatalf("%v\n%s", err, s.YAML)
	}
	return s, dir
}

// foreign is an export in the words of no standard.
func foreign() map[string]string {
	return map[string]string{
		"Campuses.csv": "Campus ID,Campus Name\n01,Alder\n02,Birch\n",
		"Terms.csv":    "Term ID,Term Name,Start Date,End Date,Type\nY25,Year,08/18/2025,06/19/2026,Full Year\n",
		"Pupils.csv": "Pupil Number,Last Name,First Name,DOB,Gender,ELL,Lunch Status,Campus ID,Enroll Date,Grade,SSN\n" +
			"0011,Quillfeather,Wilhelmina,03/04/2014,F,Y,Free,01,08/18/2025,5,SECRETVALUE\n" +
			"0012,Thistlewood,Xiomara,12/31/2013,F,N,Paid,02,08/25/2025,6,SECRETVALUE\n",
		"Calendar.csv":  "Campus ID,Date,In Session\n01,2025-09-01,1\n01,2025-09-02,1\n02,2025-09-01,1\n02,2025-09-06,0\n",
		"Absences.csv":  "Student ID;Date;Attendance Code\n0011;2025-09-01;UX\n0011;2025-09-02;T\n0012;2025-09-01;E\n",
		"Behavior.csv":  "Student Number,Incident Date,Offense,Consequence\n0011,2025-09-02,Fighting,ISS\n",
		"Grades.csv":    "Student ID,Term ID,Course Name,Final Grade\n0011,Y25,Botany,88\n0012,Y25,Choir,91\n",
		"Contacts.csv":  "Student ID,Contact ID,First Name,Last Name,Relationship\n0011,C1,Philippa,Quillfeather,Mother\n0011,C2,Theo,Thistlewood,Uncle\n",
		"Cafeteria.csv": "0011,SECRETVALUE,3\n",
	}
}

func TestAFirstMappingImportsOnceItsChecksAreMade(t *testing.T) {
	t.Parallel()
	s, dir := suggest(t, foreign())
	if !bytes.Contains(s.YAML, []byte("\"UX\": keep # check: 1 times, not known")) {
		t.Fatalf("%s", s.YAML)
	}
	text := strings.Replace(string(s.YAML), "\"UX\": keep", "\"UX\": absent_unexcused", 1)
	im, report, err := ingest.ReadPath(dir, parse(t, text).Format(), options(t))
	if err != nil || im == nil || report.Errors() > 0 {
		t.Fatalf("%v %v\n%s", err, ingesttest.Findings(report), s.YAML)
	}
	if len(im.Schools) != 2 || len(im.Sessions) != 1 || len(im.Students) != 2 || im.Sessions[0].Start != ingesttest.Date(t, "2025-08-18") {
		t.Errorf("%d schools, %d students, %+v", len(im.Schools), len(im.Students), im.Sessions)
	}
	first := im.Students[0]
	p, f := first.Profile, first.Facts
	if p.Person.StudentID != "0011" || p.Birth != ingesttest.Date(t, "2014-03-04") || p.EnglishLearner != records.Yes || p.EconomicallyDisadvantaged != records.Yes {
		t.Errorf("%+v", p)
	}
	if f.Marks.Len() != 2 || f.Marks[0].School != "01" || len(f.Incidents) != 1 || len(f.Results) != 1 || f.Results[0].Course().Scale != "0-100" {
		t.Errorf("%+v", f)
	}
	if g := p.Guardians; len(g) != 2 || !g[0].HoldsRights || g[1].HoldsRights {
		t.Errorf("%+v", g)
	}
	if count(report, ingest.DroppedColumn) != 1 {
		t.Error(ingesttest.Findings(report))
	}
}

func TestAFirstMappingNamesNobody(t *testing.T) {
	t.Parallel()
	s, _ := suggest(t, foreign())
	var preview bytes.Buffer
	if err := s.Write(&preview); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"SECRETVALUE", "Quillfeather", "Wilhelmina", "0011", "Philippa", "C1"} {
		if bytes.Contains(s.YAML, []byte(secret)) || strings.Contains(preview.String(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	if !strings.Contains(preview.String(), "12/31/2013") || !strings.Contains(preview.String(), "month-day-year: 1 have a second number over 12") {
		t.Errorf("%s", preview.String())
	}
}

func TestTheOrderOfDayAndMonthIsNeverGuessed(t *testing.T) {
	t.Parallel()
	files := foreign()
	files["Pupils.csv"] = strings.ReplaceAll(files["Pupils.csv"], "12/31/2013", "03/05/2013")
	s, dir := suggest(t, files)
	if !bytes.Contains(s.YAML, []byte("# birthdate: ambiguous: say which comes first")) || bytes.Contains(s.YAML, []byte("\n        birthdate: month")) {
		t.Errorf("%s", s.YAML)
	}
	found := false
	for _, d := range s.Dates {
		found = found || d.Ambiguous && d.Plain == "students.csv birthdate" && d.Slashed == 2 && d.Format == ""
	}
	_, report, err := ingest.ReadPath(dir, parse(t, string(s.YAML)).Format(), options(t))
	if err != nil || !found || count(report, ingest.AmbiguousDate) != 2 {
		t.Errorf("%v %+v %v", err, s.Dates, ingesttest.Findings(report))
	}
}

func TestASignInSheetIsKnownByItsDates(t *testing.T) {
	t.Parallel()
	s, dir := suggest(t, map[string]string{"signin.csv": strings.ReplaceAll(strings.Replace(club, "No,Name", "Participant ID,Participant Name", 1), "School", "School ID")})
	p, report, err := parse(t, string(s.YAML)).ReadParticipation(dir, ingest.Limits{})
	if err != nil || p == nil || len(p.Places) != 3 || count(report, ingest.UnknownCode) != 1 || count(report, ingest.AmbiguousDate) != 2 {
		t.Errorf("%v\n%s", err, s.YAML)
	}
}

func TestTheSheetsOfAWorkbookAreKnownByTheirColumns(t *testing.T) {
	t.Parallel()
	data := book(t, "Students", [][]any{
		{"District export"},
		{"Student ID", "First Name", "Last Name", "DOB", "School ID"},
		{"S1", "Wilhelmina", "Quillfeather", day(t, "2014-03-04"), "A"},
	}, func(f *excelize.File) {
		if _, err := f.NewSheet("Schools"); err != nil {
			t.Fatal(err)
		}
		for i, row := range [][]any{{"School ID", "School Name"}, {"A", "Alder"}} {
			if err := f.SetSheetRow("Schools", fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	})
	s, dir := suggest(t, map[string]string{"export.xlsx": string(data)})
	im, report, err := ingest.ReadPath(dir, parse(t, string(s.YAML)).Format(), options(t))
	if err != nil || im == nil || report.Errors() > 0 || len(im.Students) != 1 || im.Students[0].Profile.Birth != ingesttest.Date(t, "2014-03-04") {
		t.Errorf("%v %v\n%s", err, ingesttest.Findings(report), s.YAML)
	}
}

func TestThePlainFormIsSuggestedAsItself(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "uci-por")
	s, _, err := mapping.SuggestPath(dir, ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2006-06-30")}
	im, report, err := ingest.ReadPath(dir, parse(t, string(s.YAML)).Format(), opt)
	if err != nil || im == nil || report.Errors() > 0 {
		t.Fatal(err, report.Groups)
	}
	want, _, err := ingest.ReadPath(dir, ingest.Plain(), opt)
	if err != nil || len(im.Students) != len(want.Students) || len(im.Students) != 649 {
		t.Fatal(err, len(im.Students))
	}
	if got := len(im.Students[7].Facts.Results); got != len(want.Students[7].Facts.Results) {
		t.Errorf("%d results", got)
	}
}

func TestContosoIsRecognisedAsFarAsItsNamesGo(t *testing.T) {
	t.Parallel()
	s, _, err := mapping.SuggestPath(ingesttest.Shared(t, "contoso-sis"), ingest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mapping.Parse(s.YAML); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"student_id: \"SIS ID\"", "\"A\": absent_unexcused # check: 1285 times", "\"1\": yes # check: 157 times",
		"# birthdate: ambiguous", "must never come in and is dropped: columns 4", "no header that is known",
	} {
		if !bytes.Contains(s.YAML, []byte(want)) {
			t.Errorf("no %s in\n%s", want, s.YAML)
		}
	}
	for _, secret := range []string{"albertibarra", "st1\"", "Gallagher", "edp_"} {
		if bytes.Contains(s.YAML, []byte(secret)) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestNothingIsSuggestedOfNothing(t *testing.T) {
	t.Parallel()
	s, _ := suggest(t, map[string]string{"a.csv": "", "b.csv": "SECRETVALUE,1\n", "c.xlsx": "SECRETVALUE"})
	if bytes.Contains(s.YAML, []byte("SECRETVALUE")) || len(s.Missing) != 4 {
		t.Errorf("%v\n%s", s.Missing, s.YAML)
	}
}

func FuzzSuggest(f *testing.F) {
	for name, text := range foreign() {
		f.Add(name, []byte(text))
	}
	f.Add("signin.csv", []byte(club))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if name = filepath.Base(name); len(name) > 40 || strings.ContainsAny(name, "\x00/\\") || name == "." || name == ".." {
			return
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return // a name that is none
		}
		s, _, err := mapping.SuggestPath(dir, ingest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mapping.Parse(s.YAML); err != nil {
			t.Errorf("%v\n%s", err, s.YAML)
		}
	})
}
