package sdc

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

// settle decides the rows of one level and returns what they publish. Hiding
// one row for a sum may uncover another by a longer combination, so the two
// checks repeat until neither hides anything more.
func (f *figure) settle(level Level, h ledger) History {
	f.block(h)
	for {
		f.hideForSums(level, h)
		g := f.grow(level, h)
		if g.rejected == nil {
			var left History
			if left, g.rejected = f.leftovers(g, h); g.rejected == nil {
				return append(f.commit(g), left...)
			}
			g.why = ReasonComplementary
		}
		g.rejected.reason = g.why
	}
}

// block marks the rows of all levels that may not be shown whatever else is:
// deeper ones too, so that no coarse row gives them away.
func (f *figure) block(h ledger) {
	for _, r := range f.rows {
		switch {
		case r.shown || r.reason != ReasonNone:
		case !f.primary(r):
			r.reason = ReasonPrimary
		case !f.stillApart(h, r):
			r.reason = ReasonDifference
		case !f.detailed(r):
			r.reason = ReasonDetail
		case !f.broken.noExposure && f.public.exposed(r.sets[sideP]):
			r.reason = ReasonExposure
		}
	}
}

// hopeful reports that a row is shown or, at this level, not yet hidden.
func (r *row) hopeful(level Level) bool {
	return r.shown || r.reason == ReasonNone && r.key.Level() == level
}

// hideForSums hides the smallest parts of each shown row of the level until
// what stays hidden of it is harmless as a sum.
func (f *figure) hideForSums(level Level, h ledger) {
	if f.broken.noComplement {
		return
	}
	visible := func(r *row) bool { return r.hopeful(level) }
	for changed := true; changed; {
		changed = false
		for _, rel := range f.relations {
			if rel.children[0].key.Level() != level || !rel.parent.shown || f.safe(rel, h, visible) {
				continue
			}
			if victims := rel.undecided(visible); len(victims) > 0 {
				smallest(victims).reason = ReasonComplementary
				changed = true
			}
		}
	}
}

func (rel relation) undecided(visible func(*row) bool) []*row {
	return slices.DeleteFunc(slices.Clone(rel.children), func(r *row) bool { return r.shown || !visible(r) })
}

// growth is the outcome of one attempt to show a level.
type growth struct {
	span     span
	accepted []*row
	implied  []*row  // of deeper levels, now computable and harmless: shown with the others
	derived  History // single sets, cohort or rest alone, that are now computable
	audit    *rank.Audit
	rejected *row   // the first row that must not join
	why      Reason // and why
}

// grow adds the remaining rows of the level, largest first, and stops at the
// first that must not join.
func (f *figure) grow(level Level, h ledger) growth {
	g := growth{span: f.span, audit: f.public.audit}
	for _, r := range f.candidates(level) {
		all := h.with(f, g.published(f))
		next, ok := f.join(g, r, all)
		if !ok || !f.apart(all, r.sets[:]...) {
			return growth{rejected: r, why: ReasonComplementary}
		}
		if next.audit, ok = g.audit.With(r.sets[sideP], r.sets[sideT]); !ok && !f.broken.noRank {
			return growth{rejected: r, why: ReasonRank}
		}
		g = next
	}
	return g
}

func (f *figure) candidates(level Level) []*row {
	out := slices.DeleteFunc(slices.Clone(f.rows), func(r *row) bool {
		return r.shown || !r.hopeful(level)
	})
	slices.SortFunc(out, bySize)
	return out
}

// join adds one row and looks at every set that becomes computable with it. A
// hidden one forbids the row. A row of a deeper level that nothing speaks
// against is to be shown openly, and one set of it is on record from now on.
func (f *figure) join(g growth, r *row, h ledger) (growth, bool) {
	before := g.span
	g.span = before.with(r.vectors[sideP], r.vectors[sideR])
	g.accepted = append(g.accepted[:len(g.accepted):len(g.accepted)], r)
	if f.broken.noSpan {
		return g, true
	}
	for i, other := range f.rows {
		fresh := f.fresh(i, before, g.span)
		if len(fresh) == 0 || other == r {
			continue
		}
		if !f.mayFollow(other, r, fresh, h) {
			return growth{}, false
		}
		g.record(f, i, fresh)
	}
	return g, true
}

