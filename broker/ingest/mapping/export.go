package mapping

import (
	"iter"
	"path"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Format reads the files that the mapping names. Its name is that of the
// mapping, so that another mapping makes another import of the same files.
func (m *Mapping) Format() ingest.Format {
	return ingest.Format{Name: m.Name(), Depth: 1, Open: m.open}
}

// open refuses a partner's mapping only: what cannot be read is noted when it
// is asked for.
func (m *Mapping) open(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
	if _, partner := m.forms[participation]; partner && len(m.forms) == 1 {
		report.Note(ingest.Place{File: mappingFile}, "", ingest.BadMapping, "it maps participation.csv, which a partner sends, and no file of a district")
		return nil
	}
	return newExport(m, files, opt, func(at ingest.Place, field string, rule ingest.Rule, detail string) {
		report.Note(at, field, rule, detail)
	})
}

// An export is a set of files read by a mapping.
type export struct {
	m        *Mapping
	files    *ingest.Files
	opt      ingest.Options
	report   noter
	books    map[string]*workbook
	lookups  map[*lookup]map[string]string
	noted    map[notice]int // the last row of which it was said
	years    []ingest.Span
	unplaced []ingest.Place // of students
	placed   map[string]bool
}

// A notice is what was said of a file or sheet. Several plain files may come
// from one, and its faults are said at the first reading.
type notice struct {
	where, field string
	rule         ingest.Rule
}

func newExport(m *Mapping, files *ingest.Files, opt ingest.Options, report noter) *export {
	return &export{
		m: m, files: files, opt: opt, report: report, books: map[string]*workbook{}, lookups: map[*lookup]map[string]string{},
		noted: map[notice]int{}, placed: map[string]bool{},
	}
}

// Rows implements ingest.Feed.
func (e *export) Rows(form string) (iter.Seq[ingest.Row], bool) {
	sources, there := e.m.forms[form]
	if form == "sessions.csv" {
		return e.sessionRows, there || len(e.m.forms) > 0
	}
	if !there {
		return nil, false
	}
	return func(yield func(ingest.Row) bool) {
		for _, s := range sources {
			if !e.source(s, func(r ingest.Row) bool { return yield(e.placing(form, r)) }) {
				return
			}
		}
		if form == "enrollments.csv" {
			e.sayUnplaced()
		}
	}, true
}

// placing keeps account of who is at a school, and gives a stay without a
// first day that of the school year.
func (e *export) placing(form string, r ingest.Row) ingest.Row {
	switch form {
	case "students.csv":
		e.unplaced = append(e.unplaced, r.At)
	case "enrollments.csv":
		e.placed[r.Fields[0]] = true
		if entry := placeOf(form, "entry"); r.Fields[entry] == "" {
			r.Fields[entry] = e.firstDay().String()
			e.report(r.At, "entry", ingest.AssumedEntry, "")
		}
	}
	return r
}

func (e *export) sayUnplaced() {
	for _, at := range e.unplaced {
		if at.ID != "" && !e.placed[at.ID] {
			e.report(at, "", ingest.NoSchool, "")
		}
	}
}

// firstDay is that of the last school year that began before the export, else
// of the first.
func (e *export) firstDay() (day civil.Date) {
	for _, y := range e.years {
		if day.IsZero() || y.From <= e.opt.ExportDate && (y.From > day || day > e.opt.ExportDate) {
			day = y.From
		}
	}
	return day
}

// source yields the rows of a source; false where the reader wants no more.
func (e *export) source(s *source, yield func(ingest.Row) bool) bool {
	if s.rows != nil {
		for _, fields := range s.rows {
			if !yield(ingest.Row{At: ingest.Place{File: mappingFile, Row: s.line, ID: fields[0]}, Fields: append([]string(nil), fields...)}) {
				return false
			}
		}
		return true
	}
	for _, name := range e.match(s) {
		if !e.file(s, name, yield) {
			return false
		}
	}
	return true
}

// mappingFile is what a report calls the mapping, where rows stand in it.
const mappingFile = "mapping"

// match are the files that a source means: by their path where it has a slash,
// else by their name.
func (e *export) match(s *source) (list []string) {
	for _, name := range e.files.Names() {
		lower := strings.ToLower(name)
		if !strings.Contains(s.file, "/") {
			lower = path.Base(lower)
		}
		if ok, err := path.Match(s.file, lower); err == nil && ok {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		e.once(s.file)(ingest.Place{File: base(s.file)}, "", ingest.MissingFile, "")
	}
	return list
}

// once returns what notes the faults of a file or sheet as it is read, in the
// order of its rows, and passes over those of an earlier reading.
func (e *export) once(where string) noter {
	return func(at ingest.Place, field string, rule ingest.Rule, detail string) {
		n := notice{where, field, rule}
		if last, said := e.noted[n]; said && at.Row <= last {
			return
		}
		e.noted[n] = at.Row
		e.report(at, field, rule, detail)
	}
}

// open returns a file's rows from behind its header; nil where it is unusable.
func (e *export) open(s *source, name string) *table {
	t := &table{file: base(name), limits: e.files.Limits(), note: e.once(name + "\x00" + s.sheet), days: calendar{base: base1900}}
	if isWorkbook(name) {
		t.rows = e.sheetRows(s, name, t)
	} else {
		t.rows = e.csvRows(s, name, t)
	}
	dates := 0
	if s.wide != nil {
		dates = s.wide.row
	}
	if t.rows == nil {
		return nil
	}
	if !t.readHeader(s.header, dates) {
		t.rows.close()
		return nil
	}
	if !t.workbook && s.wide == nil {
		t.width = len(t.header)
	}
	return t
}

func (e *export) csvRows(s *source, name string, t *table) rowReader {
	data, ok := e.files.Bytes(name)
	if !ok {
		return nil
	}
	text, was1252, ok := decode(data)
	if !ok {
		t.note(ingest.Place{File: base(name)}, "", ingest.BadEncoding, "")
		return nil
	}
	if was1252 {
		t.note(ingest.Place{File: base(name)}, "", ingest.ReadAsWindows1252, "")
	}
	return newCSVRows(text, s.separator)
}

func (e *export) sheetRows(s *source, name string, t *table) rowReader {
	w := e.openBook(name)
	if w == nil {
		return nil
	}
	at := ingest.Place{File: base(name)}
	sheet := w.sheet(s.sheet)
	if sheet == "" {
		t.note(at, "", ingest.BadWorkbook, "it has no such sheet")
		return nil
	}
	rows, ok := w.rows(sheet)
	if !ok {
		t.note(at, "", ingest.BadWorkbook, "the sheet is damaged")
		return nil
	}
	t.workbook, t.days = true, w.days
	return rows
}
