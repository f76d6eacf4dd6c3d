package mapping_test

import (
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
)

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2026-06-26")}
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
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return im, report
}

// secrets are values of the sets, and what tests plant in them.
var secrets = []string{"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "ST-1", "00Z42", "2014-03-04", "3/4/2014"}
