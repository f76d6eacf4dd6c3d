package ingest

import (
	"bytes"
	"iter"
	"path"
	"strings"
)

// A Sheet is a CSV file with a header, of a format other than the plain one:
// columns are found by name, whatever their case and order, and what the
// format does not know is not looked at. A column that must never come in
// (Forbidden) is dropped unread and said.
type Sheet struct {
	file   string
	limits Limits
	report *Report
	scan   *scanner
	place  map[string]int // by columnName; doubled where two have the name
	known  map[string]int // the same by the names that were asked for
	names  []string       // as the header has them; empty for what was dropped
}

// Sheet opens a CSV file; nil where it is unusable, and the report says why.
func (f *Files) Sheet(name string) *Sheet {
	data, ok := f.Bytes(name)
	if !ok {
		return nil
	}
	return NewSheet(path.Base(name), data, f.limits, f.report)
}

// NewSheet reads the header of a CSV text; nil where it is unusable, and the
// report says why.
func NewSheet(file string, data []byte, limits Limits, report *Report) *Sheet {
	s := &Sheet{file: printable(file), limits: limits.withDefaults(), report: report, place: map[string]int{}, known: map[string]int{}}
	text, encoding, ok := decode(data)
	if !ok {
		return s.refuse(0, BadEncoding)
	}
	if encoding == windows1252 {
		report.Note(Place{File: s.file}, "", ReadAsWindows1252, "")
	}
	s.scan = newScanner(text)
	header, err := s.scan.next()
	switch {
	case err != nil:
		return s.refuse(1, BadSyntax)
	case header == nil:
		return s.refuse(1, NoHeader)
	}
	for at, cell := range header {
		s.column(at, cell)
	}
	return s
}

func (s *Sheet) refuse(row int, rule Rule) *Sheet {
	s.report.Note(Place{File: s.file, Row: row}, "", rule, "")
	return nil
}

func (s *Sheet) column(at int, cell []byte) {
	name := columnName(cell)
	switch {
	case name == "":
		s.names = append(s.names, "")
		return
	case Forbidden(string(cell)) && !s.limits.sabotage.admitForbidden:
		s.report.Note(Place{File: s.file, Row: 1}, columnAt(at, cell), DroppedColumn, "")
		s.names = append(s.names, "")
		return
	}
	if _, twice := s.place[name]; twice {
		at = doubled
	}
	s.place[name] = at
	s.names = append(s.names, strings.TrimSpace(string(cell)))
}

// The places of a column that is not there, and of one that is there twice.
const (
	absent  = -1
	doubled = -2
)

// find returns where a column stands. That it is there twice is noted when it is
// asked for: a column that nobody reads may be anything.
func (s *Sheet) find(column string) int {
	if at, asked := s.known[column]; asked {
		return at
	}
	at, there := s.place[columnName([]byte(column))]
	switch {
	case !there:
		at = absent
	case at == doubled:
		s.report.Note(Place{File: s.file, Row: 1}, column, DuplicateColumn, "")
	}
	s.known[column] = at
	return at
}

// Columns are the names of the header, in order, without those that were
// dropped.
func (s *Sheet) Columns() []string {
	var list []string
	for _, name := range s.names {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// Has reports whether there is a column.
func (s *Sheet) Has(column string) bool { return s.find(column) != absent }

// Require notes each column that is missing or there twice, and reports whether
// all are there once.
func (s *Sheet) Require(columns ...string) bool {
	all := true
	for _, c := range columns {
		at := s.find(c)
		if at == absent {
			s.report.Note(Place{File: s.file, Row: 1}, c, MissingColumn, "")
		}
		all = all && at >= 0
	}
	return all
}

// A Record is one row of a Sheet, valid until the next.
type Record struct {
	sheet  *Sheet
	fields [][]byte
	line   int
}

// Get returns a field, trimmed; empty where there is no such column.
func (r Record) Get(column string) string {
	at := r.sheet.find(column)
	if at < 0 || at >= len(r.fields) {
		return ""
	}
	return string(bytes.TrimSpace(r.fields[at]))
}

// At is where the row stands. id is its own id in the export, names what the
// export calls the columns of the plain form.
func (r Record) At(id string, names []string) Place {
	return Place{File: r.sheet.file, Row: r.line, ID: id, Names: names}
}

// Records yields the rows once. It stops at text that is not CSV. A row with
// another number of fields than the header is noted and left out, except that
// empty fields may be missing or more at its end; so is a repeated header.
func (s *Sheet) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for rows := 0; ; rows++ {
			fields, err := s.scan.next()
			at := Place{File: s.file, Row: s.scan.line}
			switch {
			case err != nil:
				s.report.Note(at, "", BadSyntax, "")
				return
			case fields == nil:
				return
			case rows == s.limits.Rows:
				s.report.Note(at, "", TooManyRows, "")
				return
			case s.scan.size > s.limits.RowBytes:
				s.report.Note(at, "", TooLong, "")
			case !s.fits(fields):
				s.report.Note(at, "", FieldCount, "")
			case s.isHeader(fields):
				s.report.Note(at, "", RepeatedHeader, "")
			default:
				if !yield(Record{s, fields, s.scan.line}) {
					return
				}
			}
		}
	}
}

func (s *Sheet) fits(fields [][]byte) bool {
	if len(fields) < len(s.names) {
		return len(fields) >= s.lastNamed()
	}
	for _, f := range fields[len(s.names):] {
		if len(bytes.TrimSpace(f)) > 0 {
			return false
		}
	}
	return true
}

// lastNamed is how many fields a row must have: those behind the last column
// that has a name may be missing.
func (s *Sheet) lastNamed() int {
	n := 0
	for i, name := range s.names {
		if name != "" {
			n = i + 1
		}
	}
	return n
}

func (s *Sheet) isHeader(fields [][]byte) bool {
	same := 0
	for name, at := range s.place {
		if at < 0 || at >= len(fields) || columnName(fields[at]) != name {
			return false
		}
		same++
	}
	return same > 1
}
