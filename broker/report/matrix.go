package report

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// matrix is a table of many rows: one for each school or grade, with a cell for
// each indicator.
type matrix struct {
	id, title string
	legend    string
	first     string // heads the first column
	columns   []column
	groups    []group
	oneLine   bool // cells are wide enough for one line
}

// group is a run of rows under a heading, which may be empty.
type group struct {
	title string
	rows  []matrixRow
}

func (m matrix) size() int {
	n := 0
	for _, g := range m.groups {
		n += len(g.rows)
	}
	return n
}

type column struct{ name, unit string }

// matrixRow is a row. Withheld stands for all its cells where it is not empty.
type matrixRow struct {
	name     string
	withheld string
	cells    []cell
}

// cell is an indicator of a row: a few short lines and a reading, or a status.
type cell struct {
	column   string // its heading, for where the table is stacked
	lines    []line
	chip     chip
	status   string
	withheld bool
}

// matrices are the tables under the lead row: those that are printed, and those
// that only the screen shows.
func (w writer) matrices(lead row) (printed, more []matrix) {
	school := lead.School != ""
	bySchool := w.level(lead, sdc.LevelSchool)
	byGrade := w.level(lead, sdc.LevelGrade)
	byPlace := w.level(lead, sdc.LevelSchoolGrade)
	byGroup := w.level(lead, sdc.LevelGroup)
	if school {
		byGrade, byPlace = slices.Concat(byGrade, byPlace), nil
	}
	printed = append(printed,
		w.longerTable(lead),
		w.rowTable("rows", w.rowsTitle, w.schoolOrGrade, span{w.bySchool, bySchool}, span{w.byGrade, byGrade}, span{w.byGroup, byGroup}),
	)
	more = append(more,
		w.rowTable("places", w.byPlace, w.schoolOrGrade, span{rows: byPlace}),
		w.rowTable("to-date", w.yearToDate, w.schoolOrGrade, span{rows: others(w.data.YearToDate, lead)}),
		w.rowTable("years", w.twoYears, w.schoolOrGrade, span{rows: others(w.data.TwoYears, lead)}),
	)
	empty := func(m matrix) bool { return m.size() == 0 }
	return slices.DeleteFunc(printed, empty), slices.DeleteFunc(more, empty)
}

// level lists the rows of a level, but the lead one.
func (w writer) level(lead row, l sdc.Level) []row {
	return slices.DeleteFunc(slices.Clone(w.data.Rows), func(r row) bool { return r.key().Level() != l || r.Row == lead.Row })
}

func others(rows []row, lead row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Row == lead.Row })
}

// indicators lists those of the rows, in the order of the registry.
func indicators(rows []row) []string {
	var all []figure
	for _, r := range rows {
		for _, f := range r.Figures {
			if !slices.ContainsFunc(all, func(have figure) bool { return have.Indicator == f.Indicator }) {
				all = append(all, f)
			}
		}
	}
	var ids []string
	for _, f := range inOrder(all) {
		ids = append(ids, f.Indicator)
	}
	return ids
}

func (r row) figure(indicator string) (figure, bool) {
	i := slices.IndexFunc(r.Figures, func(f figure) bool { return f.Indicator == indicator })
	if i < 0 {
		return figure{}, false
	}
	return r.Figures[i], true
}

// span is rows of one kind, with their heading.
type span struct {
	title string
	rows  []row
}

// rowTable has a row for each of the rows.
func (w writer) rowTable(id, title, first string, spans ...span) matrix {
	var all []row
	for _, s := range spans {
		all = append(all, s.rows...)
	}
	ids := indicators(all)
	m := matrix{id: id, title: title, legend: w.legendOf(all), first: first, columns: w.columns(ids)}
	for _, s := range spans {
		g := group{title: s.title}
		for _, r := range s.rows {
			g.rows = append(g.rows, w.matrixRow(r, ids))
		}
		if len(g.rows) > 0 {
			m.groups = append(m.groups, g)
		}
	}
	return m
}

