package ingest

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// Limits bound what is read. The zero value of a field means its default.
type Limits struct {
	FileBytes  int64 // of one file that is read whole, unpacked; 1 GiB
	LongBytes  int64 // of one that is read block by block; 16 GiB
	TotalBytes int64 // of all files, unpacked; 24 GiB
	Rows       int   // of one file; 500 million
	RowBytes   int   // of one record; 64 KiB
	FieldBytes int   // of one field; 1,000
	Entries    int   // of a folder or a zip; 10,000
	Depth      int   // folders inside one another; 1
	Ratio      int64 // unpacked to packed bytes of a zip entry; 100

	sabotage sabotage
}

// A sabotage takes a guard away, so that a test can show that it misses it.
type sabotage struct {
	admitForbidden bool // columns that must never come in
	unpackAll      bool // zips out of bounds
	acceptErrors   bool // rows in error
	keepContacts   bool // of students under 17
}

func (l Limits) withDefaults() Limits {
	or := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	or(&l.FileBytes, 1<<30)
	or(&l.LongBytes, 16<<30)
	or(&l.TotalBytes, 24<<30)
	or(&l.Ratio, 100)
	orInt(&l.Rows, 500_000_000)
	orInt(&l.RowBytes, 64<<10)
	orInt(&l.FieldBytes, 1000)
	orInt(&l.Entries, 10_000)
	orInt(&l.Depth, 1)
	return l
}

// A table reads one file row by row.
type table struct {
	form   form
	limits Limits
	report *Report
	counts FileReport
	scan   *scanner
	place  []int // place[i] is where column i of the form stands in a row, or -1
	width  int
	pace   Pace
	words  map[string]string // that rows share
	texts  slab              // of single rows

	blocks *blocks       // what follows the scan's text in a long file
	feed   iter.Seq[Row] // instead of scan
	places []Place       // of the rows that the feed gave
}

// openTable reads encoding and header. It returns nil where the file is
// unusable; the report says why.
func openTable(f form, data []byte, limits Limits, report *Report) *table {
	t := &table{form: f, limits: limits, report: report, counts: FileReport{Name: f.name}}
	if int64(len(data)) > limits.FileBytes {
		return t.refuse(0, TooLarge)
	}
	text, encoding, ok := decode(data)
	if !ok {
		return t.refuse(0, BadEncoding)
	}
	t.counts.Encoding = encoding
	if encoding == windows1252 {
		report.Note(Place{File: f.name}, "", ReadAsWindows1252, "")
	}
	t.scan = newScanner(text)
	header, err := t.scan.next()
	if err != nil {
		return t.refuse(1, BadSyntax)
	}
	if header == nil {
		return t.refuse(1, NoHeader)
	}
	if !t.header(header) {
		report.Files = append(report.Files, t.counts)
		return nil
	}
	return t
}

func (t *table) refuse(row int, rule Rule) *table {
	t.report.Note(Place{File: t.form.name, Row: row}, "", rule, "")
	t.report.Files = append(t.report.Files, t.counts)
	return nil
}

// header finds the columns; false where one is forbidden, missing or double.
func (t *table) header(cells [][]byte) bool {
	t.width = len(cells)
	t.place = make([]int, len(t.form.columns))
	for i := range t.place {
		t.place[i] = -1
	}
	if !slices.ContainsFunc(cells, t.knows) {
		t.report.Note(Place{File: t.form.name, Row: 1}, "", NoHeader, "")
		return false
	}
	ok := true
	for at, cell := range cells {
		ok = t.column(at, cell) && ok
	}
	for i, name := range t.form.columns[:t.form.must] {
		if t.place[i] < 0 {
			t.report.Note(Place{File: t.form.name, Row: 1}, name, MissingColumn, "")
			ok = false
		}
	}
	return ok
}

// knows reports whether a cell is the name of a column of the form. A row in
// which none is, is no header but somebody's data, and nothing of it is shown.
func (t *table) knows(cell []byte) bool {
	return slices.Contains(t.form.columns, columnName(cell)) || Forbidden(string(cell))
}

