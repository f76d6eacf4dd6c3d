package broker

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// askAll lets many ask for one answer at once and returns how often it was built.
func askAll(t *testing.T, c *finishedCache, outcome func(turn int64) error) (built int64) {
	t.Helper()
	var turns atomic.Int64
	var ready, all sync.WaitGroup
	ready.Add(1)
	for range 64 {
		all.Go(func() {
			ready.Wait()
			for {
				w, mine := c.claim(finishedKey{agreement: "a"})
				if !mine {
					<-w.done
					if w.err == nil {
						return
					}
					continue
				}
				_, err := c.build(finishedKey{agreement: "a"}, w, func() (finished, error) {
					return finished{sum: "s"}, outcome(turns.Add(1))
				})
				if err == nil {
					return
				}
			}
		})
	}
	ready.Done()
	all.Wait()
	return turns.Load()
}

func TestAnAnswerThatManyAskForAtOnceIsBuiltOnce(t *testing.T) {
	t.Parallel()
	if n := askAll(t, newFinishedCache(false), func(int64) error { return nil }); n != 1 {
		t.Errorf("it was built %d times", n)
	}
}

func TestAnAnswerThatCouldNotBeBuiltIsBuiltByTheNext(t *testing.T) {
	t.Parallel()
	c := newFinishedCache(false)
	n := askAll(t, c, func(turn int64) error {
		if turn < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if n != 3 || len(c.order) != 1 || len(c.byKey) != 1 {
		t.Errorf("it was built %d times; %d and %d are kept", n, len(c.order), len(c.byKey))
	}
}

func TestWhoWaitsForAnAnswerWhoseBuildingPanickedBuildsItsOwn(t *testing.T) {
	t.Parallel()
	c := newFinishedCache(false)
	k := finishedKey{agreement: "a"}
	w, mine := c.claim(k)
	func() {
		defer func() {
			if recover() == nil || !mine {
				t.Error("nothing was thrown")
			}
		}()
		_, _ = c.build(k, w, func() (finished, error) { panic("thrown") })
	}()
	<-w.done
	if _, mine := c.claim(k); w.err == nil || !mine {
		t.Error("the answer of a panic is served")
	}
}

func TestWithoutWaitingEverybodyBuilds(t *testing.T) {
	t.Parallel()
	c := newFinishedCache(true)
	k := finishedKey{agreement: "a"}
	if _, first := c.claim(k); !first {
		t.Fatal("the first does not build")
	}
	if _, second := c.claim(k); !second {
		t.Error("the second waits")
	}
}
