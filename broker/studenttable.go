package broker

import (
	"context"
	"fmt"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// studentTable says whom a freeze counts. Their ordinals number them in the order
// of their SIDs, which stand apart, in pages: a family's answer needs one of them.
type studentTable struct {
	Count int           `json:"count"`
	First []records.SID `json:"first"` // of each page
}

// tablePage is how many students a full page has.
const tablePage = 4096

func tableOf(students []records.SID) (t studentTable) {
	t.Count = len(students)
	for page := range slices.Chunk(students, tablePage) {
		t.First = append(t.First, page[0])
	}
	return t
}

// pagesOf are the pages of a table as they are written.
func pagesOf(session string, students []records.SID) (list []written) {
	for page := range slices.Chunk(students, tablePage) {
		raw := make([]byte, 0, len(page)*len(records.SID{}))
		for _, sid := range page {
			raw = append(raw, sid[:]...)
		}
		list = append(list, written{colTables, key(session, uint32(len(list))), raw})
	}
	return list
}

// page reads a page's SIDs, one behind the other.
func (t studentTable) page(r store.Reader, session string, n int) ([]byte, error) {
	raw, err := r.Get(colTables, key(session, uint32(n)))
	if want := min(tablePage, t.Count-n*tablePage) * len(records.SID{}); err == nil && len(raw) != want {
		err = fmt.Errorf("reading collection %s: page %d of %s has %d bytes, not %d", colTables, n, session, len(raw), want)
	}
	return raw, err
}

// ordinal returns a student's, or false for one whom the freeze does not count.
func (t studentTable) ordinal(r store.Reader, session string, sid records.SID) (uint32, bool, error) {
	n, begins := slices.BinarySearchFunc(t.First, sid, records.SID.Compare)
	if begins {
		return uint32(n * tablePage), true, nil
	}
	if n == 0 {
		return 0, false, nil
	}
	raw, err := t.page(r, session, n-1)
	if err != nil {
		return 0, false, err
	}
	at, found := slices.BinarySearchFunc(sidsIn(raw), sid, records.SID.Compare)
	return uint32((n-1)*tablePage + at), found, nil
}

// students reads the whole table.
func (t studentTable) students(r store.Reader, session string) ([]records.SID, error) {
	list := make([]records.SID, 0, t.Count)
	for n := range t.First {
		raw, err := t.page(r, session, n)
		if err != nil {
			return nil, err
		}
		list = append(list, sidsIn(raw)...)
	}
	return list, nil
}

func sidsIn(raw []byte) []records.SID {
	list := make([]records.SID, 0, len(raw)/len(records.SID{}))
	for sid := range slices.Chunk(raw, len(records.SID{})) {
		list = append(list, records.SID(sid))
	}
	return list
}

// writeTable writes a period's table while it is open, each page in an Update of its
// own. Nobody reads them before the freeze that names them; a stop leaves them to be
// written over.
func (b *Broker) writeTable(ctx context.Context, session string, pages []written) error {
	for _, page := range pages {
		_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
			p, _, err := periods.get(tx, key(session))
			if err != nil || p.state() != periodOpen {
				return err
			}
			return page.put(tx)
		})
		if err != nil {
			return storeError(err)
		}
	}
	return nil
}