func (t *table) column(at int, cell []byte) bool {
	name := columnName(cell)
	for i, known := range t.form.columns {
		if name != known {
			continue
		}
		if t.place[i] >= 0 {
			t.report.Note(Place{File: t.form.name, Row: 1}, known, DuplicateColumn, "")
			return false
		}
		t.place[i] = at
		return true
	}
	if Forbidden(string(cell)) && !t.limits.sabotage.admitForbidden {
		t.report.Note(Place{File: t.form.name, Row: 1}, columnAt(at, cell), ForbiddenColumn, "")
		return false
	}
	t.report.Note(Place{File: t.form.name, Row: 1}, columnAt(at, cell), IgnoredColumn, "")
	return true
}

// printable is a file's name as a report may show it.
func printable(name string) string {
	clean := strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(name)), "?")
	if utf8.RuneCountInString(clean) > 60 {
		clean = string([]rune(clean)[:60]) + "…"
	}
	return clean
}

// columnAt is a column's name as a report may show it: as it stands where it
// is written as column names are, else by its place, since what stands in the
// header may be anything.
func columnAt(at int, cell []byte) string {
	name := strings.TrimSpace(string(cell))
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') || i >= 60 {
			name = ""
			break
		}
	}
	if name == "" {
		return "column " + strconv.Itoa(at+1)
	}
	return name
}

// each calls fn with every row that has the header's number of fields. It
// stops at text that is not CSV.
func (t *table) each(fn func(*row)) {
	if t.feed != nil {
		t.eachFed(fn)
		return
	}
	r := &row{t: t}
	for {
		fields, err := t.scan.next()
		if err != nil {
			t.report.Note(Place{File: t.form.name, Row: t.scan.line}, "", BadSyntax, "")
			break
		}
		if fields == nil {
			break
		}
		if t.counts.Rows == t.limits.Rows {
			t.report.Note(Place{File: t.form.name, Row: t.scan.line}, "", TooManyRows, "")
			break
		}
		t.counts.Rows++
		t.pace.Pause(t.counts.Rows)
		r.fields, r.line, r.bad, r.warned = fields, t.scan.line, false, false
		switch {
		case t.scan.size > t.limits.RowBytes:
			r.fault(-1, TooLong, "")
		case len(fields) != t.width:
			r.fault(-1, FieldCount, "")
		default:
			t.blank(fields)
			fn(r)
		}
		t.count(r.bad, r.warned)
	}
}

func (t *table) count(bad, warned bool) {
	switch {
	case bad:
		t.counts.Errors++
	case warned:
		t.counts.Good++
		t.counts.Warnings++
	default:
		t.counts.Good++
	}
}

// late moves a row that was counted as good to the errors: a fault that only
// the whole file shows.
func (t *table) late(line, column int, rule Rule) {
	t.note(line, column, rule, "")
	t.counts.Good--
	t.counts.Errors++
}

// lateWarning warns of a row that was counted already.
func (t *table) lateWarning(line, column int, rule Rule) {
	t.note(line, column, rule, "")
	t.counts.Warnings++
}

// note adds a finding about the row of a line.
func (t *table) note(line, column int, rule Rule, detail string) Severity {
	at, field := t.at(line, column)
	return t.report.Note(at, field, rule, detail)
}

func (t *table) close() {
	if t.blocks != nil && !t.blocks.finished {
		t.blocks.finish()
	}
	t.report.Files = append(t.report.Files, t.counts)
}

// A row is one record. Its methods read a column of the form by its place in
// the form and note what is wrong with it; after a fault bad is set and the
// row stays out.
type row struct {
	t           *table
	fields      [][]byte
	line        int
	bad, warned bool
}

func (r *row) fault(column int, rule Rule, detail string) {
	if r.t.note(r.line, column, rule, detail) == Error {
		r.bad = !r.t.limits.sabotage.acceptErrors
	} else {
		r.warned = true
	}
}

