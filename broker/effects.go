package broker

import (
	"cmp"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// Effect says how a load changes the group of an agreement at a school: the
// steward sees before publishing whose report it touches.
type Effect struct {
	Agreement string `json:"agreement"`
	School    string `json:"school"`
	Was       int    `json:"was"` // matched children enrolled there before the load
	Is        int    `json:"is"`
	Withheld  bool   `json:"withheld,omitzero"` // falls under the agreement's smallest cohort
}

// effects compares, for each agreement in force, how many children of its
// roster are at each of its schools before and after a load.
func (b *Broker) effects(r store.Reader, was, is *records.District, on civil.Date) ([]Effect, error) {
	var list []Effect
	err := agreements.all(r, nil, func(_ []byte, rec agreementRecord) error {
		if rec.Roster == 0 || rec.Agreement.StateOn(on) != "active" {
			return nil
		}
		roster, err := b.roster(r, rec.Agreement.ID, rec.Roster)
		if err != nil {
			return err
		}
		before, after := placed(was, roster, on), placed(is, roster, on)
		for _, school := range rec.Agreement.Clauses.Schools {
			if n, m := before[school], after[school]; n != m {
				floor := rec.Agreement.Clauses.MinCohort
				list = append(list, Effect{rec.Agreement.ID, school, n, m, n >= floor && m < floor})
			}
		}
		return nil
	})
	slices.SortFunc(list, func(x, y Effect) int {
		return cmp.Or(cmp.Compare(x.Agreement, y.Agreement), cmp.Compare(x.School, y.School))
	})
	return list, err
}

// placed counts the matched children of a roster by school.
func placed(d *records.District, roster []member, on civil.Date) map[string]int {
	count := map[string]int{}
	for _, c := range children(roster) {
		if s := d.Find(c.sid); s != nil {
			if e, ok := s.PrimaryOn(on); ok {
				count[e.School]++
			}
		}
	}
	return count
}
