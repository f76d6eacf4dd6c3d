package broker

import (
	"cmp"
	"errors"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// plan decides, from sets only, what each agreement may publish of the families
// that are not frozen yet: over the sets that the first of them fixes, against all
// that was published of the period before.
func (b *Broker) plan(r store.Reader, m moment, session string, asked []records.Family) (*frozen, error) {
	return b.planned(r, m, session, asked, false)
}

// planned is plan or, for a forecast, the same without a look at an outcome and
// without the refusals that a close may meet.
func (b *Broker) planned(r store.Reader, m moment, session string, asked []records.Family, forecast bool) (*frozen, error) {
	f := &frozen{forecast: forecast, blind: forecast && !b.sabotage.Peek, reported: map[records.Family]bool{}, history: map[string]sdc.History{}, opened: map[string]*roaring.Bitmap{}}
	var err error
	if f.world, err = readWorld(r); err != nil {
		return nil, err
	}
	d, err := b.dataset(r)
	if err != nil {
		return nil, err
	}
	p, _, err := periods.get(r, key(session))
	if err != nil {
		return nil, err
	}
	f.families, f.first = p.families(asked, closing.open), p.state() == periodOpen
	switch {
	case f.first:
		err = b.fix(r, m, d, session, p, f)
	case len(f.families) > 0:
		err = b.reuse(r, m, d, p, f)
	}
	if err != nil || len(f.families) == 0 {
		return f, err
	}
	batch, err := b.candidates(m, d, f)
	if err != nil {
		return nil, err
	}
	if err := d.fit(f.reported, "frozen"); err != nil && !forecast && !b.sabotage.FreezeStale {
		return nil, err
	}
	earlier, err := b.earlier(r, d.district, f)
	if err != nil {
		return nil, err
	}
	if err := f.decide(b.sabotage.Weak, earlier, batch); err != nil {
		return nil, err
	}
	f.encoded, err = f.encode()
	return f, err
}

// fix fixes the sets of a period: whom it counts, who takes part where, and under
// which settings.
func (b *Broker) fix(r store.Reader, m moment, d *dataset, session string, p periodRecord, f *frozen) error {
	s, ok := d.district.Session(session)
	if !ok {
		return notAvailable()
	}
	if m.today < s.End && !f.forecast {
		return conflict("the period has not ended; it can be frozen on its last day or later")
	}
	f.students = sidsOf(d.district)
	f.freeze = freeze{
		Session: session, At: m.now, Data: f.world.data, Policy: b.engine.Digest(), Start: s.Start, End: s.End, YearStart: s.Start,
		Census: cmp.Or(p.Census, min(m.today, s.End)), Students: tableOf(f.students),
	}
	if year, ok := d.district.YearOfSession(s); ok {
		f.freeze.YearStart = min(s.Start, year.Start)
	}
	var err error
	if f.freeze.Disclosure, err = readDisclosure(r); err != nil {
		return err
	}
	if _, f.freeze.Fingerprint, err = b.noiseSecret(f.freeze.YearStart); err != nil {
		return err
	}
	f.place(d, s)
	if f.people, err = b.answers(r, f.students); err != nil {
		return err
	}
	return b.choose(r, m, d, f, cmp.Or(p.Census, m.today))
}

// reuse takes the sets that the first family fixed, for those agreements that are
// still in force, and values from the newest data version.
func (b *Broker) reuse(r store.Reader, m moment, d *dataset, p periodRecord, f *frozen) error {
	var placing *dataset
	var err error
	if f.freeze, f.period, placing, err = b.sets(r, p.Session); err != nil {
		return err
	}
	if _, ok := d.district.Session(p.Session); !ok {
		return conflict("the newest records do not know the period; load records with the session, then ask again")
	}
	f.place(placing, f.period)
	f.values.ReadFrom(d.district)
	if f.students, err = f.freeze.Students.students(r, p.Session); err != nil {
		return err
	}
	if f.people, err = b.answers(r, f.students); err != nil {
		return err
	}
	parts, err := readParts(r, f.freeze)
	if err != nil {
		return err
	}
	for i := range parts { // what a freeze that was not finished wrote ahead is planned anew
		parts[i].Plan = planOf(parts[i].Plan, p.frozenFamilies())
	}
	f.parts, err = inForce(r, m, parts)
	return err
}

// inForce are the agreements that may still be reported to: to one that was ended
// since the freeze nothing more is disclosed.
func inForce(r store.Reader, m moment, parts []underTerms) (list []underTerms, err error) {
	for _, part := range parts {
		rec, found, err := agreements.get(r, key(part.ID))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		if reporting(rec, m) {
			list = append(list, part)
		}
	}
	return list, nil
}

// sets returns the freeze of a period with the session as it was then and the
// data version that places its students.
func (b *Broker) sets(r store.Reader, session string) (freeze, records.Session, *dataset, error) {
	f, found, err := freezes.get(r, key(session))
	if err != nil || !found {
		return f, records.Session{}, nil, orNotAvailable(err)
	}
	placing, err := b.datasetOf(r, f.Data)
	if err != nil {
		return f, records.Session{}, nil, err
	}
	s, ok := placing.district.Session(session)
	return f, s, placing, missing(ok, errDataForm)
}

// place puts the students of a data version where they stood at the census.
func (f *frozen) place(d *dataset, s records.Session) {
	f.period = s
	if year, ok := d.district.YearOfSession(s); ok {
		f.yearEnd = s.End >= year.End
	}
	f.values = compare.NewPeriod(d.district, s, f.freeze.Census)
}

// choose fixes the part of each agreement that reports on the period, in the order
// of their ids: signed, with a roster, whose term the period touches.
func (b *Broker) choose(r store.Reader, m moment, d *dataset, f *frozen, census civil.Date) error {
	return agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
		if !reports(rec, f.period, m) {
			return nil
		}
		c := chooser{b: b, r: r, d: d, f: f, rec: rec, now: m.now, census: census}
		part, ok, err := c.part()
		if err != nil || !ok {
			return err
		}
		f.parts = append(f.parts, part)
		f.freeze.Agreements = append(f.freeze.Agreements, part.ID)
		return nil
	})
}

