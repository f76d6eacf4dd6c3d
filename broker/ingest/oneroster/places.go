package oneroster

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// orgTypes are the types of organizations, in small letters.
var orgTypes = []string{"department", "school", "district", "local", "state", "national"}

var (
	schoolNames  = []string{"sourcedId", "name", "metadata.level"}
	sessionNames = []string{"sourcedId", "title", "type", "startDate", "endDate", "parentSourcedId"}
)

func (s *roster) isSchool(id string) bool {
	o := s.orgs.get(id)
	return o != nil && strings.EqualFold(o.body.kind, "school")
}

// checkOrgs notes unknown types, unknown parents and circles.
func (s *roster) checkOrgs() {
	circles := s.orgCircles()
	for o := range s.orgs.living() {
		at := o.at.place(o.id, nil)
		kind := strings.ToLower(o.body.kind)
		if !slices.Contains(orgTypes, kind) && !strings.HasPrefix(kind, extension) {
			s.report.Note(at, "type", ingest.UnknownCode, "one of "+strings.Join(orgTypes, ", "))
		}
		check(s, o, "parentSourcedId", s.orgs.dangles(o.body.parent))
		if circles[o.id] {
			s.report.Note(at, "parentSourcedId", ingest.OrgCircle, "")
		}
	}
}

// orgCircles are the organizations that are their own ancestors. Each is walked
// through once.
func (s *roster) orgCircles() map[string]bool {
	circles, walk := map[string]bool{}, map[string]*record[org]{} // from where a walk came first to each
	for o := range s.orgs.living() {
		at := o
		for ; at != nil && walk[at.id] == nil; at = s.orgs.get(at.body.parent) {
			walk[at.id] = o
		}
		for at != nil && walk[at.id] == o && !circles[at.id] {
			circles[at.id] = true
			at = s.orgs.get(at.body.parent)
		}
	}
	return circles
}

func (f *feed) schoolRows(yield func(ingest.Row) bool) {
	for o := range f.orgs.living() {
		row := ingest.Row{At: o.at.place(o.id, schoolNames), Fields: []string{o.id, o.body.name, o.body.level}}
		if f.isSchool(o.id) && !yield(row) {
			return
		}
	}
}

// sessionRows are the sessions and, where none is a school year, the year that
// was declared or those that are assumed.
func (f *feed) sessionRows() []ingest.Row {
	rows := f.assumedYears()
	for n := range f.sessions.living() {
		at := n.at.place(n.id, sessionNames)
		start, okStart := f.iso(at, n.at.file, "startDate", n.body.start)
		end, okEnd := f.iso(at, n.at.file, "endDate", n.body.end)
		if !okStart || !okEnd {
			continue
		}
		parent := n.body.parent
		if f.sessions.get(parent) == nil {
			parent = ""
		}
		rows = append(rows, ingest.Row{At: at, Fields: []string{n.id, n.body.title, n.body.kind, start, end, parent}})
	}
	return rows
}

// iso writes a date as the plain form does, and one that is none as it stands,
// for the check of rows to find. It is false for one that is ambiguous.
func (s *roster) iso(at ingest.Place, from *file, column, text string) (string, bool) {
	switch day, rule := from.date(column, text); rule {
	case "":
		return day.String(), true
	case ingest.AmbiguousDate:
		s.report.Note(at, column, rule, "")
		return "", false
	}
	return text, true
}
