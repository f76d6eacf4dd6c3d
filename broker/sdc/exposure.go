package sdc

import (
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Exposure counts the figures that students are in, by indicator, over all that
// was published of a period.
type Exposure struct{ counts map[string]map[uint32]int }

// NewExposure counts the cohorts of a history. A cohort that is published twice
// is one figure.
func NewExposure(h History) Exposure {
	e := Exposure{map[string]map[uint32]int{}}
	cohorts := map[string][]*roaring.Bitmap{}
	for _, p := range h {
		if p.Role != RoleCohort || among(cohorts[p.Indicator], p.Set) {
			continue
		}
		cohorts[p.Indicator] = append(cohorts[p.Indicator], p.Set)
		e.count(p)
	}
	return e
}

func (e Exposure) count(p PublishedSet) {
	if e.counts[p.Indicator] == nil {
		e.counts[p.Indicator] = map[uint32]int{}
	}
	for it := p.Set.Iterator(); it.HasNext(); {
		e.counts[p.Indicator][it.Next()]++
	}
}

// Most returns the most figures of one indicator in whose cohorts any of the
// students is: what somebody who knows all others can have of that one.
func (e Exposure) Most(students *roaring.Bitmap) int {
	most := 0
	for counts := range maps.Values(e.counts) {
		for it := students.Iterator(); it.HasNext(); {
			most = max(most, counts[it.Next()])
		}
	}
	return most
}

// MostOver is the most figures of one indicator over several periods that tell of
// any of the students: in each period the cohorts that it is in and, if it is in
// one, the total of its school.
func MostOver(periods []Exposure, students *roaring.Bitmap) int {
	most := 0
	for it := students.Iterator(); it.HasNext(); {
		x, figures := it.Next(), map[string]int{}
		for _, e := range periods {
			for indicator, counts := range e.counts {
				if n := counts[x]; n > 0 {
					figures[indicator] += n + 1
					most = max(most, figures[indicator])
				}
			}
		}
	}
	return most
}

// Sharing returns the agreements, sorted, whose published cohorts of an
// indicator have a student in common with the cohort.
func (h History) Sharing(indicator string, cohort *roaring.Bitmap) []string {
	var list []string
	for _, p := range h {
		if p.Indicator == indicator && p.Role == RoleCohort && p.Set.Intersects(cohort) {
			list = append(list, p.Agreement)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
