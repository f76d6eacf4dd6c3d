package sdc

import "github.com/RoaringBitmap/roaring/v2"

// Slack returns how many students of an agreement's sets may still be opened to
// somebody, in the worst order, before the next one is held (Held): the least
// over its published sets, over their differences with others of the same
// indicator, and over the sets of other agreements that its own participants could
// open so far. Differences of two sets of others are not looked at. h is one family
// of one period, over every agreement; anyone is V_any of that family. None is
// returned where nothing of the agreement can be held, because nothing of it is
// published or all of it is known.
func (h History) Slack(agreement string, anyone *roaring.Bitmap) (yeses int, some bool) {
	g := guard{after: orEmpty(anyone)}
	participants := roaring.New()
	for _, p := range h {
		s := guarded{p, roaring.AndNot(p.Set, g.after)}
		g.sets = append(g.sets, s)
		if p.Agreement == agreement && p.Role == RoleCohort {
			participants.Or(s.left)
		}
	}
	least := slack{}
	for _, s := range g.sets {
		switch {
		case s.Agreement != agreement:
			least.reach(s, participants)
		case !s.left.IsEmpty():
			g.own(s, &least)
		}
	}
	return least.yeses, least.some
}

// own takes a set of the agreement and its differences with all others.
func (g guard) own(s guarded, least *slack) {
	least.take(size(s.left) - s.Floor)
	for _, o := range g.sets {
		if n, ok := g.between(s, o, *least); ok {
			least.take(n)
		}
	}
}

// reach takes another agreement's set if so many of it are participants that they
// could open what it has to spare, and one more.
func (s *slack) reach(o guarded, participants *roaring.Bitmap) {
	spare := max(size(o.left)-o.Floor, 0)
	if int(o.left.AndCardinality(participants)) > spare {
		s.take(spare)
	}
}

// slack is the least of what it was given, never under none.
type slack struct {
	yeses int
	some  bool
}

func (s *slack) take(n int) {
	if n = max(n, 0); !s.some || n < s.yeses {
		s.yeses, s.some = n, true
	}
}

// between is what the difference of two sets leaves, where that is less than what
// was found already and some student could be held for it. Sizes alone often say
// that it is not.
func (g guard) between(s, o guarded, least slack) (int, bool) {
	if s.Indicator != o.Indicator || !s.Set.Intersects(o.Set) {
		return 0, false
	}
	enough := least.yeses + max(s.Floor, o.Floor)
	if n := size(s.left) - size(o.left); max(n, -n) >= enough {
		return 0, false
	}
	apart := size(s.left) + size(o.left) - 2*int(s.left.AndCardinality(o.left))
	if apart >= enough || without(s.left, o.Set)+without(o.left, s.Set) == 0 || g.public(s.Indicator, roaring.Xor(s.Set, o.Set)) {
		return 0, false
	}
	return apart - max(s.Floor, o.Floor), true
}
