package oneroster

import (
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

var studentNames = []string{"sourcedId", "givenName", "familyName", "birthDate", "sex", "", "", "", "", "email", "phone"}

// races are the columns of demographics.csv, and what they are called.
var races = []struct{ column, name string }{
	{"americanIndianOrAlaskaNative", "american_indian_or_alaska_native"},
	{"asian", "asian"},
	{"blackOrAfricanAmerican", "black_or_african_american"},
	{"nativeHawaiianOrOtherPacificIslander", "native_hawaiian_or_other_pacific_islander"},
	{"white", "white"},
}

const (
	hispanic  = "hispanic_or_latino"
	twoOrMore = "two_or_more"
)

// raceEthnicity is the federal roll-up of the columns.
func raceEthnicity(l *line) string {
	if isTrue(l.Get("hispanicOrLatinoEthnicity")) {
		return hispanic
	}
	one := ""
	for _, race := range races {
		if !isTrue(l.Get(race.column)) {
			continue
		}
		if one != "" {
			return twoOrMore
		}
		one = race.name
	}
	if isTrue(l.Get("demographicRaceTwoOrMoreRaces")) {
		return twoOrMore
	}
	return one
}

// isTrue reads a flag; whatever is not said to be true is not.
func isTrue(word string) bool { return strings.EqualFold(word, "true") || word == "1" }

// studentRows are the users who are or were students.
func (f *feed) studentRows(yield func(ingest.Row) bool) {
	for u := range f.users.living() {
		if !f.isStudent(u) {
			continue
		}
		at := u.at.place(u.id, studentNames)
		if len(f.stays[u.id]) == 0 {
			f.report.Note(at, "", ingest.NoSchool, "")
		}
		birth, sex, race := f.demographicsOf(u.id)
		if !yield(ingest.Row{At: at, Fields: []string{u.id, u.body.given, u.body.family, birth, sex, race, "", "", "", u.body.email, u.body.phone}}) {
			return
		}
	}
}

// demographicsOf is what demographics.csv says of a user. A birth date that
// cannot be read is noted where it stands, and the student kept without it.
func (f *feed) demographicsOf(id string) (birth, sex, race string) {
	d := f.demographics.get(id)
	if d == nil {
		return "", "", ""
	}
	day, rule := d.at.file.date("birthDate", d.body.birth)
	if rule != "" {
		f.report.Note(d.at.place(d.id, nil), "birthDate", rule, "")
	}
	return day.String(), d.body.sex, d.body.race
}
