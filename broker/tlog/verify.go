package tlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	sumtlog "golang.org/x/mod/sumdb/tlog"
)

// ExportOptions are what a reader of an export may add to its own evidence.
type ExportOptions struct {
	// Older are checkpoints of this log that the reader kept: the export must
	// continue each of them. Without one, a log that was cut back to an earlier
	// signed state verifies.
	Older [][]byte

	sabotage struct{ skipTiles, skipOpened, skipPaths bool }
}

// Summary is what an export that verifies holds.
type Summary struct {
	Checkpoint Checkpoint
	Destroyed  int64 // entries that can no longer be opened
	First      time.Time
	Last       time.Time
}

// VerifyExport reads a whole export and checks every byte of it: the
// checkpoint's signature and form, the set of files, each leaf's form, index
// and time, each hash tile against the leaves, the root, and each opened entry
// against its leaf. A destroyed entry must be followed by a leaf that records a
// destruction. The error is a *[Fault] naming the first place, or an error of
// reading the file system.
func VerifyExport(fsys fs.FS, v *Verifier, o ExportOptions) (Summary, error) {
	x := exportReader{fsys: fsys, options: o}
	if err := x.start(v); err != nil {
		return Summary{}, err
	}
	for n := range tilesOf(x.sum.Checkpoint.Size) {
		if err := x.bundle(n); err != nil {
			return Summary{}, err
		}
	}
	if err := x.finish(); err != nil {
		return Summary{}, err
	}
	return x.sum, nil
}

type exportReader struct {
	fsys    fs.FS
	options ExportOptions
	older   []Checkpoint
	tiles   tiler
	sum     Summary
	// A level 0 tile and its leaves disagree: which of them is wrong is known
	// only when all leaves are hashed; other checks stop meanwhile.
	badTile, badLeaf *Fault
	unexplained      *Fault // the first destroyed entry since the last leaf of a destruction
}

func (x *exportReader) start(v *Verifier) error {
	signed, err := readFile(x.fsys, "checkpoint", maxCheckpoint)
	if err != nil {
		return err
	}
	if x.sum.Checkpoint, err = v.OpenExact(signed); err != nil {
		return placed("checkpoint", err)
	}
	for _, signed := range x.options.Older {
		c, err := v.Open(signed)
		if err != nil {
			return placed("older checkpoint", err)
		}
		if c.Size > x.sum.Checkpoint.Size {
			return placed("checkpoint", fmt.Errorf("%w: a kept checkpoint has %d entries and this one %d; the log was rolled back or the export is older", ErrProof, c.Size, x.sum.Checkpoint.Size))
		}
		x.older = append(x.older, c)
	}
	x.tiles.emit = x.upperTile
	if x.options.sabotage.skipPaths {
		return nil
	}
	return checkPaths(x.fsys, x.sum.Checkpoint.Size)
}

func placed(file string, cause error) *Fault {
	return &Fault{File: file, Offset: -1, Index: -1, Problem: cause.Error(), cause: cause}
}

// checkPaths compares the files that are there with those that belong there.
func checkPaths(fsys fs.FS, size int64) error {
	found := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found[path] = d.Type().IsRegular()
		}
		return err
	})
	if err != nil {
		return err
	}
	var missing *Fault
	exportPaths(size, func(path string) bool {
		if !found[path] {
			missing = placed(path, errors.New("the file is missing, or not a regular file"))
		}
		delete(found, path)
		return missing == nil
	})
	if missing != nil {
		return missing
	}
	if len(found) > 0 {
		extra := slices.Min(slices.Collect(maps.Keys(found)))
		return placed(extra, fmt.Errorf("the file is not part of an export of %d entries", size))
	}
	return nil
}

func (x *exportReader) bundle(n int64) error {
	size := x.sum.Checkpoint.Size
	width := widthOf(n, size)
	path := tilePath("entries", n, width)
	data, err := readFile(x.fsys, path, tileWidth*leafStride)
	if err != nil {
		return err
	}
	raw, fault := splitBundle(path, data, n, width)
	if fault != nil {
		return fault
	}
	hashes := make([]Hash, width)
	for i, leaf := range raw {
		hashes[i] = LeafHash(leaf)
	}
	if err := x.bottomTile(n, hashes, path); err != nil {
		return err
	}
	if x.badTile == nil {
		leaves, err := x.leaves(raw, path, n)
		if err != nil {
			return err
		}
		if err := x.opened(leaves, n); err != nil {
			return err
		}
	}
	return x.hash(hashes)
}

