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

// columnOf is a column of students 0 to n-1 at one school.
func columnOf(n uint32, kind records.Kind, value compare.Value) *compare.Column {
	var placed []compare.Placement
	for x := range n {
		placed = append(placed, compare.Placement{Ordinal: x, School: "A", Grade: "9"})
	}
	c := compare.NewColumn(compare.NewRoll(placed), kind)
	c.Fill("A", value)
	return c
}

func TestSumsRunOverStudentsWithAValue(t *testing.T) {
	t.Parallel()
	c := columnOf(5, records.RatioOfSums, thirds)
	if got, want := c.Sum(roaring.BitmapOf(2, 3, 4, 9)), (sdc.Raw{N: 2, Num: 6, Den: 6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.Covered([]string{"A", "A", "nowhere"}); !got.Equals(roaring.BitmapOf(0, 1, 2, 4)) {
		t.Errorf("covered %v", got)
	}
}

func TestAMeanOfRatiosCountsEachStudentOnce(t *testing.T) {
	t.Parallel()
	c := columnOf(3, records.MeanOfRatios, thirds)
	if got, want := c.Sum(roaring.BitmapOf(1, 2)), (sdc.Raw{N: 2, Num: 333_333 + 666_667, Den: 2_000_000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAStudentsOwnValueIsWhatItCountsFor(t *testing.T) {
	t.Parallel()
	c := columnOf(4, records.MeanOfRatios, thirds)
	if num, den, ok := c.Value(2); num != 666_667 || den != 1_000_000 || !ok {
		t.Errorf("student 2 counts for %d of %d, %t", num, den, ok)
	}
	for _, x := range []uint32{3, 4, 1 << 30} {
		if num, den, ok := c.Value(x); num != 0 || den != 0 || ok {
			t.Errorf("student %d, who has no value, counts for %d of %d, %t", x, num, den, ok)
		}
	}
}

func TestAValueWithoutADenominatorIsNoValue(t *testing.T) {
	t.Parallel()
	c := columnOf(1, records.RatioOfSums, func(uint32) (int64, int64, bool) { return 1, 0, true })
	if !c.Covered([]string{"A"}).IsEmpty() {
		t.Error("a student without enrolled days counts")
	}
}

func TestASchoolThatNobodyAskedForHasNoValues(t *testing.T) {
	t.Parallel()
	roll := compare.NewRoll(town())
	c := compare.NewColumn(roll, records.RatioOfSums)
	c.Fill("A", thirds)
	c.Fill("nowhere", thirds)
	if got := c.Sum(roaring.BitmapOf(0, 8)); got != (sdc.Raw{N: 1, Den: 3}) {
		t.Errorf("a student of school A and one of school B sum to %+v", got)
	}
	l := roll.Choose(compare.Choice{Schools: []string{"B"}, Dosage: map[uint32]int{8: 1}}).Layout(compare.Grain{})
	if got := figureOf(c, l).Rows[0]; got.Cohort != (sdc.Raw{}) || got.Rest != (sdc.Raw{}) {
		t.Errorf("the figure of school B is %+v", got)
	}
}

func TestStudentsOfOtherSchoolsAreNotCovered(t *testing.T) {
	t.Parallel()
	roll := compare.NewRoll(town())
	c := compare.NewColumn(roll, records.RatioOfSums)
	for _, school := range []string{"A", "B", "C"} {
		c.Fill(school, func(uint32) (int64, int64, bool) { return 1, 1, true })
	}
	for _, schools := range [][]string{{"A"}, {"B", "A"}, {"C"}, {}} {
		if got := c.Covered(schools); !got.Equals(roll.At(schools)) {
			t.Errorf("covered at %v are %v", schools, got)
		}
	}
}

func TestAFigureHasCohortAndRestOfEachRow(t *testing.T) {
	t.Parallel()
	roll := compare.NewRoll(town()[:5])
	c := compare.NewColumn(roll, records.RatioOfSums)
	c.Fill("A", thirds)
	l := roll.Choose(compare.Choice{Schools: []string{"A"}, Dosage: map[uint32]int{1: 1}}).Layout(compare.Grain{})
	want := sdc.RawFigure{Indicator: "i", Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{{Cohort: sdc.Raw{N: 1, Num: 1, Den: 3}, Rest: sdc.Raw{N: 2, Num: 2, Den: 6}}}}
	if diff := cmp.Diff(want, figureOf(c, l), cmpopts.EquateComparable(noise.Group{})); diff != "" {
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

// figureOf is a column's figure over a layout.
func figureOf(c *compare.Column, l compare.Layout) sdc.RawFigure {
	return l.Figures([]compare.Asked{{Indicator: "i", Column: c}})[0]
}
