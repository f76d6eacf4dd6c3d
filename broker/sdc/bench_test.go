package sdc_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// districtOf makes candidates of partners over the same schools of four grades,
// with 125 students a grade, each partner with one student in eight.
func districtOf(schools, partners int) []sdc.Candidate {
	r := rand.New(rand.NewPCG(1, 2))
	var cells []placed
	next := uint32(0)
	for s := range schools {
		for g := range 4 {
			c := placed{school: fmt.Sprintf("S%02d", s), grade: fmt.Sprint(9 + g)}
			for range 125 {
				c.students = append(c.students, next)
				next++
			}
			cells = append(cells, c)
		}
	}
	var out []sdc.Candidate
	for a := range partners {
		roster := roaring.New()
		for x := range next {
			if r.IntN(8) == 0 {
				roster.Add(x)
			}
		}
		out = append(out, candidate(fmt.Sprintf("A%02d", a), rowsOf(cells, roster), sdc.Known{}, nil))
	}
	return out
}

func TestADistrictOfTenSchoolsKeepsNearlyAllItsRows(t *testing.T) {
	t.Parallel()
	c := districtOf(10, 3)
	plans, h, err := sdc.PlanBatch(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := identities(c, plans, h); err != nil {
		t.Fatal(err)
	}
	for i, p := range plans {
		levels := map[sdc.Level]int{}
		for _, v := range p.Figures[0].Verdicts {
			if v.Shown {
				levels[v.Key.Level()]++
			}
		}
		grades := 4
		if i == 2 { // some students work with all three partners, and are in eight figures by now
			grades = 0
		}
		if levels[sdc.LevelAll] != 1 || levels[sdc.LevelSchool] != 10 || levels[sdc.LevelGrade] != grades {
			t.Errorf("%s shows %v", p.Agreement, levels)
		}
	}
}

func BenchmarkPlanBatch(b *testing.B) {
	for _, size := range []struct{ schools, partners int }{{10, 3}, {10, 12}} {
		b.Run(fmt.Sprintf("%d students, %d partners", size.schools*500, size.partners), func(b *testing.B) {
			c := districtOf(size.schools, size.partners)
			for b.Loop() {
				if _, _, err := sdc.PlanBatch(nil, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
