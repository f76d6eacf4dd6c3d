package oneroster

import (
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A roster has the records of all layers.
type roster struct {
	files  *ingest.Files
	opt    ingest.Options
	report *ingest.Report
	pool   map[string]string

	orgs         table[org]
	sessions     table[session]
	users        table[user]
	roles        table[role]
	demographics table[demographic]
	courses      table[course]
	classes      table[class]
	enrollments  table[enrollment]
	categories   table[category]
	lineItems    table[lineItem]
	results      table[result]

	roleColumn bool                       // users.csv has roles, as in 1.1
	rolesOf    map[string][]*record[role] // by user
	periods    map[string]period          // of classes
	begun      map[bool][]civil.Date      // first days of school years (true), of all sessions (false)
}

func newRoster(files *ingest.Files, opt ingest.Options, report *ingest.Report) *roster {
	return &roster{
		files: files, opt: opt, report: report, pool: map[string]string{},
		rolesOf: map[string][]*record[role]{}, periods: map[string]period{}, begun: map[bool][]civil.Date{},
	}
}

// read puts a layer on top of those before it; false where one of its files is
// unusable.
func (s *roster) read(l *layer) bool {
	ok := load(s, l, orgs(), &s.orgs)
	ok = load(s, l, sessions(), &s.sessions) && ok
	ok = load(s, l, users(), &s.users) && ok
	ok = load(s, l, roles(), &s.roles) && ok
	ok = load(s, l, demographics(), &s.demographics) && ok
	ok = load(s, l, courses(), &s.courses) && ok
	ok = load(s, l, classes(), &s.classes) && ok
	ok = load(s, l, enrollments(), &s.enrollments) && ok
	ok = load(s, l, categories(), &s.categories) && ok
	ok = load(s, l, lineItems(), &s.lineItems) && ok
	return load(s, l, results(), &s.results) && ok
}

// load reads a file of a layer into its table.
func load[T comparable](s *roster, l *layer, k kind[T], into *table[T]) bool {
	if l.paths[k.file] == "" {
		return true
	}
	sheet := s.files.Sheet(l.paths[k.file])
	if sheet == nil || !sheet.Require(append([]string{"sourcedId"}, k.must...)...) {
		return false
	}
	if k.file == usersFile {
		s.roleColumn = s.roleColumn || sheet.Has("role")
	}
	layer := &table[T]{seen: true}
	source := &file{name: k.file, orders: map[string]*order{}}
	for r := range sheet.Records() {
		source.name = r.At("", nil).File
		row := &line{r, source, s.pool}
		if head, ok := s.head(row); ok {
			record := &record[T]{id: head.id, at: head.at, modified: row.word("dateLastModified"), body: k.body(row)}
			if head.state == deleted {
				record.delete(head.at)
			} else {
				record.state = head.state
			}
			layer.enter(record, s.report)
		}
	}
	if l.modes[k.file] == delta {
		into.change(layer)
	} else {
		into.replace(layer)
	}
	return true
}

// A head is what every row has.
type head struct {
	id    string
	at    spot
	state state
}

// head reads id and status; false where the row cannot be read without them.
func (s *roster) head(l *line) (h head, ok bool) {
	at := l.At("", nil)
	h = head{id: l.Get("sourcedId"), at: spot{l.file, int32(at.Row)}}
	if h.id == "" {
		s.report.Note(at, "sourcedId", ingest.MissingID, "")
		return h, false
	}
	switch status := l.Get("status"); {
	case status == "" || strings.EqualFold(status, "active"):
	case strings.EqualFold(status, "inactive"):
		h.state = inactive
	case strings.EqualFold(status, "tobedeleted"):
		h.state = deleted
	default:
		s.report.Note(h.at.place(h.id, nil), "status", ingest.UnknownCode, "one of active, tobedeleted, inactive")
		return h, false
	}
	return h, true
}

// complete notes a file without which there is no roster.
func (s *roster) complete() bool {
	missing := func(file string) { s.report.Note(ingest.Place{File: file}, "", ingest.MissingFile, "") }
	if !s.orgs.seen {
		missing(orgsFile)
	}
	if !s.users.seen {
		missing(usersFile)
	} else if !s.roleColumn && !s.roles.seen {
		missing(rolesFile)
	}
	return !s.report.Unusable()
}

// list cuts a text of several values.
func list(text string) []string {
	var values []string
	for v := range strings.SplitSeq(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// first is the first of several values.
func first(text string) string {
	if values := list(text); len(values) > 0 {
		return values[0]
	}
	return ""
}
