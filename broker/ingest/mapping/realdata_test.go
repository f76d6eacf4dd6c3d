package mapping_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// raw reads a file of the samples without this package, headers that are
// repeated left out.
func raw(t *testing.T, dir, name string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		if row[0] == rows[0][0] {
			continue
		}
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		list = append(list, m)
	}
	return list
}

func example(t *testing.T, name string) *mapping.Mapping {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func readReal(t *testing.T, m *mapping.Mapping, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.ReadPath(ingesttest.Shared(t, "contoso-sis"), m.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if im == nil || report.Rejected(false) {
		t.Fatalf("%+v", report.Groups)
	}
	if d := im.Apply(nil, 1, ingesttest.Identities()).District; len(d.Students) != len(im.Students) {
		t.Errorf("%d students of %d were stored", len(d.Students), len(im.Students))
	}
	return im, report
}

func count(report *ingest.Report, rule ingest.Rule) (n int) {
	for _, g := range report.Groups {
		if g.Rule == rule {
			n += g.Count
		}
	}
	return n
}

func TestContosoComesInByItsExample(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "contoso-sis")
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2021-06-30")}
	im, report := readReal(t, example(t, "contoso.yaml"), opt)
	students, marks := raw(t, dir, "students.csv"), raw(t, dir, "studentsectionmark.csv")
	want := map[string]string{}
	for _, row := range students {
		want[row["SIS ID"]] = row["First Name"] + " " + row["Last Name"] + " " + row["School SIS ID"] + " " + row["Grade"] + " " + row["LowIncome"]
	}
	results, at := map[string]string{}, map[string]int{}
	for _, s := range im.Students {
		p := s.Profile
		e := p.Enrollments[0]
		poor := map[records.Flag]string{records.Yes: "1", records.No: "0"}[p.EconomicallyDisadvantaged]
		if got := p.Person.Given + " " + p.Person.Family + " " + e.School + " " + e.Grade + " " + poor; got != want[p.Person.StudentID] || p.Birth != ingesttest.Date(t, "2004-04-02") {
			t.Fatalf("a student was read otherwise, born %v", p.Birth)
		}
		at[e.School]++
		if len(s.Facts.Results) != 12 {
			t.Fatalf("%d results", len(s.Facts.Results))
		}
		for _, r := range s.Facts.Results {
			results[p.Person.StudentID+" "+r.Course().Name+" "+r.Course().Session] = fmt.Sprint(r.Value/100, " ", r.Course().Scale)
		}
	}
	for _, row := range marks {
		key := row["student_id"] + " " + row["section_id"] + " " + row["term_id"]
		if results[key] != row["numeric_grade_earned"]+" 55-110" {
			t.Fatalf("a mark is %s", results[key])
		}
	}
	if len(im.Students) != 400 || len(students) != 400 || len(marks) != 4800 || len(results) != 4800 || len(im.Schools) != 4 || len(im.Sessions) != 9 {
		t.Errorf("%d students, %d marks, %d results, %d schools", len(im.Students), len(marks), len(results), len(im.Schools))
	}
	for school, n := range at {
		if n != 100 {
			t.Errorf("%s has %d", school, n)
		}
	}
	if count(report, ingest.RepeatedHeader) != 3 || count(report, ingest.DroppedColumn) != 1 || report.Errors() != 0 {
		t.Errorf("%v", ingesttest.Findings(report))
	}
	all := fmt.Sprintf("%+v", im)
	for _, row := range students {
		if strings.Contains(all, row["Password"]) || strings.Contains(all, row["Secondary Email"]) {
			t.Fatal("a forbidden value came in")
		}
	}
}

func TestTheContosoRegisterComesInByItsExample(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "contoso-sis")
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2022-01-28"), Marking: records.EveryDay}
	im, report := readReal(t, example(t, "contoso-register.yaml"), opt)
	want := map[string]bool{}
	for _, row := range raw(t, dir, "register-studentattendance.csv") {
		want[row["student_id"]+" "+row["attendance_date"]] = row["AttendanceCode"] == "A"
	}
	marks, absent := 0, 0
	for _, s := range im.Students {
		for _, m := range s.Facts.Marks.All() {
			marks++
			away := m.Code() == records.AbsentUnexcused
			if away {
				absent++
			}
			if was, there := want[s.Profile.Person.StudentID+" "+m.Day().String()]; !there || was != away {
				t.Fatal("a mark was read otherwise")
			}
		}
		if s.Facts.Marks.Len() != 20 || len(s.Profile.Enrollments) != 1 {
			t.Fatalf("%d marks, %d stays", s.Facts.Marks.Len(), len(s.Profile.Enrollments))
		}
	}
	if len(im.Students) != 600 || len(im.Schools) != 5 || marks != len(want) || marks != 12_000 || absent != 1285 {
		t.Errorf("%d students, %d schools, %d marks, %d absences", len(im.Students), len(im.Schools), marks, absent)
	}
	if report.Errors() != 0 || count(report, ingest.NoBirthDate) != 600 {
		t.Errorf("%v", report.Groups)
	}
}
