package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// ErrKeyFile is returned for a key file that is no key file, or that others may read.
var ErrKeyFile = errors.New("seal: the key file cannot be used")

// WriteKeyFile puts a key of 32 bytes into a file with mode 0600, as one line of 64
// hexadecimal digits, replacing what is there. It returns when the new content is
// durable; after a crash the file holds either the old key or the new one, whole.
func WriteKeyFile(path string, key []byte) error {
	if len(key) != KeyLength {
		return ErrKeyLength
	}
	fresh := path + ".new"
	if err := remove(fresh); err != nil {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing a key file: %w", errors.Join(err, remove(fresh)))
	}
	return bolt.Rename(fresh, path)
}

// ReadKeyFile reads what WriteKeyFile wrote. It refuses, with ErrKeyFile, a file that
// its group or everybody may read or write (but on Windows, which has no such modes),
// and one that does not hold exactly one key.
func ReadKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	key, err := readKey(f)
	return key, errors.Join(err, f.Close())
}

func readKey(f *os.File) ([]byte, error) {
	path := f.Name()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: others have access to %s (mode %04o); run: chmod 600 %s", ErrKeyFile, path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*KeyLength+3))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimRight(string(text), "\r\n"))
	if err != nil || len(key) != KeyLength {
		return nil, fmt.Errorf("%w: %s does not hold one line of 64 hexadecimal digits", ErrKeyFile, path)
	}
	return key, nil
}
