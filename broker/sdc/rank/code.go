package rank

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/sdc/field"
)

// code is a linear code of which a lightest word is sought: sums of light atoms,
// a few columns instead of all atoms. It is a value; what is made from it leaves
// it as it was.
type code struct {
	rows   []row  // each pivot is zero in all other rows
	weight []int  // by column
	must   []bool // columns where the word sought is not zero
}

// codeOf numbers the atoms of some rows as columns.
func codeOf(rows []row, weight []int) code {
	var c code
	column := make([]atom, len(weight)) // one more than the number
	for _, r := range rows {
		v := make(vector, len(r.vector))
		for i, e := range r.vector {
			if column[e.at] == 0 {
				c.weight = append(c.weight, weight[e.at])
				column[e.at] = atom(len(c.weight))
			}
			v[i] = entry{column[e.at] - 1, e.value}
		}
		slices.SortFunc(v, func(x, y entry) int { return int(x.at) - int(y.at) })
		c.rows = append(c.rows, row{v, column[r.pivot] - 1})
	}
	c.must = make([]bool, len(c.weight))
	return c
}

// codeWith is the code of a vector and of the rows that share columns with it,
// directly or over others. It asks for words in which the vector takes part: to
// tell, the vector has a column of its own, which weighs nothing.
func codeWith(v vector, light []row, weight []int) code {
	rows := append([]row{v.row(v[0])}, light...)
	part := parts(rows, len(weight))[0]
	c := codeOf(pick(rows, part), weight)
	own := atom(len(c.weight))
	first := c.rows[0].vector
	c.rows[0] = row{append(first[:len(first):len(first)], entry{own, 1}), own}
	c.weight, c.must = append(c.weight, 0), append(c.must, true)
	return c
}

// parts groups the rows that share columns, directly or over others. A smallest
// word lies in one part: what it has in each is a word of its own.
func parts(rows []row, columns int) [][]int {
	first := make([]int, columns) // one more than the first row that has the column
	lead := make(leaders, len(rows))
	for i, r := range rows {
		lead[i] = i
		for _, e := range r.vector {
			if first[e.at] == 0 {
				first[e.at] = i + 1
			}
			lead.join(i, first[e.at]-1)
		}
	}
	place := make([]int, len(rows)) // one more than where the part of a leader stands
	var out [][]int
	for i := range rows {
		top := lead.of(i)
		if place[top] == 0 {
			out = append(out, nil)
			place[top] = len(out)
		}
		out[place[top]-1] = append(out[place[top]-1], i)
	}
	return out
}

// leaders is a forest of disjoint sets (Galler and Fischer, 1964), each led by
// its lowest member.
type leaders []int

func (l leaders) of(i int) int {
	for l[i] != i {
		l[i] = l[l[i]]
		i = l[i]
	}
	return i
}

func (l leaders) join(i, j int) {
	a, b := l.of(i), l.of(j)
	l[max(a, b)] = min(a, b)
}

func pick(rows []row, which []int) []row {
	out := make([]row, len(which))
	for i, w := range which {
		out[i] = rows[w]
	}
	return out
}

// merged makes one column of those that are proportional to each other: a word
// is zero on all of them or on none.
func (c code) merged() code {
	stands := c.standIns()
	weight, must := make([]int, len(c.weight)), make([]bool, len(c.must))
	for i, s := range stands {
		weight[s] += c.weight[i]
		must[s] = must[s] || c.must[i]
	}
	rows := make([]row, len(c.rows))
	for i, r := range c.rows {
		v := make(vector, 0, len(r.vector))
		for _, e := range r.vector {
			if stands[e.at] == e.at {
				v = append(v, e)
			}
		}
		rows[i] = row{vector: v, pivot: r.pivot}
	}
	return code{rows, weight, must}
}

