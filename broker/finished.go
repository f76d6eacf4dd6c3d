package broker

import (
	"errors"
	"slices"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// finishedCache keeps finished answers. An answer, and the private half of its
// entry, are a function of the stamp, of what was asked and of what the caller
// may see; all of them are in the key, so that an answer is never served past
// a change of any. Of many who ask the same at once one builds the answer and the
// others wait: after a family's word all of a partner's requests are for a new one.
type finishedCache struct {
	mu    sync.Mutex
	byKey map[finishedKey]*finishing
	order []finishedKey // oldest first
	herd  bool          // sabotage: everybody builds
}

type finishedKey struct {
	agreement, request, scope, categories string
	stamp                                 stamp
}

// finishing is an answer that is being built, until done is closed.
type finishing struct {
	done  chan struct{}
	built finished
	err   error
}

// maxFinished bounds the answers kept.
const maxFinished = 512

func newFinishedCache(herd bool) *finishedCache {
	return &finishedCache{byKey: map[finishedKey]*finishing{}, herd: herd}
}

// of returns the answer to a decided question, built once a stamp.
func (c *finishedCache) of(s *snapshot, q question, d policy.Decision, f policy.Facts, request []byte) (finished, error) {
	k := finishedKey{agreement: q.agreement(), request: string(request), scope: s.caller.scope(), stamp: s.stamp}
	for _, category := range d.Categories {
		k.categories += string(category) + " "
	}
	for {
		w, mine := c.claim(k)
		if mine {
			return c.build(k, w, func() (finished, error) { return finish(s, q, d, f, request) })
		}
		select {
		case <-w.done:
		case <-s.ctx.Done():
			return finished{}, s.ctx.Err()
		}
		if w.err == nil {
			return w.built, nil
		}
	}
}

// claim returns the answer to wait for, or a new one that the caller has to build.
func (c *finishedCache) claim(k finishedKey) (w *finishing, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.byKey[k]; w != nil && !(c.herd && !w.ready()) {
		return w, false
	}
	w = &finishing{done: make(chan struct{}), err: errUnbuilt}
	if c.byKey[k] == nil {
		if len(c.order) == maxFinished {
			delete(c.byKey, c.order[0])
			c.order = append(c.order[:0], c.order[1:]...)
		}
		c.order = append(c.order, k)
	}
	c.byKey[k] = w
	return w, true
}

func (w *finishing) ready() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// errUnbuilt stands for an answer whose building ended in a panic.
var errUnbuilt = errors.New("the answer was not built")

// build builds a claimed answer. One that could not be built is forgotten, and who
// waits for it builds its own.
func (c *finishedCache) build(k finishedKey, w *finishing, build func() (finished, error)) (finished, error) {
	defer func() {
		if w.err != nil {
			c.forget(k, w)
		}
		close(w.done)
	}()
	w.built, w.err = build()
	return w.built, w.err
}

func (c *finishedCache) forget(k finishedKey, w *finishing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[k] == w {
		delete(c.byKey, k)
		c.order = slices.DeleteFunc(c.order, func(other finishedKey) bool { return other == k })
	}
}

// finish builds an answer with its digest and the private half of its entry.
func finish(s *snapshot, q question, d policy.Decision, f policy.Facts, request []byte) (finished, error) {
	done, err := q.build(s, d)
	if err != nil {
		return finished{}, err
	}
	done.sum = digest(done.data)
	at := *s
	if !done.consented {
		at.stamp.Consent = 0
	}
	done.body, err = entryBody{Detail: done.detail}.about(&at, f, request)
	return done, err
}

// requestTexts keeps the canonical form of comparisons that are asked for again and
// again.
type requestTexts struct {
	mu   sync.RWMutex
	kept map[comparisonQuestion][]byte
}

// maxRequestTexts bounds the texts kept; when it is reached all are dropped.
const maxRequestTexts = 1024

// of returns the canonical form of what is asked, which must not be changed.
func (t *requestTexts) of(q question) ([]byte, error) {
	comparison, ok := q.(comparisonQuestion)
	if !ok {
		return tlog.Canonical(q.asked())
	}
	t.mu.RLock()
	text := t.kept[comparison]
	t.mu.RUnlock()
	if text != nil {
		return text, nil
	}
	text, err := tlog.Canonical(q.asked())
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil || len(t.kept) == maxRequestTexts {
		t.kept = map[comparisonQuestion][]byte{}
	}
	t.kept[comparison] = text
	return text, nil
}
