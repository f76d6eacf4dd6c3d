package sdc_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

const worlds = 250

func TestEveryReleaseOfRandomDistrictsKeepsTheIdentities(t *testing.T) {
	t.Parallel()
	shown, withheld := 0, 0
	for seed := range uint64(worlds) {
		w := makeWorld(seed)
		plans, h, err := sdc.PlanBatch(nil, w.candidates)
		if err != nil {
			t.Fatal(err)
		}
		if err := identities(w.candidates, plans, h); err != nil {
			t.Fatalf("world %d: %v", seed, err)
		}
		for _, p := range plans {
			n := len(shownRows(p))
			shown, withheld = shown+n, withheld+len(p.Figures[0].Verdicts)-n
		}
	}
	if shown < worlds || withheld < worlds {
		t.Errorf("the districts are no test: %d rows shown, %d withheld", shown, withheld)
	}
	t.Logf("%d rows shown, %d withheld", shown, withheld)
}

func TestEachMissingGuardBreaksAnIdentity(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]sdc.Broken{
		"the primary rule":    {NoPrimary: true, NoRank: true},
		"the complement":      {NoComplement: true, NoRank: true},
		"the span check":      {NoSpan: true, NoRank: true},
		"the difference rule": {NoDifference: true, NoRank: true},
	} {
		t.Run("without "+name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(worlds) {
				w := makeWorld(seed)
				plans, h, err := sdc.PlanBroken(nil, w.candidates, b)
				if err != nil {
					t.Fatal(err)
				}
				if err := identities(w.candidates, plans, h); err != nil {
					t.Log(seed, err)
					return
				}
			}
			t.Error("nothing noticed that the guard is gone")
		})
	}
}

func TestTheOrderOfAgreementsDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		w := makeWorld(seed)
		plans, h, err := sdc.PlanBatch(nil, w.candidates)
		if err != nil {
			t.Fatal(err)
		}
		turned := slices.Clone(w.candidates)
		slices.Reverse(turned)
		for i := range turned {
			turned[i].Rows = slices.Clone(turned[i].Rows)
			slices.Reverse(turned[i].Rows)
		}
		again, h2, err := sdc.PlanBatch(nil, turned)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plans, again); diff != "" {
			t.Fatalf("world %d: %s", seed, diff)
		}
		if a, b := encoded(t, h), encoded(t, h2); a != b {
			t.Fatalf("world %d: the histories differ", seed)
		}
	}
}

func encoded(t *testing.T, h sdc.History) string {
	t.Helper()
	b, err := sdc.EncodeHistory(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestALateAgreementIsHeldAgainstAllThatWasPublished(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		w := makeWorld(seed)
		last := len(w.candidates) - 1
		_, h, err := sdc.PlanBatch(nil, w.candidates[:last])
		if err != nil {
			t.Fatal(err)
		}
		before := encoded(t, h)
		plans, after, err := sdc.PlanBatch(h, w.candidates[last:])
		if err != nil {
			t.Fatal(err)
		}
		if err := identities(w.candidates, plans, after); err != nil {
			t.Fatalf("world %d: %v", seed, err)
		}
		if encoded(t, after[:len(h)]) != before {
			t.Fatalf("world %d: earlier history was changed", seed)
		}
	}
}

func TestMalformedSetsAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	good := func() sdc.Candidate { return candidate("A", flat(30, 20, 20), sdc.Known{}, nil) }
	low := sdc.PublishedTable.Thresholds()
	low.UnconsentedFloor = 9
	for name, c := range map[string]struct {
		change func(*sdc.Candidate)
		want   error
	}{
		"a threshold of nine":         {func(c *sdc.Candidate) { c.Thresholds = low }, sdc.ErrThresholds},
		"a row twice":                 {func(c *sdc.Candidate) { c.Rows = append(c.Rows, c.Rows[0]) }, sdc.ErrPlan},
		"a row without sets":          {func(c *sdc.Candidate) { c.Rows[0].T = nil }, sdc.ErrPlan},
		"a cohort outside its whole":  {func(c *sdc.Candidate) { c.Rows[0].P = roaring.BitmapOf(9999) }, sdc.ErrPlan},
		"an indicator twice":          {func(c *sdc.Candidate) { c.Figures = append(c.Figures, c.Figures[0]) }, sdc.ErrPlan},
		"a family nobody spoke about": {func(c *sdc.Candidate) { c.Known = nil }, sdc.ErrPlan},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := good()
			c.change(&bad)
			if _, _, err := sdc.PlanBatch(nil, []sdc.Candidate{bad}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestAnIndicatorOfAnAgreementIsPlannedOnceAPeriod(t *testing.T) {
	t.Parallel()
	c := candidate("A", flat(30, 20, 20), sdc.Known{}, nil)
	_, h, err := sdc.PlanBatch(nil, []sdc.Candidate{c})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := sdc.PlanBatch(h, []sdc.Candidate{c}); !errors.Is(err, sdc.ErrPlan) {
		t.Errorf("planned again: %v", err)
	}
	other := c
	other.Figures = []sdc.FigureSets{{Indicator: "mean", Family: family}}
	if _, _, err := sdc.PlanBatch(h, []sdc.Candidate{other}); err != nil {
		t.Errorf("an indicator closed later: %v", err)
	}
	if _, _, err := sdc.PlanBatch(nil, []sdc.Candidate{c, c}); !errors.Is(err, sdc.ErrPlan) {
		t.Errorf("planned twice in a batch: %v", err)
	}
}
