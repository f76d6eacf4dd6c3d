package compare

import (
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// ErrIndicator is returned for an indicator that has no rule for coding.
var ErrIndicator = errors.New("indicator cannot be compared")

// Value returns one student's exact value, or false where it has none.
type Value func(ordinal uint32) (num, den int64, ok bool)

// Column holds the values of one indicator for a set of students.
type Column struct {
	covered *roaring.Bitmap
	values  map[uint32]ratio
}

type ratio struct{ num, den int64 }

// parts is what a student's own ratio is counted in: millionths.
const parts = 1_000_000

// NewColumn asks for each student's value once. For a mean of student ratios
// each student counts the same: its ratio is rounded to millionths, a half
// upwards, and stands for one of a million parts.
func NewColumn(students *roaring.Bitmap, kind records.Kind, value Value) Column {
	c := Column{covered: roaring.New(), values: map[uint32]ratio{}}
	for it := students.Iterator(); it.HasNext(); {
		x := it.Next()
		num, den, ok := value(x)
		if !ok || den <= 0 {
			continue
		}
		if kind == records.MeanOfRatios {
			num, den = (2*parts*num+den)/(2*den), parts
		}
		c.covered.Add(x)
		c.values[x] = ratio{num, den}
	}
	return c
}

// Covered returns the students who have a value.
func (c Column) Covered() *roaring.Bitmap { return c.covered.Clone() }

// Sum adds up the values of a set.
func (c Column) Sum(set *roaring.Bitmap) sdc.Raw {
	var out sdc.Raw
	for it := roaring.And(set, c.covered).Iterator(); it.HasNext(); {
		v := c.values[it.Next()]
		out.N++
		out.Num += v.num
		out.Den += v.den
	}
	return out
}

// Figure sums the column over the rows. The result is not protected.
func (c Column) Figure(indicator string, m sdc.Measure, rows []sdc.RowSets) sdc.RawFigure {
	out := sdc.RawFigure{Indicator: indicator, Measure: m, Rows: make([]sdc.RawRow, 0, len(rows))}
	for _, r := range rows {
		out.Rows = append(out.Rows, sdc.RawRow{Key: r.Key, Cohort: c.Sum(r.P), Rest: c.Sum(roaring.AndNot(r.T, r.P))})
	}
	return out
}

// MeasureOf returns how an indicator is coded. The scale is that of the course
// results and matters to their mean only. An ErrIndicator names an indicator
// without a rule.
func MeasureOf(ind records.Indicator, scale records.Scale) (sdc.Measure, error) {
	var m sdc.Measure
	switch {
	case ind.Kind == records.ShareOfStudents, ind.Kind == records.RatioOfSums:
		m = sdc.Measure{Kind: sdc.Share}
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
