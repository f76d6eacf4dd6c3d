package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// roleStart makes this program a service that starts, says so and ends.
const roleStart = "start"

// ready is what a service that started says of itself.
type ready struct {
	Heap     uint64 `json:"heap"`     // bytes in use after a collection, without the unused
	Resident uint64 `json:"resident"` // bytes, with the file that is mapped
}

// start is the program that opens a district, listens, and is ready.
func start(out io.Writer) int {
	if err := open(out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func open(out io.Writer) error {
	debug.SetGCPercent(servedGrowth)
	unused := make([]byte, unusedMemory)
	defer runtime.KeepAlive(unused)
	at, err := time.Parse(time.RFC3339, os.Getenv("HALLPASS_BENCH_NOW"))
	if err != nil {
		return err
	}
	b, err := broker.Open(context.Background(), os.Getenv("HALLPASS_BENCH_DIR"), broker.Options{Clock: clockFrom(at)})
	if err != nil {
		return err
	}
	defer b.Close()
	issuer := b.Settings().Issuer()
	v, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: b.TokenKeys(), Now: b.Now})
	if err != nil {
		return err
	}
	a, err := web.New[*broker.Answer](b, v, webOptions())
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go web.NewHTTPServer(a, webOptions().Log).Serve(l)
	if err := b.Ready(context.Background()); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	return json.NewEncoder(out).Encode(memory())
}

func memory() ready {
	r := ready{Resident: uint64(inStatus(os.Getpid(), "VmRSS:"))}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Heap = m.HeapAlloc - unusedMemory
	return r
}

// inStatus returns a figure of a process's memory in bytes, as far as the system
// says: VmRSS what is resident, VmHWM the most that ever was.
func inStatus(pid int, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(l, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// started runs the service in a process of its own and returns how long it
// took from there until it was ready.
func started(t testing.TB, dir string, at time.Time) (time.Duration, ready) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "HALLPASS_BENCH_ROLE="+roleStart, "HALLPASS_BENCH_DIR="+dir, "HALLPASS_BENCH_NOW="+at.Format(time.RFC3339))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	said, err := r.ReadBytes('\n')
	took := time.Since(begun)
	if err != nil || !bytes.Equal(said, []byte("ready\n")) {
		t.Fatalf("the service said %q, error %v, %v", said, err, cmd.Wait())
	}
	var got ready
	if err := json.NewDecoder(r).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return took, got
}

func benchStart(t *testing.T) outcome {
	const students = 100_000
	l := line{bench: "start to ready, 100,000 students", peer: "–"}
	made := sample.Generate(sample.Options{Students: students, Schools: 120})
	dir := t.TempDir()
	folder := t.TempDir()
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	var home string
	t.Run("import", func(t *testing.T) { // the district is closed at its end
		home = initDistrict(t, dir, noon(made))
		openDistrict(t, home, noon(made)).load(folder, records.Exceptions)
	})
	var took []float64
	var last ready
	for range rounds {
		d, got := started(t, home, noon(made))
		took, last = append(took, float64(d.Milliseconds())), got
	}
	o := l.single(0, fmt.Sprintf("milliseconds from the start of the process until it is ready, store verified and records in memory; %d MB resident, %d MB of them heap in use", last.Resident>>20, last.Heap>>20))
	o.ratios = took
	return o
}

func TestAServiceStartsInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	made := sample.Generate(sample.Options{Students: 60, Schools: 2})
	dir := inMemory(t)
	var home string
	t.Run("import", func(t *testing.T) {
		home = furnished(t, dir, made, unasked).dir
	})
	if _, got := started(t, home, noon(made)); got.Heap == 0 {
		t.Error("the service said nothing of its memory")
	}
}
