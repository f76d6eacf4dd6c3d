package post

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// ErrPrivate refuses a file of a secret that others may read or write, or that holds
// none.
var ErrPrivate = errors.New("the file of the secret cannot be used")

const longestSecret = 4096 // bytes

// ReadPrivate reads a password or another secret of one line from a file that only its
// owner may read or write (but on Windows, which has no such modes).
func ReadPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	secret, err := readPrivate(f)
	return secret, errors.Join(err, f.Close())
}

func readPrivate(f *os.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%w: others have access to %s (mode %04o); run: chmod 600 %s", ErrPrivate, f.Name(), info.Mode().Perm(), f.Name())
	}
	text, err := io.ReadAll(io.LimitReader(f, longestSecret+1))
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" || len(text) > longestSecret || strings.ContainsAny(secret, "\r\n\x00") {
		return "", fmt.Errorf("%w: %s does not hold one line of at most %d bytes", ErrPrivate, f.Name(), longestSecret)
	}
	return secret, nil
}
