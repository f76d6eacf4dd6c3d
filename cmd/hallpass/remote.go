package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
)

// errNotServed says that no process serves a district's socket.
var errNotServed = errors.New("no process serves the district")

// order is a command line handed to the process that serves the district.
type order struct {
	Args     []string          `json:"args"`
	Env      map[string]string `json:"env"`
	Folder   string            `json:"folder"`
	Person   string            `json:"person"`
	Terminal bool              `json:"terminal"`
}

// frame is a piece of what the command writes or, at its end, its exit code.
type frame struct {
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
	Exit   *int   `json:"exit,omitempty"`
}

// handOver lets the process that serves dir do this run's command. It returns
// the command's exit code as a remote error, or errNotServed.
func (a *app) handOver(ctx context.Context, dir string) error {
	body, err := json.Marshal(order{a.args, a.env, a.folder, a.person, a.terminal})
	if err != nil {
		return fmt.Errorf("handing the command over: %w", err)
	}
	socket := socketPath(dir)
	if _, err := os.Lstat(socket); errors.Is(err, fs.ErrNotExist) {
		return errNotServed
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hallpass/run", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("handing the command over: %w", err)
	}
	response, err := overSocket(socket).RoundTrip(request)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return errNotServed
	}
	if err != nil {
		return fmt.Errorf("handing the command to the running service: %w", err)
	}
	defer response.Body.Close()
	return a.follow(response.Body)
}

// alone returns errNotServed unless another process serves the district.
func alone(ctx context.Context, dir string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socketPath(dir))
	if err != nil {
		return errNotServed
	}
	return errors.Join(&failure{
		exitUnavailable, "stop that process first; every command reaches it through admin.sock",
		fmt.Errorf("another process serves the district in %s", dir),
	}, conn.Close())
}

// overSocket speaks HTTP over a Unix socket, one request a connection.
func overSocket(path string) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}
}

// follow copies what the command writes until it ends.
func (a *app) follow(body io.Reader) error {
	for frames := json.NewDecoder(body); ; {
		var f frame
		if err := frames.Decode(&f); err != nil {
			return &failure{
				exitUnavailable, "hallpass audit list shows what was done; then run the command again",
				fmt.Errorf("the running service stopped before the command was done: %w", err),
			}
		}
		if f.Exit != nil {
			return remote(*f.Exit)
		}
		if _, err := a.stdout.Write(f.Stdout); err != nil {
			return err
		}
		if _, err := a.stderr.Write(f.Stderr); err != nil {
			return err
		}
	}
}
