package oneroster

import "github.com/hallpass-edu/hallpass/broker/ingest"

const noSchoolType = "the organization is not of type school"

// checkReferences notes each reference to a record that the export does not
// have, of the records that are used. What can be read without it, is.
func (s *roster) checkReferences() {
	s.checkOrgs()
	for n := range s.sessions.living() {
		check(s, n, "parentSourcedId", s.sessions.dangles(n.body.parent))
	}
	for c := range s.courses.living() {
		check(s, c, "schoolYearSourcedId", s.sessions.dangles(c.body.year))
	}
	for c := range s.classes.living() {
		s.checkSchool(c.at.place(c.id, nil), "schoolSourcedId", c.body.school)
		check(s, c, "courseSourcedId", s.courses.dangles(c.body.course))
		for _, term := range list(c.body.terms) {
			check(s, c, "termSourcedIds", s.sessions.dangles(term))
		}
	}
	s.checkStudents()
	for i := range s.lineItems.living() {
		check(s, i, "categorySourcedId", s.categories.dangles(i.body.category))
		check(s, i, "schoolSourcedId", s.orgs.dangles(i.body.school))
	}
}

func check[T comparable](s *roster, r *record[T], column string, dangles bool) {
	if dangles {
		s.report.Note(r.at.place(r.id, nil), column, ingest.DanglingReference, "")
	}
}

func (s *roster) checkStudents() {
	for u := range s.users.living() {
		if !s.isStudent(u) {
			continue
		}
		for _, id := range list(u.body.orgs) {
			check(s, u, "orgSourcedIds", s.orgs.dangles(id))
		}
		check(s, u, "primaryOrgSourcedId", s.orgs.dangles(u.body.primary))
		for _, r := range s.studentRoles(u.id) {
			check(s, r, "orgSourcedId", s.orgs.dangles(r.body.org))
		}
		for _, id := range list(u.body.agents) {
			check(s, u, "agentSourcedIds", s.users.find(id) == nil)
		}
	}
}

// checkSchool is check for an organization that must be a school.
func (s *roster) checkSchool(at ingest.Place, column, id string) {
	switch {
	case s.orgs.dangles(id):
		s.report.Note(at, column, ingest.DanglingReference, "")
	case id != "" && !s.isSchool(id):
		s.report.Note(at, column, ingest.DanglingReference, noSchoolType)
	}
}
