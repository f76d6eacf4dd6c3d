package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// servedIn serves a district of the test's own until the test ends, and
// returns the API's address.
func servedIn(t *testing.T, c *console, dir string) string {
	t.Helper()
	b := opened(t, dir)
	server, err := listen(served{b, dir}, service{listen: "127.0.0.1:0", ops: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(socketPath(dir)); err == nil {
			t.Error("the socket is still there")
		}
	})
	c.announce(b, service{place: place{dir: dir}}, server, slog.New(slog.NewJSONHandler(&c.err, nil)))
	return "http://" + server.Addr() + "/v1"
}

func TestAPersonAtATerminalIsToldWhereItServes(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.folder, c.terminal = shortDir(t), true
	api := servedIn(t, c, c.district(t, "lakeview"))
	for _, said := range []string{"lakeview\n", api, "/readyz", "--dir ", "SIMULATED CLOCK: it is 2026-11-21", "Ctrl-C"} {
		if !strings.Contains(c.err.String(), said) {
			t.Errorf("%q is not said: %s", said, c.err.String())
		}
	}
}

func TestASupervisorGetsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.folder = shortDir(t)
	api := servedIn(t, c, c.district(t, "lakeview"))
	var line struct {
		Msg, District, API string
		Simulated          bool
	}
	if err := json.Unmarshal(c.err.Bytes(), &line); err != nil || line.Msg != "serving" || line.API != api || !line.Simulated {
		t.Errorf("%+v, %v: %s", line, err, c.err.String())
	}
}

func TestTheServedDistrictAnswersItsOwnTokensOnly(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.folder = shortDir(t)
	here, other := c.district(t, "lakeview"), c.district(t, "riverdale")
	c.wants(t, exitDone, "", "token", "--dir", other, "--role", "officer", "--subject", "Olga")
	foreign := strings.TrimSpace(c.out.String())
	api := servedIn(t, c, here)
	c.wants(t, exitDone, "", "token", "--dir", here, "--role", "officer", "--subject", "Olga")
	own := strings.TrimSpace(c.out.String())
	for token, want := range map[string]int{own: http.StatusOK, foreign: http.StatusUnauthorized, "": http.StatusUnauthorized} {
		if got, err := get[json.RawMessage](t.Context(), token, api+"/agreements", want); err != nil {
			t.Errorf("want %d: %v, %s", want, err, got)
		}
	}
}

func TestCommandsReachTheServedDistrictThroughItsSocket(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.folder = shortDir(t)
	dir := c.district(t, "lakeview")
	servedIn(t, c, dir)
	c.wants(t, exitDone, "district.created", "audit", "list", "--dir", "lakeview")
	c.wants(t, exitDone, "verifies: 2 entries", "audit", "verify", "--dir", "lakeview")
	c.wants(t, exitUnavailable, "another process serves the district", "serve", "--dir", "lakeview", "--listen", "127.0.0.1:0")
}

func TestTheMetricsSayWhichFamiliesAreStale(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.folder = shortDir(t)
	servedIn(t, c, c.district(t, "lakeview"))
	var said struct{ Ops string }
	if err := json.Unmarshal(c.err.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	d := sample.Generate(sample.Options{Seed: 9, Students: 40, Schools: 2})
	good := editionOf(t, d, firstEdition)
	load := []string{"import", "csv", "--dir", "lakeview", "--snapshot", "all", "--degrade"}
	stale := func(want string) {
		t.Helper()
		got := ""
		for line := range strings.Lines(string(scrape(t, "http://"+said.Ops+"/metrics"))) {
			figure, one := strings.CutSuffix(line, "\"} 1\n")
			if family, is := strings.CutPrefix(figure, `hallpass_family_stale{family="`); is && one {
				got += family + " "
			}
		}
		if got != want {
			t.Errorf("stale are %q, want %q", got, want)
		}
	}
	stale("")
	c.wants(t, exitDone, "Imported", append(load, good.write(t))...)
	stale("")
	c.wants(t, exitRejected, "held", append(load, good.faulty(ingest.Grades).write(t))...)
	stale("grades ")
	c.wants(t, exitRejected, "", append(load, good.faulty(ingest.People).write(t))...)
	stale("attendance discipline grades guardians people totals ")
	c.wants(t, exitDone, "Imported", append(load, editionOf(t, d, secondEdition).write(t), "--max-removed", "discipline=100")...)
	stale("")
}

func scrape(t *testing.T, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, res.Status, err)
	}
	return text
}

func TestAnAddressThatIsTakenIsSaid(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	c.wants(t, exitFailed, "choose other addresses", "serve", "--dir", dir, "--listen", taken.Addr().String(), "--ops-listen", "")
	c.wants(t, exitFailed, "choose another address", "demo", "--once", "--students", "100", "--listen", taken.Addr().String())
}

func TestTheDemoTakesAFreePortWhereTheUsualOneIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newConsole(t)
	c.folder = shortDir(t)
	d := demo{app: c.app, listen: taken.Addr().String(), anyPort: true}
	d.dir = c.district(t, "lakeview")
	d.broker = opened(t, d.dir)
	server, err := d.openListener(slog.New(slog.DiscardHandler))
	if err != nil || server.Addr() == d.listen {
		t.Fatalf("%v", err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if err := server.Serve(ended); err != nil {
		t.Error(err)
	}
}

func TestGetSaysWhatElseCame(t *testing.T) {
	t.Parallel()
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }))
	defer odd.Close()
	if _, err := get[json.RawMessage](t.Context(), "x", odd.URL, http.StatusOK); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("%v", err)
	}
}

func TestAWriterThatFailsIsAFailure(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	c.stdout = fullDisk{}
	for _, args := range [][]string{
		{"version"},
		{"version", "--json"},
		{"audit", "list", "--dir", dir},
		{"audit", "verify", "--dir", dir},
		{"audit", "prove", "0", "--dir", dir},
		{"token", "--dir", dir, "--role", "officer", "--subject", "Olga"},
		{"audit", "export", "out", "--dir", dir},
		{"init", "second", "--name", "S", "--host", "s.example", "--timezone", "UTC"},
		{"demo", "--write-csv", filepath.Join(c.folder, "made-up"), "--students", "100"},
	} {
		if code := c.run(t, args...); code != exitFailed {
			t.Errorf("%v: exit code %d though nothing could be printed", args, code)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAFailedFrameIsAFailedWrite(t *testing.T) {
	t.Parallel()
	f := &frames{w: brokenResponse{httptest.NewRecorder()}}
	f.control = http.NewResponseController(f.w)
	if n, err := f.writer(func(p []byte) frame { return frame{Stdout: p} }).Write([]byte("x")); err == nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

type brokenResponse struct{ http.ResponseWriter }

func (brokenResponse) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestTheLogNamesWhoRanACommand(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	c.person = "Ada at the desk"
	c.run(t, "audit", "list", "--dir", dir)
	c.wants(t, exitDone, "auditor / Ada at the desk", "audit", "list", "--dir", dir)
}
