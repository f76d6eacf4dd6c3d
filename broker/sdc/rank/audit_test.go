package rank_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

func TestWhatIsExposedIsTheSmallestGroupThatCanBeComputed(t *testing.T) {
	t.Parallel()
	for name, worlds := range map[string]*rapid.Generator[town]{"small": smallTowns(), "wide": wideTowns()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := worlds.Draw(t, "town")
				a := rank.New(w.released, w.floor)
				for i, s := range w.sets {
					admitted := a.Admits(s)
					a.Add(s)
					if a.GaveUp() > 0 { // seldom, and then nothing is admitted
						if admitted || name == "small" {
							t.Fatalf("after %d sets the search was not completed; admitted: %t", i+1, admitted)
						}
						return
					}
					want := w.smallest(w.sets[:i+1])
					if got := a.Exposed(); got != want || admitted != (want == 0) {
						t.Fatalf("after %d sets exposed %d, not %d; admitted: %t", i+1, got, want, admitted)
					}
				}
			})
		})
	}
}

// The audit in use: what it refuses is not added.
func TestAnAuditThatIsObeyedExposesNobodyAndRefusesNothingHarmless(t *testing.T) {
	t.Parallel()
	for name, worlds := range map[string]*rapid.Generator[town]{"small": smallTowns(), "wide": wideTowns()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := worlds.Draw(t, "town")
				a := rank.New(w.released, w.floor)
				var added []*roaring.Bitmap
				for pair := range slices.Chunk(w.sets, 2) {
					next := slices.Concat(added, pair)
					want := w.smallest(next) == 0
					grown, got := a.With(pair...)
					if grown.GaveUp() > 0 {
						if got {
							t.Fatalf("admitted after %d sets, and the search was not completed", len(added))
						}
						continue
					}
					if got != want {
						t.Fatalf("after %d sets admitted: %t", len(added), got)
					}
					if want {
						a.Add(pair...)
						added = next
					}
				}
				if got := a.Exposed(); got != 0 {
					t.Fatalf("exposed %d", got)
				}
			})
		})
	}
}

func TestASetIsComputableIfItAddsNothingToTheRank(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := smallTowns().Draw(t, "town")
		a := rank.New(w.released, w.floor)
		a.Add(w.sets...)
		m, open := masks(w.sets), w.open()
		for _, target := range atomsOf(m, 1<<w.students-1) {
			for _, extra := range append(slices.Clone(m), 0, 1) {
				s := roaring.New()
				for x := range w.students {
					if (target|extra)>>x&1 == 1 {
						s.Add(uint32(x))
					}
				}
				want := rankOf(append(slices.Clone(m), mask(s)), open) == rankOf(m, open)
				if got := a.Computable(s); got != want {
					t.Fatalf("%v computable: %t", s, got)
				}
			}
		}
	})
}

func TestTheOrderOfSetsAndTheirRepetitionChangeNoAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := wideTowns().Draw(t, "town")
		a, b := rank.New(w.released, w.floor), rank.New(w.released, w.floor)
		a.Add(w.sets...)
		for _, s := range rapid.Permutation(slices.Concat(w.sets, w.sets)).Draw(t, "another order") {
			b.Add(s)
		}
		if a.Exposed() != b.Exposed() {
			t.Fatalf("exposed %d, in another order %d", a.Exposed(), b.Exposed())
		}
		target := union(t, w.families(t))
		if a.Computable(target) != b.Computable(target) {
			t.Fatalf("computable in one order only: %v", target)
		}
	})
}

func TestEqualSetsInEqualOrderMakeEqualAudits(t *testing.T) {
	t.Parallel()
	rows := tangled()
	a, b := rank.New(nil, 10), rank.New(nil, 10)
	for _, r := range rows {
		a.Add(r...)
		b.Add(r...)
		if rank.SizeOf(a) != rank.SizeOf(b) || a.Exposed() != b.Exposed() || a.GaveUp() != b.GaveUp() {
			t.Fatalf("%+v exposes %d, %+v %d", rank.SizeOf(a), a.Exposed(), rank.SizeOf(b), b.Exposed())
		}
	}
}

func TestAskingChangesNeitherTheAuditNorTheSets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := smallTowns().Draw(t, "town")
		given := []*roaring.Bitmap{w.released.Clone()}
		asked, plain := rank.New(w.released, w.floor), rank.New(w.released, w.floor)
		for i, s := range w.sets {
			given = append(given, s.Clone())
			asked.Admits(w.sets[i:]...)
			asked.Computable(w.sets[len(w.sets)-1])
			asked.Add(s)
			plain.Add(s)
			if rank.SizeOf(asked) != rank.SizeOf(plain) || asked.Exposed() != plain.Exposed() {
				t.Fatalf("asked %+v, not asked %+v", rank.SizeOf(asked), rank.SizeOf(plain))
			}
		}
		for i, s := range append([]*roaring.Bitmap{w.released}, w.sets...) {
			if !s.Equals(given[i]) {
				t.Fatalf("set %d was changed", i)
			}
		}
	})
}

