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
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
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

// answered is a student about whom somebody answered.
type answered struct {
	ordinal uint32
	law     consent.Student
	grants  []consent.Grant
}

// answers reads every student with a grant, once a freeze.
func (b *Broker) answers(r store.Reader, d *dataset) ([]answered, error) {
	var list []answered
	for i := range d.district.Students {
		sid := d.district.Students[i].SID
		grants, err := b.grants(r, sid)
		if err != nil {
			return nil, err
		}
		if len(grants) == 0 {
			continue
		}
		p, err := b.profile(r, sid)
		if err != nil {
			return nil, err
		}
		list = append(list, answered{uint32(i), b.lawOf(p), grants})
	}
	return list, nil
}

// candidates are the agreements that report on the period: signed, with a
// roster, whose term the period touches, in the order of their ids.
func (b *Broker) candidates(r store.Reader, m moment, d *dataset, s records.Session, f *frozen, people []answered) ([]sdc.Candidate, error) {
	for _, family := range consent.Families() {
		f.any[family] = roaring.New()
		for _, p := range people {
			if consent.EverOpened(p.law, p.grants, family, s.Start, s.End) {
				f.any[family].Add(p.ordinal)
			}
		}
	}
	rosterCensus := m.today
	if p, _, err := periods.get(r, key(s.ID)); err != nil {
		return nil, err
	} else if !p.Census.IsZero() {
		rosterCensus = p.Census
	}
	placed := compare.Place(d.district.Students, f.freeze.Census)
	var batch []sdc.Candidate
	err := agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
		if !reports(rec, s, m.today) {
			return nil
		}
		c := chooser{b: b, r: r, m: m, d: d, s: s, rec: rec, people: people, any: f.any, placed: placed, census: rosterCensus}
		candidate, frozen, err := c.candidate()
		if err != nil || candidate.Rows == nil {
			return err
		}
		frozen.Revision = rec.Revision
		f.freeze.Agreements = append(f.freeze.Agreements, frozen)
		batch = append(batch, candidate)
		return nil
	})
	return batch, err
}

func reports(rec agreementRecord, s records.Session, today civil.Date) bool {
	c := rec.Agreement.Clauses
	state := rec.Agreement.StateOn(today)
	return rec.Roster > 0 && (state == agreement.Active || state == agreement.Expired) &&
		len(c.Indicators) > 0 && c.TermFrom <= s.End && s.Start <= c.TermTo
}

// chooser makes one agreement's candidate.
type chooser struct {
	b      *Broker
	r      store.Reader
	m      moment
	d      *dataset
	s      records.Session
	rec    agreementRecord
	people []answered
	any    map[string]*roaring.Bitmap
	placed []compare.Placement
	census civil.Date // of the roster
}

func (c chooser) candidate() (sdc.Candidate, frozenAgreement, error) {
	clauses := c.rec.Agreement.Clauses
	version, roster, err := c.roster()
	if err != nil || version == 0 {
		return sdc.Candidate{}, frozenAgreement{}, err
	}
	groups := compare.Choose(c.placed, compare.Choice{Schools: clauses.Schools, Dosage: c.dosage(roster), Floor: clauses.DosageFloor})
	rows := groups.Rows(compare.Grain{
		School: slices.Contains(clauses.Grain, agreement.GrainSchool), Grade: slices.Contains(clauses.Grain, agreement.GrainGrade),
	})
	cohort, err := groups.Cohort().ToBytes()
	if err != nil {
		return sdc.Candidate{}, frozenAgreement{}, err
	}
	f := frozenAgreement{ID: c.rec.Agreement.ID, Version: c.rec.Agreement.Version, Roster: version, Cohort: cohort, Scale: c.d.district.MainScale(c.s, clauses.Schools)}
	out := sdc.Candidate{Agreement: f.ID, Rows: rows, Known: c.known(), Thresholds: thresholds(clauses)}
	for _, id := range clauses.Indicators {
		ind, ok := records.Find(id)
		if !ok {
			continue
		}
		column := c.b.column(c.d.district, ind, c.s, clauses.Schools, f.Scale, groups.Whole())
		out.Figures = append(out.Figures, sdc.FigureSets{Indicator: id, Family: string(ind.Family), Covered: column.Covered()})
	}
	return out, f, nil
}

