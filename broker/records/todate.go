package records

import (
	"cmp"
	"slices"
)

// yearsToDate derives the sessions "year to date": from the first day of a school
// year to the last of one of its terms, for each term that is neither the first nor
// the last of its year. No export has them; where one has a session of the same
// days, that one serves. Beside each stand the terms that add up to it.
func (d *District) yearsToDate() (list []Session, terms map[string][]string) {
	terms = map[string][]string{}
	for _, last := range d.Sessions {
		year, ok := d.YearOfSession(last)
		upto := d.upTo(last)
		if !ok || len(upto) < 2 || last.End >= year.End {
			continue
		}
		s := Session{
			ID: last.ID + toDateSuffix, Title: toDateTitle + last.Title, Type: YearToDate,
			Start: year.Start, End: last.End, Parent: year.ID,
		}
		same := func(o Session) bool { return o.ID == s.ID || o.Start == s.Start && o.End == s.End }
		if slices.ContainsFunc(d.Sessions, same) || slices.ContainsFunc(list, same) {
			continue
		}
		list, terms[s.ID] = append(list, s), upto
	}
	return list, terms
}

const (
	toDateSuffix = "-to-date"
	toDateTitle  = "Year to date, "
)

// upTo returns a session and those of its kind before it in the school year: its
// earlier siblings, those of its parent, and so on up.
func (d *District) upTo(last Session) []string {
	list := []string{last.ID}
	for at, steps := last, 0; at.Parent != "" && steps <= len(d.Sessions); steps++ {
		for _, sibling := range d.children[at.Parent] {
			if s, ok := d.loaded(sibling); ok && s.Type == at.Type && s.End < at.Start {
				list = append(list, s.ID)
			}
		}
		parent, ok := d.loaded(at.Parent)
		if !ok || parent.Type == SchoolYear {
			break
		}
		at = parent
	}
	return list
}

// Periods returns every session that can be reported on, in the order of their
// IDs: those that were loaded, and the years to date.
func (d *District) Periods() []Session {
	return slices.SortedFunc(slices.Values(slices.Concat(d.Sessions, d.toDate)), func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
}

// ToDate returns the sessions that run from the first day of the school year to the
// last of a session that begins later, in the order of their IDs.
func (d *District) ToDate(s Session) []Session {
	year, ok := d.YearOfSession(s)
	if !ok || s.Start <= year.Start {
		return nil
	}
	return slices.DeleteFunc(d.Periods(), func(o Session) bool { return o.Start != year.Start || o.End != s.End })
}