// splitBundle takes an entry bundle apart into width marshalled leaves.
func splitBundle(path string, data []byte, n int64, width int) ([][]byte, *Fault) {
	leaves := make([][]byte, 0, width)
	for i := range width {
		at := i * leafStride
		if len(data) < at+leafStride || binary.BigEndian.Uint16(data[at:]) != LeafSize {
			return nil, &Fault{File: path, Offset: int64(at), Index: n*tileWidth + int64(i), Problem: fmt.Sprintf("the bundle has no leaf of %d bytes here", LeafSize)}
		}
		leaves = append(leaves, data[at+2:at+leafStride])
	}
	if len(data) != width*leafStride {
		return nil, &Fault{File: path, Offset: int64(width * leafStride), Index: -1, Problem: "bytes after the last leaf"}
	}
	return leaves, nil
}

// bottomTile compares the leaf hashes of a bundle with their tile.
func (x *exportReader) bottomTile(n int64, hashes []Hash, bundle string) error {
	path := tilePath("0", n, len(hashes))
	i, err := x.compareTile(path, hashes)
	if err != nil || i < 0 || x.badTile != nil {
		return err
	}
	index := n*tileWidth + int64(i)
	x.badTile = &Fault{File: path, Offset: int64(i * sumtlog.HashSize), Index: index, Problem: "the tile is not the hashes of the leaves"}
	x.badLeaf = &Fault{File: bundle, Offset: int64(i * leafStride), Index: index, Problem: "the leaf is not the one that was signed"}
	return nil
}

// compareTile returns the place of the first hash that is not as computed, -1
// if the file is what it should be; a wrong length counts from its end.
func (x *exportReader) compareTile(path string, hashes []Hash) (int, error) {
	want := tileBytes(hashes)
	data, err := readFile(x.fsys, path, tileWidth*sumtlog.HashSize)
	if err != nil || x.options.sabotage.skipTiles || bytes.Equal(data, want) {
		return -1, err
	}
	same := 0
	for same < min(len(data), len(want)) && data[same] == want[same] {
		same++
	}
	return min(same/sumtlog.HashSize, len(hashes)-1), nil
}

// upperTile checks a tile above the leaves' own.
func (x *exportReader) upperTile(level int, n int64, hashes []Hash) error {
	if level == 0 || x.badTile != nil {
		return nil //nolint:nilerr // the first wrong tile is told once all leaves are read
	}
	path := tilePath(fmt.Sprint(level), n, len(hashes))
	i, err := x.compareTile(path, hashes)
	if err != nil {
		return err
	}
	if i < 0 {
		return nil
	}
	return &Fault{File: path, Offset: int64(i * sumtlog.HashSize), Index: -1, Problem: "the tile is not the hashes of the tiles below"}
}

// leaves parses the leaves of a bundle and checks their order.
func (x *exportReader) leaves(raw [][]byte, path string, n int64) ([]Leaf, error) {
	leaves := make([]Leaf, len(raw))
	for i, b := range raw {
		index := n*tileWidth + int64(i)
		l, err := ParseLeaf(b)
		if err == nil && l.Index != uint64(index) {
			err = leafError("the index is not that of the leaf's place")
		}
		if err == nil && l.Time.Before(x.sum.Last) {
			err = leafError("the time is earlier than that of the leaf before")
		}
		if err != nil {
			return nil, &Fault{File: path, Offset: int64(i * leafStride), Index: index, Problem: err.Error(), cause: err}
		}
		if leaves[i], x.sum.Last = l, l.Time; index == 0 {
			x.sum.First = l.Time
		}
	}
	return leaves, nil
}

// hash feeds the leaf hashes to the tree and holds it to the kept checkpoints.
func (x *exportReader) hash(hashes []Hash) error {
	for _, h := range hashes {
		if err := x.tiles.add(h); err != nil {
			return err
		}
		for _, c := range x.older {
			if x.badTile == nil && c.Size == x.tiles.size && c.Root != x.tiles.root() {
				return placed("older checkpoint", fmt.Errorf("%w: the first %d entries are not those of the kept checkpoint; the log was rewritten or forked", ErrProof, c.Size))
			}
		}
	}
	return nil
}

func (x *exportReader) finish() error {
	signed := x.tiles.root() == x.sum.Checkpoint.Root
	switch {
	case x.badTile != nil && signed:
		return x.badTile
	case x.badTile != nil:
		return x.badLeaf
	case !signed:
		return placed("tile/entries", fmt.Errorf("%w: the leaves have another root than the signed one", ErrCheckpoint))
	case x.unexplained != nil:
		return x.unexplained
	}
	return x.tiles.finish()
}
