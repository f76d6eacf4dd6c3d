package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Verify reads every pair of one snapshot, tests its checksum, and compares the
// number and the sum of all pairs with the record of the last commit. It returns an
// error that wraps store.ErrCorrupt and names the collection, or the context's
// error. Nothing it says holds a key or a value.
func (e *Engine) Verify(ctx context.Context) error {
	begun, err := e.Begin(ctx, false)
	if err != nil {
		return err
	}
	t := begun.(*tx)
	return errors.Join(t.verify(ctx), t.Rollback())
}

func (t *tx) verify(ctx context.Context) (err error) {
	if t.engine.options.Sabotage.NoSums {
		return nil
	}
	defer shield(&err)()
	want, err := loadSum(t.bolt.Bucket([]byte(sumBucket)))
	if err != nil {
		return err
	}
	var found sum
	err = t.bolt.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if string(name) == sumBucket {
			return nil
		}
		return verifyBucket(ctx, name, b, &found)
	})
	switch {
	case err != nil:
		return err
	case found.pairs != want.pairs:
		return damaged(fmt.Sprintf("it has %d pairs and should have %d", found.pairs, want.pairs))
	case found != want:
		return damaged("its pairs are not those of the last commit")
	}
	return nil
}

func verifyBucket(ctx context.Context, name []byte, b *bbolt.Bucket, found *sum) error {
	if b == nil {
		return damaged("a collection is no collection")
	}
	s := seedOf(string(name))
	n := 0
	return b.ForEach(func(k, stored []byte) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := s.unpack(k, stored); !ok {
			return damaged(fmt.Sprintf("pair %d of collection %q does not match its checksum", n, name))
		}
		found.add(s.weight(k, stored))
		return nil
	})
}
