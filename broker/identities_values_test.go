package broker_test

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// Figures against sums that are made by hand: what is printed holds the exact figure or,
// under noise, one that noise can have made of it; the rest is the whole less the cohort.

// values checks each release of a figure.
func (x *identities) values(f *handFigure) {
	var first *sdc.ShownFigure
	for _, release := range f.Releases {
		i := slices.IndexFunc(release.Figures, func(s sdc.ShownFigure) bool { return s.Indicator == f.indicator })
		if i < 0 {
			continue
		}
		shown := release.Figures[i]
		if first == nil {
			first = &shown
		}
		if len(shown.Rows) != len(f.rows) && shown.Status == sdc.StatusOK {
			x.fail(f, "%d rows are released of %d", len(shown.Rows), len(f.rows))
		}
		for at, row := range shown.Rows {
			c := coding{x, f, release, row, x.year}
			again := f.shownAgain(row.Key) || !f.verdicts[row.Key].Shown // a whole that is shown alone is in nobody's count
			if release.Correction && x.corrected != nil && again {
				c.year = x.year.correctedBy(*x.corrected)
			}
			if release.Correction && !again && !sameSide(row.Cohort, first.Rows[at].Cohort) {
				x.fail(f, "row %s is corrected, and no corrected cohort is on record", row.Key)
			}
			c.check()
		}
	}
	if first == nil {
		x.fail(f, "it was planned and never released")
	}
}

// shownAgain reports that a correction made the row's figure anew.
func (f *handFigure) shownAgain(k sdc.Key) bool {
	return slices.ContainsFunc(f.Sets, func(p sdc.PublishedSet) bool {
		return p.Indicator == f.indicator && p.Row == k && p.Role == sdc.RoleCorrected
	})
}

func sameSide(a, b *sdc.ShownSide) bool { return a != nil && b != nil && *a == *b }

// correctedBy is a year whose values others correct.
func (y handYear) correctedBy(next handYear) handYear {
	y.next = &next
	return y
}

// coding is one row of a release beside the sums of its students.
type coding struct {
	*identities
	f       *handFigure
	release broker.PublishedRelease
	row     sdc.ShownRow
	year    handYear
}

func (c coding) fail(format string, args ...any) {
	c.identities.fail(c.f, "row "+c.row.Key.String()+": "+format, args...)
}

func (c coding) check() {
	v, r := c.f.verdicts[c.row.Key], c.f.rows[c.row.Key]
	if c.row.Status == sdc.StatusBudgetExhausted {
		if c.row.Cohort != nil || c.row.Rest != nil || c.row.Whole != nil {
			c.fail("it is not paid for and shown")
		}
		return
	}
	if (c.row.Cohort != nil) != v.Shown || (c.row.Rest != nil) != v.Shown || (c.row.Whole != nil) != v.WholeShown || c.row.Weighted != nil && !v.Shown {
		c.fail("what is released is not what was planned")
		return
	}
	if want := statusByHand(v.Shown, min(count(r.p), count(r.r))); c.row.Status != want {
		c.fail("its status is %s, want %s", c.row.Status, want)
	}
	switch {
	case v.Shown:
		c.numbers(c.row.Cohort, r.cohort)
		c.numbers(c.row.Rest, r.rest)
		if c.release.Profile.Noisy() {
			c.noisy(c.sum(r.p), c.sum(r.r), c.sum(r.t))
		} else {
			c.exact(c.row.Cohort, r.p)
			c.exact(c.row.Rest, r.r)
		}
	case v.WholeShown:
		c.numbers(c.row.Whole, r.cohort+r.rest)
		c.whole(r.t)
	}
}

func statusByHand(shown bool, least int) sdc.Status {
	switch {
	case !shown:
		return sdc.StatusWithheld
	case least < 20:
		return sdc.StatusLowPrecision
	}
	return sdc.StatusOK
}

func (c coding) numbers(s *sdc.ShownSide, n int) {
	if s.N != n {
		c.fail("%d students are shown, want %d", s.N, n)
	}
}

func (c coding) measure() handMeasure { return measureByHand(c.f.indicator, c.f.Scale) }

// values are those of a set's students.
func (c coding) values(s *roaring.Bitmap) (list []handValue) {
	for _, place := range s.ToArray() {
		list = append(list, c.year.value(c.f.indicator, c.Students[place], c.period()))
	}
	return list
}

func (c coding) sum(s *roaring.Bitmap) handSum { return c.measure().sum(c.values(s)) }

// exact checks a figure without noise: the band of a share, the rounding of a mean.
func (c coding) exact(s *sdc.ShownSide, of *roaring.Bitmap) {
	if s.Noise != 0 {
		c.fail("%s is said to have noise", s.Value.Code)
	}
	m := c.measure()
	v, n := m.exact(c.values(of))
	c.holds(s, v)
	if share := new(big.Rat).Quo(v, big.NewRat(m.one, 1)); !m.mean && m.most != 3 {
		if want := bandByHand(share.Num().Int64(), share.Denom().Int64(), int64(n)); s.Value.Code != want {
			c.fail("%s is shown, want %s", s.Value.Code, want)
		}
	}
	if width := s.Value.High - s.Value.Low; m.mean && (width < 199 || n < 20 && width < 799) {
		c.fail("%s is finer than a mean may be", s.Value.Code)
	}
}

