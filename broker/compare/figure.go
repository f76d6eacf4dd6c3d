package compare

import (
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// ErrIndicator is returned for an indicator that has no rule for coding.
var ErrIndicator = errors.New("indicator cannot be compared")

// Value returns one student's exact value, or false where it has none.
type Value func(ordinal uint32) (num, den int64, ok bool)

// Column holds the values of one indicator by place of a roll, with the sum of each
// cell, so that what is left of a cell without a few of its students costs as much
// as those few. All sums are exact. Where nobody asked for values there are none.
type Column struct {
	roll         *Roll
	kind         records.Kind
	contribution *contribution // of noisy reports; nil: values count as they are
	values       []ratio       // by place
	flags        []flags       // of a share of students: the values again, 64 of one cell at a time
	totals       []sdc.Raw     // by cell
	members      []noise.Group // by place, of noisy reports: each student's part of a group
	groups       []noise.Group // by cell, of noisy reports
}

// ratio is one student's value; without a denominator it is none.
type ratio struct{ num, den int64 }

// millionths is what a student's own ratio is counted in.
const millionths = 1_000_000

// NewColumn returns a column without values. For a mean of student ratios each
// student counts the same: its ratio is rounded to millionths, a half upwards,
// and stands for one of a million parts.
func NewColumn(roll *Roll, kind records.Kind) *Column {
	c := &Column{roll: roll, kind: kind, values: make([]ratio, len(roll.students)), totals: make([]sdc.Raw, len(roll.cells))}
	if kind == records.ShareOfStudents {
		c.flags = make([]flags, roll.words)
	}
	return c
}

// noisy is the column, still without values, for noisy reports.
func (c *Column) noisy(by *contribution) *Column {
	c.contribution = by
	c.members, c.groups = make([]noise.Group, len(c.values)), make([]noise.Group, len(c.totals))
	return c
}

// Fill asks for the value of each student placed at a school, once. Different
// schools may be filled at the same time.
func (c *Column) Fill(school string, value Value) {
	for _, i := range c.roll.schools[school] {
		var total sdc.Raw
		for place := c.roll.cells[i].first; place < c.roll.cells[i].next; place++ {
			c.values[place] = c.ratio(c.roll.students[place], value)
			total = plus(total, c.values[place].raw())
		}
		c.totals[i] = total
		c.flag(c.roll.cells[i])
		if c.contribution != nil {
			c.groups[i] = c.signCell(c.roll.cells[i])
		}
	}
}

func (c *Column) signCell(at cell) (group noise.Group) {
	for place := at.first; place < at.next; place++ {
		if v := c.values[place]; v.den != 0 {
			c.members[place] = c.contribution.member(c.roll.students[place], v.num, v.den)
			group = group.Plus(c.members[place])
		}
	}
	return group
}

func (c *Column) ratio(x uint32, value Value) ratio {
	num, den, ok := value(x)
	switch {
	case !ok || den <= 0:
		return ratio{}
	case c.contribution != nil:
		return c.contribution.ratio(num, den)
	case c.kind == records.MeanOfRatios:
		return ratio{(2*millionths*num + den) / (2 * den), millionths}
	}
	return ratio{num, den}
}

func (v ratio) raw() sdc.Raw {
	if v.den == 0 {
		return sdc.Raw{}
	}
	return sdc.Raw{N: 1, Num: v.num, Den: v.den}
}

func plus(a, b sdc.Raw) sdc.Raw { return sdc.Raw{N: a.N + b.N, Num: a.Num + b.Num, Den: a.Den + b.Den} }

func minus(a, b sdc.Raw) sdc.Raw {
	return sdc.Raw{N: a.N - b.N, Num: a.Num - b.Num, Den: a.Den - b.Den}
}

// Covered returns the students placed at schools who have a value.
func (c *Column) Covered(schools []string) *roaring.Bitmap {
	var students []uint32
	for _, i := range c.roll.cellsOf(schools) {
		for place := c.roll.cells[i].first; place < c.roll.cells[i].next; place++ {
			if c.values[place].den != 0 {
				students = append(students, c.roll.students[place])
			}
		}
	}
	return roaring.BitmapOf(students...)
}

// Value returns what one student counts for in a sum, or false for nothing.
func (c *Column) Value(ordinal uint32) (num, den int64, ok bool) {
	s, placed := c.roll.find(ordinal)
	if !placed {
		return 0, 0, false
	}
	v := c.values[s.place]
	return v.num, v.den, v.den != 0
}

// Sum adds up the values of a set.
func (c *Column) Sum(set *roaring.Bitmap) sdc.Raw {
	var out sdc.Raw
	for it := set.Iterator(); it.HasNext(); {
		if num, den, ok := c.Value(it.Next()); ok {
			out = plus(out, sdc.Raw{N: 1, Num: num, Den: den})
		}
	}
	return out
}

// sum adds up the values at some places.
func (c *Column) sum(at *places) (out sdc.Raw) {
	if c.flags != nil {
		return c.count(at.masks)
	}
	for _, place := range at.list {
		v := c.values[place]
		if v.den != 0 {
			out.N++
		}
		out.Num += v.num
		out.Den += v.den
	}
	return out
}

// total is the sum of some cells.
func (c *Column) total(cells []int) (out sdc.Raw) {
	for _, i := range cells {
		out = plus(out, c.totals[i])
	}
	return out
}

// Asked is one indicator of a comparison: its values, how it is coded, and the totals
// of it that the district publishes.
type Asked struct {
	Indicator string
	Measure   sdc.Measure
	Column    *Column
	Public    Totals
}

// Figures sums columns over the rows of the layout. The result is not protected. A
// layout of another roll counts nobody, which Protect refuses.
func (l Layout) Figures(asked []Asked) []sdc.RawFigure {
	n := len(l.keys)
	rows := make([]sdc.RawRow, n*len(asked)) // at once: making them one by one takes longer than summing
	list := make([]sdc.RawFigure, len(asked))
	for i, a := range asked {
		f := &list[i]
		*f = sdc.RawFigure{Indicator: a.Indicator, Measure: a.Measure, Keys: l.keys, Rows: rows[i*n : (i+1)*n : (i+1)*n]}
		if l.groups.roll != a.Column.roll {
			continue
		}
		a.Column.sums(&l, f.Rows)
		if a.Column.contribution != nil {
			f.Signatures = a.Column.sign(l, a.Public)
		}
	}
	return list
}

// sums fills the rows of a layout: of each block its cohort, and as the rest what is
// left of its cells' sums.
func (c *Column) sums(l *Layout, rows []sdc.RawRow) {
	var cohorts, rests sdc.Raw // of the pooled row
	for i := range l.blocks {
		b := &l.blocks[i]
		cohort := c.sum(&b.cohort)
		rest := minus(c.total(b.cells), cohort)
		cohorts, rests = plus(cohorts, cohort), plus(rests, rest)
		for _, at := range b.rows {
			row := &rows[at]
			row.Cohort, row.Rest = plus(row.Cohort, cohort), plus(row.Rest, rest)
		}
	}
	if len(l.blocks) > 0 {
		rows[0] = sdc.RawRow{Cohort: cohorts, Rest: rests}
	}
	for _, s := range l.subgroups {
		s.sum(c, &rows[s.row])
	}
}

// sign returns the groups behind the sums of the layout's rows.
func (c *Column) sign(l Layout, public Totals) []sdc.Signature {
	rows, groups := make([]sdc.Signature, len(l.keys)), make([][]int, len(l.keys))
	for i, g := range l.groups.cells {
		if len(g.cohort) == 0 {
			continue
		}
		cohort := c.groupOf(g.cohort)
		for _, at := range l.in[i] {
			rows[at].Group = rows[at].Group.Plus(cohort)
			groups[at] = append(groups[at], i)
		}
	}
	for at := range rows {
		rows[at].Cells = c.cells(l.groups, groups[at], public)
	}
	for _, s := range l.subgroups {
		s.sign(c, &rows[s.row])
	}
	return rows
}

// groupOf is the group of the students at some places.
func (c *Column) groupOf(places []int32) (g noise.Group) {
	for _, place := range places {
		g = g.Plus(c.members[place])
	}
	return g
}

// MeasureOf returns how an indicator is coded. The scale is that of the course
// results and matters to their mean only. An ErrIndicator names an indicator
// without a rule.
func MeasureOf(ind records.Indicator, scale records.Scale) (sdc.Measure, error) {
	var m sdc.Measure
	switch {
	case ind.Kind == records.ShareOfStudents:
		m = sdc.Measure{Kind: sdc.Share}
	case ind.Kind == records.RatioOfSums:
		m = sdc.Measure{Kind: sdc.Share, Results: true}
	case ind.Kind == records.PerHundred:
		m = sdc.Measure{Kind: sdc.Per100}
	case ind.ID == records.AttendanceRate:
		m = sdc.AttendanceMeasure()
	case ind.ID == records.GPA:
		m = sdc.GPAMeasure(1000)
	case ind.ID == records.MeanCourseResult:
		m = sdc.ScaleMeasure(10*sdc.Milli(scale.Low), 10*sdc.Milli(scale.High), 1000)
	}
	if err := m.Validate(); err != nil {
		return sdc.Measure{}, fmt.Errorf("%w: %s: %w", ErrIndicator, ind.ID, err)
	}
	return m, nil
}
