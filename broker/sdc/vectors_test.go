package sdc_test

import (
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// linked is a published table: cells, the sets of cells that are printed, and
// cells with whether they follow exactly.
type linked struct {
	Name  string
	Cells []string
	Shown [][]string
	Known map[string]bool
}

func TestPublishedSuppressionPatternsHideWhatTheySay(t *testing.T) {
	t.Parallel()
	var cases []linked
	readYAML(t, "testdata/linked_tables.yaml", &cases)
	for _, c := range cases {
		set := func(names ...string) *roaring.Bitmap {
			out := roaring.New()
			for _, n := range names {
				i := slices.Index(c.Cells, n)
				if i < 0 {
					t.Fatalf("%s: no cell %s", c.Name, n)
				}
				out.Add(uint32(i))
			}
			return out
		}
		var shown []*roaring.Bitmap
		for _, s := range c.Shown {
			shown = append(shown, set(s...))
		}
		for cell, want := range c.Known {
			if got := sdc.Derivable(shown, set(cell)); got != want {
				t.Errorf("%s: %s derivable %v, want %v", c.Name, cell, got, want)
			}
		}
	}
}

// The feasibility interval of a hidden cell in a two by two table, by trying
// every table: the span check calls it hidden although it is only narrowed.
func TestAHiddenCellMayStillBeNarrowedToAnInterval(t *testing.T) {
	t.Parallel()
	low, high := 100, -1
	for x := range 8 {
		y, z := 7-x, 6-x // X11+X12 = 7, X11+X21 = 6
		if w := 3 - z; y >= 0 && z >= 0 && w >= 0 && y+w == 4 {
			low, high = min(low, x), max(high, x)
		}
	}
	if low != 3 || high != 6 {
		t.Errorf("X11 lies in [%d, %d], the handbook says [3, 6]", low, high)
	}
}

func TestATwoWaySplitOfTenAndFiveHidesBothAndShowsTheTotal(t *testing.T) {
	t.Parallel()
	plans, _ := plan(t, sdc.Broken{}, candidate("A", flat(40, 10, 5), sdc.Known{}, nil))
	if got := shownRows(plans[0]); !slices.Equal(got, []string{"all"}) {
		t.Errorf("shown %v, want the total only", got)
	}
}

func TestPooledGivesWayToNothingAndTheSmallestPartsAreHiddenFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		participants []int
		want         []string
	}{
		{"six schools of eighteen", []int{18, 18, 18, 18, 18, 18}, []string{"all", "school:S0", "school:S1", "school:S2", "school:S3", "school:S4", "school:S5"}},
		{"one small school takes the next smallest along", []int{50, 40, 12, 6}, []string{"all", "school:S0", "school:S1"}},
		{"two small schools that are enough together", []int{50, 40, 6, 6}, []string{"all", "school:S0", "school:S1"}},
		{"two small schools that are not", []int{50, 40, 4, 4}, []string{"all", "school:S0"}},
		{"only small schools", []int{6, 6, 6}, []string{"all"}},
		{"one school", []int{30}, []string{"all", "school:S0"}},
		{"nine in all", []int{5, 4}, nil},
	} {
		plans, _ := plan(t, sdc.Broken{}, candidate("A", flat(40, c.participants...), sdc.Known{}, nil))
		if got := shownRows(plans[0]); !slices.Equal(got, c.want) {
			t.Errorf("%s: shown %v, want %v", c.name, got, c.want)
		}
	}
}

func TestASmallRestWithholdsBothSides(t *testing.T) {
	t.Parallel()
	plans, _ := plan(t, sdc.Broken{}, candidate("A", flat(9, 30), sdc.Known{}, nil))
	if v := plans[0].Figures[0].Verdicts[0]; v.Shown || !v.WholeShown {
		t.Errorf("got %+v, want the pair withheld and the whole of 39 shown", v)
	}
}
