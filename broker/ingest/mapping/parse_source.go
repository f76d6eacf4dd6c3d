package mapping

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// files reads the plain files and their sources.
func (p *parser) files(n *yaml.Node, m *Mapping) error {
	return p.each(n, func(key, v *yaml.Node) error {
		if columnsOf(key.Value) == nil {
			return &Error{key.Line, "not a file of the plain form", "use schools.csv, students.csv, … or participation.csv"}
		}
		return p.items(v, func(item *yaml.Node) error {
			s, err := p.source(item, key.Value)
			m.forms[key.Value] = append(m.forms[key.Value], s)
			return err
		})
	})
}

const sourceKeys = "file, sheet, header, separator, where, columns, dates, codes, unique, scale, wide or rows"

// maxColumn bounds the number of a column; a workbook has as many.
const maxColumn = 16_384

func newSource(form string, line int) *source {
	return &source{
		form: form, line: line, header: 1, separator: ',',
		columns: make([]*value, len(columnsOf(form))), dates: map[int]dateFormat{}, codes: map[int]codeTable{},
	}
}

func (p *parser) source(n *yaml.Node, form string) (*source, error) {
	s := newSource(form, n.Line)
	known := p.fileKeys(s)
	known["where"] = func(v *yaml.Node) error { return p.where(v, s) }
	known["columns"] = func(v *yaml.Node) error { return p.columns(v, s) }
	known["dates"] = func(v *yaml.Node) error { return p.dates(v, s) }
	known["codes"] = func(v *yaml.Node) error { return p.codes(v, s) }
	known["unique"] = func(v *yaml.Node) error { return p.unique(v, s) }
	known["scale"] = func(v *yaml.Node) error { return p.scale(v, s) }
	known["wide"] = func(v *yaml.Node) error { return p.wide(v, s) }
	known["rows"] = func(v *yaml.Node) error { return p.rows(v, s) }
	if err := p.pairs(n, known, sourceKeys); err != nil {
		return nil, err
	}
	return s, s.validate()
}

// fileKeys are the keys that say where rows stand.
func (p *parser) fileKeys(s *source) fields {
	return fields{
		"file":      func(n *yaml.Node) error { return p.file(n, s) },
		"sheet":     p.text(&s.sheet),
		"header":    func(n *yaml.Node) error { return p.header(n, s) },
		"separator": func(n *yaml.Node) error { return p.separator(n, s) },
	}
}

