package compare

import (
	"fmt"
	"math"
)

// A difference worth telling: ten points of a share or ten events per hundred,
// a quarter of the spread of a mean (the What Works Clearinghouse calls groups
// further apart than that not comparable at the start). An interval whose half
// is wider is too wide to rule it out.
const (
	tellingRate = 10.0
	tellingMean = 0.25
)

// aim is a difference worth telling, how much of half an interval the coding
// alone takes, the variance between students, and the sizes from which figures
// are coded less coarsely.
type aim struct {
	telling, coding, variance float64
	finer                     []int
}

var (
	finer      = [...]int{20, 31, 61, 301}  // of EDFacts
	noisyFiner = [...]int{20, 40, 100, 300} // of sdc.CodeNoisy
)

// say puts the interval in words. Nothing but the interval decides between
// higher, lower and neither.
func (r Reading) say(interval Span, a aim, g pair) Reading {
	switch {
	case interval.Low > 0:
		r.Word = LikelyHigher
	case interval.High < 0:
		r.Word = LikelyLower
	case interval.half() > a.telling:
		r.Word = TooSmallToTell
		r.Needed = a.needed(g)
		r.Text = fmt.Sprintf("%s: about %d students would tell", r.Word, r.Needed)
		return r
	default:
		r.Word = NoClearDifference
	}
	r.Text = string(r.Word)
	return r
}

// needed returns how many participants would bring half the interval down to
// the telling difference beside the rest there is or, where no number would,
// beside a rest as large. Where the coding alone takes more than half of it, the
// answer is at least the size from which the coding is finer.
//
// The noise is in sums, so that it falls with the number of students as the
// noise of sampling falls with its root.
func (a aim) needed(g pair) int {
	n, m := float64(g.cohort.n), float64(g.rest.n)
	room := a.telling - a.coding
	least := g.cohort.n + 1
	if room < a.telling/2 {
		room, least = a.telling, a.nextFiner(g.cohort.n)
	}
	per := room * room / (z * z * a.variance)
	own, rest, shared := square(g.cohort.noise)/a.variance, square(g.rest.noise)/a.variance, g.shared()/a.variance
	size := reach(max(0, own*n*n+rest*m*m+shared*n*m), 2, per)
	if left := per - 1/m - rest; left > 0 {
		size = min(size, reach(own*n*n, 1+shared*n, left))
	}
	return (max(int(math.Ceil(size)), least) + 9) / 10 * 10
}

// reach solves noise/n² + sampling/n = left for the number of students n.
func reach(noise, sampling, left float64) float64 {
	return (sampling + math.Sqrt(sampling*sampling+4*noise*left)) / (2 * left)
}

func square(x float64) float64 { return x * x }

func (a aim) nextFiner(n int) int {
	for _, cut := range a.finer {
		if cut > n {
			return cut
		}
	}
	return n + 1
}
