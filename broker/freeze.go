package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// freeze is what a period's figures are computed from: sets and versions,
// fixed once. No value of a record is in it.
type freeze struct {
	Session    string            `json:"session"`
	At         time.Time         `json:"at"`
	Census     civil.Date        `json:"census"`
	Data       uint64            `json:"data"` // data version
	Policy     string            `json:"policy"`
	Students   []records.SID     `json:"students"` // the ordinal table of every set
	Agreements []frozenAgreement `json:"agreements"`
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

// published is what an agreement's figures give away, and who is known: the
// memory by which a later grant is held.
type published struct {
	History []byte `json:"history"` // sdc.History
}

// known is V_any of one period: whose values were ever opened to anyone, by
// indicator family, as bitmaps over the freeze's ordinals.
type known struct {
	Any map[string][]byte `json:"any"`
}

var (
	freezes    = table[freeze]{colFreezes}
	publishedT = table[published]{colPublished}
	knownT     = table[known]{colKnown}
)

// world is what a freeze depends on; if it moved between planning and the
// Update, the plan is made anew.
type world struct{ data, consent, releases uint64 }

func readWorld(r store.Reader) (w world, err error) {
	if w.data, err = number(r, colHead, key(headData)); err != nil {
		return w, err
	}
	if w.consent, err = number(r, colHead, key(headConsent)); err != nil {
		return w, err
	}
	w.releases, err = number(r, colHead, key(headReleases))
	return w, err
}

// frozen is a planned freeze before it is written.
type frozen struct {
	world   world
	freeze  freeze
	history map[string]sdc.History // by agreement
	any     map[string]*roaring.Bitmap
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
	if err := b.rematch(ctx, session); err != nil {
		return nil, err
	}
	a := act{event: tlog.PeriodFrozen, lane: store.LaneOfficer, caller: c, request: map[string]string{"period": session}}
	for attempt := 1; ; attempt++ {
		planned, err := b.planFreeze(ctx, session)
		if err != nil {
			return nil, err
		}
		ans, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			return b.writeFreeze(tx, m, session, planned, attempt < attempts)
		})
		if errors.Is(err, errMoved) {
			continue
		}
		return ans, err
	}
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

func (b *Broker) writeFreeze(tx store.Tx, m moment, session string, planned *frozen, mayRetry bool) (outcome, error) {
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
		if mayRetry {
			return outcome{}, errMoved
		}
		if planned, err = b.plan(tx, m, session); err != nil {
			return outcome{}, err
		}
	}
	if err := b.putFreeze(tx, planned); err != nil {
		return outcome{}, err
	}
	p.Session, p.FrozenAt, p.Census = session, m.now, planned.freeze.Census
	if err := periods.put(tx, key(session), p); err != nil {
		return outcome{}, err
	}
	body := map[string]any{"period": session, "data": planned.freeze.Data, "policy": planned.freeze.Policy, "agreements": agreementIDs(planned.freeze)}
	out := outcome{data: map[string]any{"session_id": session, "state": periodFrozen, "frozen_at": m.now}, body: body}
	return out, bump(tx, colHead, key(headReleases))
}

func agreementIDs(f freeze) []string {
	ids := make([]string, len(f.Agreements))
	for i, a := range f.Agreements {
		ids[i] = a.ID
	}
	return ids
}

func (b *Broker) putFreeze(tx store.Tx, f *frozen) error {
	if err := freezes.put(tx, key(f.freeze.Session), f.freeze); err != nil {
		return err
	}
	for id, h := range f.history {
		raw, err := sdc.EncodeHistory(h)
		if err != nil {
			return err
		}
		if err := publishedT.put(tx, key(f.freeze.Session, id), published{raw}); err != nil {
			return err
		}
	}
	return putKnown(tx, f.freeze.Session, f.any)
}

func putKnown(tx store.Tx, session string, any map[string]*roaring.Bitmap) error {
	k := known{Any: map[string][]byte{}}
	for family, set := range any {
		raw, err := set.ToBytes()
		if err != nil {
			return err
		}
		k.Any[family] = raw
	}
	return knownT.put(tx, key(session), k)
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
	f := &frozen{history: map[string]sdc.History{}, any: map[string]*roaring.Bitmap{}}
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
	if m.today < s.End {
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
	people, err := b.answers(r, d)
	if err != nil {
		return nil, err
	}
	batch, err := b.candidates(r, m, d, s, f, people)
	if err != nil {
		return nil, err
	}
	return f, f.decide(batch)
}

func sidsOf(d *records.District) []records.SID {
	sids := make([]records.SID, len(d.Students))
	for i := range d.Students {
		sids[i] = d.Students[i].SID
	}
	return sids
}

// decide plans the batch and keeps what each agreement publishes.
func (f *frozen) decide(batch []sdc.Candidate) error {
	plans, history, err := sdc.PlanBatch(nil, batch)
	if err != nil {
		return internal(err)
	}
	for _, set := range history {
		f.history[set.Agreement] = append(f.history[set.Agreement], set)
	}
	for _, plan := range plans {
		i := slices.IndexFunc(f.freeze.Agreements, func(a frozenAgreement) bool { return a.ID == plan.Agreement })
		f.freeze.Agreements[i].Plan = plan
	}
	return nil
}
