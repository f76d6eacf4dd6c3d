package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

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
	saved  signed
}

// errEmptyLog says that nothing was recorded yet.
var errEmptyLog = errors.New("the log has no entry yet")

// signed is a checkpoint and the size it covers.
type signed struct {
	size int64
	note []byte
}

// lastSigned is the name of the file that remembers how far the log was
// signed, so that an older store is refused.
const lastSigned = "last-signed"

func newCheckpointer(dir string, s *store.Store, signer *tlog.Signer) *checkpointer {
	return &checkpointer{store: s, signer: signer, file: filepath.Join(dir, lastSigned)}
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
		c.newest = signed{int64(size), note}
		return nil
	})
	if err == nil && c.newest.size <= int64(index) {
		err = fmt.Errorf("entry %d is not in the committed log", index)
	}
	return c.newest, err
}

// save writes the newest checkpoint to its file.
func (c *checkpointer) save() error {
	c.mu.Lock()
	newest := c.newest
	c.mu.Unlock()
	if newest.size == c.saved.size {
		return nil
	}
	if err := replaceFile(c.file, newest.note); err != nil {
		return fmt.Errorf("remembering the signed size: %w", err)
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
