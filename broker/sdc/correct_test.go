package sdc_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// exposures is the most figures, first and corrected ones, that a student of any
// cohort is in.
func exposures(h sdc.History) (most int) {
	counts := map[uint32]int{}
	for i, p := range h {
		twice := p.Role == sdc.RoleCohort && slices.ContainsFunc(h[:i], func(o sdc.PublishedSet) bool { return o.Role == p.Role && o.Set.Equals(p.Set) })
		if twice || p.Role != sdc.RoleCohort && p.Role != sdc.RoleCorrected {
			continue
		}
		for it := p.Set.Iterator(); it.HasNext(); {
			x := it.Next()
			counts[x]++
			most = max(most, counts[x])
		}
	}
	return most
}

// crowd is three agreements with one another's students: the first with every
// row, the others with the pooled one only, so that a student is in six figures.
func crowd(t *testing.T) ([]sdc.Plan, sdc.History) {
	t.Helper()
	rows := grid([][]int{{40, 40}, {40, 40}}, 60)
	var batch []sdc.Candidate
	for _, name := range []string{"A", "B", "C"} {
		r := rand.New(rand.NewPCG(uint64(name[0]), 7))
		mine := make([]sdc.RowSets, len(rows))
		roster := rows[0].T.Clone()
		for it := rows[0].T.Iterator(); it.HasNext(); {
			if x := it.Next(); r.IntN(2) == 0 {
				roster.Remove(x)
			}
		}
		for i, row := range rows {
			p := row.T.Clone()
			p.And(roster)
			mine[i] = sdc.RowSets{Key: row.Key, P: p, T: row.T}
		}
		if name != "A" {
			mine = mine[:1]
		}
		batch = append(batch, candidate(name, mine, sdc.Known{}, nil))
	}
	plans, h, err := sdc.PlanBatch(nil, batch)
	if err != nil {
		t.Fatal(err)
	}
	return plans, h
}

func TestACorrectionNeverExposesAStudentMoreThanTheCap(t *testing.T) {
	t.Parallel()
	plans, first := crowd(t)
	kept, h, err := sdc.PlanCorrection(first, plans)
	if err != nil {
		t.Fatal(err)
	}
	if got := exposures(h); got > sdc.ExposureCap || len(h) == len(first) || len(kept) == 0 {
		t.Errorf("a student is in %d figures; %d rows corrected, %d kept", got, len(h)-len(first), len(kept))
	}
	kept, h, err = sdc.CorrectBroken(first, plans, sdc.Broken{NoExposure: true})
	if err != nil || exposures(h) <= sdc.ExposureCap || len(kept) != 0 {
		t.Errorf("without the cap a student is in %d figures, %d rows are kept, %v: the test tests nothing", exposures(h), len(kept), err)
	}
}

func TestACorrectionOfRandomDistrictsKeepsTheCapAndEveryPooledRowComesFirst(t *testing.T) {
	t.Parallel()
	for seed := range uint64(worlds) {
		plans, first, err := sdc.PlanBatch(nil, makeWorld(seed).candidates)
		if err != nil {
			t.Fatal(err)
		}
		kept, h, err := sdc.PlanCorrection(first, plans)
		if err != nil || exposures(h) > sdc.ExposureCap {
			t.Fatalf("world %d: a student is in %d figures, %v", seed, exposures(h), err)
		}
		last := sdc.LevelAll
		for _, p := range h[len(first):] {
			if p.Role != sdc.RoleCorrected || p.Row.Level() < last {
				t.Fatalf("world %d: row %s is a %s after one of level %d", seed, p.Row, p.Role, last)
			}
			last = p.Row.Level()
		}
		shown := 0
		for _, p := range plans {
			shown += len(shownRows(p))
		}
		if corrected := len(h) - len(first); corrected+len(kept) > shown {
			t.Fatalf("world %d: of %d shown rows %d are corrected and %d kept", seed, shown, corrected, len(kept))
		}
	}
}

func TestACohortThatTwoAgreementsCorrectCountsOnce(t *testing.T) {
	t.Parallel()
	rows := flat(60, 40, 40)
	plans, first, err := sdc.PlanBatch(nil, []sdc.Candidate{candidate("A", rows, sdc.Known{}, nil), candidate("B", rows, sdc.Known{}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	_, h, err := sdc.PlanCorrection(first, plans)
	if err != nil {
		t.Fatal(err)
	}
	if shown, corrected := len(shownRows(plans[0]))+len(shownRows(plans[1])), len(h)-len(first); shown == 0 || shown != 2*corrected {
		t.Errorf("%d rows of two agreements are shown, %d count again", shown, corrected)
	}
}

func TestARowThatWasNeverPublishedIsNotCorrected(t *testing.T) {
	t.Parallel()
	plans, _ := crowd(t)
	if _, _, err := sdc.PlanCorrection(nil, plans); !errors.Is(err, sdc.ErrPlan) {
		t.Errorf("got %v", err)
	}
}

func TestAKeptRowStandsInTheCorrectedReleaseAsInTheFirst(t *testing.T) {
	t.Parallel()
	pooled, school := sdc.Key{}, sdc.Key{School: "S0"}
	side := func(v sdc.Milli) *sdc.ShownSide { return &sdc.ShownSide{N: 40, Value: sdc.Shown{Low: v, High: v}} }
	made := func(a, b *sdc.ShownSide) sdc.Release {
		return sdc.Release{Agreement: "A", Figures: []sdc.ShownFigure{{Indicator: "chronic", Rows: []sdc.ShownRow{{Key: pooled, Cohort: a}, {Key: school, Cohort: b}}}}}
	}
	first, second := made(side(1), side(2)), made(side(3), nil)
	got := second.Keep(first, []sdc.KeptRow{{"A", "chronic", school}, {"B", "chronic", pooled}})
	if diff := cmp.Diff(made(side(3), side(2)), got); diff != "" {
		t.Error(diff)
	}
	if second.Figures[0].Rows[1].Cohort != nil {
		t.Error("the corrected release itself was changed")
	}
}

func TestAKeptRowIsNotComputedAnew(t *testing.T) {
	t.Parallel()
	plans, _ := crowd(t)
	row := shownRows(plans[0])[0]
	key := plans[0].Figures[0].Verdicts[0].Key
	for _, v := range plans[0].Figures[0].Verdicts {
		if v.Key.String() == row {
			key = v.Key
		}
	}
	got := plans[0].Without([]sdc.KeptRow{{plans[0].Agreement, "chronic", key}, {"Z", "chronic", sdc.Key{}}})
	if slices.Contains(shownRows(got), row) || len(shownRows(got)) != len(shownRows(plans[0]))-1 || !slices.Contains(shownRows(plans[0]), row) {
		t.Errorf("of %v there remain %v", shownRows(plans[0]), shownRows(got))
	}
}
