package compare

import (
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// subgroup is one side of a dimension, say the students in special education, as a
// row: who of each cell with a member of the cohort is on it, in the cohort or not.
type subgroup struct {
	dimension string
	flag      records.Flag
	row       int
	cells     []subgroupCell
}

// subgroupCell is a side's part of one cell.
type subgroupCell struct {
	cell          int
	cohort, whole places
}

// subgroups are those of the grain's dimensions.
func (g Grain) subgroups() (list []subgroup) {
	for _, d := range g.Groups {
		for _, f := range []records.Flag{records.Yes, records.No} {
			list = append(list, subgroup{dimension: d, flag: f})
		}
	}
	return list
}

func (s subgroup) key() sdc.Key { return sdc.Key{Group: s.dimension + ":" + s.flag.String()} }

// of finds who is on the side and puts it into a row.
func (s subgroup) of(g Groups, row int) subgroup {
	s.row = row
	for _, c := range g.cells {
		if len(c.cohort) == 0 {
			continue // and no rest
		}
		on := func(place int32) bool { return g.roll.groups[place].In(s.dimension) == s.flag }
		in := g.roll.cells[c.cell]
		var cohort, whole []int32
		for _, place := range c.cohort {
			if on(place) {
				cohort = append(cohort, place)
			}
		}
		for place := in.first; place < in.next; place++ {
			if on(place) {
				whole = append(whole, place)
			}
		}
		s.cells = append(s.cells, subgroupCell{cell: c.cell, cohort: places{}.with(in, cohort), whole: places{}.with(in, whole)})
	}
	return s
}

// sum adds the side's sums to its row.
func (s subgroup) sum(c *Column, row *sdc.RawRow) {
	for _, at := range s.cells {
		cohort := c.sum(&at.cohort)
		row.Cohort, row.Rest = plus(row.Cohort, cohort), plus(row.Rest, minus(c.sum(&at.whole), cohort))
	}
}

// sign gives the row its groups: the cohort's, and one of the whole a school, since
// each school's total is drawn once for all who ask for the same students of it.
func (s subgroup) sign(c *Column, row *sdc.Signature) {
	for _, at := range s.cells {
		if len(at.whole.list) == 0 {
			continue
		}
		row.Group = row.Group.Plus(c.groupOf(at.cohort.list))
		school := sdc.Key{School: c.roll.cells[at.cell].key.School, Group: s.key().Group}
		if n := len(row.Cells); n == 0 || row.Cells[n-1].Key != school {
			row.Cells = append(row.Cells, sdc.Cell{Key: school, Group: noise.Group{}})
		}
		last := &row.Cells[len(row.Cells)-1]
		last.Raw, last.Group = plus(last.Raw, c.sum(&at.whole)), last.Group.Plus(c.groupOf(at.whole.list))
	}
}
