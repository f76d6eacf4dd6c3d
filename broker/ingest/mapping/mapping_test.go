package mapping_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
)

// shared returns a folder of the sample data that is kept beside the project,
// or skips.
func shared(t testing.TB, folder string) string {
	t.Helper()
	roots := []string{os.Getenv("HALLPASS_SHARED")}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		path := filepath.Join(root, "data", folder)
		if _, err := os.Stat(path); root != "" && err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s beside the project: set HALLPASS_SHARED to the folder that holds data/", folder)
	return ""
}

func date(t testing.TB, s string) civil.Date {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return d
}

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: date(t, "2026-06-26")}
}

func parse(t testing.TB, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// absent is the text of a file that a case takes away.
const absent = "(absent)\n"

// base returns the small export and its mapping, with some files replaced.
func base(t testing.TB, replaced map[string]string) (fstest.MapFS, string) {
	t.Helper()
	a, err := txtar.ParseFile("testdata/base.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	for name, text := range replaced {
		if text == absent {
			delete(files, name)
			continue
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	text := string(files["mapping.yaml"].Data)
	delete(files, "mapping.yaml")
	return files, text
}

func read(t testing.TB, files fstest.MapFS, m *mapping.Mapping) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, m.Format(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report)
	return im, report
}

// checkReport holds every report to its contract: counts add up, every finding
// has a remedy, nobody is named.
func checkReport(t testing.TB, report *ingest.Report) {
	t.Helper()
	for _, f := range report.Files {
		if f.Good+f.Errors != f.Rows || f.Warnings > f.Good {
			t.Errorf("the counts do not add up: %+v", f)
		}
	}
	for _, f := range report.Findings {
		if f.What == "" || f.Remedy == "" || f.Rule == "" {
			t.Errorf("a finding without a remedy: %+v", f)
		}
	}
	var text bytes.Buffer
	if err := report.Write(&text); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "ST-1", "00Z42", "2014-03-04", "3/4/2014"} {
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
