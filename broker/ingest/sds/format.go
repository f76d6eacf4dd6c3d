package sds

import (
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Format is School Data Sync CSV in any of its three forms. The report refuses
// files of which none can be told.
func Format() ingest.Format {
	return ingest.Format{Name: "School Data Sync CSV", Depth: 1, Open: open}
}

// A dialect is one of the published forms.
type dialect int

const (
	unknown dialect = iota
	v1
	v2
	v21
)

// published are the files of the three forms: those that are read, and those
// that belong to the form and say nothing that is asked here.
var published = map[dialect][]string{
	v1: {
		"school.csv", "student.csv", "section.csv", "user.csv", "guardianrelationship.csv",
		"teacher.csv", "studentenrollment.csv", "teacherroster.csv",
	},
	v2: {"orgs.csv", "users.csv", "classes.csv", "enrollments.csv"},
	v21: {
		"orgs.csv", "users.csv", "roles.csv", "academicsessions.csv", "demographics.csv", "userflags.csv",
		"relationships.csv", "classes.csv", "enrollments.csv", "courses.csv",
	},
}

// required are the files without which nobody can be placed.
var required = map[dialect][]string{
	v1:  {"school.csv", "student.csv"},
	v2:  {"orgs.csv", "users.csv"},
	v21: {"orgs.csv", "users.csv", "roles.csv"},
}

// A set is an export's files by their names in small letters.
type set map[string]string

func (s set) has(name string) bool { return s[name] != "" }

// open returns nil where a file that must be there is not, or has not the
// columns it must.
func open(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
	found := findSet(files.Names(), report)
	kind := found.dialect()
	if kind == unknown {
		report.Note(ingest.Place{}, "", ingest.NotThisFormat, found.reason())
		return nil
	}
	whole := true
	for _, name := range required[kind] {
		if !found.has(name) {
			report.Note(ingest.Place{File: name}, "", ingest.MissingFile, "")
			whole = false
		}
	}
	found.sayIgnored(kind, report)
	x := &export{files: files, set: found, opt: opt, report: report, rows: map[string][]ingest.Row{}}
	if !whole || !x.read(kind) {
		return nil
	}
	return x
}

// dialect tells the form by its files. Of a form that is not whole enough is
// needed to say what is missing.
func (s set) dialect() dialect {
	older, newer := s.has("school.csv") || s.has("student.csv"), s.has("orgs.csv") || s.has("users.csv")
	switch {
	case s.has("manifest.csv"), older && newer:
		return unknown
	case older:
		return v1
	case newer && slices.ContainsFunc([]string{"roles.csv", "academicsessions.csv", "demographics.csv", "relationships.csv", "userflags.csv"}, s.has):
		return v21
	case newer:
		return v2
	}
	return unknown
}

func (s set) reason() string {
	switch {
	case s.has("manifest.csv"):
		return "a manifest belongs to OneRoster"
	case s.has("school.csv"), s.has("student.csv"):
		return "there are files of V1 and of V2"
	}
	return "there is neither School.csv nor orgs.csv"
}

func (s set) sayIgnored(kind dialect, report *ingest.Report) {
	var names []string
	for name := range s {
		if !slices.Contains(published[kind], name) {
			names = append(names, path.Base(s[name]))
		}
	}
	slices.Sort(names)
	for _, name := range names {
		report.Note(ingest.Place{File: name}, "", ingest.IgnoredFile, "")
	}
}

// findSet takes the CSV files that lie as far up as the uppermost of any form.
func findSet(names []string, report *ingest.Report) set {
	found, up := set{}, uppermost(names)
	for _, name := range names {
		base := strings.ToLower(path.Base(name))
		switch {
		case path.Ext(base) != ".csv" || up >= 0 && strings.Count(name, "/") != up:
		case found.has(base):
			report.Note(ingest.Place{File: base}, "", ingest.DuplicateFile, "")
		default:
			found[base] = name
		}
	}
	return found
}

func uppermost(names []string) int {
	up := -1
	for _, name := range names {
		base, depth := strings.ToLower(path.Base(name)), strings.Count(name, "/")
		known := slices.Contains(published[v1], base) || slices.Contains(published[v21], base)
		if known && (up < 0 || depth < up) {
			up = depth
		}
	}
	return up
}

// Rows implements ingest.Feed. Guardians are read when they are asked for, so
// that what is wrong with them is found among them.
func (x *export) Rows(form string) (iter.Seq[ingest.Row], bool) {
	if form == "guardians.csv" && !x.relate() {
		return nil, false
	}
	rows, there := x.rows[form]
	return slices.Values(rows), there
}
