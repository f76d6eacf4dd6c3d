package sdc

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

// ExposureCap is the most figures of one indicator and period, over all
// agreements, in whose cohorts a student may be. Each of them says a little
// about the student; so many say no more than noise.Table.Insider tells.
const ExposureCap = 8

// knowledge is what everybody together has of one indicator and period.
type knowledge struct {
	cohorts []*roaring.Bitmap
	counts  map[uint32]int  // cohorts that a student is in
	full    *roaring.Bitmap // students in as many as are allowed
	audit   *rank.Audit
}

// newKnowledge is what follows from earlier sets: released are those whose values
// were given to anybody; nobody else's sum may follow for fewer than floor.
func newKnowledge(earlier History, released *roaring.Bitmap, floor int) *knowledge {
	for _, p := range earlier {
		floor = min(floor, p.Floor)
	}
	k := &knowledge{counts: map[uint32]int{}, full: roaring.New(), audit: rank.New(released, floor)}
	for _, p := range earlier {
		if p.Role == RoleCohort || p.Role == RoleWhole {
			k.audit.Add(p.Set) // the others follow from these
		}
	}
	k.add(earlier)
	return k
}

// add takes up the cohorts that are published. One that is published already
// costs nothing more: it is the same figure. What the audit has of them is taken up
// where it is decided.
func (k *knowledge) add(h History) {
	for _, p := range h {
		if p.Role == RoleCohort && !among(k.cohorts, p.Set) {
			k.count(p.Set)
			k.cohorts = append(k.cohorts, p.Set)
		}
	}
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
	return k.full.Intersects(cohort) && !among(k.cohorts, cohort)
}
