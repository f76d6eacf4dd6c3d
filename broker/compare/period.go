package compare

import (
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// Period is a session of a district with its students placed on a census date.
// It computes the values of an indicator once for all agreements that report it.
//
// A student's value is over its records of the period at every school of the
// district. It does not depend on the agreement: the sums of one set are the same
// for every partner, so that no two of them have a student's days at one school
// between them, and so that noise which belongs to a set can be drawn once.
//
// The records that place the students and those that their values are read from
// may be two data versions (ReadFrom), and values may be corrected by a third
// (Correct). Ordinals are always those of the placing one.
type Period struct {
	district  *records.District
	session   records.Session
	roll      *Roll
	scales    records.ScaleCounts
	first     version
	corrected *version
	signer    *signer
	columns   map[source]*Column
	filled    map[filling]bool
}

// source is what values are computed from. The scale is that of course results,
// and empty for any other family.
type source struct {
	indicator, scale string
	noisy            bool
}

// filling is a source at one school.
type filling struct {
	source
	school string
}

// Report is one indicator as an agreement reports it: for the students placed at
// its schools, course results on one scale; with the contributions that noisy
// profiles add up, or with exact values.
type Report struct {
	Indicator records.Indicator
	Schools   []string
	Scale     string
	Noisy     bool
}

func (r Report) source() source {
	from := source{indicator: r.Indicator.ID, noisy: r.Noisy}
	if r.Indicator.Family == records.GradesFamily {
		from.scale = r.Scale
	}
	return from
}

// NewPeriod places the students of a district. Ordinals are indexes into its
// Students.
func NewPeriod(d *records.District, s records.Session, census civil.Date) *Period {
	p := &Period{
		district: d, session: s, roll: NewRoll(Place(d.Students, census)), scales: d.ScalesIn(s),
		columns: map[source]*Column{}, filled: map[filling]bool{},
	}
	p.first = p.version(d)
	return p
}

// Roll returns who stands where.
func (p *Period) Roll() *Roll { return p.roll }

// Scale returns the scale that most course results at the schools stand on
// (records.District.MainScale).
func (p *Period) Scale(schools []string) string { return p.scales.Main(schools) }

// Each calls work with 0 to n-1, side by side where there are processors for it.
type Each func(n int, work func(i int) error) error

// Compute computes what the reports need and is not there yet. It returns an
// ErrIndicator or an ErrUnsigned.
func (p *Period) Compute(reports []Report, each Each) error {
	var todo []func()
	for _, r := range reports {
		column, err := p.column(r)
		if err != nil {
			return err
		}
		from := r.source()
		value := p.value(Report{Indicator: r.Indicator, Scale: from.scale})
		for _, school := range r.Schools {
			if at := (filling{from, school}); !p.filled[at] {
				p.filled[at] = true
				todo = append(todo, func() { column.Fill(school, value) })
			}
		}
	}
	return each(len(todo), func(i int) error {
		todo[i]()
		return nil
	})
}

// column returns the column of a report, without values if it is new.
func (p *Period) column(r Report) (*Column, error) {
	from := r.source()
	if c, known := p.columns[from]; known {
		return c, nil
	}
	c := NewColumn(p.roll, r.Indicator.Kind)
	if r.Noisy {
		by, err := p.contribution(r.Indicator, from.scale)
		if err != nil {
			return nil, err
		}
		c = c.noisy(by)
	}
	p.columns[from] = c
	return c, nil
}

func oneByOne(n int, work func(i int) error) error {
	for i := range n {
		if err := work(i); err != nil {
			return err
		}
	}
	return nil
}

// value computes one student's value. Who has one is decided by the first values:
// where those are corrected, a student without a value stays without, and one
// whose value is gone keeps the first.
func (p *Period) value(r Report) Value {
	first := p.first.value(r, p.session)
	if p.corrected == nil {
		return first
	}
	corrected := p.corrected.value(r, p.session)
	return func(ordinal uint32) (int64, int64, bool) {
		num, den, ok := first(ordinal)
		if !ok {
			return 0, 0, false
		}
		if n, d, again := corrected(ordinal); again {
			return n, d, true
		}
		return num, den, true
	}
}

// Column returns the values of a report: at least of the students placed at its
// schools.
func (p *Period) Column(r Report) (*Column, error) {
	if err := p.Compute([]Report{r}, oneByOne); err != nil {
		return nil, err
	}
	return p.columns[r.source()], nil
}
