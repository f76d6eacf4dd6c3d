package compare

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// Roll is who stands where on a census date: the placed students in the order
// of school, grade and ordinal. It is never changed, so that all agreements of
// a period share one.
type Roll struct {
	cells    []cell
	schools  map[string][]int // the cells of a school
	students []uint32         // ordinals by place, which number them in that order
	groups   []records.Groups // by place
	seats    []seat           // by ordinal
	words    int              // that the flags of all cells take
}

// cell is one grade of one school: the students from its first place to the next
// cell's. Its flags begin with a word of their own.
type cell struct {
	key         sdc.Key
	first, next int32
	word        int32
	members     *roaring.Bitmap
}

// seat says where a student stands: in which cell, and at which place. A student
// who was not placed stands in cell -1.
type seat struct{ cell, place int32 }

// NewRoll sorts the placements; no student may be in two.
func NewRoll(placed []Placement) *Roll {
	r := &Roll{schools: map[string][]int{}}
	sorted := slices.SortedFunc(slices.Values(placed), func(a, b Placement) int {
		return cmp.Or(cmp.Compare(a.School, b.School), cmp.Compare(a.Grade, b.Grade), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	for _, p := range sorted {
		r.seat(p)
	}
	for i := range r.cells {
		r.cells[i].word = int32(r.words)
		r.words += wordsOf(r.cells[i])
		r.cells[i].members = roaring.BitmapOf(r.studentsOf(i)...)
	}
	return r
}

// seat puts the next student in order into the last cell, or a new one behind it.
func (r *Roll) seat(p Placement) {
	key, last := sdc.Key{School: p.School, Grade: p.Grade}, len(r.cells)-1
	if last < 0 || r.cells[last].key != key {
		last++
		r.cells = append(r.cells, cell{key: key, first: int32(len(r.students))})
		r.schools[p.School] = append(r.schools[p.School], last)
	}
	for len(r.seats) <= int(p.Ordinal) {
		r.seats = append(r.seats, seat{cell: -1})
	}
	r.seats[p.Ordinal] = seat{int32(last), int32(len(r.students))}
	r.students, r.groups = append(r.students, p.Ordinal), append(r.groups, p.Groups)
	r.cells[last].next = int32(len(r.students))
}

// studentsOf are those of a cell, ascending.
func (r *Roll) studentsOf(cell int) []uint32 {
	return r.students[r.cells[cell].first:r.cells[cell].next]
}

// find returns a student's seat, or false for one who was not placed.
func (r *Roll) find(ordinal uint32) (seat, bool) {
	if int(ordinal) >= len(r.seats) || r.seats[ordinal].cell < 0 {
		return seat{}, false
	}
	return r.seats[ordinal], true
}

// cellsOf lists the cells of schools in order, each once.
func (r *Roll) cellsOf(schools []string) []int {
	var list []int
	for _, school := range slices.Compact(slices.Sorted(slices.Values(schools))) {
		list = append(list, r.schools[school]...)
	}
	return list
}

// At returns the students placed at schools.
func (r *Roll) At(schools []string) *roaring.Bitmap {
	out := roaring.New()
	for _, i := range r.cellsOf(schools) {
		out.Or(r.cells[i].members)
	}
	return out
}
