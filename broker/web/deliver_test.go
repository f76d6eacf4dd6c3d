package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// wire is the API on a real connection whose written bytes are kept.
type wire struct {
	*fixture
	client net.Conn
	sent   *recordingConn
	served chan struct{}
}

// recordingConn keeps what the server hands to the connection.
type recordingConn struct {
	net.Conn
	written atomic.Int64
	mu      sync.Mutex
	head    []byte
	began   chan struct{} // closed when the first byte is about to be written
	closed  chan struct{}
	first   sync.Once
	last    sync.Once
}

func (c *recordingConn) Write(p []byte) (int, error) {
	c.first.Do(func() { close(c.began) })
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = append(c.head, p[:min(n, 1<<16-min(len(c.head), 1<<16))]...)
	return n, err
}

func (c *recordingConn) Close() error {
	c.last.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *recordingConn) holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.head, []byte(text))
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conns chan net.Conn
	addr  net.Addr
	done  chan struct{}
	once  sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *oneConn) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }

// newWire serves one connection, on which every operation is answered by do.
func newWire(t *testing.T, do func(w *wire) *reply, change ...func(*web.Options)) *wire {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := tcp.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = tcp.Close()
	w := &wire{client: client, served: make(chan struct{})}
	w.fixture = newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) { return do(w), nil }, change...)
	w.sent = &recordingConn{Conn: accepted, began: make(chan struct{}), closed: make(chan struct{})}
	l := &oneConn{conns: make(chan net.Conn, 1), addr: tcp.Addr(), done: make(chan struct{})}
	l.conns <- w.sent
	server := web.NewHTTPServer(w.API, slogTo(w.log))
	go func() {
		defer close(w.served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
		<-w.served
		<-w.sent.closed
	})
	return w
}

func (w *wire) ask(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(w.client, "GET /v1/partners HTTP/1.1\r\nHost: x\r\nAuthorization: "+bearer(t, broker.RoleOfficer)+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
}

func (w *wire) answer(t *testing.T) (*http.Response, []byte, error) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(w.client), nil)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// delivered is the property: when Deliver's write has returned nil, every
// byte is on the connection, although the handler has not returned.
func delivered(t *testing.T, change ...func(*web.Options)) bool {
	t.Helper()
	const body = `{"data":{"last":"byte"}}`
	there := make(chan bool, 1)
	w := newWire(t, func(w *wire) *reply {
		return &reply{deliver: func(write func(...[]byte) error, _ func()) error {
			err := write([]byte(body))
			there <- err == nil && w.sent.holds(body)
			return err
		}}
	}, change...)
	w.ask(t)
	if response, got, err := w.answer(t); err != nil || response.StatusCode != 200 || string(got) != body || response.ContentLength != int64(len(body)) {
		t.Fatalf("%v %q %v", response, got, err)
	}
	return <-there
}

func TestAnAnswerHasLeftWhenItsDeliveryReturns(t *testing.T) {
	t.Parallel()
	if !delivered(t) {
		t.Error("the delivery returned with bytes still in the server")
	}
	if delivered(t, func(o *web.Options) { o.Sabotage.NoFlush = true }) {
		t.Error("the test does not notice that nothing was flushed")
	}
}

func TestACutMakesARunningWriteFailAndNothingFollows(t *testing.T) {
	t.Parallel()
	body := []byte(`{"data":"` + strings.Repeat("x", 64<<20) + `"}`) // more than the kernel keeps for a reader who does not read
	outcome := make(chan error, 1)
	w := newWire(t, func(w *wire) *reply {
		return &reply{deliver: func(write func(...[]byte) error, cut func()) error {
			failed := make(chan error)
			go func() { failed <- write(body) }()
			<-w.sent.began
			cut()
			outcome <- <-failed
			return broker.ErrCut
		}}
	})
	w.ask(t)
	if err := <-outcome; !errors.Is(err, broker.ErrCut) {
		t.Errorf("write: %v", err)
	}
	<-w.sent.closed
	n := w.sent.written.Load()
	if n >= int64(len(body)) {
		t.Errorf("%d bytes left", n)
	}
	if got, err := io.Copy(io.Discard, w.client); got > n {
		t.Errorf("%d bytes came, %d left, %v", got, n, err)
	}
}

