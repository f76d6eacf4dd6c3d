package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

// console is a run of the program inside the test.
type console struct {
	*app
	out, err bytes.Buffer
}

func newConsole(t *testing.T) *console {
	t.Helper()
	c := &console{}
	c.app = &app{stdout: &c.out, stderr: &c.err, env: map[string]string{}, folder: t.TempDir(), person: "tester"}
	return c
}

// run runs a command line and returns its exit code.
func (c *console) run(t *testing.T, args ...string) int {
	t.Helper()
	c.out.Reset()
	c.err.Reset()
	c.began = false
	return c.execute(t.Context(), args, c.root())
}

// wants fails unless the command line ends with the code and says the words.
func (c *console) wants(t *testing.T, code int, said string, args ...string) {
	t.Helper()
	if got := c.run(t, args...); got != code {
		t.Errorf("%v: exit code %d, want %d\n%s%s", args, got, code, c.out.String(), c.err.String())
	}
	if !strings.Contains(c.out.String()+c.err.String(), said) {
		t.Errorf("%v does not say %q:\n%s%s", args, said, c.out.String(), c.err.String())
	}
}

// district makes a district in the console's folder.
func (c *console) district(t *testing.T, name string) string {
	t.Helper()
	c.wants(t, exitDone, "Made the district", "init", name, "--name", name, "--host", name+".example", "--timezone", "UTC", "--simulated-clock", "2026-11-21")
	return filepath.Join(c.folder, name)
}

// opened opens a district as a serving process would.
func opened(t *testing.T, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Open(t.Context(), dir, broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// shortDir is a folder whose path is short enough for a Unix socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }
