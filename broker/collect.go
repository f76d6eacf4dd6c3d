package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/hallpass-edu/hallpass/broker/store"
)

// keptVersions is how many versions before the current one an undo can go back.
const keptVersions = 10

// collect deletes what no data version in use refers to: parts that an import
// staged and did not publish, and versions that were replaced long ago and that
// no freeze was computed from.
func (b *Broker) collect(ctx context.Context) error {
	var dead []staged
	err := b.store.View(ctx, func(r store.Reader) error {
		live, err := b.liveParts(r)
		if err != nil {
			return err
		}
		for _, c := range []store.Collection{colManifests, colPages, colSegments} {
			err := r.Scan(c, store.Range{}, func(k, _ []byte) (bool, error) {
				if !live[part{c, string(k)}] {
					dead = append(dead, staged{collection: c, key: append([]byte(nil), k...)})
				}
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for err == nil && len(dead) > 0 {
		batch := dead[:min(len(dead), maxStaged)]
		dead = dead[len(batch):]
		_, err = b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error {
			for _, d := range batch {
				if err := tx.Delete(d.collection, d.key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if errors.Is(err, store.ErrFull) {
		return nil // the next start does it
	}
	if err != nil {
		return fmt.Errorf("collecting data versions that nothing uses: %w", err)
	}
	return nil
}

// part is one key of a data version.
type part struct {
	collection store.Collection
	key        string
}

func (b *Broker) liveParts(r store.Reader) (map[part]bool, error) {
	current, err := number(r, colHead, key(headData))
	if err != nil {
		return nil, err
	}
	versions := []uint64{current}
	for back := uint64(1); back <= keptVersions && back < current; back++ { // for an undo
		versions = append(versions, current-back)
	}
	err = freezes.all(r, nil, func(_ []byte, f freeze) error {
		versions = append(versions, f.Data)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = periods.all(r, nil, func(_ []byte, p periodRecord) error {
		for _, c := range p.Families {
			versions = append(versions, c.Data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	live := map[part]bool{}
	for _, v := range versions {
		m, found, err := manifests.get(r, key(v))
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		live[part{colManifests, string(key(v))}] = true
		for _, p := range m.Pages {
			live[part{colPages, string(p.key())}] = true
		}
		for _, s := range m.Segments {
			live[part{colSegments, string(s.key())}] = true
		}
	}
	return live, nil
}
