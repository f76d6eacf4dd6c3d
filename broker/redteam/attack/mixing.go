package attack

import (
	"math"
	"math/rand/v2"
)

// trace is what is kept of a chain: how often each student was a yes in states
// that fitted, and the summaries of those states.
type trace struct {
	yes       []int
	summaries [][]float64 // by mark, in order
	states    int         // that were looked at, fitting or not
}

func (t trace) samples() int { return len(t.summaries[0]) }

func (m *model) run(how Sampling, r *rand.Rand) trace {
	c := m.start(how, r)
	t := trace{yes: make([]int, len(m.students)), summaries: make([][]float64, len(m.marks)), states: how.Sweeps}
	for n := range how.BurnIn + how.Sweeps {
		c.sweep()
		if n >= how.BurnIn && c.misfit == 0 {
			t.note(c)
		}
	}
	return t
}

func (t *trace) note(c *chain) {
	for k, mark := range c.marks {
		sum := 0.
		for _, i := range c.groups[1] {
			sum += mark[i]
		}
		t.summaries[k] = append(t.summaries[k], sum)
	}
	for _, i := range c.groups[1] {
		t.yes[i]++
	}
}

// summary joins the chains. A chance is drawn to the prior by one state, so that
// it is never quite certain.
func (m *model) summary(v View, traces []trace) Posterior {
	out := Posterior{Chances: v.Priors(), RHat: 1}
	states := 0
	for _, t := range traces {
		out.Samples += t.samples()
		states += t.states
	}
	out.Fit = ratio(out.Samples, states)
	for i, x := range m.students {
		yes := 0
		for _, t := range traces {
			yes += t.yes[i]
		}
		out.Chances[x] = (float64(yes) + v.prior(x)) / float64(out.Samples+1)
	}
	for k := range m.marks {
		out.RHat = max(out.RHat, splitRHat(traces, k))
	}
	out.Apart = apart(traces)
	return out
}

// splitRHat is the potential scale reduction of one summary over the halves of all
// chains. A chain with fewer than ten states that fit makes it infinite.
func splitRHat(traces []trace, mark int) float64 {
	var means, variances []float64
	least := math.Inf(1)
	for _, t := range traces {
		list := t.summaries[mark]
		if len(list) < 10 {
			return math.Inf(1)
		}
		half := len(list) / 2
		least = min(least, float64(half))
		for _, part := range [][]float64{list[:half], list[len(list)-half:]} {
			mean, variance := moments(part)
			means, variances = append(means, mean), append(variances, variance)
		}
	}
	_, between := moments(means)
	within, _ := moments(variances)
	switch {
	case between < 1e-12:
		return 1
	case within == 0:
		return math.Inf(1)
	}
	return math.Sqrt((within*(least-1)/least + between) / within)
}

func moments(of []float64) (mean, variance float64) {
	for _, v := range of {
		mean += v / float64(len(of))
	}
	for _, v := range of {
		variance += (v - mean) * (v - mean) / float64(max(1, len(of)-1))
	}
	return mean, variance
}

// apart compares the chances by the even chains with those by the odd ones.
func apart(traces []trace) float64 {
	sum, n := 0., len(traces[0].yes)
	if n == 0 {
		return 0
	}
	for i := range n {
		var yes, all [2]int
		for k, t := range traces {
			yes[k%2] += t.yes[i]
			all[k%2] += t.samples()
		}
		d := ratio(yes[0], all[0]) - ratio(yes[1], all[1])
		sum += d * d
	}
	return math.Sqrt(sum / float64(n))
}
