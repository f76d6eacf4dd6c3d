package sdc

import "github.com/hallpass-edu/hallpass/broker/sdc/noise"

// Sizes gives a group's number of students noise of its own, always the same: for
// rows of which nobody may learn who is in them.
type Sizes interface {
	Size(g noise.Group) int64
}

// sized is the row of a group with noise in its numbers of students. Shares and
// events are divided by them, since whole percents of a true number would tell it
// (HandbookSDC 5.7). Means are not: their steps are too coarse to.
func (z noisy) sized(row noisyRow, s Signature) (noisyRow, error) {
	sizes, ok := z.noise.(Sizes)
	if !ok {
		return noisyRow{}, ErrNoise
	}
	row.cohort = z.resized(row.cohort, sizes, s.Group)
	for _, c := range s.Cells {
		row.whole = z.resized(row.whole, sizes, c.Group)
	}
	row.rest = row.whole.minus(row.cohort)
	row.rest.n, row.rest.weight = max(1, row.rest.n), max(1, row.rest.weight)
	return row, nil
}

// resized is a sum with the noise of a group's number of students. Of shares and
// of events that noise moves the ratio at most as much as noise in the sum does.
func (z noisy) resized(s noisySum, sizes Sizes, g noise.Group) noisySum {
	off := sizes.Size(g)
	s.n = max(1, s.n+int(off))
	if z.measure.counts() {
		s = s.plus(noisySum{draws: map[draw]int64{{group: g, number: ofSize}: 1}}, 1)
		s.weight = max(1, s.weight+off)
	}
	return s
}

// ofSize numbers the draw that stands in a group's number of students.
const ofSize = -1

// counts reports that the measure's sums are divided by numbers of students.
func (m Measure) counts() bool { return m.Kind == Per100 || m.Kind == Share && !m.Results }

// showGroup shows a group's row: of its sizes the bands only, and nothing of how
// many of it have a value.
func (z noisy) showGroup(out *ShownRow, r noisyRow) {
	out.Status = StatusOK
	if min(r.cohort.n, r.rest.n) < coarse {
		out.Status = StatusLowPrecision
	}
	cohort := r.cohort.estimate()
	out.Cohort = z.side(cohort, cohort, 0, r.cohort.n, Subgroup).banded(r.cohort.n)
	out.Rest = z.side(r.rest.estimate(), cohort, 0, r.rest.n, Subgroup).banded(r.rest.n)
}

// sizeBands begin at these numbers of students, which are the cut points of noisyGrid.
var sizeBands = [...]int{10, 20, 40, 100, 300}

// banded is the side with a band in place of its size. The sampling error is that
// of the least of the band.
func (s *ShownSide) banded(n int) *ShownSide {
	at := len(sizeBands) - 1
	for at > 0 && n < sizeBands[at] {
		at--
	}
	s.N, s.Coverage, s.EffectiveN = 0, withheld(), sizeBands[at]
	s.Size = sizeBand(at)
	return s
}

func sizeBand(at int) *Shown {
	low := whole(sizeBands[at])
	if at == len(sizeBands)-1 {
		return &Shown{KindBand, "GE300", low, unbounded, "300 or more"}
	}
	high := whole(sizeBands[at+1] - 1)
	text := low.String() + "–" + high.String()
	return &Shown{KindBand, low.String() + "-" + high.String(), low, high, text}
}
