package tlog_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

const origin = "lakeview.example/hallpass/simulated"

// testLog is a log in memory, with what a broker keeps.
type testLog struct {
	hashes   []tlog.Hash
	entries  []tlog.Entry
	leaves   [][]byte
	signer   *tlog.Signer
	verifier *tlog.Verifier
}

func keyPair(t testing.TB, origin string, seed byte) (*tlog.Signer, *tlog.Verifier) {
	t.Helper()
	secret, public, err := tlog.KeyFromSeed(origin, [32]byte{seed})
	if err != nil {
		t.Fatal(err)
	}
	s, err := tlog.NewSigner(secret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	v, err := tlog.NewVerifier(public + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("hash %d is not stored", x)
		}
		out[i] = l.hashes[x]
	}
	return out, nil
}

func newLog(t testing.TB, size int) *testLog {
	t.Helper()
	l := &testLog{}
	l.signer, l.verifier = keyPair(t, origin, 1)
	for i := range size {
		l.append(t, testEntry(t, i))
	}
	return l
}

func (l *testLog) size() int64 { return int64(len(l.entries)) }

func (l *testLog) append(t testing.TB, e tlog.Entry) {
	t.Helper()
	leaf, err := e.Leaf.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tlog.Append(l.size(), leaf, l)
	if err != nil {
		t.Fatal(err)
	}
	if tlog.FirstHash(l.size()) != int64(len(l.hashes)) {
		t.Fatal("hashes would not be consecutive")
	}
	l.hashes, l.entries, l.leaves = append(l.hashes, hashes...), append(l.entries, e), append(l.leaves, leaf)
}

func (l *testLog) root(t testing.TB, size int64) tlog.Hash {
	t.Helper()
	root, err := tlog.Root(size, l)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func (l *testLog) checkpoint(t testing.TB, size int64) []byte {
	t.Helper()
	signed, err := l.signer.Sign(tlog.Checkpoint{Origin: origin, Size: size, Root: l.root(t, size)})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (l *testLog) receipt(t testing.TB, index, size int64) tlog.Receipt {
	t.Helper()
	proof, err := tlog.ProveInclusion(size, index, l)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tlog.NewReceipt(origin, l.entries[index], proof, l.checkpoint(t, size))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// export writes the log's export into memory; the destroyed are shown as such.
func (l *testLog) export(t testing.TB, destroyed ...int) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	if err := tlog.WriteExport(into(fsys), l.verifier, l.checkpoint(t, l.size()), l.opened(destroyed...)); err != nil {
		t.Fatal(err)
	}
	return fsys
}

func into(fsys fstest.MapFS) tlog.Put {
	return func(path string, data []byte) error {
		fsys[path] = &fstest.MapFile{Data: append([]byte(nil), data...)}
		return nil
	}
}

func (l *testLog) opened(destroyed ...int) iter.Seq2[tlog.Opened, error] {
	gone := map[int]bool{}
	for _, i := range destroyed {
		gone[i] = true
	}
	return func(yield func(tlog.Opened, error) bool) {
		for i, e := range l.entries {
			o := tlog.Opened{Entry: e}
			if gone[i] {
				o = tlog.Opened{Entry: tlog.Entry{Leaf: e.Leaf}, Destroyed: true}
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

const answerData = `{ "rows": [1,2] }`

// testEntry is entry i: a release, and at each tenth place a destruction.
func testEntry(t testing.TB, i int) tlog.Entry {
	t.Helper()
	event, decision, policy := tlog.QueryReleased, tlog.Allow, sha256.Sum256([]byte("policy"))
	if i%10 == 9 {
		event, decision, policy = tlog.KeyDestroyed, tlog.None, [32]byte{}
	}
	data := sha256.Sum256([]byte(answerData))
	header := tlog.Header{
		Origin: origin, Event: event, Decision: decision, Caller: tlog.Caller{Role: "partner", Subject: "Dana <W> ", Partner: "bright-futures"},
		Agreement: "a1", AgreementVersion: 2, Clause: "3.2 dosage", DataSHA256: hex.EncodeToString(data[:]),
	}
	if policy != [32]byte{} {
		header.Policy = hex.EncodeToString(policy[:])
	}
	return seal(t, header, map[string]any{"students": i, "as_of": "2026-03-02"}, tlog.Leaf{
		Index: uint64(i), Time: time.UnixMilli(1772452800000 + int64(i/3)).UTC(), Event: event, Actor: [16]byte{byte(i)},
		Decision: decision, Policy: policy, Rev: uint64(1000 + i),
	})
}

// seal makes the entry of a header, a body and a leaf that lacks only its commitment.
func seal(t testing.TB, header tlog.Header, body any, leaf tlog.Leaf) tlog.Entry {
	t.Helper()
	e := tlog.Entry{Leaf: leaf, Salt: sha256.Sum256(fmt.Append(nil, "salt", leaf.Index)), BodySalt: sha256.Sum256(fmt.Append(nil, "body", leaf.Index))}
	var err error
	if e.Header, err = tlog.Canonical(header); err != nil {
		t.Fatal(err)
	}
	if e.Body, err = tlog.Canonical(body); err != nil {
		t.Fatal(err)
	}
	e.Leaf.Commitment = tlog.Commit(e.Header, e.Body, e.Salt, e.BodySalt)
	return e
}

// sharedDir finds ../shared/data/NAME above the module, or skips the test.
func sharedDir(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		found := filepath.Join(at, "shared", "data", name)
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	t.Skipf("skipped: no shared/data/%s beside or above %s", name, dir)
	return ""
}
