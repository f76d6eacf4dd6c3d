package mapping

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Bounds of what is looked at for a first mapping.
const (
	sampleRows  = 200_000
	sampleTexts = 40 // different texts of a column of codes
	exampleDays = 3
	headerRows  = 10 // in which a header is looked for
)

// A sample is one file or sheet as it was looked at.
type sample struct {
	file, sheet string
	separator   rune
	header      int // row; 0: none was found
	rows        int
	columns     []*sampled
	wideFrom    int // the first of the columns that dates stand over, from 1
	dateProof   proof
}

// A sampled column holds counts and, for codes only, texts.
type sampled struct {
	number   int
	name     string // of the header
	barred   bool
	twice    bool
	proof    proof
	texts    map[string]int // nil: too many
	examples []string       // dates
	numbers  int            // texts that are numbers
	most     float64        // the largest of them
}

// take looks at every file.
func (e *export) take() (list []*sample) {
	for _, name := range e.files.Names() {
		switch ext := strings.ToLower(path.Ext(name)); {
		case isWorkbook(name):
			w := e.openBook(name)
			if w == nil {
				continue
			}
			for _, sheet := range w.file.GetSheetList() {
				if !strings.ContainsFunc(sheet, control) { // a mapping cannot name it
					list = append(list, e.sample(name, sheet, ','))
				}
			}
		case ext == ".csv" || ext == ".txt" || ext == ".tsv":
			list = append(list, e.sample(name, "", e.separatorOf(name)))
		}
	}
	return slices.DeleteFunc(list, func(s *sample) bool { return s == nil })
}

// separatorOf is the character that stands most often in the first line.
func (e *export) separatorOf(name string) rune {
	data, _ := e.files.Bytes(name)
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	best := ','
	for _, r := range ";\t|" {
		if bytes.Count(line, []byte(string(r))) > bytes.Count(line, []byte(string(best))) {
			best = r
		}
	}
	return best
}

// sample reads a file twice: for its header, and for its columns.
func (e *export) sample(name, sheet string, separator rune) *sample {
	s := &sample{file: path.Base(name), sheet: sheet, separator: separator}
	src := newSource("schools.csv", 0)
	src.sheet, src.separator, src.header = sheet, separator, 0
	t := e.open(src, name)
	if t == nil {
		return nil
	}
	s.header = findHeader(t)
	src.header = s.header
	if t = e.open(src, name); t == nil {
		return nil
	}
	t.width = 0
	s.head(t)
	t.each(func(cells []string, _ int) bool {
		s.rows++
		for i, c := range cells {
			s.at(i).add(c, t.days)
		}
		return s.rows < sampleRows
	})
	return s
}

// findHeader is the row in which names stand that are known, or 0.
func findHeader(t *table) (row int) {
	most := 1
	read := 0
	t.each(func(cells []string, line int) bool {
		read++
		known := 0
		for _, c := range cells {
			if knownName(c) {
				known++
			}
		}
		if known > most {
			most, row = known, line
		}
		return read < headerRows
	})
	return row
}

func knownName(cell string) bool {
	name := squash(cell)
	if slices.Contains(ownID, name) {
		return true
	}
	for _, names := range synonyms {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// head enters the header, and finds where dates stand in it.
func (s *sample) head(t *table) {
	run := 0
	for i, cell := range t.header {
		c := s.at(i)
		c.barred = t.barred[i]
		if c.barred {
			continue
		}
		cell = trim(cell)
		day := classify(cell)
		if day.iso != "" || day.year > 0 || t.days.serials && day.serial >= firstSerial {
			s.dateProof.add(cell, t.days.serials)
			if run++; run == 1 {
				s.wideFrom = i + 1
			}
			continue
		}
		c.name = cell
		c.twice = t.places[fold(cell)] < 0
	}
	if run < 3 {
		s.wideFrom, s.dateProof = 0, proof{}
	}
}

func (s *sample) at(i int) *sampled {
	for len(s.columns) <= i {
		s.columns = append(s.columns, &sampled{number: len(s.columns) + 1, texts: map[string]int{}})
	}
	return s.columns[i]
}

func (c *sampled) add(text string, days calendar) {
	if c.barred {
		return
	}
	c.proof.add(text, days.serials)
	if v, ok := number(text); ok {
		c.numbers++
		c.most = max(c.most, v)
	}
	t := classify(text)
	if len(c.examples) < exampleDays && (t.iso != "" || t.year > 0) && !slices.Contains(c.examples, withoutTime(text)) {
		c.examples = append(c.examples, withoutTime(text))
	}
	if c.texts == nil || text == "" {
		return
	}
	if c.texts[text]++; len(c.texts) > sampleTexts || len(text) > 60 {
		c.texts = nil
	}
}

// ref is how a mapping names the column.
func (c *sampled) ref() string {
	if c.name == "" || c.twice || strings.ContainsFunc(c.name, control) {
		return ref{number: c.number}.bare()
	}
	return quote(c.name)
}

// called returns the column that is known under a plain column's name.
func (s *sample) called(plain string, also []string) *sampled {
	for _, list := range [][]string{{squash(plain)}, also, synonyms[plain]} {
		for _, name := range list {
			for _, c := range s.columns {
				if !c.barred && squash(c.name) == name && name != "" && !ingest.Forbidden(c.name) {
					return c
				}
			}
		}
	}
	return nil
}
