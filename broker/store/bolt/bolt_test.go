package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/store/storetest"
)

func fresh(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := bolt.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// open returns a verified engine; it is closed with the test.
func open(t testing.TB, path string) *bolt.Engine {
	t.Helper()
	e, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if err := e.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestBoltIsAnEngine(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Opener{
		Open: func(t *testing.T) store.Engine { return open(t, fresh(t)) },
		Reopen: func(t *testing.T, closed store.Engine) store.Engine {
			return open(t, closed.(*bolt.Engine).Path())
		},
	})
}
