package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/txtar"
)

// faultCases reads the case files of the reader: a small district, and by name
// the files that replace some of its own, with the faults that they hold.
func faultCases(t *testing.T) (base map[string][]byte, cases map[string]map[string][]byte) {
	t.Helper()
	data := filepath.Join("..", "..", "broker", "ingest", "testdata")
	whole, err := txtar.ParseFile(filepath.Join(data, "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	base, cases = map[string][]byte{}, map[string]map[string][]byte{}
	for _, f := range whole.Files {
		base[f.Name] = f.Data
	}
	names, err := filepath.Glob(filepath.Join(data, "errors", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			of, part := filepath.Split(f.Name)
			if cases[of] == nil {
				cases[of] = map[string][]byte{}
			}
			cases[of][part] = f.Data
		}
	}
	return base, cases
}

// reported is what the program prints of an import as JSON.
type reported struct {
	Rejected bool `json:"rejected"`
	Report   struct {
		Findings []struct {
			File     string `json:"file"`
			Row      int    `json:"row"`
			Field    string `json:"field"`
			Rule     string `json:"rule"`
			Severity string `json:"severity"`
			Remedy   string `json:"remedy"`
		} `json:"findings"`
	} `json:"report"`
}

// lines are the faults as the case files write them; wrong says whether one
// keeps the import out.
func (r reported) lines() (list []string, wrong bool) {
	for _, f := range r.Report.Findings {
		list = append(list, fmt.Sprintf("%s:%d:%s %s", f.File, f.Row, f.Field, f.Rule))
		wrong = wrong || f.Severity == "error"
		if f.Remedy == "" {
			list = append(list, "a fault without a remedy")
		}
	}
	return list, wrong
}

func TestEveryFaultOfAFileHasItsRowAndRemedyExitsThreeAndChangesNothing(t *testing.T) {
	t.Parallel()
	base, cases := faultCases(t)
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	store := filepath.Join(dir, "store.db")
	before, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		parts := maps.Clone(cases[name])
		want := strings.FieldsFunc(string(parts["want"]), func(r rune) bool { return r == '\n' })
		delete(parts, "want")
		folder := filepath.Join(c.folder, "case")
		write(t, folder, base, parts)
		code := c.run(t, "import", "csv", "--dir", dir, "--snapshot", "all", "--exported", "2026-06-26", "--dry-run", "--output", "json", folder)
		var r reported
		if err := json.Unmarshal(c.out.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v\n%s%s", name, err, c.out.String(), c.err.String())
		}
		found, wrong := r.lines()
		for _, line := range want {
			if !slices.Contains(found, line) {
				t.Errorf("%s: %s is not among %q", name, line, found)
			}
		}
		if !wrong {
			continue
		}
		rejected++
		if code != exitRejected || !r.Rejected {
			t.Errorf("%s: exit code %d", name, code)
		}
		if code := c.run(t, "import", "csv", "--dir", dir, "--snapshot", "all", "--exported", "2026-06-26", folder); code != exitRejected {
			t.Errorf("%s: without --dry-run exit code %d", name, code)
		}
		if !strings.Contains(c.out.String(), "To mend: ") || !strings.Contains(c.err.String(), "nothing was imported") {
			t.Errorf("%s: %s%s", name, c.out.String(), c.err.String())
		}
		if after, err := os.ReadFile(store); err != nil || !bytes.Equal(after, before) {
			t.Fatalf("%s: the store changed (%v)", name, err)
		}
	}
	if rejected < 20 {
		t.Errorf("only %d cases are rejected", rejected)
	}
}

// write makes a folder of the base's files, some of them replaced.
func write(t *testing.T, folder string, base, replaced map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	files := maps.Clone(base)
	maps.Copy(files, replaced)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAZipIsLoadedLikeAFolder(t *testing.T) {
	t.Parallel()
	base, _ := faultCases(t)
	c := newConsole(t)
	c.district(t, "lakeview")
	write(t, filepath.Join(c.folder, "export"), base, nil)
	file, err := os.Create(filepath.Join(c.folder, "export.zip"))
	if err != nil {
		t.Fatal(err)
	}
	zipped := zip.NewWriter(file)
	if err := errors.Join(zipped.AddFS(os.DirFS(filepath.Join(c.folder, "export"))), zipped.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	load := []string{"import", "csv", "--dir", "lakeview", "--snapshot", "all", "--exported", "2026-06-26"}
	c.wants(t, exitDone, "Imported as data version 1", append(load, "export.zip")...)
	c.wants(t, exitDone, "Nothing to do", append(load, "export")...)
}

func TestWhatIsDeclaredOfAnExportIsChecked(t *testing.T) {
	t.Parallel()
	good := load{snapshot: "active", attendance: "every-day", exported: "2026-06-26"}
	req, err := good.request("export")
	if err != nil || req.Path != "export" || req.Options.ExportDate.String() != "2026-06-26" || req.Options.Marking.String() != "every-day" {
		t.Errorf("%+v, %v", req, err)
	}
	for name, change := range map[string]func(*load){
		"--snapshot":   func(l *load) { l.snapshot = "" },
		"--attendance": func(l *load) { l.attendance = "daily" },
		"--exported":   func(l *load) { l.exported = "yesterday" },
	} {
		bad := good
		change(&bad)
		if _, err := bad.request("export"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