// roster is the one that the census froze, with the children who can be found
// by now.
func (c chooser) roster() (version uint64, list []member, err error) {
	if version, err = c.b.rosterAt(c.r, c.rec, c.census); err != nil || version == 0 {
		return 0, nil, err
	}
	frozen, err := c.b.roster(c.r, c.rec.Agreement.ID, version)
	if err != nil {
		return 0, nil, err
	}
	list = slices.Clone(frozen)
	for i := range list {
		if !list[i].sid.IsZero() {
			continue
		}
		if list[i].sid, err = c.b.matchOne(c.r, c.rec.Agreement.ID, list[i].participant); err != nil {
			return 0, nil, err
		}
	}
	return version, list, nil
}

// thresholds are the agreement's, never under the profile's.
func thresholds(c agreement.Clauses) sdc.Thresholds {
	t := sdc.PublishedTable.Thresholds()
	t.MinCohort, t.UnconsentedFloor = max(t.MinCohort, c.MinCohort), max(t.UnconsentedFloor, c.UnconsentedFloor)
	return t
}

// dosage counts each child's distinct session dates in the school year up to
// the census, on days of its enrollment at a school of the agreement.
func (c chooser) dosage(roster []member) map[uint32]int {
	year, ok := c.d.district.YearOfSession(c.s)
	if !ok {
		year = c.s
	}
	out := map[uint32]int{}
	for _, kid := range children(roster) {
		i, found := c.ordinal(kid.sid)
		if !found || c.consentOnly() && !c.consented(i) {
			continue
		}
		st := &c.d.district.Students[i]
		days := slices.DeleteFunc(slices.Clone(kid.dates), func(day civil.Date) bool { return !c.attends(st, day) })
		out[i] = compare.Dosage(days, year.Start, min(year.End, c.census))
	}
	return out
}

func (c chooser) attends(st *records.Student, day civil.Date) bool {
	return slices.ContainsFunc(st.Enrollments, func(e records.Enrollment) bool {
		return e.Holds(day) && slices.Contains(c.rec.Agreement.Clauses.Schools, e.School)
	})
}

func (c chooser) ordinal(sid records.SID) (uint32, bool) {
	i, ok := slices.BinarySearchFunc(c.d.district.Students, sid, func(s records.Student, sid records.SID) int { return s.SID.Compare(sid) })
	return uint32(i), ok
}

func (c chooser) consentOnly() bool { return c.rec.Agreement.Clauses.Basis == agreement.ConsentOnly }

func (c chooser) consented(ordinal uint32) bool {
	for _, family := range consent.Families() {
		if c.self(family).Contains(ordinal) {
			return true
		}
	}
	return false
}

// self is V_self: whose values of a family a grant in force opens to this
// partner, read or not.
func (c chooser) self(family string) *roaring.Bitmap {
	set := roaring.New()
	q := consent.Question{Party: c.rec.Agreement.Partner, Purpose: c.rec.Agreement.Clauses.Purpose, At: c.m.now, Known: c.m.now, Zone: c.b.zone}
	for _, p := range c.people {
		if consent.Opens(p.law, p.grants, q, family, c.s.Start, c.s.End) {
			set.Add(p.ordinal)
		}
	}
	return set
}

func (c chooser) known() map[string]sdc.Known {
	out := map[string]sdc.Known{}
	for _, family := range consent.Families() {
		out[family] = sdc.Known{Self: c.self(family), Any: c.any[family]}
	}
	return out
}

// column computes one indicator for a set of students of a period.
func (b *Broker) column(d *records.District, ind records.Indicator, s records.Session, schools []string, scale string, of *roaring.Bitmap) compare.Column {
	settings := records.Settings{Scale: scale}
	return compare.NewColumn(of, ind.Kind, func(ordinal uint32) (int64, int64, bool) {
		v, status := ind.Compute(d, &d.Students[ordinal], s, schools, settings)
		return v.Num, v.Den, status == records.Reported
	})
}
