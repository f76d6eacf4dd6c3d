package sdc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// manyIndicators gives the agreements of a world more indicators, in any order:
// a twin of its own one that all have, one that some have, one of fewer students,
// and one that is a twin in one agreement only.
func (w world) manyIndicators(r *rand.Rand) {
	fewer := w.some(r, .8)
	for i := range w.candidates {
		c := &w.candidates[i]
		own := c.Figures[0]
		as := func(name string, covered *roaring.Bitmap) sdc.FigureSets {
			return sdc.FigureSets{Indicator: name, Family: own.Family, Covered: covered}
		}
		c.Figures = append(c.Figures, as("twin", own.Covered.Clone()), as("fewer", roaring.And(own.Covered, fewer)))
		if i > 0 {
			c.Figures = append(c.Figures, as("once", own.Covered))
		} else {
			c.Figures = append(c.Figures, as("once", roaring.And(own.Covered, fewer)))
		}
		if r.IntN(2) == 0 {
			c.Figures = append(c.Figures, as("some", own.Covered))
		}
		r.Shuffle(len(c.Figures), func(i, j int) { c.Figures[i], c.Figures[j] = c.Figures[j], c.Figures[i] })
	}
}

// planIn plans a world in batches of that many agreements, and lists what is decided
// and published of each indicator.
func (w world) planIn(t *testing.T, batch int, b sdc.Broken) map[string][]string {
	t.Helper()
	var h sdc.History
	out := map[string][]string{}
	for some := range slices.Chunk(w.candidates, batch) {
		plans, next, err := sdc.PlanBroken(h, some, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plans {
			for _, f := range p.Figures {
				out[f.Indicator] = append(out[f.Indicator], fmt.Sprintf("%s %+v", p.Agreement, f))
			}
		}
		for _, p := range next[len(h):] {
			set := p.Set.ToArray()
			p.Set = nil
			out[p.Indicator] = append(out[p.Indicator], fmt.Sprintf("%+v %v", p, set))
		}
		h = next
	}
	return out
}

func TestOfTwinsTheSameIsDecidedAsOfEachByItself(t *testing.T) {
	t.Parallel()
	missed := 0
	for seed := range uint64(worlds / 5) {
		w := makeWorld(seed)
		w.manyIndicators(rand.New(rand.NewPCG(seed, 4)))
		for _, batch := range []int{1, 3} {
			each := w.planIn(t, batch, sdc.Broken{NoTwins: true})
			if diff := cmp.Diff(each, w.planIn(t, batch, sdc.Broken{})); diff != "" {
				t.Fatalf("world %d, %d at a time: %s", seed, batch, diff)
			}
			if !cmp.Equal(each, w.planIn(t, batch, sdc.Broken{AnyTwins: true})) {
				missed++
			}
		}
	}
	if missed == 0 {
		t.Error("nothing is noticed where indicators are taken for twins that are none")
	}
}
