package mapping

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// sessionRows are those of the mapping or, where it has none, the school year
// that was declared, or each that the records touch.
func (e *export) sessionRows(yield func(ingest.Row) bool) {
	e.years = nil
	if sources, there := e.m.forms["sessions.csv"]; there {
		for _, s := range sources {
			if !e.source(s, func(r ingest.Row) bool { return yield(e.year(r)) }) {
				return
			}
		}
		return
	}
	for _, r := range e.yearRows() {
		if !yield(e.year(r)) {
			return
		}
	}
}

// year remembers a school year.
func (e *export) year(r ingest.Row) ingest.Row {
	from, errFrom := civil.Parse(r.Fields[3])
	to, errTo := civil.Parse(r.Fields[4])
	if errFrom == nil && errTo == nil && r.Fields[2] == string(records.SchoolYear) {
		e.years = append(e.years, ingest.Span{From: from, To: to})
	}
	return r
}

func (e *export) yearRows() []ingest.Row {
	if !e.opt.SchoolYear.IsZero() {
		return []ingest.Row{ingest.DeclaredYearRow(e.opt.SchoolYear)}
	}
	e.report(ingest.Place{}, "", ingest.AssumedYear, "")
	years := map[string]ingest.Row{}
	for _, form := range ingest.Forms() {
		e.touched(form, years)
	}
	if len(years) == 0 {
		return []ingest.Row{ingest.AssumedYearRow(e.opt.ExportDate)}
	}
	ids := make([]string, 0, len(years))
	for id := range years {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	rows := make([]ingest.Row, len(ids))
	for i, id := range ids {
		rows[i] = years[id]
	}
	return rows
}

// touched adds the years of a plain file's records. What is wrong with them is
// said when they are read.
func (e *export) touched(form string, years map[string]ingest.Row) {
	column := placeOf(form, "date")
	if form == "enrollments.csv" {
		column = placeOf(form, "entry")
	}
	if column < 0 || form == "merges.csv" {
		return
	}
	quiet := newExport(e.m, e.files, e.opt, func(ingest.Place, string, ingest.Rule, string) {})
	quiet.books = e.books
	for _, s := range e.m.forms[form] {
		quiet.source(s, func(r ingest.Row) bool {
			if day, err := civil.Parse(r.Fields[column]); err == nil && day <= e.opt.ExportDate {
				y := ingest.AssumedYearRow(day)
				years[y.Fields[0]] = y
			}
			return true
		})
	}
}
