package sdc

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// wholes decides, once all rows of the period are settled, which withheld rows
// show their whole alone, and returns what that publishes. Beside a cohort that
// is too small nothing stands: a partner could name one child and learn from
// the whole's size whether and where it goes to school. Beside a group
// nothing stands, for its size is not the partner's to know.
func (f *figure) wholes(h ledger) History {
	var out History
	all := h
	for _, r := range f.rows {
		if r.shown || r.key.Level() == LevelGroup || r.sets[sideT].IsEmpty() || size(r.sets[sideP]) < f.limits.MinCohort || !f.wholeRule(r) {
			continue
		}
		r.whole = true
		gives, ok := f.giveWhole(r, all)
		audit, admitted := f.public.audit.With(r.sets[sideT])
		if !ok || !admitted && !f.broken.noRank {
			r.whole = false
			continue
		}
		f.span, f.public.audit = f.span.with(r.vectors[sideT]), audit
		out, all = append(out, gives...), all.with(f, gives)
	}
	return out
}

// giveWhole lists all that showing the whole of a row gives away, or reports
// that it must not be shown.
func (f *figure) giveWhole(r *row, h ledger) (History, bool) {
	set := r.sets[sideT]
	derived, ok := f.wholeKeeps(f.span.with(r.vectors[sideT]), r, h)
	left := f.wholeRemainders(r)
	if !ok || !f.apart(h, set) || !f.wholeSums(h, left) {
		return nil, false
	}
	out := append(History{f.published(r, RoleWhole, f.limits.WholeFloor, set)}, derived...)
	for _, l := range left {
		out = append(out, f.published(l.parent, RoleHidden, f.limits.HiddenFloor, l.set))
	}
	return out, true
}

// leftover is what stays hidden of a known whole, and in how many parts.
type leftover struct {
	parent *row
	set    *roaring.Bitmap
	parts  int
}

// wholeRemainders lists the leftovers of the sums that the row takes part in.
func (f *figure) wholeRemainders(r *row) []leftover {
	visible := func(o *row) bool { return o.shown || o.whole }
	var out []leftover
	for _, rel := range f.relations {
		if !visible(rel.parent) || rel.parent != r && !slices.Contains(rel.children, r) || !slices.ContainsFunc(rel.children, visible) {
			continue
		}
		if set, parts := rel.remainder(sideT, visible); !set.IsEmpty() {
			out = append(out, leftover{rel.parent, set, len(parts)})
		}
	}
	return out
}

// wholeKeeps lists the sets that become computable, or reports that one of
// them must not: any but the joining whole itself and wholes that may be shown
// alone.
func (f *figure) wholeKeeps(next span, joining *row, h ledger) (History, bool) {
	if f.broken.noSpan {
		return nil, true
	}
	var out History
	for i, r := range f.rows {
		for _, s := range f.fresh(i, f.span, next) {
			fit := r.sets[s].Equals(joining.sets[sideT]) || s == sideT && f.wholeRule(r)
			if !fit || !f.apart(h, r.sets[s]) {
				return nil, false
			}
			out = append(out, f.published(r, RoleHidden, f.limits.HiddenFloor, r.sets[s]))
		}
	}
	return out, true
}

// wholeSums reports that each leftover is harmless and, where it is one row,
// fit to be shown alone.
func (f *figure) wholeSums(h ledger, left []leftover) bool {
	return f.broken.noComplement || !slices.ContainsFunc(left, func(l leftover) bool {
		fit := l.parts != 1 || f.big(l.set, f.limits.MinTotal, f.limits.WholeFloor)
		return !fit || !f.known.hides(l.set, f.limits.HiddenFloor) || !f.apart(h, l.set)
	})
}
