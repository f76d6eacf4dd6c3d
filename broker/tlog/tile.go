package tlog

import (
	"crypto/sha256"
	"fmt"

	sumtlog "golang.org/x/mod/sumdb/tlog"
)

// tileWidth is the number of hashes in a full tile and of entries in a full
// bundle (C2SP tlog-tiles).
const tileWidth = 256

// leafStride is the length of a leaf in a bundle, with its length prefix.
const leafStride = 2 + LeafSize

// tileLevels is enough tile levels for MaxSize leaves.
const tileLevels = 7

// tilePath is the C2SP tlog-tiles path of a tile: kind is a level or "entries".
func tilePath(kind string, n int64, width int) string {
	return "tile/" + kind + "/" + numberPath(n) + partial(width)
}

func partial(width int) string {
	if width == tileWidth {
		return ""
	}
	return fmt.Sprintf(".p/%d", width)
}

// openedPath is the path of the opened entries of bundle n.
func openedPath(n int64) string { return "opened/" + numberPath(n) + ".jsonl" }

// numberPath writes 1234067 as x001/x234/067.
func numberPath(n int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/", n%1000) + s
	}
	return s
}

// widthOf is the width of tile n among total hashes or entries.
func widthOf(n, total int64) int { return int(min(tileWidth, total-n*tileWidth)) }

// tilesOf is the number of tiles, a partial one included, for total hashes.
func tilesOf(total int64) int64 { return (total + tileWidth - 1) / tileWidth }

// exportPaths yields each file of an export of size entries, once.
func exportPaths(size int64, yield func(string) bool) {
	if !yield("checkpoint") {
		return
	}
	for n := range tilesOf(size) {
		if !yield(tilePath("entries", n, widthOf(n, size))) || !yield(openedPath(n)) {
			return
		}
	}
	for level, total := 0, size; total > 0; level, total = level+1, total/tileWidth {
		for n := range tilesOf(total) {
			if !yield(tilePath(fmt.Sprint(level), n, widthOf(n, total))) {
				return
			}
		}
	}
}

// tiler turns a stream of leaf hashes into tiles and the root, in memory that
// depends on the height of the tree only.
type tiler struct {
	size    int64
	pending [tileLevels][]Hash // the tile under construction at each level
	done    [tileLevels]int64  // complete tiles at each level
	emit    func(level int, n int64, hashes []Hash) error
}

func (t *tiler) add(h Hash) error {
	t.size++
	for level := range tileLevels {
		t.pending[level] = append(t.pending[level], h)
		if len(t.pending[level]) < tileWidth {
			return nil
		}
		if err := t.emit(level, t.done[level], t.pending[level]); err != nil {
			return err
		}
		h = perfectRoot(t.pending[level])
		t.pending[level] = t.pending[level][:0]
		t.done[level]++
	}
	return errSize
}

// finish emits the partial tiles.
func (t *tiler) finish() error {
	for level, hashes := range t.pending {
		if len(hashes) == 0 {
			continue
		}
		if err := t.emit(level, t.done[level], hashes); err != nil {
			return err
		}
	}
	return nil
}

// root folds the perfect subtrees under construction, right to left.
func (t *tiler) root() Hash {
	var subtrees []Hash // right to left
	for _, hashes := range t.pending {
		for len(hashes) > 0 {
			rest := len(hashes) & (len(hashes) - 1) // without the lowest bit
			subtrees = append(subtrees, perfectRoot(hashes[rest:]))
			hashes = hashes[:rest]
		}
	}
	if len(subtrees) == 0 {
		return sha256.Sum256(nil)
	}
	root := subtrees[0]
	for _, left := range subtrees[1:] {
		root = sumtlog.NodeHash(left, root)
	}
	return root
}

// perfectRoot is the root over a power of two of hashes.
func perfectRoot(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return sumtlog.NodeHash(perfectRoot(hashes[:half]), perfectRoot(hashes[half:]))
}

func tileBytes(hashes []Hash) []byte {
	b := make([]byte, 0, len(hashes)*sumtlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}
