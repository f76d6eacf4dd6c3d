package sdc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// world is a made-up district period: students in schools and grades, and
// agreements that work with some of them. Outcomes are kept apart, as they are
// in the product.
type world struct {
	students   uint32
	candidates []sdc.Candidate
	known      map[string]sdc.Known // by agreement: one family
}

// family is the only indicator family of a world.
const family = "attendance"

func makeWorld(seed uint64) world {
	r := rand.New(rand.NewPCG(seed, 20_06))
	var cells []placed
	w := world{known: map[string]sdc.Known{}}
	for s := range 1 + r.IntN(4) {
		for g := range 1 + r.IntN(4) {
			c := placed{school: fmt.Sprintf("S%d", s), grade: strconv.Itoa(9 + g)}
			for range r.IntN(60) {
				c.students = append(c.students, w.students)
				w.students++
			}
			cells = append(cells, c)
		}
	}
	anyone := w.some(r, []float64{0, 0.1, 0.5, 0.9}[r.IntN(4)])
	covered := w.some(r, []float64{1.1, 0.95}[r.IntN(2)])
	for a := range 1 + r.IntN(3) {
		w.agree(r, fmt.Sprintf("A%d", a), cells, anyone, covered)
	}
	if r.IntN(2) == 0 {
		w.under(sdc.Standard, r.IntN(2) == 0)
		if seed%3 == 0 {
			w.group(r)
		}
	}
	return w
}

// group divides all agreements by what a partner may not know: a few, many or
// half of the students, some of whom nobody knows it of either.
func (w world) group(r *rand.Rand) {
	for d := range 1 + r.IntN(2) {
		yes := w.some(r, []float64{.05, .2, .5}[r.IntN(3)])
		no := w.some(r, []float64{1.1, .9}[r.IntN(2)])
		no.AndNot(yes)
		for i := range w.candidates {
			c := &w.candidates[i]
			all := find(c.Rows, sdc.Key{})
			for value, members := range map[string]*roaring.Bitmap{"yes": yes, "no": no} {
				k := sdc.Key{Group: fmt.Sprintf("trait%d:%s", d, value)}
				c.Rows = append(c.Rows, sdc.RowSets{Key: k, P: roaring.And(all.P, members), T: roaring.And(all.T, members)})
			}
			known := c.Known[family]
			known.Blur = blurBySum
			c.Known = map[string]sdc.Known{family: known}
		}
	}
}

// under puts all agreements under a profile.
func (w world) under(p sdc.Profile, yearEnd bool) {
	for i := range w.candidates {
		w.candidates[i].Profile, w.candidates[i].Thresholds, w.candidates[i].YearEnd = p, p.Thresholds(), yearEnd
	}
}

// blurBySum is a blur that hangs on who the students are.
func blurBySum(left *roaring.Bitmap) int {
	sum := uint32(0)
	for _, x := range left.ToArray() {
		sum += x
	}
	return int(sum % (sdc.MostBlur + 1))
}

type placed struct {
	school, grade string
	students      []uint32
}

func (w world) some(r *rand.Rand, rate float64) *roaring.Bitmap {
	out := roaring.New()
	for x := range w.students {
		if r.Float64() < rate {
			out.Add(x)
		}
	}
	return out
}

// agree adds an agreement with some students of some cells, a third of the time
// almost the roster of the one before.
func (w *world) agree(r *rand.Rand, name string, cells []placed, anyone, covered *roaring.Bitmap) {
	roster := w.some(r, []float64{0.05, 0.3, 0.5, 0.7}[r.IntN(4)])
	if n := len(w.candidates); n > 0 && r.IntN(3) == 0 {
		roster = w.candidates[n-1].Rows[0].P.Clone()
		for range 1 + r.IntN(3) {
			x := uint64(r.Uint32N(w.students + 1))
			roster.Flip(x, x+1)
		}
	}
	k := sdc.Known{Self: roaring.And(anyone, roster), Any: anyone}
	w.known[name] = k
	w.candidates = append(w.candidates, candidate(name, rowsOf(cells, roster), k, covered))
}

func candidate(name string, rows []sdc.RowSets, k sdc.Known, covered *roaring.Bitmap) sdc.Candidate {
	return sdc.Candidate{
		Agreement: name, Profile: sdc.PublishedTable, Rows: rows, Thresholds: sdc.PublishedTable.Thresholds(),
		Figures: []sdc.FigureSets{{Indicator: "chronic", Family: family, Covered: covered}},
		Known:   map[string]sdc.Known{family: k},
	}
}

// rowsOf lays cells out at every level.
func rowsOf(cells []placed, roster *roaring.Bitmap) []sdc.RowSets {
	var out []sdc.RowSets
	row := func(k sdc.Key) sdc.RowSets {
		i := slices.IndexFunc(out, func(r sdc.RowSets) bool { return r.Key == k })
		if i < 0 {
			out = append(out, sdc.RowSets{Key: k, P: roaring.New(), T: roaring.New()})
			i = len(out) - 1
		}
		return out[i]
	}
	row(sdc.Key{})
	for _, c := range cells {
		whole := roaring.BitmapOf(c.students...)
		cohort := roaring.And(whole, roster)
		if cohort.IsEmpty() {
			continue
		}
		for _, k := range []sdc.Key{{}, {School: c.school}, {Grade: c.grade}, {School: c.school, Grade: c.grade}} {
			r := row(k)
			r.P.Or(cohort)
			r.T.Or(whole)
		}
	}
	return out
}

// grid makes cells with the given numbers of participants, each beside a rest
// of the given size. Schools are the rows of the table, grades its columns; a
// zero is no cell. It returns the rows and the roster's ordinals.
func grid(participants [][]int, rest int) []sdc.RowSets {
	var cells []placed
	roster, next := roaring.New(), uint32(0)
	for s, line := range participants {
		for g, n := range line {
			if n == 0 {
				continue
			}
			c := placed{school: fmt.Sprintf("S%d", s), grade: strconv.Itoa(9 + g)}
			for i := range n + rest {
				c.students = append(c.students, next)
				if i < n {
					roster.Add(next)
				}
				next++
			}
			cells = append(cells, c)
		}
	}
	return rowsOf(cells, roster)
}

// flat is a grid of schools without grade rows.
func flat(rest int, participants ...int) []sdc.RowSets {
	var table [][]int
	for _, n := range participants {
		table = append(table, []int{n})
	}
	return slices.DeleteFunc(grid(table, rest), func(r sdc.RowSets) bool { return r.Key.Grade != "" })
}

func find(rows []sdc.RowSets, k sdc.Key) sdc.RowSets {
	return rows[slices.IndexFunc(rows, func(r sdc.RowSets) bool { return r.Key == k })]
}

func shownRows(p sdc.Plan) []string {
	var out []string
	for _, v := range p.Figures[0].Verdicts {
		if v.Shown {
			out = append(out, v.Key.String())
		}
	}
	return out
}
