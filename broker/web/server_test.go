package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// running is a service on its listeners.
type running struct {
	*web.Server
	stop   context.CancelFunc
	result chan error
}

func start(t *testing.T, f *fixture, change ...func(*web.Config)) *running {
	t.Helper()
	cfg := web.Config{Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", Log: slogTo(f.log)}
	for _, c := range change {
		c(&cfg)
	}
	s, err := web.Listen(f.API, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{s, stop, make(chan error, 1)}
	go func() { r.result <- s.Serve(ctx) }()
	t.Cleanup(stop)
	return r
}

func (r *running) ends(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.result; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", r.Addr()); err == nil {
		_ = conn.Close()
		t.Error("somebody still listens")
	}
}

// fetch makes one request on a connection of its own.
func fetch(t *testing.T, address, path, authorization string) (*http.Response, string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+authorization+"\r\n\r\n"); err != nil {
		return nil, "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestTheServerHasEveryTimeoutAndNoHTTP2(t *testing.T) {
	t.Parallel()
	s := web.NewHTTPServer(http.NotFoundHandler(), slogTo(io.Discard))
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 15*time.Second || s.WriteTimeout != 30*time.Second || s.IdleTimeout != time.Minute {
		t.Error("a timeout is not as decided")
	}
	if s.MaxHeaderBytes != 16<<10 || s.Protocols.HTTP2() || s.Protocols.UnencryptedHTTP2() || !s.Protocols.HTTP1() {
		t.Error("headers or protocols are not as decided")
	}
}

func TestAStoppingServiceLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		close(entered)
		<-release
		return ok(ctx, op, c)
	})
	r := start(t, f, func(c *web.Config) { c.Grace = time.Minute })
	got := make(chan string, 1)
	go func() {
		_, body, err := fetch(t, r.Addr(), "/v1/partners", bearer(t, broker.RoleOfficer))
		got <- body + errorText(err)
	}()
	<-entered
	r.stop()
	untilNotReady(t, r)
	close(release)
	if body := <-got; body != `{"data":{}}` {
		t.Errorf("the running request got %q", body)
	}
	r.ends(t)
}

// untilNotReady polls the operator's listener, which outlives the API's.
func untilNotReady(t *testing.T, r *running) {
	t.Helper()
	for {
		response, body, err := fetch(t, r.OpsAddr(), "/readyz", "")
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusServiceUnavailable {
			if !strings.Contains(body, "the service is stopping") {
				t.Errorf("%q", body)
			}
			return
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAfterTheGraceRequestsAreCut(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	f := newFixture(t, func(ctx context.Context, _ string, _ broker.Caller, _ ...any) (*reply, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r := start(t, f, func(c *web.Config) { c.Grace = time.Nanosecond })
	got := make(chan error, 1)
	go func() {
		_, _, err := fetch(t, r.Addr(), "/v1/partners", bearer(t, broker.RoleOfficer))
		got <- err
	}()
	<-entered
	r.ends(t)
	if err := <-got; err == nil {
		t.Error("a request that did not finish was answered")
	}
}

func TestARequestThatIgnoresItsEndIsReported(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		close(entered)
		<-release
		return ok(ctx, op, c)
	})
	r := start(t, f, func(c *web.Config) { c.Grace = time.Nanosecond })
	go func() { _, _, _ = fetch(t, r.Addr(), "/v1/partners", bearer(t, broker.RoleOfficer)) }()
	<-entered
	r.stop()
	if err := <-r.result; err == nil || !strings.Contains(err.Error(), "did not stop") {
		t.Error(err)
	}
	close(release)
}

func TestAnAddressInUseIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t, newFixture(t, ok))
	second, err := web.Listen(newFixture(t, ok).API, web.Config{Listen: "127.0.0.1:0", OpsListen: r.Addr()})
	if err == nil || !strings.Contains(err.Error(), "metrics and health") || second != nil {
		t.Errorf("two services on one address: %v", err)
	}
	r.ends(t)
}

func TestHeadersOverTheLimitAreNotRead(t *testing.T) {
	t.Parallel()
	r := start(t, newFixture(t, uncalled(t)))
	for _, size := range []int{64 << 10, 1 << 20} {
		response, _, err := fetch(t, r.Addr(), "/v1/partners", "Bearer "+strings.Repeat(".", size))
		if err == nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%d bytes: %d", size, response.StatusCode)
		}
	}
	r.ends(t)
}

