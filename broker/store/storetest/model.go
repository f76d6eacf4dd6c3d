package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func quoted(k, v string) string { return fmt.Sprintf("%q=%q", k, v) }

// model is what one collection should hold.
type model map[string]string

// list is what a Scan should show, in the plainest way to say it.
func (m model) list(r store.Range) (pairs []string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(k, string(r.Prefix)) {
			continue
		}
		if len(r.From) > 0 && (!r.Reverse && k < string(r.From) || r.Reverse && k > string(r.From)) {
			continue
		}
		pairs = append(pairs, quoted(k, m[k]))
	}
	if r.Reverse {
		slices.Reverse(pairs)
	}
	if r.Limit > 0 && len(pairs) > r.Limit {
		pairs = pairs[:r.Limit]
	}
	return pairs
}

// Few bytes, so that keys collide, nest and stand at the ends.
func anyKey(least int) *rapid.Generator[[]byte] {
	return rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'A', 'a', 0xfe, 0xff}), least, 4)
}

func anyRange() *rapid.Generator[store.Range] {
	return rapid.Custom(func(t *rapid.T) store.Range {
		return store.Range{
			Prefix:  anyKey(0).Draw(t, "prefix"),
			From:    anyKey(0).Draw(t, "from"),
			Reverse: rapid.Bool().Draw(t, "reverse"),
			Limit:   rapid.IntRange(-1, 6).Draw(t, "limit"),
		}
	})
}

// step is one thing that an Update does.
type step struct {
	collection store.Collection
	kind       string // "put", "put all", "delete", "get", "scan"
	key        []byte
	value      string
	writes     []store.Write // of "put all", in order
	within     store.Range
}

func anyStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			collection: rapid.SampledFrom([]store.Collection{letters, numbers}).Draw(t, "collection"),
			kind:       rapid.SampledFrom([]string{"put", "put", "put", "put all", "delete", "get", "scan", "scan"}).Draw(t, "kind"),
			key:        anyKey(1).Draw(t, "key"),
			value:      rapid.StringN(0, 3, -1).Draw(t, "value"),
			writes:     rapid.SliceOfN(anyWrite(), 0, 300).Draw(t, "writes"),
			within:     anyRange().Draw(t, "range"),
		}
	})
}

func anyWrite() *rapid.Generator[store.Write] {
	return rapid.Custom(func(t *rapid.T) store.Write {
		return store.Write{
			Key:   anyKey(1).Draw(t, "key"),
			Value: []byte(rapid.StringN(0, 3, -1).Draw(t, "value")),
			Gone:  rapid.IntRange(0, 3).Draw(t, "gone") == 0,
		}
	})
}

// ascending returns copies of writes in the order of their keys, of each key one.
func ascending(writes []store.Write) (list []store.Write) {
	for _, w := range writes {
		list = append(list, store.Write{Key: slices.Clone(w.Key), Value: slices.Clone(w.Value), Gone: w.Gone})
	}
	byKey := func(a, b store.Write) int { return bytes.Compare(a.Key, b.Key) }
	slices.SortStableFunc(list, byKey)
	return slices.CompactFunc(list, func(a, b store.Write) bool { return byKey(a, b) == 0 })
}

type anUpdate struct {
	steps []step
	fails bool
}

func anyUpdate() *rapid.Generator[anUpdate] {
	return rapid.Custom(func(t *rapid.T) anUpdate {
		return anUpdate{
			steps: rapid.SliceOfN(anyStep(), 1, 12).Draw(t, "steps"),
			fails: rapid.IntRange(0, 4).Draw(t, "fate") == 0,
		}
	})
}

type models map[store.Collection]model

func (m models) clone() models {
	return models{letters: maps.Clone(m[letters]), numbers: maps.Clone(m[numbers])}
}

// do does a step in the transaction and in the model and compares what they read.
func (m models) do(tx store.Tx, s step) error {
	state := m[s.collection]
	switch s.kind {
	case "put":
		state[string(s.key)] = s.value
		return tx.Put(s.collection, s.key, []byte(s.value))
	case "put all":
		writes := ascending(s.writes)
		for _, w := range writes {
			if w.Gone {
				delete(state, string(w.Key))
			} else {
				state[string(w.Key)] = string(w.Value)
			}
		}
		return tx.PutAll(s.collection, writes)
	case "delete":
		delete(state, string(s.key))
		return tx.Delete(s.collection, s.key)
	case "get":
		return m.compareGet(tx, s.collection, s.key)
	}
	return m.compareScan(tx, s.collection, s.within)
}

func (m models) compareGet(r store.Reader, c store.Collection, key []byte) error {
	got, err := r.Get(c, key)
	want, here := m[c][string(key)]
	if err == nil && ((got != nil) != here || string(got) != want) {
		err = fmt.Errorf("get %q: %q, want %q (%v)", key, got, want, here)
	}
	return err
}

func (m models) compareScan(r store.Reader, c store.Collection, within store.Range) error {
	got, err := list(r, c, within)
	if want := m[c].list(within); err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("scan %+v:\n got %s\nwant %s", within, got, want)
	}
	return err
}

// round is one group of updates and the ranges that a view then compares.
type round struct {
	updates []anUpdate
	views   []store.Range
}

func anyRound() *rapid.Generator[round] {
	return rapid.Custom(func(t *rapid.T) round {
		return round{
			updates: rapid.SliceOfN(anyUpdate(), 1, 4).Draw(t, "updates"),
			views:   rapid.SliceOfN(anyRange(), 1, 8).Draw(t, "views"),
		}
	})
}

// scansAgreeWithAModel runs random updates, several to a group, some of which fail,
// and compares all that they and later views read with plain maps.
func scansAgreeWithAModel(t *testing.T, o Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		rounds := rapid.SliceOfN(anyRound(), 1, 3).Draw(rt, "rounds")
		var fault error
		bubble(t, func(t *testing.T) { fault = play(t, o.open(t), rounds) })
		if fault != nil {
			rt.Fatal(fault)
		}
	})
}

func play(t *testing.T, s *store.Store, rounds []round) error {
	m := models{letters: {}, numbers: {}}
	for _, r := range rounds {
		if err := m.runGroup(t, s, r.updates); err != nil {
			return err
		}
		if err := m.compareViews(s, r.views); err != nil {
			return err
		}
	}
	return nil
}

// runGroup runs the updates behind one that waits, hence in one group, in any order.
func (m models) runGroup(t *testing.T, s *store.Store, updates []anUpdate) error {
	release := occupy(t, s)
	var all sync.WaitGroup
	faults := make([]error, len(updates))
	for i, u := range updates {
		all.Go(func() {
			_, err := s.Update(context.Background(), store.LanePartner, func(tx store.Tx) error { return m.run(tx, u) })
			if !errors.Is(err, errRefused) {
				faults[i] = err
			}
		})
	}
	synctest.Wait()
	release()
	all.Wait()
	return errors.Join(faults...)
}

func (m models) run(tx store.Tx, u anUpdate) error {
	before := m.clone()
	for _, step := range u.steps {
		if err := m.do(tx, step); err != nil {
			return err
		}
	}
	if !u.fails {
		return nil
	}
	maps.Copy(m, before)
	return errRefused
}

func (m models) compareViews(s *store.Store, ranges []store.Range) error {
	return s.View(context.Background(), func(r store.Reader) error {
		for _, within := range ranges {
			for _, c := range []store.Collection{letters, numbers} {
				if err := m.compareScan(r, c, within); err != nil {
					return err
				}
				if err := m.compareGet(r, c, within.From); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
