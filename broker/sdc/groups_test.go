package sdc_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

var inSpecial, notInSpecial = sdc.Key{Group: "special_education:yes"}, sdc.Key{Group: "special_education:no"}

// special is a school in which so many participants of sixty, and a hundred of the
// three hundred others, are in special education.
func special(yes int) []sdc.RowSets {
	rows := []sdc.RowSets{
		{P: roaring.New(), T: roaring.New()},
		{Key: inSpecial, P: roaring.New(), T: roaring.New()},
		{Key: notInSpecial, P: roaring.New(), T: roaring.New()},
	}
	rows[0].P.AddRange(0, 60)
	rows[0].T.AddRange(0, 360)
	rows[1].P.AddRange(0, uint64(yes))
	rows[1].T.AddRange(0, uint64(yes))
	rows[1].T.AddRange(60, 160)
	rows[2].P, rows[2].T = roaring.AndNot(rows[0].P, rows[1].P), roaring.AndNot(rows[0].T, rows[1].T)
	return rows
}

func specialCandidate(yes int, b sdc.Blur) sdc.Candidate {
	return sdc.Candidate{
		Agreement: "A", Profile: sdc.Standard, Rows: special(yes), Thresholds: sdc.Standard.Thresholds(), YearEnd: true,
		Figures: []sdc.FigureSets{{Indicator: "i", Family: family}}, Known: map[string]sdc.Known{family: {Blur: b}},
	}
}