// raw returns the trimmed bytes of a column; nil where the file lacks it.
func (r *row) raw(column int) []byte {
	at := r.t.place[column]
	if at < 0 {
		return nil
	}
	return trimmed(r.fields[at])
}

// trimmed is bytes.TrimSpace, which is quick where there is nothing to trim.
func trimmed(b []byte) []byte {
	if n := len(b); n == 0 || ' ' < b[0] && b[0] < 0x80 && ' ' < b[n-1] && b[n-1] < 0x80 {
		return b
	}
	return bytes.TrimSpace(b)
}

// need is raw for a column that must not be empty.
func (r *row) need(column int) []byte {
	b := r.raw(column)
	if len(b) == 0 {
		r.fault(column, Empty, "")
	}
	return b
}

// text returns a text within the limit and without control characters.
func (r *row) text(column int) string {
	b := r.raw(column)
	if column < r.t.form.must {
		b = r.need(column)
	}
	if len(b) > r.t.limits.FieldBytes {
		r.fault(column, TooLong, "")
		return ""
	}
	if bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 }) {
		r.fault(column, ControlCharacter, "")
		return ""
	}
	return r.t.texts.text(b)
}

// word is text that many rows have, and in memory stands once.
func (r *row) word(column int) string {
	if known, ok := r.t.words[string(r.raw(column))]; ok {
		return known
	}
	s := r.text(column)
	if s != "" && len(r.t.words) < maxWords {
		if r.t.words == nil {
			r.t.words = map[string]string{}
		}
		r.t.words[s] = s
	}
	return s
}

// maxWords bounds the words that are kept.
const maxWords = 4096

// date returns a date that must be there.
func (r *row) date(column int) civil.Date {
	b := r.need(column)
	if len(b) == 0 {
		return 0
	}
	return r.parseDate(column, b)
}

// optionalDate returns the zero date where the field is empty.
func (r *row) optionalDate(column int) civil.Date {
	b := r.raw(column)
	if len(b) == 0 {
		return 0
	}
	return r.parseDate(column, b)
}

func (r *row) parseDate(column int, b []byte) civil.Date {
	d, ok := parseDate(b)
	if !ok {
		r.fault(column, BadDate, "")
	}
	return d
}

// span faults a last day before the first.
func (r *row) span(column int, first, last civil.Date) {
	if !first.IsZero() && !last.IsZero() && last < first {
		r.fault(column, EndBeforeStart, "")
	}
}

func (r *row) flag(column int) records.Flag {
	b := r.raw(column)
	if len(b) == 0 && column < r.t.form.must {
		r.fault(column, Empty, "")
		return records.Unknown
	}
	f, err := records.ParseFlag(strings.ToLower(string(b)))
	if err != nil {
		r.fault(column, BadFlag, "")
	}
	return f
}

// halfDays returns a number of days in half days; empty is zero where the
// column is not required.
func (r *row) halfDays(column int) int32 {
	n := r.hundredths(column, 0)
	if n%50 != 0 || n < 0 || n > 1000_00 {
		r.fault(column, BadNumber, "whole or half days from 0 to 1000")
		return 0
	}
	return n / 50
}

func (r *row) hundredths(column int, empty int32) int32 {
	b := r.raw(column)
	if len(b) == 0 {
		if column < r.t.form.must {
			r.fault(column, Empty, "")
		}
		return empty
	}
	n, err := records.ParseHundredths(string(b))
	if err != nil {
		r.fault(column, BadNumber, err.Error())
	}
	return n
}

// code returns a word of a closed list, in small letters. A near miss is
// answered with the word that was probably meant.
func (r *row) code(column int, list []string) string {
	b := strings.ToLower(string(r.need(column)))
	if b == "" {
		return ""
	}
	for _, known := range list {
		if b == strings.ToLower(known) {
			return known
		}
	}
	r.fault(column, UnknownCode, suggest(b, list))
	return ""
}
