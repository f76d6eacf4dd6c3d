package tlog_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestAnExportVerifies(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2, 255, 256, 257, 300, 512, 700} {
		l := newLog(t, size)
		sum, err := tlog.VerifyExport(l.export(t), l.verifier, tlog.ExportOptions{})
		if err != nil || sum.Checkpoint.Size != int64(size) || sum.Destroyed != 0 {
			t.Errorf("%d entries: %v %+v", size, err, sum)
		}
		if size > 0 && (!sum.First.Equal(l.entries[0].Leaf.Time) || !sum.Last.Equal(l.entries[size-1].Leaf.Time)) {
			t.Errorf("%d entries: from %s to %s", size, sum.First, sum.Last)
		}
	}
}

func TestAnExportOfThreeTileLevelsVerifies(t *testing.T) {
	t.Parallel()
	const size = 256*256 + 300 // one full tile of level 1
	l := newLog(t, 1)
	e, destroyed := tlog.Entry{Leaf: l.entries[0].Leaf}, make([]int, 0, size)
	for i := 1; i < size-1; i++ {
		e.Leaf.Index = uint64(i)
		l.append(t, e)
		destroyed = append(destroyed, i)
	}
	last := testEntry(t, 9)
	last.Leaf.Index = size - 1
	l.append(t, last)
	fsys := l.export(t, destroyed...)
	for _, path := range []string{"tile/2/000.p/1", "tile/1/000", "tile/0/256", "tile/0/257.p/44", "tile/entries/257.p/44", "opened/257.jsonl"} {
		if fsys[path] == nil {
			t.Errorf("%s is missing", path)
		}
	}
	if _, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{Older: [][]byte{l.checkpoint(t, 65537), l.checkpoint(t, 300)}}); err != nil {
		t.Error(err)
	}
	fsys["tile/2/000.p/1"].Data[5] ^= 1
	_, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
	if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != "tile/2/000.p/1" {
		t.Error(err)
	}
}

// change flips single bytes of an export and returns the changes that pass the
// verifier, and those whose fault names another file or a place behind them.
func change(l *testLog, fsys fstest.MapFS, o tlog.ExportOptions, tries int) (passed, misplaced []string) {
	paths := slices.Sorted(maps.Keys(fsys))
	var total int
	for _, path := range paths {
		total += len(fsys[path].Data)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range tries {
		path, at := placeOf(fsys, paths, r.IntN(total))
		b := &fsys[path].Data[at]
		old := *b
		*b ^= byte(1 + r.IntN(255))
		_, err := tlog.VerifyExport(fsys, l.verifier, o)
		*b = old
		if err == nil {
			passed = append(passed, fmt.Sprintf("%s, byte %d", path, at))
			continue
		}
		if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != path || fault.Problem == "" || fault.Offset > int64(at) {
			misplaced = append(misplaced, fmt.Sprintf("%s, byte %d: %v", path, at, err))
		}
	}
	return passed, misplaced
}

func placeOf(fsys fstest.MapFS, paths []string, at int) (string, int) {
	for _, path := range paths {
		if at < len(fsys[path].Data) {
			return path, at
		}
		at -= len(fsys[path].Data)
	}
	panic("place beyond the export")
}

func TestAnyByteOfAnExportThatIsChangedIsFoundAndItsPlaceNamed(t *testing.T) {
	t.Parallel()
	l := newLog(t, 300)
	passed, misplaced := change(l, l.export(t, 3, 290), tlog.ExportOptions{}, exportChanges)
	if len(passed)+len(misplaced) > 0 {
		t.Errorf("undetected: %q\nplaced elsewhere: %q", passed, misplaced)
	}
}

func TestEveryByteOfASmallExportCounts(t *testing.T) {
	t.Parallel()
	l := newLog(t, 2)
	fsys := l.export(t)
	for path, file := range fsys {
		for i := range file.Data {
			for _, bit := range []int{0, 5} { // letters become others, and capitals
				file.Data[i] ^= 1 << bit
				_, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
				if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != path {
					t.Errorf("%s, bit %d of byte %d: %v", path, bit, i, err)
				}
				file.Data[i] ^= 1 << bit
			}
		}
	}
}

func TestWithoutOneCheckSomeChangesPass(t *testing.T) {
	t.Parallel()
	l := newLog(t, 300)
	for name, o := range map[string]tlog.ExportOptions{
		"tiles": tlog.ExportOptions{}.SkipTiles(), "opened entries": tlog.ExportOptions{}.SkipOpened(),
	} {
		if passed, _ := change(l, l.export(t), o, 60); len(passed) == 0 {
			t.Errorf("with the check of %s removed nothing passes; the test of changes proves nothing", name)
		}
	}
	fsys := l.export(t)
	fsys["extra"] = &fstest.MapFile{}
	if _, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{}.SkipPaths()); err != nil {
		t.Errorf("with the check of paths removed an extra file is still found: %v", err)
	}
}

