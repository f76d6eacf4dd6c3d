package compare

import (
	"math/bits"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// places are some places of a roll: one by one, for values of any size, and as
// masks, for values that are a yes or a no and can be counted 64 at a time.
type places struct {
	list  []int32 // ascending within a cell
	masks []mask
}

// mask is the places of one cell that share a word of flags.
type mask struct {
	word int32
	bits uint64
}

// with adds places of one cell, ascending.
func (p places) with(at cell, list []int32) places {
	p.list = append(p.list, list...)
	last := int32(-1)
	for _, place := range list {
		word, bit := at.flag(place)
		if word != last {
			last, p.masks = word, append(p.masks, mask{word: word})
		}
		p.masks[len(p.masks)-1].bits |= bit
	}
	return p
}

// flags are what up to 64 students of a cell count for in a share of students: who
// has a value, and whose is a yes.
type flags struct{ valued, yes uint64 }

// wordsOf is how many words a cell's flags take.
func wordsOf(c cell) int { return (int(c.next-c.first) + 63) / 64 }

// flag says in which word a place's flags stand, and at which bit of it.
func (c cell) flag(place int32) (word int32, bit uint64) {
	at := place - c.first
	return c.word + at/64, 1 << (at % 64)
}

// flag sets the flags of a cell from its values, for a share of students.
func (c *Column) flag(at cell) {
	if c.flags == nil {
		return
	}
	for place := at.first; place < at.next; place++ {
		v := c.values[place]
		word, bit := at.flag(place)
		if v.den != 0 {
			c.flags[word].valued |= bit
		}
		if v.num != 0 {
			c.flags[word].yes |= bit
		}
	}
}

// count is the sum over flags: a value of a share is a yes or a no of one
// (records.ShareOfStudents).
func (c *Column) count(masks []mask) sdc.Raw {
	valued, yes := 0, 0
	for _, m := range masks {
		f := c.flags[m.word]
		valued += bits.OnesCount64(f.valued & m.bits)
		yes += bits.OnesCount64(f.yes & m.bits)
	}
	return sdc.Raw{N: valued, Num: int64(yes), Den: int64(valued)}
}
