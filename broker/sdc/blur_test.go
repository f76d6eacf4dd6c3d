package sdc_test

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// blurOf is a blur that only the number of students decides.
func blurOf(n int) sdc.Blur { return func(*roaring.Bitmap) int { return n } }

// tenOf is a candidate of a roster of ten in a school of sixty, of whom so many
// said yes to somebody.
func tenOf(anyone uint64, blur sdc.Blur) sdc.Candidate {
	p, t := roaring.New(), roaring.New()
	p.AddRange(0, 10)
	t.AddRange(0, 60)
	any := roaring.New()
	any.AddRange(0, anyone)
	return sdc.Candidate{
		Agreement: "a", Profile: sdc.Standard, Rows: []sdc.RowSets{{P: p, T: t}}, Figures: []sdc.FigureSets{{Indicator: "chronic_absence", Family: family}},
		Known: map[string]sdc.Known{family: {Any: any, Blur: blur}}, Thresholds: sdc.Standard.Thresholds(),
	}
}

func shown(t testing.TB, c sdc.Candidate, b sdc.Broken) bool {
	t.Helper()
	plans, _, err := sdc.PlanBroken(nil, []sdc.Candidate{c}, b)
	if err != nil {
		t.Fatal(err)
	}
	return plans[0].Figures[0].Verdicts[0].Shown
}

func TestABlurredFloorIsNeverLowerThanTheFloor(t *testing.T) {
	t.Parallel()
	for anyone := range uint64(11) {
		for blur := range sdc.MostBlur + 1 {
			left := 10 - int(anyone)
			if got, want := shown(t, tenOf(anyone, blurOf(blur)), sdc.Broken{}), left >= 5+blur; got != want {
				t.Errorf("%d of ten left, blur %d: shown %t", left, blur, got)
			}
		}
	}
}

func TestWithoutABlurOneYesToSomebodyElseDecides(t *testing.T) {
	t.Parallel()
	always := blurOf(sdc.MostBlur)
	if !shown(t, tenOf(5, always), sdc.Broken{NoBlur: true}) || shown(t, tenOf(6, always), sdc.Broken{NoBlur: true}) {
		t.Error("without the blur the fifth of ten that is left does not decide")
	}
	if shown(t, tenOf(5, always), sdc.Broken{}) {
		t.Error("with the blur it does")
	}
}

// A blur only ever hides: what is shown with one is shown without. Only pooled
// rows are compared, for a row that is hidden leaves room for another.
func TestABlurShowsNothingMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := makeWorld(rapid.Uint64().Draw(t, "world"))
		first := w.candidates[:1]
		plain, _, err := sdc.PlanBatch(nil, first)
		if err != nil {
			t.Fatal(err)
		}
		k := first[0].Known[family]
		if k.Blur != nil {
			return // it has groups, and those need one
		}
		k.Blur = blurOf(rapid.IntRange(0, sdc.MostBlur).Draw(t, "blur"))
		first[0].Known[family] = k
		blurred, _, err := sdc.PlanBatch(nil, first)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range blurred[0].Figures {
			for j, v := range f.Verdicts {
				if v.Key.Level() == sdc.LevelAll && v.Shown && !plain[0].Figures[i].Verdicts[j].Shown {
					t.Fatalf("%s is shown with a blur only", v.Key)
				}
			}
		}
	})
}
