package sds

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// A session is a term or a school year. The days are zero where the export
// gives none that can be read.
type session struct {
	at         ingest.Place
	id, title  string
	kind       string
	start, end string // ISO 8601, or as they stand
	from, to   civil.Date
}

func (s session) row() ingest.Row {
	return ingest.Row{At: s.at, Fields: []string{s.id, s.title, s.kind, s.start, s.end, ""}}
}

func (s session) overlaps(o session) bool { return s.from <= o.to && o.from <= s.to }

// sessionKinds are the words of other lists of values for the plain form's.
var sessionKinds = map[string]string{
	"schoolyear": string(records.SchoolYear), "academicyear": string(records.SchoolYear), "year": string(records.SchoolYear),
	"fullyear": string(records.SchoolYear), "fullschoolyear": string(records.SchoolYear),
	"semester": "semester", "term": "term", "trimester": "term", "summerterm": "term", "summer": "term", "intersession": "term",
	"quarter": "gradingPeriod", "gradingperiod": "gradingPeriod", "markingperiod": "gradingPeriod",
}

// kindOf names the type of a session; one that is not known is left to the
// check.
func kindOf(text string) string {
	if kind, known := sessionKinds[squash(text)]; known {
		return kind
	}
	return text
}

// squash is a word of a list of values without regard to case, spaces,
// hyphens and underscores, as SDS compares them.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// yearDays is the length from which a V1 term is a school year.
const yearDays = 240

// yearsAmong makes school years of the long sessions, which V1 calls terms. Of
// two that overlap the second stays a term.
func yearsAmong(list []session) {
	var years []session
	for i, s := range list {
		dated := !s.from.IsZero() && !s.to.IsZero()
		if !dated || s.to-s.from < yearDays || slices.ContainsFunc(years, s.overlaps) {
			continue
		}
		list[i].kind = string(records.SchoolYear)
		years = append(years, s)
	}
}

// emitSessions completes the sessions by the school years that hold them, and
// keeps the list.
func (x *export) emitSessions(list []session) {
	x.sessions = map[string]session{}
	for _, s := range list {
		if _, twice := x.sessions[s.id]; !twice {
			x.sessions[s.id] = s
		}
	}
	years := x.missingYears(list)
	for _, s := range append(years, list...) {
		x.emit("sessions.csv", s.row())
		x.sessions[s.id] = s
	}
}

// missingYears are the declared or assumed school years of the sessions that
// lie in none, or of the export date where there is no session at all.
func (x *export) missingYears(list []session) []session {
	var known, missing []session
	days := []civil.Date{}
	for _, s := range list {
		switch {
		case s.from.IsZero() || s.to.IsZero():
		case s.kind == string(records.SchoolYear):
			known = append(known, s)
		default:
			days = append(days, s.from)
		}
	}
	if len(known) == 0 && len(days) == 0 {
		days = append(days, x.opt.ExportDate)
	}
	slices.Sort(days)
	for _, day := range days {
		y := x.yearFor(day)
		if !slices.ContainsFunc(known, y.overlaps) {
			known, missing = append(known, y), append(missing, y)
		}
	}
	if len(missing) > 0 && x.opt.SchoolYear.IsZero() {
		x.report.Note(ingest.Place{}, "", ingest.AssumedYear, "")
	}
	return missing
}

func (x *export) yearFor(day civil.Date) session {
	row := ingest.AssumedYearRow(day)
	if !x.opt.SchoolYear.IsZero() {
		row = ingest.DeclaredYearRow(x.opt.SchoolYear)
	}
	f := row.Fields
	s := session{id: f[0], title: f[1], kind: f[2], start: f[3], end: f[4]}
	s.from, s.to = dayOf(s.start), dayOf(s.end)
	return s
}

// currentYear is the last school year that began before the export, else the
// first.
func (x *export) currentYear() session {
	var years []session
	for _, s := range x.sessions {
		if s.kind == string(records.SchoolYear) && !s.from.IsZero() {
			years = append(years, s)
		}
	}
	slices.SortFunc(years, func(a, b session) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.id, b.id)) })
	for _, y := range slices.Backward(years) {
		if y.from <= x.opt.ExportDate {
			return y
		}
	}
	if len(years) > 0 {
		return years[0]
	}
	return session{}
}

// dayOf is the zero date for what is none.
func dayOf(iso string) civil.Date {
	d, _ := civil.Parse(iso)
	return d
}
