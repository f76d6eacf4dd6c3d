package tlog_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// vector is a case of transparency-dev/merkle.
type vector struct {
	LeafIdx, TreeSize, Size1, Size2 uint64
	Root, LeafHash, Root1, Root2    []byte
	Proof                           [][]byte
	WantErr                         bool
}

func (v vector) check(kind string) error {
	proof, err := hashesOf(v.Proof)
	if err != nil {
		return err
	}
	if kind == "inclusion" {
		h, err := hashesOf([][]byte{v.Root, v.LeafHash})
		if err != nil {
			return err
		}
		return tlog.CheckInclusion(proof, int64(v.TreeSize), h[0], int64(v.LeafIdx), h[1])
	}
	h, err := hashesOf([][]byte{v.Root2, v.Root1})
	if err != nil {
		return err
	}
	return tlog.CheckConsistency(proof, int64(v.Size2), h[0], int64(v.Size1), h[1])
}

func hashesOf(list [][]byte) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, b := range list {
		if len(b) != len(tlog.Hash{}) {
			return nil, errors.New("not 32 bytes")
		}
		hashes = append(hashes, tlog.Hash(b))
	}
	return hashes, nil
}

func TestTheMerkleVectorsOfOthersBehaveAsTheySay(t *testing.T) {
	t.Parallel()
	dir, total := sharedDir(t, "tlog-vectors/merkle"), 0
	for _, kind := range []string{"inclusion", "consistency"} {
		err := filepath.WalkDir(filepath.Join(dir, kind), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				return err
			}
			total++
			if err := v.check(kind); (err != nil) != v.WantErr {
				t.Errorf("%s: %v, want an error: %v", path, err, v.WantErr)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != 166 {
		t.Errorf("%d vectors, want 166", total)
	}
}

func TestProofsOfEveryEntryAndPrefixVerifyAndNoneOfAnother(t *testing.T) {
	t.Parallel()
	l := newLog(t, 40)
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.Int64Range(1, 40).Draw(rt, "size")
		index := rapid.Int64Range(0, size-1).Draw(rt, "index")
		old := rapid.Int64Range(1, size).Draw(rt, "old")
		inclusion, err := tlog.ProveInclusion(size, index, l)
		if err != nil {
			rt.Fatal(err)
		}
		root, leaf := l.root(t, size), tlog.LeafHash(l.leaves[index])
		if err := tlog.CheckInclusion(inclusion, size, root, index, leaf); err != nil {
			rt.Fatal(err)
		}
		other := rapid.Int64Range(0, size-1).Filter(func(i int64) bool { return i != index || size == 1 }).Draw(rt, "other")
		if size > 1 && tlog.CheckInclusion(inclusion, size, root, other, leaf) == nil {
			rt.Fatal("the proof of one place proves another")
		}
		if tlog.CheckInclusion(append(inclusion, root), size, root, index, leaf) == nil {
			rt.Fatal("a proof that is too long verifies")
		}
		consistency, err := tlog.ProveConsistency(size, old, l)
		if err != nil {
			rt.Fatal(err)
		}
		if err := tlog.CheckConsistency(consistency, size, root, old, l.root(t, old)); err != nil {
			rt.Fatal(err)
		}
		if old < size && tlog.CheckConsistency(consistency, size, root, old, root) == nil {
			rt.Fatal("a forked prefix verifies")
		}
	})
}

func TestSizesOutOfRangeAreRefusedAndDoNotHang(t *testing.T) {
	t.Parallel()
	l := newLog(t, 3)
	for _, size := range []int64{-1, tlog.MaxSize + 1, 1<<63 - 1, -1 << 63} {
		_, errRoot := tlog.Root(size, l)
		_, errAppend := tlog.Append(size, nil, l)
		_, errInclusion := tlog.ProveInclusion(size, 0, l)
		_, errConsistency := tlog.ProveConsistency(size, 1, l)
		for i, err := range []error{
			errRoot, errAppend, errInclusion, errConsistency,
			tlog.CheckInclusion(nil, size, tlog.Hash{}, 0, tlog.Hash{}), tlog.CheckInclusion(nil, 3, tlog.Hash{}, size, tlog.Hash{}),
			tlog.CheckConsistency(nil, size, tlog.Hash{}, 1, tlog.Hash{}), tlog.CheckConsistency(nil, 3, tlog.Hash{}, size, tlog.Hash{}),
		} {
			if err == nil {
				t.Errorf("size %d passes check %d", size, i)
			}
		}
	}
	if tlog.CheckConsistency(nil, 3, l.root(t, 3), 0, l.root(t, 0)) == nil {
		t.Error("the empty tree has a consistency proof")
	}
}

func TestAnErrorOfTheStoreComesThrough(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken store")
	r := tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, broken })
	_, errRoot := tlog.Root(7, r)
	_, errAppend := tlog.Append(7, []byte("x"), r)
	_, errProof := tlog.ProveInclusion(7, 1, r)
	for _, err := range []error{errRoot, errAppend, errProof} {
		if !errors.Is(err, broken) {
			t.Error(err)
		}
	}
}

func TestHashKeysSortAsTheirIndexes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rapid.Int64Min(0).Draw(rt, "a"), rapid.Int64Min(0).Draw(rt, "b")
		if (a < b) != (string(tlog.HashKey(a)) < string(tlog.HashKey(b))) || binary.BigEndian.Uint64(tlog.HashKey(a)) != uint64(a) {
			rt.Fatal("out of order")
		}
	})
}

func TestTheLogOfTesseraVerifies(t *testing.T) {
	t.Parallel()
	dir := sharedDir(t, "tlog-vectors/tessera-log")
	v, err := tlog.NewVerifier("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{}
	for i, word := range strings.Fields("one two three four five six seven eit nain ten ileven twelf threeten fourten fivten") {
		hashes, err := tlog.Append(int64(i), []byte(word), l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	for i := range 17 {
		name := fmt.Sprintf("checkpoint.%d", i)
		if i == 16 {
			name = "checkpoint"
		}
		signed, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.OpenExact(signed)
		if err != nil || c.Origin != v.Origin() || c.Root != l.root(t, c.Size) || c.Size != min(int64(i), 15) {
			t.Errorf("%s: %v, size %d", name, err, c.Size)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(b, 1)
	leaf := l.leaves[0]
	b.ReportAllocs()
	size := int64(1)
	for b.Loop() {
		hashes, err := tlog.Append(size, leaf, l)
		if err != nil {
			b.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
		size++
	}
}
