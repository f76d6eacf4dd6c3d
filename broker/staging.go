package broker

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// stage writes the parts of the next data version, unreferenced: they count
// only when one record makes the version current. Nothing is written before the
// keys of new students are durable, or a crash could leave an entry or a part
// that means a student without a key.
func (b *Broker) stage(ctx context.Context, l *load) (manifest, error) {
	var parts []records.Part
	var cutting sync.WaitGroup
	cutting.Go(func() { parts = l.applied.District.Parts() })
	s := b.newStage(ctx, l)
	err := s.index(l.profiles)
	if err == nil {
		err = s.keyed()
	}
	if err == nil {
		err = s.pages(l.profiles)
		l.profiles = nil // they stand in pages now, and segments need the memory
	}
	cutting.Wait()
	if err == nil {
		err = s.segments(l.applied.District, parts)
	}
	err = s.finish(err)
	return s.next, err
}

// stage is a data version in the making. While parts are sealed, those sealed
// before are being written.
type stage struct {
	b       *Broker
	ctx     context.Context // ends when nothing more can be written
	old     manifest
	next    manifest
	writer  *errgroup.Group
	keys    chan struct{} // closed once the students' keys are durable
	batches chan batch
}

// batch is what is to be written next to a collection, in the order of its keys.
type batch struct {
	collection store.Collection
	writes     []store.Write
}

// staged is one pair that is sealed and to be written.
type staged struct {
	collection store.Collection
	key, value []byte
}

// maxStaged bounds the keys of one staging Update (spec/store).
const maxStaged = 10_000

// maxStagedBytes bounds its bytes.
const maxStagedBytes = 8 << 20

// gentleBytes bounds them where requests are answered beside: each waits for the
// Update before its own.
const gentleBytes = 256 << 10

// sealedAtOnce is how many parts are sealed before they are handed over.
const sealedAtOnce = 16

// ahead is how many batches may wait for the keys, or for those before them.
const ahead = 4

