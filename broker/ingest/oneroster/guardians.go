package oneroster

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

var guardianNames = []string{
	"agentSourcedIds", "sourcedId", "role", "givenName", "familyName", "role", "role", "", "email", "phone",
}

// speaksOfGuardians reports whether the export has them: a user in such a role,
// now or before, or one who names agents.
func (f *feed) speaksOfGuardians() bool {
	return slices.ContainsFunc(f.users.rows, func(u *record[user]) bool {
		was := *u
		was.state = active
		return u.body.agents != "" || f.relation(&was) != ""
	})
}

// wards are the students of each guardian. Students name their agents, and
// guardians theirs; one of both is enough.
func (f *feed) wards() map[string][]string {
	wards := map[string][]string{}
	for u := range f.users.living() {
		for _, id := range list(u.body.agents) {
			other := f.users.get(id)
			if other == nil || other == u {
				continue
			}
			if f.isStudent(u) && f.relation(other) != "" {
				wards[id] = append(wards[id], u.id)
			}
			if f.isStudent(other) && f.relation(u) != "" {
				wards[u.id] = append(wards[u.id], id)
			}
		}
	}
	return wards
}

// guardianRows are the guardians, each once for each student.
func (f *feed) guardianRows(yield func(ingest.Row) bool) {
	wards := f.wards()
	for u := range f.users.living() {
		students := wards[u.id]
		slices.Sort(students)
		for _, student := range slices.Compact(students) {
			if !yield(f.guardianRow(u, student)) {
				return
			}
		}
	}
}

func (f *feed) guardianRow(u *record[user], student string) ingest.Row {
	relation, holds, capacity := f.relation(u), "no", ""
	switch relation {
	case "parent":
		holds, capacity = "yes", records.CapacityParent
	case "guardian":
		holds = "yes"
	}
	return ingest.Row{At: u.at.place(u.id, guardianNames), Fields: []string{
		student, u.id, holds, u.body.given, u.body.family, relation, capacity, "", u.body.email, u.body.phone,
	}}
}
