package attack

import "sort"

// AUC is the chance that a student with a yes has a higher score than one with a
// no, ties counting half: one half for scores that say nothing (Mann and Whitney
// 1947). It is one half where all are of one kind.
func AUC(scores []float64, truth []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return scores[order[a]] < scores[order[b]] })
	yes, ranks := 0, 0.
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			to++
		}
		for _, x := range order[from:to] {
			if truth[x] {
				yes++
				ranks += float64(from+to+1) / 2
			}
		}
		from = to
	}
	no := len(order) - yes
	if yes == 0 || no == 0 {
		return .5
	}
	return (ranks - float64(yes*(yes+1))/2) / (float64(yes) * float64(no))
}

// Cut is the score above which the given share of students lies: the attacker
// calls as many a yes as it expects.
func Cut(scores []float64, share float64) float64 {
	sorted := append([]float64(nil), scores...)
	sort.Sort(sort.Reverse(sort.Float64Slice(sorted)))
	i := int(share*float64(len(sorted)) + .5)
	switch {
	case len(sorted) == 0:
		return 0
	case i <= 0:
		return sorted[0]
	case i >= len(sorted):
		return sorted[len(sorted)-1] - 1
	}
	return (sorted[i-1] + sorted[i]) / 2
}
