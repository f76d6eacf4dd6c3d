package attack

import (
	"fmt"
	"math"
)

// Certainty is what holds in every assignment of values that the figures allow.
type Certainty struct {
	Claims    map[int]bool // by student: the value that it must have
	Open      int          // students of whom both values are possible
	Undecided int          // students for whom the budget did not suffice
	Steps     int          // of the search
}

// Certain proves values: it claims one only if no assignment of whole numbers with
// the other fits the bounds of all figures. Noise widens them by its reach, eight
// deviations. Budget is how many steps the search may take for one question. An
// ErrView reports a malformed view or figures that nothing fits.
func Certain(v View, budget int) (Certainty, error) {
	p, err := newPuzzle(v)
	if err != nil {
		return Certainty{}, err
	}
	s := search{puzzle: p}
	if s.solve(p.whole(), budget) == never {
		return Certainty{}, fmt.Errorf("%w: no values fit all of its figures", ErrView)
	}
	out := Certainty{Claims: map[int]bool{}}
	for c, members := range p.classes {
		switch yes, no := s.forced(c, true, budget), s.forced(c, false, budget); {
		case yes == never:
			out.claim(members, true)
		case no == never:
			out.claim(members, false)
		case yes == found && no == found:
			out.Open += len(members)
		default:
			out.Undecided += len(members)
		}
	}
	out.Steps = s.steps
	return out, nil
}

func (c *Certainty) claim(members []int, yes bool) {
	for _, x := range members {
		c.Claims[x] = yes
	}
}

// puzzle is a view in whole numbers. Students in the same figures stand for each
// other: only how many of a class are a yes can be told.
type puzzle struct {
	classes [][]int // students
	lines   []limits
}

// limits bound the number of yes in some classes.
type limits struct {
	classes   []int
	low, high int
}

func newPuzzle(v View) (*puzzle, error) {
	s, err := newSystem(v)
	if err != nil {
		return nil, err
	}
	in := make([][]byte, len(s.students)) // by student: the lines it is in, as a key
	for k, l := range s.lines {
		for _, i := range l.at {
			in[i] = fmt.Appendf(in[i], "%d,", k)
		}
	}
	p := &puzzle{lines: make([]limits, len(s.lines))}
	class := map[string]int{}
	for i, x := range s.students {
		c, met := class[string(in[i])]
		if !met {
			c = len(p.classes)
			class[string(in[i])] = c
			p.classes = append(p.classes, nil)
		}
		p.classes[c] = append(p.classes[c], x)
	}
	for k, l := range s.lines {
		p.lines[k] = l.limits(class, in)
	}
	return p, nil
}

func (l line) limits(class map[string]int, in [][]byte) limits {
	n := float64(len(l.at))
	low, high := max(l.low-l.reach, 0), min(l.high+l.reach, n)
	out := limits{low: int(math.Ceil(low - grain)), high: int(math.Floor(high + grain))}
	met := map[int]bool{}
	for _, i := range l.at {
		if c := class[string(in[i])]; !met[c] {
			met[c] = true
			out.classes = append(out.classes, c)
		}
	}
	return out
}

// domain is what is left for the number of yes in each class.
type domain struct{ low, high []int }

func (p *puzzle) whole() domain {
	d := domain{make([]int, len(p.classes)), make([]int, len(p.classes))}
	for c, members := range p.classes {
		d.high[c] = len(members)
	}
	return d
}

func (d domain) clone() domain {
	return domain{append([]int(nil), d.low...), append([]int(nil), d.high...)}
}

// propagate narrows the domain until no line narrows it further; it is not ok if
// nothing is left.
func (p *puzzle) propagate(d domain) (ok bool) {
	for changed := true; changed; {
		changed = false
		for _, l := range p.lines {
			narrowed, ok := l.narrow(d)
			if !ok {
				return false
			}
			changed = changed || narrowed
		}
	}
	return true
}

func (l limits) narrow(d domain) (changed, ok bool) {
	least, most := 0, 0
	for _, c := range l.classes {
		least += d.low[c]
		most += d.high[c]
	}
	if least > l.high || most < l.low || l.low > l.high {
		return false, false
	}
	for _, c := range l.classes {
		low := max(d.low[c], l.low-(most-d.high[c]))
		high := min(d.high[c], l.high-(least-d.low[c]))
		if low != d.low[c] || high != d.high[c] {
			changed = true
			least += low - d.low[c]
			most += high - d.high[c]
			d.low[c], d.high[c] = low, high
		}
		if low > high {
			return false, false
		}
	}
	return changed, true
}

// outcome is the answer to "does any assignment fit?".
type outcome int

const (
	unknown outcome = iota // the budget was spent
	found
	never
)

// search remembers its solutions: each answers many questions at once.
type search struct {
	*puzzle
	solutions [][]int
	steps     int
}

// forced asks whether a class can have a student with the other value.
func (s *search) forced(class int, yes bool, budget int) outcome {
	size := len(s.classes[class])
	for _, known := range s.solutions {
		if yes && known[class] < size || !yes && known[class] > 0 {
			return found
		}
	}
	d := s.whole()
	if yes {
		d.high[class] = size - 1
	} else {
		d.low[class] = 1
	}
	return s.solve(d, budget)
}

// solve looks for an assignment in a domain, halving the widest class.
func (s *search) solve(d domain, budget int) outcome {
	left := budget
	return s.descend(d, &left)
}

func (s *search) descend(d domain, left *int) outcome {
	if *left <= 0 {
		return unknown
	}
	*left--
	s.steps++
	if !s.propagate(d) {
		return never
	}
	widest, width := -1, 0
	for c := range d.low {
		if w := d.high[c] - d.low[c]; w > width {
			widest, width = c, w
		}
	}
	if widest < 0 {
		s.solutions = append(s.solutions, append([]int(nil), d.low...))
		return found
	}
	return s.split(d, widest, left)
}

// split tries both halves of a class, the upper one first.
func (s *search) split(d domain, class int, left *int) outcome {
	middle := (d.low[class] + d.high[class]) / 2
	upper, lower := d.clone(), d.clone()
	upper.low[class] = middle + 1
	lower.high[class] = middle
	first := s.descend(upper, left)
	if first == found {
		return found
	}
	second := s.descend(lower, left)
	switch {
	case second == found:
		return found
	case first == never && second == never:
		return never
	}
	return unknown
}
