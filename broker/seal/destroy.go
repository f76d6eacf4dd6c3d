package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// unfinished is the suffix of a keys.db that is not in force yet.
const unfinished = ".next"

// Destroy ends the keys for good: it writes all others, wrapped under a new district
// key, to a new keys.db, which replaces the old one. Ids without key are no error. No
// other call runs meanwhile.
//
// persist must put the new district key durably in the place of the old one (see
// WriteKeyFile) before it returns nil; it must not call the vault. The order is
//
//  1. keys.db.next is written under the new key, durable;
//  2. persist replaces the key file: the moment at which the destruction is in force;
//  3. keys.db.next is renamed to keys.db, durable.
//
// After a crash before 2 the old key opens keys.db, and OpenVault drops what is left
// of keys.db.next. After a crash behind 2 the new key opens keys.db.next, and
// OpenVault does 3. If persist fails, or 3 does, it cannot be known which key is in
// force; then every call returns ErrHalfway until the vault is opened anew.
//
// The old files are removed, not overwritten: what a disk keeps of removed blocks is
// wrapped under a district key whose file is gone too.
func (v *Vault) Destroy(persist func(newDistrictKey []byte) error, ids ...KeyID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed != nil {
		return v.failed
	}
	districtKey := make([]byte, KeyLength)
	rand.Read(districtKey)
	wrap, err := v.prepare(districtKey, ids)
	if err != nil {
		return fmt.Errorf("destroying keys: %w", errors.Join(err, removeUnfinished(v.path)))
	}
	v.failed = ErrHalfway // also if persist panics
	if err := v.replace(districtKey, wrap, persist); err != nil {
		v.failed = fmt.Errorf("%w: %w", ErrHalfway, err)
		return v.failed
	}
	v.failed = nil
	return nil
}

// prepare writes the unfinished file.
func (v *Vault) prepare(districtKey []byte, ids []KeyID) (cipher.AEAD, error) {
	wrap, err := wrapping(districtKey)
	if err != nil {
		return nil, err
	}
	if err := removeUnfinished(v.path); err != nil {
		return nil, err
	}
	keys, err := v.rewrap(wrap, ids)
	if err != nil {
		return nil, err
	}
	return wrap, build(v.path+unfinished, wrap, v.index, keys)
}

// replace puts the unfinished file in force and goes on with it.
func (v *Vault) replace(districtKey []byte, wrap cipher.AEAD, persist func([]byte) error) error {
	if err := persist(districtKey); err != nil {
		return fmt.Errorf("keeping the new district key: %w", err)
	}
	if err := v.store.Close(); err != nil {
		return err
	}
	if err := bolt.Rename(v.path+unfinished, v.path); err != nil {
		return err
	}
	next, err := openFile(v.path, wrap)
	if err != nil {
		return err
	}
	v.store, v.wrap, v.cache = next.store, next.wrap, next.cache
	return nil
}

type wrapped struct{ id, key []byte }

// rewrap returns all keys but those named, in order.
func (v *Vault) rewrap(under cipher.AEAD, except []KeyID) (list []wrapped, err error) {
	gone := make(map[KeyID]bool, len(except))
	for _, id := range except {
		gone[id] = true
	}
	err = v.store.View(context.Background(), func(r store.Reader) error {
		return r.Scan(keysIn, store.Range{}, func(k, old []byte) (bool, error) {
			id := string(k)
			if gone[KeyID(id)] {
				return true, nil
			}
			key, err := unwrap(v.wrap, keysIn, id, old)
			if err == nil {
				list = append(list, wrapped{[]byte(id), wrapKey(under, keysIn, id, key)})
			}
			return true, err
		})
	})
	return list, err
}

// build makes a complete keys.db file. It is durable when build returns.
func build(path string, wrap cipher.AEAD, index []byte, keys []wrapped) error {
	if err := remove(path); err != nil {
		return err
	}
	if err := bolt.Create(path); err != nil {
		return err
	}
	s, err := openStore(path)
	if err != nil {
		return err
	}
	return errors.Join(fill(s, wrapKey(wrap, vaultIn, indexKey, index), keys), s.Close())
}

// fill writes in portions, since one bbolt transaction of any size is kept in memory.
func fill(s *store.Store, index []byte, keys []wrapped) error {
	ctx := context.Background()
	for portion := range slices.Chunk(keys, 10_000) {
		_, err := s.Update(ctx, store.LaneImport, func(tx store.Tx) error {
			for _, k := range portion {
				if err := tx.Put(keysIn, k.id, k.key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := s.Update(ctx, store.LaneImport, func(tx store.Tx) error {
		return tx.Put(vaultIn, []byte(indexKey), index)
	})
	return err
}

// finish puts an unfinished file in force if the key opens it; else it returns the error
// that made it look.
func finish(path string, wrap cipher.AEAD, refused error) (*Vault, error) {
	next, err := openFile(path+unfinished, wrap)
	if err != nil {
		return nil, refused
	}
	if err := next.Close(); err != nil {
		return nil, err
	}
	if err := bolt.Rename(path+unfinished, path); err != nil {
		return nil, err
	}
	return openFile(path, wrap)
}

// removeUnfinished removes what an interrupted Destroy left.
func removeUnfinished(path string) error {
	return errors.Join(remove(path+unfinished), remove(path+unfinished+".new"))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
