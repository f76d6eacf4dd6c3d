package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// NewKeys makes the keys that do not exist yet, all in one commit, and returns when they
// are durable: what is sealed with them afterwards can never outlive them in a crash.
// Ids that exist keep their keys, whoever made them.
func (v *Vault) NewKeys(ids ...KeyID) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.failed != nil {
		return v.failed
	}
	missing, err := v.missing(ids)
	if err != nil || len(missing) == 0 {
		return err
	}
	fresh := make([][]byte, len(missing))
	wrapped := make([][]byte, len(missing))
	random := make([]byte, KeyLength*len(missing))
	rand.Read(random)
	for i, id := range missing {
		fresh[i] = random[KeyLength*i : KeyLength*(i+1)]
		wrapped[i] = wrapKey(v.wrap, keysIn, string(id), fresh[i])
	}
	_, err = v.store.Update(context.Background(), store.LaneOfficer, func(tx store.Tx) error {
		beyond, err := beyondAll(tx, missing)
		if err != nil {
			return err
		}
		for i, id := range missing {
			var found []byte
			if !beyond {
				found, err = tx.Get(keysIn, []byte(id))
			}
			if err == nil && found == nil {
				err = tx.Put(keysIn, []byte(id), wrapped[i])
			} else {
				fresh[i] = nil // another caller was first, or the list names it twice
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("making keys: %w", err)
	}
	for i, id := range missing {
		if fresh[i] != nil {
			v.cache.add(id, fresh[i])
		}
	}
	return nil
}

// beyondAll reports whether every id would stand behind all keys there are, so
// that none has one: as when a district's first students come, in order.
func beyondAll(r store.Reader, ids []KeyID) (bool, error) {
	if len(ids) == 0 {
		return false, nil
	}
	beyond := !slices.ContainsFunc(ids, func(id KeyID) bool { return len(id) == 0 || len(id) > store.MaxKey })
	err := r.Scan(keysIn, store.Range{From: []byte(slices.Min(ids)), Limit: 1}, func(_, _ []byte) (bool, error) {
		beyond = false
		return false, nil
	})
	return beyond, err
}

// missing returns the ids that have no key.
func (v *Vault) missing(ids []KeyID) (list []KeyID, err error) {
	err = v.store.View(context.Background(), func(r store.Reader) error {
		beyond, err := beyondAll(r, ids)
		if err != nil || beyond {
			list = ids
			return err
		}
		for _, id := range ids {
			if _, known := v.cache.key(id); known {
				continue
			}
			if len(id) == 0 || len(id) > store.MaxKey {
				return store.ErrKeySize
			}
			found, err := r.Get(keysIn, []byte(id))
			if err != nil {
				return err
			}
			if found == nil {
				list = append(list, id)
			}
		}
		return nil
	})
	return list, err
}

// Has reports whether the vault holds the key.
func (v *Vault) Has(id KeyID) (bool, error) {
	_, err := v.cipher(id)
	if errors.Is(err, ErrNoKey) {
		return false, nil
	}
	return err == nil, err
}

// Seal encrypts plaintext under the key and binds it to aad: only the same key and the
// same aad open it. aad says where the result belongs (collection, key, version), so
// that it opens nowhere else. The result is Overhead bytes longer than the plaintext
// and never the same twice.
func (v *Vault) Seal(id KeyID, aad, plaintext []byte) ([]byte, error) {
	return v.AppendSeal(nil, id, aad, plaintext)
}

// AppendSeal is Seal behind dst, which is returned longer.
func (v *Vault) AppendSeal(dst []byte, id KeyID, aad, plaintext []byte) ([]byte, error) {
	c, err := v.cipher(id)
	if err != nil {
		return nil, err
	}
	return c.Seal(dst, nil, plaintext, aad), nil
}

// Open returns the plaintext of what Seal made, ErrNoKey if its key is gone, or ErrOpen
// for anything that Seal did not make with this key and aad.
func (v *Vault) Open(id KeyID, aad, sealed []byte) ([]byte, error) {
	c, err := v.cipher(id)
	if err != nil {
		return nil, err
	}
	plaintext, err := c.Open(nil, nil, sealed, aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

func (v *Vault) cipher(id KeyID) (cipher.AEAD, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.failed != nil {
		return nil, v.failed
	}
	return v.cache.aead(id, v.find)
}

// readAhead is how many keys one look into keys.db unwraps: whoever walks over all
// students does not look once for each.
const readAhead = 64

// find reads and unwraps a key, and puts it and some that follow it into the cache.
func (v *Vault) find(id KeyID) (found []byte, err error) {
	err = v.store.View(context.Background(), func(r store.Reader) error {
		within := store.Range{From: []byte(id), Limit: readAhead}
		return r.Scan(keysIn, within, func(k, wrapped []byte) (bool, error) {
			if found == nil && string(k) != string(id) {
				return false, nil
			}
			key, err := unwrap(v.wrap, keysIn, string(k), wrapped)
			if err != nil {
				return false, err
			}
			if found == nil {
				found = key
			}
			v.cache.add(KeyID(k), key)
			return true, nil
		})
	})
	switch {
	case found != nil:
		return found, nil // damage in those that follow will be told to who asks for them
	case errors.Is(err, store.ErrCorrupt):
		return nil, fmt.Errorf("%w: %w", ErrOpen, err)
	case err != nil:
		return nil, err
	}
	return nil, ErrNoKey
}

// Index returns HMAC-SHA256 of the parts under the vault's index key: a name for them
// under which they can be found again, and that tells nothing to others. The domain
// keeps uses apart. Each part is preceded by its length, so ("a", "bc") and ("ab", "c")
// differ. The index key stays the same for the life of the vault.
func (v *Vault) Index(domain string, parts ...string) (name [32]byte) {
	x := v.indexers.Get().(*indexer)
	defer v.indexers.Put(x)
	x.text = frame(x.text[:0], domain)
	for _, part := range parts {
		x.text = frame(x.text, part)
	}
	return x.sum(nil)
}

// IndexContent is Index of a kind and of content that may be long.
func (v *Vault) IndexContent(domain, kind string, content []byte) (name [32]byte) {
	x := v.indexers.Get().(*indexer)
	defer v.indexers.Put(x)
	x.text = frame(frame(x.text[:0], domain), kind)
	x.text = binary.BigEndian.AppendUint64(x.text, uint64(len(content)))
	return x.sum(content)
}

// indexer is an HMAC with the index key, and room for its text.
type indexer struct {
	hmac hash.Hash
	text []byte
}

// sum hashes the text and what comes behind it. The text is wiped: it may tell a
// person's name.
func (x *indexer) sum(more []byte) (sum [32]byte) {
	x.hmac.Reset()
	x.hmac.Write(x.text)
	x.hmac.Write(more)
	x.hmac.Sum(sum[:0])
	clear(x.text)
	return sum
}

func frame(text []byte, part string) []byte {
	return append(binary.BigEndian.AppendUint64(text, uint64(len(part))), part...)
}
