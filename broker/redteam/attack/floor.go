package attack

import (
	"fmt"
	"math"
	"strings"
)

// Floor is what is left to guess when a partner takes its consented students'
// values from a published figure.
type Floor struct {
	Left     int     // students whose values are not consented
	Accuracy float64 // how often the best guess of one of them is right
	Claimed  float64 // how often it comes with a posterior of 95 % or more
	Exposed  float64 // how often a yes is claimed rightly, as a share of the yes
}

// FloorOf calculates the floor for figures that each count the same students with
// independent noise. Their values are independent, each a yes with the given
// chance; the partner knows nobody else among them.
func FloorOf(left, figures int, chance float64, noise *Law) Floor {
	sum := noise.times(figures)
	others := binomial(left-1, chance)
	out := Floor{Left: left}
	for y := -sum.reach; y <= sum.reach+left*figures; y++ {
		no, yes := 0., 0.
		for k, p := range others {
			no += p * sum.At(y-k*figures)
			yes += p * sum.At(y-(k+1)*figures)
		}
		no, yes = no*(1-chance), yes*chance
		out.Accuracy += max(no, yes)
		switch {
		case yes >= Claim*(yes+no) && yes > 0:
			out.Claimed += yes + no
			out.Exposed += yes / chance
		case no >= Claim*(yes+no) && no > 0:
			out.Claimed += yes + no
		}
	}
	return out
}

// times is the law of the sum of n independent draws.
func (l *Law) times(n int) *Law {
	out := lawOf([]float64{1})
	for range n {
		out = out.Minus(l)
	}
	return out
}

// binomial are the probabilities of 0 to n successes.
func binomial(n int, p float64) []float64 {
	out := []float64{1}
	for range n {
		next := make([]float64, len(out)+1)
		for k, q := range out {
			next[k] += q * (1 - p)
			next[k+1] += q * p
		}
		out = next
	}
	return out
}

// FloorCurve tells, for one to so many students without consent, how often the
// best guess of one is right from an exact figure and from one, four and eight
// noisy ones, as a table to read: a line each.
func FloorCurve(to int, chance float64, noise *Law) string {
	var b strings.Builder
	fmt.Fprintf(&b, "A yes has a chance of %.2f; noise has a deviation of %.2f. Shares of right guesses, and of yes exposed:\n",
		chance, math.Sqrt(noise.Variance()))
	fmt.Fprintln(&b, "left   exact (exposed)   1 figure (exposed)   4 figures (exposed)   8 figures (exposed)")
	for left := 1; left <= to; left++ {
		fmt.Fprintf(&b, "%4d", left)
		columns := []Floor{
			FloorOf(left, 1, chance, Gaussian(0)), FloorOf(left, 1, chance, noise),
			FloorOf(left, 4, chance, noise), FloorOf(left, 8, chance, noise),
		}
		for _, f := range columns {
			fmt.Fprintf(&b, "   %.3f (%.3f)", f.Accuracy, f.Exposed)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
