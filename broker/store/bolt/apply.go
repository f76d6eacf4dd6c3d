package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// denseFill is how full bbolt packs the pages of a collection that grows at its end;
// it leaves half of each page empty otherwise, for insertions that never come.
const denseFill = 0.95

// Apply makes a group's writes and brings the sums up to date.
func (t *tx) Apply(changes []store.Change) (err error) {
	defer shield(&err)()
	sums := t.bolt.Bucket([]byte(sumBucket))
	total, err := loadSum(sums)
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := t.apply(change, &total); err != nil {
			return err
		}
	}
	return total.save(sums)
}

func (t *tx) apply(change store.Change, total *sum) error {
	created, err := t.bolt.CreateBucketIfNotExists([]byte(change.Collection))
	if err != nil {
		return err
	}
	b := t.keep(created, change.Collection)
	fresh := appends(b.Bucket, change.Writes)
	if fresh {
		b.FillPercent = denseFill
	}
	arena := make([]byte, 0, packedSize(change.Writes)) // one allocation; bbolt keeps its parts until the commit
	for _, w := range change.Writes {
		if !fresh {
			b.forget(w.Key, total)
		}
		if arena, err = b.write(w, arena, total); err != nil {
			return err
		}
	}
	return nil
}

// forget takes a key's present pair off the sum.
func (b bucket) forget(key []byte, total *sum) {
	if old := b.Get(key); old != nil {
		total.drop(b.seed.weight(key, old))
	}
}

// write makes one write, with its stored form at the end of the arena.
func (b bucket) write(w store.Write, arena []byte, total *sum) ([]byte, error) {
	if w.Gone {
		return arena, b.Delete(w.Key)
	}
	start := len(arena)
	arena = b.seed.pack(arena, w.Key, w.Value)
	stored := arena[start:len(arena):len(arena)]
	total.add(b.seed.weight(w.Key, stored))
	return arena, b.Put(w.Key, stored)
}

// appends reports whether all writes lie behind the last key, so that none of their
// keys exists.
func appends(b *bbolt.Bucket, writes []store.Write) bool {
	last, _ := b.Cursor().Last()
	return last == nil || len(writes) > 0 && bytes.Compare(writes[0].Key, last) > 0
}

func packedSize(writes []store.Write) (n int) {
	for _, w := range writes {
		if !w.Gone {
			n += crcSize + len(w.Value)
		}
	}
	return n
}
