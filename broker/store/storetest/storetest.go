// Package storetest is the contract of a store's engine, as tests: what Update, View
// and Scan promise, over whatever engine they run.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// Opener makes the engines that are tested.
type Opener struct {
	// Open returns an empty engine of its own for each call. It is also called
	// inside testing/synctest bubbles.
	Open func(t *testing.T) store.Engine
	// Reopen returns a new engine over the data of one that was closed.
	Reopen func(t *testing.T, closed store.Engine) store.Engine
}

// Run runs the whole contract as parallel subtests.
func Run(t *testing.T, o Opener) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"an update is seen by all who come after it", anUpdateIsSeen},
		{"a failed update leaves nothing", aFailedUpdateLeavesNothing},
		{"a failure in a group takes back only its own writes", failuresInAGroupStandAlone},
		{"who failed for the writes of another can see them when told", aFailureIsToldOnceItsCauseIsSeen},
		{"an error of the transaction dooms the update", anErrorDooms},
		{"a transaction ends with its function", aTransactionEnds},
		{"keys and values have limits", keysAndValuesHaveLimits},
		{"identifiers are told apart byte by byte", identifiersAreToldApart},
		{"scans and gets agree with a model", scansAgreeWithAModel},
		{"a scan sees the writes of its own function", aScanSeesItsOwnWrites},
		{"a scan stops when it is told", aScanStops},
		{"what was acknowledged survives reopening", acknowledgedSurvivesReopening},
		{"writers get revisions without gaps", revisionsHaveNoGaps},
		{"a journal changes nothing else", changedAgrees},
		{"lanes overtake", lanesOvertake},
		{"a withdrawal is committed at once", aWithdrawalIsCommittedAtOnce},
		{"a view is one snapshot", aViewIsOneSnapshot},
		{"a cancelled update does not run", aCancelledUpdateDoesNotRun},
		{"an update that ran waits for its commit", aRunUpdateWaits},
		{"closing drains", closingDrains},
		{"a failed commit seals the store", aFailedCommitSeals},
		{"a failed begin seals nothing", aFailedBeginSealsNothing},
		{"without the wait for the commit, an acknowledged write is lost", acknowledgingEarlyLoses},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, o)
		})
	}
}

const (
	letters store.Collection = "letters"
	numbers store.Collection = "numbers"
)

var errRefused = errors.New("refused by the test")

// open returns a store over a fresh engine; it is closed with the test.
func (o Opener) open(t *testing.T) *store.Store {
	t.Helper()
	return over(t, o.Open(t), store.Options{})
}

func over(t *testing.T, e store.Engine, options store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(e, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// bubble runs a test where synctest.Wait waits until all other goroutines wait.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, fn)
}

func put(c store.Collection, key, value string) func(store.Tx) error {
	return func(tx store.Tx) error { return tx.Put(c, []byte(key), []byte(value)) }
}

func mustUpdate(t *testing.T, s *store.Store, fn func(store.Tx) error) uint64 {
	t.Helper()
	rev, err := s.Update(t.Context(), store.LanePartner, fn)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// read returns the value of a key, and "absent" if there is none.
func read(t *testing.T, s *store.Store, c store.Collection, key string) (value string) {
	t.Helper()
	err := s.View(context.Background(), func(r store.Reader) error {
		v, err := r.Get(c, []byte(key))
		value = shown(v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func shown(v []byte) string {
	if v == nil {
		return "absent"
	}
	return string(v)
}

// list returns the pairs of a range as "key=value", each quoted.
func list(r store.Reader, c store.Collection, within store.Range) (pairs []string, err error) {
	err = r.Scan(c, within, func(k, v []byte) (bool, error) {
		pairs = append(pairs, fmt.Sprintf("%q=%q", k, v))
		return true, nil
	})
	return pairs, err
}

// occupy makes the writer run an Update that waits; the returned function lets it
// finish. It needs a bubble.
func occupy(t *testing.T, s *store.Store) (release func()) {
	t.Helper()
	gate := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := s.Update(context.Background(), store.LanePartner, func(store.Tx) error {
			<-gate
			return nil
		})
		done <- err
	}()
	synctest.Wait()
	return func() {
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }
