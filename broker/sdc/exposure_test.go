package sdc_test

import (
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestNobodyIsInMoreFiguresThanAreCountedAndSomebodyInAsMany(t *testing.T) {
	t.Parallel()
	most := 0
	for seed := range uint64(150) {
		w := makeWorld(seed)
		_, h, err := sdc.PlanBatch(nil, w.candidates)
		if err != nil {
			t.Fatal(err)
		}
		e := sdc.NewExposure(h)
		for x := range w.students {
			want := figuresWith(h, x)
			if got := e.Most(roaring.BitmapOf(x)); got != want || got > sdc.ExposureCap {
				t.Fatalf("world %d: student %d is in %d figures, counted %d", seed, x, want, got)
			}
			most = max(most, want)
		}
		everybody := roaring.New()
		everybody.AddRange(0, uint64(w.students))
		if got := e.Most(everybody); got > most {
			t.Fatalf("world %d: all together are in %d figures, nobody in more than %d", seed, got, most)
		}
	}
	if most < 3 {
		t.Errorf("the worlds are no test: nobody is in more than %d figures", most)
	}
}

// figuresWith counts the different cohorts with a student by hand.
func figuresWith(h sdc.History, x uint32) int {
	var cohorts []*roaring.Bitmap
	for _, p := range h {
		same := slices.ContainsFunc(cohorts, func(c *roaring.Bitmap) bool { return c.Equals(p.Set) })
		if p.Role == sdc.RoleCohort && p.Set.Contains(x) && !same {
			cohorts = append(cohorts, p.Set)
		}
	}
	return len(cohorts)
}

func TestAgreementsThatShareAStudentAreNamedOnce(t *testing.T) {
	t.Parallel()
	set := func(agreement, indicator string, role sdc.Role, students ...uint32) sdc.PublishedSet {
		return sdc.PublishedSet{Agreement: agreement, Indicator: indicator, Role: role, Set: roaring.BitmapOf(students...)}
	}
	h := sdc.History{
		set("b", "i", sdc.RoleCohort, 1, 2), set("b", "i", sdc.RoleCohort, 2), set("a", "i", sdc.RoleCohort, 2, 3),
		set("c", "i", sdc.RoleRest, 2), set("d", "j", sdc.RoleCohort, 2), set("e", "i", sdc.RoleCohort, 9),
	}
	if got := h.Sharing("i", roaring.BitmapOf(2)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("they are %v", got)
	}
}

func TestAVerdictCountsThoseWhoseValuesNobodyWasGiven(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		w := makeWorld(seed)
		plans, _, err := sdc.PlanBatch(nil, w.candidates)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range w.candidates {
			k, covered := c.Known[family], c.Figures[0].Covered
			for _, v := range plans[i].Figures[0].Verdicts {
				row := c.Rows[slices.IndexFunc(c.Rows, func(r sdc.RowSets) bool { return r.Key == v.Key })]
				rest := roaring.AndNot(row.T, row.P)
				if v.CohortUnknown != unknownBy(k, roaring.And(row.P, covered)) || v.RestUnknown != unknownBy(k, roaring.And(rest, covered)) {
					t.Fatalf("world %d, %s: %+v", seed, v.Key, v)
				}
			}
		}
	}
}

func unknownBy(k sdc.Known, s *roaring.Bitmap) int {
	return int(min(roaring.AndNot(s, k.Self).GetCardinality(), roaring.AndNot(s, k.Any).GetCardinality()))
}
