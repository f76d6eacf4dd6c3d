package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hallpass-verify": main})
}

// The scripts run the program over a log of 300 entries; fixtures says which
// files it finds.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return fixtures(env.WorkDir) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"flip":  flip,
		},
	})
}

// exits N PROGRAM ARGS… runs a program that must end with code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err, code := ts.Exec(args[1], args[2:]...), 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// flip FILE OFFSET changes the lowest bit of one byte.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[at] ^= 1
	ts.Check(os.WriteFile(path, b, 0o600))
}

const origin = "lakeview.example/hallpass/simulated"

// memoryLog is a small log with what a broker keeps of it.
type memoryLog struct {
	hashes   []tlog.Hash
	entries  []tlog.Entry
	signer   *tlog.Signer
	verifier *tlog.Verifier
	public   string
}

func (l *memoryLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func newLog(size int, seed byte) (*memoryLog, error) {
	secret, public, err := tlog.KeyFromSeed(origin, [32]byte{seed})
	if err != nil {
		return nil, err
	}
	l := &memoryLog{public: public}
	if l.signer, err = tlog.NewSigner(secret); err != nil {
		return nil, err
	}
	if l.verifier, err = tlog.NewVerifier(public); err != nil {
		return nil, err
	}
	for i := range size {
		if err := l.append(i); err != nil {
			return nil, err
		}
	}
	return l, nil
}

const answerData = `{ "cohort":  315 }`

func (l *memoryLog) append(i int) error {
	sum := sha256.Sum256([]byte(answerData))
	header, err := tlog.Canonical(tlog.Header{
		Origin: origin, Event: tlog.QueryReleased, Decision: tlog.Allow, Clause: "3.2 dosage", Agreement: "a1", AgreementVersion: 1,
		Caller: tlog.Caller{Role: "partner", Subject: "Dana\x1b[31m Whitfield", Partner: "bright-futures"}, DataSHA256: hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return err
	}
	e := tlog.Entry{Header: header, Body: []byte(`{"figures":3}`), Salt: sha256.Sum256(fmt.Append(nil, i)), BodySalt: sha256.Sum256(fmt.Append(nil, -i))}
	e.Leaf = tlog.Leaf{
		Index: uint64(i), Time: time.UnixMilli(1151668800000 + int64(i)).UTC(), Event: tlog.QueryReleased, Decision: tlog.Allow,
		Rev: uint64(i), Commitment: tlog.Commit(e.Header, e.Body, e.Salt, e.BodySalt),
	}
	leaf, err := e.Leaf.Marshal()
	if err != nil {
		return err
	}
	hashes, err := tlog.Append(int64(i), leaf, l)
	l.hashes, l.entries = append(l.hashes, hashes...), append(l.entries, e)
	return err
}

func (l *memoryLog) checkpoint(size int64) ([]byte, error) {
	root, err := tlog.Root(size, l)
	if err != nil {
		return nil, err
	}
	return l.signer.Sign(tlog.Checkpoint{Origin: origin, Size: size, Root: root})
}

func (l *memoryLog) receipt(index, size int64) ([]byte, error) {
	checkpoint, err := l.checkpoint(size)
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveInclusion(size, index, l)
	if err != nil {
		return nil, err
	}
	r, err := tlog.NewReceipt(origin, l.entries[index], proof, checkpoint)
	if err != nil {
		return nil, err
	}
	return r.MarshalJSON()
}

func (l *memoryLog) continuation(size, old int64) ([]byte, error) {
	checkpoint, err := l.checkpoint(size)
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveConsistency(size, old, l)
	if err != nil {
		return nil, err
	}
	return tlog.Continuation{Checkpoint: checkpoint, Consistency: proof}.MarshalJSON()
}

func (l *memoryLog) export(dir string) error {
	checkpoint, err := l.checkpoint(int64(len(l.entries)))
	if err != nil {
		return err
	}
	put := func(path string, data []byte) error {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o600)
	}
	return tlog.WriteExport(put, l.verifier, checkpoint, func(yield func(tlog.Opened, error) bool) {
		for _, e := range l.entries {
			if !yield(tlog.Opened{Entry: e}, nil) {
				return
			}
		}
	})
}

// fixtures writes export/, receipt.json and answer.json of entry 7 in the tree
// of 200, data (the bytes of its data), newer.json (to size 300), same (the
// checkpoint of 200), other.json (entry 8), kept (the checkpoint of 250),
// forked (another tree of 250 entries under the same key), reformatted.json,
// key.pub and foreign.pub.
func fixtures(dir string) error {
	l, err := newLog(300, 1)
	if err != nil {
		return err
	}
	foreign, err := newLog(0, 2)
	if err != nil {
		return err
	}
	receipt, err1 := l.receipt(7, 200)
	other, err2 := l.receipt(8, 200)
	newer, err3 := l.continuation(300, 200)
	kept, err4 := l.checkpoint(250)
	same, err5 := l.checkpoint(200)
	fork, err6 := rerooted(l, 250)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, l.export(filepath.Join(dir, "export"))); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"receipt.json": string(receipt), "answer.json": `{"data":` + answerData + `,"receipt":` + string(receipt) + `}`,
		"reformatted.json": `{"data":{"cohort":315},"receipt":` + string(receipt) + `}`, "data": answerData, "other.json": string(other),
		"newer.json": string(newer), "same": string(same), "kept": string(kept), "forked": string(fork),
		"key.pub": l.public + "\n", "foreign.pub": foreign.public + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// rerooted signs a tree of one size with another root.
func rerooted(l *memoryLog, size int64) ([]byte, error) {
	root, err := tlog.Root(size, l)
	if err != nil {
		return nil, err
	}
	root[0] ^= 1
	return l.signer.Sign(tlog.Checkpoint{Origin: origin, Size: size, Root: root})
}
