package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

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

// datasetCache keeps the newest data version that was used and, while it is
// replaced, those on both sides: a request whose snapshot was taken a moment
// before or after must not read a whole district again.
type datasetCache struct {
	newest  atomic.Pointer[dataset]
	coming  atomic.Pointer[dataset] // about to count
	former  atomic.Pointer[replaced]
	loading sync.Mutex // one loads, the others wait for it
}

// replaced is a data version that counted before, for as long as a request uses it.
type replaced struct {
	version uint64
	dataset weak.Pointer[dataset]
}

// find returns a data version that is in memory, or nil. The weak pointer is asked
// for its own version only: to follow one may wait for the garbage collector, a
// fifth of a second in a large district, and withdrawals would wait with it.
func (c *datasetCache) find(version uint64) *dataset {
	for _, d := range []*dataset{c.newest.Load(), c.coming.Load()} {
		if d != nil && d.manifest.Version == version {
			return d
		}
	}
	if former := c.former.Load(); former != nil && former.version == version {
		return former.dataset.Value()
	}
	return nil
}

// replace makes a data version the newest.
func (c *datasetCache) replace(d *dataset) {
	if was := c.newest.Swap(d); was != nil {
		c.former.Store(&replaced{was.manifest.Version, weak.Make(was)})
	}
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
	if kept := b.datasets.find(version); kept != nil {
		return kept, nil
	}
	b.datasets.loading.Lock()
	defer b.datasets.loading.Unlock()
	if kept := b.datasets.find(version); kept != nil {
		return kept, nil
	}
	d, err := b.loadDataset(r, version)
	if err != nil {
		return nil, fmt.Errorf("loading data version %d: %w", version, err)
	}
	if kept := b.datasets.newest.Load(); kept == nil || kept.manifest.Version < version {
		b.datasets.replace(d)
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
	content.Students = make([]records.Student, 0, len(students))
	for _, s := range students {
		content.Students = append(content.Students, *s)
	}
	records.ShareTexts(content.Students)
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
