package sdc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func plan(t *testing.T, b sdc.Broken, c ...sdc.Candidate) ([]sdc.Plan, sdc.History) {
	t.Helper()
	plans, h, err := sdc.PlanBroken(nil, c, b)
	if err != nil {
		t.Fatal(err)
	}
	return plans, h
}

// computable reports whether an attacker with every printed figure of the
// agreement gets the sum over the target exactly.
func computable(p sdc.Plan, rows []sdc.RowSets, target *roaring.Bitmap) bool {
	var shown []*roaring.Bitmap
	for _, v := range p.Figures[0].Verdicts {
		r := find(rows, v.Key)
		if v.Shown {
			shown = append(shown, r.P, roaring.AndNot(r.T, r.P))
		}
		if v.WholeShown {
			shown = append(shown, r.T)
		}
	}
	return sdc.Derivable(shown, target)
}

// minus is what is left of a set when others are taken away.
func minus(s *roaring.Bitmap, others ...*roaring.Bitmap) *roaring.Bitmap {
	out := s.Clone()
	for _, o := range others {
		out.AndNot(o)
	}
	return out
}

func TestSubtractingShownSchoolsFromThePooledRowLeavesNoSmallGroup(t *testing.T) {
	t.Parallel()
	rows := flat(30, 20, 20, 4, 4)
	school := func(name string) *roaring.Bitmap { return find(rows, sdc.Key{School: name}).P }
	eight := minus(rows[0].P, school("S0"), school("S1"))
	attack := func(b sdc.Broken) bool {
		plans, _ := plan(t, b, candidate("A", rows, sdc.Known{}, nil))
		if !slices.Contains(shownRows(plans[0]), "all") {
			t.Fatal("the pooled row gave way to a school")
		}
		return computable(plans[0], rows, eight)
	}
	if attack(sdc.Broken{}) {
		t.Error("eight students at two schools can be computed")
	}
	if !attack(sdc.Broken{NoComplement: true, NoRank: true}) {
		t.Error("the attack fails without complementary suppression: it tests nothing")
	}
}

func TestASmallSchoolIsNotTheDifferenceOfThePooledRowAndAnother(t *testing.T) {
	t.Parallel()
	rows := flat(30, 40, 30, 5)
	plans, _ := plan(t, sdc.Broken{}, candidate("A", rows, sdc.Known{}, nil))
	if got := shownRows(plans[0]); !slices.Equal(got, []string{"all", "school:S0"}) {
		t.Errorf("shown %v", got)
	}
}

// Two cycles of small cells joined by one bridge: every row and column of the
// table hides at least two cells whose sum is harmless, and yet the bridge is
// an exact combination of the margins.
func TestABridgeBetweenHiddenCyclesIsNotComputable(t *testing.T) {
	t.Parallel()
	rows := grid([][]int{
		{6, 6, 20, 20},
		{6, 6, 5, 20},
		{20, 20, 6, 6},
		{20, 20, 6, 6},
	}, 30)
	bridge := find(rows, sdc.Key{School: "S1", Grade: "11"}).P
	attack := func(b sdc.Broken) bool {
		plans, _ := plan(t, b, candidate("A", rows, sdc.Known{}, nil))
		return computable(plans[0], rows, bridge)
	}
	if attack(sdc.Broken{}) {
		t.Error("the five students of the bridge can be computed")
	}
	if !attack(sdc.Broken{NoSpan: true, NoRank: true}) {
		t.Error("the attack fails without the span check: it tests nothing")
	}
}

func TestTwoPartnersWhoseRostersDifferByOneStudentLearnNothingOfIt(t *testing.T) {
	t.Parallel()
	first := flat(40, 30, 30)
	second := flat(40, 30, 30)
	x := minus(first[0].T, first[0].P).Minimum()
	for _, r := range second {
		if r.T.Contains(x) {
			r.P.Add(x)
		}
	}
	attack := func(b sdc.Broken) bool {
		plans, _ := plan(t, b, candidate("A", first, sdc.Known{}, nil), candidate("B", second, sdc.Known{}, nil))
		if len(shownRows(plans[0])) != 3 {
			t.Fatal("the first agreement lost rows to the second")
		}
		return slices.Contains(shownRows(plans[1]), "all") && slices.Contains(shownRows(plans[0]), "all")
	}
	if attack(sdc.Broken{}) {
		t.Error("the pooled figures of the two rosters differ by one student")
	}
	if !attack(sdc.Broken{NoDifference: true, NoRank: true}) {
		t.Error("the attack fails without the difference rule: it tests nothing")
	}
}

// Four rosters of one school, each far from each other, of which the first and
// third less the second and fourth are one student.
func TestFourPartnersWhoseSumsTogetherAreOneStudentDoNotAllSeeTheirs(t *testing.T) {
	t.Parallel()
	part := func(i uint64) *roaring.Bitmap {
		b := roaring.New()
		b.AddRange(20*i, 20*i+20)
		return b
	}
	all := roaring.New()
	all.AddRange(0, 300)
	attack := func(b sdc.Broken) bool {
		var list []sdc.Candidate
		for i, name := range []string{"A", "B", "C", "D"} {
			p := roaring.Or(part(uint64(i)), part(uint64(i+1)%4))
			if name == "D" {
				p.Add(250)
			}
			list = append(list, candidate(name, []sdc.RowSets{{P: p, T: all}}, sdc.Known{}, nil))
		}
		plans, _ := plan(t, b, list...)
		for _, p := range plans[:3] {
			if len(shownRows(p)) != 1 {
				t.Fatalf("%s lost its row", p.Agreement)
			}
		}
		return len(shownRows(plans[3])) == 1
	}
	if attack(sdc.Broken{}) {
		t.Error("the sums of four partners come to one student")
	}
	if !attack(sdc.Broken{NoRank: true}) {
		t.Error("the attack fails without the rank guard: it tests nothing")
	}
}

