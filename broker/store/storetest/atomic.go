package storetest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func anUpdateIsSeen(t *testing.T, o Opener) {
	s := o.open(t)
	if s.Rev() != 0 {
		t.Errorf("a new store has revision %d", s.Rev())
	}
	rev := mustUpdate(t, s, func(tx store.Tx) error {
		if tx.Rev() != 1 {
			t.Errorf("the first update sees revision %d", tx.Rev())
		}
		if err := tx.Put(letters, []byte("a"), nil); err != nil {
			return err
		}
		v, err := tx.Get(letters, []byte("a"))
		if shown(v) != "" {
			t.Errorf("the update reads its empty value as %s", shown(v))
		}
		return err
	})
	if rev != 1 || s.Rev() != 1 {
		t.Errorf("the first update made revision %d, the store has %d", rev, s.Rev())
	}
	if got := read(t, s, letters, "a"); got != "" {
		t.Errorf("the empty value became %q", got)
	}
	if got := read(t, s, numbers, "a"); got != "absent" {
		t.Errorf("another collection has the key: %q", got)
	}
	rev = mustUpdate(t, s, func(store.Tx) error { return nil })
	if rev != 2 {
		t.Errorf("an update without writes made revision %d, want 2", rev)
	}
	if _, err := s.Update(t.Context(), 0, put(letters, "a", "x")); !errors.Is(err, store.ErrLane) {
		t.Errorf("an update without lane: %v", err)
	}
}

