package broker

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// participant is a child on an agreement's roster, as the partner gave it.
type participant struct {
	Ref           string     `json:"ref"`
	Given         string     `json:"given"`
	Family        string     `json:"family"`
	Birth         civil.Date `json:"birth"`
	Schools       []string   `json:"schools"`
	StudentNumber string     `json:"student_number,omitzero"`
	Sessions      []session  `json:"sessions,omitzero"`
}

// session is one meeting of a participant with the partner.
type session struct {
	Date    civil.Date `json:"date"`
	Program string     `json:"program,omitzero"`
	Minutes int        `json:"minutes,omitzero"`
	Funder  string     `json:"funder,omitzero"`
}

// dates are the distinct days on which the participant met the partner.
func (p participant) dates() []civil.Date {
	days := make([]civil.Date, len(p.Sessions))
	for i, s := range p.Sessions {
		days[i] = s.Date
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// rosterHead is one version of an agreement's roster. Upload counts what the
// partner sent; a version may also be made because a child was found, which
// the partner must not see.
type rosterHead struct {
	Version      uint64    `json:"version"`
	Upload       uint64    `json:"upload"`
	UploadedAt   time.Time `json:"uploaded_at"`
	Digest       string    `json:"digest"`
	Participants int       `json:"participants"`
}

// member is a participant with the student that the district found; SID is
// zero for one that was not found.
type member struct {
	participant
	ordinal uint32
	sid     records.SID
}

var rosterHeads = table[rosterHead]{colRosters}

// sealRoster seals the participants of a version, each under the student's key
// when there is a student, else under the agreement's.
func (b *Broker) sealRoster(agreement string, version uint64, members []member) ([]staged, error) {
	list := make([]staged, len(members))
	for i, m := range members {
		plain, err := json.Marshal(m.participant)
		if err != nil {
			return nil, err
		}
		k := key(agreement, version, m.ordinal)
		box, err := b.vault.Seal(rosterKey(agreement, m.sid), rosterAAD(k), plain)
		if err != nil {
			return nil, err
		}
		list[i] = staged{colRosterRows, k, append(slices.Clone(m.sid[:]), box...)}
	}
	return list, nil
}

func rosterAAD(k []byte) []byte { return append([]byte("roster|"), k...) }

func rosterKey(agreement string, sid records.SID) seal.KeyID {
	if sid.IsZero() {
		return agreementKey(agreement)
	}
	return studentKey(sid)
}

// rosterCache keeps rosters that were opened: a version never changes.
type rosterCache struct {
	mu      sync.Mutex
	byKey   map[rosterID]openedRoster
	members int
}

// openedRoster is a roster as it was opened. It is not changed.
type openedRoster struct {
	members  []member // in upload order
	children []child  // see children
}

type rosterID struct {
	agreement string
	version   uint64
}

func newRosterCache() *rosterCache { return &rosterCache{byKey: map[rosterID]openedRoster{}} }

// maxMembers bounds the participants kept in memory.
const maxMembers = 200_000

// roster returns the participants of a roster version, in upload order. A
// student whose key was destroyed is not among them.
func (b *Broker) roster(r store.Reader, agreement string, version uint64) ([]member, error) {
	all, err := b.openRoster(r, agreement, version)
	return all.members, err
}

// openRoster returns the participants of a roster version and its children.
func (b *Broker) openRoster(r store.Reader, agreement string, version uint64) (openedRoster, error) {
	id := rosterID{agreement, version}
	b.rosters.mu.Lock()
	kept, ok := b.rosters.byKey[id]
	b.rosters.mu.Unlock()
	if ok {
		return kept, nil
	}
	list, err := b.readRoster(r, agreement, version)
	if err != nil {
		return openedRoster{}, err
	}
	all := openedRoster{list, children(list)}
	b.rosters.mu.Lock()
	defer b.rosters.mu.Unlock()
	if b.rosters.members+len(list) > maxMembers {
		clear(b.rosters.byKey)
		b.rosters.members = 0
	}
	b.rosters.byKey[id] = all
	b.rosters.members += len(list)
	return all, nil
}

var errRosterForm = errors.New("a roster is not in its form")

func (b *Broker) readRoster(r store.Reader, agreement string, version uint64) (list []member, err error) {
	prefix := key(agreement, version)
	err = r.Scan(colRosterRows, store.Range{Prefix: prefix}, func(k, v []byte) (bool, error) {
		if len(v) < 16 || len(k) != len(prefix)+4 {
			return false, errRosterForm
		}
		m := member{ordinal: binary.BigEndian.Uint32(k[len(prefix):]), sid: records.SID(v[:16])}
		plain, err := b.vault.Open(rosterKey(agreement, m.sid), rosterAAD(k), v[16:])
		if errors.Is(err, seal.ErrNoKey) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(plain, &m.participant); err != nil {
			return false, err
		}
		list = append(list, m)
		return true, nil
	})
	return list, err
}

// child is one student on a roster: two references to one student are one
// child, whose sessions are those of both.
type child struct {
	sid      records.SID
	ref      string // the first in the order of text
	ordinals []uint32
	programs []string
	schools  []string
	dates    []civil.Date
}

// children merges the matched participants by student, in the order of ref.
func children(roster []member) []child {
	bySID := map[records.SID]*child{}
	for _, m := range roster {
		if m.sid.IsZero() {
			continue
		}
		c := bySID[m.sid]
		if c == nil {
			c = &child{sid: m.sid, ref: m.Ref}
			bySID[m.sid] = c
		}
		c.ref = min(c.ref, m.Ref)
		c.ordinals = append(c.ordinals, m.ordinal)
		c.schools = append(c.schools, m.Schools...)
		c.dates = append(c.dates, m.dates()...)
		for _, s := range m.Sessions {
			c.programs = append(c.programs, s.Program)
		}
	}
	list := make([]child, 0, len(bySID))
	for _, c := range bySID {
		c.dates = sortedSet(c.dates)
		c.programs, c.schools = sortedSet(c.programs), sortedSet(c.schools)
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b child) int { return strings.Compare(a.ref, b.ref) })
	return list
}

func sortedSet[T ~string | ~int32](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// visible reports whether a child is in what a named person of the partner
// holds: its sites are the schools at which it works, its programs those of
// the session log.
func (c child) visible(caller Caller) bool {
	overlap := func(held, have []string) bool {
		return len(held) == 0 || slices.ContainsFunc(have, func(s string) bool { return slices.Contains(held, s) })
	}
	return overlap(caller.Sites, c.schools) && overlap(caller.Programs, c.programs)
}

// rosterAt returns the newest roster version that the partner had uploaded by
// the end of a local day; 0 when there was none. Later uploads are drafts of
// the next period.
func (b *Broker) rosterAt(r store.Reader, rec agreementRecord, day civil.Date) (version uint64, err error) {
	err = rosterHeads.all(r, key(rec.Agreement.ID), func(_ []byte, h rosterHead) error {
		if civil.Of(h.UploadedAt, b.zone) <= day {
			version = max(version, h.Version)
		}
		return nil
	})
	return version, err
}
