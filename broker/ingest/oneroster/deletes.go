package oneroster

import (
	"iter"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// settleDeletes takes back each delete that would leave a living record which
// names nothing, and notes it. Kinds come in the order in which they name one
// another, so that a record that stays keeps what it names.
func (s *roster) settleDeletes() {
	settle(s, &s.lineItems, s.namesOfLineItems(), noParent)
	settle(s, &s.categories, s.namesOfCategories(), noParent)
	settle(s, &s.classes, s.namesOfClasses(), noParent)
	settle(s, &s.courses, s.namesOfCourses(), noParent)
	kept := settle(s, &s.users, s.namesOfUsers(), noParent)
	restoreParts(&s.roles, func(r *record[role]) bool { return kept[r.body.user] })
	restoreParts(&s.demographics, func(d *record[demographic]) bool { return kept[d.id] })
	s.settleRoles()
	settle(s, &s.sessions, s.namesOfSessions(), func(n session) string { return n.parent })
	settle(s, &s.orgs, s.namesOfOrgs(), func(o org) string { return o.parent })
}

// settle restores the deleted records that living ones name, and those that
// a restored one names in turn: its parent, where the kind has one. It returns
// their ids.
func settle[T comparable](s *roster, t *table[T], names iter.Seq[string], parent func(T) string) map[string]bool {
	dead, kept := map[string]*record[T]{}, map[string]bool{}
	for _, r := range t.rows {
		if r.state == deleted {
			dead[r.id] = r
		}
	}
	if len(dead) == 0 {
		return kept
	}
	for id := range names {
		for r := dead[id]; r != nil; r = dead[parent(r.body)] {
			r.state = r.was
			s.report.Note(r.gone.place(r.id, nil), "status", ingest.OrphaningDelete, "")
			delete(dead, r.id)
			kept[r.id] = true
		}
	}
	return kept
}

// noParent is the parent of kinds that have none.
func noParent[T comparable](T) string { return "" }

// restoreParts restores what was deleted with a user who stays.
func restoreParts[T comparable](t *table[T], stays func(*record[T]) bool) {
	for _, r := range t.rows {
		if r.state == deleted && stays(r) {
			r.state = r.was
		}
	}
}

// settleRoles takes back the delete of the role of a student whom living
// enrollments or results name as one.
func (s *roster) settleRoles() {
	students, is := map[string]bool{}, map[string]bool{}
	for e := range s.enrollments.living() {
		students[e.body.user] = students[e.body.user] || strings.EqualFold(e.body.role, student)
	}
	for r := range s.results.living() {
		students[r.body.student] = true
	}
	for r := range s.roles.living() {
		is[r.body.user] = is[r.body.user] || strings.EqualFold(r.body.role, student)
	}
	for _, r := range s.roles.rows {
		u := s.users.get(r.body.user)
		needed := r.state == deleted && u != nil && students[u.id] && !is[u.id]
		if needed && strings.EqualFold(r.body.role, student) && !strings.EqualFold(u.body.role, student) {
			r.state = r.was
			s.report.Note(r.gone.place(r.id, nil), "status", ingest.OrphaningDelete, "")
		}
	}
}

// named yields the ids that the living records of a table name.
func named[T comparable](t *table[T], ids func(T) []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for r := range t.living() {
			for _, id := range ids(r.body) {
				if id != "" && !yield(id) {
					return
				}
			}
		}
	}
}

// joined yields what several yield.
func joined(parts ...iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, part := range parts {
			for id := range part {
				if !yield(id) {
					return
				}
			}
		}
	}
}

func (s *roster) namesOfLineItems() iter.Seq[string] {
	return named(&s.results, func(r result) []string { return []string{r.item} })
}

func (s *roster) namesOfCategories() iter.Seq[string] {
	return named(&s.lineItems, func(i lineItem) []string { return []string{i.category} })
}

func (s *roster) namesOfClasses() iter.Seq[string] {
	return joined(
		named(&s.enrollments, func(e enrollment) []string { return []string{e.class} }),
		named(&s.lineItems, func(i lineItem) []string { return []string{i.class} }),
	)
}

func (s *roster) namesOfCourses() iter.Seq[string] {
	return named(&s.classes, func(c class) []string { return []string{c.course} })
}

// namesOfUsers leaves out roles and demographics, which go with the user, and
// lists of agents: a guardian whom the district deletes is none any more.
func (s *roster) namesOfUsers() iter.Seq[string] {
	return joined(
		named(&s.enrollments, func(e enrollment) []string { return []string{e.user} }),
		named(&s.results, func(r result) []string { return []string{r.student} }),
	)
}

func (s *roster) namesOfSessions() iter.Seq[string] {
	return joined(
		named(&s.classes, func(c class) []string { return list(c.terms) }),
		named(&s.courses, func(c course) []string { return []string{c.year} }),
		named(&s.lineItems, func(i lineItem) []string { return []string{i.session} }),
		named(&s.sessions, func(n session) []string { return []string{n.parent} }),
	)
}

func (s *roster) namesOfOrgs() iter.Seq[string] {
	return joined(
		named(&s.users, func(u user) []string { return append(list(u.orgs), u.primary) }),
		named(&s.classes, func(c class) []string { return []string{c.school} }),
		named(&s.enrollments, func(e enrollment) []string { return []string{e.school} }),
		named(&s.lineItems, func(i lineItem) []string { return []string{i.school} }),
		named(&s.orgs, func(o org) []string { return []string{o.parent} }),
		s.namesOfRoles,
	)
}

// namesOfRoles yields the organizations at which living users have roles.
func (s *roster) namesOfRoles(yield func(string) bool) {
	for r := range s.roles.living() {
		if s.users.get(r.body.user) != nil && r.body.org != "" && !yield(r.body.org) {
			return
		}
	}
}