func TestFilesThatAreMissingExtraOrResizedAreNamed(t *testing.T) {
	t.Parallel()
	l := newLog(t, 300)
	whole := l.export(t)
	spoiled := func(spoil func(fstest.MapFS)) fstest.MapFS {
		fsys := fstest.MapFS{}
		for path, file := range whole {
			fsys[path] = &fstest.MapFile{Data: bytes.Clone(file.Data), Mode: file.Mode}
		}
		spoil(fsys)
		return fsys
	}
	assertFault := func(what, path string, fsys fs.FS) {
		t.Helper()
		_, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
		if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != path {
			t.Errorf("%s %s: %v", what, path, err)
		}
	}
	for path := range whole {
		assertFault("missing", path, spoiled(func(f fstest.MapFS) { delete(f, path) }))
		assertFault("empty", path, spoiled(func(f fstest.MapFS) { f[path].Data = nil }))
		assertFault("cut", path, spoiled(func(f fstest.MapFS) { f[path].Data = f[path].Data[:len(f[path].Data)-1] }))
		assertFault("longer", path, spoiled(func(f fstest.MapFS) { f[path].Data = append(f[path].Data, '\n') }))
		assertFault("much longer", path, spoiled(func(f fstest.MapFS) { f[path].Data = append(f[path].Data, make([]byte, 1<<20)...) }))
		assertFault("linked", path, spoiled(func(f fstest.MapFS) { f[path].Mode = fs.ModeSymlink }))
	}
	for _, path := range []string{"extra", "tile/0/002", "tile/entries/000.p/5", "opened/000.jsonl.bak", "tile/3/000.p/1"} {
		assertFault("extra", path, spoiled(func(f fstest.MapFS) { f[path] = &fstest.MapFile{Data: []byte("x")} }))
	}
}

func TestEntriesThatAreMovedDoubledOrDroppedAreFound(t *testing.T) {
	t.Parallel()
	l := newLog(t, 20)
	const bundle, opened = "tile/entries/000.p/20", "opened/000.jsonl"
	const stride = tlog.LeafSize + 2
	for name, c := range map[string]struct {
		path  string
		spoil func(b []byte) []byte
	}{
		"two leaves change places": {bundle, func(b []byte) []byte {
			return slices.Concat(b[:stride], b[2*stride:3*stride], b[stride:2*stride], b[3*stride:])
		}},
		"a leaf is doubled": {bundle, func(b []byte) []byte { return slices.Concat(b[:stride], b[:stride], b[2*stride:]) }},
		"a leaf is dropped": {bundle, func(b []byte) []byte { return b[stride:] }},
		"two lines change places": {opened, func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			lines[4], lines[5] = lines[5], lines[4]
			return bytes.Join(lines, nil)
		}},
		"a line is doubled":        {opened, func(b []byte) []byte { return slices.Concat(b[:bytes.IndexByte(b, '\n')+1], b) }},
		"a line is dropped":        {opened, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }},
		"carriage returns":         {opened, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
		"white space in a line":    {opened, func(b []byte) []byte { return bytes.Replace(b, []byte(":"), []byte(": "), 1) }},
		"an unknown member":        {opened, func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte(`{"a":1,`), 1) }},
		"a salt's unused bits":     {opened, unusedBits},
		"a line without a newline": {opened, func(b []byte) []byte { return b[:len(b)-1] }},
		"a line longer than any": {opened, func(b []byte) []byte {
			return bytes.Replace(b, []byte("{"), append([]byte("{"), make([]byte, 3<<20)...), 1)
		}},
		"an entry said to be destroyed after the last destruction": {opened, func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			lines[19] = []byte("{\"destroyed\":true,\"index\":19}\n")
			return bytes.Join(lines, nil)
		}},
	} {
		fsys := l.export(t)
		fsys[c.path].Data = c.spoil(fsys[c.path].Data)
		_, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
		if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != c.path {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unusedBits changes the last character before the padding of the first salt.
func unusedBits(b []byte) []byte {
	at := bytes.Index(b, []byte(`="`)) - 1
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b = bytes.Clone(b)
	b[at] = alphabet[strings.IndexByte(alphabet, b[at])^1]
	return b
}

func TestADestroyedEntryNeedsALaterLeafOfADestruction(t *testing.T) {
	t.Parallel()
	l := newLog(t, 300) // entries 9, 19, …, 299 record destructions
	for destroyed, want := range map[int]bool{0: true, 8: true, 9: true, 298: true, 299: false} {
		fsys := fstest.MapFS{}
		if err := tlog.WriteExport(into(fsys), l.verifier, l.checkpoint(t, 300), l.opened(destroyed)); (err == nil) != want {
			t.Errorf("entry %d: exported with %v", destroyed, err)
		}
		fsys = l.export(t)
		file := fsys[fmt.Sprintf("opened/%03d.jsonl", destroyed/256)]
		lines := bytes.SplitAfter(file.Data, []byte("\n"))
		lines[destroyed%256] = fmt.Appendf(nil, "{\"destroyed\":true,\"index\":%d}\n", destroyed)
		file.Data = bytes.Join(lines, nil)
		sum, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
		if (err == nil) != want || want && sum.Destroyed != 1 {
			t.Errorf("entry %d: %v %+v", destroyed, err, sum)
		}
		if fault, ok := errors.AsType[*tlog.Fault](err); !want && (!ok || fault.Index != int64(destroyed) || fault.Line != destroyed%256+1) {
			t.Errorf("entry %d: %v", destroyed, err)
		}
	}
}

// Tiles and leaves that were forged together have another root.
func TestForgedLeavesWithForgedTilesAreFound(t *testing.T) {
	t.Parallel()
	l, forged := newLog(t, 300), newLog(t, 100)
	for i := 100; i < 300; i++ {
		e := testEntry(t, i)
		e.Leaf.Actor = [16]byte{0xff}
		forged.append(t, e)
	}
	fsys := forged.export(t)
	fsys["checkpoint"].Data = l.checkpoint(t, 300)
	if _, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{}); !errors.Is(err, tlog.ErrCheckpoint) {
		t.Error(err)
	}
	fsys = l.export(t)
	fsys["tile/0/001.p/44"] = forged.export(t)["tile/0/001.p/44"]
	_, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{})
	if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != "tile/0/001.p/44" || fault.Index != 256 {
		t.Error(err)
	}
}

