package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
)

// ordered gives an order to a served district and returns what comes back.
func ordered(t *testing.T, at served, o order) (code int, stdout, stderr string) {
	t.Helper()
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	admin(at).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/run", bytes.NewReader(body)))
	c := newConsole(t)
	exit, ended := errors.AsType[remote](c.follow(w.Body))
	if !ended {
		t.Fatalf("no exit code in %q", w.Body.String())
	}
	return int(exit), c.out.String(), c.err.String()
}

func TestTheServingProcessRunsADistrictsCommands(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	at := served{opened(t, dir), dir}
	code, out, _ := ordered(t, at, order{Args: []string{"audit", "list", "--dir", "lakeview"}, Folder: c.folder, Person: "Ada at the desk"})
	if code != exitDone || !strings.Contains(out, "district.created") {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, out, _ = ordered(t, at, order{Args: []string{"audit", "list"}, Env: map[string]string{"HALLPASS_DIR": dir}, Person: "Ben"})
	if code != exitDone || !strings.Contains(out, "auditor / Ada at the desk") {
		t.Errorf("exit code %d, and the log does not name who asked: %q", code, out)
	}
}

func TestTheServingProcessRunsNothingElse(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	at := served{opened(t, dir), dir}
	for _, args := range [][]string{
		{"serve", "--dir", dir}, {"demo", "--once"}, {"init", "other"}, {"completion", "bash", "x"}, {"frobnicate"},
	} {
		if code, _, said := ordered(t, at, order{Args: args, Folder: c.folder, Person: "Ada"}); code != exitUsage {
			t.Errorf("%v: exit code %d, %q", args, code, said)
		}
	}
	if _, err := os.Stat(filepath.Join(c.folder, "other")); err == nil {
		t.Error("a district was made through the socket")
	}
}

func TestTheServingProcessTouchesNoOtherDistrict(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	here, other := c.district(t, "lakeview"), c.district(t, "riverdale")
	code, out, said := ordered(t, served{opened(t, here), here}, order{Args: []string{"audit", "list", "--dir", other}, Person: "Ada"})
	if code != exitFailed || out != "" || !strings.Contains(said, "another district") {
		t.Errorf("exit code %d, %q, %q", code, out, said)
	}
}

func TestAnOrderThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", `{"args":"audit"}`, `{"args":["` + strings.Repeat("x", maxOrder) + `"]}`} {
		w := httptest.NewRecorder()
		admin(served{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/run", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%.20q: status %d", body, w.Code)
		}
	}
}

func TestAServiceThatStopsHalfwayIsSaid(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	err := c.follow(strings.NewReader(`{"stdout":"aGFsZg=="}` + "\n"))
	if code := c.exit(err); code != exitUnavailable || c.out.String() != "half" || !strings.Contains(c.err.String(), "audit list shows what was done") {
		t.Errorf("exit code %d, %q, %q", code, c.out.String(), c.err.String())
	}
}

func TestWithoutASocketThereIsNoServingProcess(t *testing.T) {
	t.Parallel()
	c, dir := newConsole(t), shortDir(t)
	if err := c.handOver(t.Context(), dir); !errors.Is(err, errNotServed) {
		t.Errorf("no socket: %v", err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPath(dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.handOver(t.Context(), dir); !errors.Is(err, errNotServed) {
		t.Errorf("a socket left behind: %v", err)
	}
	if err := alone(t.Context(), dir); !errors.Is(err, errNotServed) {
		t.Errorf("a socket left behind keeps a service from starting: %v", err)
	}
}

func TestACommandEndsWhenItsCallerGoes(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	at := served{opened(t, dir), dir}
	ctx, gone := context.WithCancel(t.Context())
	gone()
	body := `{"args":["period","close","x","--dir","` + dir + `"],"person":"Ada"}`
	w := httptest.NewRecorder()
	admin(at).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/run", strings.NewReader(body)))
	err := c.follow(w.Body)
	if code, _ := errors.AsType[remote](err); code != exitFailed || !strings.Contains(c.err.String(), "interrupted") {
		t.Errorf("%v, %q", err, c.err.String())
	}
	if _, err := at.broker.LogSize(t.Context()); err != nil {
		t.Errorf("the district does not work any more: %v", err)
	}
}

func TestLocalCommandsActInTheRoleTheyNeed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if got := c.local(broker.RoleSteward); got.Role != broker.RoleSteward || got.Subject != "tester" || !got.Expires.IsZero() {
		t.Errorf("%+v", got)
	}
}