func TestAnAnswerCutBeforeItsFirstByteIsUnavailable(t *testing.T) {
	t.Parallel()
	deliveries := map[string]func(write func(...[]byte) error, cut func()) error{
		"by the broker":      func(func(...[]byte) error, func()) error { return broker.ErrCut },
		"just before a byte": cutFirst,
	}
	for name, deliver := range deliveries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) {
				return &reply{deliver: deliver}, nil
			})
			w := get(t, f, "/v1/partners")
			wantProblem(t, w, 503, broker.Unavailable)
			if strings.Contains(w.Body.String(), "CANARY") || f.log.lines(t)[0]["kind"] != "cut" {
				t.Errorf("%s %s", w.Body, f.log)
			}
		})
	}
}

func TestAnAnswerCutBeforeItsFirstByteNeverReachesTheConnection(t *testing.T) {
	t.Parallel()
	w := newWire(t, func(*wire) *reply { return &reply{deliver: cutFirst} })
	w.ask(t)
	if _, body, err := w.answer(t); err == nil && bytes.Contains(body, []byte("CANARY")) {
		t.Errorf("%q", body)
	}
	if w.sent.holds("CANARY") {
		t.Error("a byte of the answer left")
	}
}

func cutFirst(write func(...[]byte) error, cut func()) error {
	cut()
	return write([]byte(`{"data":"CANARY"}`))
}

func TestALateCutDoesNotTouchTheNextAnswer(t *testing.T) {
	t.Parallel()
	var late func()
	w := newWire(t, func(*wire) *reply {
		if late != nil {
			late()
		}
		return &reply{deliver: func(write func(...[]byte) error, cut func()) error {
			late = cut
			return write([]byte(`{"data":{}}`))
		}}
	})
	for range 2 {
		w.ask(t)
		if response, body, err := w.answer(t); err != nil || response.StatusCode != 200 {
			t.Fatalf("%v %q %v", response, body, err)
		}
	}
}

func TestAnAnswerItsReaderDoesNotTakeIsBrokenOff(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	w := newWire(t, func(*wire) *reply {
		return &reply{deliver: func(write func(...[]byte) error, _ func()) error {
			err := write(bytes.Repeat([]byte(" "), 64<<20))
			failed <- err
			return err
		}}
	})
	w.ask(t)
	if tcp, ok := w.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = w.client.Close()
	if err := <-failed; err == nil || errors.Is(err, broker.ErrCut) {
		t.Errorf("write: %v", err)
	}
	<-w.sent.closed
	w.log.wait()
	if line := w.log.lines(t)[0]; line["kind"] != "lost" {
		t.Errorf("%v", line)
	}
}

func TestAPanicAmidAnAnswerBreaksItOff(t *testing.T) {
	t.Parallel()
	w := newWire(t, func(*wire) *reply {
		return &reply{deliver: func(write func(...[]byte) error, _ func()) error {
			if err := write([]byte(`{"data":{}}`)); err != nil {
				return err
			}
			panic("CANARY")
		}}
	})
	w.ask(t)
	<-w.sent.closed
	if line := w.log.lines(t)[0]; line["panic"] != "string" || line["kind"] != "internal" || w.sent.holds("problem") {
		t.Errorf("%v", line)
	}
}

func TestAnAnswerIsAlwaysDropped(t *testing.T) {
	t.Parallel()
	for name, deliver := range map[string]func(write func(...[]byte) error, cut func()) error{
		"after a delivery": nil,
		"after a failure":  func(func(...[]byte) error, func()) error { return errors.New("no") },
		"after a panic":    func(func(...[]byte) error, func()) error { panic("no") },
	} {
		a := &reply{body: []byte(`{"data":{}}`), deliver: deliver}
		f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) { return a, nil })
		get(t, f, "/v1/partners")
		if !a.dropped {
			t.Errorf("%s it was not", name)
		}
	}
}
