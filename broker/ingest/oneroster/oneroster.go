package oneroster

import (
	"iter"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// Format reads OneRoster 1.1 and 1.2 CSV: one set of files, or a bulk set and
// the deltas since, each in a folder of its own.
func Format() ingest.Format {
	return ingest.Format{Name: "OneRoster CSV", Depth: 2, Open: open}
}

// open reads the layers one on top of the other and nil where a file is
// unusable: then the report has a finding that says so.
func open(files *ingest.Files, opt ingest.Options, report *ingest.Report) ingest.Feed {
	layers := findLayers(files, report)
	if layers == nil {
		return nil
	}
	s := newRoster(files, opt, report)
	for _, l := range layers {
		if !s.read(l) {
			return nil
		}
	}
	if !s.complete() {
		return nil
	}
	s.pool = nil // all is read
	s.settleDeletes()
	s.assignRoles()
	s.checkReferences()
	return &feed{roster: s, stays: s.findStays(), noted: map[string]bool{}}
}

// A feed gives the rows of a roster.
type feed struct {
	*roster
	stays map[string][]*stay // by the student's id
	noted map[string]bool    // line items of which no result can be read
}

// Rows implements ingest.Feed.
func (f *feed) Rows(form string) (rows iter.Seq[ingest.Row], ok bool) {
	switch form {
	case "schools.csv":
		return f.schoolRows, true
	case "sessions.csv":
		return slices.Values(f.sessionRows()), true
	case "students.csv":
		return f.studentRows, true
	case "enrollments.csv":
		return f.stayRows, true
	case "grades.csv":
		items := f.finalItems()
		return f.resultRows(items), f.speaksOfResults(items)
	case "guardians.csv":
		return f.guardianRows, f.speaksOfGuardians()
	}
	return nil, false
}
