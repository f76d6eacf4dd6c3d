package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
)

// forgetful serves the district in the first argument and releases rows though it was
// restored: the sabotage that the test of a restoration must notice.
func forgetful() { sabotaged(broker.Options{Sabotage: broker.Sabotage{NoRestoreGuard: true}}) }

// restoration is a district that was copied, in which then a family withdrew, and that
// was put back as it was copied.
type restoration struct {
	*crasher
	far       string // another machine's disk
	withdrawn string // the consent
	asked     []child
}

func (r *restoration) journal() string { return filepath.Join(r.far, "journal") }
func (r *restoration) anchor() string  { return filepath.Join(r.far, "anchor") }

func (r *restoration) flags(command ...string) []string {
	return append(command, "--dir", r.dir, "--withdrawal-journal", r.journal(), "--anchor", r.anchor())
}

// serving runs something while a program serves the district, and stops that in order.
func (r *restoration) serving(do func(), program string, args ...string) {
	r.t.Helper()
	s := launch(r.t, program, args...)
	r.api = s.api
	do()
	r.must(s.cmd.Process.Signal(syscall.SIGTERM))
	s.wait()
}

func (r *restoration) serve(do func()) {
	r.t.Helper()
	r.serving(do, "hallpass", append(r.flags("serve"), "--listen", "127.0.0.1:0", "--ops-listen", "")...)
}

// command runs the program to its end and returns what it said and its exit code.
func (r *restoration) command(args ...string) (string, int) {
	r.t.Helper()
	path, err := exec.LookPath("hallpass")
	r.must(err)
	cmd := exec.Command(path, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (r *restoration) wants(code int, words string, args ...string) {
	r.t.Helper()
	if out, got := r.command(args...); got != code || !strings.Contains(out, words) {
		r.t.Fatalf("%s: exit code %d, want %d and %q: %s", strings.Join(args[:2], " "), got, code, words, out)
	}
}

// shown is how many children the partner sees, or -1 when records are refused as they
// must be.
func (r *restoration) shown() int {
	r.t.Helper()
	answer, ok := r.ask(r.partner, http.MethodGet, "/agreements/a/students?period=current", nil)
	switch {
	case ok:
		return strings.Count(string(answer), `"participant_ref"`)
	case strings.Contains(string(answer), "restored from an older copy"):
		return -1
	}
	r.t.Fatalf("the query was answered by %s", answer)
	return 0
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return os.MkdirAll(target, 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newRestoration also acts in the gap beside the withdrawal: another family says no.
func newRestoration(t *testing.T) *restoration {
	t.Helper()
	r := &restoration{crasher: newCrasher(t), far: t.TempDir()}
	copied := filepath.Join(t.TempDir(), "copy")
	r.serve(func() {
		for _, kid := range r.children {
			if r.shown() == 3 {
				break
			}
			if slices.ContainsFunc(r.asked, func(c child) bool { return c.student == kid.student }) {
				continue
			}
			before := r.shown()
			answer, ok := r.ask(r.officer, http.MethodPost, "/consents", r.yes(kid))
			var made struct{ Data struct{ ID string } }
			if !ok || json.Unmarshal(answer, &made) != nil {
				t.Fatalf("a consent was not accepted: %s", answer)
			}
			if r.shown() > before {
				r.withdrawn, r.asked = made.Data.ID, append(r.asked, kid)
			}
		}
		if n := r.shown(); n != 3 {
			t.Fatalf("%d children are shown to begin with", n)
		}
	})
	copyDir(t, r.dir, copied)
	r.serve(func() {
		stop := map[string]any{"by": map[string]string{"guardian_id": r.asked[2].guardian}}
		if answer, ok := r.ask(r.officer, http.MethodPost, "/consents/"+r.withdrawn+"/withdraw", stop); !ok {
			t.Fatalf("the withdrawal was refused: %s", answer)
		}
		no := r.yes(r.asked[0])
		no["answer"] = "no"
		no["signed_at"] = "2026-01-05T12:00:00Z"
		if answer, ok := r.ask(r.officer, http.MethodPost, "/consents", no); !ok {
			t.Fatalf("a no was refused: %s", answer)
		}
		if n := r.shown(); n != 1 {
			t.Fatalf("%d children are shown after two families stopped", n)
		}
	})
	r.must(os.RemoveAll(r.dir))
	copyDir(t, copied, r.dir)
	return r
}

func TestARestoredDistrictForgetsNoWithdrawal(t *testing.T) {
	t.Parallel()
	r := newRestoration(t)
	r.wants(exitUnavailable, "hallpass restore begin", append(r.flags("serve"), "--listen", "127.0.0.1:0", "--ops-listen", "")...)
	r.wants(exitDone, "restored", r.flags("restore", "begin", "--reason", "the disk failed")...)
	r.serve(func() {
		if n := r.shown(); n != -1 {
			t.Errorf("%d children are shown before the withdrawals are back", n)
		}
		r.wants(exitDone, "2 lines newer than the store: 2 done again", "restore", "replay", "--dir", r.dir, "--journal", r.journal())
		if n := r.shown(); n != 1 {
			t.Errorf("%d children are shown after the replay, want the one whose family did not stop", n)
		}
		answer, _ := r.ask(r.officer, http.MethodGet, "/consents/"+r.withdrawn, nil)
		if !strings.Contains(string(answer), `"withdrawn_at"`) {
			t.Errorf("the consent is not withdrawn: %s", answer)
		}
	})
	r.serve(func() {
		if n := r.shown(); n != 1 {
			t.Errorf("%d children are shown after another start", n)
		}
	})
	r.wants(exitDone, "verifies", "audit", "verify", "--dir", r.dir)
	r.wants(exitDone, "store.restored", "audit", "list", "--dir", r.dir, "--output", "json")
}

func TestARestoredDistrictWithoutItsJournalOpensByAnOfficersWordOnly(t *testing.T) {
	t.Parallel()
	r := newRestoration(t)
	r.must(os.Remove(r.journal()))
	r.wants(exitUnavailable, "older than the log", append(r.flags("serve"), "--listen", "127.0.0.1:0", "--ops-listen", "")...)
	r.wants(exitDone, "restored", r.flags("restore", "begin", "--reason", "the disk failed")...)
	short := filepath.Join(t.TempDir(), "short")
	r.must(os.WriteFile(short, nil, 0o600))
	r.wants(exitRejected, "2 that the anchor counts are not in the journal", "restore", "replay", "--dir", r.dir, "--journal", short)
	r.serve(func() {
		if n := r.shown(); n != -1 {
			t.Errorf("%d children are shown though no journal was replayed", n)
		}
		r.wants(exitUsage, "reason", "restore", "open", "--dir", r.dir)
		r.wants(exitDone, "leave again", "restore", "open", "--dir", r.dir, "--reason", "all forms were checked by hand")
		if n := r.shown(); n != 3 {
			t.Errorf("%d children are shown after the officer's word", n)
		}
	})
}

// The same, without the guard, shows the children whose families stopped.
func TestARestoredDistrictWithoutItsGuardIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRestoration(t)
	r.wants(exitDone, "restored", r.flags("restore", "begin", "--reason", "the disk failed")...)
	r.serving(func() {
		if n := r.shown(); n != 3 {
			t.Errorf("%d children are shown without the guard: the test cannot fail", n)
		}
	}, "hallpass-forgetful", r.dir)
}
