package rank

import (
	"encoding/binary"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

// searchWork is how many entries of vectors a search may read before it gives
// up. A district with 160 schools and 60 agreements needs under 100,000.
const searchWork = 500_000

// hunt seeks the lightest word of codes, up to a limit that falls under each
// word found.
type hunt struct {
	limit  int
	found  int // the weight of the lightest; zero: none
	work   int // entries that may yet be read; negative: it gave up
	broken sabotage
}

// search finds a lightest word of a code, unless it has to give up.
func (h *hunt) search(c code) {
	if h.broken.noSearch {
		h.work = -1
	}
	if c, ok := h.narrowed(c); ok {
		h.descend(c)
	}
}

func (h *hunt) note(weight int) {
	if weight <= h.limit {
		h.found, h.limit = weight, weight-1
	}
}

// narrowed keeps the words that may weigh no more than the limit: where a column
// is too heavy to stand beside those that the word must have, it is zero. It
// reports false if no word is left, or no work.
func (h *hunt) narrowed(c code) (code, bool) {
	for {
		if h.work -= c.size(); h.work < 0 {
			return c, false
		}
		c = c.merged()
		for _, r := range c.rows {
			h.note(c.weigh(r.vector))
		}
		room, ok := c.room(h.limit)
		if !ok {
			return c, false
		}
		before := len(c.rows)
		if c = h.lighter(c, room); len(c.rows) == before {
			return c, before > 1
		}
	}
}

// lighter keeps the words that are zero on each column over the given weight,
// musts aside.
func (h *hunt) lighter(c code, room int) code {
	for i, used := range c.touched() {
		if used && !c.must[i] && c.weight[i] > room && h.work >= 0 {
			c = h.vanishing(c, atom(i))
		}
	}
	return c
}

func (h *hunt) vanishing(c code, at atom) code {
	c, work := c.vanishing(at)
	h.work -= work
	return c
}

// descend branches on a heaviest column of each part of a narrowed code: the
// word sought is zero there, or it is not.
func (h *hunt) descend(c code) {
	for _, part := range parts(c.rows, len(c.weight)) {
		within := code{pick(c.rows, part), c.weight, c.must}
		at, ok := within.heaviest()
		if !ok {
			continue
		}
		with := within
		with.must = slices.Clone(c.must)
		with.must[at] = true
		for _, next := range []code{with, h.vanishing(within, at)} {
			if next, ok := h.narrowed(next); ok {
				h.descend(next)
			}
		}
	}
}

// pairs finds the words of one column and of two. If one of two is a pivot, the
// word is that row; if both are, their rows agree outside the pivots but for a
// factor.
func (h *hunt) pairs(c code) {
	c = c.merged()
	lightest := map[string]int{}
	for _, r := range c.rows {
		h.note(c.weigh(r.vector))
		if h.broken.noPairs {
			continue
		}
		key, weight := r.beside(), c.weight[r.pivot]
		other, ok := lightest[key]
		if ok {
			h.note(other + weight)
		}
		if !ok || weight < other {
			lightest[key] = weight
		}
	}
}

// beside writes down what a row has beside its pivot, scaled to begin with one.
func (r row) beside() string {
	var out []byte
	scale := uint64(0)
	for _, e := range r.vector {
		if e.at == r.pivot {
			continue
		}
		if scale == 0 {
			scale = field.Inverse(e.value)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(e.at))
		out = binary.LittleEndian.AppendUint64(out, field.Mul(scale, e.value))
	}
	return string(out)
}
