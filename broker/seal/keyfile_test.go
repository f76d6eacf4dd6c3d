package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/seal"
)

func TestAKeyFileHoldsOneKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "district.key")
	if err := os.WriteFile(path+".new", []byte("of a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{districtKey, bytes.Repeat([]byte{0xfe}, 32)} {
		if err := seal.WriteKeyFile(path, key); err != nil {
			t.Fatal(err)
		}
		if got, err := seal.ReadKeyFile(path); err != nil || !bytes.Equal(got, key) {
			t.Errorf("read %x, %v", got, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("writing left %v", files)
	}
	if err := seal.WriteKeyFile(path, districtKey[:31]); !errors.Is(err, seal.ErrKeyLength) {
		t.Errorf("a short key: %v", err)
	}
	if _, err := seal.ReadKeyFile(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "district.key")
	if err := seal.WriteKeyFile(path, districtKey); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o644, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := seal.ReadKeyFile(path)
		if !errors.Is(err, seal.ErrKeyFile) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestOtherTextIsNoKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "district.key")
	good := strings.Repeat("0f", 32)
	for text, ok := range map[string]bool{
		"": false, "secret": false, good[:62]: false, good + "00": false, good + "\n" + good: false,
		"zz" + good[2:]: false, good: true, good + "\n": true, good + "\r\n": true, strings.ToUpper(good): true,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := seal.ReadKeyFile(path)
		if ok != (err == nil) || !ok && (!errors.Is(err, seal.ErrKeyFile) || len(text) > 5 && strings.Contains(err.Error(), text[:6])) {
			t.Errorf("a file of %d bytes: %v", len(text), err)
		}
	}
}
