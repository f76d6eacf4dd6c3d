package edfi_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
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
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2026-06-26")}
}

func read(t testing.TB, files fstest.MapFS, format ingest.Format, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, format, opt)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	return im, report
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
		for school, m := range f.Marks.All() {
			fmt.Fprintf(&b, "  mark %s %s %s %d\n", school, m.Day(), m.Code(), m.Portion())
		}
		for _, i := range f.Incidents {
			fmt.Fprintf(&b, "  incident %s %s %s %q %s half days=%d\n", i.School, i.Day, i.ID, i.Type, i.Action, i.Days)
		}
		for _, r := range f.Results {
			fmt.Fprintf(&b, "  result %s %q %s %d of %s\n", r.Course().School, r.Course().Session, r.Course().Name, r.Value, r.Course().Scale)
		}
	}
	return b.String()
}

// secrets are values of the sets, and what tests plant in them.
var secrets = []string{
	"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "0042", "604822", "2010-03-04", "maude@", "Maude",
}
