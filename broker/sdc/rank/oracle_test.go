package rank_test

import (
	"iter"
	"math/bits"
)

// subsets yields those of a size.
func subsets(of uint64, size int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) { choose(of, size, 0, yield) }
}

func choose(of uint64, size int, chosen uint64, yield func(uint64) bool) bool {
	if size == 0 {
		return yield(chosen)
	}
	for bits.OnesCount64(of) >= size {
		lowest := of & -of
		of &^= lowest
		if !choose(of, size-1, chosen|lowest, yield) {
			return false
		}
	}
	return true
}

// rankOf is the rank of sets over the given students, by elimination without
// fractions (Bareiss, Mathematics of Computation 22, 1968): every number in it is a
// minor of 0/1 vectors. Up to order 20 these have at most 27 bits (Hadamard), so
// that no product of two overflows.
func rankOf(sets []uint64, students uint64) int {
	var rows [][]int64
	for _, m := range sets {
		var row []int64
		for rest := students; rest != 0; rest &= rest - 1 {
			row = append(row, int64(m>>bits.TrailingZeros64(rest)&1))
		}
		rows = append(rows, row)
	}
	found, last := 0, int64(1)
	for c := range bits.OnesCount64(students) {
		at := found
		for at < len(rows) && rows[at][c] == 0 {
			at++
		}
		if at == len(rows) {
			continue
		}
		rows[found], rows[at] = rows[at], rows[found]
		eliminate(rows[found], rows[found+1:], c, last)
		last = rows[found][c]
		found++
	}
	return found
}

// eliminate takes the pivot row out of the rows below it.
func eliminate(pivot []int64, below [][]int64, c int, last int64) {
	for _, r := range below {
		for j := len(r) - 1; j >= c; j-- {
			r[j] = (r[j]*pivot[c] - r[c]*pivot[j]) / last
		}
	}
}
