package rank

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Audit knows every set whose sum was published of one indicator and period,
// and what follows from them together. Only Add changes it: the rest may be
// called from several goroutines at once.
type Audit struct {
	released *roaring.Bitmap
	floor    int
	atoms    partition
	basis    basis
	smallest int // of the groups found under the floor; zero: none
	gaveUp   int // added sets whose search was not completed
	broken   sabotage
}

// sabotage takes guards away, in tests only.
type sabotage struct {
	noSearch  bool // give up every search at once
	noPairs   bool // and then look at single rows of the basis only
	noRepivot bool // leave a row under a pivot that is no longer heavy
}

// New returns an audit of no sets. The students in released are known one by one
// and count in no set; nil is nobody. A group is small if it has at least one
// student who is not released and fewer than floor of them; with a floor of one or
// less none is.
func New(released *roaring.Bitmap, floor int) *Audit {
	known := roaring.New()
	if released != nil {
		known = released.Clone()
	}
	return &Audit{released: known, floor: floor, atoms: newPartition()}
}

// Admits reports whether no small group is exposed, now or once all of these sets
// are added, and whether that is certain. It adds none of them.
func (a *Audit) Admits(sets ...*roaring.Bitmap) bool {
	_, ok := a.With(sets...)
	return ok
}

// With returns the audit as it is once these sets are added, and what Admits says
// of them. The audit itself stays as it was.
func (a *Audit) With(sets ...*roaring.Bitmap) (*Audit, bool) {
	next := a.clone()
	next.Add(sets...)
	return next, next.smallest == 0 && next.gaveUp == a.gaveUp
}

// Add takes sets into the audit, admitted or not. They are not kept and not
// changed. A nil set is empty.
func (a *Audit) Add(sets ...*roaring.Bitmap) {
	for _, s := range sets {
		members, c := a.atoms.cut(a.unreleased(s))
		for _, v := range a.basis.cut(c, a.holds) {
			a.place(a.left(v))
		}
		if v := a.left(indicator(members)); len(v) > 0 {
			a.search(v)
			a.place(v)
		}
	}
}

// Computable reports whether the sum over the set follows from the added ones
// and the values of released students. A nil set is empty and so computable.
func (a *Audit) Computable(set *roaring.Bitmap) bool {
	members, ok := a.atoms.whole(a.unreleased(set))
	return ok && len(a.left(indicator(members))) == 0
}

// Exposed returns how many unreleased students the smallest group has that was
// found under the floor, or zero if none was. A group is the students whose values
// count in some weighted sum, whatever their weights. While GaveUp is zero, there is
// no smaller one.
func (a *Audit) Exposed() int { return a.smallest }

// GaveUp returns how many of the added sets were too entangled with earlier ones
// for every combination to be looked at. Of what became computable with such a set
// only groups of one atom or two, as they stood then, were certain to be found.
func (a *Audit) GaveUp() int { return a.gaveUp }

func (a *Audit) clone() *Audit {
	next := *a
	next.atoms, next.basis = a.atoms.clone(), a.basis.clone()
	return &next
}

func (a *Audit) unreleased(s *roaring.Bitmap) *roaring.Bitmap {
	if s == nil {
		return roaring.New()
	}
	return roaring.AndNot(s, a.released)
}

// heavy reports that an atom alone reaches the floor.
func (a *Audit) heavy(at atom) bool { return a.atoms.weight[at] >= a.floor }

// holds reports that an atom may stay the pivot of a heavy row.
func (a *Audit) holds(at atom) bool { return a.broken.noRepivot || a.heavy(at) }

// left is what remains of a vector when the basis is taken out of it.
func (a *Audit) left(v vector) vector { return a.basis.left(v, len(a.atoms.weight)) }

// heaviest is an entry of a vector that is not empty.
func (a *Audit) heaviest(v vector) entry {
	return slices.MaxFunc(v, func(x, y entry) int { return a.atoms.weight[x.at] - a.atoms.weight[y.at] })
}

// place puts what remained of a vector into the basis. The heaviest atom is a
// good pivot, because later sets are least likely to cut it up.
func (a *Audit) place(v vector) {
	if len(v) == 0 {
		return
	}
	if e := a.heaviest(v); a.heavy(e.at) {
		a.basis.heavy = append(a.basis.heavy, v.row(e))
		return
	}
	a.basis.addLight(v)
}

// search looks for smaller groups than are known among the sums in which a new
// vector takes part. The others were looked at before: to cut an atom changes
// neither a sum nor how many students are in it. With a heavy atom that no other
// row can take away, none of the sums is over a small group.
func (a *Audit) search(v vector) {
	h := hunt{limit: a.floor - 1, work: searchWork, broken: a.broken}
	if a.smallest != 0 {
		h.limit = a.smallest - 1
	}
	if h.limit < 1 || a.heavy(a.heaviest(v).at) {
		return
	}
	h.search(codeWith(v, a.basis.light, a.atoms.weight))
	if h.work < 0 {
		a.gaveUp++
		with := a.basis.clone()
		with.addLight(v)
		h.pairs(codeOf(with.light, a.atoms.weight))
	}
	if h.found != 0 {
		a.smallest = h.found
	}
}
