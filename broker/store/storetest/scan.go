package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func fill(t *testing.T, s *store.Store, keys ...string) {
	t.Helper()
	mustUpdate(t, s, func(tx store.Tx) error {
		for _, k := range keys {
			if err := tx.Put(letters, []byte(k), []byte("old")); err != nil {
				return err
			}
		}
		return nil
	})
}

func aScanSeesItsOwnWrites(t *testing.T, o Opener) {
	for _, reverse := range []bool{false, true} {
		s := o.open(t)
		fill(t, s, "b", "d", "f", "h")
		var seen []string
		mustUpdate(t, s, func(tx store.Tx) error {
			seen = nil
			return tx.Scan(letters, store.Range{Reverse: reverse}, func(k, v []byte) (bool, error) {
				seen = append(seen, string(k)+string(v))
				if !slices.Contains([]string{"d", "f"}, string(k)) || len(seen) > 2 {
					return true, nil
				}
				return true, errors.Join(
					tx.Put(letters, []byte("a"), []byte("new")), tx.Put(letters, []byte("e"), []byte("new")),
					tx.Put(letters, []byte("i"), []byte("new")), tx.Delete(letters, []byte("h")), tx.Delete(letters, []byte("b")),
					tx.Delete(letters, k))
			})
		})
		want := []string{"bold", "dold", "enew", "fold", "inew"}
		if reverse {
			want = []string{"hold", "fold", "enew", "dold", "anew"}
		}
		if !slices.Equal(seen, want) {
			t.Errorf("reverse %v: the scan showed %q, want %q", reverse, seen, want)
		}
	}
}

func aScanStops(t *testing.T, o Opener) {
	s := o.open(t)
	fill(t, s, "a", "c", "e")
	count := func(r store.Reader, within store.Range, stop func(n int) (bool, error)) (n int, err error) {
		err = r.Scan(letters, within, func(k, v []byte) (bool, error) {
			n++
			return stop(n)
		})
		return n, err
	}
	all := func(r store.Reader) error {
		if n, err := count(r, store.Range{}, func(n int) (bool, error) { return n < 2, nil }); n != 2 || err != nil {
			t.Errorf("stopped at two: %d pairs, %v", n, err)
		}
		if n, err := count(r, store.Range{}, func(n int) (bool, error) { return true, errRefused }); n != 1 || !errors.Is(err, errRefused) {
			t.Errorf("an error at once: %d pairs, %v", n, err)
		}
		if n, err := count(r, store.Range{Limit: 2}, func(int) (bool, error) { return true, nil }); n != 2 || err != nil {
			t.Errorf("limit two: %d pairs, %v", n, err)
		}
		if n, err := count(r, store.Range{From: []byte("z")}, func(int) (bool, error) { return true, nil }); n != 0 || err != nil {
			t.Errorf("from behind the end: %d pairs, %v", n, err)
		}
		return nil
	}
	if err := s.View(t.Context(), all); err != nil {
		t.Error(err)
	}
	mustUpdate(t, s, func(tx store.Tx) error {
		for _, k := range []string{"b", "d", "f"} { // so that both layers stop
			if err := tx.Put(letters, []byte(k), nil); err != nil {
				return err
			}
		}
		return all(tx)
	})
}
