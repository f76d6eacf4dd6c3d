package sdc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// inTurn lets students say yes one after the other and returns how many were
// let through before the first that was held, or -1 where nobody was.
func inTurn(h sdc.History, anyone *roaring.Bitmap, students []uint32) int {
	var openings []sdc.Opening
	for i, x := range students {
		openings = append(openings, sdc.Opening{ID: fmt.Sprintf("%04d", i), SignedAt: time.Unix(int64(i), 0), Student: x})
	}
	held, _ := sdc.Admit(h, anyone, openings)
	if len(held) == 0 {
		return -1
	}
	return slices.IndexFunc(openings, func(o sdc.Opening) bool { return o.ID == held[0] })
}

// narrow are the sets that somebody would open who wants to be held soon: what is
// left of each published set, and of what each two are apart.
func narrow(h sdc.History, anyone *roaring.Bitmap) [][]uint32 {
	var out [][]uint32
	for _, s := range h {
		out = append(out, roaring.AndNot(s.Set, anyone).ToArray())
		for _, o := range h {
			inside := roaring.AndNot(roaring.AndNot(s.Set, o.Set), anyone).ToArray()
			beyond := roaring.AndNot(roaring.AndNot(o.Set, s.Set), anyone).ToArray()
			out = append(out, append(beyond, inside...))
		}
	}
	return out
}

// leastSlack is that over all agreements.
func leastSlack(w world, h sdc.History, anyone *roaring.Bitmap) (int, bool) {
	least, some := 0, false
	for _, c := range w.candidates {
		if n, ok := h.Slack(c.Agreement, anyone); ok && (!some || n < least) {
			least, some = n, true
		}
	}
	return least, some
}

func TestNobodyIsHeldWithinTheSlackAndSomebodyIsRightAfterIt(t *testing.T) {
	t.Parallel()
	told := map[int]bool{}
	for seed := range uint64(40) {
		w := makeWorld(seed)
		_, h, err := sdc.PlanBatch(nil, w.candidates)
		if err != nil {
			t.Fatal(err)
		}
		if h = h[:min(len(h), 12)]; len(h) == 0 { // every pair is tried
			continue
		}
		anyone := w.known[w.candidates[0].Agreement].Any
		n, some := leastSlack(w, h, anyone)
		r := rand.New(rand.NewPCG(seed, 7))
		soonest := -1
		tries := narrow(h, anyone)
		for range 5 {
			all := roaring.Flip(roaring.New(), 0, uint64(w.students)).ToArray()
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			tries = append(tries, all)
		}
		for _, students := range tries {
			if at := inTurn(h, anyone, students); at >= 0 && (soonest < 0 || at < soonest) {
				soonest = at
			}
		}
		if some != (soonest >= 0) || some && soonest != n {
			t.Errorf("world %d: a slack of %d (%t), and somebody is held after %d", seed, n, some, soonest)
		}
		told[n] = true
	}
	if len(told) < 4 {
		t.Errorf("the worlds are no test: the slacks are %v", told)
	}
}

func TestTheSlackOfTwelveOverAFloorOfTenIsTwo(t *testing.T) {
	t.Parallel()
	set := roaring.New()
	set.AddRange(0, 12)
	h := sdc.History{{Agreement: "a", Indicator: "i", Family: family, Role: sdc.RoleCohort, Floor: 10, Set: set}}
	for known, want := range map[int]int{0: 2, 1: 1, 2: 0, 5: 0} {
		anyone := roaring.New()
		anyone.AddRange(0, uint64(known))
		if got, some := h.Slack("a", anyone); !some || got != want {
			t.Errorf("with %d known the slack is %d (%t), not %d", known, got, some, want)
		}
	}
	if _, some := h.Slack("a", set); some {
		t.Error("somebody could be held although all are known")
	}
	if _, some := h.Slack("b", nil); some {
		t.Error("an agreement without figures has a slack")
	}
}

// What another agreement shows of the same students is given away by them too, if they
// are enough to do it.
func TestTheSlackIsTheLeastOfEveryFigureThatItsStudentsCanGiveAway(t *testing.T) {
	t.Parallel()
	between := func(from, to uint64) *roaring.Bitmap {
		set := roaring.New()
		set.AddRange(from, to)
		return set
	}
	pooled := sdc.PublishedSet{Agreement: "pooled", Indicator: "i", Family: family, Role: sdc.RoleCohort, Floor: 5, Set: between(0, 40)}
	for name, c := range map[string]struct {
		set  *roaring.Bitmap
		want int
	}{
		"a school of its own students":        {between(0, 13), 3},
		"a group at its floor":                {between(30, 40), 0},
		"others":                              {between(40, 52), 35},
		"as many of it as there are to spare": {between(38, 50), 35},
		"one more of it":                      {between(37, 49), 2},
	} {
		h := sdc.History{pooled, {Agreement: "b", Indicator: "other", Family: family, Role: sdc.RoleCohort, Floor: 10, Set: c.set}}
		got, some := h.Slack("pooled", nil)
		if !some || got != c.want {
			t.Errorf("%s: a slack of %d (%t), want %d", name, got, some, c.want)
		}
		if at := inTurn(h, nil, between(0, 40).ToArray()); c.set.Minimum() == 0 && at != c.want {
			t.Errorf("%s: somebody is held after %d", name, at)
		}
	}
}
