package edfi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
)

// base returns the files of an archive below testdata, with some replaced; an
// empty text takes a file away.
func base(t testing.TB, name string, replaced map[string]string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile("testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	for name, text := range replaced {
		files[name] = &fstest.MapFile{Data: []byte(text)}
		if text == "" {
			delete(files, name)
		}
	}
	return files
}

func formatOf(name string) ingest.Format {
	if strings.HasPrefix(name, "json") {
		return edfi.JSON()
	}
	return edfi.XML()
}

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: date(t, "2026-06-26")}
}

func read(t testing.TB, files fstest.MapFS, format ingest.Format, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, format, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report)
	return im, report
}

// checkReport holds every report to the contract: every finding has a remedy,
// nobody is named.
func checkReport(t testing.TB, report *ingest.Report) {
	t.Helper()
	for _, f := range report.Findings {
		if f.What == "" || f.Remedy == "" || f.Rule == "" {
			t.Errorf("a finding without a remedy: %+v", f)
		}
	}
	var text bytes.Buffer
	if err := report.Write(&text); err != nil {
		t.Fatal(err)
	}
	shown := *report
	shown.Digest, shown.Sources = "", nil // a digest may hold any digits
	asJSON, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{
		"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "0042", "604822", "2010-03-04", "maude@", "Maude",
	} {
		if strings.Contains(text.String(), secret) || bytes.Contains(asJSON, []byte(secret)) {
			t.Errorf("the report shows %q:\n%s", secret, text.String())
		}
	}
}

func findings(report *ingest.Report) []string {
	var lines []string
	for _, f := range report.Findings {
		lines = append(lines, fmt.Sprintf("%s:%d:%s %s", f.File, f.Row, f.Field, f.Rule))
	}
	slices.Sort(lines)
	return lines
}

// picture writes an import as lines, so that two can be compared and read.
func picture(im *ingest.Import) string {
	var b strings.Builder
	for _, s := range im.Schools {
		fmt.Fprintf(&b, "school %s %q %s\n", s.ID, s.Name, s.Level)
	}
	for _, s := range im.Sessions {
		fmt.Fprintf(&b, "session %q %q %s %s %s %q\n", s.ID, s.Title, s.Type, s.Start, s.End, s.Parent)
	}
	for _, s := range im.Schools {
		fmt.Fprintf(&b, "calendar %s %v\n", s.ID, im.Calendars[s.ID].All())
	}
	for _, s := range im.Students {
		p, f := s.Profile, s.Facts
		fmt.Fprintf(&b, "student %s %q %q %s sex=%s race=%q learner=%v special=%v poor=%v\n", p.Person.StudentID, p.Person.Given, p.Person.Family,
			p.Birth, p.Sex, p.RaceEthnicity, p.EnglishLearner, p.SpecialEducation, p.EconomicallyDisadvantaged)
		for _, e := range p.Enrollments {
			fmt.Fprintf(&b, "  at %s %s %s grade=%s primary=%v\n", e.School, e.Entry, e.Exit, e.Grade, e.Primary)
		}
		for _, g := range p.Guardians {
			fmt.Fprintf(&b, "  guardian %s %s %s capacity=%s rights=%v %s %s %s\n", g.ID, g.Given, g.Family, g.Capacity, g.HoldsRights,
				g.Language, g.Email, g.Phone)
		}
		for _, m := range f.Marks {
			fmt.Fprintf(&b, "  mark %s %s %s %d\n", m.School, m.Day, m.Code, m.Portion)
		}
		for _, i := range f.Incidents {
			fmt.Fprintf(&b, "  incident %s %s %s %q %s half days=%d\n", i.School, i.Day, i.ID, i.Type, i.Action, i.Days)
		}
		for _, r := range f.Results {
			fmt.Fprintf(&b, "  result %s %q %s %d of %s\n", r.School, r.Session, r.Course, r.Value, r.Scale)
		}
	}
	return b.String()
}
