package sdc

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// leads names for every indicator of a batch the first one that is planned over the
// very same sets: of the same family, in the figures of the same agreements, over
// the same students, after the same publications. Of such twins everything is
// decided alike, so one is decided on and the others follow it.
func leads(earlier History, batch []Candidate, broken sabotage) map[string]string {
	lead := map[string]string{}
	var firsts []string
	for _, c := range batch {
		for _, fs := range c.Figures {
			if lead[fs.Indicator] != "" {
				continue
			}
			i := slices.IndexFunc(firsts, func(first string) bool {
				return !broken.noTwins && (broken.anyTwins || twins(earlier, batch, first, fs.Indicator))
			})
			if i < 0 {
				firsts, i = append(firsts, fs.Indicator), len(firsts)
			}
			lead[fs.Indicator] = firsts[i]
		}
	}
	return lead
}

func twins(earlier History, batch []Candidate, a, b string) bool {
	for _, c := range batch {
		x, hasX := c.figure(a)
		y, hasY := c.figure(b)
		if hasX != hasY || hasX && (x.Family != y.Family || !sameSet(x.Covered, y.Covered)) {
			return false
		}
	}
	return slices.EqualFunc(earlier.Of(a), earlier.Of(b), func(p, q PublishedSet) bool {
		same := p.Set.Equals(q.Set)
		p.Indicator, p.Set, q.Indicator, q.Set = "", nil, "", nil
		return same && p == q
	})
}

func sameSet(a, b *roaring.Bitmap) bool {
	return a == b || a != nil && b != nil && a.Equals(b)
}

func (c Candidate) figure(indicator string) (FigureSets, bool) {
	i := slices.IndexFunc(c.Figures, func(f FigureSets) bool { return f.Indicator == indicator })
	if i < 0 {
		return FigureSets{}, false
	}
	return c.Figures[i], true
}

// named are the sets as those of another indicator.
func (h History) named(indicator string) History {
	out := slices.Clone(h)
	for i := range out {
		out[i].Indicator = indicator
	}
	return out
}
