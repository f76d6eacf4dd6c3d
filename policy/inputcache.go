package policy

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// inputCache keeps the parts of inputs that come again with requests of many
// callers: lists of names, whole requests and the day. A part is found by its
// whole content, so a stale one cannot be met.
type inputCache struct {
	lists, requests termCache
	newest          atomic.Pointer[dayTerm]
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

// names is the term of a list, in memory once for all lists that are equal.
func (c *termCache) names(list []string) *ast.Term {
	if len(list) == 0 {
		return nothing
	}
	var buffer [256]byte
	k := appendTexts(buffer[:0], list)
	if t := c.find(k); t != nil {
		return t
	}
	return c.keep(k, names(list))
}

// key holds every field that the term holds, each text and list preceded by
// its length.
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
