package oneroster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A stay is a student at a school, gathered from what the export says of it.
type stay struct {
	student *record[user]
	school  string
	period           // a zero from is not known, a zero to is open
	weight  int      // how many enrollments say so
	id      string   // of the record that begins it
	at      spot     // and where it stands
	source  []string // what its file calls the columns
	assumed bool     // the first day is that of the school year
	primary bool
}

// What the files call the columns of enrollments.csv.
var (
	fromEnrollments = []string{"userSourcedId", "schoolSourcedId", "beginDate", "endDate", "grades", ""}
	fromRoles       = []string{"userSourcedId", "orgSourcedId", "beginDate", "endDate", "grades", "roleType"}
	fromUsers       = []string{"sourcedId", "orgSourcedIds", "", "", "grades", "primaryOrgSourcedId"}
)

// A sight is a student at a school.
type sight struct{ user, school string }

// findStays gathers the stays of every student, by id, in the order of their
// first days.
func (s *roster) findStays() map[string][]*stay {
	found := s.enrolledStays()
	for u := range s.users.living() {
		if !s.isStudent(u) {
			continue
		}
		stays := found[u.id]
		if len(stays) == 0 {
			stays = s.staysOfRoles(u)
		}
		if len(stays) == 0 {
			stays = s.staysOfOrgs(u)
		}
		stays = s.dated(u, stays)
		s.setPrimary(u, stays)
		slices.SortFunc(stays, func(a, b *stay) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.school, b.school))
		})
		found[u.id] = stays
	}
	return found
}

// enrolledStays are the stays that enrollments in classes tell of.
func (s *roster) enrolledStays() map[string][]*stay {
	found, known := map[string][]*stay{}, map[sight]*stay{}
	for e := range s.enrollments.living() {
		one := s.enrolled(e)
		if one == nil {
			continue
		}
		key := sight{one.student.id, one.school}
		if known[key] != nil {
			known[key].join(one)
			continue
		}
		known[key] = one
		found[one.student.id] = append(found[one.student.id], one)
	}
	return found
}

// join widens a stay by another one at the same school. A first day that is
// known counts before one that is not; one open end leaves the stay open.
func (e *stay) join(one *stay) {
	if one.begins(e) {
		e.id, e.at = one.id, one.at
	}
	switch {
	case e.from.IsZero():
		e.from = one.from
	case !one.from.IsZero():
		e.from = min(e.from, one.from)
	}
	if e.to.IsZero() || one.to.IsZero() {
		e.to = 0
	} else {
		e.to = max(e.to, one.to)
	}
	e.weight += one.weight
}

// begins reports whether a stay's record stands for the first day rather than
// another one's, whatever their order in the file.
func (e *stay) begins(other *stay) bool {
	if e.from.IsZero() != other.from.IsZero() {
		return other.from.IsZero()
	}
	return cmp.Or(cmp.Compare(e.from, other.from), cmp.Compare(e.id, other.id)) < 0
}

// enrolled is what an enrollment in a class says of the stay at its school; nil
// where it is not a student's, or cannot be read.
func (s *roster) enrolled(e *record[enrollment]) *stay {
	if !strings.EqualFold(e.body.role, student) {
		return nil
	}
	u := s.enrolledStudent(e)
	school := s.schoolOf(e)
	days, ok := s.enrolledDays(e)
	if u == nil || school == "" || !ok || !s.close(&days, e.state) {
		return nil
	}
	return &stay{student: u, school: school, period: days, weight: 1, id: e.id, at: e.at, source: fromEnrollments}
}

func (s *roster) enrolledStudent(e *record[enrollment]) *record[user] {
	u := s.users.get(e.body.user)
	switch {
	case e.body.user == "":
		s.report.Note(e.at.place(e.id, nil), "userSourcedId", ingest.Empty, "")
		return nil
	case u == nil:
		s.report.Note(e.at.place(e.id, nil), "userSourcedId", ingest.UnknownReference, "")
		return nil
	case !s.isStudent(u):
		s.report.Note(e.at.place(e.id, nil), "userSourcedId", ingest.UnknownReference, "the user is no student")
		return nil
	}
	return u
}

