package policy

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// inputCache keeps the parts of inputs that come again with every request of
// the same caller, partner or form. A part is found by its whole content, so a
// stale one cannot be met.
type inputCache struct {
	callers, partners, requests termCache
	newest                      atomic.Pointer[dayTerm]
}

func newInputCache() *inputCache { return &inputCache{} }

type dayTerm struct {
	day  civil.Date
	term *ast.Term
}

// day returns the term of a day; all of a day's requests share it.
func (c *inputCache) day(d civil.Date) *ast.Term {
	if t := c.newest.Load(); t != nil && t.day == d {
		return t.term
	}
	t := &dayTerm{d, ast.IntNumberTerm(int(d))}
	c.newest.Store(t)
	return t.term
}

func (c *inputCache) caller(x *Caller) *ast.Term {
	var buffer [256]byte
	k := x.key(buffer[:0])
	if t := c.callers.find(k); t != nil {
		return t
	}
	return c.callers.keep(k, x.term())
}

func (c *inputCache) partner(x *PartnerFacts) *ast.Term {
	var buffer [256]byte
	k := x.key(buffer[:0])
	if t := c.partners.find(k); t != nil {
		return t
	}
	return c.partners.keep(k, x.term())
}

func (c *inputCache) request(x *Request) *ast.Term {
	var buffer [256]byte
	k := x.key(buffer[:0])
	if t := c.requests.find(k); t != nil {
		return t
	}
	return c.requests.keep(k, x.term())
}

// maxTerms bounds each kind of part; when it is reached they are all dropped.
const maxTerms = 4096

type termCache struct {
	mu    sync.RWMutex
	byKey map[string]*ast.Term
}

func (c *termCache) find(key []byte) *ast.Term {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byKey[string(key)]
}

func (c *termCache) keep(key []byte, t *ast.Term) *ast.Term {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil || len(c.byKey) >= maxTerms {
		c.byKey = make(map[string]*ast.Term)
	}
	c.byKey[string(key)] = t
	return t
}

// once returns the one term that stands for all that are equal.
func (c *termCache) once(t *ast.Term) *ast.Term {
	text := []byte(t.String())
	if kept := c.find(text); kept != nil {
		return kept
	}
	return c.keep(text, t)
}

// The keys hold every field that the term holds, each text and list preceded
// by its length.

func (c *Caller) key(b []byte) []byte {
	b = appendText(appendText(b, c.Role), c.Partner)
	return appendTexts(appendTexts(b, c.Sites), c.Programs)
}

func (p *PartnerFacts) key(b []byte) []byte {
	b = appendText(appendText(b, p.ID), p.State)
	if p.Banned {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return appendTexts(appendTexts(b, p.Sites), p.Programs)
}

func (r *Request) key(b []byte) []byte {
	b = appendText(appendText(appendText(b, r.School), r.Period), r.Grain)
	b = binary.AppendVarint(binary.AppendVarint(b, int64(r.PeriodFrom)), int64(r.PeriodTo))
	return appendTexts(appendTexts(b, r.Categories), r.Indicators)
}

func appendText[T string | consent.Category](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts[T string | consent.Category](b []byte, list []T) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}
