package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// full serves the district in the first argument without one of the guards of a full
// disk: the sabotage that TestHarnessDiskFull must notice.
func full() {
	o := bolt.Options{Ballast: testBallast << 20}
	o.Sabotage.NoBallast = slices.Contains(os.Args[2:], "no_ballast")
	o.Sabotage.NoRoom = slices.Contains(os.Args[2:], "no_room")
	sabotaged(broker.Options{Store: func(path string) (store.Engine, error) { return bolt.Open(path, o) }})
}

const testBallast = 8 // megabytes

func TestHarnessDiskFull(t *testing.T) {
	t.Parallel()
	n := rounds(t, "DISK_FULL", 20)
	f := newFilled(t)
	if f == nil {
		t.Log("harness disk_full: not run, this machine lets the test mount no small disk")
		t.Skip("a small disk is needed")
	}
	if wrong := f.run(n, "hallpass", "serve", "--dir", f.dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--ballast", "8"); wrong != "" {
		t.Fatal(wrong)
	}
	t.Logf("harness disk_full: on a full disk of %d MB every query and grant answered 503, %d of %d withdrawals succeeded and survived a kill, and all worked again with space, without a restart", smallDisk, n, n)
}

func TestAFullDiskWithoutItsGuardsIsNoticed(t *testing.T) {
	t.Parallel()
	for sabotage, notice := range map[string]string{
		"no_ballast": "a withdrawal was refused", "no_room": "a query was not refused as it must be",
	} {
		t.Run(sabotage, func(t *testing.T) {
			t.Parallel()
			f := newFilled(t)
			if f == nil {
				t.Skip("a small disk is needed")
			}
			wrong := f.run(20, "hallpass-full", f.dir, sabotage)
			if !strings.HasPrefix(wrong, notice) {
				t.Errorf("without the guard the test notices %q, not that %s", wrong, notice)
			}
		})
	}
}

// smallDisk is the size of the disk in megabytes.
const smallDisk = 48

// filled is a district on a small disk, and the file beside it that fills it.
type filled struct {
	*crasher
	disk     string
	families string // tokens of other officers: each may ask so often only
	others   string
}

// newFilled returns nil where nothing can be mounted.
func newFilled(t *testing.T) *filled {
	t.Helper()
	disk := mountSmall(t, smallDisk<<20)
	if disk == "" {
		return nil
	}
	f := &filled{crasher: newCrasher(t), disk: disk}
	b, err := broker.Open(t.Context(), f.dir, broker.Options{})
	f.must(err)
	for subject, token := range map[string]*string{"O2": &f.families, "O3": &f.others} {
		*token, err = b.IssueToken(t.Context(), broker.TokenRequest{Subject: subject, Role: broker.RoleOfficer, Lifetime: 24 * time.Hour})
		f.must(err)
	}
	f.must(b.Close())
	dir := filepath.Join(disk, "d")
	f.must(os.CopyFS(dir, os.DirFS(f.dir)))
	f.must(filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
	f.dir = dir
	return f
}

// fill leaves nothing of the disk.
func (f *filled) fill() {
	f.t.Helper()
	file, err := os.OpenFile(f.sibling(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	f.must(err)
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
}

func (f *filled) sibling() string { return filepath.Join(f.disk, "sibling") }

// run serves the district, fills its disk, withdraws so often, and makes space again.
// It returns what was not as promised.
func (f *filled) run(n int, program string, args ...string) string {
	s := launch(f.t, program, args...)
	f.api = s.api
	defer func() {
		_ = s.cmd.Process.Kill()
		s.wait()
	}()
	kids := f.yeses(n)
	if rows := f.rows(); rows == 0 {
		return "the partner sees nobody to begin with"
	}
	f.fill()
	if wrong := f.onlyWithdrawals(s, kids); wrong != "" {
		return wrong
	}
	f.must(os.Remove(f.sibling()))
	if rows := f.rows(); rows != 0 {
		return "with space again the partner's query fails, or shows somebody"
	}
	if s.ops != "" && (f.probe(s, "/readyz") != "ok\n" || !strings.Contains(f.probe(s, "/metrics"), "hallpass_disk_full 0\n")) {
		return "with space again the service is not ready"
	}
	_ = s.cmd.Process.Kill()
	s.wait()
	return f.lost()
}

// yeses says yes n times and returns who said it, by consent.
func (f *filled) yeses(n int) map[string]child {
	kids := map[string]child{}
	for i := range n {
		kid := f.children[i%len(f.children)]
		answer, ok := f.ask(f.officer, http.MethodPost, "/consents", f.yes(kid))
		var made struct{ Data struct{ ID string } }
		if !ok || json.Unmarshal(answer, &made) != nil {
			f.t.Fatalf("consent %d was not accepted: %s", i, answer)
		}
		kids[made.Data.ID], f.granted[made.Data.ID] = kid, true
	}
	return kids
}

// rows is how many rows the partner reads; -1 when it is refused.
func (f *filled) rows() int {
	answer, ok := f.ask(f.partner, http.MethodGet, "/agreements/a/students?period=current", nil)
	if !ok {
		return -1
	}
	return strings.Count(string(answer), `"participant_ref"`)
}

// upload replaces the roster by itself and reports whether it was taken.
func (f *filled) upload() bool {
	req, err := http.NewRequest(http.MethodPut, f.api+"/agreements/a/participation", bytes.NewReader(f.roster))
	f.must(err)
	req.Header.Set("Authorization", "Bearer "+f.others)
	req.Header.Set("Content-Type", "text/csv")
	res, err := http.DefaultClient.Do(req)
	f.must(err)
	f.must(res.Body.Close())
	return res.StatusCode < 300
}

// onlyWithdrawals tests a service on a full disk.
func (f *filled) onlyWithdrawals(s *launched, kids map[string]child) string {
	refused := func(token, method, path string, body any) bool {
		answer, ok := f.ask(token, method, path, body)
		full := !ok && strings.Contains(string(answer), "disk is full")
		if !full {
			f.t.Logf("%s %s: %.300s", method, path, answer)
		}
		return full
	}
	for f.upload() {
		continue // what the file had room for before
	}
	for i := 0; i < 900 && f.rows() >= 0; i++ { // smaller ones
		continue
	}
	done := 0
	for id, kid := range kids {
		if done%16 == 0 {
			f.fill() // nobody leaves the store a byte
			if !refused(f.partner, http.MethodGet, "/agreements/a/students?period=current", nil) {
				return "a query was not refused as it must be"
			}
			if !refused(f.others, http.MethodPost, "/partners", map[string]any{"id": "late", "name": "Late", "legal_entity": "Late Inc.", "contact": "late@late.example"}) {
				return "another write was not refused as it must be"
			}
		}
		done++
		answer, ok := f.ask(f.families, http.MethodPost, "/consents/"+id+"/withdraw", map[string]any{"by": map[string]string{"guardian_id": kid.guardian}})
		if !ok {
			return "a withdrawal was refused: " + string(answer)
		}
		f.withdrawn[id] = true
	}
	if s.ops != "" && (!strings.Contains(f.probe(s, "/readyz"), "disk full: only withdrawals are accepted") || !strings.Contains(f.probe(s, "/metrics"), "hallpass_disk_full 1\n")) {
		return "the operator is not told of the full disk"
	}
	return ""
}

func (f *filled) probe(s *launched, path string) string {
	f.t.Helper()
	res, err := http.Get("http://" + s.ops + path)
	f.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	f.must(err)
	return string(text)
}