// legendOf explains the marks that stand in the rows.
func (w writer) legendOf(rows []row) string {
	has := func(is func(figure) bool) bool {
		return slices.ContainsFunc(rows, func(r row) bool { return slices.ContainsFunc(r.Figures, is) })
	}
	text := w.legend
	if has(func(f figure) bool { return f.Consented != nil }) {
		text += " " + w.legendConsented
	}
	if has(func(f figure) bool { return f.Whole != nil }) {
		text += " " + w.legendWhole
	}
	return text
}

// besides are the consented students, with their number, and the whole school.
func (w writer) besides(f figure, unit string) []line {
	var out []line
	if c := f.Consented; c != nil {
		out = append(out, line{shape: solid, label: w.withheld + ", " + w.consented, figure: w.exact(f) + unit + " (" + thousands(c.N) + ")"})
	}
	if f.Whole != nil {
		out = append(out, line{shape: diamond, label: w.withheld + ", " + w.whole, figure: w.tersely(f.Whole.Value, unit)})
	}
	return out
}

func (w writer) columns(ids []string) []column {
	var out []column
	for _, id := range ids {
		d := w.definition(id)
		out = append(out, column{plain(d.Name), w.unit(d)})
	}
	return out
}

func (w writer) matrixRow(r row, ids []string) matrixRow {
	out := matrixRow{name: w.rowName(r)}
	if !slices.ContainsFunc(r.Figures, figure.holds) && r.withheld() {
		out.withheld = w.withheldRow
		return out
	}
	for _, id := range ids {
		c := cell{column: plain(w.definition(id).Name), status: w.noFigure}
		if f, ok := r.figure(id); ok {
			c = w.cell(f)
		}
		out.cells = append(out.cells, c)
	}
	return out
}

// holds reports whether anything stands in the figure's cell.
func (f figure) holds() bool { return f.Cohort != nil || f.Consented != nil || f.Whole != nil }

func (w writer) cell(f figure) cell {
	unit := strings.TrimSuffix(measureOf(w.definition(f.Indicator)).suffix, " per 100") // the heading has it
	c := cell{column: plain(w.definition(f.Indicator).Name)}
	switch f.Status {
	case sdc.StatusWithheld:
		c.withheld = true
		if c.lines = w.besides(f, unit); len(c.lines) == 0 {
			c.status = w.withheld
		}
	case sdc.StatusBudgetExhausted:
		c.withheld = true
		if c.lines = w.besides(f, unit); len(c.lines) == 0 {
			c.status = w.exhausted
		}
	case sdc.StatusNotReported:
		c.status = w.notReportedShort
	case sdc.StatusNotPublished:
		c.status = w.notPublishedShort
	default:
		c.lines = w.sideLines(f)
		c.lines[0].figure, c.lines[1].figure = w.tersely(f.Cohort.Value, unit), w.tersely(f.against().Value, unit)
		if r := f.compared(); r != nil {
			c.chip = chip{w.marks[r.Word], w.briefly(*r)}
		}
	}
	return c
}

// longerTable has the lead row's figures of this period beside those of the
// year to date and of two years together; a row for each indicator.
func (w writer) longerTable(lead row) matrix {
	m := matrix{
		id: "longer", title: w.longer, legend: w.longerNote, first: w.indicator,
		columns: []column{{name: w.thisPeriod}}, groups: []group{{}}, oneLine: true,
	}
	spans := []row{lead}
	for _, list := range []struct {
		name string
		rows []row
	}{{w.yearToDate, w.data.YearToDate}, {w.twoYears, w.data.TwoYears}} {
		i := slices.IndexFunc(list.rows, func(r row) bool { return r.Row == lead.Row })
		if i >= 0 {
			m.columns = append(m.columns, column{name: list.name})
			spans = append(spans, list.rows[i])
		}
	}
	if len(spans) == 1 {
		return m
	}
	for _, id := range indicators(spans) {
		d := w.definition(id)
		out := matrixRow{name: joined(plain(d.Name), w.unit(d))}
		for i, span := range spans {
			c := cell{status: w.noFigure}
			if f, ok := span.figure(id); ok {
				c = w.cell(f)
			}
			c.column = m.columns[i].name
			out.cells = append(out.cells, c)
		}
		m.groups[0].rows = append(m.groups[0].rows, out)
	}
	return m
}
