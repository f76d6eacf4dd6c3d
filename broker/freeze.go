package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// freeze is what a period's figures are computed from: sets and versions,
// fixed once. No value of a record is in it. Each agreement's part stands
// apart (frozenAgreement).
type freeze struct {
	Session     string        `json:"session"`
	At          time.Time     `json:"at"`
	Census      civil.Date    `json:"census"`
	Data        uint64        `json:"data"` // data version
	Policy      string        `json:"policy"`
	Start       civil.Date    `json:"start"`
	End         civil.Date    `json:"end"`
	YearStart   civil.Date    `json:"year_start"` // whose noise it is
	Disclosure  Disclosure    `json:"disclosure"`
	Fingerprint string        `json:"fingerprint"` // of the noise secret
	Students    []records.SID `json:"students"`    // the ordinal table of every set
	Agreements  []string      `json:"agreements"`
}

// frozenAgreement is one agreement's part of a freeze.
type frozenAgreement struct {
	ID       string   `json:"id"`
	Version  int      `json:"version"`
	Revision uint64   `json:"revision"`
	Roster   uint64   `json:"roster"`
	Cohort   []byte   `json:"cohort"` // bitmap
	Plan     sdc.Plan `json:"plan"`
	Scale    string   `json:"scale,omitzero"`
}

// setsBehind are the sets whose sums an agreement's figures give away: the
// memory by which a later grant is held. Every frozen agreement has them, if
// only none.
type setsBehind struct{ sdc.History }

// MarshalJSON writes the history in its own form.
func (s setsBehind) MarshalJSON() ([]byte, error) { return sdc.EncodeHistory(s.History) }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *setsBehind) UnmarshalJSON(raw []byte) (err error) {
	s.History, err = sdc.DecodeHistory(raw)
	return err
}

// everOpened is V_any of one period: whose values were ever opened to anyone,
// by indicator family, as bitmaps over the freeze's ordinals.
type everOpened struct {
	Any map[string][]byte `json:"any"`
}

var (
	freezes  = table[freeze]{colFreezes}
	frozenT  = table[frozenAgreement]{colFrozen}
	behind   = table[setsBehind]{colPublished}
	everOpen = table[everOpened]{colKnown}
)

// world is what a freeze depends on; if it moved between planning and the
// Update, the plan is made anew.
type world struct{ data, consent, terms, releases uint64 }

func readWorld(r store.Reader) (w world, err error) {
	for name, into := range map[string]*uint64{headData: &w.data, headConsent: &w.consent, headTerms: &w.terms, headReleases: &w.releases} {
		if *into, err = number(r, colHead, key(name)); err != nil {
			return w, err
		}
	}
	return w, nil
}

// frozen is a planned freeze before it is written.
type frozen struct {
	world    world
	period   records.Session
	year     civil.Date // first day of the school year
	yearEnd  bool       // the period ends it
	freeze   freeze
	parts    []frozenAgreement
	reported map[records.Family]bool    // that an agreement's indicators are computed from
	history  map[string]sdc.History     // by agreement
	opened   map[string]*roaring.Bitmap // V_any by family
	values   *compare.Period
	encoded  encodedFreeze
	forecast bool // nothing will be written; what a day or a load mends does not stop it
}

// Freeze fixes rosters, consents and versions of a period (officer, steward).
// Freezing a frozen period changes nothing.
func (b *Broker) Freeze(ctx context.Context, c Caller, session string) (*Answer, error) {
	if err := b.admit(ctx, c, "freeze a period", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return b.freeze(ctx, c, session)
}

func (b *Broker) freeze(ctx context.Context, c Caller, session string) (*Answer, error) {
	open, err := b.isOpen(ctx, session)
	if err != nil {
		return nil, err
	}
	if open {
		if err := b.rematch(ctx, session); err != nil {
			return nil, err
		}
	}
	a := act{event: tlog.PeriodFrozen, lane: store.LaneOfficer, caller: c, request: map[string]string{"period": session}}
	for range freezeAttempts {
		planned, err := b.planFreeze(ctx, session)
		if err != nil {
			return nil, err
		}
		if err := b.writeAhead(ctx, session, planned.encoded); err != nil {
			return nil, err
		}
		ans, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			return b.writeFreeze(tx, m, session, planned)
		})
		if errors.Is(err, errMoved) {
			continue
		}
		return ans, err
	}
	return nil, unavailable("answers of families or terms of agreements are changing just now; close the period again", errMoved)
}

// freezeAttempts is how often a period is planned anew because what it is
// planned from changed. It is never planned while others wait to write.
const freezeAttempts = 8

func (b *Broker) isOpen(ctx context.Context, session string) (open bool, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		p, _, err := periods.get(r, key(session))
		open = p.state() == periodOpen
		return err
	})
	return open, storeError(err)
}

