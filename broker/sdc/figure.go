package sdc

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// side is one of the three sets of a row.
type side int

const (
	sideP side = iota
	sideR
	sideT
	sides
)

// row is a row of one figure while it is being decided.
type row struct {
	key          Key
	cohort, rest int                    // sizes over all students, covered or not
	sets         [sides]*roaring.Bitmap // over the covered ones
	vectors      [sides]vector
	reason       Reason // why it is hidden, if it is
	shown        bool
	against      *index // whose sets the row was held against
	held         int    // and how many of them
	whole        bool   // its T is shown although P and R are not
}

// figure is one indicator of one agreement while it is being decided, and its twins
// of that agreement with it. Its rows stand in the order of CompareKeys.
type figure struct {
	agreement, indicator, family string // the indicator that leads the twins
	indicators                   []string
	known                        Known
	given                        *roaring.Bitmap // Self and Any together
	entries                      map[*roaring.Bitmap]*entry
	limits                       Thresholds
	rows                         []*row
	relations                    []relation
	span                         span
	public                       *knowledge
	yearEnd, reported            bool
	broken                       sabotage
}

func newFigure(c Candidate, fs FigureSets, public *knowledge, broken sabotage) *figure {
	f := &figure{
		agreement: c.Agreement, family: fs.Family,
		known: known(c.Known[fs.Family]), limits: c.Thresholds, public: public, yearEnd: c.YearEnd, broken: broken,
		reported: fs.Covered != nil && !fs.Covered.IsEmpty(),
	}
	if broken.noBlur {
		f.known.Blur = nil
	}
	f.given, f.entries = roaring.Or(f.known.Self, f.known.Any), map[*roaring.Bitmap]*entry{}
	for _, r := range c.Rows {
		f.rows = append(f.rows, newRow(r, fs.Covered))
	}
	slices.SortFunc(f.rows, func(a, b *row) int { return CompareKeys(a.key, b.key) })
	f.relations = relate(f.rows)
	f.vectorise()
	return f
}

func newRow(r RowSets, covered *roaring.Bitmap) *row {
	rest := roaring.AndNot(r.T, r.P)
	out := &row{key: r.Key, cohort: size(r.P), rest: size(rest)}
	out.sets = [sides]*roaring.Bitmap{r.P, rest, r.T}
	if covered != nil {
		for i, s := range out.sets {
			out.sets[i] = roaring.And(s, covered)
		}
	}
	return out
}

// vectorise gives each set its vector and watches all of them: watched set
// 3·i+s is side s of row i.
func (f *figure) vectorise() {
	var all []*roaring.Bitmap
	for _, r := range f.rows {
		all = append(all, r.sets[:]...)
		for _, s := range r.sets {
			f.entries[s] = nil // to be kept once it is made
		}
	}
	a := refine(all)
	var watched []vector
	for _, r := range f.rows {
		for s, set := range r.sets {
			r.vectors[s] = a.vector(set)
			watched = append(watched, r.vectors[s])
		}
	}
	f.span = newSpan(watched)
}

// primary is the outcome-blind rule on one row: cohort and rest are each large
// enough, with enough students in each whose values nobody was given.
func (f *figure) primary(r *row) bool {
	if f.broken.noPrimary {
		return !r.sets[sideP].IsEmpty() && !r.sets[sideR].IsEmpty()
	}
	return f.big(r.sets[sideP], f.least(r, sideP), f.limits.UnconsentedFloor) &&
		f.big(r.sets[sideR], f.least(r, sideR), f.limits.RestFloor) &&
		size(r.sets[sideT]) >= f.limits.MinTotal
}

// least is how large one side of a row must be. Of a group it is blurred, for
// whether a child is in it is nothing that a partner may find out by a roster of
// the right size.
func (f *figure) least(r *row, s side) int {
	if r.key.Level() != LevelGroup || f.known.Blur == nil {
		return f.limits.MinCohort
	}
	return f.limits.MinCohort + f.known.Blur(r.sets[s])
}

func (f *figure) big(s *roaring.Bitmap, least, floor int) bool {
	return size(s) >= least && f.known.leaves(s, floor)
}

// wholeRule is the rule for a whole shown without its parts.
func (f *figure) wholeRule(r *row) bool {
	return f.broken.noPrimary || f.big(r.sets[sideT], f.limits.MinTotal, f.limits.WholeFloor)
}

// apart reports whether each set keeps its distance from all published ones,
// the others of the list being published with it.
func (f *figure) apart(h ledger, sets ...*roaring.Bitmap) bool { return f.apartFrom(0, h, sets...) }

// apartFrom is apart from the sets published from a number on.
func (f *figure) apartFrom(from int, h ledger, sets ...*roaring.Bitmap) bool {
	return f.broken.noDifference || !slices.ContainsFunc(sets, func(s *roaring.Bitmap) bool {
		return !h.apart(f, f.entry(h.index, s), from, sets)
	})
}

// stillApart holds a row against what was published since it was held last: what
// is published stays so.
func (f *figure) stillApart(h ledger, r *row) bool {
	from := r.held
	if r.against != h.index {
		from = 0
	}
	r.against, r.held = h.index, h.size
	return f.apartFrom(from, h, r.sets[:]...)
}

// entry keeps those of the rows, which are asked for again and again.
func (f *figure) entry(x *index, s *roaring.Bitmap) *entry {
	e, kept := f.entries[s]
	if e != nil {
		return e
	}
	e = x.entry(s)
	if kept {
		f.entries[s] = e
	}
	return e
}

// detailed reports that the row is large enough for its level, or that the year
// is over. A small part says little and costs as much as a large one.
func (f *figure) detailed(r *row) bool {
	switch {
	case f.yearEnd, f.limits.MinDetail == 0, r.key.Level() == LevelAll:
		return true
	case r.key.Grade != "" || r.key.Group != "":
		return false
	}
	return size(r.sets[sideP]) >= f.limits.MinDetail
}

func (f *figure) published(r *row, role Role, floor int, s *roaring.Bitmap) PublishedSet {
	return PublishedSet{
		Agreement: f.agreement, Indicator: f.indicator, Family: f.family,
		Row: r.key, Role: role, Floor: floor, Set: s,
	}
}

// publication lists the sets that showing the row gives away.
func (f *figure) publication(r *row) History {
	return History{
		f.published(r, RoleCohort, f.limits.UnconsentedFloor, r.sets[sideP]),
		f.published(r, RoleRest, f.limits.RestFloor, r.sets[sideR]),
		f.published(r, RoleWhole, f.limits.WholeFloor, r.sets[sideT]),
	}
}

func (f *figure) plan(indicator string) FigurePlan {
	out := FigurePlan{Indicator: indicator, Family: f.family, Reported: f.reported, Verdicts: make([]Verdict, 0, len(f.rows))}
	for _, r := range f.rows {
		out.Verdicts = append(out.Verdicts, Verdict{
			Key: r.key, Shown: r.shown, WholeShown: r.whole, Reason: r.reason,
			Cohort: r.cohort, Rest: r.rest,
			CohortCovered: size(r.sets[sideP]), RestCovered: size(r.sets[sideR]),
			CohortUnknown: f.known.unconsented(r.sets[sideP]), RestUnknown: f.known.unconsented(r.sets[sideR]),
		})
	}
	return out
}