// fresh lists the sides of row i that can be computed after but not before.
func (f *figure) fresh(i int, before, after span) []side {
	var out []side
	for s := range sides {
		if w := i*int(sides) + int(s); !before.derivable(w) && after.derivable(w) {
			out = append(out, s)
		}
	}
	return out
}

// mayFollow reports whether these sets of a row may be given away by another
// one. A blocked row's set may if it is the very set that joins, as when a part
// without rest splits off: the joining row has passed every test on it.
func (f *figure) mayFollow(r, joining *row, fresh []side, h ledger) bool {
	for _, s := range fresh {
		same := r.reason != ReasonComplementary && r.sets[s].Equals(joining.sets[s])
		if r.reason.secret() && !same || !f.apart(h, r.sets[s]) {
			return false
		}
	}
	return true
}

// record notes what became computable of row i.
func (g *growth) record(f *figure, i int, fresh []side) {
	r := f.rows[i]
	if r.shown || g.joining(r) {
		return
	}
	p, q := i*int(sides)+int(sideP), i*int(sides)+int(sideR)
	if r.reason == ReasonNone && g.span.derivable(p) && g.span.derivable(q) && r.key.Level() > g.accepted[0].key.Level() {
		g.implied = append(g.implied[:len(g.implied):len(g.implied)], r)
		return
	}
	for _, s := range fresh {
		g.derived = append(g.derived[:len(g.derived):len(g.derived)], f.published(r, RoleHidden, f.limits.HiddenFloor, r.sets[s]))
	}
}

// joining reports that the row becomes visible with this growth.
func (g growth) joining(r *row) bool {
	return slices.Contains(g.accepted, r) || slices.Contains(g.implied, r)
}

// published lists what the growth publishes by itself.
func (g growth) published(f *figure) History {
	var out History
	for _, r := range slices.Concat(g.accepted, g.implied) {
		out = append(out, f.publication(r)...)
	}
	return append(out, g.derived...)
}

// leftovers lists the sums that stay hidden but can be computed once the
// growth is shown. If one is not harmless, or too close to another published
// set, it returns instead a row to hide.
func (f *figure) leftovers(g growth, h ledger) (History, *row) {
	if f.broken.noComplement {
		return nil, nil
	}
	var out History
	all := h.with(f, g.published(f))
	visible := func(r *row) bool { return r.shown || g.joining(r) }
	for _, rel := range f.relations {
		if !visible(rel.parent) || !slices.ContainsFunc(rel.children, visible) || !rel.touches(g.joining) {
			continue
		}
		for s := range sides {
			left, _ := rel.remainder(s, visible)
			if left.IsEmpty() {
				continue
			}
			if !f.known.hides(left, f.limits.HiddenFloor) || !f.apart(all, left) {
				return nil, g.victim(rel)
			}
			out = append(out, f.published(rel.parent, RoleHidden, f.limits.HiddenFloor, left))
			all = all.with(f, out[len(out)-1:])
		}
	}
	return out, nil
}

func (rel relation) touches(joining func(*row) bool) bool {
	return joining(rel.parent) || slices.ContainsFunc(rel.children, joining)
}

// victim chooses what to hide for a sum: its smallest part of this level, else
// the smallest row of the level.
func (g growth) victim(rel relation) *row {
	parts := slices.DeleteFunc(slices.Clone(rel.children), func(r *row) bool { return !slices.Contains(g.accepted, r) })
	if len(parts) == 0 {
		parts = g.accepted
	}
	return smallest(parts)
}

// commit shows the rows of the growth and lists what they publish.
func (f *figure) commit(g growth) History {
	f.span, f.public.audit = g.span, g.audit
	for _, r := range slices.Concat(g.accepted, g.implied) {
		r.shown = true
	}
	return g.published(f)
}