// planFreeze makes the plan on a snapshot, so that the Update is short.
func (b *Broker) planFreeze(ctx context.Context, session string) (*frozen, error) {
	var planned *frozen
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		planned, err = b.plan(r, b.moment(), session)
		return err
	})
	if err != nil {
		return nil, storeError(err)
	}
	return planned, nil
}

func (b *Broker) writeFreeze(tx store.Tx, m moment, session string, planned *frozen) (outcome, error) {
	p, _, err := periods.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	if p.state() != periodOpen {
		return outcome{data: map[string]any{"session_id": session, "state": p.state(), "frozen_at": p.FrozenAt}, unlogged: true}, nil
	}
	now, err := readWorld(tx)
	if err != nil {
		return outcome{}, err
	}
	if now != planned.world {
		return outcome{}, errMoved
	}
	if err := putAll(tx, planned.encoded.table, planned.encoded.opened); err != nil {
		return outcome{}, err
	}
	p.Session, p.FrozenAt, p.Census = session, m.now, planned.freeze.Census
	p.Start, p.End, p.YearStart = planned.period.Start, planned.period.End, planned.year
	if err := periods.put(tx, key(session), p); err != nil {
		return outcome{}, err
	}
	body := map[string]any{"period": session, "data": planned.freeze.Data, "policy": planned.freeze.Policy, "agreements": planned.freeze.Agreements}
	out := outcome{data: map[string]any{"session_id": session, "state": periodFrozen, "frozen_at": m.now}, body: body}
	return out, bump(tx, colHead, key(headReleases))
}

// encodedFreeze is a planned freeze as it is written.
type encodedFreeze struct {
	table  written
	opened written
	parts  [][]written // an agreement's, which may be written ahead
}

func (f *frozen) encode() (e encodedFreeze, err error) {
	session := f.freeze.Session
	if e.table, err = freezes.encode(key(session), f.freeze); err != nil {
		return e, err
	}
	if e.opened, err = encodeOpened(session, f.opened); err != nil {
		return e, err
	}
	for _, part := range f.parts {
		own, err := frozenT.encode(key(session, part.ID), part)
		if err != nil {
			return e, err
		}
		sets, err := behind.encode(key(session, part.ID), setsBehind{f.history[part.ID]})
		if err != nil {
			return e, err
		}
		e.parts = append(e.parts, []written{own, sets})
	}
	return e, nil
}

// writeAhead writes the agreements' parts, each in an Update of its own so that
// a withdrawal waits for none of them long. Nobody reads them before the period
// is frozen; a stop leaves them to be written over.
func (b *Broker) writeAhead(ctx context.Context, session string, e encodedFreeze) error {
	for _, part := range e.parts {
		_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
			p, _, err := periods.get(tx, key(session))
			if err != nil || p.state() != periodOpen {
				return err
			}
			return putAll(tx, part...)
		})
		if err != nil {
			return storeError(err)
		}
	}
	return nil
}

func putAll(tx store.Tx, list ...written) error {
	for _, w := range list {
		if err := w.put(tx); err != nil {
			return err
		}
	}
	return nil
}

func encodeOpened(session string, sets map[string]*roaring.Bitmap) (written, error) {
	k := everOpened{Any: map[string][]byte{}}
	for family, set := range sets {
		raw, err := set.ToBytes()
		if err != nil {
			return written{}, err
		}
		k.Any[family] = raw
	}
	return everOpen.encode(key(session), k)
}

func bitmapOf(raw []byte) (*roaring.Bitmap, error) {
	set := roaring.New()
	if len(raw) == 0 {
		return set, nil
	}
	_, err := set.FromBuffer(slices.Clone(raw))
	return set, err
}

// plan computes the sets of every agreement of a period and decides, from
// sets only, what each may publish.
func (b *Broker) plan(r store.Reader, m moment, session string) (*frozen, error) {
	return b.planned(r, m, session, false)
}