// reporting tells whether an agreement may still be reported to.
func reporting(rec agreementRecord, m moment) bool {
	state := rec.Agreement.StateOn(m.today)
	return state == agreement.Active || state == agreement.Expired
}

func reports(rec agreementRecord, s records.Session, m moment) bool {
	c := rec.Agreement.Clauses
	return reporting(rec, m) && rec.Roster > 0 && len(c.Indicators) > 0 && c.TermFrom <= s.End && s.Start <= c.TermTo
}

// earlier is what was published already over values of the same days: of the
// period's own families, and of other sessions.
func (b *Broker) earlier(r store.Reader, d *records.District, f *frozen) (sdc.History, error) {
	all, err := b.sameDays(r, d, f)
	if err != nil || f.first {
		return all, err
	}
	p, _, err := periods.get(r, key(f.freeze.Session))
	if err != nil {
		return nil, err
	}
	for _, id := range f.freeze.Agreements {
		h, found, err := b.memo.behind.get(r, key(f.freeze.Session, id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		f.history[id] = p.ofFrozen(h.History)
		all = append(all, f.history[id]...)
	}
	return all, nil
}

// ofFrozen are the sets of families that are frozen: others may have been written
// ahead by a freeze that was not finished.
func (p periodRecord) ofFrozen(h sdc.History) sdc.History {
	frozen := p.frozenFamilies()
	return slices.DeleteFunc(slices.Clone(h), func(s sdc.PublishedSet) bool { return !slices.Contains(frozen, records.Family(s.Family)) })
}

func (p periodRecord) frozenFamilies() []records.Family {
	return p.families(nil, func(c closing) bool { return !c.open() })
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
		same := slices.DeleteFunc(records.Families(), func(family records.Family) bool { return !sameValues(d, family, f.period, p) })
		if len(same) == 0 {
			return nil
		}
		h, err := b.historyIn(r, f, p)
		all = append(all, slices.DeleteFunc(h, func(s sdc.PublishedSet) bool { return !slices.Contains(same, records.Family(s.Family)) })...)
		return err
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
// not here any more gets one beyond the table, always the same.
func (f *frozen) translate(students []records.SID) []uint32 {
	into := make([]uint32, len(students))
	if f.gone == nil {
		f.gone = map[records.SID]int{}
	}
	for i, sid := range students {
		at, found := slices.BinarySearchFunc(f.students, sid, records.SID.Compare)
		if !found {
			if at, found = f.gone[sid]; !found {
				at = len(f.students) + len(f.gone)
				f.gone[sid] = at
			}
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

// decide plans the batch and adds what each agreement publishes.
func (f *frozen) decide(weak sdc.Weakness, earlier sdc.History, batch []sdc.Candidate) error {
	plans, history, err := sdc.PlanWeak(weak, earlier, batch)
	if err != nil {
		return internal(err)
	}
	for _, set := range history[len(earlier):] {
		f.history[set.Agreement] = append(f.history[set.Agreement], set)
	}
	for _, plan := range plans {
		i := slices.IndexFunc(f.parts, func(a underTerms) bool { return a.ID == plan.Agreement })
		f.parts[i].Plan.Agreement = plan.Agreement
		f.parts[i].Plan.Figures = append(f.parts[i].Plan.Figures, plan.Figures...)
	}
	return nil
}