// standIns gives for each column the one that stands for all proportional to
// it: a pivot if there is one, else the first. A column of zeros stands for
// itself.
func (c code) standIns() []atom {
	columns := c.columns()
	out := make([]atom, len(columns))
	alike := make(map[uint64]atom, len(columns)) // by what proportional columns have in common
	for _, r := range c.rows {
		alike[columns[r.pivot].mark()] = r.pivot
	}
	for i, column := range columns {
		out[i] = atom(i)
		if len(column) == 0 {
			continue
		}
		mark := column.mark()
		switch s, ok := alike[mark]; {
		case !ok:
			alike[mark] = atom(i)
		case column.proportional(columns[s]):
			out[i] = s
		}
	}
	return out
}

// columns are the code read downwards: vectors whose places are rows.
func (c code) columns() []vector {
	start := make([]int, len(c.weight)+1)
	for _, r := range c.rows {
		for _, e := range r.vector {
			start[e.at+1]++
		}
	}
	for i := range c.weight {
		start[i+1] += start[i]
	}
	all := make(vector, start[len(c.weight)])
	out := make([]vector, len(c.weight))
	for i := range out {
		out[i] = all[start[i]:start[i]:start[i+1]]
	}
	for i, r := range c.rows {
		for _, e := range r.vector {
			out[e.at] = append(out[e.at], entry{atom(i), e.value})
		}
	}
	return out
}

// mark is the same for proportional vectors and seldom for others: a product
// hash (Knuth, The Art of Computer Programming 3, section 6.4) of the vector when
// its first entry is one.
func (v vector) mark() uint64 {
	scale := field.Inverse(v[0].value)
	sum := uint64(0)
	for _, e := range v {
		sum = (sum ^ uint64(e.at)<<32 ^ field.Mul(scale, e.value)) * 0x9e3779b97f4a7c15
		sum ^= sum >> 29
	}
	return sum
}

// proportional reports whether a vector is another one times a number.
func (v vector) proportional(w vector) bool {
	return slices.EqualFunc(v, w, func(x, y entry) bool {
		return x.at == y.at && field.Mul(x.value, w[0].value) == field.Mul(y.value, v[0].value)
	})
}

// vanishing returns the words that are zero on a column, and how many entries
// were read for it.
func (c code) vanishing(at atom) (code, int) {
	through, work := -1, len(c.rows) // through: the shortest row that is not zero there
	for i, r := range c.rows {
		if r.value(at) != 0 && (through < 0 || len(r.vector) < len(c.rows[through].vector)) {
			through = i
		}
	}
	if through < 0 {
		return c, work
	}
	w := c.rows[through]
	inverse := field.Inverse(w.value(at))
	out := make([]row, 0, len(c.rows)-1)
	for i, r := range c.rows {
		if f := r.value(at); f != 0 && i != through {
			r.vector = r.minus(field.Mul(f, inverse), w.vector)
			work += len(r.vector) + len(w.vector)
		}
		if i != through {
			out = append(out, r)
		}
	}
	return code{out, c.weight, c.must}, work
}

// touched reports the columns that are not zero in all rows.
func (c code) touched() []bool {
	out := make([]bool, len(c.weight))
	for _, r := range c.rows {
		for _, e := range r.vector {
			out[e.at] = true
		}
	}
	return out
}

// room is how much a column may weigh beside those that the word must have;
// false if these are too heavy themselves or the code is zero on one.
func (c code) room(limit int) (int, bool) {
	touched := c.touched()
	for i, must := range c.must {
		if must && !touched[i] {
			return 0, false
		}
		if must {
			limit -= c.weight[i]
		}
	}
	return limit, limit >= 0
}

// heaviest returns the heaviest column that is not yet a must, or false if the
// code lacks one of the musts or has no choice left.
func (c code) heaviest() (atom, bool) {
	best := -1
	for i, used := range c.touched() {
		if c.must[i] && !used {
			return 0, false
		}
		if used && !c.must[i] && (best < 0 || c.weight[i] > c.weight[best]) {
			best = i
		}
	}
	return atom(max(best, 0)), best >= 0
}

func (c code) weigh(v vector) int {
	sum := 0
	for _, e := range v {
		sum += c.weight[e.at]
	}
	return sum
}

// size is the number of entries.
func (c code) size() int {
	sum := 0
	for _, r := range c.rows {
		sum += len(r.vector)
	}
	return sum
}
