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
	return rowCopy{sid: sid, row: row, prefix: b.copyPrefix(sid, s.agreement.Agreement.ID, s.caller, columns), tag: b.copyTag("row", row)}
}

// copyPrefix is where the copies of a child's row lie that callers of one scope got.
func (b *Broker) copyPrefix(sid records.SID, agreement string, c Caller, columns []consent.Category) []byte {
	scope := c.scope()
	for _, column := range columns {
		scope += string(column) + " "
	}
	return append(key(sid[:], agreement), b.copyTag("scope", []byte(scope))...)
}

// sentRow returns a child's row as a request got it: the newest copy at or before its
// entry.
func (b *Broker) sentRow(r store.Reader, names []records.SID, agreement string, a askedEntry) (row []byte, err error) {
	asker := a.body.Facts.Caller
	caller := Caller{Role: Role(asker.Role), Partner: asker.Partner, Sites: asker.Sites, Programs: asker.Programs}
	for _, sid := range names {
		prefix := b.copyPrefix(sid, agreement, caller, a.body.Detail.Columns)
		within := store.Range{Prefix: prefix, From: binary.BigEndian.AppendUint64(bytes.Clone(prefix), a.leaf.Index), Reverse: true, Limit: 1}
		err := r.Scan(colCopies, within, func(k, v []byte) (bool, error) {
			if len(v) < copyTagLength {
				return false, errEntryForm
			}
			row, err = b.vault.Open(studentKey(sid), append([]byte("copies|"), k...), v[copyTagLength:])
			return false, err
		})
		if err != nil || row != nil {
			return row, err
		}
	}
	return nil, notAvailable()
}

// copyTagLength is the length of what recognises a row, before its copy.
const copyTagLength = 16

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
	return bytes.Clone(sum[:copyTagLength])
}

func newestCopyIs(r store.Reader, prefix, tag []byte) (same bool, err error) {
	err = r.Scan(colCopies, store.Range{Prefix: prefix, Reverse: true, Limit: 1}, func(_, v []byte) (bool, error) {
		same = bytes.HasPrefix(v, tag)
		return false, nil
	})
	return same, err
}