func aFailedUpdateLeavesNothing(t *testing.T, o Opener) {
	s := o.open(t)
	mustUpdate(t, s, put(letters, "kept", "1"))
	_, err := s.Update(t.Context(), store.LaneOfficer, func(tx store.Tx) error {
		return errors.Join(tx.Put(letters, []byte("new"), []byte("2")), tx.Delete(letters, []byte("kept")), errRefused)
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("the update returned %v", err)
	}
	if got := read(t, s, letters, "kept") + read(t, s, letters, "new"); got != "1absent" || s.Rev() != 1 {
		t.Errorf("after it: %s at revision %d", got, s.Rev())
	}
}

// failuresInAGroupStandAlone queues all of them behind one update, so that they share
// its group.
func failuresInAGroupStandAlone(t *testing.T, o Opener) {
	bubble(t, func(t *testing.T) {
		s := o.open(t)
		release := occupy(t, s)
		errs := make(map[string]error)
		var mu sync.Mutex
		var all sync.WaitGroup
		for name, fails := range map[string]func(){
			"error": nil, "panic": func() { panic("of Jane Doe") }, "goexit": runtime.Goexit,
			"good1": nil, "good2": nil, "good3": nil, "nil panic": func() { var p *int; *p = 1 },
		} {
			all.Go(func() {
				_, err := s.Update(context.Background(), store.LanePartner, func(tx store.Tx) error {
					if err := tx.Put(letters, []byte(name), []byte("here")); err != nil {
						return err
					}
					if fails != nil {
						fails()
					}
					if name == "error" {
						return errRefused
					}
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				errs[name] = err
			})
		}
		synctest.Wait()
		release()
		all.Wait()
		judgeGroup(t, s, errs)
	})
}

func judgeGroup(t *testing.T, s *store.Store, errs map[string]error) {
	t.Helper()
	for name, want := range map[string]error{
		"error": errRefused, "panic": store.ErrPanicked, "nil panic": store.ErrPanicked, "goexit": store.ErrGoexit,
	} {
		if !errors.Is(errs[name], want) {
			t.Errorf("%s: %v, want %v", name, errs[name], want)
		}
		if got := read(t, s, letters, name); got != "absent" {
			t.Errorf("%s left %q", name, got)
		}
	}
	for _, name := range []string{"good1", "good2", "good3"} {
		if errs[name] != nil || read(t, s, letters, name) != "here" {
			t.Errorf("%s: %v, reads %q", name, errs[name], read(t, s, letters, name))
		}
	}
	if s.Rev() != 4 {
		t.Errorf("revision %d after four successes", s.Rev())
	}
	var p *store.PanicError
	if !errors.As(errs["panic"], &p) || p.Type != "string" || strings.Contains(p.Error()+string(p.Stack), "Jane") {
		t.Errorf("the panic is told as %+v", p)
	}
	mustUpdate(t, s, put(letters, "after", "1")) // the writer lives
}

func anErrorDooms(t *testing.T, o Opener) {
	s := o.open(t)
	for name, act := range map[string]func(store.Tx) error{
		"put":    func(tx store.Tx) error { return tx.Put(letters, nil, nil) },
		"delete": func(tx store.Tx) error { return tx.Delete("no such name", []byte("k")) },
		"get":    func(tx store.Tx) error { _, err := tx.Get("~head", []byte("rev")); return err },
		"scan": func(tx store.Tx) error {
			return tx.Scan("", store.Range{}, func(k, v []byte) (bool, error) { return true, nil })
		},
	} {
		var first error
		_, err := s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error {
			tx.Put(letters, []byte(name), nil)
			first = act(tx)
			return nil // swallows it
		})
		if first == nil || !errors.Is(err, first) {
			t.Errorf("%s gave %v, the update %v", name, first, err)
		}
	}
	if pairs, err := snapshot(s, letters); len(pairs) != 0 || err != nil {
		t.Errorf("doomed updates left %q, %v", pairs, err)
	}
	_, err := s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error {
		tx.Put(letters, []byte("k"), nil)
		tx.Scan(letters, store.Range{}, func(k, v []byte) (bool, error) { return false, errRefused })
		return nil
	})
	if err != nil {
		t.Errorf("the error of a scan's own function doomed the update: %v", err)
	}
}

func snapshot(s *store.Store, c store.Collection) (pairs []string, err error) {
	err = s.View(context.Background(), func(r store.Reader) error {
		pairs, err = list(r, c, store.Range{})
		return err
	})
	return pairs, err
}

func aTransactionEnds(t *testing.T, o Opener) {
	s := o.open(t)
	var tx store.Tx
	var reader store.Reader
	mustUpdate(t, s, func(given store.Tx) error { tx = given; return nil })
	if err := s.View(t.Context(), func(given store.Reader) error { reader = given; return nil }); err != nil {
		t.Fatal(err)
	}
	key := []byte("k")
	scan := func(r store.Reader) error {
		return r.Scan(letters, store.Range{}, func(k, v []byte) (bool, error) { return true, nil })
	}
	_, err1 := tx.Get(letters, key)
	_, err2 := reader.Get(letters, key)
	for _, err := range []error{tx.Put(letters, key, key), tx.Delete(letters, key), err1, err2, scan(tx), scan(reader)} {
		if !errors.Is(err, store.ErrTxDone) {
			t.Errorf("a call after the end gave %v", err)
		}
	}
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("a view's panic did not reach its caller")
			}
		}()
		s.View(t.Context(), func(store.Reader) error { panic("mine") })
	}()
	if err := s.View(t.Context(), func(store.Reader) error { return errRefused }); !errors.Is(err, errRefused) {
		t.Errorf("a view's error became %v", err)
	}
}

// aFailureIsToldOnceItsCauseIsSeen lets one update fail for what another of its
// group wrote: whoever tries again at once must meet that.
func aFailureIsToldOnceItsCauseIsSeen(t *testing.T, o Opener) {
	for range 20 {
		bubble(t, func(t *testing.T) {
			s := o.open(t)
			release := occupy(t, s)
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := s.Update(context.Background(), store.LaneWithdrawal, put(letters, "a", "moved")); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				_, err := s.Update(context.Background(), store.LanePartner, func(tx store.Tx) error {
					if v, err := tx.Get(letters, []byte("a")); err != nil || v == nil {
						t.Errorf("the group was left: %s, %v", shown(v), err)
					}
					return errRefused
				})
				if !errors.Is(err, errRefused) {
					t.Errorf("the update returned %v", err)
				}
				if got := read(t, s, letters, "a"); got != "moved" {
					t.Errorf("who failed reads %s", got)
				}
			})
			synctest.Wait()
			release()
			both.Wait()
		})
	}
}
