package tlog

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"
)

// Put stores one file of an export under a slash-separated path. The data is
// valid during the call only.
type Put func(path string, data []byte) error

// WriteExport writes an export: the signed checkpoint, hash tiles and entry
// bundles in the C2SP tlog-tiles layout, and opened/NNN.jsonl with the opened
// entries of each bundle, one canonical JSON line each. entries yields exactly
// the entries of the checkpoint, in order. What would not verify is not
// written: the error names the entry, and the checkpoint is written last.
func WriteExport(put Put, v *Verifier, checkpoint []byte, entries iter.Seq2[Opened, error]) error {
	c, err := v.OpenExact(checkpoint)
	if err != nil {
		return err
	}
	w := exportWriter{put: put, origin: c.Origin, size: c.Size}
	w.tiles.emit = func(level int, n int64, hashes []Hash) error {
		return put(tilePath(fmt.Sprint(level), n, len(hashes)), tileBytes(hashes))
	}
	for o, err := range entries {
		if err != nil {
			return err
		}
		if err := w.add(o); err != nil {
			return fmt.Errorf("entry %d: %w", w.tiles.size, err)
		}
	}
	if w.tiles.size != c.Size || w.tiles.root() != c.Root {
		return fmt.Errorf("%w: the %d entries given are not the tree of the checkpoint", ErrCheckpoint, w.tiles.size)
	}
	if w.unexplained {
		return fmt.Errorf("%w: an entry cannot be opened and no later one records a destruction", ErrEntry)
	}
	if err := w.finish(); err != nil {
		return err
	}
	return put("checkpoint", checkpoint)
}

type exportWriter struct {
	put            Put
	origin         string
	size           int64
	last           time.Time
	unexplained    bool // an entry was destroyed and no leaf since records a destruction
	tiles          tiler
	bundle, opened []byte
}

func (w *exportWriter) add(o Opened) error {
	leaf, err := o.Entry.Leaf.Marshal()
	if err != nil {
		return err
	}
	if o.Entry.Leaf.Index != uint64(w.tiles.size) || w.tiles.size >= w.size || o.Entry.Leaf.Time.Before(w.last) {
		return leafError("the index or the time is out of order")
	}
	if !o.Destroyed {
		if err := o.Entry.Check(w.origin); err != nil {
			return err
		}
	}
	w.last = o.Entry.Leaf.Time
	w.unexplained = o.Destroyed || w.unexplained && !o.Entry.Leaf.Event.destroys()
	w.bundle = append(binary.BigEndian.AppendUint16(w.bundle, uint16(len(leaf))), leaf...)
	w.opened = o.appendLine(w.opened)
	if err := w.tiles.add(LeafHash(leaf)); err != nil {
		return err
	}
	if w.tiles.size%tileWidth == 0 {
		return w.flush(w.tiles.size/tileWidth-1, tileWidth)
	}
	return nil
}

func (w *exportWriter) finish() error {
	if width := int(w.tiles.size % tileWidth); width > 0 {
		if err := w.flush(w.tiles.size/tileWidth, width); err != nil {
			return err
		}
	}
	return w.tiles.finish()
}

func (w *exportWriter) flush(n int64, width int) error {
	if err := w.put(tilePath("entries", n, width), w.bundle); err != nil {
		return err
	}
	if err := w.put(openedPath(n), w.opened); err != nil {
		return err
	}
	w.bundle, w.opened = w.bundle[:0], w.opened[:0]
	return nil
}
