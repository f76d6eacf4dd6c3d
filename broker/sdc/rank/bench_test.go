package rank_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc/rank"
)

// shape is a made-up district: schools of four grades, three kinds of school one
// after another, and agreements of which each serves some schools.
type shape struct{ agreements, schools, perGrade int }

func (d shape) school(x uint32) int { return int(x) / (4 * d.perGrade) }

func (d shape) grade(x uint32) int { return d.school(x)%3*4 + int(x)/d.perGrade%4 }

// rows are the pairs of cohort and rest, pooled, by school and by grade, that have
// ten students on each side.
func (d shape) rows() [][]*roaring.Bitmap {
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]*roaring.Bitmap
	for range d.agreements {
		out = append(out, d.agreement(r)...)
	}
	return out
}

// agreement serves one to twelve schools, or one time in ten half of them, and
// there one student in 25, in 12 or in 7.
func (d shape) agreement(r *rand.Rand) [][]*roaring.Bitmap {
	many := 1 + r.IntN(12)
	if r.IntN(10) == 0 {
		many = d.schools / 2
	}
	serves := map[int]bool{}
	for range many {
		serves[r.IntN(d.schools)] = true
	}
	every := []int{25, 12, 7}[r.IntN(3)]
	rows := make([][]*roaring.Bitmap, 1+d.schools+12)
	for i := range rows {
		rows[i] = []*roaring.Bitmap{roaring.New(), roaring.New()}
	}
	for x := range uint32(4 * d.schools * d.perGrade) {
		if !serves[d.school(x)] {
			continue
		}
		side := min(1, r.IntN(every))
		for _, i := range []int{0, 1 + d.school(x), 1 + d.schools + d.grade(x)} {
			rows[i][side].Add(x)
		}
	}
	var out [][]*roaring.Bitmap
	for _, row := range rows {
		if min(row[0].GetCardinality(), row[1].GetCardinality()) >= 10 {
			out = append(out, row)
		}
	}
	return out
}

// audited adds the rows that are admitted until limit sets were offered.
func audited(rows [][]*roaring.Bitmap, limit int) (a *rank.Audit, refused int) {
	a = rank.New(nil, 10)
	for _, r := range rows[:min(len(rows), limit/2)] {
		if a.Admits(r...) {
			a.Add(r...)
		} else {
			refused++
		}
	}
	return a, refused
}

func TestADistrictIsSearchedInFullAndLosesFewRows(t *testing.T) {
	t.Parallel()
	rows := shape{20, 40, 100}.rows()
	a, refused := audited(rows, 2*len(rows))
	if a.GaveUp() > 0 || a.Exposed() > 0 {
		t.Errorf("gave up %d, exposed %d", a.GaveUp(), a.Exposed())
	}
	if refused == 0 || refused*20 > len(rows) {
		t.Errorf("%d of %d rows are refused", refused, len(rows))
	}
}

func BenchmarkAdmits(b *testing.B) {
	for _, c := range []struct {
		shape
		sets int
	}{
		{shape{60, 160, 156}, 1500},
		{shape{60, 160, 156}, 2400},
		{shape{20, 10, 125}, 400},
		{shape{400, 10, 125}, 600},
		{shape{400, 10, 125}, 1000}, // far more agreements than a district of ten schools has: it gives up
	} {
		name := fmt.Sprintf("%d students, %d sets", 4*c.schools*c.perGrade, c.sets)
		b.Run(name, func(b *testing.B) {
			rows := c.rows()
			sets := min(c.sets, 2*len(rows)-20)
			a, refused := audited(rows, sets)
			fresh := rows[sets/2 : sets/2+10]
			size := rank.SizeOf(a)
			i := 0
			for b.Loop() {
				a.Admits(fresh[i%10]...)
				i++
			}
			b.ReportMetric(float64(sets), "sets")
			b.ReportMetric(float64(refused), "refused")
			b.ReportMetric(float64(a.GaveUp()), "given-up")
			b.ReportMetric(float64(size.Atoms), "atoms")
			b.ReportMetric(float64(size.Entries), "entries")
		})
	}
}
