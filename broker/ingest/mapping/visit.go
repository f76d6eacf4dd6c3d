package mapping

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Files opens what a name on disk means for a mapping: a folder, or the one
// file alone. A zip is a folder too, and not meant here: ingest.ReadPath opens
// it.
func Files(name string) (fs.FS, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return os.DirFS(name), nil
	}
	return single{os.DirFS(filepath.Dir(name)), filepath.Base(name)}, nil
}

// single is a folder in which there is one file.
type single struct {
	fs.FS
	name string
}

// ReadDir implements fs.ReadDirFS.
func (s single) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(s.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.Name() != s.name }), err
}

// visit opens files as an import does and shows them to fn. Nothing is
// imported.
func visit(name string, limits ingest.Limits, fn func(*ingest.Files, *ingest.Report)) (*ingest.Report, error) {
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		_, report, err := ingest.ReadPath(name, showing(fn), nowhere(limits))
		return report, err
	}
	files, err := Files(name)
	if err != nil {
		return nil, err
	}
	return visitFS(files, limits, fn)
}

func visitFS(files fs.FS, limits ingest.Limits, fn func(*ingest.Files, *ingest.Report)) (*ingest.Report, error) {
	_, report, err := ingest.Read(files, showing(fn), nowhere(limits))
	return report, err
}

func showing(fn func(*ingest.Files, *ingest.Report)) ingest.Format {
	return ingest.Format{Name: "mapping", Depth: 1, Open: func(files *ingest.Files, _ ingest.Options, report *ingest.Report) ingest.Feed {
		fn(files, report)
		return nil
	}}
}

// nowhere are the options of an import that imports nothing.
func nowhere(limits ingest.Limits) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: civil.Date(1), Limits: limits}
}
