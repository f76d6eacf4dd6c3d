package broker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// freeze is what a period's figures are computed from: sets and versions, fixed
// for good when the first indicator family is frozen. Later families and a
// correction use these sets with newer values. No value of a record is in it. Each
// agreement's part stands apart (frozenAgreement).
type freeze struct {
	Session     string       `json:"session"`
	At          time.Time    `json:"at"`
	Census      civil.Date   `json:"census"`
	Data        uint64       `json:"data"` // version that places the students
	Policy      string       `json:"policy"`
	Start       civil.Date   `json:"start"`
	End         civil.Date   `json:"end"`
	YearStart   civil.Date   `json:"year_start"` // whose noise it is
	Disclosure  Disclosure   `json:"disclosure"`
	Fingerprint string       `json:"fingerprint"` // of the noise secret
	Students    studentTable `json:"students"`    // the ordinals of every set
	Agreements  []string     `json:"agreements"`
}

// frozenAgreement is one agreement's part of a freeze. The plan grows by the
// figures of each family; the scale is known with the grades.
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

// everOpened is V_any of one period: whose values were ever opened to anyone, by
// frozen indicator family, as bitmaps over the freeze's ordinals.
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
	families []records.Family // that are frozen with it
	first    bool             // and the sets with them
	period   records.Session
	students []records.SID       // by ordinal
	gone     map[records.SID]int // ordinals beyond the table, of students of other periods
	yearEnd  bool                // the period ends a school year
	freeze   freeze
	parts    []underTerms
	people   []answered
	reported map[records.Family]bool    // that an agreement's indicators are computed from
	history  map[string]sdc.History     // by agreement, with what earlier families gave away
	opened   map[string]*roaring.Bitmap // V_any by family
	values   *compare.Period
	keys     noise.Keys
	encoded  encodedFreeze
	forecast bool // nothing will be written; what a day or a load mends does not stop it
	blind    bool // no outcome may be looked at
}

// Freeze fixes what the figures of some indicator families of a period are computed
// from (officer, steward); without a family, of all that are not frozen yet. The
// first freeze fixes the sets of all: students, rosters, cohorts and settings.
// Freezing what is frozen changes nothing.
func (b *Broker) Freeze(ctx context.Context, c Caller, session string, families ...records.Family) (*Answer, error) {
	if err := b.admit(ctx, c, "freeze a period", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	if err := (FamiliesRequest{families}).Validate(); err != nil {
		return nil, err
	}
	if err := b.shutError(); err != nil {
		return nil, err // whose records are open would be frozen as it was then
	}
	release, err := b.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return b.freeze(ctx, c, session, families)
}

// closeAsked is what was asked of a period.
type closeAsked struct {
	Period string `json:"period"`
	FamiliesRequest
}

func (b *Broker) freeze(ctx context.Context, c Caller, session string, asked []records.Family) (*Answer, error) {
	open, err := b.isOpen(ctx, session)
	if err != nil {
		return nil, err
	}
	if open {
		if err := b.rematch(ctx, session); err != nil {
			return nil, err
		}
	}
	a := act{event: tlog.PeriodFrozen, lane: store.LaneOfficer, caller: c, request: closeAsked{session, FamiliesRequest{asked}}}
	for range freezeAttempts {
		planned, err := b.planFreeze(ctx, session, asked)
		if err != nil {
			return nil, err
		}
		if err := b.writeAhead(ctx, session, planned); err != nil {
			return nil, err
		}
		ans, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			return b.writeFreeze(tx, m, session, asked, planned)
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
func (b *Broker) planFreeze(ctx context.Context, session string, asked []records.Family) (*frozen, error) {
	var planned *frozen
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		planned, err = b.plan(r, b.moment(), session, asked)
		return err
	})
	if err != nil {
		return nil, storeError(err)
	}
	return planned, nil
}

func (b *Broker) writeFreeze(tx store.Tx, m moment, session string, asked []records.Family, planned *frozen) (outcome, error) {
	p, _, err := periods.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	if len(p.families(asked, closing.open)) == 0 {
		return outcome{data: p.said(session), unlogged: true}, nil
	}
	now, err := readWorld(tx)
	if err != nil {
		return outcome{}, err
	}
	if now != planned.world {
		return outcome{}, errMoved
	}
	if planned.first {
		if err := planned.encoded.freeze.put(tx); err != nil {
			return outcome{}, err
		}
	}
	if err := putOpened(tx, session, planned.encoded.opened); err != nil {
		return outcome{}, err
	}
	p.froze(planned, m.now)
	if err := periods.put(tx, key(session), p); err != nil {
		return outcome{}, err
	}
	body := map[string]any{
		"period": session, "families": planned.families, "data": planned.world.data, "policy": planned.freeze.Policy, "agreements": planned.freeze.Agreements,
	}
	return outcome{data: p.said(session), body: body}, bump(tx, colHead, key(headReleases))
}

// froze notes what was frozen.
func (p *periodRecord) froze(f *frozen, now time.Time) {
	if f.first {
		p.Session, p.FrozenAt, p.Census = f.freeze.Session, now, f.freeze.Census
		p.Start, p.End, p.YearStart = f.freeze.Start, f.freeze.End, f.freeze.YearStart
	}
	families := maps.Clone(p.Families)
	if families == nil {
		families = map[records.Family]closing{}
	}
	for _, family := range f.families {
		families[family] = closing{FrozenAt: now, Data: f.world.data}
	}
	p.Families = families
}

// said is what a step of a close says of the period.
func (p periodRecord) said(session string) map[string]any {
	return map[string]any{"session_id": session, "state": p.state(), "frozen_at": p.FrozenAt, "families": p.listed()}
}

// encodedFreeze is a planned freeze as it is written.
type encodedFreeze struct {
	freeze written
	pages  []written         // of the student table
	opened map[string][]byte // V_any by family
	parts  [][]written       // an agreement's, which may be written ahead
}

func (f *frozen) encode() (e encodedFreeze, err error) {
	session := f.freeze.Session
	if e.freeze, err = freezes.encode(key(session), f.freeze); err != nil {
		return e, err
	}
	if f.first {
		e.pages = pagesOf(session, f.students)
	}
	e.opened = map[string][]byte{}
	for family, set := range f.opened {
		if e.opened[family], err = set.ToBytes(); err != nil {
			return e, err
		}
	}
	for _, part := range f.parts {
		own, err := frozenT.encode(key(session, part.ID), part.frozenAgreement)
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
// a withdrawal waits for none of them long. Nobody reads of them what is of a family
// that is not frozen (ofFrozen); a stop leaves it to be written over.
func (b *Broker) writeAhead(ctx context.Context, session string, f *frozen) error {
	if err := b.writeTable(ctx, session, f.encoded.pages); err != nil {
		return err
	}
	for _, part := range f.encoded.parts {
		_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
			p, _, err := periods.get(tx, key(session))
			if err != nil || len(p.families(f.families, closing.open)) < len(f.families) {
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

// putOpened adds V_any of families to that of those frozen before.
func putOpened(tx store.Tx, session string, sets map[string][]byte) error {
	k, _, err := everOpen.get(tx, key(session))
	if err != nil {
		return err
	}
	if k.Any == nil {
		k.Any = map[string][]byte{}
	}
	maps.Copy(k.Any, sets)
	return everOpen.put(tx, key(session), k)
}

func bitmapOf(raw []byte) (*roaring.Bitmap, error) {
	set := roaring.New()
	if len(raw) == 0 {
		return set, nil
	}
	_, err := set.FromBuffer(slices.Clone(raw))
	return set, err
}
