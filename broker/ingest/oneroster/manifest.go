package oneroster

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Reasons why a manifest is refused.
const (
	noVersion      = "it has no oneroster.version"
	unknownVersion = "oneroster.version is none of 1.0, 1.1, 1.2"
	unknownMode    = "neither bulk, delta nor absent"
	saidTwice      = "the property stands there twice with different values"
	saidAbsent     = "the file is said to be absent and is there"
	isMissing      = "the file is said to be there and is missing"
	notListed      = "the file is there and not in the manifest, which has deltas: bulk or delta?"
)

// A property is one line of a manifest.
type property struct {
	value string
	at    ingest.Place
}

// readManifest reads what the set says of its files; without a manifest all
// that are there are bulk. It is false where the manifest is unusable.
func (l *layer) readManifest(files *ingest.Files, report *ingest.Report) bool {
	for _, name := range readFiles {
		if l.paths[name] != "" {
			l.modes[name] = bulk
		}
	}
	if l.paths[manifestFile] == "" {
		return true
	}
	sheet := files.Sheet(l.paths[manifestFile])
	if sheet == nil || !sheet.Require("propertyName", "value") {
		return false
	}
	properties, ok := readProperties(sheet, report)
	if !ok || report.Unusable() {
		return false
	}
	return checkVersion(properties, report) && l.checkFiles(properties, report)
}

// readProperties returns the properties by their names in small letters.
func readProperties(sheet *ingest.Sheet, report *ingest.Report) (properties map[string]property, ok bool) {
	properties, ok = map[string]property{}, true
	for r := range sheet.Records() {
		name, p := strings.ToLower(r.Get("propertyName")), property{r.Get("value"), r.At("", nil)}
		if was, twice := properties[name]; twice && was.value != p.value && concerns(name) {
			report.Note(p.at, "value", ingest.BadManifest, saidTwice)
			ok = false
			continue
		}
		if concerns(name) {
			properties[name] = p
		}
	}
	return properties, ok
}

// concerns reports whether a property matters: the version, and what is said
// of the standard's files.
func concerns(property string) bool {
	file, isFile := strings.CutPrefix(property, "file.")
	return property == "oneroster.version" || isFile && standardName(file+".csv") != ""
}

func checkVersion(properties map[string]property, report *ingest.Report) bool {
	version, there := properties["oneroster.version"]
	switch {
	case !there:
		report.Note(ingest.Place{File: manifestFile}, "propertyName", ingest.BadManifest, noVersion)
		return false
	case !slices.Contains([]string{"1.0", "1.1", "1.2"}, version.value):
		report.Note(version.at, "value", ingest.BadManifest, unknownVersion)
		return false
	}
	return true
}

// checkFiles holds what is said of each file against the files.
func (l *layer) checkFiles(properties map[string]property, report *ingest.Report) bool {
	ok := true
	refuse := func(at ingest.Place, reason string) {
		report.Note(at, "value", ingest.BadManifest, reason)
		ok = false
	}
	for _, file := range slices.Concat(readFiles, otherFiles) {
		p, listed := properties["file."+strings.ToLower(strings.TrimSuffix(file, ".csv"))]
		if !listed {
			continue
		}
		switch said, there := mode(strings.ToLower(p.value)), l.paths[file] != ""; {
		case said != bulk && said != delta && said != absent:
			refuse(p.at, unknownMode)
		case said == absent && there:
			refuse(p.at, saidAbsent)
		case said != absent && !there:
			refuse(p.at, isMissing)
		case said == delta && slices.Contains(readFiles, file):
			l.setDelta(file, p.at)
		}
	}
	if file := l.unlisted(properties); file != "" && !l.bulky() {
		refuse(ingest.Place{File: file}, notListed)
	}
	return ok
}

func (l *layer) setDelta(file string, at ingest.Place) {
	l.modes[file] = delta
	if l.delta.File == "" || at.Row < l.delta.Row {
		l.delta = at
	}
}

// unlisted is a file that is read and that the manifest does not name.
func (l *layer) unlisted(properties map[string]property) string {
	for _, file := range readFiles {
		_, listed := properties["file."+strings.ToLower(strings.TrimSuffix(file, ".csv"))]
		if l.paths[file] != "" && !listed {
			return file
		}
	}
	return ""
}
