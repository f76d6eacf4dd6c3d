package broker

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// anchor says how far the log and the stops had come. One is written in the
// district's directory and, where the operator names a place for it, at another one
// that a restored copy does not overwrite.
type anchor struct {
	Checkpoint string `json:"checkpoint"` // a signed note
	Epoch      uint64 `json:"epoch"`      // of the stops
	Stops      uint64 `json:"stops"`      // how many the epoch had
	known      bool   // that it had so many
}

// lastAnchor is the anchor in the district's own directory.
const lastAnchor = "anchor"

const maxAnchor = 64 << 10

// readAnchor returns nil where there is none.
func readAnchor(path string) (*anchor, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var a anchor
	if err == nil && len(raw) > maxAnchor {
		err = errors.New("it is too long")
	}
	if err == nil {
		err = json.Unmarshal(raw, &a, json.RejectUnknownMembers(true))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the anchor %s: %w", path, err)
	}
	a.known = true
	return &a, nil
}

// anchors are all that are known of how far the log was signed: the note in
// last-signed as an anchor without stops, and the anchors.
func (b *Broker) anchors(places ...string) (list []anchor, err error) {
	note, err := os.ReadFile(filepath.Join(b.dir, lastSigned))
	switch {
	case err == nil:
		list = append(list, anchor{Checkpoint: string(note)})
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("reading the last signed checkpoint: %w", err)
	}
	for _, place := range places {
		if place == "" {
			continue
		}
		a, err := readAnchor(place)
		if err != nil {
			return nil, err
		}
		if a != nil {
			list = append(list, *a)
		}
	}
	return list, nil
}

// gap is what a store lacks that was signed once.
type gap struct {
	size int64 // of the store's log
	last anchor
}

// findGap compares the store with every anchor. It returns nil when the store holds
// all that was signed, or has declared what it lacks.
func (b *Broker) findGap(r store.Reader, list []anchor) (*gap, error) {
	size, err := number(r, colLog, key(logSize))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && size > 0 {
		return &gap{size: int64(size)}, nil // it has entries, and nothing remembers that they were signed
	}
	past, _, err := restorations.get(r, key(headRestored))
	if err != nil {
		return nil, err
	}
	var found *gap
	for _, a := range list {
		whole, err := b.continues(r, int64(size), a, past.Declared)
		if err != nil {
			return nil, err
		}
		if !whole {
			if found == nil {
				found = &gap{size: int64(size)}
			}
			found.last = later(found.last, a)
		}
	}
	return found, nil
}

// later is what two anchors tell together.
func later(a, b anchor) anchor {
	if cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Stops, b.Stops)) <= 0 {
		a.Epoch, a.Stops, a.known = b.Epoch, b.Stops, b.known || a.known && a.Epoch == b.Epoch
	}
	if sizeOf(b.Checkpoint) > sizeOf(a.Checkpoint) {
		a.Checkpoint = b.Checkpoint
	}
	return a
}

// sizeOf is what a note says of its size, believed or not; -1 for none.
func sizeOf(note string) (size int64) {
	lines := strings.SplitN(note, "\n", 3)
	if len(lines) < 3 {
		return -1
	}
	if _, err := fmt.Sscan(lines[1], &size); err != nil {
		return -1
	}
	return size
}

// continues reports whether the store continues what an anchor has signed. One that a
// declared restoration already covers says nothing new.
func (b *Broker) continues(r store.Reader, size int64, a anchor, declared []declaration) (bool, error) {
	last, err := b.verifier.OpenExact([]byte(a.Checkpoint))
	if err != nil {
		for _, d := range declared {
			if coveredBy(d, a) {
				return true, nil
			}
		}
		return false, nil // signed by a key that this copy never had, or by nobody
	}
	if size < last.Size {
		return false, nil
	}
	root, err := tlog.Root(last.Size, hashReader{r})
	if err != nil {
		return false, fmt.Errorf("reading the root of the log: %w", err)
	}
	return bytes.Equal(root[:], last.Root[:]), nil
}

// coveredBy reports whether a declaration's gap holds what an anchor of the key that was
// given up then has signed.
func coveredBy(d declaration, a anchor) bool {
	v, err := tlog.NewVerifier(d.Key)
	if err != nil {
		return false
	}
	c, err := v.OpenExact([]byte(a.Checkpoint))
	return err == nil && c.Size <= d.Size
}
