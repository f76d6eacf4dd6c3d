package broker

import (
	"context"
	"fmt"
	"sync"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// appendHashes stores the hashes that a leaf adds to a log of some size, and returns
// them.
func appendHashes(tx store.Tx, size int64, leaf []byte) ([]tlog.Hash, error) {
	hashes, err := tlog.Append(size, leaf, hashReader{tx})
	if err != nil {
		return nil, err
	}
	for i, h := range hashes {
		if err := tx.Put(colHashes, tlog.HashKey(tlog.FirstHash(size)+int64(i)), h[:]); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// hashReader reads the log's stored hashes from a snapshot.
type hashReader struct{ r store.Reader }

// ReadHashes implements tlog.HashReader.
func (h hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		raw, err := h.r.Get(colHashes, tlog.HashKey(index))
		if err != nil {
			return nil, err
		}
		if len(raw) != len(hashes[i]) {
			return nil, fmt.Errorf("the log lacks stored hash %d", index)
		}
		copy(hashes[i][:], raw)
	}
	return hashes, nil
}

// treeHashes keeps stored hashes of the log that were read from snapshots or are
// durable. A stored hash never changes: should the commit of a snapshot fail, the
// store ends with it.
type treeHashes struct {
	mu   sync.RWMutex
	kept map[int64]tlog.Hash
}

// maxTreeHashes bounds what is kept; when it is reached all is dropped.
const maxTreeHashes = 16_384

// of returns a reader of a snapshot's hashes that asks the store only for
// those that are not kept. The snapshot must not be an Update's: what that
// writes may still be undone.
func (t *treeHashes) of(r store.Reader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, missing := t.find(indexes)
		if len(missing) == 0 {
			return hashes, nil
		}
		return t.fill(hashReader{r}, indexes, hashes, missing)
	})
}

// durable is of a snapshot that is opened only if a hash is not kept.
func (t *treeHashes) durable(ctx context.Context, from *store.Store) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, missing := t.find(indexes)
		if len(missing) == 0 {
			return hashes, nil
		}
		err := from.View(ctx, func(r store.Reader) (err error) {
			hashes, err = t.fill(hashReader{r}, indexes, hashes, missing)
			return err
		})
		return hashes, err
	})
}

// add keeps the hashes that an entry added, once they are durable.
func (t *treeHashes) add(entry uint64, hashes []tlog.Hash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(tlog.FirstHash(int64(entry)), hashes)
}

// keep keeps hashes from an index on.
func (t *treeHashes) keep(first int64, hashes []tlog.Hash) {
	if t.kept == nil || len(t.kept)+len(hashes) > maxTreeHashes {
		t.kept = make(map[int64]tlog.Hash)
	}
	for i, h := range hashes {
		t.kept[first+int64(i)] = h
	}
}

// find returns the hashes that are kept, and the places of those that are not.
func (t *treeHashes) find(indexes []int64) (hashes []tlog.Hash, missing []int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	hashes = make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var ok bool
		if hashes[i], ok = t.kept[index]; !ok {
			missing = append(missing, i)
		}
	}
	return hashes, missing
}

func (t *treeHashes) fill(from hashReader, indexes []int64, hashes []tlog.Hash, missing []int) ([]tlog.Hash, error) {
	wanted := make([]int64, len(missing))
	for i, at := range missing {
		wanted[i] = indexes[at]
	}
	read, err := from.ReadHashes(wanted)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, at := range missing {
		hashes[at] = read[i]
		t.keep(wanted[i], read[i:i+1])
	}
	return hashes, nil
}
