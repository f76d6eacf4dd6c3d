package attack

import "math"

// Counts lists the counts of n students whose share lies within printed bounds,
// in percent, both included. One alone means that the printed number gives the
// count away.
func Counts(low, high float64, n int) []int {
	var out []int
	first, last := multiples(low/100, high/100, n)
	for c := max(0, first); c <= min(n, last); c++ {
		out = append(out, c)
	}
	return out
}

// multiples are the least and the greatest whole number whose n-th part lies
// within bounds.
func multiples(low, high float64, n int) (first, last int) {
	m := float64(n)
	bound := 1e9 // far beyond any count
	return int(math.Ceil(max(low*m, -bound) - grain)), int(math.Floor(min(high*m, bound) + grain))
}

// Fraction is a count of a number of students.
type Fraction struct{ Count, Size int }

// Fractions lists the fractions within printed bounds, in percent, of which the
// size lies between two: what a percentage gives away of a number of students that
// is itself noisy or banded.
func Fractions(low, high float64, from, to int) []Fraction {
	var out []Fraction
	for n := max(1, from); n <= to; n++ {
		for _, c := range Counts(low, high, n) {
			out = append(out, Fraction{c, n})
		}
	}
	return out
}

// Sizes lists the numbers of students, between two, for which some sum of whole
// units has a mean within printed bounds: an exact mean beside a noisy number of
// students tells the number (Handbook on Statistical Disclosure Control, section
// 5.7). Unit is the smallest step of one student's value.
func Sizes(low, high, unit float64, from, to int) []int {
	var out []int
	for n := max(1, from); n <= to; n++ {
		if first, last := multiples(low/unit, high/unit, n); first <= last {
			out = append(out, n)
		}
	}
	return out
}
