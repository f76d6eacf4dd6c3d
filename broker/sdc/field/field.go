// Package field counts modulo the Mersenne prime 2^61−1, so that elimination on
// 0/1 vectors of students is exact and never grows a number.
//
// A rank over this field is the rank over the rationals unless the prime divides
// a minor. By Hadamard's bound a 0/1 determinant of order n is at most
// (n+1)^((n+1)/2)/2^n, which is under the prime up to n = 36: of systems with at
// most 36 sets or 36 columns the answers are those of the rationals. Of larger
// ones they are unless a minor hits a multiple of the prime, which none does by
// accident.
package field

import "math/bits"

// Prime is the order of the field. An element is a number under it; what the
// functions of this package are given must be, and what they return is.
const Prime = 1<<61 - 1

// Mul returns the product of two elements.
func Mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	s := (lo & Prime) + (lo>>61 | hi<<3)
	if s >= Prime {
		s -= Prime
	}
	return s
}

// Sub returns a − b.
func Sub(a, b uint64) uint64 {
	if a >= b {
		return a - b
	}
	return a + Prime - b
}

// Inverse returns the element whose product with a is one; of zero, zero.
func Inverse(a uint64) uint64 {
	if a == 1 || a == Prime-1 {
		return a
	}
	r := uint64(1)
	for e := uint64(Prime - 2); e > 0; e >>= 1 {
		if e&1 == 1 {
			r = Mul(r, a)
		}
		a = Mul(a, a)
	}
	return r
}
