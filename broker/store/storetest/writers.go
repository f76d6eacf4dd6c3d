package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// again closes a store and opens its data once more.
func (o Opener) again(t *testing.T, s *store.Store, e store.Engine) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return over(t, o.Reopen(t, e), store.Options{})
}

func acknowledgedSurvivesReopening(t *testing.T, o Opener) {
	e := o.Open(t)
	s := over(t, e, store.Options{})
	for i := range 20 {
		mustUpdate(t, s, put(letters, fmt.Sprintf("key %02d", i), strconv.Itoa(i)))
	}
	mustUpdate(t, s, func(tx store.Tx) error { return tx.Delete(letters, []byte("key 07")) })
	before, err := snapshot(s, letters)
	if err != nil {
		t.Fatal(err)
	}
	s = o.again(t, s, e)
	after, err := snapshot(s, letters)
	if err != nil || !slices.Equal(before, after) || len(after) != 19 {
		t.Errorf("reopened: %d pairs, before %d, %v", len(after), len(before), err)
	}
	if s.Rev() != 21 {
		t.Errorf("reopened: revision %d, want 21", s.Rev())
	}
	if rev := mustUpdate(t, s, put(letters, "k", "v")); rev != 22 {
		t.Errorf("the next update made revision %d", rev)
	}
}

// revisionsHaveNoGaps lets many writers count in one key, a third of them failing.
func revisionsHaveNoGaps(t *testing.T, o Opener) {
	const writers, rounds = 16, 30
	e := o.Open(t)
	hooked := uint64(0) // written by the store's writer, read after Close
	s := over(t, e, store.Options{OnCommit: func(rev uint64) {
		if rev <= hooked {
			t.Errorf("OnCommit(%d) after %d", rev, hooked)
		}
		hooked = rev
	}})
	revs := make([][]uint64, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range rounds {
				rev, err := s.Update(context.Background(), store.LanePartner, count(t, (w+i)%3 == 0))
				if err == nil {
					revs[w] = append(revs[w], rev)
					if s.Rev() < rev {
						t.Errorf("revision %d is acknowledged and the store says %d", rev, s.Rev())
					}
				}
			}
		})
	}
	all.Wait()
	got := slices.Sorted(slices.Values(slices.Concat(revs...)))
	for i, rev := range got {
		if rev != uint64(i)+1 {
			t.Fatalf("the revision at place %d is %d", i+1, rev)
		}
	}
	if n := read(t, s, numbers, "count"); len(got) != writers*rounds*2/3 || n != strconv.Itoa(len(got)) {
		t.Errorf("%d acknowledged, the counter says %s", len(got), n)
	}
	if err := s.Close(); err != nil || hooked != uint64(len(got)) {
		t.Errorf("close: %v; OnCommit last had %d of %d", err, hooked, len(got))
	}
}

// count is an update that adds one to a counter, which always equals the revision.
func count(t *testing.T, fails bool) func(store.Tx) error {
	return func(tx store.Tx) error {
		v, err := tx.Get(numbers, []byte("count"))
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(string(v))
		if uint64(n)+1 != tx.Rev() {
			t.Errorf("an update with revision %d finds the counter at %d", tx.Rev(), n)
		}
		if err := tx.Put(numbers, []byte("count"), []byte(strconv.Itoa(n+1))); err != nil || fails {
			return errors.Join(err, errRefused)
		}
		return nil
	}
}

// lanesOvertake queues updates in the wrong order while the writer is busy, the last
// of them while their group already runs.
func lanesOvertake(t *testing.T, o Opener) {
	bubble(t, func(t *testing.T) {
		s := o.open(t)
		release := occupy(t, s)
		var order []string
		var all sync.WaitGroup
		queue := func(lane store.Lane, name string, during func()) {
			all.Go(func() {
				_, err := s.Update(context.Background(), lane, func(store.Tx) error {
					order = append(order, name)
					if during != nil {
						during()
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		running, proceed := make(chan struct{}), make(chan struct{})
		queue(store.LaneImport, "import 1", nil)
		queue(store.LaneImport, "import 2", nil)
		queue(store.LanePartner, "partner 1", func() { close(running); <-proceed })
		queue(store.LanePartner, "partner 2", nil)
		queue(store.LaneOfficer, "officer", nil)
		queue(store.LaneWithdrawal, "withdrawal 1", nil)
		queue(store.LaneWithdrawal, "withdrawal 2", nil)
		go release()
		<-running
		queue(store.LaneOfficer, "late officer", nil)
		queue(store.LaneWithdrawal, "late withdrawal", nil)
		close(proceed)
		all.Wait()
		want := []string{"withdrawal 1", "withdrawal 2", "officer", "partner 1", "late withdrawal", "late officer", "partner 2", "import 1", "import 2"}
		if !slices.Equal(order, want) {
			t.Errorf("they ran as %q\nwant %q", order, want)
		}
	})
}

// aWithdrawalIsCommittedAtOnce queues others before and behind it: they are in the next
// group.
func aWithdrawalIsCommittedAtOnce(t *testing.T, o Opener) {
	bubble(t, func(t *testing.T) {
		var commits []uint64
		s := over(t, o.Open(t), store.Options{OnCommit: func(rev uint64) { commits = append(commits, rev) }})
		release := occupy(t, s)
		var all sync.WaitGroup
		for _, lane := range []store.Lane{store.LanePartner, store.LaneWithdrawal, store.LaneWithdrawal, store.LaneOfficer} {
			all.Go(func() {
				if _, err := s.Update(context.Background(), lane, func(store.Tx) error { return nil }); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		if want := []uint64{3, 5}; !slices.Equal(commits, want) {
			t.Errorf("the groups ended with the revisions %v, want %v", commits, want)
		}
	})
}

func aViewIsOneSnapshot(t *testing.T, o Opener) {
	s := o.open(t)
	fill(t, s, "a", "b")
	looking, changed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changed)
		<-looking
		mustUpdate(t, s, func(tx store.Tx) error {
			return errors.Join(tx.Delete(letters, []byte("a")), tx.Put(letters, []byte("c"), []byte("new")), tx.Put(numbers, []byte("n"), nil))
		})
	}()
	err := s.View(t.Context(), func(r store.Reader) error {
		close(looking)
		<-changed // the writer does not wait for this view
		pairs, err := list(r, letters, store.Range{})
		if want := []string{`"a"="old"`, `"b"="old"`}; !slices.Equal(pairs, want) || r.Rev() != 1 {
			t.Errorf("at revision %d the view shows %s", r.Rev(), pairs)
		}
		if v, _ := r.Get(numbers, []byte("n")); v != nil {
			t.Error("the view shows a collection that is newer")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if pairs, _ := snapshot(s, letters); !slices.Equal(pairs, []string{`"b"="old"`, `"c"="new"`}) {
		t.Errorf("the next view shows %s", pairs)
	}
}
