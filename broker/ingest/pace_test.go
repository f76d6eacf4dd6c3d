package ingest_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

func TestEitherPaceDoesEachPieceOfWorkOnce(t *testing.T) {
	t.Parallel()
	for _, pace := range []ingest.Pace{ingest.Full, ingest.Gentle} {
		for _, n := range []int{0, 1, 31, 1000} {
			done := make([]atomic.Int32, n)
			if err := pace.Each(n, func(i int) error { done[i].Add(1); return nil }); err != nil {
				t.Fatal(err)
			}
			for i := range done {
				if got := done[i].Load(); got != 1 {
					t.Fatalf("pace %d did piece %d of %d %d times", pace, i, n, got)
				}
			}
		}
		wrong := errors.New("wrong")
		if err := pace.Each(100, func(i int) error {
			if i == 57 {
				return wrong
			}
			return nil
		}); !errors.Is(err, wrong) {
			t.Errorf("pace %d lost the error: %v", pace, err)
		}
	}
}

func TestAGentleLoadHasOneWorkerAtATime(t *testing.T) {
	t.Parallel()
	var at sync.Mutex
	err := ingest.Gentle.Each(500, func(int) error {
		if !at.TryLock() {
			return errors.New("two workers at a time")
		}
		runtime.Gosched()
		at.Unlock()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
