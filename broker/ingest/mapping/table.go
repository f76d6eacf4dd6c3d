package mapping

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A rowReader gives the rows of a file or a sheet, valid until the next call,
// and the line on which each begins. At the end it returns io.EOF.
type rowReader interface {
	next() (cells []string, line int, err error)
	close()
}

// errDamaged ends the rows of a file that is not what it should be.
var errDamaged = errors.New("damaged")

// errTooWide ends the rows of a sheet that has more cells than may be.
var errTooWide = errors.New("too wide")

// csvRows reads RFC 4180 with a separator of choice.
type csvRows struct {
	r    *csv.Reader
	last int // line of the last row, where an error stands nowhere
}

func newCSVRows(text []byte, separator rune) *csvRows {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator, -1, true
	return &csvRows{r: r}
}

func (c *csvRows) next() ([]string, int, error) {
	cells, err := c.r.Read()
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, c.last, io.EOF
	case errors.As(err, &syntax):
		return nil, syntax.StartLine, errDamaged
	case err != nil:
		return nil, c.last, errDamaged
	}
	c.last, _ = c.r.FieldPos(0)
	return cells, c.last, nil
}

func (c *csvRows) close() {}

// A table is a file or a sheet with its header read.
type table struct {
	file     string
	limits   ingest.Limits
	note     noter
	rows     rowReader
	header   []string
	line     int // of the header
	dates    []string
	dateLine int
	places   map[string]int // by folded name; -1: twice
	barred   []bool         // columns that must never come in
	workbook bool
	days     calendar
	width    int // fields of a row; 0: any
	read     int
}

// A noter takes a finding down, or does not.
type noter func(at ingest.Place, field string, rule ingest.Rule, detail string)

// readHeader reads up to the header, and the row of dates where that is
// another; 0 stands for none. It is false where the rows end before.
func (t *table) readHeader(header, dates int) bool {
	t.places = map[string]int{}
	for header > 0 && t.header == nil || dates > 0 && t.dates == nil {
		cells, line, err := t.rows.next()
		switch {
		case errors.Is(err, io.EOF):
			t.note(ingest.Place{File: t.file, Row: max(header, dates)}, "", ingest.NoHeader, "")
			return false
		case err != nil:
			t.damaged(line, err)
			return false
		}
		if header > 0 && t.header == nil && line >= header {
			t.header, t.line = append([]string{}, cells...), line
		}
		if dates > 0 && t.dates == nil && line >= dates {
			t.dates, t.dateLine = append([]string{}, cells...), line
		}
	}
	t.barred = make([]bool, len(t.header))
	for i, cell := range t.header {
		t.column(i, cell)
	}
	return true
}

func (t *table) column(i int, cell string) {
	name := fold(cell)
	if name == "" {
		return
	}
	if ingest.Forbidden(cell) {
		t.barred[i] = true
		t.note(ingest.Place{File: t.file, Row: t.line}, ref{number: i + 1}.String(), ingest.DroppedColumn, "")
		return
	}
	if _, twice := t.places[name]; twice {
		i = -1
	}
	t.places[name] = i
}

func (t *table) damaged(line int, err error) {
	rule, detail := ingest.BadSyntax, ""
	if t.workbook {
		rule = ingest.BadWorkbook
		detail = "the sheet is damaged"
	}
	if errors.Is(err, errTooWide) {
		detail = "the sheet has more cells than may be"
	}
	t.note(ingest.Place{File: t.file, Row: line}, "", rule, detail)
}

// find returns a column's place from 0; it notes one that is not there.
func (t *table) find(r ref) (int, bool) {
	at, there := r.number-1, t.header == nil || r.number <= len(t.header)
	if r.name != "" {
		at, there = t.places[fold(r.name)]
	}
	place := ingest.Place{File: t.file, Row: t.line}
	switch {
	case !there:
		t.note(place, r.String(), ingest.MissingColumn, "")
	case at < 0:
		t.note(place, r.String(), ingest.DuplicateColumn, "")
	case at < len(t.barred) && t.barred[at]:
		t.note(place, r.String(), ingest.ForbiddenColumn, "")
	default:
		return at, true
	}
	return 0, false
}

// each calls fn with every row, trimmed and without what must not come in,
// until it returns false. It stops at text that is damaged.
func (t *table) each(fn func(cells []string, line int) bool) {
	defer t.rows.close()
	for {
		cells, line, err := t.rows.next()
		at := ingest.Place{File: t.file, Row: line}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.damaged(line, err)
			return
		case t.read == t.limits.Rows:
			t.note(at, "", ingest.TooManyRows, "")
			return
		}
		size := t.clean(cells)
		if size == 0 && t.workbook {
			continue // a sheet has lines left free
		}
		t.read++
		switch {
		case size > t.limits.RowBytes:
			t.note(at, "", ingest.TooLong, "")
		case !t.fits(cells):
			t.note(at, "", ingest.FieldCount, "")
		case t.isHeader(cells):
			t.note(at, "", ingest.RepeatedHeader, "")
		case !fn(cells, line):
			return
		}
	}
}

func (t *table) clean(cells []string) (size int) {
	for i := range cells {
		if i < len(t.barred) && t.barred[i] {
			cells[i] = ""
		}
		cells[i] = strings.TrimSpace(cells[i])
		size += len(cells[i])
	}
	return size
}

// fits reports whether a row has the header's number of fields; empty ones may
// be more at its end, or missing where the header has no name.
func (t *table) fits(cells []string) bool {
	if t.width == 0 {
		return true
	}
	for _, c := range cells[min(t.width, len(cells)):] {
		if c != "" {
			return false
		}
	}
	named := t.width
	for named > 0 && strings.TrimSpace(t.header[named-1]) == "" {
		named--
	}
	return len(cells) >= named
}

func (t *table) isHeader(cells []string) bool {
	same := 0
	for i, name := range t.header {
		switch {
		case i < len(t.barred) && t.barred[i] || strings.TrimSpace(name) == "":
		case i >= len(cells) || fold(cells[i]) != fold(name):
			return false
		default:
			same++
		}
	}
	return same > 1
}

// get is a cell, or nothing where the row ends before it.
func get(cells []string, at int) string {
	if at < len(cells) {
		return cells[at]
	}
	return ""
}

// base is a file's name as a report may show it.
func base(name string) string {
	clean := strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, path.Base(name)), "?")
	if runes := []rune(clean); len(runes) > 60 {
		clean = string(runes[:60]) + "…"
	}
	return clean
}