func (p *parser) file(n *yaml.Node, s *source) error {
	if err := p.text(&s.file)(n); err != nil {
		return err
	}
	s.file = strings.ToLower(s.file)
	if _, err := path.Match(s.file, ""); err != nil || strings.Contains(s.file, `\`) || len(s.file) > 255 {
		return &Error{n.Line, "not the name of a file, nor a pattern of names", "write a name such as students.csv or att*.csv"}
	}
	return nil
}

func (p *parser) header(n *yaml.Node, s *source) error {
	switch strings.ToLower(n.Value) {
	case "yes", "true":
		s.header = 1
		return nil
	case "no", "false":
		s.header = 0
		return nil
	}
	if err := p.number(&s.header, 1000)(n); err != nil {
		return &Error{n.Line, "neither yes nor no nor the number of a row", "write header: yes, no, or the row, such as 3"}
	}
	return nil
}

func (p *parser) separator(n *yaml.Node, s *source) error {
	words := map[string]rune{",": ',', "comma": ',', ";": ';', "semicolon": ';', "|": '|', "pipe": '|', "tab": '\t'}
	r, known := words[n.Value]
	if n.Kind != yaml.ScalarNode || !known {
		return &Error{n.Line, "not a separator", "write comma, semicolon, tab or pipe"}
	}
	s.separator = r
	return nil
}

// plain returns the place of a plain column that a key names.
func (p *parser) plain(key *yaml.Node, s *source) (int, error) {
	at := placeOf(s.form, key.Value)
	if at < 0 {
		return 0, &Error{key.Line, "not a column of " + s.form, "use " + strings.Join(columnsOf(s.form), ", ")}
	}
	return at, nil
}

func (p *parser) where(n *yaml.Node, s *source) error {
	return p.each(n, func(key, v *yaml.Node) error {
		column, err := p.ref(key)
		if err != nil {
			return err
		}
		f := filter{column: column}
		err = p.items(v, func(item *yaml.Node) error {
			if item.Kind != yaml.ScalarNode {
				return &Error{item.Line, "a text is missing here", "write the texts that are let in"}
			}
			f.texts = append(f.texts, fold(item.Value))
			return nil
		})
		s.where = append(s.where, f)
		return err
	})
}

func (p *parser) dates(n *yaml.Node, s *source) error {
	if n.Kind == yaml.ScalarNode {
		f, err := p.dateFormat(n)
		for i, column := range columnsOf(s.form) {
			if isDate(column) {
				s.dates[i] = f
			}
		}
		return err
	}
	return p.each(n, func(key, v *yaml.Node) error {
		at, err := p.plain(key, s)
		if err != nil {
			return err
		}
		if !isDate(key.Value) {
			return &Error{key.Line, "not a column of dates", "name birthdate, date, entry, exit, start or end"}
		}
		s.dates[at], err = p.dateFormat(v)
		return err
	})
}

func (p *parser) dateFormat(n *yaml.Node) (dateFormat, error) {
	f, ok := parseFormat(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		return f, &Error{
			n.Line, "not a way to write dates",
			"write iso, month-day-year, day-month-year, excel-serial, or how 2 January 2006 looks, such as 02.01.2006",
		}
	}
	return f, nil
}

func (p *parser) codes(n *yaml.Node, s *source) error {
	return p.each(n, func(key, v *yaml.Node) error {
		at, err := p.plain(key, s)
		if err != nil {
			return err
		}
		s.codes[at], err = p.codeTable(v)
		return err
	})
}

// codeTable reads texts and the codes they stand for. What is not listed is
// kept, unless else says otherwise.
func (p *parser) codeTable(n *yaml.Node) (codeTable, error) {
	t := codeTable{codes: map[string]string{}, other: keep}
	return t, p.each(n, func(key, v *yaml.Node) error {
		if v.Kind != yaml.ScalarNode {
			return &Error{v.Line, "a code is missing here", "write \"text\": code, or drop"}
		}
		code := strings.TrimSpace(v.Value)
		if v.Tag == "!!null" {
			code = ""
		}
		if key.Value == "else" {
			t.other = code
			return nil
		}
		if _, twice := t.codes[fold(key.Value)]; twice {
			return &Error{key.Line, "a text that stands twice, but for case and spaces", "leave one of the two"}
		}
		t.codes[fold(key.Value)] = code
		return nil
	})
}

func (p *parser) unique(n *yaml.Node, s *source) error {
	return p.items(n, func(item *yaml.Node) error {
		at, err := p.plain(item, s)
		s.unique = append(s.unique, at)
		return err
	})
}

// scale is short for a scale column that is the same in all rows.
func (p *parser) scale(n *yaml.Node, s *source) error {
	at := placeOf(s.form, "scale")
	if at < 0 || s.columns[at] != nil {
		return &Error{n.Line, "a scale that has no place", "give it once, for grades.csv"}
	}
	v := &value{fixed: true}
	s.columns[at] = v
	return p.text(&v.constant)(n)
}

const wideKeys = "dates, from_column, to_column, marks, into"

func (p *parser) wide(n *yaml.Node, s *source) error {
	w := &wide{line: n.Line, into: placeOf(s.form, "code"), marks: codeTable{other: keep}}
	s.wide = w
	err := p.pairs(n, fields{
		"dates": func(v *yaml.Node) error {
			if v.Value == "header" {
				return nil
			}
			return p.number(&w.row, 1000)(v)
		},
		"from_column": p.number(&w.from, maxColumn),
		"to_column":   p.number(&w.to, maxColumn),
		"marks": func(v *yaml.Node) (err error) {
			w.marks, err = p.codeTable(v)
			return err
		},
		"into": func(v *yaml.Node) (err error) {
			w.into, err = p.plain(v, s)
			return err
		},
	}, wideKeys)
	switch {
	case err != nil:
		return err
	case w.from == 0 || w.to > 0 && w.to < w.from:
		return &Error{n.Line, "it is not said where the dates begin", "write from_column: and the number of the first, counted from 1"}
	case placeOf(s.form, "date") < 0:
		return &Error{n.Line, s.form + " has no column of dates", "use wide for attendance.csv, calendar.csv or participation.csv"}
	}
	return nil
}

// rows are written down in the mapping, for what no file holds.
func (p *parser) rows(n *yaml.Node, s *source) error {
	return p.items(n, func(item *yaml.Node) error {
		row := make([]string, len(s.columns))
		s.rows = append(s.rows, row)
		return p.each(item, func(key, v *yaml.Node) error {
			at, err := p.plain(key, s)
			if err != nil {
				return err
			}
			return p.text(&row[at])(v)
		})
	})
}

// validate reports what the keys say only together.
func (s *source) validate() error {
	if s.rows != nil {
		return s.validateRows()
	}
	if s.file == "" {
		return &Error{s.line, "it is not said where the rows come from", "write file: and a name, or rows:"}
	}
	for _, column := range needed[s.form] {
		at := placeOf(s.form, column)
		if s.columns[at] == nil && !s.fromWide(at) {
			return &Error{s.line, s.form + " needs the column " + column, "say under columns: where it stands"}
		}
	}
	if s.wide != nil && s.wide.row == 0 && s.header == 0 {
		return &Error{s.wide.line, "the dates are to stand in a header that is not there", "write dates: and the number of their row"}
	}
	if s.namesWithoutHeader() {
		return &Error{s.line, "a column is called by a name where there is no header", "give its number, counted from 1"}
	}
	return nil
}

func (s *source) validateRows() error {
	if s.file != "" || s.wide != nil || len(s.where)+len(s.dates)+len(s.codes)+len(s.unique) > 0 ||
		slices.ContainsFunc(s.columns, func(v *value) bool { return v != nil }) {
		return &Error{s.line, "rows: stands beside other keys", "give rows: alone"}
	}
	for _, row := range s.rows {
		for _, column := range needed[s.form] {
			if row[placeOf(s.form, column)] == "" {
				return &Error{s.line, s.form + " needs the column " + column, "give it in each row"}
			}
		}
	}
	return nil
}

// fromWide reports whether a wide sheet gives the column.
func (s *source) fromWide(at int) bool {
	return s.wide != nil && (at == s.wide.into || at == placeOf(s.form, "date"))
}

func (s *source) namesWithoutHeader() bool {
	if s.header > 0 {
		return false
	}
	return slices.ContainsFunc(s.refs(), func(r ref) bool { return r.name != "" })
}

// refs are the columns of the file that the source reads.
func (s *source) refs() (list []ref) {
	for _, f := range s.where {
		list = append(list, f.column)
	}
	for _, v := range s.columns {
		if v != nil {
			list = append(list, v.columns...)
		}
	}
	return list
}