func verdictOf(t testing.TB, c sdc.Candidate, b sdc.Broken, k sdc.Key) sdc.Verdict {
	t.Helper()
	plans, _, err := sdc.PlanBroken(nil, []sdc.Candidate{c}, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range plans[0].Figures[0].Verdicts {
		if v.Key == k {
			return v
		}
	}
	t.Fatalf("no row %s", k)
	return sdc.Verdict{}
}

func TestAGroupIsShownFromABlurredSize(t *testing.T) {
	t.Parallel()
	for yes := 8; yes <= 14; yes++ {
		for blur := range sdc.MostBlur + 1 {
			c := specialCandidate(yes, blurOf(blur))
			want := yes >= 10+blur
			for _, k := range []sdc.Key{inSpecial, notInSpecial} { // one of two never stands alone
				if v := verdictOf(t, c, sdc.Broken{}, k); v.Shown != want || v.WholeShown {
					t.Errorf("%d in the group, blur %d: %s shown %t, its whole %t", yes, blur, k, v.Shown, v.WholeShown)
				}
			}
		}
	}
	if always := blurOf(sdc.MostBlur); !verdictOf(t, specialCandidate(10, always), sdc.Broken{NoBlur: true}, inSpecial).Shown {
		t.Error("without the blur a roster finds out whether it has nine or ten of the group: the guard is not tested")
	}
}

func TestAGroupIsShownAtTheYearsEndOnly(t *testing.T) {
	t.Parallel()
	c := specialCandidate(30, blurOf(0))
	c.YearEnd = false
	if v := verdictOf(t, c, sdc.Broken{}, inSpecial); v.Shown || v.Reason != sdc.ReasonDetail {
		t.Errorf("in a term: %+v", v)
	}
}

func TestGroupsNeedTheStandardProfileAndABlur(t *testing.T) {
	t.Parallel()
	bare, plain := specialCandidate(30, nil), specialCandidate(30, blurOf(0))
	plain.Profile, plain.Thresholds = sdc.PublishedTable, sdc.PublishedTable.Thresholds()
	for name, c := range map[string]sdc.Candidate{"no blur": bare, "bands": plain} {
		if _, _, err := sdc.PlanBatch(nil, []sdc.Candidate{c}); !errors.Is(err, sdc.ErrPlan) || !strings.Contains(err.Error(), "special_education:yes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// protectedSpecial is the release of a school in which every fifth has the outcome.
func protectedSpecial(t testing.TB, yes int, seed uint64) sdc.Release {
	t.Helper()
	o := valued{noiseKeys(t, seed), fifths}
	raw := o.rawRows(special(yes))
	out, err := sdc.Protect(everything(special(yes)), []sdc.RawFigure{raw}, sdc.Protection{Profile: sdc.Standard, Noise: sticky(t, o.keys)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rawRows sums rows of which each has one cell: its own whole.
func (o valued) rawRows(rows []sdc.RowSets) sdc.RawFigure {
	out := sdc.RawFigure{Indicator: "i", Measure: share}
	for _, r := range rows {
		var row sdc.RawRow
		var signed sdc.Signature
		row.Cohort, signed.Group = o.sum(r.P)
		row.Rest, _ = o.sum(roaring.AndNot(r.T, r.P))
		raw, g := o.sum(r.T)
		signed.Cells = []sdc.Cell{{Raw: raw, Group: g}}
		out.Keys, out.Rows, out.Signatures = append(out.Keys, r.Key), append(out.Rows, row), append(out.Signatures, signed)
	}
	return out
}

func shownSide(t testing.TB, r sdc.Release, k sdc.Key) (cohort, rest sdc.ShownSide) {
	t.Helper()
	for _, row := range r.Figures[0].Rows {
		if row.Key == k {
			return *row.Cohort, *row.Rest
		}
	}
	t.Fatalf("no row %s", k)
	return sdc.ShownSide{}, sdc.ShownSide{}
}

func TestOfAGroupOnlyBandsOfItsSizesAreShown(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(60) {
		cohort, rest := shownSide(t, protectedSpecial(t, 20, seed), inSpecial)
		for _, s := range []sdc.ShownSide{cohort, rest} {
			if s.N != 0 || s.Coverage.Kind != sdc.KindWithheld || s.Size == nil {
				t.Fatalf("a side of a group shows %+v", s)
			}
		}
		seen[cohort.Size.Text] = true
	}
	if len(seen) != 2 || !seen["10–19"] || !seen["20–39"] {
		t.Errorf("the size of twenty is always said as %v: its band has no noise", seen)
	}
}

// What stands as noise of a group's figure covers that in its number of students.
func TestTheNoiseOfAGroupsFigureIsNoMoreThanIsSaid(t *testing.T) {
	t.Parallel()
	const students, of = 50, 10 // every fifth
	var squares, claimed float64
	const draws = 800
	for seed := range uint64(draws) {
		cohort, _ := shownSide(t, protectedSpecial(t, students, seed), inSpecial)
		off := float64(cohort.Value.Low+cohort.Value.High)/2000 - 100*of/students
		squares += off * off
		claimed = float64(cohort.Noise) / 1000
	}
	if got := math.Sqrt(squares / draws); got > claimed || got < claimed/2 {
		t.Errorf("a deviation of %.2f points, and %.2f are said", got, claimed)
	}
}

// Whole percents of a true number of students would be multiples of it.
func TestAShareOfAGroupDoesNotTellItsSize(t *testing.T) {
	t.Parallel()
	odd := 0
	for seed := range uint64(100) {
		cohort, _ := shownSide(t, protectedSpecial(t, 25, seed), inSpecial)
		if mid := (cohort.Value.Low + cohort.Value.High) / 2; mid%4000 != 0 && cohort.Value.Low > 0 && cohort.Value.High < 100_000 {
			odd++
		}
	}
	if odd < 25 {
		t.Errorf("%d of 100 shares are no multiple of a twenty-fifth", odd)
	}
}

// unsized is noise that knows nothing of numbers of students.
type unsized struct{ *noise.Sticky }

func (unsized) Size() {}

func TestWithoutNoiseForItsSizeAGroupIsNotShown(t *testing.T) {
	t.Parallel()
	o := valued{noiseKeys(t, 1), fifths}
	_, err := sdc.Protect(everything(special(30)), []sdc.RawFigure{o.rawRows(special(30))}, sdc.Protection{Profile: sdc.Standard, Noise: unsized{sticky(t, o.keys)}})
	if !errors.Is(err, sdc.ErrNoise) {
		t.Errorf("error %v", err)
	}
}

func TestTheSizeOfAGroupHasOneNoiseInAllItsFigures(t *testing.T) {
	t.Parallel()
	k := noiseKeys(t, 3)
	s := sticky(t, k)
	member := func(indicator string, value int64) (g noise.Group) {
		for i := range uint64(30) {
			var sid [16]byte
			binary.BigEndian.PutUint64(sid[8:], i)
			g = g.Plus(k.Member(noise.Figure{Indicator: indicator, Period: "2025-26"}, sid, value))
		}
		return g
	}
	if a, b := s.Size(member("chronic_absence", 1)), s.Size(member("gpa", 31)); a != b {
		t.Errorf("the same students number %+d and %+d", a, b)
	}
}
