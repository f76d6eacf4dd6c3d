package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// house is a vault with its key file, as a district has them.
type house struct {
	t            *testing.T
	dir          string
	vault        *seal.Vault
	kept, doomed []byte // sealed texts
	name         [32]byte
}

const (
	kept   seal.KeyID = "student/kept"
	doomed seal.KeyID = "student/doomed"
)

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	if err := seal.WriteKeyFile(h.keyFile(), districtKey); err != nil {
		t.Fatal(err)
	}
	v, err := seal.CreateVault(h.keysDB(), districtKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.vault.Close() })
	h.vault = v
	newKeys(t, v, kept, doomed)
	h.kept, h.doomed = sealed(t, v, kept, "stays"), sealed(t, v, doomed, "goes")
	h.name = v.Index("ids", "x")
	return h
}

func (h *house) keyFile() string             { return filepath.Join(h.dir, "district.key") }
func (h *house) keysDB() string              { return filepath.Join(h.dir, "keys.db") }
func (h *house) persist(newKey []byte) error { return seal.WriteKeyFile(h.keyFile(), newKey) }
func (h *house) next() string                { return h.keysDB() + ".next" }
func (h *house) readAll() (all map[string][]byte) {
	all = map[string][]byte{}
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[filepath.Base(path)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// image returns a house over a copy of the files as they are now: what a crash at this
// moment leaves.
func (h *house) image() *house {
	h.t.Helper()
	copied := *h
	copied.dir = h.t.TempDir()
	for name, data := range h.readAll() {
		if err := os.WriteFile(filepath.Join(copied.dir, name), data, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	return &copied
}

// restart opens the house as a service does: with the key that is in the key file.
func (h *house) restart() {
	h.t.Helper()
	key, err := seal.ReadKeyFile(h.keyFile())
	if err != nil {
		h.t.Fatal(err)
	}
	h.vault = open(h.t, h.keysDB(), key)
	if files := h.readAll(); len(files) != 2 {
		h.t.Errorf("%d files are left after the restart", len(files))
	}
}

// expect checks what opens.
func (h *house) expect(when string, destroyed bool) {
	h.t.Helper()
	if got, err := h.vault.Open(kept, []byte(kept), h.kept); string(got) != "stays" {
		h.t.Errorf("%s: the kept text opens as %q, %v", when, got, err)
	}
	got, err := h.vault.Open(doomed, []byte(doomed), h.doomed)
	if destroyed && !errors.Is(err, seal.ErrNoKey) || !destroyed && string(got) != "goes" {
		h.t.Errorf("%s: the doomed text opens as %q, %v", when, got, err)
	}
	if h.vault.Index("ids", "x") != h.name {
		h.t.Errorf("%s: the index key changed", when)
	}
}

func TestADestroyedKeyIsInNoFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	raw, err := h.vault.RawKey(doomed)
	if err != nil {
		t.Fatal(err)
	}
	h.vault.Close()
	secrets := map[string][]byte{
		"the key":                       raw,
		"the wrapped key":               wrappedKey(t, h.keysDB(), doomed),
		"the key's id":                  []byte(doomed),
		"a kept key under the old wrap": wrappedKey(t, h.keysDB(), kept),
		"the old district key":          []byte(fmt.Sprintf("%x", districtKey)),
	}
	h.restart()
	found := func() (list []string) {
		for what, secret := range secrets {
			for name, data := range h.readAll() {
				if bytes.Contains(data, secret) {
					list = append(list, what+" in "+name)
				}
			}
		}
		return list
	}
	if before := found(); len(before) != 4 { // all but the bare key: the search finds what is there
		t.Errorf("before: %q", before)
	}
	if err := h.vault.Destroy(h.persist, doomed, "student/unknown"); err != nil {
		t.Fatal(err)
	}
	h.expect("at once", true)
	if after := found(); len(after) != 0 {
		t.Errorf("after: %q", after)
	}
	newKeys(t, h.vault, "student/new")
	h.vault.Close()
	h.restart()
	h.expect("restarted", true)
	if after := found(); len(after) != 0 {
		t.Errorf("restarted: %q", after)
	}
	if _, err := seal.OpenVault(h.keysDB()+"x", districtKey); err == nil {
		t.Error("the old district key still opens something")
	}
}

// The sabotage of the new file: a key that is only deleted is still in the old one.
func TestADeletedKeyIsStillInTheFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.vault.Close()
	secret := wrappedKey(t, h.keysDB(), doomed)
	e, err := bolt.Open(h.keysDB(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Update(t.Context(), store.LaneOfficer, func(tx store.Tx) error {
		return tx.Delete(seal.KeysCollection, []byte(doomed))
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(h.readAll()["keys.db"], secret) {
		t.Error("it is gone: the search for destroyed keys cannot fail")
	}
	h.restart()
	h.expect("deleted", true)
}

// wrappedKey reads a closed keys.db.
func wrappedKey(t *testing.T, path string, id seal.KeyID) (value []byte) {
	t.Helper()
	e, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(r store.Reader) error {
		v, err := r.Get(seal.KeysCollection, []byte(id))
		value = bytes.Clone(v)
		return err
	})
	if err != nil || value == nil {
		t.Fatalf("no wrapped key: %v", err)
	}
	return value
}

// Each image is what a crash leaves at one moment; each must open with the key that
// its key file holds.
func TestACrashInADestructionLeavesOneOfTwoStates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var before, after *house
	err := h.vault.Destroy(func(newKey []byte) error {
		before = h.image()
		err := h.persist(newKey)
		after = h.image()
		return err
	}, doomed)
	if err != nil {
		t.Fatal(err)
	}
	unfinished := before.image()
	if err := os.Truncate(unfinished.next(), 5000); err != nil { // a crash while it was written
		t.Fatal(err)
	}
	begun := before.image()
	if err := os.Rename(begun.next(), begun.next()+".new"); err != nil { // a crash earlier still
		t.Fatal(err)
	}
	done := h.image()
	for _, c := range []struct {
		when      string
		house     *house
		destroyed bool
	}{
		{"while keys.db.next is made", begun, false},
		{"while keys.db.next is written", unfinished, false},
		{"before the key file is replaced", before, false},
		{"before keys.db.next is renamed", after, true},
		{"after all", done, true},
	} {
		c.house.restart()
		c.house.expect(c.when, c.destroyed)
		c.house.vault.Close()
		c.house.restart()
		c.house.expect(c.when+", restarted twice", c.destroyed)
		if err := c.house.vault.Destroy(c.house.persist, doomed); err != nil {
			t.Errorf("%s: destroying again: %v", c.when, err)
		}
		c.house.expect(c.when+", destroyed again", true)
	}
}

// The old key does not open what the new key owns, and the other way round.
func TestAWrongKeyFinishesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var image *house
	err := h.vault.Destroy(func(newKey []byte) error {
		image = h.image()
		return h.persist(newKey)
	}, doomed)
	if err != nil {
		t.Fatal(err)
	}
	stranger := bytes.Repeat([]byte{9}, seal.KeyLength)
	if _, err := seal.OpenVault(image.keysDB(), stranger); !errors.Is(err, seal.ErrDistrictKey) {
		t.Errorf("a stranger's key: %v", err)
	}
	if _, err := os.Stat(image.next()); err != nil {
		t.Errorf("the stranger's key removed keys.db.next: %v", err)
	}
	if _, err := seal.OpenVault(h.keysDB(), districtKey); err == nil {
		t.Error("the old key opens the new file")
	}
}

func TestADestructionOfUnknownOutcomeEndsTheVault(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("the test's disk failed")
	for name, persist := range map[string]func(h *house, key []byte) error{
		"persist fails":          func(*house, []byte) error { return errDisk },
		"persist fails too late": func(h *house, key []byte) error { return errors.Join(h.persist(key), errDisk) },
		"the rename fails": func(h *house, key []byte) error {
			return errors.Join(h.persist(key), os.Rename(h.next(), filepath.Join(h.dir, "aside")))
		},
	} {
		h := newHouse(t)
		err := h.vault.Destroy(func(key []byte) error { return persist(h, key) }, doomed)
		_, later := h.vault.Seal(kept, nil, nil)
		for _, err := range []error{err, later, h.vault.NewKeys("x"), h.vault.Destroy(h.persist, doomed)} {
			if !errors.Is(err, seal.ErrHalfway) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.vault.Close()
		os.Rename(filepath.Join(h.dir, "aside"), h.next())
		h.restart()
		h.expect(name, name != "persist fails")
	}
	h := newHouse(t)
	func() {
		defer func() { recover() }()
		h.vault.Destroy(func([]byte) error { panic("mine") }, doomed)
	}()
	if err := h.vault.NewKeys("x"); !errors.Is(err, seal.ErrHalfway) {
		t.Errorf("a panic in persist: %v", err)
	}
}
