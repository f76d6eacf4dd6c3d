package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// manifest is one data version: the district's public facts and where the
// sealed parts lie. A part that did not change keeps the version in which it
// was written.
type manifest struct {
	Version    uint64                  `json:"version"`
	Digest     string                  `json:"digest"`               // of the files and the declarations they came with
	HeldDigest string                  `json:"held_digest,omitzero"` // of the newest export of which nothing was loaded
	ImportedAt time.Time               `json:"imported_at"`
	Families   familyStates            `json:"families,omitzero"`
	Schools    []records.School        `json:"schools"`
	Sessions   []records.Session       `json:"sessions"`
	Calendars  map[string][]civil.Date `json:"calendars,omitzero"`
	Coverage   []records.Coverage      `json:"coverage,omitzero"`
	Totals     []records.PublicTotal   `json:"totals,omitzero"`
	Pages      []pageRef               `json:"pages"`
	Segments   []segmentRef            `json:"segments"`
}

// pageRef is a page of identities, in the order of SID.
type pageRef struct {
	Version uint64      `json:"version"`
	Number  uint32      `json:"number"`
	First   records.SID `json:"first"`
	Digest  string      `json:"digest"` // keyed, of the plain content
}

// segmentRef is a segment of one school and year.
type segmentRef struct {
	Version uint64 `json:"version"`
	Number  uint32 `json:"number"`
	School  string `json:"school"`
	Year    string `json:"year"`
	Digest  string `json:"digest"`
}

// pageSize is how many students a page of identities holds.
const pageSize = 256

var manifests = table[manifest]{colManifests}

var errDataForm = errors.New("a data version is not in its form")

// dataset is a data version in memory.
type dataset struct {
	manifest manifest
	district *records.District
}

// datasetCache keeps the newest data version that was used.
type datasetCache struct {
	newest  atomic.Pointer[dataset]
	loading sync.Mutex // one loads, the others wait for it
}

// dataset returns the data version of a snapshot, from memory when it is the
// one kept there.
func (b *Broker) dataset(r store.Reader) (*dataset, error) {
	version, err := number(r, colHead, key(headData))
	if err != nil {
		return nil, err
	}
	return b.datasetAt(r, version)
}

func (b *Broker) datasetAt(r store.Reader, version uint64) (*dataset, error) {
	if kept := b.datasets.newest.Load(); kept != nil && kept.manifest.Version == version {
		return kept, nil
	}
	b.datasets.loading.Lock()
	defer b.datasets.loading.Unlock()
	kept := b.datasets.newest.Load()
	if kept != nil && kept.manifest.Version == version {
		return kept, nil
	}
	d, err := b.loadDataset(r, version)
	if err != nil {
		return nil, fmt.Errorf("loading data version %d: %w", version, err)
	}
	if kept == nil || kept.manifest.Version < version {
		b.datasets.newest.Store(d)
	}
	return d, nil
}

func (b *Broker) loadDataset(r store.Reader, version uint64) (*dataset, error) {
	m, found, err := manifests.get(r, key(version))
	if err != nil {
		return nil, err
	}
	if !found && version > 0 {
		return nil, errDataForm
	}
	content := records.Content{
		Version: version, Schools: slices.Clone(m.Schools), Sessions: slices.Clone(m.Sessions),
		Calendars: map[string]*records.Calendar{}, Coverage: slices.Clone(m.Coverage), Totals: m.Totals,
	}
	for school, days := range m.Calendars {
		content.Calendars[school] = records.NewCalendar(days)
	}
	students := map[records.SID]*records.Student{}
	for _, ref := range m.Pages {
		if err := b.readPage(r, ref, func(p records.Profile) {
			s := p.Student()
			students[p.SID] = &s
		}); err != nil {
			return nil, err
		}
	}
	for _, ref := range m.Segments {
		if err := b.readSegment(r, ref, students); err != nil {
			return nil, err
		}
	}
	for _, s := range students {
		content.Students = append(content.Students, *s)
	}
	return &dataset{m, records.NewDistrict(content)}, nil
}

func (p pageRef) key() []byte { return key(p.Version, p.Number) }

func pageAAD(k []byte, sid records.SID) []byte {
	return append(append([]byte("pages|"), k...), sid[:]...)
}

