package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// adminSocket is a Unix socket that only the owner of the service may use.
type adminSocket struct {
	path     string
	listener *net.UnixListener
	made     fs.FileInfo
}

// openAdminSocket makes the socket at path with mode 0600. It is bound in a
// directory of its own that nobody else can enter and linked to its place
// when its mode is right, so that at no moment another user could connect,
// whatever the umask. A socket that nobody serves is replaced; one that is
// served, or a file that is no socket, is refused.
func openAdminSocket(path string) (*adminSocket, error) {
	if err := clearStale(path); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("cannot prepare the admin socket: %w", err)
	}
	defer os.RemoveAll(private)
	bound := filepath.Join(private, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: bound, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot bind the admin socket (the directory's path may have at most about 90 bytes): %w", err)
	}
	listener.SetUnlinkOnClose(false)
	made, err := place0600(bound, path)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &adminSocket{path: path, listener: listener, made: made}, nil
}

// place0600 gives the bound socket its mode and its name. A link, unlike a
// rename, never takes another's place.
func place0600(bound, path string) (fs.FileInfo, error) {
	if err := os.Chmod(bound, 0o600); err != nil {
		return nil, fmt.Errorf("cannot protect the admin socket: %w", err)
	}
	if err := os.Link(bound, path); err != nil {
		return nil, fmt.Errorf("cannot place the admin socket: %w", err)
	}
	return os.Lstat(path)
}

// clearStale removes a socket that nobody serves.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the admin socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket; move it away", path)
	}
	conn, err := new(net.Dialer).DialContext(context.Background(), "unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another process serves %s; stop it first", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot tell whether another process serves %s: %w", path, err)
	}
	return os.Remove(path)
}

// remove takes the socket away, unless another process has put its own there.
func (s *adminSocket) remove() {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
		_ = os.Remove(s.path)
	}
}
