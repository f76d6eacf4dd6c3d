package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hallpass": main, "hallpass-hasty": hasty, "hallpass-premature": premature, "hallpass-mortal": mortal, "hallpass-full": full, "hallpass-forgetful": forgetful})
}

// The scripts run the program as its users do.
func TestScripts(t *testing.T) {
	t.Parallel()
	verifier := buildVerifier(t)
	readme, err := filepath.Abs(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Values[lastStarted{}] = &lastStarted{}
			env.Setenv("README", readme)
			env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+verifier)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"start":     start,
			"crash":     crash,
			"paste":     paste,
			"walk":      walk,
			"follows":   followLink,
			"unchanged": unchanged,
			"call":      call,
			"cp-r":      copyFolder,
			"append":    appendLine,
			"touch":     touch,
			"nowhere":   nowhere,
		},
	})
}

// followLink opens a link in the served district, as a browser would: its page names the
// person, its button signs in once, and the overview is that person's.
func followLink(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: follows FILE PERSON")
	}
	address, err := url.Parse(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	base := strings.TrimSuffix(ts.Getenv("API"), "/v1")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, cookie string, want int) (*http.Response, string) {
		request, err := http.NewRequestWithContext(context.Background(), method, base+path, nil)
		ts.Check(err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Cookie", cookie)
		response, err := client.Do(request)
		ts.Check(err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		ts.Check(err)
		if response.StatusCode != want {
			ts.Fatalf("%s answers %d, not %d:\n%s", method, response.StatusCode, want, body)
		}
		return response, string(body)
	}
	if _, door := ask(http.MethodGet, address.Path, "", http.StatusOK); !strings.Contains(door, args[1]) {
		ts.Fatalf("the page of the link does not name %s", args[1])
	}
	in, _ := ask(http.MethodPost, address.Path, "", http.StatusSeeOther)
	cookie, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	if _, overview := ask(http.MethodGet, "/office", cookie, http.StatusOK); !strings.Contains(overview, args[1]) {
		ts.Fatalf("%s is not signed in", args[1])
	}
	ask(http.MethodPost, address.Path, "", http.StatusNotFound)
}

// copyFolder is cp -r.
func copyFolder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cp-r FROM TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}

// appendLine adds a line to a file.
func appendLine(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: append FILE LINE")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteString(args[1] + "\n")
	ts.Check(errors.Join(err, f.Close()))
}

// touch makes an empty file.
func touch(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		ts.Check(os.WriteFile(ts.MkAbs(name), nil, 0o600))
	}
}

// nowhere searches files and folders for a text.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: nowhere TEXT PATH…")
	}
	found := ""
	for _, root := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(root), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(args[0])) {
				found = path
			}
			return err
		}))
	}
	if (found == "") == neg {
		ts.Fatalf("%s stands in %q", args[0], found)
	}
}

// buildVerifier builds hallpass-verify and returns its folder: it is another
// program, which trusts nothing of this one.
func buildVerifier(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "../hallpass-verify")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building hallpass-verify: %v\n%s", err, text)
	}
	return dir
}

// exits CODE PROGRAM ARGS… runs a program that must end with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err, code := ts.Exec(args[1], args[2:]...), 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// unchanged FILE KEPT fails unless the two files are equal byte for byte.
func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	now, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	kept, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if bytes.Equal(now, kept) == neg {
		ts.Fatalf("%s and %s: equal is %v", args[0], args[1], !neg)
	}
}

// background is a program that a script started.
type background struct {
	cmd    *exec.Cmd
	ready  chan string // the line that says that it serves
	output sync.WaitGroup
	stderr lines
	killed bool
}

