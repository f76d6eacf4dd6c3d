package sdc_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// counted is noise of zero that remembers of whom it was asked.
type counted struct {
	sets  map[noise.Group]*roaring.Bitmap
	asked []*roaring.Bitmap
	wrong error
}

func (c *counted) Of(_ string, _ int64, g noise.Group) (int64, error) {
	set, known := c.sets[g]
	if !known {
		c.wrong = errors.New("noise was asked for a group that no row or cell has")
	}
	c.asked = append(c.asked, set)
	return 0, nil
}

func (c *counted) Variance() noise.Variance { return noise.Variance{Num: 4, Den: 1} }

// spendWorld is a release of one count over schools and grades: everybody has a value.
type spendWorld struct {
	plan sdc.Plan
	raw  sdc.RawFigure
	sets map[noise.Group]*roaring.Bitmap
	all  uint32 // students
}

func drawSpendWorld(t *rapid.T) spendWorld {
	keys, err := noise.NewKeys(make([]byte, noise.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	w := spendWorld{sets: map[noise.Group]*roaring.Bitmap{}}
	group := func(set *roaring.Bitmap) (g noise.Group) {
		for it := set.Iterator(); it.HasNext(); {
			x := it.Next()
			g = g.Plus(keys.Member(noise.Figure{Indicator: "late"}, [16]byte{byte(x), byte(x >> 8)}, int64(x%2)))
		}
		w.sets[g] = set
		return g
	}
	sum := func(set *roaring.Bitmap) sdc.Raw {
		out := sdc.Raw{N: int(set.GetCardinality()), Den: int64(set.GetCardinality())}
		for it := set.Iterator(); it.HasNext(); {
			out.Num += int64(it.Next() % 2)
		}
		return out
	}
	type part struct{ whole, cohort *roaring.Bitmap }
	cells := map[sdc.Key]part{}
	for s := range rapid.IntRange(1, 3).Draw(t, "schools") {
		for g := range rapid.IntRange(1, 3).Draw(t, "grades") {
			p := part{roaring.New(), roaring.New()}
			for i := range rapid.IntRange(30, 60).Draw(t, "students") {
				if w.all++; i < rapid.IntRange(10, 15).Draw(t, "of the cohort") {
					p.cohort.Add(w.all)
				}
				p.whole.Add(w.all)
			}
			cells[sdc.Key{School: fmt.Sprint("s", s), Grade: fmt.Sprint(8 + g)}] = p
		}
	}
	public := rapid.Bool().Draw(t, "the first school published its total")
	candidate := sdc.Candidate{
		Agreement: "a", Profile: sdc.Budgeted, Known: map[string]sdc.Known{"f": {}}, Thresholds: sdc.Budgeted.Thresholds(), YearEnd: rapid.Bool().Draw(t, "year end"),
		Figures: []sdc.FigureSets{{Indicator: "late", Family: "f"}},
	}
	w.raw = sdc.RawFigure{Indicator: "late", Measure: sdc.Measure{Kind: sdc.Share}}
	rows := map[sdc.Key][]sdc.Key{}
	for k := range cells {
		for _, row := range []sdc.Key{{}, {School: k.School}, {Grade: k.Grade}, k} {
			rows[row] = append(rows[row], k)
		}
	}
	for row, of := range rows {
		p := part{roaring.New(), roaring.New()}
		var out sdc.RawRow
		var signed sdc.Signature
		for _, k := range of {
			c := cells[k]
			p.whole.Or(c.whole)
			p.cohort.Or(c.cohort)
			cell := sdc.Cell{Raw: sum(c.whole), Key: k, Group: group(c.whole)}
			if public && k.School == "s0" {
				value := sdc.Milli(50_000)
				cell.Public = &value
			}
			signed.Cells = append(signed.Cells, cell)
		}
		rest := roaring.AndNot(p.whole, p.cohort)
		out.Cohort, out.Rest, signed.Group = sum(p.cohort), sum(rest), group(p.cohort)
		w.raw.Keys, w.raw.Rows, w.raw.Signatures = append(w.raw.Keys, row), append(w.raw.Rows, out), append(w.raw.Signatures, signed)
		candidate.Rows = append(candidate.Rows, sdc.RowSets{Key: row, P: p.cohort, T: p.whole})
	}
	plans, _, err := sdc.PlanBatch(nil, []sdc.Candidate{candidate})
	if err != nil {
		t.Fatal(err)
	}
	w.plan = plans[0]
	return w
}

// inCells says how many different sets of cells, and how many others, hold a student
// among those of which noise was asked.
func (w spendWorld) holding(asked []*roaring.Bitmap, student uint32) (cohorts, totals int) {
	cells := map[*roaring.Bitmap]bool{}
	for _, r := range w.raw.Signatures {
		for _, c := range r.Cells {
			cells[w.sets[c.Group]] = true
		}
	}
	seen := map[*roaring.Bitmap]bool{}
	for _, set := range asked {
		if seen[set] || !set.Contains(student) {
			continue
		}
		if seen[set] = true; cells[set] {
			totals++
		} else {
			cohorts++
		}
	}
	return cohorts, totals
}

// What a release spends is what it draws: no student is in more sums with noise than
// Spendings says, whatever the rows and whatever is withheld.
func TestNoStudentIsInMoreDrawsThanArePaidFor(t *testing.T) {
	t.Parallel()
	shown, levels := 0, map[int]bool{}
	rapid.Check(t, func(t *rapid.T) {
		w := drawSpendWorld(t)
		list, err := sdc.Spendings(w.plan, []sdc.RawFigure{w.raw})
		if err != nil {
			t.Fatal(err)
		}
		draws := &counted{sets: w.sets}
		if _, err := sdc.Protect(w.plan, []sdc.RawFigure{w.raw}, sdc.Protection{Profile: sdc.Budgeted, Noise: draws}); err != nil || draws.wrong != nil {
			t.Fatal(err, draws.wrong)
		}
		if len(list) == 0 {
			if len(draws.asked) > 0 {
				t.Fatalf("%d draws and nothing is spent", len(draws.asked))
			}
			return
		}
		s := list[0]
		shown, levels[s.Levels] = shown+1, true
		paid := roaring.New()
		for _, r := range w.raw.Signatures {
			for _, c := range r.Cells {
				for _, school := range s.Schools {
					if c.Key.School == school {
						paid.Or(w.sets[c.Group])
					}
				}
			}
		}
		for x := uint32(1); x <= w.all; x++ {
			cohorts, totals := w.holding(draws.asked, x)
			if cohorts > s.Levels || totals > 1 || totals == 1 && !paid.Contains(x) {
				t.Fatalf("student %d is in %d cohorts and %d totals; paid are %d levels and the totals of %v", x, cohorts, totals, s.Levels, s.Schools)
			}
		}
	})
	if shown == 0 || len(levels) < 2 {
		t.Errorf("%d releases showed something, of levels %v", shown, levels)
	}
}

func TestTotalsThatAreAllPublicCostNothing(t *testing.T) {
	t.Parallel()
	value := sdc.Milli(50_000)
	plan := sdc.Plan{Figures: []sdc.FigurePlan{{Indicator: "late", Reported: true, Verdicts: []sdc.Verdict{{Shown: true, CohortCovered: 20, RestCovered: 30}}}}}
	raw := sdc.RawFigure{
		Indicator: "late", Measure: sdc.AttendanceMeasure(), Keys: []sdc.Key{{}}, Rows: []sdc.RawRow{{Cohort: sdc.Raw{N: 20}, Rest: sdc.Raw{N: 30}}},
		Signatures: []sdc.Signature{{Cells: []sdc.Cell{{Raw: sdc.Raw{N: 50}, Key: sdc.Key{School: "s"}, Public: &value}}}},
	}
	list, err := sdc.Spendings(plan, []sdc.RawFigure{raw})
	if err != nil || len(list) != 1 || list[0].Levels != 1 || len(list[0].Schools) != 0 || list[0].Range != 50 || list[0].Hidden != 20 {
		t.Errorf("%+v, %v", list, err)
	}
	raw.Signatures[0].Cells[0].Public = nil
	if list, err = sdc.Spendings(plan, []sdc.RawFigure{raw}); err != nil || len(list) != 1 || len(list[0].Schools) != 1 {
		t.Errorf("a total that is not public: %+v, %v", list, err)
	}
	if _, err := sdc.Spendings(plan, nil); !errors.Is(err, sdc.ErrRaw) {
		t.Errorf("without sums: %v", err)
	}
}

func TestAnExhaustedReleaseTellsNoRowFromAnother(t *testing.T) {
	t.Parallel()
	plan := sdc.Plan{Agreement: "a", Figures: []sdc.FigurePlan{
		{Indicator: "late", Family: "f", Reported: true, Verdicts: []sdc.Verdict{{Shown: true, CohortCovered: 20}, {Key: sdc.Key{School: "s"}, Reason: sdc.ReasonPrimary}}},
		{Indicator: "marks", Family: "g"},
	}}
	r := sdc.Exhausted(plan)
	if r.Agreement != "a" || r.Profile != sdc.Budgeted || len(r.Figures) != 2 || r.Figures[1].Status != sdc.StatusNotReported {
		t.Fatalf("%+v", r)
	}
	for _, row := range r.Figures[0].Rows {
		if row.Status != sdc.StatusBudgetExhausted || row.Cohort != nil || row.Rest != nil || row.Whole != nil || row.Weighted != nil {
			t.Errorf("row %s: %+v", row.Row, row)
		}
	}
}
