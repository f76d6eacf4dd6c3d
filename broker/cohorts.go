package broker

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// answered is a student about whom somebody answered.
type answered struct {
	ordinal uint32
	law     consent.Student
	grants  []consent.Grant
}

// answers reads every student with a grant, once a freeze.
func (b *Broker) answers(r store.Reader, d *dataset) ([]answered, error) {
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
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
		list = append(list, answered{uint32(i), b.lawOf(who, p, grants), grants})
	}
	return list, nil
}

// candidates are the agreements that report on the period: signed, with a
// roster, whose term the period touches, in the order of their ids.
func (b *Broker) candidates(r store.Reader, m moment, d *dataset, f *frozen, people []answered) ([]sdc.Candidate, error) {
	s := f.period
	for _, family := range consent.Families() {
		f.opened[family] = roaring.New()
		for _, p := range people {
			if consent.EverOpened(p.law, p.grants, family, s.Start, s.End) {
				f.opened[family].Add(p.ordinal)
			}
		}
	}
	rosterCensus := m.today
	if p, _, err := periods.get(r, key(s.ID)); err != nil {
		return nil, err
	} else if !p.Census.IsZero() {
		rosterCensus = p.Census
	}
	f.values = compare.NewPeriod(d.district, s, f.freeze.Census)
	list, err := b.reporting(r, m, d, f)
	if err != nil {
		return nil, err
	}
	var batch []sdc.Candidate
	for _, rec := range list {
		c := chooser{b: b, r: r, m: m, d: d, s: s, rec: rec, people: people, opened: f.opened, values: f.values, census: rosterCensus, yearEnd: f.yearEnd}
		candidate, frozen, err := c.candidate()
		if err != nil {
			return nil, err
		}
		if candidate.Rows == nil {
			continue
		}
		frozen.Revision = rec.Revision
		f.freeze.Agreements, f.parts = append(f.freeze.Agreements, frozen.ID), append(f.parts, frozen)
		batch = append(batch, candidate)
	}
	return batch, nil
}

// reporting lists the agreements that report on the period, with what they
// report computed.
func (b *Broker) reporting(r store.Reader, m moment, d *dataset, f *frozen) (list []agreementRecord, err error) {
	var needed []compare.Report
	err = agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
		if !reports(rec, f.period, m.today) {
			return nil
		}
		list = append(list, rec)
		clauses := rec.Agreement.Clauses
		for _, report := range reportsOf(clauses.Indicators, clauses.Schools, f.values.Scale(clauses.Schools)) {
			f.reported[report.Indicator.Family] = true
			needed = append(needed, report)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := f.values.Compute(needed, b.pace.Each); err != nil {
		return nil, err
	}
	if f.forecast && !b.sabotage.Peek { // the check looks at outcomes
		return list, nil
	}
	return list, checkTotals(d.district, f.period, f.values, needed)
}

// reportsOf are the indicators that the registry has.
func reportsOf(indicators, schools []string, scale string) (list []compare.Report) {
	for _, id := range indicators {
		if ind, known := records.Find(id); known {
			list = append(list, compare.Report{Indicator: ind, Schools: schools, Scale: scale})
		}
	}
	return list
}

func reports(rec agreementRecord, s records.Session, today civil.Date) bool {
	c := rec.Agreement.Clauses
	state := rec.Agreement.StateOn(today)
	return rec.Roster > 0 && (state == agreement.Active || state == agreement.Expired) &&
		len(c.Indicators) > 0 && c.TermFrom <= s.End && s.Start <= c.TermTo
}

// chooser makes one agreement's candidate.
type chooser struct {
	b       *Broker
	r       store.Reader
	m       moment
	d       *dataset
	s       records.Session
	rec     agreementRecord
	people  []answered
	opened  map[string]*roaring.Bitmap // V_any by family
	values  *compare.Period
	census  civil.Date // of the roster
	yearEnd bool
}

func (c chooser) candidate() (sdc.Candidate, frozenAgreement, error) {
	clauses := c.rec.Agreement.Clauses
	version, roster, err := c.roster()
	if err != nil || version == 0 {
		return sdc.Candidate{}, frozenAgreement{}, err
	}
	groups := c.values.Roll().Choose(compare.Choice{Schools: clauses.Schools, Dosage: c.dosage(roster), Floor: clauses.DosageFloor})
	rows := groups.Layout(compare.Grain{
		School: slices.Contains(clauses.Grain, agreement.GrainSchool), Grade: slices.Contains(clauses.Grain, agreement.GrainGrade),
	}).Rows()
	cohort, err := groups.Cohort().ToBytes()
	if err != nil {
		return sdc.Candidate{}, frozenAgreement{}, err
	}
	f := frozenAgreement{ID: c.rec.Agreement.ID, Version: c.rec.Agreement.Version, Roster: version, Cohort: cohort, Scale: c.values.Scale(clauses.Schools)}
	out := sdc.Candidate{
		Agreement: f.ID, Profile: sdc.Profile(clauses.Profile), Rows: rows, Known: c.known(),
		Thresholds: thresholds(clauses), YearEnd: c.yearEnd,
	}
	for _, report := range reportsOf(clauses.Indicators, clauses.Schools, f.Scale) {
		column, err := c.values.Column(report)
		if err != nil {
			return sdc.Candidate{}, frozenAgreement{}, err
		}
		covered := column.Covered() // of all placed there: what is reported must not depend on who takes part
		out.Figures = append(out.Figures, sdc.FigureSets{Indicator: report.Indicator.ID, Family: string(report.Indicator.Family), Covered: covered})
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
	t := sdc.Profile(c.Profile).Thresholds()
	t.MinCohort, t.UnconsentedFloor = max(t.MinCohort, c.MinCohort), c.UnconsentedFloor
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
	consenting := c.consenting()
	for _, kid := range children(roster) {
		i, found := c.ordinal(kid.sid)
		if !found || c.consentOnly() && !consenting.Contains(i) {
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

// consenting are those of whom a grant in force opens anything to the partner.
func (c chooser) consenting() *roaring.Bitmap {
	set := roaring.New()
	for _, family := range consent.Families() {
		set.Or(c.self(family))
	}
	return set
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
		out[family] = sdc.Known{Self: c.self(family), Any: c.opened[family]}
	}
	return out
}