// planned is plan or, for a forecast, the same without a look at an outcome and
// without the refusals that a close may meet.
func (b *Broker) planned(r store.Reader, m moment, session string, forecast bool) (*frozen, error) {
	f := &frozen{forecast: forecast, reported: map[records.Family]bool{}, history: map[string]sdc.History{}, opened: map[string]*roaring.Bitmap{}}
	var err error
	if f.world, err = readWorld(r); err != nil {
		return nil, err
	}
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	s, ok := d.district.Session(session)
	if !ok {
		return nil, notAvailable()
	}
	if m.today < s.End && !forecast {
		return nil, conflict("the period has not ended; it can be frozen on its last day or later")
	}
	p, _, err := periods.get(r, key(session))
	if err != nil {
		return nil, err
	}
	f.freeze = freeze{
		Session: session, At: m.now, Data: f.world.data, Policy: b.engine.Digest(),
		Census: cmp.Or(p.Census, min(m.today, s.End)), Students: sidsOf(d.district),
	}
	f.period, f.year = s, s.Start
	if year, ok := d.district.YearOfSession(s); ok {
		f.year, f.yearEnd = min(s.Start, year.Start), s.End >= year.End
	}
	f.freeze.Start, f.freeze.End, f.freeze.YearStart = s.Start, s.End, f.year
	if f.freeze.Disclosure, err = readDisclosure(r); err != nil {
		return nil, err
	}
	if _, f.freeze.Fingerprint, err = b.noiseSecret(f.year); err != nil {
		return nil, err
	}
	people, err := b.answers(r, d)
	if err != nil {
		return nil, err
	}
	batch, err := b.candidates(r, m, d, f, people)
	if err != nil {
		return nil, err
	}
	if err := d.fit(f.reported); err != nil && !forecast && !b.sabotage.FreezeStale {
		return nil, err
	}
	earlier, err := b.sameDays(r, d.district, f)
	if err != nil {
		return nil, err
	}
	if err := f.decide(b.sabotage.Weak, earlier, batch); err != nil {
		return nil, err
	}
	f.encoded, err = f.encode()
	return f, err
}

// sameDays returns what was published of other sessions over the same values:
// a term and a grading period of the same days, a year and its only term with
// data. Two figures of such sessions are two figures of one period.
func (b *Broker) sameDays(r store.Reader, d *records.District, f *frozen) (sdc.History, error) {
	var all sdc.History
	err := periods.all(r, nil, func(_ []byte, p periodRecord) error {
		if p.state() == periodOpen || p.Session == f.freeze.Session {
			return nil
		}
		other, found, err := b.memo.freezes.get(r, key(p.Session))
		if err != nil || !found {
			return err
		}
		into := f.translate(other.Students)
		for _, id := range other.Agreements {
			h, found, err := b.memo.behind.get(r, key(p.Session, id))
			if err != nil || !found {
				return errors.Join(err, missing(found, errNoHistory))
			}
			for _, set := range h.History {
				if sameValues(d, records.Family(set.Family), f.period, p) {
					all = append(all, renamed(set, p.Session, into))
				}
			}
		}
		return nil
	})
	return all, err
}

// sameValues reports whether a family's values of two sessions are the same
// ones: the same days or, where a session stands for others, the same sources.
func sameValues(d *records.District, family records.Family, s records.Session, p periodRecord) bool {
	if s.Start == p.Start && s.End == p.End {
		return true
	}
	for _, school := range d.Schools {
		if from := d.Sources(family, school.ID, s.ID); len(from) > 0 && slices.Equal(from, d.Sources(family, school.ID, p.Session)) {
			return true
		}
	}
	return false
}

// translate maps another freeze's ordinals into this one's; a student who is
// not here any more gets one beyond the table.
func (f *frozen) translate(students []records.SID) []uint32 {
	into := make([]uint32, len(students))
	for i, sid := range students {
		at, found := slices.BinarySearchFunc(f.freeze.Students, sid, records.SID.Compare)
		if !found {
			at = len(f.freeze.Students) + i
		}
		into[i] = uint32(at)
	}
	return into
}

// renamed is a set of another session in this freeze's ordinals, under a name
// that no agreement of this one has.
func renamed(set sdc.PublishedSet, session string, into []uint32) sdc.PublishedSet {
	set.Agreement = session + "\x00" + set.Agreement
	moved := roaring.New()
	for it := set.Set.Iterator(); it.HasNext(); {
		moved.Add(into[it.Next()])
	}
	set.Set = moved
	return set
}

var errNoHistory = errors.New("a frozen agreement lacks the record of what it published")

// missing returns err unless the thing was found.
func missing(found bool, err error) error {
	if found {
		return nil
	}
	return err
}

func sidsOf(d *records.District) []records.SID {
	sids := make([]records.SID, len(d.Students))
	for i := range d.Students {
		sids[i] = d.Students[i].SID
	}
	return sids
}

// decide plans the batch and keeps what each agreement publishes.
func (f *frozen) decide(weak sdc.Weakness, earlier sdc.History, batch []sdc.Candidate) error {
	plans, history, err := sdc.PlanWeak(weak, earlier, batch)
	if err != nil {
		return internal(err)
	}
	for _, set := range history[len(earlier):] {
		f.history[set.Agreement] = append(f.history[set.Agreement], set)
	}
	for _, plan := range plans {
		i := slices.IndexFunc(f.parts, func(a frozenAgreement) bool { return a.ID == plan.Agreement })
		f.parts[i].Plan = plan
	}
	return nil
}