func TestALogThatWasCutBackOrForkedFailsAgainstAKeptCheckpoint(t *testing.T) {
	t.Parallel()
	l, short := newLog(t, 300), newLog(t, 250)
	kept := tlog.ExportOptions{Older: [][]byte{l.checkpoint(t, 260)}}
	if _, err := tlog.VerifyExport(l.export(t), l.verifier, kept); err != nil {
		t.Error(err)
	}
	if _, err := tlog.VerifyExport(short.export(t), l.verifier, tlog.ExportOptions{}); err != nil {
		t.Error("a log that was cut back verifies by itself:", err)
	}
	if _, err := tlog.VerifyExport(short.export(t), l.verifier, kept); !errors.Is(err, tlog.ErrProof) {
		t.Error(err)
	}
	for i := 250; i < 300; i++ {
		e := testEntry(t, i)
		e.Leaf.Rev = 0
		short.append(t, e)
	}
	if _, err := tlog.VerifyExport(short.export(t), l.verifier, kept); !errors.Is(err, tlog.ErrProof) {
		t.Error(err)
	}
	if _, err := tlog.VerifyExport(l.export(t), l.verifier, tlog.ExportOptions{Older: [][]byte{[]byte("x")}}); !errors.Is(err, tlog.ErrCheckpoint) {
		t.Error(err)
	}
}

// What the log itself should never have signed is found although it did.
func TestSignedNonsenseIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(e *tlog.Entry)
		file  string
	}{
		"a time that runs back":        {func(e *tlog.Entry) { e.Leaf.Time = e.Leaf.Time.AddDate(-1, 0, 0) }, "tile/entries/000.p/6"},
		"an index out of order":        {func(e *tlog.Entry) { e.Leaf.Index = 9 }, "tile/entries/000.p/6"},
		"a commitment to another one":  {func(e *tlog.Entry) { e.Leaf.Commitment[0]++ }, "opened/000.jsonl"},
		"a decision the header denies": {func(e *tlog.Entry) { e.Leaf.Decision = tlog.Deny }, "opened/000.jsonl"},
	} {
		l := newLog(t, 5)
		e := testEntry(t, 5)
		c.spoil(&e)
		l.append(t, e)
		fsys := fstest.MapFS{}
		if err := tlog.WriteExport(into(fsys), l.verifier, l.checkpoint(t, 6), l.opened()); err == nil || fsys["checkpoint"] != nil {
			t.Errorf("%s: is exported", name)
		}
		_, err := tlog.VerifyExport(l.rawExport(t), l.verifier, tlog.ExportOptions{})
		fault, ok := errors.AsType[*tlog.Fault](err)
		if !ok || fault.File != c.file || fault.Index != 5 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rawExport lays out a log of under 256 entries without any check.
func (l *testLog) rawExport(t testing.TB) fstest.MapFS {
	t.Helper()
	var bundle, tile, opened []byte
	for i, leaf := range l.leaves {
		e := l.entries[i]
		bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...)
		h := tlog.LeafHash(leaf)
		tile = append(tile, h[:]...)
		opened = fmt.Appendf(opened, `{"body":%s,"body_salt":%q,"header":%s,"index":%d,"salt":%q}`+"\n",
			e.Body, base64.StdEncoding.EncodeToString(e.BodySalt[:]), e.Header, e.Leaf.Index, base64.StdEncoding.EncodeToString(e.Salt[:]))
	}
	width := fmt.Sprintf("000.p/%d", l.size())
	return fstest.MapFS{
		"checkpoint": {Data: l.checkpoint(t, l.size())}, "tile/entries/" + width: {Data: bundle},
		"tile/0/" + width: {Data: tile}, "opened/000.jsonl": {Data: opened},
	}
}

