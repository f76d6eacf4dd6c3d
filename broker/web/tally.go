package web

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// tally counts running handlers. Unlike a sync.WaitGroup it may be waited for
// while others still begin.
type tally struct {
	mu    sync.Mutex
	n     int
	empty chan struct{} // closed when n falls to zero; nil while nobody waits
}

func (t *tally) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
}

// none returns a channel that is closed once nothing runs.
func (t *tally) none() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	if t.n == 0 {
		close(t.empty)
		t.empty = nil
	}
	return empty
}

// counted makes a stopping server wait for the handler's requests too.
func (a *API) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.inFlight.enter()
		defer a.inFlight.leave()
		h.ServeHTTP(w, r)
	})
}

// settle waits for handlers whose connections are gone.
func (a *API) settle(most time.Duration) error {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-a.inFlight.none():
		return nil
	case <-late.C:
		return errors.New("some requests did not stop when they were cut")
	}
}
