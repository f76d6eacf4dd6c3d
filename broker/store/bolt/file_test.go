package bolt_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

func TestOpenMakesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gave %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("opening made %v", files)
	}
}

func TestCreateMakesOneClosedFileAndReplacesNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	if err := os.WriteFile(path+".new", []byte("of a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bolt.Create(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("creating left %v", files)
	}
	if err := bolt.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again gave %v", err)
	}
	if err := bolt.Create(filepath.Join(dir, "absent", "store.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("creating it in no folder gave %v", err)
	}
}

func TestAStoreHasOneOwner(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	first := open(t, path)
	if _, err := bolt.Open(path, bolt.Options{LockTimeout: time.Millisecond}); !errors.Is(err, bolt.ErrInUse) {
		t.Errorf("opening it twice gave %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Begin(t.Context(), false); !errors.Is(err, store.ErrClosed) {
		t.Errorf("beginning on a closed engine gave %v", err)
	}
	open(t, path)
}

func TestOtherFilesAreNoStores(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"empty": nil, "short": []byte("name,birth\n"), "zeros": make([]byte, 1<<16),
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.Open(path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "other.db")
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if _, err := bolt.Open(path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("another program's bbolt file: %v", err)
	}
}

func TestVerifyStopsWithItsContext(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	e := open(t, path)
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	load(t, s, "many", 3000, 8)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("verify gave %v", err)
	}
	if err := e.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
