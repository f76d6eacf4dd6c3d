package bench_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/rego"
)

const opaRemedy = "build it: go build -modfile=tools/opa/go.mod -o build/opa github.com/open-policy-agent/opa (make bench does)"

// opa is a rule server of its own, with the rules that ship.
type opa struct {
	pid    int
	url    string
	client *http.Client
}

// startOPA starts the server on a free port of loopback; it ends with the
// test. It returns nil and what to do where the program is not built.
func startOPA(t testing.TB) (server *opa, remedy string) {
	t.Helper()
	program := os.Getenv("HALLPASS_BENCH_OPA")
	if program == "" {
		program = filepath.Join("..", "..", "build", "opa")
	}
	if _, err := os.Stat(program); err != nil {
		return nil, opaRemedy
	}
	address := freeAddress(t)
	cmd := exec.CommandContext(t.Context(), program, append([]string{
		"run", "--server", "--addr", address, "--log-level", "error", "--disable-telemetry",
	}, ruleFiles(t)...)...)
	runWithTest(t, cmd)
	s := &opa{pid: cmd.Process.Pid, url: "http://" + address, client: &http.Client{}}
	t.Cleanup(s.client.CloseIdleConnections)
	await(t, func() error {
		answer, err := s.client.Get(s.url + "/health")
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	})
	return s, ""
}

// ruleFiles writes the rules that ship, without their tests, into a folder.
func ruleFiles(t testing.TB) []string {
	t.Helper()
	all, err := fs.Glob(rego.FS, "*.rego")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var paths []string
	for _, name := range all {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(rego.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// post asks for a rule of hallpass.disclosure over a kept connection.
func (s *opa) post(t testing.TB, rule string, input []byte) []byte {
	answer, err := s.client.Post(s.url+"/v1/data/hallpass/disclosure/"+rule, "application/json", bytes.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the OPA server answers %d, error %v: %s", answer.StatusCode, err, body)
	}
	return body
}

func decodeResult[T any](t testing.TB, body []byte) T {
	t.Helper()
	var answer struct {
		Result T `json:"result"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("reading %s: %v", body, err)
	}
	return answer.Result
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// runWithTest starts a process that is ended with the test.
func runWithTest(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if t.Failed() && said.Len() > 0 {
			t.Logf("%s said: %.2000s", filepath.Base(cmd.Path), said.String())
		}
	})
}

// await asks until there is no error, for half a minute at most.
func await(t testing.TB, ready func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 3000 {
		if err = ready(); err == nil {
			return
		}
		<-tick.C
	}
	t.Fatalf("it does not get ready: %v", err)
}
