package sdc

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// relation is one sum that readers know: the parts add up to the whole row.
type relation struct {
	parent   *row
	children []*row
}

// relate finds every sum among the rows: all over schools, all over grades, a
// school over its grades, a grade over its schools, all over the groups of a
// dimension. Parts that do not cover
// their whole leave a hidden remainder, which the rule sees as a set.
func relate(rows []*row) []relation {
	var out []relation
	for _, p := range rows {
		for _, level := range Levels()[1:] {
			for kids := childrenOf(p.key, level, rows); len(kids) > 0; {
				other := func(r *row) bool { return r.key.dimension() != kids[0].key.dimension() }
				n := slices.IndexFunc(kids, other)
				if n < 0 {
					n = len(kids)
				}
				out = append(out, relation{parent: p, children: kids[:n:n]})
				kids = kids[n:]
			}
		}
	}
	return out
}

func childrenOf(parent Key, level Level, rows []*row) []*row {
	var out []*row
	for _, r := range rows {
		if r.key.Level() == level && isPart(parent, r.key) {
			out = append(out, r)
		}
	}
	return out
}

// isPart reports whether rows of the child's level divide the parent directly.
func isPart(parent, child Key) bool {
	switch parent.Level() {
	case LevelAll:
		return child.Level() == LevelSchool || child.Level() == LevelGrade || child.Level() == LevelGroup
	case LevelSchool:
		return child.Level() == LevelSchoolGrade && child.School == parent.School
	case LevelGrade:
		return child.Level() == LevelSchoolGrade && child.Grade == parent.Grade
	}
	return false
}

// remainder is the parent's set on one side without its visible children, and
// the children with students that are not visible.
func (rel relation) remainder(s side, visible func(*row) bool) (*roaring.Bitmap, []*row) {
	left, hidden := rel.parent.sets[s].Clone(), []*row(nil)
	for _, c := range rel.children {
		switch {
		case visible(c):
			left.AndNot(c.sets[s])
		case !c.sets[sideT].IsEmpty():
			hidden = append(hidden, c)
		}
	}
	return left, hidden
}

// lone reports that the hidden rows are one, and that it must not be known. A row
// that was left out for its size or the number of figures alone is no secret.
func lone(hidden []*row) bool {
	return len(hidden) == 1 && (hidden[0].reason.secret() || hidden[0].reason == ReasonNone)
}

// safe reports whether the parts of a shown parent that stay hidden number
// none or at least two, and are together harmless on both sides and as a whole.
func (f *figure) safe(rel relation, h ledger, visible func(*row) bool) bool {
	for s := range sides {
		left, hidden := rel.remainder(s, visible)
		if left.IsEmpty() {
			continue
		}
		if lone(hidden) || !f.known.hides(left, f.limits.HiddenFloor) || !f.apart(h, left) {
			return false
		}
	}
	return true
}

// smallest returns the smallest of the rows by cohort, then by whole; of equal
// ones the last in order.
func smallest(rows []*row) *row {
	return slices.MinFunc(rows, func(a, b *row) int { return -bySize(a, b) })
}

// bySize orders rows largest first.
func bySize(a, b *row) int {
	return cmp.Or(
		cmp.Compare(size(b.sets[sideP]), size(a.sets[sideP])),
		cmp.Compare(size(b.sets[sideT]), size(a.sets[sideT])),
		CompareKeys(a.key, b.key),
	)
}
