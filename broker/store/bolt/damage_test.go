package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// load puts n pairs in one update, their values of about size bytes.
func load(t testing.TB, s *store.Store, c store.Collection, n, size int) {
	t.Helper()
	_, err := s.Update(context.Background(), store.LaneImport, func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(c, fmt.Appendf(nil, "key %06d", i*7919%n), bytes.Repeat([]byte{byte(i)}, size+i%17)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var collections = []store.Collection{"few", "many", "large"}

// sample returns the bytes of a store file with small and large values, branch pages,
// inline buckets and free pages.
func sample(t *testing.T) []byte {
	t.Helper()
	path := fresh(t)
	e, err := bolt.Open(path, bolt.Options{MmapSize: 1 << 16}) // keeps the file small
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	load(t, s, "few", 3, 10)
	load(t, s, "many", 900, 20)
	load(t, s, "large", 5, 9000)
	load(t, s, "many", 300, 30)
	_, err = s.Update(t.Context(), store.LaneOfficer, func(tx store.Tx) error {
		return tx.Scan("many", store.Range{Limit: 100, From: []byte("key 0004")}, func(k, v []byte) (bool, error) {
			return true, tx.Delete("many", k)
		})
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dump opens a file as the service does and returns all that it holds.
func dump(path string, o bolt.Options) (_ []byte, err error) {
	o.MmapSize = 1 << 16
	e, err := bolt.Open(path, o)
	if err != nil {
		return nil, err
	}
	if err := e.Verify(context.Background()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	s, err := store.Open(e, store.Options{})
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	err = s.View(context.Background(), func(r store.Reader) error {
		fmt.Fprintln(&all, r.Rev())
		for _, c := range collections {
			err := r.Scan(c, store.Range{}, func(k, v []byte) (bool, error) {
				found, err := r.Get(c, k)
				fmt.Fprintf(&all, "%s %q %x %v\n", c, k, v, bytes.Equal(found, v))
				return true, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all.Bytes(), errors.Join(err, s.Close())
}

// used lists the pages that hold something, so that the test does not spend itself
// on empty space.
func used(data []byte) (list []int) {
	for at := 0; at < len(data); at += os.Getpagesize() {
		if bytes.ContainsFunc(data[at:min(at+os.Getpagesize(), len(data))], func(r rune) bool { return r != 0 }) {
			list = append(list, at)
		}
	}
	return list
}

// flipper opens copies of a file with one bit changed each.
type flipper struct {
	t     *testing.T
	path  string
	clean []byte
	want  []byte
}

func newFlipper(t *testing.T, o bolt.Options) *flipper {
	f := &flipper{t: t, path: filepath.Join(t.TempDir(), "flipped.db"), clean: sample(t)}
	f.write(f.clean)
	var err error
	if f.want, err = dump(f.path, o); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *flipper) write(data []byte) {
	if err := os.WriteFile(f.path, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// try returns "refused", "same" or "WRONG".
func (f *flipper) try(bit int, o bolt.Options) string {
	data := bytes.Clone(f.clean)
	data[bit/8] ^= 1 << (bit % 8)
	f.write(data)
	got, err := dump(f.path, o)
	switch {
	case err != nil && !errors.Is(err, store.ErrCorrupt):
		f.t.Errorf("bit %d of byte %d: %v, not store.ErrCorrupt", bit%8, bit/8, err)
		return "refused"
	case err != nil:
		return "refused"
	case bytes.Equal(got, f.want):
		return "same"
	}
	return "WRONG"
}

func TestNoFlippedBitGivesWrongData(t *testing.T) {
	t.Parallel()
	f := newFlipper(t, bolt.Options{})
	pages := used(f.clean)
	random := rand.New(rand.NewPCG(1, 2))
	results := map[string]int{}
	for range 300 {
		bit := pages[random.IntN(len(pages))]*8 + random.IntN(os.Getpagesize()*8)
		result := f.try(bit, bolt.Options{})
		results[result]++
		if result == "WRONG" {
			t.Errorf("bit %d of byte %d changed what is read", bit%8, bit/8)
		}
	}
	t.Logf("300 flipped bits in %d used pages: %v", len(pages), results)
	if results["refused"] < 100 || results["same"] == 0 {
		t.Errorf("the flips do not spread: %v", results)
	}
}

// The headers are where a flip hides pairs; they are a small part of a file, so they
// get their own turn: bits of the first bytes of both meta pages and of some others.
func TestNoFlippedBitOfAHeaderGivesWrongData(t *testing.T) {
	t.Parallel()
	f := newFlipper(t, bolt.Options{})
	results := map[string]int{}
	pages := used(f.clean)
	for i := 0; i < len(pages); i += max(1, min(i, len(pages)/5)) {
		for bit := range 48 * 8 {
			if i > 1 && bit%7 != i%7 || bit%3 != i%3 { // the meta pages more densely
				continue
			}
			result := f.try(pages[i]*8+bit, bolt.Options{})
			results[result]++
			if result == "WRONG" {
				t.Errorf("bit %d of page %d changed what is read", bit, pages[i]/os.Getpagesize())
			}
		}
	}
	t.Logf("flipped bits of headers: %v", results)
}

// The sabotage of the sums: without them flipped bits do give wrong data.
func TestWithoutSumsAFlippedBitGivesWrongData(t *testing.T) {
	t.Parallel()
	o := bolt.Options{Sabotage: bolt.Sabotage{NoSums: true}}
	f := newFlipper(t, o)
	pages := used(f.clean)
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		if f.try(pages[random.IntN(len(pages))]*8+random.IntN(os.Getpagesize()*8), o) == "WRONG" {
			return
		}
	}
	t.Error("300 flipped bits gave no wrong data: the test cannot fail")
}

func TestALostMetaPageIsNoStepBack(t *testing.T) {
	t.Parallel()
	f := newFlipper(t, bolt.Options{})
	for page := range 2 {
		data := bytes.Clone(f.clean)
		clear(data[page*os.Getpagesize():][:512])
		f.write(data)
		if _, err := dump(f.path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("without meta page %d: %v", page, err)
		}
	}
}

// The sabotage of the page check: bbolt by itself takes the meta page before the lost
// one and with it the commit before the last, whole and with fitting sums.
func TestWithoutThePageCheckALostMetaPageIsAStepBack(t *testing.T) {
	t.Parallel()
	o := bolt.Options{Sabotage: bolt.Sabotage{NoPages: true}}
	f := newFlipper(t, o)
	stepped := 0
	for page := range 2 {
		data := bytes.Clone(f.clean)
		clear(data[page*os.Getpagesize():][:512])
		f.write(data)
		if got, err := dump(f.path, o); err == nil && !bytes.Equal(got, f.want) {
			stepped++
		}
	}
	if stepped != 1 {
		t.Errorf("%d of 2 lost pages gave wrong data: the test cannot fail", stepped)
	}
}

func TestACutFileIsDamaged(t *testing.T) {
	t.Parallel()
	f := newFlipper(t, bolt.Options{})
	pages := used(f.clean)
	for _, length := range []int{100, 5000, 3 * os.Getpagesize(), pages[len(pages)/2], pages[len(pages)-1]} {
		f.write(f.clean[:length])
		if _, err := dump(f.path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", length, err)
		}
	}
}

// A page that points back to one above it would send bbolt round in circles until its
// stack ends the program.
func TestATreeThatBitesItsTailIsDamaged(t *testing.T) {
	t.Parallel()
	f := newFlipper(t, bolt.Options{})
	size, branches := os.Getpagesize(), 0
	for _, at := range used(f.clean) {
		if at < 2*size || binary.NativeEndian.Uint16(f.clean[at+8:]) != 1 { // no branch
			continue
		}
		data := bytes.Clone(f.clean)
		binary.NativeEndian.PutUint64(data[at+16+8:], uint64(at/size))
		f.write(data)
		got, err := dump(f.path, bolt.Options{})
		if err == nil && !bytes.Equal(got, f.want) || err != nil && !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("page %d pointing to itself: %v", at/size, err)
		}
		branches++
	}
	if branches == 0 {
		t.Error("the sample has no branch page")
	}
}

// Whatever removes, adds or changes a pair behind the engine's back is found, also
// when each value matches its checksum.
func TestVerifyMissesNoPair(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bbolt.Bucket) error{
		"removed": func(b *bbolt.Bucket) error { return b.Delete([]byte("key 000001")) },
		"altered": func(b *bbolt.Bucket) error { return b.Put([]byte("key 000001"), []byte("0000forged")) },
		"copied": func(b *bbolt.Bucket) error {
			return b.Put([]byte("key 000001"), b.Get([]byte("key 000002")))
		},
		"added": func(b *bbolt.Bucket) error { return b.Put([]byte("key 9"), b.Get([]byte("key 000002"))) },
	} {
		path := fresh(t)
		s, err := store.Open(open(t, path), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		load(t, s, "few", 5, 10)
		if err := errors.Join(s.Close(), behind(path, change)); err != nil {
			t.Fatal(err)
		}
		if _, err := dump(path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An older value stands behind its right checksum, as a lost disk write leaves it.
func TestVerifyFindsAStaleValue(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	key := []byte("k")
	var old []byte
	for _, value := range []string{"old", "new"} {
		s, err := store.Open(open(t, path), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Update(t.Context(), store.LanePartner, func(tx store.Tx) error { return tx.Put("few", key, []byte(value)) })
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		err = behind(path, func(b *bbolt.Bucket) error {
			if value == "old" {
				old = bytes.Clone(b.Get(key))
				return nil
			}
			return b.Put(key, old)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dump(path, bolt.Options{}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a stale value gave %v", err)
	}
}

// behind changes the collection "few" with bare bbolt.
func behind(path string, change func(*bbolt.Bucket) error) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket([]byte("few"))) })
	return errors.Join(err, db.Close())
}
