package web_test

import (
	"crypto"
	"net"
	"sync/atomic"
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
