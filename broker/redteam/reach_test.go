package redteam_test

import (
	"slices"
	"testing"
)

// reached is what can be computed from sums over sets: the space that the sets
// span, over a prime field, in which students whom no set tells apart are one.
type reached struct {
	class   map[int]int // by student
	members [][]int     // by class
	basis   [][]uint64
	pivots  []int
}

// prime is large enough that no sum of this size is zero by accident.
const prime = 1<<31 - 1

// reach spans the sets; others are told apart too, but not spanned.
func reach(sets, others [][]int) *reached {
	r := &reached{class: map[int]int{}}
	r.divide(slices.Concat(sets, others))
	for _, s := range sets {
		r.add(r.vector(s))
	}
	return r
}

// divide puts students into classes by the sets that hold them.
func (r *reached) divide(sets [][]int) {
	next := 1
	for _, s := range sets {
		split := map[int]int{}
		for _, i := range s {
			was := r.class[i]
			if split[was] == 0 {
				split[was] = next
				next++
			}
			r.class[i] = split[was]
		}
	}
	place := map[int]int{}
	for i, c := range r.class {
		if _, ok := place[c]; !ok {
			place[c] = len(r.members)
			r.members = append(r.members, nil)
		}
		r.class[i] = place[c]
		r.members[place[c]] = append(r.members[place[c]], i)
	}
}

func (r *reached) vector(set []int) []uint64 {
	v := make([]uint64, len(r.members))
	for _, i := range set {
		v[r.class[i]] = 1
	}
	return v
}

// reduce takes out of a vector all that the basis has; what is left is zero if
// the vector can be computed.
func (r *reached) reduce(v []uint64) []uint64 {
	for k, b := range r.basis {
		if f := v[r.pivots[k]]; f != 0 {
			for j := range v {
				v[j] = (v[j] + (prime-f)*b[j]) % prime
			}
		}
	}
	return v
}

func (r *reached) add(v []uint64) {
	v = r.reduce(v)
	p := slices.IndexFunc(v, func(x uint64) bool { return x != 0 })
	if p < 0 {
		return
	}
	f := inverse(v[p])
	for j := range v {
		v[j] = v[j] * f % prime
	}
	r.basis, r.pivots = append(r.basis, v), append(r.pivots, p)
}

func inverse(a uint64) uint64 {
	out := uint64(1)
	for e := prime - 2; e > 0; e >>= 1 {
		if e&1 == 1 {
			out = out * a % prime
		}
		a = a * a % prime
	}
	return out
}

// has reports whether the sum over a set can be computed. Of students whom no
// set tells apart it is all or none.
func (r *reached) has(set []int) bool {
	whole := 0
	for c, x := range r.vector(set) {
		whole += int(x) * len(r.members[c])
	}
	return whole == len(set) && !slices.ContainsFunc(r.reduce(r.vector(set)), func(x uint64) bool { return x != 0 })
}

// small lists the classes of fewer than ten students whose sum can be computed.
func (r *reached) small() [][]int {
	var list [][]int
	for _, m := range r.members {
		if len(m) < least && r.has(m) {
			list = append(list, m)
		}
	}
	return list
}

func TestReachFindsWhatCombinationsGive(t *testing.T) {
	t.Parallel()
	a, b, c := all(12), all(24)[12:], all(36)[24:]
	first := append(slices.Concat(a, b), 99)
	sets := [][]int{first, slices.Concat(a, c), slices.Concat(b, c)}
	if reach(sets, nil).has([]int{99}) {
		t.Error("one student follows from three sums that leave it open")
	}
	r := reach(append(sets, c), nil)
	if !r.has([]int{99}) || len(r.small()) != 1 {
		t.Errorf("the tracker's student is not found: %v", r.small())
	}
	if r.has([]int{0}) || !r.has(a) {
		t.Error("a dozen follow and none of them does")
	}
}
