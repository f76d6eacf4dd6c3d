package broker

import (
	"bytes"
	"encoding/binary"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// rowCopy is one child's row as it leaves, with what recognises it.
type rowCopy struct {
	sid    records.SID
	row    []byte
	prefix []byte // student, agreement, columns and what of it the caller holds
	tag    []byte
}

// copyOf prepares a row to be kept, outside of any transaction.
func (b *Broker) copyOf(s *snapshot, columns []consent.Category, sid records.SID, row []byte) rowCopy {
	scope := s.caller.scope()
	for _, c := range columns {
		scope += string(c) + " "
	}
	prefix := append(key(sid[:], s.agreement.Agreement.ID), b.copyTag("scope", []byte(scope))...)
	return rowCopy{sid: sid, row: row, prefix: prefix, tag: b.copyTag("row", row)}
}

// putCopies keeps what was sent about each child, once a version: the copy
// that was sent by entry i is the newest one of its columns at or before i
// (34 CFR 99.30(c)). A row that did not change since is not written again.
func (b *Broker) putCopies(tx store.Tx, p *prepared, leaf tlog.Leaf) error {
	if p.kept == nil || p.kept.Load() {
		return nil // an answer that left before, under the same stamp
	}
	for _, c := range p.copies {
		same, err := newestCopyIs(tx, c.prefix, c.tag)
		if err != nil {
			return err
		}
		if same {
			continue
		}
		k := binary.BigEndian.AppendUint64(bytes.Clone(c.prefix), leaf.Index)
		box, err := b.vault.Seal(studentKey(c.sid), append([]byte("copies|"), k...), c.row)
		if err != nil {
			return err
		}
		if err := tx.Put(colCopies, k, append(bytes.Clone(c.tag), box...)); err != nil {
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
