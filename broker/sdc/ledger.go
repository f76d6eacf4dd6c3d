package sdc

import (
	"iter"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// entry is a published set as the difference rule looks at it first: the
// students in it whom nobody was given.
type entry struct {
	set  *roaring.Bitmap
	left words
}

// index holds the published sets of one indicator by how many of their students
// nobody was given. Two sets whose numbers are far apart are far apart
// themselves, so a candidate has to be held against those of about its own
// number only.
type index struct {
	order *order
	given *roaring.Bitmap // released to the partner who asks or to anyone
	sets  map[int][]numbered
	size  int
}

// numbered is an entry with its number in the order of publication.
type numbered struct {
	*entry
	number int
}

func newIndex(o *order, given *roaring.Bitmap) *index {
	return &index{order: o, given: given, sets: map[int][]numbered{}}
}

func (x *index) entry(s *roaring.Bitmap) *entry {
	return &entry{s, x.order.words(roaring.AndNot(s, x.given))}
}

func (x *index) add(e *entry) {
	n := e.left.count
	x.sets[n] = append(x.sets[n], numbered{e, x.size})
	x.size++
}

// near yields the sets from a number on of which about as many students were given
// to nobody: fewer than enough apart.
func (x *index) near(e *entry, from, enough int) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for n := max(0, e.left.count-enough+1); n < e.left.count+enough; n++ {
			for _, earlier := range slices.Backward(x.sets[n]) {
				if earlier.number < from {
					break
				}
				if !yield(earlier.entry) {
					return
				}
			}
		}
	}
}

// holds reports that a set is published.
func (x *index) holds(e *entry) bool {
	return slices.ContainsFunc(x.sets[e.left.count], func(o numbered) bool { return o.set.Equals(e.set) })
}

// keeps is the difference rule against one set. What separates the two among
// students given to nobody is a lower bound of both its counts.
func (e *entry) keeps(earlier *entry, k Known, floor int) bool {
	enough := k.enough(floor)
	if e.left.beyond(earlier.left) && e.left.count+earlier.left.count >= enough {
		return true
	}
	return e.left.apart(earlier.left) >= enough || keepsApart(earlier.set, e.set, k, floor)
}

// ledger is an index with the sets that are about to be published.
type ledger struct {
	*index
	coming []*entry
}

// with returns the ledger with more sets that are about to be published.
func (l ledger) with(f *figure, h History) ledger {
	coming := slices.Clip(l.coming)
	for _, p := range h {
		coming = append(coming, f.entry(l.index, p.Set))
	}
	return ledger{l.index, coming}
}

// apart is the difference rule against the sets from a number on and those that
// are coming. A difference that is a set of its own, published or coming, is not
// judged here: it has passed, or has to, by its own floor.
func (l ledger) apart(f *figure, e *entry, from int, with []*roaring.Bitmap) bool {
	floor := f.limits.HiddenFloor
	enough := f.known.enough(floor)
	tooClose := func(o *entry) bool {
		return !e.keeps(o, f.known, floor) && !l.open(roaring.Xor(e.set, o.set), with)
	}
	for o := range l.near(e, from, enough) {
		if tooClose(o) {
			return false
		}
	}
	return !slices.ContainsFunc(l.coming, func(o *entry) bool {
		far := max(e.left.count-o.left.count, o.left.count-e.left.count) >= enough
		return !far && tooClose(o)
	})
}

// open reports that a set is published, is coming, or is one of a list.
func (l ledger) open(set *roaring.Bitmap, with []*roaring.Bitmap) bool {
	return among(with, set) || l.holds(l.entry(set)) ||
		slices.ContainsFunc(l.coming, func(o *entry) bool { return o.set.Equals(set) })
}

// ledgers are the published sets of a batch, by indicator.
type ledgers struct {
	order *order
	sets  map[string]History
	kept  map[string]*index
}

func newLedgers(earlier History) *ledgers {
	l := &ledgers{order: newOrder(), sets: map[string]History{}, kept: map[string]*index{}}
	for _, p := range earlier {
		l.sets[p.Indicator] = append(l.sets[p.Indicator], p)
	}
	return l
}

// of returns what was published of a figure's indicator. Partners to whom the
// same students are given share an index: as a rule all of them do, because what
// one may read is among what anyone was ever given.
func (l *ledgers) of(f *figure) ledger {
	x := l.kept[f.indicator]
	if x == nil || !x.given.Equals(f.given) {
		x = newIndex(l.order, f.given)
		for _, p := range l.sets[f.indicator] {
			x.add(x.entry(p.Set))
		}
		l.kept[f.indicator] = x
	}
	return ledger{index: x}
}

// publish appends what a figure publishes.
func (l *ledgers) publish(f *figure, h History) {
	l.sets[f.indicator] = append(l.sets[f.indicator], h...)
	x := l.of(f).index
	for _, p := range h {
		x.add(f.entry(x, p.Set))
	}
}
