package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
)

func TestNoFlippedBitInKeysDbGivesWrongData(t *testing.T) {
	t.Parallel()
	v, path := fresh(t)
	texts := map[seal.KeyID][]byte{}
	for i := range 40 {
		id := seal.KeyID(fmt.Sprint("student/", i))
		newKeys(t, v, id)
		texts[id] = sealed(t, v, id, string(id))
	}
	name := v.Index("ids", "x")
	v.Close()
	clean, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(clean, "\x00")) // the file grows in large steps
	random := rand.New(rand.NewPCG(5, 6))
	results := map[string]int{}
	copied := filepath.Join(t.TempDir(), "keys.db")
	for range 200 {
		data := bytes.Clone(clean)
		bit := random.IntN(end * 8)
		data[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(copied, data, 0o600); err != nil {
			t.Fatal(err)
		}
		results[tryVault(t, copied, texts, name)]++
	}
	t.Logf("200 flipped bits: %v", results)
}

func tryVault(t *testing.T, path string, texts map[seal.KeyID][]byte, name [32]byte) string {
	v, err := seal.OpenVault(path, districtKey)
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, seal.ErrDistrictKey) {
			t.Errorf("a damaged vault gave %v", err)
		}
		return "refused"
	}
	defer v.Close()
	for id, data := range texts {
		if got, err := v.Open(id, []byte(id), data); err != nil || string(got) != string(id) {
			t.Errorf("a damaged vault opened and gave %q, %v", got, err)
		}
	}
	if v.Index("ids", "x") != name {
		t.Error("a damaged vault has another index key")
	}
	return "same"
}

// Damage that comes while the vault is open.
func TestAKeyDamagedUnderAnOpenVaultDoesNotOpen(t *testing.T) {
	t.Parallel()
	v, path := fresh(t)
	newKeys(t, v, "student/1")
	data := sealed(t, v, "student/1", "text")
	v.Close()
	value := wrappedKey(t, path, "student/1")
	v = open(t, path, districtKey)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := 0
	for rest := file; ; { // also in pages that are free by now
		i := bytes.Index(rest, value)
		if i < 0 {
			break
		}
		at += i
		if _, err := f.WriteAt([]byte{file[at] ^ 1}, int64(at)); err != nil {
			t.Fatal(err)
		}
		at++
		rest = file[at:]
	}
	if _, err := v.Open("student/1", []byte("student/1"), data); !errors.Is(err, seal.ErrOpen) || !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("opening gave %v", err)
	}
	if _, err := v.Seal("student/1", nil, nil); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("sealing gave %v", err)
	}
}
