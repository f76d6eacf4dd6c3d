package broker

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/consent"
)

// consentedSide is what the partner's own consented students come to, shown
// beside a withheld row. It is exact and live: it says nothing that the rows
// which the partner may read do not.
type consentedSide struct {
	N     int       `json:"n"`
	Value sdc.Milli `json:"value"`
	Unit  string    `json:"unit"` // percent, per 100 students, or points of a scale
}

// summary adds the consented students to withheld rows. It walks the roster
// once, and only if a row asks for it.
type summary struct {
	s          *snapshot
	period     records.Session
	rec        releaseRecord
	categories []consent.Category
	protected  bool // the answer is for others than named people: no consented side
	used       bool
	walk       *walk
	readable   []readable
	seen       *roaring.Bitmap
	counted    []records.SID
}

// readable is a child with what the partner may read of it.
type readable struct {
	child child
	opened
	school, grade string
}

// figure shows one indicator of a row.
func (m *summary) figure(f sdc.ShownFigure, row sdc.ShownRow) (comparisonFigure, error) {
	out := comparisonFigure{Indicator: f.Indicator, Status: row.Status, Cohort: row.Cohort, Rest: row.Rest, Weighted: row.Weighted, Whole: row.Whole}
	ind, ok := records.Find(f.Indicator)
	if !ok {
		return out, nil
	}
	if row.Status != sdc.StatusWithheld && row.Status != sdc.StatusBudgetExhausted {
		out.Reading, out.Adjusted = m.read(ind, row, compare.Read), m.read(ind, row, compare.ReadWeighted)
		return out, nil
	}
	if m.protected || row.Key.Group != "" && !m.s.b.sabotage.TellEveryone { // who is in a group is nobody's to tell
		return out, nil
	}
	side, err := m.consented(ind, row.Key)
	out.Consented = side
	return out, err
}

func (m *summary) read(ind records.Indicator, row sdc.ShownRow, read func(sdc.ShownRow, sdc.Measure) (compare.Reading, bool)) *compare.Reading {
	var scale records.Scale
	if m.rec.Scale != nil {
		scale = *m.rec.Scale
	}
	measure, err := compare.MeasureOf(ind, scale)
	if err != nil {
		return nil
	}
	reading, ok := read(row, measure)
	if !ok {
		return nil
	}
	return &reading
}

// consented computes an indicator over the children of a row whose records of
// the whole period the partner may read.
func (m *summary) consented(ind records.Indicator, k sdc.Key) (*consentedSide, error) {
	if err := m.load(); err != nil {
		return nil, err
	}
	var num, den int64
	n := 0
	settings := records.Settings{}
	if m.rec.Scale != nil {
		settings.Scale = m.rec.Scale.Name
	}
	for _, r := range m.readable {
		if k.School != "" && r.school != k.School || k.Grade != "" && r.grade != k.Grade {
			continue
		}
		schools := m.attended(r)
		if !m.whole(r, ind, schools) {
			continue
		}
		v, status := ind.Compute(m.s.data.district, r.student, m.period, schools, settings)
		if status != records.Reported || v.Den == 0 {
			continue
		}
		n++
		m.count(r)
		if ind.Kind == records.MeanOfRatios {
			v.Num, v.Den = (2*1_000_000*v.Num+v.Den)/(2*v.Den), 1_000_000
		}
		num, den = num+v.Num, den+v.Den
	}
	if n == 0 {
		return nil, nil
	}
	value, unit := printed(ind, num, den)
	return &consentedSide{N: n, Value: value, Unit: unit}, nil
}

// load walks the roster; from then on the answer depends on consent.
func (m *summary) load() (err error) {
	if m.used {
		return nil
	}
	m.used, m.seen = true, roaring.New()
	if m.walk, err = m.s.walk(m.categories); err != nil {
		return err
	}
	for _, c := range m.walk.children {
		o, err := m.walk.open(c)
		if err != nil {
			return err
		}
		if o.empty() {
			continue
		}
		r := readable{child: c, opened: o}
		if e, ok := o.student.PrimaryOn(m.rec.Census); ok {
			r.school, r.grade = e.School, e.Grade
		}
		m.readable = append(m.readable, r)
	}
	return nil
}

// needs are the categories that a family must have opened for an indicator to
// be worked out from the rows.
func needs(ind records.Indicator) []consent.Category {
	switch {
	case ind.Family == records.AttendanceFamily:
		return []consent.Category{consent.Attendance}
	case ind.Family == records.GradesFamily:
		return []consent.Category{consent.Grades}
	case ind.ID == records.IncidentsPer100:
		return []consent.Category{consent.DisciplineIncident, consent.DisciplineDates}
	}
	return []consent.Category{consent.DisciplineAction, consent.DisciplineDates}
}

// attended lists the agreement's schools at which the child was enrolled in
// the period.
func (m *summary) attended(r readable) []string {
	var list []string
	for _, e := range r.student.Enrollments {
		in := e.Entry <= m.period.End && (e.Exit.IsZero() || e.Exit >= m.period.Start)
		if in && slices.Contains(m.s.agreement.Agreement.Clauses.Schools, e.School) {
			list = append(list, e.School)
		}
	}
	return sortedSet(list)
}

// whole reports whether everything that the indicator needs of the period is
// open at every one of the schools.
func (m *summary) whole(r readable, ind records.Indicator, schools []string) bool {
	for _, c := range needs(ind) {
		for _, school := range schools {
			if !r.holds(c, school, m.period) {
				return false
			}
		}
	}
	return len(schools) > 0
}

func (m *summary) count(r readable) {
	if !slices.Contains(m.counted, r.child.sid) {
		m.counted = append(m.counted, r.child.sid)
		m.seen.AddMany(r.child.ordinals)
	}
}

func (m *summary) subjects() []records.SID { return m.counted }

// places is how many subjects the reader of the answer knows there may be:
// none where the answer counts no consented student.
func (m *summary) places() int {
	if len(m.counted) == 0 {
		return 0
	}
	return len(m.walk.roster)
}

// printed is a ratio as a figure prints it, in thousandths of the unit beside it.
func printed(ind records.Indicator, num, den int64) (value sdc.Milli, unit string) {
	scale := int64(100_000)
	switch {
	case ind.Kind == records.PerHundred:
		unit = string(ind.Kind)
	case strings.HasPrefix(ind.Unit, "share"):
		unit = "percent"
	default:
		scale, unit = 1000, ind.Unit
	}
	return sdc.Milli((2*scale*num + den) / (2 * den)), unit
}