// schoolOf is the school of an enrollment's class, else its own.
func (s *roster) schoolOf(e *record[enrollment]) string {
	at := e.at.place(e.id, nil)
	s.checkSchool(at, "schoolSourcedId", e.body.school)
	c := s.classes.get(e.body.class)
	switch {
	case c != nil && s.isSchool(c.body.school):
		return c.body.school
	case s.isSchool(e.body.school):
		if c == nil && s.classes.seen {
			s.report.Note(at, "classSourcedId", ingest.DanglingReference, "")
		}
		return e.body.school
	}
	s.report.Note(at, "classSourcedId", ingest.UnknownReference, "neither the class nor the enrollment names a school of the export")
	return ""
}

// enrolledDays are the days of an enrollment: its own, else those of its class.
// It is false where they cannot be read, or end before the class begins.
func (s *roster) enrolledDays(e *record[enrollment]) (days period, ok bool) {
	at := e.at.place(e.id, nil)
	days, ok = s.days(at, e.at.file, e.body.begin, e.body.end)
	if !ok {
		return days, false
	}
	class := s.classDays(e.body.class)
	if days.from.IsZero() {
		days.from = class.from
	}
	if days.to.IsZero() && class.to >= days.from {
		days.to = class.to
	}
	return days, days.to.IsZero() || days.from <= days.to
}

// days reads beginDate and endDate of a record, and notes what is wrong with
// them.
func (s *roster) days(at ingest.Place, from *file, begin, end string) (days period, ok bool) {
	first, badFirst := from.date("beginDate", begin)
	last, badLast := from.date("endDate", end)
	if badFirst != "" {
		s.report.Note(at, "beginDate", badFirst, "")
	}
	if badLast != "" {
		s.report.Note(at, "endDate", badLast, "")
	}
	if !first.IsZero() && !last.IsZero() && last < first {
		s.report.Note(at, "endDate", ingest.EndBeforeStart, "")
		return period{}, false
	}
	return period{first, last}, badFirst == "" && badLast == ""
}

// classDays are the days of a class: from the first of its terms to the last,
// else its course's school year.
func (s *roster) classDays(id string) period {
	if known, ok := s.periods[id]; ok {
		return known
	}
	var days period
	if c := s.classes.get(id); c != nil {
		for _, term := range list(c.body.terms) {
			days = days.with(s.sessionDays(term))
		}
		if course := s.courses.get(c.body.course); course != nil && days == (period{}) {
			days = s.sessionDays(course.body.year)
		}
	}
	s.periods[id] = days
	return days
}

func (s *roster) sessionDays(id string) period {
	if n := s.sessions.get(id); n != nil {
		return span(n)
	}
	return period{}
}

// close ends on the export date what is over; false where it had not begun.
func (s *roster) close(days *period, is state) bool {
	if is == inactive && (days.to.IsZero() || days.to > s.opt.ExportDate) {
		days.to = s.opt.ExportDate
	}
	return days.to.IsZero() || days.from <= days.to
}

// staysOfRoles are the stays that roles.csv tells of.
func (s *roster) staysOfRoles(u *record[user]) (stays []*stay) {
	for _, r := range s.studentRoles(u.id) {
		days, ok := s.days(r.at.place(r.id, nil), r.at.file, r.body.begin, r.body.end)
		if !ok || !s.isSchool(r.body.org) || !s.close(&days, r.state) {
			continue
		}
		one := &stay{student: u, school: r.body.org, period: days, id: r.id, at: r.at, source: fromRoles}
		same := func(e *stay) bool { return e.school == one.school }
		if i := slices.IndexFunc(stays, same); i >= 0 {
			stays[i].join(one)
		} else {
			stays = append(stays, one)
		}
	}
	return stays
}

// staysOfOrgs are the schools that a user's record names.
func (s *roster) staysOfOrgs(u *record[user]) (stays []*stay) {
	seen := map[string]bool{}
	for _, id := range append(list(u.body.primary), list(u.body.orgs)...) {
		if s.isSchool(id) && !seen[id] {
			seen[id] = true
			stays = append(stays, &stay{student: u, school: id, id: u.id, at: u.at, source: fromUsers})
		}
	}
	return stays
}

// dated gives each stay a first day, and ends those of a student who is not
// active. A stay that would end before it begins is none.
func (s *roster) dated(u *record[user], stays []*stay) []*stay {
	return slices.DeleteFunc(stays, func(e *stay) bool {
		e.assumed = e.from.IsZero()
		if !s.close(&e.period, u.state) {
			return true
		}
		if e.assumed {
			day := s.opt.ExportDate
			if !e.to.IsZero() {
				day = min(day, e.to)
			}
			e.from = s.firstDay(day)
		}
		return !e.to.IsZero() && e.to < e.from
	})
}
