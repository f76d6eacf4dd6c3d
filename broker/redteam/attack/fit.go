package attack

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Fit is the probability that draws of a law are as far from what is expected of
// it as these are, or further (Pearson's chi-square, 1900). Numbers that are
// expected less than ten times count with their neighbours towards the end.
func Fit(draws []int, law *Law) float64 {
	count := map[int]int{}
	for _, k := range draws {
		count[max(-law.reach, min(law.reach, k))]++
	}
	n := float64(len(draws))
	cells, statistic, expected, seen := 0, 0., 0., 0.
	for k := -law.reach; k <= law.reach; k++ {
		expected += n * law.At(k)
		seen += float64(count[k])
		left := n * law.within(k+1, law.reach)
		if k < law.reach && (expected < 10 || left < 10) || expected == 0 {
			continue
		}
		statistic += (seen - expected) * (seen - expected) / expected
		cells++
		expected, seen = 0, 0
	}
	if cells < 2 {
		return 1
	}
	return distuv.ChiSquared{K: float64(cells - 1)}.Survival(statistic)
}

// Spread is by how many of its own standard errors the mean square of draws is off
// the variance of a law.
func Spread(draws []int, law *Law) float64 {
	squares, want, fourth := 0., 0., 0.
	for _, k := range draws {
		squares += float64(k * k)
	}
	for k := -law.reach; k <= law.reach; k++ {
		want += float64(k*k) * law.At(k)
		fourth += float64(k*k*k*k) * law.At(k)
	}
	n := float64(len(draws))
	return (squares/n - want) / math.Sqrt((fourth-want*want)/n)
}
