package attack

import "math"

// Epsilon bounds from below the ε for which a mechanism can keep (ε, δ): from
// what it drew about two neighbouring districts, each as the one number that
// tells them apart best. The event is chosen on every other draw and measured on
// the rest, by the limits of Clopper and Pearson (1934): whatever keeps (ε, δ) has
// P(event) ≤ e^ε·Q(event) + δ. With a chance of at most doubt, each way, the bound
// is too high. Both lists must be of one length.
func Epsilon(first, then []int, delta, doubt float64) float64 {
	chooseP, measureP := halves(first)
	chooseQ, measureQ := halves(then)
	n := len(first) / 2
	forth, back := bestEvent(chooseP, chooseQ, n, delta, doubt), bestEvent(chooseQ, chooseP, n, delta, doubt)
	return max(
		lossOf(measureP.in(forth), measureQ.in(forth), n, delta, doubt),
		lossOf(measureQ.in(back), measureP.in(back), n, delta, doubt),
	)
}

// counted are how often each number came.
type counted map[int]int

func halves(draws []int) (even, odd counted) {
	list := [2]counted{{}, {}}
	for i, x := range draws[:len(draws)/2*2] {
		list[i%2][x]++
	}
	return list[0], list[1]
}

// event is that a number lies in an interval, both ends included.
type event struct{ from, to int }

func (c counted) in(e event) (n int) {
	for x, count := range c {
		if e.from <= x && x <= e.to {
			n += count
		}
	}
	return n
}

// lossOf is the bound of ε from an event that was seen so often of n with one
// district and with the other.
func lossOf(seen, other, n int, delta, doubt float64) float64 {
	j := Judge{Doubt: doubt / 2}
	least, most := j.Lower(seen, n), j.Upper(other, n)
	if least <= delta || most >= 1 {
		return 0
	}
	return max(math.Log((least-delta)/most), 0)
}

// bestEvent is the event of all intervals and thresholds from which the bound is
// highest.
func bestEvent(p, q counted, n int, delta, doubt float64) (chosen event) {
	low, high := math.MaxInt, math.MinInt
	for _, c := range []counted{p, q} {
		for x := range c {
			low, high = min(low, x), max(high, x)
		}
	}
	highest := -1.
	for from := low; from <= high; from++ {
		for to := from; to <= high; to++ {
			e := event{from, to}
			if from == low {
				e.from = math.MinInt
			}
			if to == high {
				e.to = math.MaxInt
			}
			if b := lossOf(p.in(e), q.in(e), n, delta, doubt); b > highest {
				chosen, highest = e, b
			}
		}
	}
	return chosen
}
