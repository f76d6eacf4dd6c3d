package compare_test

import (
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestDosageCountsDistinctDaysOfTheSpan(t *testing.T) {
	t.Parallel()
	d := func(s string) civil.Date { return day(t, s) }
	dates := []civil.Date{d("2026-01-05"), d("2026-01-05"), d("2026-01-06"), d("2025-08-31"), d("2025-09-01"), d("2026-06-30"), d("2026-07-01")}
	if got := compare.Dosage(dates, d("2025-09-01"), d("2026-06-30")); got != 4 {
		t.Errorf("counted %d days, want 4", got)
	}
}

func TestAStudentIsPlacedOnceAtThePrimaryEnrollment(t *testing.T) {
	t.Parallel()
	d := func(s string) civil.Date { return day(t, s) }
	students := []records.Student{
		{Enrollments: []records.Enrollment{{School: "A", Entry: d("2025-09-01"), Grade: "9"}, {School: "B", Entry: d("2025-09-01"), Grade: "10", Primary: true}}},
		{Enrollments: []records.Enrollment{{School: "A", Entry: d("2025-09-01"), Exit: d("2025-12-01"), Grade: "9", Primary: true}}},
		{Enrollments: []records.Enrollment{{School: "A", Entry: d("2025-09-01"), Exit: d("2026-01-15"), Grade: "9", Primary: true}}},
	}
	want := []compare.Placement{{Ordinal: 0, School: "B", Grade: "10"}, {Ordinal: 2, School: "A", Grade: "9"}}
	if got := compare.Place(students, d("2026-01-15")); !slices.Equal(got, want) {
		t.Errorf("placed %v, want %v", got, want)
	}
}

// Four students a cell: A/9 and A/10 with participants, B/9 with one under the
// floor only, C/9 outside the agreement.
func town() []compare.Placement {
	var out []compare.Placement
	for i, c := range [][2]string{{"A", "9"}, {"A", "10"}, {"B", "9"}, {"C", "9"}, {"B", ""}} {
		for j := range uint32(4) {
			out = append(out, compare.Placement{Ordinal: uint32(i)*4 + j, School: c[0], Grade: c[1]})
		}
	}
	return out
}

func townGroups() compare.Groups {
	return compare.NewRoll(town()).Choose(compare.Choice{
		Schools: []string{"A", "B"}, Floor: 9,
		Dosage: map[uint32]int{0: 9, 1: 12, 2: 8, 4: 30, 8: 8, 12: 20, 16: 9},
	})
}

func TestTheCohortAreParticipantsAtTheFloor(t *testing.T) {
	t.Parallel()
	g := townGroups()
	if got := g.Cohort(); !got.Equals(roaring.BitmapOf(0, 1, 4, 16)) {
		t.Errorf("cohort %v", got)
	}
}

func TestTheRestAreTheOthersOfTheSameSchoolsAndGrades(t *testing.T) {
	t.Parallel()
	g := townGroups()
	if got := g.Rest(); !got.Equals(roaring.BitmapOf(2, 3, 5, 6, 7, 17, 18, 19)) {
		t.Errorf("rest %v: a participant under the floor belongs to it, a grade without cohort does not", got)
	}
}

func TestRowsFollowTheGrain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		grain compare.Grain
		want  []string
	}{
		{compare.Grain{}, []string{"all"}},
		{compare.Grain{School: true}, []string{"all", "school:A", "school:B"}},
		{compare.Grain{Grade: true}, []string{"all", "grade:9", "grade:10"}},
		{compare.Grain{School: true, Grade: true}, []string{"all", "school:A", "school:B", "grade:9", "grade:10", "school:A/grade:9", "school:A/grade:10", "school:B/grade:9"}},
	} {
		var got []string
		for _, r := range townGroups().Layout(c.grain).Rows() {
			got = append(got, r.Key.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: rows %v, want %v", c.grain, got, c.want)
		}
	}
}

func TestTheRowsDoNotTellWhetherThereIsACohort(t *testing.T) {
	t.Parallel()
	grain := compare.Grain{School: true, Grade: true}
	roll := compare.NewRoll(town())
	with := roll.Choose(compare.Choice{Schools: []string{"A"}, Dosage: map[uint32]int{town()[0].Ordinal: 9}, Floor: 9}).Layout(grain).Rows()
	without := roll.Choose(compare.Choice{Schools: []string{"A"}, Floor: 9}).Layout(grain).Rows()
	if len(with) < 2 || len(with) != len(without) {
		t.Fatalf("%d rows with a child, %d without", len(with), len(without))
	}
	for i := range without {
		if without[i].Key != with[i].Key || !without[i].P.IsEmpty() || !without[i].T.IsEmpty() {
			t.Errorf("row %v of nobody is %v, with %d and %d students", with[i].Key, without[i].Key, without[i].P.GetCardinality(), without[i].T.GetCardinality())
		}
	}
}
