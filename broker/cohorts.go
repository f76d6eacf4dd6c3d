package broker

import (
	"encoding/binary"
	"slices"
	"time"

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

// answers reads every student with a grant, once a freeze: of a student whose files
// were merged since, those that went over to the staying file.
func (b *Broker) answers(r store.Reader, students []records.SID) ([]answered, error) {
	who, err := b.persons(r)
	if err != nil {
		return nil, err
	}
	staying, err := stayingNames(r)
	if err != nil {
		return nil, err
	}
	var list []answered
	for i, sid := range students {
		a, err := b.answersOf(r, who, namesOf(staying, sid))
		if err != nil {
			return nil, err
		}
		if len(a.grants) > 0 {
			a.ordinal = uint32(i)
			list = append(list, a)
		}
	}
	return list, nil
}

// answersOf reads the grants of a student under all its names. The law is that of
// the last name which the records know; who is in none has nobody to answer.
func (b *Broker) answersOf(r store.Reader, who *persons, names []records.SID) (a answered, err error) {
	for _, sid := range names {
		grants, err := b.grants(r, sid)
		if err != nil {
			return a, err
		}
		a.grants = append(a.grants, grants...)
	}
	if len(a.grants) == 0 {
		return a, nil
	}
	var (
		known    records.Profile
		recorded rights
	)
	for _, sid := range names {
		own, err := b.rightsOf(r, sid)
		if err != nil {
			return a, err
		}
		recorded = recorded.and(own)
		p, err := b.profile(r, sid)
		switch {
		case err == nil:
			known = p
		case KindOf(err) != NotAvailable:
			return a, err
		}
	}
	a.law = b.lawOf(who, known, recorded, a.grants, b.moment().now)
	return a, nil
}

// stayingNames maps a student's former name to the one it was merged into.
func stayingNames(r store.Reader) (map[records.SID]records.SID, error) {
	staying := map[records.SID]records.SID{}
	err := formerNames.all(r, nil, func(k []byte, names []records.SID) error {
		for _, old := range names {
			staying[old] = records.SID(k)
		}
		return nil
	})
	return staying, err
}

// namesOf lists a name and those it went over to, newest last.
func namesOf(staying map[records.SID]records.SID, sid records.SID) []records.SID {
	names := []records.SID{sid}
	for next, merged := staying[sid]; merged && !slices.Contains(names, next); next, merged = staying[next] {
		names = append(names, next)
	}
	return names
}

// candidates are the agreements with the figures of the families that are frozen.
func (b *Broker) candidates(m moment, d *dataset, f *frozen) ([]sdc.Candidate, error) {
	var err error
	if f.keys, err = b.noiseKeys(f.freeze); err != nil {
		return nil, err
	}
	for _, family := range f.families {
		f.opened[string(family)] = roaring.New()
		for _, p := range f.people {
			if consent.EverOpened(p.law, p.grants, string(family), f.freeze.Start, f.freeze.End) {
				f.opened[string(family)].Add(p.ordinal)
			}
		}
	}
	if err := f.compute(d.district, b.pace.Each); err != nil {
		return nil, err
	}
	var batch []sdc.Candidate
	for i := range f.parts {
		candidate, err := f.candidate(&f.parts[i], m.now, b.zone)
		if err != nil {
			return nil, err
		}
		batch = append(batch, candidate)
	}
	return batch, nil
}

// compute computes what the agreements report of the families.
func (f *frozen) compute(d *records.District, each compare.Each) error {
	var needed []compare.Report
	for i := range f.parts {
		part := &f.parts[i]
		if slices.Contains(f.families, records.GradesFamily) {
			part.Scale = f.values.Scale(part.clauses.Schools)
		}
		for _, report := range f.reports(part) {
			f.reported[report.Indicator.Family] = true
			needed = append(needed, report)
		}
	}
	if err := f.values.Compute(needed, each); err != nil {
		return err
	}
	if f.blind { // the check looks at outcomes
		return nil
	}
	return checkTotals(d, f.period, f.values, needed)
}

// reports are the agreement's indicators of the families that are frozen.
func (f *frozen) reports(a *underTerms) []compare.Report {
	all := reportsOf(a.clauses.Indicators, a.clauses.Schools, a.Scale)
	return slices.DeleteFunc(all, func(r compare.Report) bool { return !slices.Contains(f.families, r.Indicator.Family) })
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

// candidate is what an agreement asks to publish.
func (f *frozen) candidate(a *underTerms, now time.Time, zone *time.Location) (sdc.Candidate, error) {
	layout, err := a.layout(f.values.Roll())
	if err != nil {
		return sdc.Candidate{}, err
	}
	out := sdc.Candidate{
		Agreement: a.ID, Profile: a.profile(), Rows: layout.Rows(), Known: map[string]sdc.Known{},
		Thresholds: thresholds(a.clauses), YearEnd: f.yearEnd,
	}
	for _, family := range f.families {
		name := string(family)
		known := sdc.Known{Self: f.self(a, name, now, zone), Any: f.opened[name]}
		if a.profile().Noisy() {
			known.Blur = f.blur
		}
		out.Known[name] = known
	}
	for _, report := range f.reports(a) {
		column, err := f.values.Column(report)
		if err != nil {
			return sdc.Candidate{}, err
		}
		covered := column.Covered(report.Schools) // of all placed there: what is reported must not depend on who takes part
		out.Figures = append(out.Figures, sdc.FigureSets{Indicator: report.Indicator.ID, Family: string(report.Indicator.Family), Covered: covered})
	}
	return out, nil
}

// blur raises a floor by the students that are left. One who is not in the
// freeze's table is named by the ordinal.
func (f *frozen) blur(left *roaring.Bitmap) int {
	return f.keys.Blur(func(yield func([16]byte) bool) {
		left.Iterate(func(x uint32) bool {
			var name records.SID
			if int(x) < len(f.students) {
				name = f.students[x]
			} else {
				binary.BigEndian.PutUint32(name[:], x)
			}
			return yield(name)
		})
	})
}

// self is V_self: whose values of a family a grant in force opens to the
// agreement's partner, read or not.
func (f *frozen) self(a *underTerms, family string, now time.Time, zone *time.Location) *roaring.Bitmap {
	set := roaring.New()
	q := consent.Question{Party: a.partner, Purpose: a.clauses.Purpose, At: now, Known: now, Zone: zone}
	for _, p := range f.people {
		if consent.Opens(p.law, p.grants, q, family, f.freeze.Start, f.freeze.End) {
			set.Add(p.ordinal)
		}
	}
	return set
}

// chooser fixes one agreement's part of a freeze.
type chooser struct {
	b      *Broker
	r      store.Reader
	d      *dataset
	f      *frozen
	rec    agreementRecord
	now    time.Time
	census civil.Date // of the roster
}

// part is the agreement's, or none without a roster or anybody at its schools.
func (c chooser) part() (part underTerms, ok bool, err error) {
	terms := c.rec.Agreement
	version, roster, err := c.roster()
	if err != nil || version == 0 {
		return part, false, err
	}
	groups := c.f.values.Roll().Choose(compare.Choice{Schools: terms.Clauses.Schools, Dosage: c.dosage(roster), Floor: terms.Clauses.DosageFloor})
	cohort, err := groups.Cohort().ToBytes()
	if err != nil {
		return part, false, err
	}
	frozen := frozenAgreement{ID: terms.ID, Version: terms.Version, Revision: c.rec.Revision, Roster: version, Cohort: cohort}
	part = underTerms{frozen, terms.Partner, terms.Clauses}
	return part, len(groups.Layout(grainOf(terms.Clauses)).Rows()) > 0, nil
}

func grainOf(c agreement.Clauses) compare.Grain {
	return compare.Grain{
		School: slices.Contains(c.Grain, agreement.GrainSchool), Grade: slices.Contains(c.Grain, agreement.GrainGrade), Groups: c.Groups(),
	}
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
	year, ok := c.d.district.YearOfSession(c.f.period)
	if !ok {
		year = c.f.period
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
	a := underTerms{partner: c.rec.Agreement.Partner, clauses: c.rec.Agreement.Clauses}
	for _, family := range consent.Families() {
		set.Or(c.f.self(&a, family, c.now, c.b.zone))
	}
	return set
}
