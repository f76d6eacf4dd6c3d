package oneroster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/oneroster"
)

// set returns the files of a txtar file, in a folder.
func set(t testing.TB, archive, folder string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[folder+f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

func base(t testing.TB) fstest.MapFS { return set(t, "testdata/base.txtar", "") }

// withDelta is the base and the month after it, each in its folder.
func withDelta(t testing.TB) fstest.MapFS {
	files := set(t, "testdata/base.txtar", "2025-11/")
	for name, f := range set(t, "testdata/delta.txtar", "2025-12/") {
		files[name] = f
	}
	return files
}

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2025-12-02")}
}

func read(t testing.TB, files fstest.MapFS, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, oneroster.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	for _, f := range report.Findings {
		if f.File == "" && f.Rule != ingest.NotThisFormat && f.Rule != ingest.TooManyFiles && f.Rule != ingest.BadZip {
			t.Errorf("a finding without a place: %+v", f)
		}
	}
	return im, report
}

// secrets are values of the sets, and what tests plant in them.
var secrets = []string{
	"SECRETVALUE", "hunter", "Quillfeather", "Thistlewood", "Wilhelmina", "Philippa", "Alder", "stu-", "par-1", "sch-1",
	"2015-03-04", "philippa@", "555-0100", "93.345",
}

// students are the people of an import as one line each: id, names, birth date,
// sex, race; then their stays, results and guardians.
func students(im *ingest.Import) []string {
	var lines []string
	for _, s := range im.Students {
		p := s.Profile
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s %s", p.Person.StudentID, p.Person.Given, p.Person.Family, p.Birth, p.Sex, p.RaceEthnicity))
		for _, e := range p.Enrollments {
			lines = append(lines, fmt.Sprintf("  at %s %s..%s grade %s %s", e.School, e.Entry, e.Exit, e.Grade, map[bool]string{true: "primary", false: "also"}[e.Primary]))
		}
		for _, r := range s.Facts.Results {
			lines = append(lines, fmt.Sprintf("  result %s %s %s %d of %s", r.Course().School, r.Course().Session, r.Course().Name, r.Value, r.Course().Scale))
		}
		for _, g := range p.Guardians {
			lines = append(lines, fmt.Sprintf("  guardian %s %s %s %s %s rights %v %s %s", g.ID, g.Given, g.Family, g.Relation, g.Capacity, g.HoldsRights, g.Email, g.Phone))
		}
	}
	return lines
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// lines are the lines of a text that are not empty.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

func formatUnderTest() ingest.Format { return oneroster.Format() }

func withoutManifest(t testing.TB) fstest.MapFS {
	files := base(t)
	delete(files, "manifest.csv")
	return files
}

func number(n int) string { return fmt.Sprint(n) }
