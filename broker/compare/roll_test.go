package compare_test

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

func TestARollKnowsWhoIsAtASchool(t *testing.T) {
	t.Parallel()
	roll := compare.NewRoll(town())
	if got := roll.At([]string{"B", "nowhere", "B"}); !got.Equals(roaring.BitmapOf(8, 9, 10, 11, 16, 17, 18, 19)) {
		t.Errorf("at school B are %v", got)
	}
	if got := compare.NewRoll(nil).At([]string{"B"}); !got.IsEmpty() {
		t.Errorf("an empty roll has %v at school B", got)
	}
}

func TestAParticipantWhoIsNotPlacedIsInNoCohort(t *testing.T) {
	t.Parallel()
	g := compare.NewRoll(town()[4:]).Choose(compare.Choice{Schools: []string{"A"}, Dosage: map[uint32]int{0: 9, 4: 9, 400: 9}})
	if got := g.Cohort(); !got.Equals(roaring.BitmapOf(4)) {
		t.Errorf("cohort %v, of whom only student 4 is placed", got)
	}
}

func TestALayoutOfAnotherRollCountsNobody(t *testing.T) {
	t.Parallel()
	choice := compare.Choice{Schools: []string{"A"}, Dosage: map[uint32]int{0: 1}}
	here, there := compare.NewRoll(town()), compare.NewRoll(town())
	c := compare.NewColumn(here, records.RatioOfSums)
	c.Fill("A", thirds)
	grain := compare.Grain{}
	if got := figureOf(c, here.Choose(choice).Layout(grain)); got.Rows[0].Rest.N == 0 {
		t.Fatalf("the roll's own layout counts nobody: %+v", got)
	}
	if got := figureOf(c, there.Choose(choice).Layout(grain)); got.Rows[0].Cohort != (sdc.Raw{}) || got.Rows[0].Rest != (sdc.Raw{}) {
		t.Errorf("a figure of students of two rolls: %+v", got)
	}
}

// district draws placements, values, and which students take part.
type district struct {
	placed []compare.Placement
	values map[uint32][2]int64
	choice compare.Choice
}

func drawDistrict(t *rapid.T) district {
	d := district{values: map[uint32][2]int64{}, choice: compare.Choice{Dosage: map[uint32]int{}, Floor: 2}}
	for x := range uint32(rapid.IntRange(0, 120).Draw(t, "students")) {
		if school := rapid.SampledFrom([]string{"A", "B", "C", ""}).Draw(t, "school"); school != "" {
			grade := rapid.SampledFrom([]string{"", "K", "9", "10"}).Draw(t, "grade")
			d.placed = append(d.placed, compare.Placement{Ordinal: x, School: school, Grade: grade})
		}
		if rapid.Bool().Draw(t, "valued") {
			d.values[x] = [2]int64{rapid.Int64Range(-50, 1000).Draw(t, "num"), rapid.Int64Range(0, 300).Draw(t, "den")}
		}
		if rapid.IntRange(0, 3).Draw(t, "takes part") == 0 {
			d.choice.Dosage[x] = rapid.IntRange(0, 4).Draw(t, "dosage")
		}
	}
	d.choice.Schools = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "C"}), 1, 3, rapid.ID).Draw(t, "schools")
	return d
}

func (d district) value(x uint32) (num, den int64, ok bool) {
	v, ok := d.values[x]
	return v[0], v[1], ok
}

// byStudent is a figure as its definition has it: over the students of each row,
// one by one.
func byStudent(c *compare.Column, rows []sdc.RowSets) sdc.RawFigure {
	out := sdc.RawFigure{Indicator: "i", Rows: []sdc.RawRow{}}
	for _, r := range rows {
		out.Keys, out.Rows = append(out.Keys, r.Key), append(out.Rows, sdc.RawRow{Cohort: c.Sum(r.P), Rest: c.Sum(roaring.AndNot(r.T, r.P))})
	}
	return out
}

func TestWhatIsLeftOfASumIsTheSumOfTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDistrict(t)
		roll := compare.NewRoll(d.placed)
		kind := rapid.SampledFrom([]records.Kind{records.RatioOfSums, records.MeanOfRatios}).Draw(t, "kind")
		c := compare.NewColumn(roll, kind)
		for _, school := range d.choice.Schools {
			c.Fill(school, d.value)
		}
		l := roll.Choose(d.choice).Layout(compare.Grain{School: rapid.Bool().Draw(t, "schools apart"), Grade: rapid.Bool().Draw(t, "grades apart")})
		if diff := cmp.Diff(byStudent(c, l.Rows()), figureOf(c, l), cmpopts.EquateComparable(noise.Group{})); diff != "" {
			t.Fatal(diff)
		}
	})
}
