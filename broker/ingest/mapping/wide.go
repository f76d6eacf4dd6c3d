package mapping

import (
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A day is a column of a wide sheet.
type day struct {
	at   int // from 0
	iso  string
	name string
}

// spread returns what makes rows of a row: one of one, or one a date.
func (p *plan) spread() func(ingest.Row, []string, func(ingest.Row) bool) bool {
	if p.s.wide == nil {
		return func(r ingest.Row, _ []string, yield func(ingest.Row) bool) bool { return yield(r) }
	}
	days := p.days()
	return func(r ingest.Row, cells []string, yield func(ingest.Row) bool) bool {
		for _, d := range days {
			if out, ok := p.mark(r, d, get(cells, d.at)); ok && !yield(out) {
				return false
			}
		}
		return true
	}
}

// dates are the cells in which the dates stand, and their line.
func (p *plan) dates() (cells []string, line int) {
	if p.s.wide.row > 0 {
		return p.t.dates, p.t.dateLine
	}
	return p.t.header, p.t.line
}

// days reads the dates. A column without one gives no rows; a mark under it is
// found there.
func (p *plan) days() (list []day) {
	cells, line := p.dates()
	w, date := p.s.wide, placeOf(p.s.form, "date")
	to := len(cells)
	if w.to > 0 {
		to = min(to, w.to)
	}
	format := p.s.dates[date]
	if format.kind == undeclared {
		var seen proof
		for i := w.from - 1; i < to; i++ {
			seen.add(trim(cells[i]), p.t.days.serials)
		}
		format = seen.format()
	}
	for i := w.from - 1; i < to; i++ {
		d := day{at: i, name: ref{number: i + 1}.String()}
		iso, how := format.read(trim(cells[i]), p.t.days)
		switch how {
		case ambiguous:
			p.t.note(ingest.Place{File: p.t.file, Row: line}, d.name, ingest.AmbiguousDate, "")
			continue
		case unread:
			p.t.note(ingest.Place{File: p.t.file, Row: line}, d.name, ingest.BadDate, "")
			continue
		}
		d.iso = iso
		list = append(list, d)
	}
	return list
}

// mark makes the row of one date; false where the cell says nothing.
func (p *plan) mark(r ingest.Row, d day, cell string) (ingest.Row, bool) {
	w := p.s.wide
	text := w.marks.of(cell)
	code, listed := w.marks.codes[fold(cell)]
	kept := code == keep || !listed && w.marks.other == keep
	if text == drop || cell == "" && !listed {
		return r, false
	}
	at := r.At
	at.Names = append([]string(nil), p.names...)
	date := placeOf(p.s.form, "date")
	at.Names[date] = d.name
	if w.into >= 0 {
		at.Names[w.into] = d.name
	}
	switch {
	case d.iso == "":
		p.e.report(at, d.name, ingest.Empty, "a mark stands under no date")
		return r, false
	case w.into < 0 && kept:
		p.e.report(at, d.name, ingest.UnknownCode, "list the mark under marks: in the mapping")
		return r, false
	}
	out := ingest.Row{At: at, Fields: append([]string(nil), r.Fields...)}
	out.Fields[date] = d.iso
	if w.into >= 0 {
		out.Fields[w.into] = text
	}
	return out, true
}
