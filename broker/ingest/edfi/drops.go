package edfi

import "github.com/hallpass-edu/hallpass/broker/ingest"

// mostNames bounds the different names of elements in a file that are looked
// at; the standard has some thousands.
const mostNames = 10_000

// drops reports whether an element or member must never come in; it is then
// said, once a file. seen remembers the answers for a file.
func (s *store) drops(seen map[string]bool, file, name string) bool {
	forbidden, known := seen[name]
	if known {
		return forbidden
	}
	if len(seen) == mostNames {
		return false // what has so many names is nothing that is read
	}
	forbidden = ingest.Forbidden(name)
	seen[name] = forbidden
	if forbidden {
		s.report.Note(ingest.Place{File: file}, shown(name), ingest.DroppedColumn, "")
	}
	return forbidden
}

// shown is a name of an element as a report may show it: as it stands where it
// is written like one of the standard's, else that it is one.
func shown(name string) string {
	if len(name) > 60 {
		return "an element"
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "an element"
		}
	}
	return name
}