// holds checks that a printed figure holds an exact one.
func (c coding) holds(s *sdc.ShownSide, v *big.Rat) {
	if exact, _ := v.Float64(); exact < float64(s.Value.Low)-grain || exact > float64(s.Value.High)+grain {
		c.fail("%s does not hold %.1f thousandths", s.Value.Code, exact)
	}
}

// span is a range of parts.
type span struct{ low, high float64 }

func (s span) meets(o span) bool { return s.low <= o.high && o.low <= s.high }

func (s span) plus(o span) span { return span{s.low + o.low, s.high + o.high} }

// grain is what is lost in rounding to thousandths, in thousandths of the printed unit.
const grain = 1.001

// behind is the range of noisy parts that a printed figure leaves. A band that is open
// to an end of the scale leaves whatever is beyond.
func (c coding) behind(s *sdc.ShownSide, weight int64) span {
	m := c.measure()
	parts := func(v float64) float64 { return (v - float64(m.low)) / float64(m.part) * float64(weight) }
	out := span{parts(float64(s.Value.Low) - grain), parts(float64(s.Value.High) + grain)}
	if strings.HasPrefix(s.Value.Code, "LE") || s.Value.Code == "LT50" {
		out.low = math.Inf(-1)
	}
	if strings.HasPrefix(s.Value.Code, "GE") {
		out.high = math.Inf(1)
	}
	return out
}

// reach is how far so many draws of noise may go.
func (c coding) reach(draws int) span {
	deviations := 8. // of the table, which ends there
	if c.release.Profile == sdc.Budgeted {
		deviations = 10 // of one sampled to any length: beyond, once in 10^22 draws
	}
	far := deviations * float64(c.release.Noise) / 10 * float64(c.measure().hidden) * float64(draws)
	return span{-far, far}
}

// draws are how many draws of noise are in a row's whole: one a grade of a school.
func (c coding) draws() int { return c.f.rows[c.row.Key].cells }

func (s handSum) span() span { return span{float64(s.parts), float64(s.parts)} }

// noisy checks that cohort, rest and whole are one draw of noise each from their sums,
// and that the first two are the third.
func (c coding) noisy(p, r, t handSum) {
	if p.parts+r.parts != t.parts || p.weight+r.weight != t.weight || p.n+r.n != t.n {
		c.fail("by hand %d and %d parts are %d", p.parts, r.parts, t.parts)
	}
	cohort, rest := c.behind(c.row.Cohort, p.weight), c.behind(c.row.Rest, r.weight)
	if !cohort.meets(p.span().plus(c.reach(1))) {
		c.fail("the cohort's %s is no draw of noise from %d of %d parts", c.row.Cohort.Value.Code, p.parts, p.weight)
	}
	if !cohort.plus(rest).meets(t.span().plus(c.reach(c.draws()))) {
		c.fail("cohort %s and rest %s are no draws of noise from the whole", c.row.Cohort.Value.Code, c.row.Rest.Value.Code)
	}
	if got, want := float64(c.row.Cohort.Noise), c.deviation(p.weight); math.Abs(got-want) > 1 {
		c.fail("noise of %v is stated, want %.1f thousandths", c.row.Cohort.Noise, want)
	}
	c.pooled(p, t)
}

// deviation is that of one draw in a figure, in thousandths of the printed unit.
func (c coding) deviation(weight int64) float64 {
	m := c.measure()
	return float64(c.release.Noise) / 10 * float64(m.hidden*m.part) / float64(weight)
}

// pooled checks the noisy sums that are kept of a pooled row: what is printed are these,
// cohort and whole less cohort.
func (c coding) pooled(p, t handSum) {
	i := slices.IndexFunc(c.release.Pooled, func(s sdc.Pooled) bool { return s.Indicator == c.f.indicator })
	if c.row.Key != (sdc.Key{}) {
		return
	}
	if i < 0 {
		c.fail("its sums are not kept")
		return
	}
	kept := c.release.Pooled[i]
	if kept.Cohort.Weight != p.weight || kept.Whole.Weight != t.weight || kept.Cohort.N != p.n || kept.Whole.N != t.n {
		c.fail("the sums that are kept are of others: %+v", kept)
		return
	}
	at := func(parts int64) span { return span{float64(parts), float64(parts)} }
	if !at(kept.Cohort.Parts).meets(p.span().plus(c.reach(1))) || !at(kept.Whole.Parts).meets(t.span().plus(c.reach(c.draws()))) {
		c.fail("the sums that are kept are no draws of noise from %d and %d parts: %+v", p.parts, t.parts, kept)
	}
	if !c.behind(c.row.Cohort, p.weight).meets(at(kept.Cohort.Parts)) || !c.behind(c.row.Rest, t.weight-p.weight).meets(at(kept.Whole.Parts-kept.Cohort.Parts)) {
		c.fail("%s and %s are not cohort and whole less cohort of %+v", c.row.Cohort.Value.Code, c.row.Rest.Value.Code, kept)
	}
}

