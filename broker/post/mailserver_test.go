package post_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// mailServer speaks SMTP (RFC 5321) on a port of this machine.
type mailServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	implicit bool // TLS from the beginning
	noTLS    bool // it offers none
	user     string
	password string
	answers  map[string]string // instead of the usual ones, by command; "close" hangs up
	silent   chan struct{}     // it does not greet before this is closed
	working  sync.WaitGroup

	mu    sync.Mutex
	mails []received
	log   []string // the commands of all connections
}

// received is a mail that the server took.
type received struct {
	from, to, text string
	secure, known  bool // under TLS; somebody had signed in
}

func newMailServer(t *testing.T, set ...func(*mailServer)) *mailServer {
	t.Helper()
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, which is for 127.0.0.1
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	s := &mailServer{t: t, tls: &tls.Config{Certificates: secure.TLS.Certificates, MinVersion: tls.VersionTLS12}, roots: roots, answers: map[string]string{}}
	secure.Close()
	for _, one := range set {
		one(s)
	}
	var err error
	if s.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.working.Go(s.accept)
	t.Cleanup(func() {
		if s.silent != nil {
			close(s.silent)
		}
		_ = s.listener.Close()
		s.working.Wait()
	})
	return s
}

func (s *mailServer) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *mailServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.working.Go(func() { (&session{server: s, conn: conn}).run() })
	}
}

func (s *mailServer) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *mailServer) commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// session is one connection.
type session struct {
	server *mailServer
	conn   net.Conn
	in     *bufio.Reader
	mail   received
}

func (c *session) run() {
	defer func() { _ = c.conn.Close() }()
	if c.server.silent != nil {
		<-c.server.silent
		return
	}
	if c.server.implicit {
		c.conn, c.mail.secure = tls.Server(c.conn, c.server.tls), true
	}
	c.in = bufio.NewReader(c.conn)
	c.say("220 mail.lakeview.example ready")
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		c.server.mu.Lock()
		c.server.log = append(c.server.log, line)
		c.server.mu.Unlock()
		if !c.obey(line) {
			return
		}
	}
}

func (c *session) say(line string) { fmt.Fprintf(c.conn, "%s\r\n", line) }

func (c *session) obey(line string) (more bool) {
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	switch answer := c.server.answers[verb]; {
	case answer == "close":
		return false
	case answer != "":
		c.say(answer)
		return true
	}
	switch verb {
	case "EHLO":
		c.say("250-mail.lakeview.example")
		c.say("250-ENHANCEDSTATUSCODES")
		if !c.server.noTLS && !c.mail.secure {
			c.say("250-STARTTLS")
		}
		if c.server.user != "" {
			c.say("250-AUTH LOGIN PLAIN")
		}
		c.say("250 8BITMIME")
	case "STARTTLS":
		c.say("220 go ahead")
		c.conn, c.mail.secure = tls.Server(c.conn, c.server.tls), true
		c.in = bufio.NewReader(c.conn)
	case "AUTH":
		c.auth(rest)
	case "MAIL":
		c.mail.from = between(rest)
		c.say("250 2.1.0 ok")
	case "RCPT":
		c.mail.to = between(rest)
		c.say("250 2.1.5 ok")
	case "DATA":
		return c.data()
	case "QUIT":
		c.say("221 2.0.0 bye")
		return false
	default:
		c.say("250 2.0.0 ok")
	}
	return true
}

func (c *session) auth(rest string) {
	want := base64.StdEncoding.EncodeToString([]byte("\x00" + c.server.user + "\x00" + c.server.password))
	if c.mail.known = rest == "PLAIN "+want; c.mail.known {
		c.say("235 2.7.0 welcome")
		return
	}
	c.say("535 5.7.8 no")
}

// data reads a mail and takes it, or answers as it was told under the name TAKE.
func (c *session) data() (more bool) {
	c.say("354 go on")
	var text strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	switch answer := c.server.answers["TAKE"]; {
	case answer == "close":
		return false
	case answer != "":
		c.say(answer)
		return true
	}
	c.mail.text = text.String()
	c.server.mu.Lock()
	c.server.mails = append(c.server.mails, c.mail)
	c.server.mu.Unlock()
	c.say("250 2.0.0 taken")
	return true
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
