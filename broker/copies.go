package broker

import (
	"bytes"
	"encoding/binary"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// rowCopy is one child's row as it leaves.
type rowCopy struct {
	sid records.SID
	row []byte
}

// putCopies keeps what was sent about each child, once a version: the copy
// that was sent by entry i is the newest one at or before i (34 CFR 99.30(c)).
// A row that did not change since is not written again.
func (b *Broker) putCopies(tx store.Tx, p *prepared, leaf tlog.Leaf) error {
	scope := []byte(scopeOf(p.draft.caller))
	for _, c := range p.copies {
		prefix := append(key(c.sid[:], p.draft.agreement), b.copyTag("scope", scope)...)
		tag := b.copyTag("row", c.row)
		same, err := newestCopyIs(tx, prefix, tag)
		if err != nil {
			return err
		}
		if same {
			continue
		}
		k := binary.BigEndian.AppendUint64(prefix, leaf.Index)
		box, err := b.vault.Seal(studentKey(c.sid), append([]byte("copies|"), k...), c.row)
		if err != nil {
			return err
		}
		if err := tx.Put(colCopies, k, append(tag, box...)); err != nil {
			return err
		}
	}
	return nil
}

// copyTag recognises a row without opening the copy; it is keyed, because a
// row is easily guessed.
func (b *Broker) copyTag(kind string, content []byte) []byte {
	sum := b.vault.Index("copy", kind, string(content))
	return bytes.Clone(sum[:16])
}

func newestCopyIs(r store.Reader, prefix, tag []byte) (same bool, err error) {
	err = r.Scan(colCopies, store.Range{Prefix: prefix, Reverse: true, Limit: 1}, func(_, v []byte) (bool, error) {
		same = bytes.HasPrefix(v, tag)
		return false, nil
	})
	return same, err
}
