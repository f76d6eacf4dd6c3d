package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/store"
)

func keysAndValuesHaveLimits(t *testing.T, o Opener) {
	s := o.open(t)
	longest := repeat("k", store.MaxKey)
	for _, c := range []struct {
		what       string
		collection store.Collection
		key, value string
		want       error
	}{
		{"an empty key", letters, "", "v", store.ErrKeySize},
		{"a key of 1,025 bytes", letters, longest + "k", "v", store.ErrKeySize},
		{"a key of 1,024 bytes", letters, longest, "v", nil},
		{"a value of 16 MB and a byte", letters, "k", repeat("v", store.MaxValue+1), store.ErrValueSize},
		{"a value of 16 MB", letters, "k", repeat("v", store.MaxValue), nil},
		{"a collection without name", "", "k", "v", store.ErrCollection},
		{"a reserved collection", "~head", "k", "v", store.ErrCollection},
		{"a collection of 65 letters", store.Collection(strings.Repeat("c", 65)), "k", "v", store.ErrCollection},
		{"a collection of 64 letters", store.Collection(strings.Repeat("c", 64)), "k", "v", nil},
		{"a collection outside ASCII", "noté", "k", "v", store.ErrCollection},
	} {
		_, err := s.Update(t.Context(), store.LanePartner, put(c.collection, c.key, c.value))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if c.want == nil && read(t, s, c.collection, c.key) != c.value {
			t.Errorf("%s does not read back", c.what)
		}
	}
	for what, writes := range map[string][]store.Write{
		"a key twice":       {{Key: []byte("a")}, {Key: []byte("a")}},
		"keys out of order": {{Key: []byte("b")}, {Key: []byte("a")}},
	} {
		_, err := s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error { return tx.PutAll(numbers, writes) })
		if !errors.Is(err, store.ErrKeyOrder) || read(t, s, numbers, "a")+read(t, s, numbers, "b") != "absentabsent" {
			t.Errorf("%s: %v, want %v and nothing written", what, err, store.ErrKeyOrder)
		}
	}
	if got := read(t, s, letters, longest+"k") + read(t, s, letters, ""); got != "absentabsent" {
		t.Errorf("impossible keys read as %q", got)
	}
}

func identifiersAreToldApart(t *testing.T, o Opener) {
	ids := []string{
		"a", "A", "aa", "aA", "a\x00", "a\x00\x00", "\x00", "\x00\x00", "\xff", "\xff\xff", "a\xff",
		"\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "ß", "ss", "ﬁ", "fi", "İ", "i", "I", "ı",
		" ", "a ", " a", "a\t", "0", "00", "1", "01", "\xc3", "\x80",
	}
	for n := 1; n <= store.MaxKey; n *= 2 {
		ids = append(ids, repeat("p", n), repeat("p", n-1)+"q", repeat("p", n-1)+"\x00")
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	e := o.Open(t)
	s := over(t, e, store.Options{})
	shuffled := slices.Clone(ids)
	for i := range shuffled { // a fixed disorder
		j := i * 7 % len(shuffled)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	check := func(s *store.Store, when string) {
		var got []string
		pairs, err := snapshot(s, letters)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			got = append(got, quoted(id, "of "+id))
		}
		if !slices.Equal(pairs, got) {
			t.Errorf("%s: %d pairs, want %d in the order of their bytes", when, len(pairs), len(ids))
		}
		for _, id := range ids {
			if v := read(t, s, letters, id); v != "of "+id {
				t.Errorf("%s: an identifier of %d bytes reads as another's", when, len(id))
			}
		}
	}
	mustUpdate(t, s, func(tx store.Tx) error {
		for _, id := range shuffled {
			if err := tx.Put(letters, []byte(id), []byte("of "+id)); err != nil {
				return err
			}
		}
		return nil
	})
	check(s, "at once")
	check(o.again(t, s, e), "reopened")
}
