package oneroster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// stayRows are the stays of the students, in the order of the students.
func (f *feed) stayRows(yield func(ingest.Row) bool) {
	for u := range f.users.living() {
		grade := first(u.body.grades)
		for _, e := range f.stays[u.id] {
			at := e.at.place(e.id, e.source)
			if e.assumed {
				f.report.Note(at, e.source[2], ingest.AssumedEntry, "")
			}
			primary := "no"
			if e.primary {
				primary = "yes"
			}
			if !yield(ingest.Row{At: at, Fields: []string{u.id, e.school, e.from.String(), e.to.String(), grade, primary}}) {
				return
			}
		}
	}
}

// setPrimary says which stays are primary: the one at the student's main
// school, and each other that overlaps none that is, the more enrollments the
// sooner.
func (s *roster) setPrimary(u *record[user], stays []*stay) {
	if len(stays) > 1 {
		stays = s.byWeight(u, stays)
	}
	var primary []*stay
	for _, e := range stays {
		if !slices.ContainsFunc(primary, e.overlaps) {
			e.primary = true
			primary = append(primary, e)
		}
	}
}

func (e *stay) overlaps(other *stay) bool {
	return (e.to.IsZero() || other.from <= e.to) && (other.to.IsZero() || e.from <= other.to)
}

// byWeight orders stays by how much they are the student's main one.
func (s *roster) byWeight(u *record[user], stays []*stay) []*stay {
	wish, place := map[string]int{}, map[string]int{}
	orgs := list(u.body.orgs)
	for i, id := range slices.Backward(orgs) {
		place[id] = i - len(orgs)
	}
	wish[u.body.primary] = 1
	for _, r := range s.studentRoles(u.id) {
		if strings.EqualFold(r.body.rank, "primary") && r.state == active && !s.over(r) {
			wish[r.body.org] = 2
		}
	}
	return slices.SortedFunc(slices.Values(stays), func(a, b *stay) int {
		return cmp.Or(cmp.Compare(wish[b.school], wish[a.school]), cmp.Compare(b.weight, a.weight),
			cmp.Compare(place[a.school], place[b.school]), cmp.Compare(a.school, b.school))
	})
}
