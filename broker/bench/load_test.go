package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// roleLoad makes this program a load generator.
const roleLoad = "load"

// order is what the load generator is asked to do: the same request over and
// over on some kept connections, for a while.
type order struct {
	Address     string        `json:"address"`
	Request     []byte        `json:"request"`
	Connections int           `json:"connections"`
	For         time.Duration `json:"for"`
	Every       time.Duration `json:"every"` // between the requests of a connection; 0: as soon as the last is answered
	Refusals    float64       `json:"-"`     // how large a part may be refused
}

// load is what came of it. The first tenth of the time is not counted.
type load struct {
	Requests int           `json:"requests"`
	Failed   int           `json:"failed"` // answered with anything but 200
	Bytes    int           `json:"bytes"`  // of the last body
	Took     time.Duration `json:"took"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
	Error    string        `json:"error"`
}

// generate is the program of the load generator.
func generate(in io.Reader, out io.Writer) int {
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	result := o.run()
	if err := json.NewEncoder(out).Encode(result); err != nil || result.Error != "" {
		fmt.Fprintln(os.Stderr, err, result.Error)
		return 1
	}
	return 0
}

// run keeps every connection busy.
func (o order) run() (all load) {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		took  []time.Duration
	)
	start := time.Now()
	from, until := start.Add(o.For/10), start.Add(o.For)
	for i := range o.Connections {
		group.Go(func() {
			due := start.Add(o.Every * time.Duration(i) / time.Duration(o.Connections))
			c := &client{from: from, until: until, due: due}
			err := c.run(o)
			mu.Lock()
			defer mu.Unlock()
			took, all.Failed, all.Bytes = append(took, c.took...), all.Failed+c.failed, max(all.Bytes, c.bytes)
			if err != nil {
				all.Error = err.Error()
			}
		})
	}
	group.Wait()
	all.Took, all.Requests = until.Sub(from), len(took)
	all.P50, all.P99 = quantile(took, .5), quantile(took, .99)
	return all
}

// client is one connection. It speaks as much HTTP as it needs: the load has
// to cost little beside what is measured.
type client struct {
	from, until   time.Time
	due           time.Time // of the next request, where there is a pace
	took          []time.Duration
	failed, bytes int
}

func (c *client) run(o order) error {
	conn, err := net.Dial("tcp", o.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		start := c.next(o.Every)
		if start.After(c.until) {
			return nil
		}
		if _, err := conn.Write(o.Request); err != nil {
			return err
		}
		ok, err := c.answer(r)
		if err != nil {
			return err
		}
		if !ok {
			c.failed++
		}
		if start.After(c.from) {
			c.took = append(c.took, time.Since(start))
		}
	}
}

// next is when the next request is sent. At a pace that is when it is due, even
// if the last was late: who waits for an answer does not ask less often.
func (c *client) next(every time.Duration) time.Time {
	if every == 0 {
		return time.Now()
	}
	due := c.due
	c.due = due.Add(every)
	if due.Before(c.until) {
		time.Sleep(time.Until(due))
	}
	return due
}

var lengthHeader = []byte("Content-Length: ")

// answer reads one answer whose length its header gives.
func (c *client) answer(r *bufio.Reader) (ok bool, err error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	ok = bytes.HasPrefix(status, []byte("HTTP/1.1 200"))
	length := -1
	for {
		header, err := r.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if len(header) <= 2 {
			break
		}
		if value, found := bytes.CutPrefix(header, lengthHeader); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return false, err
			}
		}
	}
	if length < 0 {
		return false, errors.New("an answer without its length")
	}
	c.bytes = length
	_, err = r.Discard(length)
	return ok, err
}

// send runs an order in a process of its own. The figure is seconds a request;
// the processor time is that of this process, which serves.
func send(t testing.TB, o order) (side, load) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "HALLPASS_BENCH_ROLE="+roleLoad)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, os.Stderr
	before := processor(os.Getpid())
	if err := cmd.Run(); err != nil {
		t.Fatalf("the load generator: %v", err)
	}
	used := processor(os.Getpid()) - before
	var got load
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if float64(got.Failed) > o.Refusals*float64(got.Requests) || got.Requests == 0 {
		t.Fatalf("%d requests, %d of them refused", got.Requests, got.Failed)
	}
	s := side{wall: got.Took, ops: got.Requests, figure: got.Took.Seconds() / float64(got.Requests)}
	s.cpu = time.Duration(float64(used) * got.Took.Seconds() / o.For.Seconds()) // without the time that was not counted
	return s, got
}
