package sds_test

import (
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/sds"
)

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2026-06-26")}
}

// absent is the text of a file that a case takes away.
const absent = "(absent)\n"

// base returns the files of a small set, with some replaced.
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
		if text == absent {
			delete(files, name)
			continue
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func read(t testing.TB, files fstest.MapFS, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, sds.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return im, report
}

// secrets are values of the sets, and what tests plant in them.
var secrets = []string{"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "ST-1", "00Z42", "2011-03-04", "philippa"}
