package sdc

import "github.com/RoaringBitmap/roaring/v2"

// ExposureCap is the most figures of one indicator and period, over all
// agreements, in whose cohorts a student may be. Each of them says a little
// about the student; so many say no more than noise.Table.Insider tells.
const ExposureCap = 8

// knowledge is what everybody together has of one indicator and period.
type knowledge struct {
	sets   History
	counts map[uint32]int  // cohorts that a student is in
	full   *roaring.Bitmap // students in as many as are allowed
}

func newKnowledge(earlier History) *knowledge {
	k := &knowledge{counts: map[uint32]int{}, full: roaring.New()}
	k.add(earlier)
	return k
}

// add takes up what is published and returns it. A cohort that is published
// already costs nothing more: it is the same figure. A corrected one is another.
func (k *knowledge) add(h History) History {
	for _, p := range h {
		if p.Role == RoleCorrected || p.Role == RoleCohort && !k.sets.cohort(p.Set) {
			k.count(p.Set)
		}
		k.sets = append(k.sets, p)
	}
	return h
}

func (k *knowledge) count(cohort *roaring.Bitmap) {
	for it := cohort.Iterator(); it.HasNext(); {
		x := it.Next()
		if k.counts[x]++; k.counts[x] >= ExposureCap {
			k.full.Add(x)
		}
	}
}

// exposed reports that a student of the cohort is in as many figures as are
// allowed, and that this one would be another.
func (k *knowledge) exposed(cohort *roaring.Bitmap) bool {
	return k.full.Intersects(cohort) && !k.sets.cohort(cohort)
}

// cohort reports that the set is published as a cohort.
func (h History) cohort(set *roaring.Bitmap) bool {
	return h.any(func(p PublishedSet) bool { return p.Role == RoleCohort && p.Set.Equals(set) })
}
