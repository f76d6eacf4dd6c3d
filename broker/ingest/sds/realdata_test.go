package sds_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/sds"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// raw reads a file of the samples without this package.
func raw(t *testing.T, dir, name string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		list = append(list, m)
	}
	return list
}

func readReal(t *testing.T, dir, export string) (*ingest.Import, *ingest.Report) {
	t.Helper()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, export)}
	im, report, err := ingest.ReadPath(dir, sds.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if im == nil || report.Rejected(false) {
		t.Fatalf("%+v", report.Groups)
	}
	again, _, err := ingest.ReadPath(dir, sds.Format(), opt)
	if err != nil || !reflect.DeepEqual(im, again) {
		t.Error("the same files were read as two imports", err)
	}
	if d := im.Apply(nil, 1, ingesttest.Identities()).District; len(d.Students) != len(im.Students) {
		t.Errorf("%d students of %d were stored", len(d.Students), len(im.Students))
	}
	for _, password := range []string{"P@ssword", "P@ssw0rd"} {
		if strings.Contains(fmt.Sprintf("%+v", im), password) {
			t.Error("a password came in")
		}
	}
	return im, report
}

func dropped(report *ingest.Report) (n int) {
	for _, f := range report.Findings {
		if f.Rule == ingest.DroppedColumn {
			n++
		}
	}
	return n
}

func TestTheV1SampleComesInWhole(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "sds-csv/v1-100users")
	im, report := readReal(t, dir, "2018-06-30")
	rows := raw(t, dir, "Student.csv")
	if len(im.Students) != len(rows) || len(rows) != 86 || len(im.Schools) != len(raw(t, dir, "School.csv")) || len(im.Schools) != 2 {
		t.Fatalf("%d students of %d, %d schools", len(im.Students), len(rows), len(im.Schools))
	}
	for _, row := range rows {
		i := find(im, row["SIS ID"])
		p := im.Students[i].Profile
		b := p.Birth.Time()
		if birth := fmt.Sprintf("%d/%d/%d", b.Month(), b.Day(), b.Year()); birth != row["Birthdate"] || len(p.Enrollments) != 1 {
			t.Fatalf("a student born %v with %d stays", p.Birth, len(p.Enrollments))
		}
		if e := p.Enrollments[0]; e.School != row["School SIS ID"] || e.Grade != row["Grade"] || e.Entry != ingesttest.Date(t, "2017-07-01") || !e.Exit.IsZero() {
			t.Fatalf("%+v", e)
		}
	}
	if len(im.Sessions) != 1 || im.Sessions[0].Type != records.SchoolYear || dropped(report) != 1 {
		t.Errorf("%+v, %d columns dropped", im.Sessions, dropped(report))
	}
}

func find(im *ingest.Import, id string) int {
	for i, s := range im.Students {
		if s.Profile.Person.StudentID == id {
			return i
		}
	}
	return -1
}

func TestTheV2SampleComesInWhole(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "sds-csv/v2")
	im, report := readReal(t, dir, "2021-10-01")
	students := 0
	for _, row := range raw(t, dir, "users.csv") {
		if !strings.EqualFold(row["role"], "student") {
			continue
		}
		students++
		p := im.Students[find(im, row["sourcedId"])].Profile
		if len(p.Enrollments) != 1 || p.Enrollments[0].School != row["orgSourcedIds"] || p.Enrollments[0].Grade != row["grade"] {
			t.Errorf("%+v", p.Enrollments)
		}
	}
	if students != 22 || len(im.Students) != students || len(im.Schools) != 3 || dropped(report) != 1 {
		t.Errorf("%d of %d students, %d schools", len(im.Students), students, len(im.Schools))
	}
	if im.Present["guardians.csv"] || im.Sessions[0].ID != "2021-22" {
		t.Errorf("%+v", im.Sessions)
	}
}

func TestTheV21SampleComesInWhole(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "sds-csv/v2.1")
	im, _ := readReal(t, dir, "2022-06-30")
	students := map[string]bool{}
	for _, row := range raw(t, dir, "roles.csv") {
		if row["role"] == "student" {
			students[row["userSourcedId"]] = true
		}
	}
	if len(im.Students) != len(students) || len(students) != 4 || len(im.Schools) != 2 || len(im.Sessions) != 2 {
		t.Fatalf("%d of %d students, %d schools, %d sessions", len(im.Students), len(students), len(im.Schools), len(im.Sessions))
	}
	rights, guardians := 0, 0
	for _, s := range im.Students {
		for _, g := range s.Profile.Guardians {
			guardians++
			if g.HoldsRights {
				rights++
			}
			if g.Email == "" || g.Phone == "" || g.Given == "" {
				t.Errorf("a guardian without an address: %+v", g.Relation)
			}
		}
	}
	if guardians != len(raw(t, dir, "relationships.csv")) || guardians != 3 || rights != 2 {
		t.Errorf("%d guardians, %d with rights", guardians, rights)
	}
	special, lunch, births := 0, 0, 0
	for _, s := range im.Students {
		special += boolInt(s.Profile.SpecialEducation == records.Yes)
		lunch += boolInt(s.Profile.EconomicallyDisadvantaged == records.Yes)
		births += boolInt(!s.Profile.Birth.IsZero())
	}
	if special != 1 || lunch != 1 || births != 4 {
		t.Errorf("%d, %d, %d", special, lunch, births)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