func TestTheServersOwnComplaintsNameNobody(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	s := web.NewHTTPServer(http.NotFoundHandler(), slogTo(&log))
	s.ErrorLog.Print("http: panic serving 203.0.113.9: CANARY")
	if lines := log.lines(t); len(lines) != 1 || lines[0]["msg"] != "a connection failed" || len(lines[0]) != 3 {
		t.Errorf("%v", lines)
	}
}

func greeting(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func throughSocket(t *testing.T, path string) (string, error) {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func onSocket(path string) func(*web.Config) {
	return func(c *web.Config) { c.AdminSocket, c.Admin, c.OpsListen = path, greeting("hello"), "" }
}

func TestTheAdminSocketIsItsOwnersAloneAndGoesWithTheService(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	path := filepath.Join(dir, "admin.sock")
	r := start(t, newFixture(t, ok), onSocket(path))
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if body, err := throughSocket(t, path); body != "hello" {
		t.Errorf("%q %v", body, err)
	}
	if r.OpsAddr() != "" {
		t.Errorf("nobody asked for %q", r.OpsAddr())
	}
	r.ends(t)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestASocketThatIsServedIsNotTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "admin.sock")
	r := start(t, newFixture(t, ok), onSocket(path))
	cfg := web.Config{Listen: "127.0.0.1:0"}
	onSocket(path)(&cfg)
	if _, err := web.Listen(newFixture(t, ok).API, cfg); err == nil || !strings.Contains(err.Error(), "another process serves") {
		t.Errorf("%v", err)
	}
	if body, err := throughSocket(t, path); body != "hello" {
		t.Errorf("the first was disturbed: %q %v", body, err)
	}
	r.ends(t)
}

func TestAStaleSocketIsReplacedAndAnotherFileIsNot(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	stale, file := filepath.Join(dir, "admin.sock"), filepath.Join(dir, "file")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	r := start(t, newFixture(t, ok), onSocket(stale))
	if body, err := throughSocket(t, stale); body != "hello" {
		t.Errorf("%q %v", body, err)
	}
	r.ends(t)
	if err := os.WriteFile(file, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := web.Config{Listen: "127.0.0.1:0"}
	onSocket(file)(&cfg)
	if _, err := web.Listen(newFixture(t, ok).API, cfg); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("%v", err)
	}
	if kept, err := os.ReadFile(file); string(kept) != "keep" {
		t.Errorf("%q %v", kept, err)
	}
}

func TestAServiceThatCannotListenLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	for name, change := range map[string]func(*web.Config){
		"no such directory":   onSocket(filepath.Join(dir, "none", "admin.sock")),
		"a path too long":     onSocket(filepath.Join(dir, strings.Repeat("d", 100), "admin.sock")),
		"no handler":          func(c *web.Config) { c.AdminSocket = filepath.Join(dir, "admin.sock") },
		"no such address":     func(c *web.Config) { c.OpsListen = "256.0.0.1:0" },
		"no address of a net": func(c *web.Config) { c.Listen = "nonsense" },
	} {
		if name == "a path too long" {
			if err := os.Mkdir(filepath.Join(dir, strings.Repeat("d", 100)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cfg := web.Config{Listen: "127.0.0.1:0"}
		change(&cfg)
		if s, err := web.Listen(newFixture(t, ok).API, cfg); err == nil || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "admin.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a socket is left")
	}
	if left, _ := os.ReadDir(filepath.Join(dir, strings.Repeat("d", 100))); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