func (b *Broker) newStage(ctx context.Context, l *load) *stage {
	writer, ctx := errgroup.WithContext(ctx)
	s := &stage{b: b, ctx: ctx, old: l.base, next: l.next, writer: writer, keys: make(chan struct{}), batches: make(chan batch, ahead)}
	writer.Go(func() error {
		if err := b.newKeys(l.fresh); err != nil {
			return err
		}
		close(s.keys)
		for batch := range s.batches {
			if err := b.write(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func (b *Broker) newKeys(fresh []seal.KeyID) error {
	slices.Sort(fresh) // the order in which a store is quickest
	for keys := range slices.Chunk(fresh, maxStaged) {
		if err := b.vault.NewKeys(keys...); err != nil {
			return unavailable("the students' keys could not be made durable", err)
		}
	}
	return nil
}

// keyed waits for the students' keys.
func (s *stage) keyed() error {
	select {
	case <-s.keys:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// put hands over what is to be written next.
func (s *stage) put(c store.Collection, writes []store.Write) error {
	select {
	case s.batches <- batch{c, writes}:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// finish returns when all that was put is durable; err is what kept anything
// from being put.
func (s *stage) finish(err error) error {
	close(s.batches)
	if failed := s.writer.Wait(); failed != nil {
		return failed
	}
	return err
}

// write stages parts in Updates that requests overtake.
func (b *Broker) write(ctx context.Context, all batch) error {
	limit := maxStagedBytes
	if b.pace == ingest.Gentle {
		limit = gentleBytes
	}
	for left := all.writes; len(left) > 0; {
		n, size := 0, 0
		for n < len(left) && n < maxStaged && size < limit {
			size += len(left[n].Key) + len(left[n].Value)
			n++
		}
		next := left[:n:n]
		left = left[n:]
		_, err := b.store.Update(ctx, store.LaneImport, func(tx store.Tx) error { return tx.PutAll(all.collection, next) })
		if err != nil {
			return fmt.Errorf("staging a data version: %w", err)
		}
	}
	return nil
}

// pages stages the identities, which must be in the order of SID. They are
// sealed side by side.
func (s *stage) pages(profiles []records.Profile) error {
	chunks := slices.Collect(slices.Chunk(profiles, pageSize))
	return putParts(s, colPages, len(chunks), func(i int) (page, error) { return s.page(chunks[i], uint32(i)) }, func(m page) store.Write {
		s.next.Pages = append(s.next.Pages, m.ref)
		return store.Write{Key: m.ref.key(), Value: m.value}
	})
}

// segments stages the facts of a district, school by school and year by year.
// They are sealed side by side.
func (s *stage) segments(d *records.District, parts []records.Part) error {
	return putParts(s, colSegments, len(parts), func(i int) (segment, error) { return s.segment(d, parts[i], uint32(i)) }, func(m segment) store.Write {
		s.next.Segments = append(s.next.Segments, m.ref)
		return store.Write{Key: m.ref.key(), Value: m.value}
	})
}

// putParts makes n parts side by side and puts, in their order, those that use
// does not find in the store already.
func putParts[P any](s *stage, c store.Collection, n int, part func(i int) (P, error), use func(P) store.Write) error {
	for first := 0; first < n; first += sealedAtOnce {
		made := make([]P, min(sealedAtOnce, n-first))
		err := s.b.pace.Each(len(made), func(i int) (err error) {
			made[i], err = part(first + i)
			return err
		})
		if err != nil {
			return fmt.Errorf("sealing a data version: %w", err)
		}
		var fresh []store.Write
		for _, m := range made {
			if w := use(m); w.Value != nil {
				fresh = append(fresh, w)
			}
		}
		if err := s.put(c, fresh); err != nil {
			return err
		}
	}
	return nil
}

// page is a sealed page; value is nil where it stands in the store.
type page struct {
	ref   pageRef
	value []byte
}

func (s *stage) page(profiles []records.Profile, number uint32) (page, error) {
	plain := make([]byte, 0, 512*len(profiles))
	ends := make([]int, len(profiles))
	for i, p := range profiles {
		plain = records.AppendProfile(plain, p)
		ends[i] = len(plain)
	}
	ref := pageRef{Version: s.next.Version, Number: number, First: profiles[0].SID, Digest: s.b.partDigest("page", plain)}
	if i := slices.IndexFunc(s.old.Pages, func(o pageRef) bool { return o.Digest == ref.Digest && o.First == ref.First }); i >= 0 {
		return page{ref: s.old.Pages[i]}, nil
	}
	value := make([]byte, 0, len(plain)+len(profiles)*(len(records.SID{})+4+seal.Overhead))
	from, k := 0, ref.key()
	for i, p := range profiles {
		s.b.pace.Pause(i)
		value = append(value, p.SID[:]...)
		value = binary.BigEndian.AppendUint32(value, uint32(ends[i]-from+seal.Overhead))
		var err error
		if value, err = s.b.vault.AppendSeal(value, studentKey(p.SID), pageAAD(k, p.SID), plain[from:ends[i]]); err != nil {
			return page{}, err
		}
		from = ends[i]
	}
	return page{ref, value}, nil
}

// partDigest is how a staged part is recognised; it is keyed, because the
// plain content is personal.
func (b *Broker) partDigest(kind string, plain []byte) string {
	sum := b.vault.IndexContent("part", kind, plain)
	return hex.EncodeToString(sum[:])
}

// segment is a sealed segment; value is nil where it stands in the store.
type segment struct {
	ref   segmentRef
	value []byte
}

func (s *stage) segment(d *records.District, part records.Part, number uint32) (segment, error) {
	students := part.Facts()
	facts := make([]records.Facts, len(students))
	for i, st := range students {
		facts[i] = st.Facts
	}
	var coverage []records.Coverage
	for _, c := range d.Coverage {
		if c.School == part.School && c.Year == part.Year.ID {
			coverage = append(coverage, c)
		}
	}
	seg, err := records.NewSegment(part.School, part.Year.ID, part.Year.Start, daysOf(d.Calendars[part.School], part.Year), coverage, facts)
	if err != nil {
		return segment{}, err
	}
	plain := seg.EncodeIndex()
	blocks := make([]block, len(facts))
	for i := range facts {
		s.b.pace.Pause(i)
		plain = append(plain, students[i].SID[:]...)
		from := len(plain)
		if plain, err = seg.AppendBlock(plain, facts[i]); err != nil {
			return segment{}, err
		}
		blocks[i] = block{students[i].SID, from, len(plain)}
	}
	ref := segmentRef{Version: s.next.Version, Number: number, School: part.School, Year: part.Year.ID, Digest: s.b.partDigest("segment", plain)}
	if i := slices.IndexFunc(s.old.Segments, func(o segmentRef) bool { return o.Digest == ref.Digest }); i >= 0 {
		return segment{ref: s.old.Segments[i]}, nil
	}
	value, err := s.b.sealSegment(seg, plain, blocks, ref)
	return segment{ref, value}, err
}

// block is where a student's facts stand in a plain segment.
type block struct {
	sid      records.SID
	from, to int
}

// daysOf lists a school's instructional days in a year.
func daysOf(c *records.Calendar, year records.Session) []civil.Date {
	return slices.DeleteFunc(c.All(), func(day civil.Date) bool { return !year.Holds(day) })
}

func (b *Broker) sealSegment(seg *records.Segment, plain []byte, blocks []block, ref segmentRef) ([]byte, error) {
	seg.Blocks = make([]records.Block, len(blocks))
	for i, at := range blocks {
		seg.Blocks[i] = records.Block{SID: at.sid, Size: uint32(at.to - at.from + seal.Overhead)}
	}
	index, k := seg.EncodeIndex(), ref.key()
	value := make([]byte, 0, 4+len(index)+len(plain)+len(blocks)*seal.Overhead)
	value = append(binary.BigEndian.AppendUint32(value, uint32(len(index))), index...)
	var err error
	for i, at := range blocks {
		b.pace.Pause(i)
		if value, err = b.vault.AppendSeal(value, studentKey(at.sid), segmentAAD(k, at.sid), plain[at.from:at.to]); err != nil {
			return nil, err
		}
	}
	return value, nil
}
