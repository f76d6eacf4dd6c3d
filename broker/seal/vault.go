package seal

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// Errors of a vault; compare with errors.Is. An error of a damaged or closed vault also
// wraps that of its store.
var (
	// ErrNoKey is returned for a key that the vault does not hold: never made, or destroyed.
	ErrNoKey = errors.New("seal: there is no such key")
	// ErrOpen is returned for sealed data, or a key, that is damaged, was sealed with
	// another key, or does not belong where it was found.
	ErrOpen = errors.New("seal: this cannot be opened with its key")
	// ErrDistrictKey is returned for a vault whose district key is another one.
	// Remedy: find the key file that belongs to this keys.db.
	ErrDistrictKey = errors.New("seal: keys.db belongs to another district key")
	// ErrKeyLength is returned for a district key that has not 32 bytes.
	ErrKeyLength = errors.New("seal: a key must have 32 bytes")
	// ErrHalfway is returned by every call after a Destroy that failed so late that
	// either the old or the new district key may be in force. Remedy: restart; opening
	// the vault with the key that is in the key file finishes what was begun, or drops it.
	ErrHalfway = errors.New("seal: a destruction stopped halfway; restart")
)

// KeyID names a data key: "student/<hex sid>", "agreement/<id>", "district". It has 1
// to 1,024 bytes.
type KeyID string

const (
	// KeyLength is the length of every key.
	KeyLength = 32
	// Overhead is how much longer sealed data is than its plaintext: nonce and tag.
	Overhead = 28
)

// Vault is an open keys.db. Its methods may be called by any number of goroutines.
type Vault struct {
	path string

	mu     sync.RWMutex // held for writing while Destroy replaces what follows
	store  *store.Store
	wrap   cipher.AEAD // under the district key
	index  []byte
	cache  *cache
	failed error // ErrHalfway

	indexers sync.Pool // of *indexer, each used by one caller at a time
}

// The collections of keys.db: the data keys by id, and the index key.
const (
	keysIn  store.Collection = "keys"
	vaultIn store.Collection = "vault"
)

const indexKey = "index"

// CreateVault makes a keys.db with mode 0600, holding a fresh index key and no others.
// It refuses, with fs.ErrExist, a path that is taken.
func CreateVault(path string, districtKey []byte) (*Vault, error) {
	wrap, err := wrapping(districtKey)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return nil, fmt.Errorf("creating the vault %s: %w", path, err)
	}
	index := make([]byte, KeyLength)
	rand.Read(index)
	if err := build(path+unfinished, wrap, index, nil); err != nil {
		return nil, fmt.Errorf("creating the vault %s: %w", path, err)
	}
	if err := bolt.Rename(path+unfinished, path); err != nil {
		return nil, fmt.Errorf("creating the vault %s: %w", path, err)
	}
	return OpenVault(path, districtKey)
}

// OpenVault opens a keys.db and verifies every checksum in it. It finishes a Destroy
// that a crash interrupted after the new district key was in force, and drops what
// one left that was interrupted before. It returns ErrDistrictKey for the wrong key
// and the errors of bolt.Open and Verify.
func OpenVault(path string, districtKey []byte) (*Vault, error) {
	wrap, err := wrapping(districtKey)
	if err != nil {
		return nil, err
	}
	v, err := openFile(path, wrap)
	if err == nil {
		err = removeUnfinished(path)
	} else if errors.Is(err, ErrDistrictKey) {
		v, err = finish(path, wrap, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the vault %s: %w", path, err)
	}
	return v, nil
}

func openFile(path string, wrap cipher.AEAD) (*Vault, error) {
	s, err := openStore(path)
	if err != nil {
		return nil, err
	}
	index, err := readIndexKey(s, wrap)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	v := &Vault{path: path, store: s, wrap: wrap, index: index, cache: newCache()}
	v.indexers.New = func() any { return &indexer{hmac: hmac.New(sha256.New, index)} }
	return v, nil
}

func openStore(path string) (*store.Store, error) {
	e, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	if err := e.Verify(context.Background()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return store.Open(e, store.Options{})
}

// readIndexKey also tells whether the district key is the right one: the value has
// passed its checksum.
func readIndexKey(s *store.Store, wrap cipher.AEAD) (index []byte, err error) {
	err = s.View(context.Background(), func(r store.Reader) error {
		wrapped, err := r.Get(vaultIn, []byte(indexKey))
		if err != nil {
			return err
		}
		if index, err = unwrap(wrap, vaultIn, indexKey, wrapped); err != nil {
			return ErrDistrictKey
		}
		return nil
	})
	return index, err
}

// Close ends the vault. Its keys stay in memory until the garbage collector takes them.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.store.Close()
}
