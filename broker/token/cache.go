package token

import (
	"crypto/sha256"
	"sync"
	"time"
)

// cache keeps the claims of tokens that verified, by the SHA-256 of the token,
// in two maps of half its size each: when the younger is full, the older is
// forgotten. Only verified tokens enter, so strangers cannot push others out.
type cache struct {
	mu           sync.RWMutex
	half         int
	life         uint64 // how often everything was forgotten
	generation   uint64 // highest generation of revocations seen
	keys         map[string]PublicKey
	young, older map[[sha256.Size]byte]cached
}

type cached struct {
	claims      Claims
	from, until time.Time // leeway included; until is exclusive
}

func newCache(size int, keys map[string]PublicKey) *cache {
	c := &cache{half: max(size/2, 1), keys: keys}
	c.forget()
	return c
}

func (c *cache) forget() {
	c.life++
	c.young, c.older = map[[sha256.Size]byte]cached{}, map[[sha256.Size]byte]cached{}
}

func (c *cache) revoke(generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation > c.generation {
		c.generation = generation
		c.forget()
	}
}

func (c *cache) rotate(keys map[string]PublicKey, keepRevoked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = keys
	if !keepRevoked {
		c.forget()
	}
}

// get returns the entry of a token, and the keys and the life under which a
// verification may begin.
func (c *cache) get(sum [sha256.Size]byte) (hit cached, ok bool, keys map[string]PublicKey, life uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if hit, ok = c.young[sum]; !ok {
		hit, ok = c.older[sum]
	}
	return hit, ok, c.keys, c.life
}

// put keeps an entry whose verification began in this life.
func (c *cache) put(sum [sha256.Size]byte, entry cached, life uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life != life {
		return
	}
	if len(c.young) >= c.half {
		c.older, c.young = c.young, make(map[[sha256.Size]byte]cached, c.half)
	}
	c.young[sum] = entry
}

func (c *cache) drop(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, sum)
	delete(c.older, sum)
}
