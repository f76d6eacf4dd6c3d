package mapping

import (
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A plan is a source with the columns of one file found.
type plan struct {
	e       *export
	s       *source
	t       *table
	where   []int
	places  [][]int // of the columns that a plain column is made of
	names   []string
	formats []dateFormat
	seen    map[string]bool // of rows that may stand once
}

// newPlan is nil where a column is missing; each is noted.
func newPlan(e *export, s *source, t *table) *plan {
	p := &plan{
		e: e, s: s, t: t, places: make([][]int, len(s.columns)), names: make([]string, len(s.columns)),
		formats: make([]dateFormat, len(s.columns)), seen: map[string]bool{},
	}
	whole := true
	for _, f := range s.where {
		at, ok := t.find(f.column)
		p.where, whole = append(p.where, at), whole && ok
	}
	for i, v := range s.columns {
		if v == nil {
			continue
		}
		for _, r := range v.columns {
			at, ok := t.find(r)
			p.places[i], whole = append(p.places[i], at), whole && ok
		}
		p.names[i] = v.label()
		p.formats[i] = s.dates[i]
		whole = whole && (v.lookup == nil || e.lookup(v.lookup) != nil)
	}
	if !whole {
		return nil
	}
	return p
}

// label is what a finding calls the column.
func (v *value) label() string {
	names := make([]string, len(v.columns))
	for i, r := range v.columns {
		names[i] = r.String()
	}
	return strings.Join(names, " + ")
}

// file yields the rows that a file gives.
func (e *export) file(s *source, name string, yield func(ingest.Row) bool) bool {
	t := e.open(s, name)
	if t == nil {
		return true
	}
	p := newPlan(e, s, t)
	if p == nil {
		t.rows.close()
		return true
	}
	e.prove(p, name)
	spread := p.spread()
	more := true
	t.each(func(cells []string, line int) bool {
		if !p.wants(cells) {
			return true
		}
		row, ok := p.row(cells, line)
		if !ok {
			return true
		}
		more = spread(row, cells, yield)
		return more
	})
	return more
}

// prove reads the file once before, where the order of day and month in a
// column has to be told from the column itself.
func (e *export) prove(p *plan, name string) {
	var open []int
	for i, v := range p.s.columns {
		if v != nil && !v.fixed && isDate(columnsOf(p.s.form)[i]) && p.formats[i].kind == undeclared {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return
	}
	t := e.open(p.s, name)
	if t == nil {
		return
	}
	proofs := make([]proof, len(p.s.columns))
	t.each(func(cells []string, _ int) bool {
		if p.wants(cells) {
			for _, i := range open {
				proofs[i].add(p.text(i, cells), t.days.serials)
			}
		}
		return true
	})
	for _, i := range open {
		p.formats[i] = proofs[i].format()
	}
}

// wants reports whether a row passes the filters.
func (p *plan) wants(cells []string) bool {
	for i, f := range p.s.where {
		text, in := fold(get(cells, p.where[i])), false
		for _, t := range f.texts {
			in = in || t == text
		}
		if !in {
			return false
		}
	}
	return true
}

// row makes a row of the plain file; false where it is left out.
func (p *plan) row(cells []string, line int) (ingest.Row, bool) {
	r := ingest.Row{
		At:     ingest.Place{File: p.t.file, Row: line, Names: p.names},
		Fields: make([]string, len(p.s.columns)),
	}
	for i, v := range p.s.columns {
		if v == nil {
			continue
		}
		text := p.text(i, cells)
		if v.lookup != nil && text != "" {
			found, there := p.e.lookup(v.lookup)[text]
			if !there {
				p.e.report(r.At, p.name(i), ingest.UnknownReference, "")
				return r, false
			}
			text = found
		}
		read, ok := p.read(i, text, r.At)
		if !ok {
			return r, false
		}
		r.Fields[i] = read
	}
	r.At.ID = r.Fields[0]
	return r, p.first(r)
}

// first reports whether a row is the first of its key.
func (p *plan) first(r ingest.Row) bool {
	if len(p.s.unique) == 0 {
		return true
	}
	var key strings.Builder
	for _, i := range p.s.unique {
		key.WriteString(r.Fields[i])
		key.WriteByte(0)
	}
	seen := p.seen[key.String()]
	p.seen[key.String()] = true
	return !seen
}

// read turns a text into the code or the date that it stands for.
func (p *plan) read(i int, text string, at ingest.Place) (string, bool) {
	if t, coded := p.s.codes[i]; coded {
		code := t.of(text)
		if code == drop {
			return "", false
		}
		text = code
	}
	column := columnsOf(p.s.form)[i]
	if !isDate(column) || p.s.columns[i].fixed {
		return text, true
	}
	iso, how := p.formats[i].read(text, p.t.days)
	if how != ambiguous {
		return iso, true
	}
	p.e.report(at, p.name(i), ingest.AmbiguousDate, "")
	return "", lackable(column)
}

func lackable(column string) bool {
	for _, c := range mayLackDate {
		if c == column {
			return true
		}
	}
	return false
}

// name is what a finding calls the column: as the file does, else as the plain
// form does.
func (p *plan) name(i int) string {
	if p.names[i] != "" {
		return p.names[i]
	}
	return columnsOf(p.s.form)[i]
}

// of is the code of a text. An empty one stays so unless it is listed.
func (t codeTable) of(text string) string {
	code, listed := t.codes[fold(text)]
	switch {
	case listed && code != keep:
		return code
	case listed || t.other == keep || text == "":
		return text
	}
	return t.other
}

// text is what a plain column holds before codes and dates.
func (p *plan) text(i int, cells []string) string {
	v := p.s.columns[i]
	if v.fixed {
		return v.constant
	}
	parts := make([]string, 0, len(v.columns))
	for _, at := range p.places[i] {
		if c := get(cells, at); c != "" {
			parts = append(parts, c)
		}
	}
	text := strings.Join(parts, v.with)
	if v.split == noSplit {
		return text
	}
	given, family := splitName(text, v.split)
	if v.take == "given" {
		return given
	}
	return family
}

// splitName cuts a full name. One without a family name is all given name.
func splitName(full string, order nameOrder) (given, family string) {
	if order == familyFirst {
		family, given, _ = strings.Cut(full, ",")
		return strings.TrimSpace(given), strings.TrimSpace(family)
	}
	words := strings.Fields(full)
	if len(words) < 2 {
		return full, ""
	}
	last := len(words) - 1
	return strings.Join(words[:last], " "), words[last]
}