func TestTheHandLaidExportIsTheWrittenOne(t *testing.T) {
	t.Parallel()
	l := newLog(t, 6)
	written, byHand := l.export(t), l.rawExport(t)
	if len(written) != len(byHand) {
		t.Error("other files")
	}
	for path, file := range byHand {
		if !bytes.Equal(written[path].Data, file.Data) {
			t.Errorf("%s differs:\n%s\n%s", path, written[path].Data, file.Data)
		}
	}
}

func TestAnExportOfOtherEntriesThanTheCheckpointsIsNotWritten(t *testing.T) {
	t.Parallel()
	l := newLog(t, 10)
	broken := errors.New("broken store")
	for name, write := range map[string]func(tlog.Put) error{
		"fewer entries": func(p tlog.Put) error {
			return tlog.WriteExport(p, l.verifier, l.checkpoint(t, 10), newLog(t, 9).opened())
		},
		"more entries": func(p tlog.Put) error { return tlog.WriteExport(p, l.verifier, l.checkpoint(t, 9), l.opened()) },
		"a checkpoint of another key": func(p tlog.Put) error {
			_, other := keyPair(t, origin, 9)
			return tlog.WriteExport(p, other, l.checkpoint(t, 10), l.opened())
		},
		"an error of the store": func(p tlog.Put) error {
			return tlog.WriteExport(p, l.verifier, l.checkpoint(t, 10), func(yield func(tlog.Opened, error) bool) { yield(tlog.Opened{}, broken) })
		},
	} {
		fsys := fstest.MapFS{}
		if err := write(into(fsys)); err == nil || fsys["checkpoint"] != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := func(path string, _ []byte) error { return fmt.Errorf("no space for %s", path) }
	if err := tlog.WriteExport(full, l.verifier, l.checkpoint(t, 10), l.opened()); err == nil {
		t.Error("a full disk goes unnoticed")
	}
}

func TestAnUnreadableFileIsNotAFault(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "nowhere")
	_, err := tlog.VerifyExport(os.DirFS(dir), newLog(t, 0).verifier, tlog.ExportOptions{})
	if _, ok := errors.AsType[*tlog.Fault](err); !ok { // an empty place has no checkpoint
		t.Error(err)
	}
	_, err = tlog.VerifyExport(deniedFS{newLog(t, 3).export(t)}, newLog(t, 0).verifier, tlog.ExportOptions{})
	if _, ok := errors.AsType[*tlog.Fault](err); ok || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// deniedFS lets nobody read the opened entries.
type deniedFS struct{ fstest.MapFS }

func (f deniedFS) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, "opened/0") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.Open(name)
}

func FuzzVerifyOpenedLine(f *testing.F) {
	l := newLog(f, 1)
	good := l.export(f)
	line := good["opened/000.jsonl"].Data
	f.Add(bytes.Clone(line))
	f.Add([]byte("{\"destroyed\":true,\"index\":0}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fsys := maps.Clone(good)
		fsys["opened/000.jsonl"] = &fstest.MapFile{Data: b}
		if _, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{}); err == nil && !bytes.Equal(b, line) {
			t.Fatalf("another line opens the leaf: %q", b)
		}
	})
}

func BenchmarkVerifyExport(b *testing.B) {
	l := newLog(b, 2560)
	fsys := l.export(b)
	for b.Loop() {
		if _, err := tlog.VerifyExport(fsys, l.verifier, tlog.ExportOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*2560/b.Elapsed().Seconds(), "entries/s")
}
