package oneroster

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// The files that are read.
const (
	manifestFile     = "manifest.csv"
	orgsFile         = "orgs.csv"
	sessionsFile     = "academicSessions.csv"
	usersFile        = "users.csv"
	rolesFile        = "roles.csv"
	demographicsFile = "demographics.csv"
	coursesFile      = "courses.csv"
	classesFile      = "classes.csv"
	enrollmentsFile  = "enrollments.csv"
	categoriesFile   = "categories.csv"
	lineItemsFile    = "lineItems.csv"
	resultsFile      = "results.csv"
)

// readFiles are the data files that are read.
var readFiles = []string{
	orgsFile, sessionsFile, usersFile, rolesFile, demographicsFile, coursesFile, classesFile, enrollmentsFile,
	categoriesFile, lineItemsFile, resultsFile,
}

// otherFiles are those of the standard that are not.
var otherFiles = []string{
	"userProfiles.csv", "resources.csv", "classResources.csv", "courseResources.csv", "userResources.csv",
	"lineItemLearningObjectiveIds.csv", "lineItemScoreScales.csv", "resultLearningObjectiveIds.csv",
	"resultScoreScales.csv", "scoreScales.csv",
}

// standardName is a file's name as the standard writes it; empty for another.
func standardName(base string) string {
	for _, name := range slices.Concat([]string{manifestFile}, readFiles, otherFiles) {
		if strings.EqualFold(name, base) {
			return name
		}
	}
	return ""
}

// A layer is one set of files, in a folder of its own.
type layer struct {
	folder string
	paths  map[string]string // by the standard's name
	modes  map[string]mode   // of the files that are there
	delta  ingest.Place      // where the manifest first says so
}

// A mode is what a manifest says of a file.
type mode string

const (
	bulk   mode = "bulk"
	delta  mode = "delta"
	absent mode = "absent"
)

// bulky reports whether nothing of the layer needs an earlier one.
func (l *layer) bulky() bool {
	return !slices.Contains(slices.Collect(maps.Values(l.modes)), delta)
}

// findLayers returns the layers in the order in which they apply; nil where
// there is none, a manifest contradicts its files, or a delta has no base.
func findLayers(files *ingest.Files, report *ingest.Report) []*layer {
	layers := collect(files, report)
	if len(layers) == 0 {
		if !report.Unusable() {
			report.Note(ingest.Place{}, "", ingest.NotThisFormat, "no folder has users.csv or orgs.csv")
		}
		return nil
	}
	for _, l := range layers {
		if !l.readManifest(files, report) {
			return nil
		}
	}
	layers = baseFirst(layers)
	if !layers[0].bulky() {
		report.Note(layers[0].delta, "value", ingest.BadManifest,
			"a delta changes an earlier set; the last bulk set must be given with it, in a folder of its own")
		return nil
	}
	return layers
}

// collect sorts the files into layers, by folder. A CSV file that is none of
// the standard, or lies where no layer is, is said and not read.
func collect(files *ingest.Files, report *ingest.Report) []*layer {
	folders := map[string]*layer{}
	for _, name := range files.Names() {
		known := standardName(path.Base(name))
		if known == "" {
			continue
		}
		l := folders[path.Dir(name)]
		if l == nil {
			l = &layer{folder: path.Dir(name), paths: map[string]string{}, modes: map[string]mode{}}
			folders[l.folder] = l
		}
		if l.paths[known] != "" {
			report.Note(ingest.Place{File: known}, "", ingest.DuplicateFile, "")
			return nil
		}
		l.paths[known] = name
	}
	maps.DeleteFunc(folders, func(_ string, l *layer) bool {
		return l.paths[usersFile] == "" && l.paths[orgsFile] == "" && l.paths[manifestFile] == ""
	})
	noteIgnored(files, folders, report)
	return slices.SortedFunc(maps.Values(folders), func(a, b *layer) int {
		return cmp.Or(compareNatural(a.folder, b.folder), cmp.Compare(a.folder, b.folder))
	})
}

func noteIgnored(files *ingest.Files, folders map[string]*layer, report *ingest.Report) {
	for _, name := range files.Names() {
		base := path.Base(name)
		isCSV := strings.EqualFold(path.Ext(base), ".csv")
		if isCSV && (standardName(base) == "" || folders[path.Dir(name)] == nil) {
			report.Note(ingest.Place{File: printable(base)}, "", ingest.IgnoredFile, "")
		}
	}
}

// printable is a file's name as a report may show it.
func printable(name string) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "?")))
	return string(clean[:min(len(clean), 60)])
}

// baseFirst moves the first bulk layer to the front.
func baseFirst(layers []*layer) []*layer {
	base := max(0, slices.IndexFunc(layers, (*layer).bulky))
	ordered := []*layer{layers[base]}
	ordered = append(ordered, layers[:base]...)
	return append(ordered, layers[base+1:]...)
}

// compareNatural orders names, runs of digits in them by their value.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == "" || y == "" {
			if c := cmp.Compare(a[0], b[0]); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
			continue
		}
		n, m := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(n), len(m)), cmp.Compare(n, m)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is the run of digits at the start of a text.
func digits(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n]
}