// start FILE hallpass ARGS… starts a program in the background, waits until it
// says that it serves, sets API to its address, and keeps what it wrote to
// standard output in FILE. When the script ends, the program is told to stop,
// which it must do within five seconds with exit code 0.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start FILE PROGRAM ARGS…")
	}
	b := &background{cmd: exec.Command(inPath(ts, args[1]), args[2:]...), ready: make(chan string, 1)}
	b.cmd.Dir = ts.MkAbs(".")
	b.cmd.Env = os.Environ()
	for _, name := range []string{"PATH", "HOME", "TMPDIR", variable("listen")} {
		if value := ts.Getenv(name); value != "" {
			b.cmd.Env = append(b.cmd.Env, name+"="+value)
		}
	}
	stdout, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer stdout.Close()
	b.cmd.Stdout = stdout
	stderr, err := b.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(b.cmd.Start())
	ts.Value(lastStarted{}).(*lastStarted).background = b
	b.output.Go(func() { b.watch(stderr) })
	ts.Defer(func() { b.stop(ts) })
	line, serves := <-b.ready
	if !serves {
		ts.Fatalf("it ended before it served:\n%s", b.stderr.text())
	}
	written, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv("API", regexp.MustCompile(`http://[0-9.:]+/v1`).FindString(line+string(written)))
}

// inPath finds a program in the script's PATH.
func inPath(ts *testscript.TestScript, program string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	ts.Fatalf("there is no program %s", program)
	return ""
}

// watch collects what the program says, and passes the line on that says that
// it serves.
func (b *background) watch(stderr io.Reader) {
	defer close(b.ready)
	said := false
	for scan := bufio.NewScanner(stderr); scan.Scan(); {
		b.stderr.add(scan.Text())
		if !said && (strings.Contains(scan.Text(), `"serving"`) || strings.Contains(scan.Text(), "Serving")) {
			b.ready <- scan.Text()
			said = true
		}
	}
}

// crash kills what start started last, as a power cut would.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(lastStarted{}).(*lastStarted).background
	ts.Check(b.cmd.Process.Kill())
	b.output.Wait()
	_ = b.cmd.Wait() // it was killed
	b.killed = true
}

// lastStarted is what start started last; its type is the key of the script's
// value.
type lastStarted struct{ *background }

func (b *background) stop(ts *testscript.TestScript) {
	if b.killed {
		return
	}
	ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	late := time.AfterFunc(5*time.Second, func() { _ = b.cmd.Process.Kill() })
	b.output.Wait()
	if err := b.cmd.Wait(); err != nil {
		ts.Logf("the program in the background: %v\n%s", err, b.stderr.text())
		ts.Fatalf("it did not stop in good order")
	}
	late.Stop()
}

// lines are what a program says while others read it.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// paste FILE COUNT pastes each curl of a file into a shell; there must be COUNT
// of them, and each must be answered with data.
func paste(ts *testscript.TestScript, neg bool, args []string) {
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		n++
		answer, err := exec.Command("sh", "-c", strings.TrimSpace(line)).CombinedOutput()
		if err != nil || !bytes.HasPrefix(answer, []byte(`{"data":`)) {
			ts.Fatalf("%s\nanswered %v: %s", line, err, answer)
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%d curl lines, want %s", n, args[1])
	}
}

// walk FILE writes the README's walk-through as a shell script, on ports that
// are free and with the program that is tested.
func walk(ts *testscript.TestScript, neg bool, args []string) {
	readme, err := os.ReadFile(ts.Getenv("README"))
	ts.Check(err)
	script, err := walkThrough(string(readme))
	ts.Check(err)
	api, ops := freeAddress(ts), freeAddress(ts)
	script = strings.NewReplacer(usualListen, api, usualOps, ops).Replace(script)
	ts.Setenv(variable("listen"), api)
	ts.Setenv(variable("ops-listen"), ops)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(script), 0o600))
}

// walkThrough takes the commands out of the section on the main job.
func walkThrough(readme string) (string, error) {
	_, section, found := strings.Cut(readme, "\n## The main job")
	if !found {
		return "", errors.New("the README has no section on the main job")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	script := "trap 'kill $! 2> /dev/null' EXIT\n"
	for line := range strings.Lines(section) {
		command, indented := strings.CutPrefix(line, "    ")
		if indented && !strings.HasPrefix(command, "make build") {
			script += command
		}
	}
	if strings.Count(script, "\n") < 20 {
		return "", fmt.Errorf("the README's walk-through has shrunk to:\n%s", script)
	}
	return script, nil
}

func freeAddress(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}
