package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// checkpointer signs the newest committed size of the log and serves every
// waiter below it.
type checkpointer struct {
	mu     sync.Mutex
	store  *store.Store
	signer *tlog.Signer
	newest signed
	hashes treeHashes
	file   string
	places []string // of anchors
	saved  signed
}

// errEmptyLog says that nothing was recorded yet.
var errEmptyLog = errors.New("the log has no entry yet")

// signed is a checkpoint, the size it covers, and the stops of then.
type signed struct {
	size int64
	note []byte
	last stop
}

// lastSigned is the name of the file that remembers how far the log was
// signed, so that an older store is refused.
const lastSigned = "last-signed"

func newCheckpointer(dir string, s *store.Store, signer *tlog.Signer, far string) *checkpointer {
	c := &checkpointer{store: s, signer: signer, file: filepath.Join(dir, lastSigned), places: []string{filepath.Join(dir, lastAnchor)}}
	if far != "" {
		c.places = append(c.places, far)
	}
	return c
}

// renew lets another key sign from here on.
func (c *checkpointer) renew(signer *tlog.Signer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signer, c.newest = signer, signed{}
}

// covering returns a checkpoint whose tree holds the entry at index.
func (c *checkpointer) covering(ctx context.Context, index uint64) (signed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest.size > int64(index) {
		return c.newest, nil
	}
	err := c.store.View(ctx, func(r store.Reader) error {
		size, err := number(r, colLog, key(logSize))
		if err != nil {
			return err
		}
		root, err := tlog.Root(int64(size), c.hashes.of(r))
		if err != nil {
			return fmt.Errorf("reading the root of the log: %w", err)
		}
		note, err := c.signer.Sign(tlog.Checkpoint{Origin: c.signer.Origin(), Size: int64(size), Root: root})
		if err != nil {
			return fmt.Errorf("signing the log: %w", err)
		}
		epoch, err := number(r, colHead, key(headEpoch))
		if err != nil {
			return err
		}
		last, err := lastStop(r, epoch)
		if err != nil {
			return err
		}
		c.newest = signed{int64(size), note, last}
		return nil
	})
	if err == nil && c.newest.size <= int64(index) {
		err = fmt.Errorf("entry %d is not in the committed log", index)
	}
	return c.newest, err
}

// save writes the newest checkpoint to its file and its anchors.
func (c *checkpointer) save() error {
	c.mu.Lock()
	newest := c.newest
	c.mu.Unlock()
	if newest.size == c.saved.size || newest.size == 0 {
		return nil
	}
	if err := replaceFile(c.file, newest.note); err != nil {
		return fmt.Errorf("remembering the signed size: %w", err)
	}
	text, err := json.Marshal(anchor{Checkpoint: string(newest.note), Epoch: newest.last.Epoch, Stops: newest.last.Seq})
	if err != nil {
		return err
	}
	for _, place := range c.places {
		if err := replaceFile(place, text); err != nil {
			return fmt.Errorf("anchoring the signed size: %w", err)
		}
	}
	c.saved = newest
	return nil
}

// newestOf returns the checkpoint of the newest committed size.
func (c *checkpointer) newestOf(ctx context.Context) (signed, error) {
	var size uint64
	err := c.store.View(ctx, func(r store.Reader) (err error) {
		size, err = number(r, colLog, key(logSize))
		return err
	})
	if err != nil {
		return signed{}, err
	}
	if size == 0 {
		return signed{}, errEmptyLog
	}
	return c.covering(ctx, size-1)
}