// whole checks a whole that is shown alone.
func (c coding) whole(of *roaring.Bitmap) {
	if !c.release.Profile.Noisy() {
		v, _ := c.measure().exact(c.values(of))
		c.holds(c.row.Whole, v)
		return
	}
	if t := c.sum(of); !c.behind(c.row.Whole, t.weight).meets(t.span().plus(c.reach(c.draws()))) {
		c.fail("the whole's %s is no draw of noise from %d of %d parts", c.row.Whole.Value.Code, t.parts, t.weight)
	}
}

// wholes checks that a whole has one total for every partner and in every row: cohort
// and rest of two agreements come to the same, and those of parts to that of their sum.
func (x *identities) wholes() {
	type total struct {
		span
		weight int64
	}
	for _, profile := range []sdc.Profile{sdc.Standard, sdc.Budgeted} {
		for _, indicator := range x.indicators() {
			totals := map[string]total{}
			for _, f := range x.figures {
				if f.indicator != indicator || sdc.Profile(f.Clauses.Profile) != profile {
					continue
				}
				for _, c := range x.newest(f) {
					r := f.rows[c.row.Key]
					p, t := c.sum(r.p), c.sum(r.t)
					now := total{c.behind(c.row.Cohort, p.weight).plus(c.behind(c.row.Rest, t.weight-p.weight)), t.weight}
					was, met := totals[r.t.String()]
					if met && !was.meets(now.span) {
						c.fail("cohort and rest come to another total than elsewhere: %v and %v", now, was)
					}
					if met {
						now.span = span{max(was.low, now.low), min(was.high, now.high)}
					}
					totals[r.t.String()] = now
				}
				x.parts(f, func(k sdc.Key) (span, bool) { t, ok := totals[f.rows[k].t.String()]; return t.span, ok })
			}
		}
	}
}

// parts checks that the totals of all parts of a row come to its own.
func (x *identities) parts(f *handFigure, total func(sdc.Key) (span, bool)) {
	for parent := range f.rows {
		for _, level := range []sdc.Level{sdc.LevelSchool, sdc.LevelGrade, sdc.LevelSchoolGrade} {
			sum, covered := span{}, roaring.New()
			for k, r := range f.rows {
				if t, ok := total(k); ok && k.Level() == level && level > parent.Level() && (parent.School == "" || k.School == parent.School) && (parent.Grade == "" || k.Grade == parent.Grade) {
					sum = sum.plus(t)
					covered.Or(r.t)
				}
			}
			if t, ok := total(parent); ok && !covered.IsEmpty() && covered.Equals(f.rows[parent].t) && !sum.meets(t) {
				x.fail(f, "the totals of row %s by %s come to %v, its own is %v", parent, level, sum, t)
			}
		}
	}
}

// newest are the shown rows of a figure's newest release that are not of a correction:
// corrected ones may stand beside first ones.
func (x *identities) newest(f *handFigure) (list []coding) {
	for _, release := range f.Releases {
		for _, shown := range release.Figures {
			for _, row := range shown.Rows {
				if shown.Indicator == f.indicator && !release.Correction && row.Cohort != nil {
					list = append(list, coding{x, f, release, row, x.year})
				}
			}
		}
	}
	return list
}

// served checks that partners are shown the newest release as it is stored.
func (x *identities) served(d *district) {
	for _, a := range x.Agreements {
		shown := d.compare(a.Partner, a.ID, "", x.Session)
		if slices.Contains(a.Clauses.Grain, "school") {
			for _, school := range a.Clauses.Schools {
				maps.Copy(shown, d.compare(a.Partner, a.ID, school, x.Session))
			}
		}
		for _, f := range x.figures {
			if f.ID == a.ID {
				x.servedFigure(f, shown)
			}
		}
	}
}

func (x *identities) servedFigure(f *handFigure, shown figures) {
	stored := map[string]sdc.ShownRow{}
	for _, release := range f.Releases {
		for _, figure := range release.Figures {
			for _, row := range figure.Rows {
				if figure.Indicator == f.indicator {
					stored[row.Row] = row
				}
			}
		}
	}
	for name, row := range stored {
		got := shown[name][f.indicator]
		if got.Status != string(row.Status) || !sameShown(got.Cohort, row.Cohort) || !sameShown(got.Rest, row.Rest) || !sameShown(got.Whole, row.Whole) {
			x.fail(f, "row %s is served as %+v and stored as %+v", name, got, row)
		}
	}
}

func sameShown(got *side, stored *sdc.ShownSide) bool {
	if got == nil || stored == nil {
		return (got == nil) == (stored == nil)
	}
	return got.N == stored.N && got.Value.Code == stored.Value.Code
}