// readPage opens a page's students in the order of SID. A student whose key
// was destroyed is not there any more.
func (b *Broker) readPage(r store.Reader, ref pageRef, fn func(records.Profile)) error {
	raw, err := r.Get(colPages, ref.key())
	if err != nil || raw == nil {
		return errors.Join(err, missing(raw != nil, errDataForm))
	}
	for len(raw) > 0 {
		var (
			sid records.SID
			box []byte
		)
		if sid, box, raw, err = nextBox(raw); err != nil {
			return err
		}
		p, err := b.openProfile(ref, sid, box)
		if errors.Is(err, seal.ErrNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		fn(p)
	}
	return nil
}

func (b *Broker) openProfile(ref pageRef, sid records.SID, box []byte) (records.Profile, error) {
	plain, err := b.vault.Open(studentKey(sid), pageAAD(ref.key(), sid), box)
	if err != nil {
		return records.Profile{}, err
	}
	return records.DecodeProfile(plain)
}

// nextBox cuts one student's box off a page: sid, length, box.
func nextBox(raw []byte) (sid records.SID, box, rest []byte, err error) {
	if len(raw) < 20 {
		return sid, nil, nil, errDataForm
	}
	copy(sid[:], raw)
	n := int(binary.BigEndian.Uint32(raw[16:]))
	if n > len(raw)-20 {
		return sid, nil, nil, errDataForm
	}
	return sid, raw[20 : 20+n], raw[20+n:], nil
}

// profile returns one student's identity from the snapshot's data version.
func (b *Broker) profile(r store.Reader, sid records.SID) (records.Profile, error) {
	d, err := b.dataset(r)
	if err != nil {
		return records.Profile{}, err
	}
	i, exact := slices.BinarySearchFunc(d.manifest.Pages, sid, func(p pageRef, sid records.SID) int { return p.First.Compare(sid) })
	if !exact {
		i--
	}
	if i < 0 {
		return records.Profile{}, notAvailable()
	}
	ref := d.manifest.Pages[i]
	raw, err := r.Get(colPages, ref.key())
	err = errors.Join(err, missing(raw != nil, errDataForm))
	for err == nil && len(raw) > 0 {
		var (
			at  records.SID
			box []byte
		)
		if at, box, raw, err = nextBox(raw); err == nil && at == sid {
			p, err := b.openProfile(ref, sid, box)
			if errors.Is(err, seal.ErrNoKey) {
				err = notAvailable()
			}
			return p, err
		}
	}
	return records.Profile{}, orNotAvailable(err)
}

func (s segmentRef) key() []byte { return key(s.Version, s.Number) }

func segmentAAD(k []byte, sid records.SID) []byte {
	return append(append([]byte("segments|"), k...), sid[:]...)
}

// readSegment adds a segment's facts to the students.
func (b *Broker) readSegment(r store.Reader, ref segmentRef, students map[records.SID]*records.Student) error {
	raw, err := r.Get(colSegments, ref.key())
	if err != nil {
		return err
	}
	if len(raw) < 4 || int(binary.BigEndian.Uint32(raw)) > len(raw)-4 {
		return errDataForm
	}
	n := 4 + int(binary.BigEndian.Uint32(raw))
	seg, err := records.DecodeIndex(raw[4:n])
	if err != nil {
		return err
	}
	raw = raw[n:]
	for _, block := range seg.Blocks {
		if int(block.Size) > len(raw) {
			return errDataForm
		}
		box := raw[:block.Size]
		raw = raw[block.Size:]
		plain, err := b.vault.Open(studentKey(block.SID), segmentAAD(ref.key(), block.SID), box)
		if errors.Is(err, seal.ErrNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		facts, err := seg.DecodeBlock(plain)
		if err != nil {
			return err
		}
		if s := students[block.SID]; s != nil {
			s.Add(facts)
		}
	}
	return nil
}

// stage is a data version in the making: parts are written unreferenced and
// count only when one record makes the version current.
type stage struct {
	b    *Broker
	ctx  context.Context
	old  manifest
	next manifest
	puts []staged
}

type staged struct {
	collection store.Collection
	key, value []byte
}

// maxStaged bounds the keys of one staging Update (spec/store).
const maxStaged = 10_000

// maxStagedBytes bounds its bytes, so that requests are not kept waiting.
const maxStagedBytes = 8 << 20

// flush writes what is staged in Updates that requests overtake.
func (s *stage) flush() error {
	for len(s.puts) > 0 {
		n, size := 0, 0
		for n < len(s.puts) && n < maxStaged && size < maxStagedBytes {
			size += len(s.puts[n].value)
			n++
		}
		batch := s.puts[:n]
		_, err := s.b.store.Update(s.ctx, store.LaneImport, func(tx store.Tx) error {
			for _, p := range batch {
				if err := tx.Put(p.collection, p.key, p.value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("staging a data version: %w", err)
		}
		s.puts = s.puts[n:]
	}
	return nil
}

// pages stages the identities, which must be in the order of SID. They are
// sealed side by side.
func (s *stage) pages(profiles []records.Profile) error {
	chunks := slices.Collect(slices.Chunk(profiles, pageSize))
	made := make([]page, len(chunks))
	err := abreast(len(chunks), func(from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			made[i], err = s.page(chunks[i], uint32(i))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("staging identities: %w", err)
	}
	for _, m := range made {
		s.next.Pages = append(s.next.Pages, m.ref)
		if m.value != nil {
			s.puts = append(s.puts, staged{colPages, m.ref.key(), m.value})
		}
	}
	return s.flush()
}

// page is a sealed page; value is nil where it stands in the store.
type page struct {
	ref   pageRef
	value []byte
}

func (s *stage) page(profiles []records.Profile, number uint32) (page, error) {
	var plain bytes.Buffer
	ends := make([]int, len(profiles))
	for i, p := range profiles {
		plain.Write(records.EncodeProfile(p))
		ends[i] = plain.Len()
	}
	ref := pageRef{Version: s.next.Version, Number: number, First: profiles[0].SID, Digest: s.b.partDigest("page", plain.Bytes())}
	if i := slices.IndexFunc(s.old.Pages, func(o pageRef) bool { return o.Digest == ref.Digest && o.First == ref.First }); i >= 0 {
		return page{ref: s.old.Pages[i]}, nil
	}
	var value []byte
	from := 0
	for i, p := range profiles {
		box, err := s.b.vault.Seal(studentKey(p.SID), pageAAD(ref.key(), p.SID), plain.Bytes()[from:ends[i]])
		if err != nil {
			return page{}, err
		}
		from = ends[i]
		value = append(value, p.SID[:]...)
		value = binary.BigEndian.AppendUint32(value, uint32(len(box)))
		value = append(value, box...)
	}
	return page{ref, value}, nil
}

// partDigest is how a staged part is recognised; it is keyed, because the
// plain content is personal.
func (b *Broker) partDigest(kind string, plain []byte) string {
	sum := b.vault.Index("part", kind, string(plain))
	return hex.EncodeToString(sum[:])
}

// segments stages the facts of a district, school by school and year by year.
// They are sealed side by side.
func (s *stage) segments(d *records.District) error {
	parts := d.Parts()
	made := make([]segment, len(parts))
	err := abreast(len(parts), func(from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			made[i], err = s.segment(d, parts[i], uint32(i))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("staging a school year: %w", err)
	}
	for _, m := range made {
		s.next.Segments = append(s.next.Segments, m.ref)
		if m.value != nil {
			s.puts = append(s.puts, staged{colSegments, m.ref.key(), m.value})
		}
	}
	return s.flush()
}

// segment is a sealed segment; value is nil where it stands in the store.
type segment struct {
	ref   segmentRef
	value []byte
}

func (s *stage) segment(d *records.District, part records.Part, number uint32) (segment, error) {
	facts := make([]records.Facts, len(part.Students))
	for i, st := range part.Students {
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
	blocks := make([][]byte, len(facts))
	plain := seg.EncodeIndex()
	for i := range facts {
		if blocks[i], err = seg.EncodeBlock(facts[i]); err != nil {
			return segment{}, err
		}
		plain = append(append(plain, part.Students[i].SID[:]...), blocks[i]...)
	}
	ref := segmentRef{Version: s.next.Version, Number: number, School: part.School, Year: part.Year.ID, Digest: s.b.partDigest("segment", plain)}
	if i := slices.IndexFunc(s.old.Segments, func(o segmentRef) bool { return o.Digest == ref.Digest }); i >= 0 {
		return segment{ref: s.old.Segments[i]}, nil
	}
	value, err := s.b.sealSegment(seg, part, blocks, ref)
	return segment{ref, value}, err
}

// daysOf lists a school's instructional days in a year.
func daysOf(c *records.Calendar, year records.Session) []civil.Date {
	return slices.DeleteFunc(c.All(), func(day civil.Date) bool { return !year.Holds(day) })
}

func (b *Broker) sealSegment(seg *records.Segment, part records.Part, blocks [][]byte, ref segmentRef) ([]byte, error) {
	var boxes []byte
	for i, block := range blocks {
		sid := part.Students[i].SID
		box, err := b.vault.Seal(studentKey(sid), segmentAAD(ref.key(), sid), block)
		if err != nil {
			return nil, err
		}
		seg.Blocks = append(seg.Blocks, records.Block{SID: sid, Size: uint32(len(box))})
		boxes = append(boxes, box...)
	}
	index := seg.EncodeIndex()
	value := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(index)+len(boxes)), uint32(len(index)))
	return append(append(value, index...), boxes...), nil
}
