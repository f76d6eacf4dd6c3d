package web_test

import (
	"bytes"
	"context"
	"crypto"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// noHash signs the text itself, as Ed25519 does.
type noHash struct{}

func (noHash) HashFunc() crypto.Hash { return 0 }

// countingListener counts the bytes that the server reads.
type countingListener struct {
	net.Listener
	read atomic.Int64
}

func (l *countingListener) over(under net.Listener) net.Listener {
	l.Listener = under
	return l
}

func (l *countingListener) bytes() int64 { return l.read.Load() }

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{c, &l.read}, nil
}

type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// monitor stands between the server and its connections and between the
// server and the handler: it gives each write of each connection its place in
// one sequence, and says which writes were the response of which request.
type monitor struct {
	next     http.Handler
	sequence atomic.Int64
	reads    atomic.Int64 // reads being answered

	mu    sync.Mutex
	done  []delivery
	began chan struct{} // closed when the next withdrawal begins to be handled
	acked chan struct{} // closed when the next acknowledgement begins to be written
}

// delivery is one request that was handled, with its writes.
type delivery struct {
	label   string // of the request's header Test-Label
	began   int64
	writes  []write
	bytes   []byte // what was written, header and body
	whole   bool   // the handler was not aborted
	overlap bool   // a read was being answered when it began
}

// write is one call of a connection's Write: it began and returned at these
// places of the sequence.
type write struct{ began, ended int64 }

func newMonitor() *monitor {
	return &monitor{began: make(chan struct{}), acked: make(chan struct{})}
}

func (m *monitor) tick() int64 { return m.sequence.Add(1) }

// furnish puts the monitor into a house before it opens.
func (m *monitor) furnish(f *furnishing) {
	f.listen = func(l net.Listener) net.Listener { return stampedListener{l, m} }
	f.server = func(s *http.Server) {
		m.next, s.Handler = s.Handler, m
		s.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	}
}

type connKey struct{}

// ServeHTTP handles a request and keeps what was written for it.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := r.Context().Value(connKey{}).(*stampedConn)
	conn.take()
	d := delivery{label: r.Header.Get("Test-Label"), began: m.tick(), overlap: m.reads.Load() > 0}
	switch {
	case strings.HasPrefix(d.label, "withdraw"):
		conn.onWrite(func() { m.announce(&m.acked) })
		m.announce(&m.began)
	case strings.HasPrefix(d.label, "read"):
		if strings.HasSuffix(d.label, "slow") {
			conn.narrow()
		}
		m.reads.Add(1)
		defer m.reads.Add(-1)
	}
	defer func() {
		d.writes, d.bytes = conn.take()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done = append(m.done, d)
	}()
	m.next.ServeHTTP(w, r)
	d.whole = true
}

// announce closes a channel for those who wait and puts a new one in place.
func (m *monitor) announce(what *chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(*what)
	*what = make(chan struct{})
}

// until is the channel that the next announcement closes.
func (m *monitor) until(what *chan struct{}) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *what
}

// deliveries hands over what was noted so far.
func (m *monitor) deliveries() []delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.done)
}

type stampedListener struct {
	net.Listener
	monitor *monitor
}

func (l stampedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stampedConn{Conn: c, monitor: l.monitor}, nil
}

type stampedConn struct {
	net.Conn
	monitor *monitor

	mu     sync.Mutex
	first  func() // called before the next write
	writes []write
	bytes  bytes.Buffer
}

func (c *stampedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	first := c.first
	c.first = nil
	c.mu.Unlock()
	if first != nil {
		first()
	}
	began := c.monitor.tick()
	n, err := c.Conn.Write(p)
	ended := c.monitor.tick()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.writes = append(c.writes, write{began, ended})
		c.bytes.Write(p[:n])
	}
	return n, err
}

// narrow gives the connection the least send buffer, so that a reader that
// does not read makes a write block.
func (c *stampedConn) narrow() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(2048)
	}
}

func (c *stampedConn) onWrite(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first = fn
}

// take hands over what was written since it was asked last.
func (c *stampedConn) take() ([]write, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes, sent := c.writes, bytes.Clone(c.bytes.Bytes())
	c.writes, c.first = nil, nil
	c.bytes.Reset()
	return writes, sent
}

// narrow dials with a receive buffer of the least size, so that what is not
// read soon fills it.
func narrow(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		if err := raw.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
		}); err != nil {
			return err
		}
		return failed
	}}
	return d.DialContext(ctx, "tcp", address)
}
