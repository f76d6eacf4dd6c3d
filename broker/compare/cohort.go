package compare

import (
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// Dosage counts the distinct session dates from the first to the last day,
// both included. Dates of all schools of the agreement belong in one list.
func Dosage(dates []civil.Date, first, last civil.Date) int {
	days := map[civil.Date]bool{}
	for _, d := range dates {
		if first <= d && d <= last {
			days[d] = true
		}
	}
	return len(days)
}

// Placement is where a student stands on the census date.
type Placement struct {
	Ordinal       uint32
	School, Grade string
}

// Place puts each student at its primary enrollment on the census date. The
// ordinal is the student's index in the list; students not enrolled that day
// are left out.
func Place(students []records.Student, census civil.Date) []Placement {
	var out []Placement
	for i := range students {
		if e, ok := students[i].PrimaryOn(census); ok {
			out = append(out, Placement{Ordinal: uint32(i), School: e.School, Grade: e.Grade})
		}
	}
	return out
}

// Choice is what an agreement says about its cohort. Schools are those of the
// agreement; Dosage is each participant's, by ordinal; Floor is the least that
// counts. Under a consent-only basis the caller names only the consenting
// participants.
type Choice struct {
	Schools []string
	Dosage  map[uint32]int
	Floor   int
}

// Groups are the cohort and the rest by school and grade. A school and grade
// without a member of the cohort has no rest: its row is there, because which
// rows there are must not tell where a participant goes to school, and empty.
type Groups struct {
	cells map[sdc.Key]cell
}

type cell struct{ cohort, whole *roaring.Bitmap }

// Choose divides the placed students: the cohort are the participants at the
// floor; the rest are the other students of the same schools and grades, among
// them participants under the floor.
func Choose(placed []Placement, c Choice) Groups {
	g := Groups{cells: map[sdc.Key]cell{}}
	for _, p := range placed {
		if slices.Contains(c.Schools, p.School) {
			g.add(p, c)
		}
	}
	for _, c := range g.cells {
		if c.cohort.IsEmpty() {
			c.whole.Clear()
		}
	}
	return g
}

func (g Groups) add(p Placement, c Choice) {
	key := sdc.Key{School: p.School, Grade: p.Grade}
	if _, ok := g.cells[key]; !ok {
		g.cells[key] = cell{roaring.New(), roaring.New()}
	}
	g.cells[key].whole.Add(p.Ordinal)
	if dosage, ok := c.Dosage[p.Ordinal]; ok && dosage >= c.Floor {
		g.cells[key].cohort.Add(p.Ordinal)
	}
}

// Cohort returns all of the cohort.
func (g Groups) Cohort() *roaring.Bitmap {
	return g.union(func(c cell) *roaring.Bitmap { return c.cohort })
}

// Whole returns cohort and rest together.
func (g Groups) Whole() *roaring.Bitmap {
	return g.union(func(c cell) *roaring.Bitmap { return c.whole })
}

// Rest returns all of the rest.
func (g Groups) Rest() *roaring.Bitmap { return roaring.AndNot(g.Whole(), g.Cohort()) }

func (g Groups) union(side func(cell) *roaring.Bitmap) *roaring.Bitmap {
	out := roaring.New()
	for _, c := range g.cells {
		out.Or(side(c))
	}
	return out
}

// Grain says into what rows an agreement divides its comparison beside the
// pooled one.
type Grain struct{ School, Grade bool }

// Rows lays the groups out: the pooled row first, then a row a school, a row a
// grade over all schools and, with both, a row a grade within a school; in the
// order of sdc.CompareKeys. Students without a grade are in no grade row. Which
// rows there are follows from the schools and their grades alone.
func (g Groups) Rows(grain Grain) []sdc.RowSets {
	rows := map[sdc.Key]sdc.RowSets{}
	for key, c := range g.cells {
		for _, k := range grain.keys(key) {
			r, ok := rows[k]
			if !ok {
				r = sdc.RowSets{Key: k, P: roaring.New(), T: roaring.New()}
				rows[k] = r
			}
			r.P.Or(c.cohort)
			r.T.Or(c.whole)
		}
	}
	return slices.SortedFunc(maps.Values(rows), func(a, b sdc.RowSets) int { return sdc.CompareKeys(a.Key, b.Key) })
}

// keys lists the rows that a school and grade belong to.
func (g Grain) keys(k sdc.Key) []sdc.Key {
	out := []sdc.Key{{}}
	if g.School {
		out = append(out, sdc.Key{School: k.School})
	}
	if g.Grade && k.Grade != "" {
		out = append(out, sdc.Key{Grade: k.Grade})
		if g.School {
			out = append(out, k)
		}
	}
	return out
}
