package attack_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/redteam/attack"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// school is a made-up school of 500 with one partner: who takes part, the traits
// by which figures break down, and who was chronically absent.
type school struct {
	cohort []int
	rows   [][]int // all, then the values of three breakdowns
	parts  [][]int // rows of each breakdown
	risk   []float64
	absent []bool
}

const pupils = 500

func newSchool(r *rand.Rand) school {
	model := attack.Logistic{Base: -1.7, Effects: map[string]float64{"frl": .9, "swd": .6, "g10": .2, "g11": .3, "g12": .5}}
	names := []string{"all", "g9", "g10", "g11", "g12", "frl", "other income", "swd", "no iep"}
	s := school{rows: make([][]int, len(names)), parts: [][]int{{1, 2, 3, 4}, {5, 6}, {7, 8}}}
	for x := range pupils {
		in := []int{0, 1 + r.IntN(4), 5 + one(r.Float64() > .45), 7 + one(r.Float64() > .15)}
		var traits []string
		for _, i := range in {
			s.rows[i] = append(s.rows[i], x)
			traits = append(traits, names[i])
		}
		s.risk = append(s.risk, model.Chance(traits...))
		s.absent = append(s.absent, r.Float64() < s.risk[x])
	}
	s.cohort = few(r, pupils, 12+r.IntN(109))
	return s
}

// both are the students who are in two ascending lists.
func both(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(x int) bool {
		_, in := slices.BinarySearch(b, x)
		return !in
	})
}

func minus(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(x int) bool {
		_, in := slices.BinarySearch(b, x)
		return in
	})
}

// shown are the rows that suppression leaves: ten on either side, and in each
// breakdown no hidden set that subtraction gives and that is a single row or has
// fewer than ten on a side.
func (s school) shown() []int {
	sizes := func(i int) (int, int) {
		p := len(both(s.rows[i], s.cohort))
		return p, len(s.rows[i]) - p
	}
	out := []int{0}
	for _, part := range s.parts {
		var hidden, open []int
		p, rest := 0, 0
		hide := func(i int) {
			a, b := sizes(i)
			p, rest = p+a, rest+b
			hidden = append(hidden, i)
		}
		for _, i := range part {
			if a, b := sizes(i); a < 10 || b < 10 {
				hide(i)
			} else {
				open = append(open, i)
			}
		}
		slices.SortFunc(open, func(i, j int) int {
			a, _ := sizes(i)
			b, _ := sizes(j)
			return a - b
		})
		for len(open) > 0 && len(hidden) > 0 && (len(hidden) < 2 || p < 10 || rest < 10) {
			hide(open[0])
			open = open[1:]
		}
		out = append(out, open...)
	}
	return out
}

// view is what the partner has: a share of its own students' values, the exact
// totals of the school, the risk model, and what was printed of its rows.
func (s school) view(r *rand.Rand, known float64, rows []int, read func(members []int) []attack.Equation) attack.View {
	v := attack.View{Students: pupils, Known: map[int]bool{}, Prior: s.risk}
	for _, x := range s.cohort {
		if r.Float64() < known {
			v.Known[x] = s.absent[x]
		}
	}
	for _, row := range s.rows {
		v.Equations = append(v.Equations, attack.Exactly(row, sum(row, s.absent)))
	}
	for _, i := range rows {
		v.Equations = append(v.Equations, read(s.rows[i])...)
	}
	return v
}

// protection turns a row of the school into the figures of it that are printed.
type protection func(s school, r *rand.Rand) func(row []int) []attack.Equation

// suppressed prints the exact count of each row that is large enough.
func suppressed(s school, _ *rand.Rand) func([]int) []attack.Equation {
	return func(row []int) []attack.Equation {
		p := both(row, s.cohort)
		return []attack.Equation{attack.Exactly(p, sum(p, s.absent))}
	}
}

// tenPointBands prints ten points to 40 students, five to 100, one above, with the
// ends coded.
func tenPointBands(s school, _ *rand.Rand) func([]int) []attack.Equation {
	return func(row []int) []attack.Equation {
		p := both(row, s.cohort)
		n := float64(len(p))
		width := 1.
		switch {
		case n <= 40:
			width = 10
		case n <= 100:
			width = 5
		}
		rate := math.Round(100 * sum(p, s.absent) / n)
		low := math.Floor(rate/width) * width
		if rate >= 100-width {
			return []attack.Equation{attack.Share(p, 100-width-.5, 100, 0)}
		}
		return []attack.Equation{attack.Share(p, low-.5, low+width-.5, 0)}
	}
}

// publishedTable prints participants and rest as the profile of that name does.
// The rest bounds the participants once more, since the whole is known.
func publishedTable(s school, _ *rand.Rand) func([]int) []attack.Equation {
	band := func(members []int) (low, high float64) {
		b := sdc.Band(int64(sum(members, s.absent)), int64(len(members)), len(members), sdc.Subgroup)
		return float64(b.Low) / 1000, float64(b.High) / 1000
	}
	return func(row []int) []attack.Equation {
		p, rest := both(row, s.cohort), minus(row, s.cohort)
		low, high := band(p)
		fewest, most := band(rest)
		total, n := sum(row, s.absent), float64(len(rest))
		return []attack.Equation{attack.Share(p, low, high, 0).Narrowed(total-most/100*n, total-fewest/100*n)}
	}
}

// noised prints rates with noise of a variance, coded as the standard profile does.
func noised(t *testing.T, variance int64) protection {
	t.Helper()
	draw := sampler(t, variance)
	return func(s school, r *rand.Rand) func([]int) []attack.Equation {
		return func(row []int) []attack.Equation {
			p := both(row, s.cohort)
			low, high := coded(sum(p, s.absent)+draw(r), len(p))
			return []attack.Equation{attack.Share(p, low, high, float64(variance))}
		}
	}
}

// coded are the bounds, in percent, of a noisy count as it is printed.
func coded(count float64, n int) (low, high float64) {
	rate := math.Round(100 * count / float64(n))
	end := 1.
	switch {
	case n < 20:
		end = 20
	case n < 40:
		end = 10
	case n < 100:
		end = 5
	case n < 300:
		end = 2
	}
	switch {
	case rate <= end:
		return math.Inf(-1), end + .5
	case rate >= 100-end:
		return 100 - end - .5, math.Inf(1)
	case n < 20:
		low := math.Floor(rate/20) * 20
		return low - .5, low + 19.5
	}
	return rate - .5, rate + .5
}

// measured is one line of the table of posterior attacks.
type measured struct {
	game        attack.Game
	prior, post float64 // AUC
	mixed, runs int
}

// attacked samples so many schools.
func attacked(t *testing.T, seed uint64, schools int, known float64, how attack.Sampling, print protection) measured {
	t.Helper()
	r := coin(seed)
	var out measured
	var before, after []float64
	var truth []bool
	for range schools {
		s := newSchool(r)
		v := s.view(r, known, s.shown(), print(s, r))
		p, err := attack.Sample(v, how, r)
		if err != nil {
			t.Fatal(err)
		}
		out.runs++
		out.mixed += one(p.Mixed())
		for _, x := range s.cohort {
			if _, told := v.Known[x]; told {
				continue
			}
			out.game.Play(s.risk[x], p.Chances[x], s.absent[x], r)
			before, after, truth = append(before, s.risk[x]), append(after, p.Chances[x]), append(truth, s.absent[x])
		}
	}
	out.prior, out.post = attack.AUC(before, truth), attack.AUC(after, truth)
	return out
}
