package seal

import (
	"crypto/cipher"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// cache holds unwrapped keys, for good, and the ciphers of those used last. A key takes
// about 0.1 kB, so that a hundred thousand are affordable; a cipher takes 0.8 kB and
// a third of a microsecond to make, so only a few are kept.
type cache struct {
	mu    sync.RWMutex
	keys  map[KeyID][KeyLength]byte
	seed  maphash.Seed
	slots [1024]atomic.Pointer[slot]
}

type slot struct {
	id   KeyID
	aead cipher.AEAD
}

func newCache() *cache {
	return &cache{keys: map[KeyID][KeyLength]byte{}, seed: maphash.MakeSeed()}
}

func (c *cache) key(id KeyID) (key [KeyLength]byte, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok = c.keys[id]
	return key, ok
}

func (c *cache) add(id KeyID, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[id] = [KeyLength]byte(key)
}

// aead returns the key's cipher; find is asked for the key if it is not here.
func (c *cache) aead(id KeyID, find func(KeyID) ([]byte, error)) (cipher.AEAD, error) {
	at := &c.slots[maphash.String(c.seed, string(id))%uint64(len(c.slots))]
	if s := at.Load(); s != nil && s.id == id {
		return s.aead, nil
	}
	key, ok := c.key(id)
	if !ok {
		found, err := find(id)
		if err != nil {
			return nil, err
		}
		key = [KeyLength]byte(found)
	}
	made, err := aead(key[:])
	if err != nil {
		return nil, err
	}
	at.Store(&slot{id, made})
	return made, nil
}
