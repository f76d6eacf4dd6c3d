package store

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// flat lists an overlay's writes to a collection.
func flat(o *overlay, c Collection) (list []string) {
	for _, change := range o.changes() {
		if change.Collection != c {
			continue
		}
		for _, w := range change.Writes {
			list = append(list, string(w.Key)+"="+string(w.Value))
		}
	}
	return list
}

func TestAnOverlayKeepsTheNewestWritesInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		group, model := newOverlay(), map[string]string{}
		for range rapid.IntRange(1, 3).Draw(t, "updates") {
			own := newOverlay()
			for _, n := range rapid.SliceOfN(rapid.Uint16Range(0, 999), 1, 600).Draw(t, "keys") {
				key := []byte{byte(n >> 8), byte(n)}
				value := rapid.StringN(0, 2, -1).Draw(t, "value")
				own.set("c", Write{Key: key, Value: []byte(value)})
				model[string(key)] = value
			}
			group.absorb(own)
			if len(own.sets) != 0 {
				t.Fatal("the absorbed overlay still has writes")
			}
		}
		var want []string
		keys := slices.Sorted(maps.Keys(model))
		for _, k := range keys {
			want = append(want, k+"="+model[k])
		}
		if got := flat(group, "c"); !slices.Equal(got, want) {
			t.Fatalf("got %d writes, want %d", len(got), len(want))
		}
		s := group.sets["c"]
		probe := rapid.SliceOfN(rapid.ByteRange(0, 4), 0, 3).Draw(t, "probe")
		at, _ := slices.BinarySearch(keys, string(probe))
		checkNeighbour(t, "at or after", s.atOrAfter(probe), keys, at)
		checkNeighbour(t, "before", s.before(probe), keys, at-1)
		checkNeighbour(t, "last", s.last(), keys, len(keys)-1)
		for _, chunk := range s.chunks {
			if len(chunk) == 0 || len(chunk) > chunkSize {
				t.Fatalf("a chunk of %d", len(chunk))
			}
		}
	})
}

func checkNeighbour(t *rapid.T, what string, got *Write, keys []string, at int) {
	if at < 0 || at >= len(keys) {
		if got != nil {
			t.Fatalf("%s: %q, want none", what, got.Key)
		}
		return
	}
	if got == nil || string(got.Key) != keys[at] {
		t.Fatalf("%s: %v, want %q", what, got, keys[at])
	}
}

func TestBoundsHoldExactlyTheRange(t *testing.T) {
	t.Parallel()
	some := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff}), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		r := Range{Prefix: some.Draw(t, "prefix"), From: some.Draw(t, "from"), Reverse: rapid.Bool().Draw(t, "reverse")}
		key := some.Draw(t, "key")
		order := bytes.Compare(key, r.From)
		want := bytes.HasPrefix(key, r.Prefix) && (len(r.From) == 0 || order == 0 || (order < 0) == r.Reverse)
		low, high := r.Bounds()
		got := bytes.Compare(key, low) >= 0 && (high == nil || bytes.Compare(key, high) < 0)
		if got != want {
			t.Fatalf("%q in %+v: %v; bounds %q, %q", key, r, got, low, high)
		}
	})
}

func TestAGroupEndsWhenItIsLarge(t *testing.T) {
	t.Parallel()
	s := &Store{queue: newQueue()}
	g := &group{writes: newOverlay()}
	for range 3 {
		if err := s.queue.push(&request{lane: LanePartner, ctx: t.Context()}); err != nil {
			t.Fatal(err)
		}
	}
	if s.take(g) == nil {
		t.Error("an empty group takes nothing")
	}
	g.writes.bytes = groupBytes
	if s.take(g) != nil {
		t.Error("a group takes more than its bytes")
	}
	g.writes.bytes, g.ran = 0, groupUpdates
	if s.take(g) != nil {
		t.Error("a group takes more than its updates")
	}
}
