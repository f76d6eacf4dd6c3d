package ingest

import "iter"

// A Feed gives the rows of an export in another format, in the columns of the
// plain form. Rows are checked where rows of the plain form are, so that every
// format is held to the same rules and every fault has the same words; a Feed
// notes only what keeps it from making a row. It holds the values back as they
// stand where it cannot read them: a date that is none is found by the check.
type Feed interface {
	// Rows returns the rows of one of the plain form's files, such as
	// "students.csv"; ok is false where the export does not speak of it. It is
	// called once a file, in the order of Forms.
	Rows(form string) (rows iter.Seq[Row], ok bool)
}

// A Format opens the files of an export as a Feed. It returns nil where they
// are unusable; the report says why.
type Format struct {
	Name  string // for the report and the digest: "OneRoster CSV"
	Depth int    // how deep its folders lie inside one another
	Open  func(*Files, Options, *Report) Feed
}

// A Row is one row of a plain form. Fields stand in the order of Columns;
// those that are not there are empty.
type Row struct {
	At     Place
	Fields []string
}

// A Place is where a row stands in an export. ID is the row's own id there; it
// may be a student's number, so it is in the list of rows that the steward
// asks for and nowhere else.
type Place struct {
	File  string
	Row   int // line, or number of the record in its file, from 1; 0: the file as a whole
	ID    string
	Names []string // what the export calls the columns, in their order; empty: as the form does
}

// Forms are the names of the plain form's files, in the order in which they
// are read.
func Forms() []string {
	names := make([]string, len(forms))
	for i, f := range forms {
		names[i] = f.name
	}
	return names
}

// Columns are the columns of a plain form's file, those that it must have
// first; nil for another name.
func Columns(form string) []string {
	for _, f := range forms {
		if f.name == form {
			return append([]string(nil), f.columns...)
		}
	}
	return nil
}

// openFeed makes a table of a feed's rows.
func openFeed(f form, rows iter.Seq[Row], limits Limits, report *Report) *table {
	t := &table{form: f, limits: limits, report: report, counts: FileReport{Name: f.name}, feed: rows, width: len(f.columns)}
	t.place = make([]int, len(f.columns))
	for i := range t.place {
		t.place[i] = i
	}
	return t
}

// eachFed calls fn with every row of the feed.
func (t *table) eachFed(fn func(*row)) {
	fields := make([][]byte, t.width)
	for fed := range t.feed {
		if t.counts.Rows == t.limits.Rows {
			t.report.Note(Place{File: fed.At.File}, "", TooManyRows, "")
			return
		}
		t.counts.Rows++
		t.pace.Pause(t.counts.Rows)
		t.places = append(t.places, fed.At)
		t.report.feed(t.form.name, fed.Fields)
		r := &row{t: t, fields: fields, line: len(t.places) - 1}
		size := 0
		for i := range fields {
			fields[i] = nil
			if i < len(fed.Fields) {
				fields[i] = []byte(fed.Fields[i])
				size += len(fed.Fields[i])
			}
		}
		if size > t.limits.RowBytes {
			r.fault(-1, TooLong, "")
		} else {
			t.blank(fields)
			fn(r)
		}
		t.count(r.bad, r.warned)
	}
}

// at is where the row of a line stands, and what its column is called there.
func (t *table) at(line, column int) (at Place, field string) {
	at = Place{File: t.form.name, Row: line}
	if column >= 0 {
		field = t.form.columns[column]
	}
	if t.feed == nil {
		return at, field
	}
	at = t.places[line]
	if column >= 0 && column < len(at.Names) && at.Names[column] != "" {
		field = at.Names[column]
	}
	return at, field
}
