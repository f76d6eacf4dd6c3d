package broker

import (
	"sync"

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
