package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	adminTimeout  = time.Hour // an import comes through the admin socket
	maxHeader     = 16 << 10

	defaultGrace = 4 * time.Second
	lastGrace    = time.Second // for handlers to see that they were cut
)

// NewHTTPServer returns a server with every timeout set, at most 16 KB of
// request header and HTTP/1 only: without TLS, HTTP/2 would bypass the header
// timeout. Its own complaints, which hold addresses, are logged as one plain
// line.
func NewHTTPServer(h http.Handler, l *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, Protocols: &protocols,
		ErrorLog: log.New(complaints{l}, "", 0),
	}
}

type complaints struct{ log *slog.Logger }

func (c complaints) Write(p []byte) (int, error) {
	c.log.Warn("a connection failed")
	return len(p), nil
}

// Config says where a service listens.
type Config struct {
	Listen      string        // of the API, such as 127.0.0.1:8080
	OpsListen   string        // of metrics and health; empty for none
	AdminSocket string        // path of a Unix socket, mode 0600; empty for none
	Admin       http.Handler  // served on the admin socket; required with one
	Grace       time.Duration // for requests that run when the service stops; 0 is four seconds
	Log         *slog.Logger  // nil discards
}

// Server holds the open listeners of one service.
type Server struct {
	api   *API
	grace time.Duration
	abort context.CancelFunc // of every request's context
	fatal chan error
	parts []*part
	admin *adminSocket
}

// part is one listener with its server.
type part struct {
	name     string
	listener net.Listener
	server   *http.Server
	ops      bool // stops last
}

// Listen opens every listener of the configuration, or none and says which
// could not be opened.
func Listen(api *API, cfg Config) (*Server, error) {
	logger := cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	base, abort := context.WithCancel(context.Background())
	s := &Server{api: api, grace: cmp.Or(cfg.Grace, defaultGrace), abort: abort, fatal: make(chan error, 3)}
	if err := s.open(api, cfg, logger); err != nil {
		s.closeListeners()
		abort()
		return nil, err
	}
	for _, p := range s.parts {
		p.server.BaseContext = func(net.Listener) context.Context { return base }
	}
	return s, nil
}

func (s *Server) open(api *API, cfg Config, l *slog.Logger) error {
	if err := s.openTCP(cfg.Listen, &part{name: "the API", server: NewHTTPServer(api, l)}); err != nil {
		return err
	}
	if cfg.OpsListen != "" {
		ops := &part{name: "metrics and health", server: NewHTTPServer(api.Ops(), l), ops: true}
		if err := s.openTCP(cfg.OpsListen, ops); err != nil {
			return err
		}
	}
	if cfg.AdminSocket == "" {
		return nil
	}
	if cfg.Admin == nil {
		return errors.New("web: an admin socket needs a handler")
	}
	admin, err := openAdminSocket(cfg.AdminSocket)
	if err != nil {
		return err
	}
	server := NewHTTPServer(api.counted(cfg.Admin), l)
	server.ReadTimeout, server.WriteTimeout = adminTimeout, adminTimeout
	s.admin = admin
	s.parts = append(s.parts, &part{name: "the admin socket", listener: admin.listener, server: server})
	return nil
}

func (s *Server) openTCP(address string, p *part) (err error) {
	if p.listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", address); err != nil {
		return fmt.Errorf("cannot listen for %s: %w", p.name, err)
	}
	s.parts = append(s.parts, p)
	return nil
}

func (s *Server) closeListeners() {
	for _, p := range s.parts {
		_ = p.listener.Close()
	}
	if s.admin != nil {
		s.admin.remove()
	}
}

// Addr returns where the API listens.
func (s *Server) Addr() string { return s.parts[0].listener.Addr().String() }

// OpsAddr returns where metrics and health are served, or "" without them.
func (s *Server) OpsAddr() string {
	for _, p := range s.parts {
		if p.ops {
			return p.listener.Addr().String()
		}
	}
	return ""
}

// Serve serves until ctx ends or a listener fails, then stops: it takes no new
// request, lets those that run finish within the grace, cuts the rest, and
// returns when their handlers have. It leaves no goroutine and no socket
// behind; it may be called once.
func (s *Server) Serve(ctx context.Context) error {
	done := make(chan struct{})
	for _, p := range s.parts {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
				s.fatal <- fmt.Errorf("%s stopped: %w", p.name, err)
			}
		}()
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-s.fatal:
	}
	err := errors.Join(failed, s.stop())
	for range s.parts {
		<-done
	}
	return err
}

// stop drains the API and the admin socket together, waits for their
// handlers, and only then stops metrics and health.
func (s *Server) stop() error {
	s.api.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.grace)
	defer cancel()
	err := s.drain(ctx, func(p *part) bool { return !p.ops })
	s.abort()
	err = errors.Join(err, s.api.settle(lastGrace))
	if s.admin != nil {
		s.admin.remove()
	}
	return errors.Join(err, s.drain(ctx, func(p *part) bool { return p.ops }))
}

func (s *Server) drain(ctx context.Context, chosen func(*part) bool) error {
	var g errgroup.Group
	for _, p := range s.parts {
		if chosen(p) {
			g.Go(func() error { return p.drain(ctx) })
		}
	}
	return g.Wait()
}

// drain lets requests finish until ctx ends, then breaks their connections
// off. Requests that had to be cut are not an error: they were not answered.
func (p *part) drain(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return p.server.Close()
	}
	return err
}
