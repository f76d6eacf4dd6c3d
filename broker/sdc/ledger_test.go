package sdc

import (
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"
)

// drawSet draws students, some of whose ordinals are far from the others'.
func drawSet(t *rapid.T, name string) *roaring.Bitmap {
	s := roaring.New()
	for _, x := range rapid.SliceOf(rapid.Uint32Range(0, 90)).Draw(t, name) {
		if x > 85 {
			x *= 40_000_000
		}
		s.Add(x)
	}
	return s
}

// drawFigure draws what is known of a figure's students and how much of a
// difference must stay unknown.
func drawFigure(t *rapid.T) *figure {
	k := Known{Self: drawSet(t, "self"), Any: drawSet(t, "any")}
	if rapid.Bool().Draw(t, "as by grants") {
		k.Any.Or(k.Self)
	}
	if rapid.Bool().Draw(t, "blurred") {
		k.Blur = blurred
	}
	return &figure{indicator: "i", known: k, given: roaring.Or(k.Self, k.Any), limits: Thresholds{HiddenFloor: rapid.IntRange(1, 12).Draw(t, "floor")}}
}

// blurred is a blur that hangs on who the students are.
func blurred(left *roaring.Bitmap) int {
	sum := uint32(0)
	left.Iterate(func(x uint32) bool {
		sum += x
		return true
	})
	return int(sum % (MostBlur + 1))
}

func drawHistory(t *rapid.T, name string, indicators ...string) (h History) {
	for range rapid.IntRange(0, 12).Draw(t, name) {
		set := drawSet(t, "published")
		if len(h) > 0 && rapid.Bool().Draw(t, "like another") { // near what was published before
			set.Xor(h[rapid.IntRange(0, len(h)-1).Draw(t, "which")].Set)
		}
		h = append(h, PublishedSet{Indicator: rapid.SampledFrom(indicators).Draw(t, "indicator"), Set: set})
	}
	return h
}

func TestALedgerAnswersAsTheRuleDoes(t *testing.T) {
	t.Parallel()
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFigure(t)
		earlier, later, coming := drawHistory(t, "earlier", "i", "j"), drawHistory(t, "later", "i"), drawHistory(t, "coming", "i")
		l := newLedgers(earlier)
		if rapid.Bool().Draw(t, "asked before") {
			l.of(drawFigure(t))
		}
		l.publish(f, later)
		candidate := drawSet(t, "candidate")
		if all := slices.Concat(earlier, later, coming); len(all) > 0 && rapid.Bool().Draw(t, "near another") {
			candidate.Xor(all[rapid.IntRange(0, len(all)-1).Draw(t, "which")].Set)
		}
		want := slices.Concat(earlier.Of("i"), later, coming).Difference(candidate, f.known, f.limits.HiddenFloor)
		if !want {
			refused++
		}
		if got := f.apart(l.of(f).with(f, coming), candidate); got != want {
			t.Fatalf("the ledger says %t, the rule %t", got, want)
		}
	})
	if refused == 0 {
		t.Error("the rule refused no candidate")
	}
}

func TestARowIsHeldAgainstWhatWasPublishedSince(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFigure(t)
		set := drawSet(t, "row")
		r := &row{sets: [sides]*roaring.Bitmap{set, set, set}}
		l := newLedgers(nil)
		apart, want := true, true
		for range 3 {
			l.publish(f, drawHistory(t, "published", "i"))
			if other := drawFigure(t); rapid.IntRange(0, 3).Draw(t, "another partner asks") == 0 {
				l.of(other)
			}
			apart = apart && f.stillApart(l.of(f), r)
			want = want && l.sets["i"].Difference(set, f.known, f.limits.HiddenFloor) // a refusal stands, though what was too close be published later
			if apart != want {
				t.Fatalf("held against what is new the row is apart: %t; against all: %t", apart, want)
			}
		}
	})
}

func TestWordsCountAsBitmapsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := newOrder()
		if rapid.Bool().Draw(t, "seated") {
			o.seat([]Candidate{{Rows: []RowSets{{Key: Key{School: "A", Grade: "9"}, T: drawSet(t, "cell")}, {T: drawSet(t, "whole")}}}})
		}
		a, b := drawSet(t, "a"), drawSet(t, "b")
		x, y := o.words(a), o.words(b)
		if x.count != size(a) || x.apart(y) != size(roaring.Xor(a, b)) {
			t.Fatalf("%v and %v: %d students, %d apart", a, b, x.count, x.apart(y))
		}
		if x.beyond(y) && a.Intersects(b) {
			t.Fatalf("%v is said to share nobody with %v", a, b)
		}
	})
}

func TestStudentsOfAGradeOfASchoolStandSideBySide(t *testing.T) {
	t.Parallel()
	o := newOrder()
	odd, even := roaring.New(), roaring.New()
	for x := range uint32(640) {
		if x%2 == 0 {
			even.Add(x)
		} else {
			odd.Add(x)
		}
	}
	o.seat([]Candidate{{Rows: []RowSets{{T: roaring.Or(odd, even)}, {Key: Key{School: "A", Grade: "9"}, T: odd}, {Key: Key{School: "B", Grade: "9"}, T: even}}}})
	if a, b := o.words(odd), o.words(even); len(a.at) != 5 || len(b.at) != 5 || !a.beyond(b) {
		t.Errorf("320 students of one grade fill %d words, 320 of another %d", len(a.at), len(b.at))
	}
}