func TestTheAuditKeepsNoSetThatItWasGiven(t *testing.T) {
	t.Parallel()
	released, s := between(0, 5), between(0, 20)
	a := rank.New(released, 10)
	a.Add(s)
	released.Clear()
	s.Remove(19)
	if !a.Computable(between(0, 20)) || !a.Computable(between(5, 20)) || a.Computable(s) {
		t.Error("a set that was changed later changed the audit")
	}
}

func TestReleasedStudentsAreInNoSet(t *testing.T) {
	t.Parallel()
	a := rank.New(between(0, 11), 10)
	a.Add(between(5, 30))
	for _, s := range []*roaring.Bitmap{nil, roaring.New(), between(0, 11), between(0, 30), between(11, 30)} {
		if !a.Computable(s) {
			t.Errorf("%v is not computable", s)
		}
	}
	if a.Admits(between(5, 29)) {
		t.Error("one unreleased student can be told from the rest")
	}
	if !a.Admits(nil, roaring.New(), between(0, 11), between(0, 30)) {
		t.Error("sets that differ in released students only are refused")
	}
}

func TestStudentsInNoSetAreNotComputable(t *testing.T) {
	t.Parallel()
	a := rank.New(nil, 10)
	if a.Computable(between(0, 12)) || a.Exposed() != 0 {
		t.Error("something can be computed from nothing")
	}
	a.Add(between(0, 12))
	if a.Computable(between(0, 13)) || a.Computable(between(12, 13)) {
		t.Error("a student in no set can be computed")
	}
}

func TestWhatWasExposedStaysExposedAndRefusesAll(t *testing.T) {
	t.Parallel()
	a := rank.New(nil, 10)
	a.Add(between(0, 20), between(0, 13))
	if got := a.Exposed(); got != 7 {
		t.Fatalf("exposed %d, not 7", got)
	}
	if a.Admits() || a.Admits(between(40, 60)) {
		t.Error("an audit that exposes somebody admits a set")
	}
	a.Add(between(13, 15))
	if got := a.Exposed(); got != 2 {
		t.Errorf("exposed %d, not 2", got)
	}
}

func TestWithAFloorOfOneOrLessNoGroupIsSmall(t *testing.T) {
	t.Parallel()
	for _, floor := range []int{-1, 0, 1} {
		a := rank.New(nil, floor)
		if !a.Admits(between(0, 1), between(0, 2)) {
			t.Errorf("a floor of %d refuses one student", floor)
		}
	}
}

func TestOrdinalsMayBeFarApart(t *testing.T) {
	t.Parallel()
	s := between(0, 4)
	s.AddMany([]uint32{1 << 12, 1 << 16, 1 << 31, math.MaxUint32 - 1, math.MaxUint32})
	a := rank.New(nil, 10)
	a.Add(s)
	if got := a.Exposed(); got != 9 {
		t.Errorf("exposed %d, not 9", got)
	}
}

// A set of thirty is cut up until no part reaches the floor: the row that it
// began as has then to give up its pivot.
func TestASetThatIsCutToPiecesIsStillKnown(t *testing.T) {
	t.Parallel()
	others := between(100, 200)
	a := rank.New(nil, 10)
	a.Add(between(0, 30), others)
	for piece := range 4 { // six students each; six are left
		s := between(6*piece, 6*piece+6)
		s.Or(others)
		s.AddRange(uint64(1000+100*piece), uint64(1100+100*piece)) // nobody else knows these
		if !a.Admits(s) {
			t.Fatalf("piece %d is refused", piece)
		}
		a.Add(s)
	}
	if !a.Computable(between(0, 30)) {
		t.Error("the set that was cut up was forgotten")
	}
	if a.Admits(between(0, 24)) {
		t.Error("the last six of thirty can be computed")
	}
	a.Add(between(0, 24))
	if got := a.Exposed(); got != 6 {
		t.Errorf("exposed %d, not 6", got)
	}
}

// tangled makes pairs of sets in which nearly every student is an atom alone, so
// that there are too many combinations to look at.
func tangled() [][]*roaring.Bitmap {
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]*roaring.Bitmap
	for range 25 {
		pair := []*roaring.Bitmap{roaring.New(), roaring.New()}
		for x := range uint32(150) {
			if side := r.IntN(3); side < 2 {
				pair[side].Add(x)
			}
		}
		out = append(out, pair)
	}
	return out
}

func TestATangleIsGivenUpButADifferenceOfTwoStudentsIsFound(t *testing.T) {
	t.Parallel()
	a := rank.New(nil, 10)
	var last *roaring.Bitmap
	for _, pair := range tangled() {
		a.Add(pair...)
		last = pair[0]
	}
	if a.GaveUp() == 0 || a.Exposed() != 0 {
		t.Fatalf("gave up %d, exposed %d: the tangle is none", a.GaveUp(), a.Exposed())
	}
	near := last.Clone()
	near.Remove(near.Minimum())
	near.Add(1000)
	if a.Admits(near) {
		t.Error("two students can be told from each other")
	}
}
