package broker

import (
	"sync"

	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// finishedCache keeps finished answers. An answer, and the private half of its
// entry, are a function of the stamp, of what was asked and of what the caller
// may see; all of them are in the key, so that an answer is never served past
// a change of any.
type finishedCache struct {
	mu    sync.Mutex
	byKey map[finishedKey]finished
	order []finishedKey // oldest first
}

type finishedKey struct {
	agreement, request, scope, categories string
	stamp                                 stamp
}

// maxFinished bounds the answers kept.
const maxFinished = 512

func newFinishedCache() *finishedCache { return &finishedCache{byKey: map[finishedKey]finished{}} }

// of returns the answer to a decided question, built at most once a stamp.
func (c *finishedCache) of(s *snapshot, q question, d policy.Decision, f policy.Facts, request []byte) (finished, error) {
	k := finishedKey{agreement: q.agreement(), request: string(request), scope: s.caller.scope(), stamp: s.stamp}
	for _, category := range d.Categories {
		k.categories += string(category) + " "
	}
	c.mu.Lock()
	kept, ok := c.byKey[k]
	c.mu.Unlock()
	if ok {
		return kept, nil
	}
	built, err := finish(s, q, d, f, request)
	if err != nil {
		return finished{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; !ok {
		if len(c.order) == maxFinished {
			delete(c.byKey, c.order[0])
			c.order = append(c.order[:0], c.order[1:]...)
		}
		c.byKey[k], c.order = built, append(c.order, k)
	}
	return built, nil
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
