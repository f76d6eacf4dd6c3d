package compare_test

import (
	"errors"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// thirds gives student x a value of x thirds, and student 3 none.
func thirds(x uint32) (num, den int64, ok bool) { return int64(x), 3, x != 3 }

func TestSumsRunOverStudentsWithAValue(t *testing.T) {
	t.Parallel()
	c := compare.NewColumn(roaring.BitmapOf(1, 2, 3, 4), records.RatioOfSums, thirds)
	if got, want := c.Sum(roaring.BitmapOf(2, 3, 4, 9)), (sdc.Raw{N: 2, Num: 6, Den: 6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !c.Covered().Equals(roaring.BitmapOf(1, 2, 4)) {
		t.Errorf("covered %v", c.Covered())
	}
}

func TestAMeanOfRatiosCountsEachStudentOnce(t *testing.T) {
	t.Parallel()
	c := compare.NewColumn(roaring.BitmapOf(1, 2), records.MeanOfRatios, thirds)
	if got, want := c.Sum(roaring.BitmapOf(1, 2)), (sdc.Raw{N: 2, Num: 333_333 + 666_667, Den: 2_000_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAValueWithoutADenominatorIsNoValue(t *testing.T) {
	t.Parallel()
	c := compare.NewColumn(roaring.BitmapOf(1), records.RatioOfSums, func(uint32) (int64, int64, bool) { return 1, 0, true })
	if !c.Covered().IsEmpty() {
		t.Error("a student without enrolled days counts")
	}
}

func TestAFigureHasCohortAndRestOfEachRow(t *testing.T) {
	t.Parallel()
	c := compare.NewColumn(roaring.BitmapOf(1, 2, 4), records.RatioOfSums, thirds)
	rows := []sdc.RowSets{{P: roaring.BitmapOf(1), T: roaring.BitmapOf(1, 2, 4)}}
	want := sdc.RawFigure{Indicator: "i", Rows: []sdc.RawRow{{Cohort: sdc.Raw{N: 1, Num: 1, Den: 3}, Rest: sdc.Raw{N: 2, Num: 6, Den: 6}}}}
	if diff := cmp.Diff(want, c.Figure("i", sdc.Measure{}, rows), cmpopts.EquateComparable(noise.Group{})); diff != "" {
		t.Error(diff)
	}
}

func TestEveryIndicatorOfTheRegistryIsCoded(t *testing.T) {
	t.Parallel()
	scale, _ := records.FindScale("0-20", nil)
	for _, ind := range records.Registry() {
		if _, err := compare.MeasureOf(ind, scale); err != nil {
			t.Error(err)
		}
	}
}

func TestAMeanWithoutAScaleIsRefused(t *testing.T) {
	t.Parallel()
	ind, _ := records.Find(records.MeanCourseResult)
	if _, err := compare.MeasureOf(ind, records.Scale{}); !errors.Is(err, compare.ErrIndicator) {
		t.Errorf("got %v", err)
	}
}
