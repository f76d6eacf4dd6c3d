package compare

import "github.com/hallpass-edu/hallpass/broker/sdc"

// Totals are figures that the district has published itself, by school or by grade
// of a school, in thousandths of the printed unit. A report must not disagree with
// them, and they cost nothing.
type Totals map[sdc.Key]sdc.Milli

func (t Totals) of(k sdc.Key) *sdc.Milli {
	if v, ok := t[k]; ok {
		return &v
	}
	return nil
}

// cells are the parts of a row's whole that have one total for everybody: a school
// with a published total if all of it is in the row, else each of its grades.
func (c *Column) cells(g Groups, groups []int, public Totals) (list []sdc.Cell) {
	for len(groups) > 0 {
		school := g.key(groups[0]).School
		n := 1
		for n < len(groups) && g.key(groups[n]).School == school {
			n++
		}
		list = append(list, c.cellsOf(g, groups[:n], public)...)
		groups = groups[n:]
	}
	return list
}

// cellsOf are those of one school.
func (c *Column) cellsOf(g Groups, groups []int, public Totals) (list []sdc.Cell) {
	school := sdc.Key{School: g.key(groups[0]).School}
	all := sdc.Cell{Key: school}
	for _, i := range groups {
		if cell := g.cells[i].cell; len(g.cells[i].cohort) > 0 {
			list = append(list, sdc.Cell{Raw: c.totals[cell], Key: g.key(i), Group: c.groups[cell], Public: public.of(g.key(i))})
			all.Raw = plus(all.Raw, c.totals[cell])
		}
	}
	if all.Public = public.of(school); all.Public != nil && len(list) == len(c.roll.schools[school.School]) {
		return []sdc.Cell{all}
	}
	return list
}

// key names a group.
func (g Groups) key(i int) sdc.Key { return g.roll.cells[g.cells[i].cell].key }

// FigureOf is the exact figure of a school or of a grade of it as the measure prints
// it, and false where nobody there has a value.
func (c *Column) FigureOf(k sdc.Key, m sdc.Measure) (sdc.Milli, bool) {
	var sum sdc.Raw
	for _, i := range c.roll.schools[k.School] {
		if k.Grade == "" || c.roll.cells[i].key == k {
			sum = plus(sum, c.totals[i])
		}
	}
	return m.Exact(sum)
}
