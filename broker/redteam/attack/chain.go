package attack

import (
	"math"
	"math/rand/v2"
)

// chain is one walk through the values of the unknown students.
type chain struct {
	*model
	yes    []bool
	place  []int // where a student stands in its group
	groups [2][]int
	counts []int // of yes, by figure
	misfit int   // figures that the values do not fit
	swaps  bool
	random *rand.Rand
}

func (m *model) start(how Sampling, r *rand.Rand) *chain {
	c := &chain{
		model: m, yes: make([]bool, len(m.students)), place: make([]int, len(m.students)),
		counts: make([]int, len(m.tables)), swaps: !how.broken.noSwaps, random: r,
	}
	for i, odds := range m.odds {
		c.yes[i] = r.Float64() < 1/(1+math.Exp(-odds))
		c.join(i)
		for _, e := range m.in[i] {
			c.counts[e] += int(bit(c.yes[i]))
		}
	}
	for e, t := range m.tables {
		c.misfit += int(bit(!t.fits[c.counts[e]]))
	}
	return c
}

func (c *chain) join(i int) {
	g := &c.groups[int(bit(c.yes[i]))]
	c.place[i] = len(*g)
	*g = append(*g, i)
}

func (c *chain) leave(i int) {
	g := &c.groups[int(bit(c.yes[i]))]
	last := (*g)[len(*g)-1]
	(*g)[c.place[i]], c.place[last] = last, c.place[i]
	*g = (*g)[:len(*g)-1]
}

// sweep makes as many proposals as there are students, half of them swaps.
func (c *chain) sweep() {
	for n := range c.students {
		if c.swaps && n%2 == 1 {
			c.swap()
			continue
		}
		i := c.random.IntN(len(c.students))
		if c.accept(c.gain(i, -1)) {
			c.flip(i)
		}
	}
}

// swap lets a yes and a no change places.
func (c *chain) swap() {
	no, yes := c.groups[0], c.groups[1]
	if len(no) == 0 || len(yes) == 0 {
		return
	}
	i, j := yes[c.random.IntN(len(yes))], no[c.random.IntN(len(no))]
	if c.accept(c.gain(i, j)) {
		c.flip(i)
		c.flip(j)
	}
}

func (c *chain) accept(gain float64) bool {
	return gain >= 0 || c.random.Float64() < math.Exp(gain)
}

func (c *chain) flip(i int) {
	c.leave(i)
	c.yes[i] = !c.yes[i]
	c.join(i)
	by := int(2*bit(c.yes[i]) - 1)
	for _, e := range c.in[i] {
		fits := c.tables[e].fits
		c.misfit -= int(bit(!fits[c.counts[e]]))
		c.counts[e] += by
		c.misfit += int(bit(!fits[c.counts[e]]))
	}
}

// gain is what the log probability grows by when a student changes, and another
// of the other kind with it, unless that is -1. Figures with both do not change.
func (c *chain) gain(i, j int) float64 {
	by := int(1 - 2*bit(c.yes[i]))
	sum := float64(by) * c.odds[i]
	a, b := c.in[i], []int(nil)
	if j >= 0 {
		sum -= float64(by) * c.odds[j]
		b = c.in[j]
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			sum += c.step(a[0], by)
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			sum += c.step(b[0], -by)
			b = b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

func (c *chain) step(e, by int) float64 {
	log, n := c.tables[e].log, c.counts[e]
	return log[n+by] - log[n]
}