func TestACohortOfWhichAllButOneConsentedIsWithheld(t *testing.T) {
	t.Parallel()
	rows := flat(40, 12)
	eleven := roaring.BitmapOf(rows[0].P.ToArray()[:11]...)
	k := sdc.Known{Self: eleven, Any: eleven}
	plans, _ := plan(t, sdc.Broken{}, candidate("A", rows, k, nil))
	v := plans[0].Figures[0].Verdicts[0]
	if v.Shown || !v.WholeShown || v.Reason != sdc.ReasonPrimary {
		t.Errorf("got %+v; want the pair withheld and the whole of 52 shown beside the consented", v)
	}
	plans, _ = plan(t, sdc.Broken{NoPrimary: true, NoRank: true}, candidate("A", rows, k, nil))
	if !plans[0].Figures[0].Verdicts[0].Shown {
		t.Error("the row is withheld without the primary rule too: the test tests nothing")
	}
}

func openings(students []uint32) []sdc.Opening {
	var out []sdc.Opening
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, x := range students {
		out = append(out, sdc.Opening{ID: string(rune('a' + i)), SignedAt: start.Add(time.Duration(i) * time.Hour), Student: x})
	}
	return out
}

func TestOfElevenLaterGrantsAmongTwelveOnlyTwoOpen(t *testing.T) {
	t.Parallel()
	rows := flat(40, 12)
	_, h := plan(t, sdc.Broken{}, candidate("A", rows, sdc.Known{}, nil))
	asked := openings(rows[0].P.ToArray()[:11])
	turned := slices.Clone(asked)
	slices.Reverse(turned)
	held, after := sdc.Admit(h.OfFamily(family), nil, turned)
	if diff := cmp.Diff([]string{"c", "d", "e", "f", "g", "h", "i", "j", "k"}, held); diff != "" {
		t.Errorf("held, in signing order: %s", diff)
	}
	if n := minus(rows[0].P, after).GetCardinality(); n != 10 {
		t.Errorf("%d of the twelve remain unreleased, want 10", n)
	}
	last := minus(rows[0].P, roaring.BitmapOf(rows[0].P.ToArray()[:11]...))
	if _, all := sdc.AdmitAll(h, nil, asked); !minus(rows[0].P, all).Equals(last) {
		t.Error("without the hold the twelfth does not remain alone: the test tests nothing")
	}
}

func TestTheTenthOfTenIsHeldAtOnce(t *testing.T) {
	t.Parallel()
	rows := flat(40, 10)
	_, h := plan(t, sdc.Broken{}, candidate("A", rows, sdc.Known{}, nil))
	if !sdc.Held(h, nil, sdc.Opening{Student: rows[0].P.Minimum()}) {
		t.Error("a grant that leaves nine unreleased opens")
	}
}

func TestGrantsThatExposeNobodyAreNotHeld(t *testing.T) {
	t.Parallel()
	rows := flat(40, 12)
	_, h := plan(t, sdc.Broken{}, candidate("A", rows, sdc.Known{}, nil))
	known := roaring.BitmapOf(rows[0].P.ToArray()[:2]...)
	for name, o := range map[string]sdc.Opening{
		"a student released before": {Student: rows[0].P.Minimum()},
		"a student of the rest":     {Student: minus(rows[0].T, rows[0].P).Minimum()},
		"a student of no figure":    {Student: 100_000},
	} {
		if sdc.Held(h, known, o) {
			t.Errorf("%s is held", name)
		}
	}
	if sdc.Held(h.OfFamily("grades"), known, sdc.Opening{Student: rows[0].P.ToArray()[5]}) {
		t.Error("a grant for a family without figures is held")
	}
}

// However many families say yes after the close, every set that can be
// computed keeps its floor of unreleased students.
func TestNoOrderOfLaterGrantsExposesAComputableSet(t *testing.T) {
	t.Parallel()
	exposed := func(admit func(sdc.History, *roaring.Bitmap, []sdc.Opening) ([]string, *roaring.Bitmap)) (n int) {
		for seed := range uint64(60) {
			w := makeWorld(seed)
			_, h, err := sdc.PlanBatch(nil, w.candidates)
			if err != nil {
				t.Fatal(err)
			}
			before := w.candidates[0].Known[family].Any
			var all []uint32
			for x := range w.students {
				all = append(all, x)
			}
			_, after := admit(h, before, openings(all))
			for _, p := range h {
				if was := left(p.Set, before); was >= p.Floor && left(p.Set, after) < p.Floor {
					n++
				}
			}
		}
		return n
	}
	if n := exposed(sdc.Admit); n != 0 {
		t.Errorf("%d sets fell under their floor", n)
	}
	if exposed(sdc.AdmitAll) == 0 {
		t.Error("no set falls without the hold either: the test tests nothing")
	}
}

func TestMoreConsentNeverShowsARowWithFewUnconsented(t *testing.T) {
	t.Parallel()
	rows := flat(40, 14, 25)
	p := rows[0].P.ToArray()
	for n := range len(p) + 1 {
		yes := roaring.BitmapOf(p[:n]...)
		k := sdc.Known{Self: yes, Any: yes}
		plans, h := plan(t, sdc.Broken{}, candidate("A", rows, k, nil))
		if err := identities([]sdc.Candidate{candidate("A", rows, k, nil)}, plans, h); err != nil {
			t.Fatalf("%d of %d consented: %v", n, len(p), err)
		}
		if all := plans[0].Figures[0].Verdicts[0]; all.Shown != (len(p)-n >= 10) {
			t.Errorf("%d of %d consented: pooled row shown %v", n, len(p), all.Shown)
		}
	}
}
