package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

var districtKey = bytes.Repeat([]byte{7}, seal.KeyLength)

// fresh returns a new vault; it is closed with the test.
func fresh(t testing.TB) (v *seal.Vault, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keys.db")
	v, err := seal.CreateVault(path, districtKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, path
}

func open(t testing.TB, path string, key []byte) *seal.Vault {
	t.Helper()
	v, err := seal.OpenVault(path, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func newKeys(t testing.TB, v *seal.Vault, ids ...seal.KeyID) {
	t.Helper()
	if err := v.NewKeys(ids...); err != nil {
		t.Fatal(err)
	}
}

func sealed(t testing.TB, v *seal.Vault, id seal.KeyID, text string) []byte {
	t.Helper()
	data, err := v.Seal(id, []byte(id), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSealedDataOpensOnlyWithItsKeyAndPlace(t *testing.T) {
	t.Parallel()
	v, _ := fresh(t)
	newKeys(t, v, "student/1", "student/2")
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(rt, "text")
		aad := rapid.SliceOf(rapid.Byte()).Draw(rt, "aad")
		data, err := v.Seal("student/1", aad, text)
		if err != nil || len(data) != len(text)+seal.Overhead {
			rt.Fatalf("sealing gave %d bytes for %d, %v", len(data), len(text), err)
		}
		if got, err := v.Open("student/1", aad, data); err != nil || !bytes.Equal(got, text) {
			rt.Fatalf("opened %q, %v", got, err)
		}
		again, _ := v.Seal("student/1", aad, text)
		if bytes.Equal(data, again) {
			rt.Fatal("sealed twice the same")
		}
		bit := rapid.IntRange(0, len(data)*8-1).Draw(rt, "bit")
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		cut := rapid.IntRange(0, len(data)-1).Draw(rt, "cut")
		for what, try := range map[string]func() ([]byte, error){
			"another key": func() ([]byte, error) { return v.Open("student/2", aad, data) },
			"another aad": func() ([]byte, error) { return v.Open("student/1", append(aad, 0), data) },
			"flipped":     func() ([]byte, error) { return v.Open("student/1", aad, flipped) },
			"cut":         func() ([]byte, error) { return v.Open("student/1", aad, data[:cut]) },
		} {
			if got, err := try(); got != nil || !errors.Is(err, seal.ErrOpen) {
				rt.Fatalf("%s: %q, %v", what, got, err)
			}
		}
	})
}

func TestAKeyThatWasNeverMadeIsMissing(t *testing.T) {
	t.Parallel()
	v, _ := fresh(t)
	if _, err := v.Seal("student/1", nil, nil); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("sealing: %v", err)
	}
	if _, err := v.Open("student/1", nil, make([]byte, 40)); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("opening: %v", err)
	}
	if has, err := v.Has("student/1"); has || err != nil {
		t.Errorf("has: %v, %v", has, err)
	}
	if err := v.NewKeys("good", ""); err == nil {
		t.Error("an empty id was taken")
	}
	if has, _ := v.Has("good"); has {
		t.Error("a refused call made a key")
	}
}

func TestKeysSurviveReopening(t *testing.T) {
	t.Parallel()
	v, path := fresh(t)
	newKeys(t, v, "a", "b", "a")
	first, name := sealed(t, v, "a", "one"), v.Index("ids", "x")
	newKeys(t, v, "a", "b", "c") // the first two stay
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = open(t, path, districtKey)
	newKeys(t, v, "a", "d")
	for id, data := range map[seal.KeyID][]byte{"a": first, "c": sealed(t, v, "c", "one"), "d": sealed(t, v, "d", "one")} {
		if got, err := v.Open(id, []byte(id), data); string(got) != "one" || err != nil {
			t.Errorf("%s opens as %q, %v", id, got, err)
		}
	}
	if v.Index("ids", "x") != name {
		t.Error("the index key changed")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

// Whoever loses the race must not go on with a key that was not kept.
func TestCallersWhoMakeOneKeyAtOnceShareIt(t *testing.T) {
	t.Parallel()
	v, path := fresh(t)
	const callers, ids = 8, 20
	var all sync.WaitGroup
	kept := make([][][]byte, callers)
	for c := range callers {
		all.Go(func() {
			for i := range ids {
				id := seal.KeyID(fmt.Sprint("student/", (i+c)%ids))
				if err := v.NewKeys(id, seal.KeyID(fmt.Sprint("own/", c, "/", i))); err != nil {
					t.Error(err)
					return
				}
				data, err := v.Seal(id, []byte(id), []byte(id))
				if err != nil {
					t.Error(err)
				}
				kept[c] = append(kept[c], data)
			}
		})
	}
	all.Wait()
	v.Close()
	v = open(t, path, districtKey)
	for c := range callers {
		for i, data := range kept[c] {
			id := seal.KeyID(fmt.Sprint("student/", (i+c)%ids))
			if got, err := v.Open(id, []byte(id), data); string(got) != string(id) {
				t.Errorf("caller %d, %s: %q, %v", c, id, got, err)
			}
		}
	}
}

func TestAnotherDistrictKeyIsNamed(t *testing.T) {
	t.Parallel()
	v, path := fresh(t)
	v.Close()
	other := bytes.Repeat([]byte{8}, seal.KeyLength)
	if _, err := seal.OpenVault(path, other); !errors.Is(err, seal.ErrDistrictKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := seal.OpenVault(path, other[:16]); !errors.Is(err, seal.ErrKeyLength) {
		t.Errorf("half a key: %v", err)
	}
	if _, err := seal.CreateVault(path, districtKey); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v", err)
	}
	if _, err := seal.OpenVault(path+"x", districtKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing one: %v", err)
	}
	v = open(t, path, districtKey)
	if _, err := seal.OpenVault(path, districtKey); !errors.Is(err, bolt.ErrInUse) {
		t.Errorf("opening it twice: %v", err)
	}
	v.Close()
	if err := v.NewKeys("a"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestIndexNamesAreApart(t *testing.T) {
	t.Parallel()
	v, _ := fresh(t)
	other, _ := fresh(t)
	names := map[[32]byte]string{}
	for _, c := range [][]string{
		{"ids"},
		{"ids", ""},
		{"ids", "", ""},
		{"ids", "a"},
		{"ids", "ab"},
		{"ids", "a", "b"},
		{"idsa", "b"},
		{"ids", "b", "a"},
		{"match", "a"},
		{"", "ids"},
		{"ids", "a\x00b"},
		{"ids", "A"},
	} {
		name := v.Index(c[0], c[1:]...)
		if before, taken := names[name]; taken {
			t.Errorf("%q and %s share a name", c, before)
		}
		names[name] = fmt.Sprintf("%q", c)
		if name != v.Index(c[0], c[1:]...) {
			t.Errorf("%q has two names", c)
		}
		if name == other.Index(c[0], c[1:]...) {
			t.Errorf("%q has one name in two vaults", c)
		}
	}
}
