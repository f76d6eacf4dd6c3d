package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestEveryRealSetComesInByItsCommand(t *testing.T) {
	t.Parallel()
	data := filepath.Dir(realSchools(t))
	examples, err := filepath.Abs(filepath.Join("..", "..", "broker", "ingest", "mapping", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "sets"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", data)
			env.Setenv("EXAMPLES", examples)
			return separate(filepath.Join(data, "oneroster11-summit-deltas"), filepath.Join(env.WorkDir, "snapshots"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"district": emptyDistrict,
		},
	})
}

// separate copies a set of files with later snapshots in folders inside it, each
// into a folder of its own: they are given one after another.
func separate(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	base := filepath.Join(to, "base")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := os.CopyFS(filepath.Join(to, e.Name()), os.DirFS(filepath.Join(from, e.Name()))); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(base, e.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// emptyDistrict makes a district.
func emptyDistrict(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		ts.Check(ts.Exec("hallpass", "init", "--dir", dir, "--name", "Lakeview", "--host", "data.lakeview.example", "--timezone", "America/Chicago"))
	}
}
