package oneroster

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// knownRoles are those of 1.1 and 1.2, in small letters.
var knownRoles = []string{
	"administrator", "aide", "counselor", "districtadministrator", "guardian", "parent", "principal", "proctor",
	"relative", "siteadministrator", "student", "systemadministrator", "teacher",
}

// guardianRoles are the roles of those who stand for a student, the nearest
// first.
var guardianRoles = []string{"parent", "guardian", "relative"}

// student is the role of a student.
const student = "student"

// extension begins a word that a vendor adds to a list of 1.2.
const extension = "ext:"

// assignRoles gives the users their roles, and notes those that are no role.
func (s *roster) assignRoles() {
	told := map[string]bool{} // of whom roles.csv speaks, if only to end a role
	for _, r := range s.roles.rows {
		told[r.body.user] = true
	}
	for r := range s.roles.living() {
		if s.users.find(r.body.user) == nil {
			s.report.Note(r.at.place(r.id, nil), "userSourcedId", ingest.UnknownReference, "")
			continue
		}
		if s.knowsRole(r.body.role, r.at.place(r.id, nil)) {
			s.rolesOf[r.body.user] = append(s.rolesOf[r.body.user], r)
		}
	}
	for u := range s.users.living() {
		if u.body.role != "" {
			s.knowsRole(u.body.role, u.at.place(u.id, nil))
		} else if !told[u.id] {
			s.report.Note(u.at.place(u.id, nil), "role", ingest.Empty, "")
		}
	}
}

// knowsRole notes a word that is no role.
func (s *roster) knowsRole(word string, at ingest.Place) bool {
	lower := strings.ToLower(word)
	switch {
	case word == "":
		s.report.Note(at, "role", ingest.Empty, "")
	case slices.Contains(knownRoles, lower) || strings.HasPrefix(lower, extension):
		return true
	default:
		s.report.Note(at, "role", ingest.UnknownCode, "none of the roles of OneRoster 1.1 and 1.2")
	}
	return false
}

// isStudent reports whether a user is or was a student.
func (s *roster) isStudent(u *record[user]) bool {
	return strings.EqualFold(u.body.role, student) || len(s.studentRoles(u.id)) > 0
}

// studentRoles are the records of roles.csv that say so.
func (s *roster) studentRoles(id string) (roles []*record[role]) {
	for _, r := range s.rolesOf[id] {
		if strings.EqualFold(r.body.role, student) {
			roles = append(roles, r)
		}
	}
	return roles
}

// relation is the nearest role in which a user stands for students now; empty
// for none.
func (s *roster) relation(u *record[user]) string {
	if u.state != active {
		return ""
	}
	for _, relation := range guardianRoles {
		holds := func(r *record[role]) bool {
			return r.state == active && strings.EqualFold(r.body.role, relation) && !s.over(r)
		}
		if strings.EqualFold(u.body.role, relation) || slices.ContainsFunc(s.rolesOf[u.id], holds) {
			return relation
		}
	}
	return ""
}

// over reports whether a role ended before the export.
func (s *roster) over(r *record[role]) bool {
	end, _ := r.at.file.date("endDate", r.body.end)
	return !end.IsZero() && end < s.opt.ExportDate
}
