package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// Every changed byte of an export on disk ends in exit code 6 with the name of
// the file that was changed.
func TestAChangedByteOnDiskExitsSixAndNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := newLog(40, 1)
	if err != nil {
		t.Fatal(err)
	}
	key, export := filepath.Join(dir, "key.pub"), filepath.Join(dir, "export")
	if err := os.WriteFile(key, []byte(l.public), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.export(export); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, path := range filesIn(t, export) {
		for range 25 {
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := bytes.Clone(good)
			bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			var out, report bytes.Buffer
			code := run([]string{"log", export, "--key", key}, &out, &report)
			name := strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(path, export)), "/")
			if code != exitFault || out.Len() > 0 || !strings.Contains(report.String(), name) {
				t.Fatalf("%s: exit %d, %q", name, code, report.String())
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code := run([]string{"log", export, "--key", key}, &bytes.Buffer{}, &bytes.Buffer{}); code != exitOK {
		t.Errorf("the restored export exits %d", code)
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) != 4 {
		t.Fatal(paths, err)
	}
	return paths
}

func TestAFailedWriteIsNotASuccess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := fixtures(dir); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, args := range [][]string{
		{"log", at("export"), "--key", at("key.pub")},
		{"log", at("export"), "--key", at("key.pub"), "-o", "json"},
		{"log", at("export"), "--key", at("foreign.pub"), "-o", "json"},
		{"receipt", at("receipt.json"), "--key", at("key.pub")},
	} {
		if code := run(args, fullDisk{}, &bytes.Buffer{}); code != exitFailed {
			t.Errorf("%v: exit %d though nothing could be printed", args, code)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestTheJSONOutputIsOneObject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := fixtures(dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"receipt.json": exitOK, "answer.json": exitOK, "reformatted.json": exitFault, "key.pub": exitFault} {
		var out bytes.Buffer
		code := run([]string{"receipt", filepath.Join(dir, file), "--key", filepath.Join(dir, "key.pub"), "--output", "json"}, &out, &bytes.Buffer{})
		var r report
		if err := json.Unmarshal(out.Bytes(), &r, json.RejectUnknownMembers(true)); err != nil || code != want || r.Verifies != (want == exitOK) || (r.Fault == nil) != r.Verifies {
			t.Errorf("%s: exit %d, %v\n%s", file, code, err, out.String())
		}
	}
}

func TestTheKeyItselfWillDoForItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := fixtures(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"key.pub": exitOK, "foreign.pub": exitFault} {
		key, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		code := run([]string{"receipt", filepath.Join(dir, "receipt.json"), "--key", strings.TrimSpace(string(key))}, &bytes.Buffer{}, &bytes.Buffer{})
		if code != want {
			t.Errorf("%s as text: %d, not %d", name, code, want)
		}
	}
}
