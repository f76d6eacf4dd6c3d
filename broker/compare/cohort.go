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
	Groups        records.Groups
}

// Place puts each student at its primary enrollment on the census date. The
// ordinal is the student's index in the list; students not enrolled that day
// are left out.
func Place(students []records.Student, census civil.Date) []Placement {
	var out []Placement
	for i := range students {
		if e, ok := students[i].PrimaryOn(census); ok {
			out = append(out, Placement{Ordinal: uint32(i), School: e.School, Grade: e.Grade, Groups: students[i].Groups()})
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
	roll  *Roll
	cells []group // of the agreement's schools, in the order of the roll
}

// group is one cell and who of it is in the cohort, by place, ascending.
type group struct {
	cell   int
	cohort []int32
}

// Choose divides the placed students: the cohort are the participants at the
// floor; the rest are the other students of the same schools and grades, among
// them participants under the floor.
func (r *Roll) Choose(c Choice) Groups {
	g := Groups{roll: r}
	number := map[int32]int{}
	for _, i := range r.cellsOf(c.Schools) {
		number[int32(i)] = len(g.cells)
		g.cells = append(g.cells, group{cell: i})
	}
	for ordinal, dosage := range c.Dosage {
		s, placed := r.find(ordinal)
		if i, ours := number[s.cell]; placed && ours && dosage >= c.Floor {
			g.cells[i].cohort = append(g.cells[i].cohort, s.place)
		}
	}
	for _, c := range g.cells {
		slices.Sort(c.cohort)
	}
	return g
}

// Cohort returns all of the cohort.
func (g Groups) Cohort() *roaring.Bitmap {
	out := roaring.New()
	for _, c := range g.cells {
		out.Or(g.cohort(c))
	}
	return out
}

// Whole returns cohort and rest together.
func (g Groups) Whole() *roaring.Bitmap {
	out := roaring.New()
	for _, c := range g.cells {
		out.Or(g.whole(c))
	}
	return out
}

// Rest returns all of the rest.
func (g Groups) Rest() *roaring.Bitmap { return roaring.AndNot(g.Whole(), g.Cohort()) }

func (g Groups) cohort(c group) *roaring.Bitmap {
	out := roaring.New()
	for _, place := range c.cohort {
		out.Add(g.roll.students[place])
	}
	return out
}

// whole must not be changed: it is the roll's.
func (g Groups) whole(c group) *roaring.Bitmap {
	if len(c.cohort) == 0 {
		return roaring.New()
	}
	return g.roll.cells[c.cell].members
}

// Grain says into what rows an agreement divides its comparison beside the
// pooled one. Groups are dimensions of records.
type Grain struct {
	School, Grade bool
	Groups        []string
}

// Layout is how groups stand in the rows of a comparison: the pooled row first,
// then a row a school, a row a grade over all schools and, with both, a row a
// grade within a school; last two rows a dimension, over all schools; in the order
// of sdc.CompareKeys. Students without a grade are in no grade row, and those of
// whom a dimension is not known in neither of its rows. Which rows there are follows
// from the schools, their grades and the dimensions alone.
type Layout struct {
	groups    Groups
	keys      []sdc.Key // of the rows
	in        [][]int   // by group: the rows it is in
	blocks    []block
	subgroups []subgroup
}

// block is all groups with a member of the cohort that are in the same rows.
type block struct {
	rows   []int // without the pooled one, which all are in
	cells  []int
	cohort places
}

// Layout lays the groups out.
func (g Groups) Layout(grain Grain) Layout {
	number := map[sdc.Key]int{}
	for _, c := range g.cells {
		for _, k := range grain.keys(g.roll.cells[c.cell].key) {
			number[k] = 0
		}
	}
	subgroups := grain.subgroups()
	for _, s := range subgroups {
		number[s.key()] = 0
	}
	l := Layout{groups: g, keys: slices.SortedFunc(maps.Keys(number), sdc.CompareKeys)}
	for i, k := range l.keys {
		number[k] = i
	}
	for _, c := range g.cells {
		var in []int
		for _, k := range grain.keys(g.roll.cells[c.cell].key) {
			in = append(in, number[k])
		}
		l.in = append(l.in, in)
	}
	l.join()
	for _, s := range subgroups {
		l.subgroups = append(l.subgroups, s.of(g, number[s.key()]))
	}
	return l
}

// join makes the blocks.
func (l *Layout) join() {
	number := map[int]int{} // by the last row, which is the finest
	for i, g := range l.groups.cells {
		if len(g.cohort) == 0 {
			continue // and no rest
		}
		rows := l.in[i]
		at, known := number[slices.Max(rows)]
		if !known {
			at = len(l.blocks)
			number[slices.Max(rows)], l.blocks = at, append(l.blocks, block{rows: rows[1:]})
		}
		b := &l.blocks[at]
		b.cells = append(b.cells, g.cell)
		b.cohort = b.cohort.with(l.groups.roll.cells[g.cell], g.cohort)
	}
}

// Rows returns the students of each row; none where the schools have nobody.
func (l Layout) Rows() []sdc.RowSets {
	var rows []sdc.RowSets
	for _, k := range l.keys {
		rows = append(rows, sdc.RowSets{Key: k, P: roaring.New(), T: roaring.New()})
	}
	for i, c := range l.groups.cells {
		cohort, whole := l.groups.cohort(c), l.groups.whole(c)
		for _, at := range l.in[i] {
			rows[at].P.Or(cohort)
			rows[at].T.Or(whole)
		}
	}
	for _, s := range l.subgroups {
		for _, c := range s.cells {
			for _, place := range c.cohort.list {
				rows[s.row].P.Add(l.groups.roll.students[place])
			}
			for _, place := range c.whole.list {
				rows[s.row].T.Add(l.groups.roll.students[place])
			}
		}
	}
	return rows
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
