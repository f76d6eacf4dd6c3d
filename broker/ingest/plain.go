package ingest

import (
	"iter"
	"path"
	"strings"
)

// Plain is the plain CSV form itself.
func Plain() Format { return Format{Name: "plain csv", Open: openPlain} }

// plain are the files of the plain form by their names in small letters.
type plain struct {
	files *Files
	paths map[string]string
}

// openPlain takes the files of the uppermost folder that has any of the form.
// What is not of the form there is said and not read.
func openPlain(files *Files, _ Options, report *Report) Feed {
	p := &plain{files: files, paths: map[string]string{}}
	for _, name := range topmost(files.names) {
		known := strings.ToLower(path.Base(name))
		_, twice := p.paths[known]
		switch {
		case Columns(known) == nil:
			report.Note(Place{File: printable(path.Base(name))}, "", IgnoredFile, "")
		case twice:
			report.Note(Place{File: known}, "", DuplicateFile, "")
		default:
			p.paths[known] = name
		}
	}
	return p
}

// topmost are the CSV files that lie as far up as the uppermost of the form.
func topmost(names []string) (list []string) {
	depth := func(name string) int { return strings.Count(name, "/") }
	up := -1
	for _, name := range names {
		if Columns(strings.ToLower(path.Base(name))) != nil && (up < 0 || depth(name) < up) {
			up = depth(name)
		}
	}
	for _, name := range names {
		if strings.ToLower(path.Ext(name)) == ".csv" && (up < 0 || depth(name) == up) {
			list = append(list, name)
		}
	}
	return list
}

// Rows are not given one by one: the importer reads the file itself.
func (p *plain) Rows(string) (iter.Seq[Row], bool) { return nil, false }

// table opens a file of the form; there is false where there is none.
func (p *plain) table(f form, limits Limits, report *Report) (t *table, there bool) {
	name, there := p.paths[f.name]
	if !there {
		if f.required {
			report.Note(Place{File: f.name}, "", MissingFile, "")
		}
		return nil, false
	}
	if f.long {
		return p.openLong(f, name, limits, report), true
	}
	return p.openWhole(f, name, limits, report), true
}
