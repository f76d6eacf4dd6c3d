package sds

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A stay is a membership of a student at a school.
type stay struct {
	at              ingest.Place
	student, school string
	entry, exit     string // ISO 8601, or as they stand
	grade           string
	primary         string
	session         string
	record          int // in order of the files
}

func (s stay) row() ingest.Row {
	return ingest.Row{At: s.at, Fields: []string{s.student, s.school, s.entry, s.exit, s.grade, s.primary}}
}

// enter keeps a membership. One of a place that is no school is passed over.
func (x *export) enter(s stay) {
	if x.orgs[s.school].administers() {
		return
	}
	if owner := x.byID[s.student]; owner != nil {
		owner.placed = true
	}
	s.record = len(x.stays)
	x.stays = append(x.stays, s)
}

// placeStays gives every stay its days and joins those that are one.
func (x *export) placeStays() {
	year := x.currentYear()
	for i := range x.stays {
		x.date(&x.stays[i], year)
	}
	slices.SortStableFunc(x.stays, func(a, b stay) int {
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.school, b.school), cmp.Compare(a.entry, b.entry))
	})
	joined := x.join(x.stays)
	slices.SortFunc(joined, func(a, b stay) int { return cmp.Compare(a.record, b.record) })
	x.rows["enrollments.csv"] = []ingest.Row{}
	for _, s := range joined {
		x.emit("enrollments.csv", s.row())
	}
}

func (x *export) date(s *stay, year session) {
	named, there := x.sessions[s.session]
	if s.session != "" && !there {
		x.report.Note(s.at, "sessionSourcedId", ingest.DanglingReference, "")
	}
	if s.exit == "" && there {
		s.exit = named.end
	}
	switch {
	case s.entry != "":
	case there && named.start != "":
		s.entry = named.start
	default:
		s.entry = year.start
		x.report.Note(s.at, "", ingest.AssumedEntry, "")
	}
}

// join brings stays of one student at one school together where no day and no
// change of grade lies between them.
func (x *export) join(sorted []stay) []stay {
	var out []stay
	for _, s := range sorted {
		last := len(out) - 1
		if last < 0 || !out[last].continues(s) {
			out = append(out, s)
			continue
		}
		was := &out[last]
		if was.entry == s.entry && was.exit == s.exit && was.grade == s.grade && was.session == s.session {
			x.report.Note(s.at, "", ingest.RepeatedRecord, "")
		}
		was.absorb(s)
	}
	return out
}

// continues reports whether a stay that begins no earlier is part of this one.
func (s stay) continues(next stay) bool {
	if s.student != next.student || s.school != next.school {
		return false
	}
	if s.grade != next.grade && s.grade != "" && next.grade != "" {
		return false
	}
	if next.exit != "" && dayOf(next.exit).IsZero() {
		return false
	}
	from, to := dayOf(next.entry), dayOf(s.exit)
	return !from.IsZero() && (s.exit == "" || !to.IsZero() && from <= to+1)
}

func (s *stay) absorb(next stay) {
	if end := dayOf(next.exit); next.exit == "" || s.exit != "" && laterThan(end, s.exit) {
		s.exit = next.exit
	}
	s.grade = cmp.Or(s.grade, next.grade)
	if next.primary == "yes" {
		s.primary = "yes"
	}
	s.record = min(s.record, next.record)
}

func laterThan(day civil.Date, text string) bool { return day > dayOf(text) }
