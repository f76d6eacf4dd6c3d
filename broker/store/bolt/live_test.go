package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// live returns an open store with much in it, and its file.
func live(t *testing.T) (*store.Store, *bolt.Engine) {
	t.Helper()
	e := open(t, fresh(t))
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	load(t, s, "many", 2000, 20)
	return s, e
}

func TestAValueDamagedUnderAnOpenStoreIsNotRead(t *testing.T) {
	t.Parallel()
	s, e := live(t)
	data, err := os.ReadFile(e.Path())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(e.Path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	key := []byte("key 001000")
	for at := 0; ; at++ {
		i := bytes.Index(data[at:], key)
		if i < 0 {
			break
		}
		at += i
		if _, err := f.WriteAt([]byte{data[at+len(key)+6] ^ 4}, int64(at+len(key)+6)); err != nil {
			t.Fatal(err)
		}
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		_, err := r.Get("many", key)
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("get: %v", err)
		}
		if _, err := r.Get("many", []byte("key 000999")); err != nil {
			t.Errorf("its neighbour: %v", err)
		}
		return r.Scan("many", store.Range{}, func(k, v []byte) (bool, error) { return true, nil })
	})
	if !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("scan: %v", err)
	}
	if err := e.Verify(t.Context()); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("verify: %v", err)
	}
	_, err = s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error {
		tx.Get("many", key) // swallows the error
		return nil
	})
	if !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("an update that read it: %v", err)
	}
}

// A page that cannot be read is a fault of the processor, which ends a program that
// does not ask for better.
func TestAPageThatCannotBeReadIsDamageAndNoCrash(t *testing.T) {
	t.Parallel()
	s, e := live(t)
	if err := os.Truncate(e.Path(), int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(r store.Reader) error {
		_, err := r.Get("many", []byte("key 001000"))
		return err
	})
	if !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("get: %v", err)
	}
	if err := e.Verify(t.Context()); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("verify: %v", err)
	}
	if _, err := s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error { return tx.Put("many", []byte("k"), nil) }); err == nil {
		t.Error("an update succeeded")
	}
}

func TestAPanicOfAScansFunctionIsNoDamage(t *testing.T) {
	t.Parallel()
	s, e := live(t)
	func() {
		defer func() {
			if v := recover(); fmt.Sprint(v) != "mine" {
				t.Errorf("the panic became %v", v)
			}
		}()
		s.View(t.Context(), func(r store.Reader) error {
			return r.Scan("many", store.Range{}, func(k, v []byte) (bool, error) { panic("mine") })
		})
	}()
	if err := e.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
