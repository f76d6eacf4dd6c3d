package broker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// litter puts parts of a data version that nothing refers to into the store.
func (d *town) litter(n int) {
	d.t.Helper()
	if err := d.Close(); err != nil {
		d.t.Fatal(err)
	}
	engine, err := bolt.Open(filepath.Join(d.dir, "store.db"), bolt.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := store.Open(engine, store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = s.Update(context.Background(), store.LaneImport, func(tx store.Tx) error {
		for i := range n {
			k := binary.BigEndian.AppendUint64(nil, 77)
			k = binary.BigEndian.AppendUint32(k, uint32(i))
			for _, c := range []store.Collection{"pages", "segments"} {
				if err := tx.Put(c, k, []byte("staged")); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.open(withRules(d.t))
}

func TestAStartDeletesWhatNoVersionRefersTo(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	d.litter(6000) // twelve thousand keys: more than one Update takes
	for _, c := range []store.Collection{"pages", "segments"} {
		if got := d.parts(c); got[77] != 0 || got[1] == 0 {
			t.Errorf("%s by version after a start: %v", c, got)
		}
	}
	if got := d.fallMark(ann); got != "71" {
		t.Errorf("the mark is %s", got)
	}
}

func TestAStartThatFindsNothingDeadWritesNothing(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before := d.revision()
	if after := d.revision(); after != before {
		t.Errorf("a start moved the revision from %d to %d", before, after)
	}
}

func TestAVersionThatAFreezeUsesIsKept(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.done(d.Freeze(t.Context(), officer, townFall))
	for mark := 60; mark < 72; mark++ { // more versions than an undo may go back
		d.imported(regraded(townFiles(kids...), ann, fmt.Sprint(mark)))
	}
	d.revision() // the next start collects
	if got := d.parts("manifests"); len(got) != 12 || got[1] != 1 || got[2] != 0 || got[3] != 1 || got[13] != 1 {
		t.Errorf("manifests by version: %v, want the frozen one, the current one and ten before it", got)
	}
	if got := d.parts("segments"); got[2] != 0 || got[1] == 0 || got[3] == 0 {
		t.Errorf("segments by version: %v", got)
	}
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 12 {
		t.Errorf("the cohort has %d children", got)
	}
}
