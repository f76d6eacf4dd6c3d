package attack_test

import (
	"math"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
)

// drawsAround draws from a discrete Laplace law around a number, for which ε is known:
// two numbers that differ by one are told apart by ε and by no more.
func drawsAround(center int, epsilon float64, seed uint64) []int {
	r := coin(seed)
	geometric := func() int { return int(math.Floor(math.Log(1-r.Float64()) / -epsilon)) }
	out := make([]int, 40_000)
	for i := range out {
		out[i] = center + geometric() - geometric()
	}
	return out
}

func TestAnEpsilonIsFoundFromBelowAndNearlyWhole(t *testing.T) {
	t.Parallel()
	for _, epsilon := range []float64{.3, 1, 2} {
		found := attack.Epsilon(drawsAround(0, epsilon, 1), drawsAround(1, epsilon, 2), 0, .001)
		if found > epsilon || found < .8*epsilon-.05 {
			t.Errorf("epsilon %.1f: found %.3f", epsilon, found)
		}
	}
}

func TestTheSameDistrictTellsNothingApart(t *testing.T) {
	t.Parallel()
	if found := attack.Epsilon(drawsAround(0, 1, 3), drawsAround(0, 1, 4), 0, .001); found > .02 {
		t.Errorf("found %.3f between a district and itself", found)
	}
}

func TestWhatHappensWithOneDistrictOnlyIsFoundWhole(t *testing.T) {
	t.Parallel()
	if found := attack.Epsilon(make([]int, 2000), ones(2000), 1e-6, .001); found < 4 {
		t.Errorf("found %.3f where one look decides", found)
	}
}

func ones(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
