package sds

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// hispanic is the code of ethnicity that stands before every race, as federal
// reports count (72 FR 59266).
const hispanic = "hispanicOrLatinoEthnicity"

// manyRaces is the code for more than one race.
const manyRaces = "demographicRaceTwoOrMoreRaces"

// readDemographics gives students their birth date, sex and race.
func (x *export) readDemographics() bool {
	rows, ok := x.records("demographics.csv", "userSourcedId")
	if !ok {
		return false
	}
	seen := map[string]bool{}
	for r := range rows {
		id, there := x.id(r, "userSourcedId")
		if !there || !x.owned(r, id) {
			continue
		}
		s := x.byID[id]
		switch {
		case s == nil: // somebody else than a student
		case seen[id]:
			x.report.Note(r.At(id, nil), "userSourcedId", ingest.DuplicateID, "")
		default:
			x.describe(r, s)
		}
		seen[id] = true
	}
	return true
}

// owned notes a row about nobody.
func (x *export) owned(r ingest.Record, id string) bool {
	if x.people[id] == nil {
		x.report.Note(r.At(id, nil), "userSourcedId", ingest.DanglingReference, "")
		return false
	}
	return true
}

// describe reads the birth date here, since the check would look for a fault
// of it in users.csv.
func (x *export) describe(r ingest.Record, s *student) {
	s.sex, s.race = r.Get("sex"), raceOf(split(r.Get("ethnicityCodes")), split(r.Get("raceCodes")))
	birth := isoDate(r.Get("birthDate"), monthFirst)
	if _, err := civil.Parse(birth); err != nil && birth != "" {
		x.report.Note(r.At(s.id, nil), "birthDate", ingest.BadDate, "")
		return
	}
	s.birth = birth
}

func raceOf(ethnicities, races []string) string {
	isHispanic := func(code string) bool { return squash(code) == squash(hispanic) }
	switch {
	case slices.ContainsFunc(slices.Concat(ethnicities, races), isHispanic):
		return hispanic
	case len(races) > 1:
		return manyRaces
	case len(races) == 1:
		return races[0]
	case len(ethnicities) == 1:
		return ethnicities[0]
	}
	return ""
}

// flags are the user flags that the plain form knows, squashed, and what they
// say. A plan under section 504 is not special education (34 CFR 300.8).
var flags = map[string]func(*student){
	"iep":                       func(s *student) { s.special = "yes" },
	"specialeducation":          func(s *student) { s.special = "yes" },
	"freelunch":                 func(s *student) { s.disadvantaged = "yes" },
	"reducedlunch":              func(s *student) { s.disadvantaged = "yes" },
	"freereducedlunch":          func(s *student) { s.disadvantaged = "yes" },
	"freeorreducedlunch":        func(s *student) { s.disadvantaged = "yes" },
	"economicallydisadvantaged": func(s *student) { s.disadvantaged = "yes" },
	"ell":                       func(s *student) { s.learner = "yes" },
	"el":                        func(s *student) { s.learner = "yes" },
	"englishlearner":            func(s *student) { s.learner = "yes" },
	"englishlanguagelearner":    func(s *student) { s.learner = "yes" },
	"limitedenglishproficiency": func(s *student) { s.learner = "yes" },
}

func (x *export) readFlags() bool {
	rows, ok := x.records("userflags.csv", "userSourcedId", "flag")
	if !ok {
		return false
	}
	for r := range rows {
		id, there := x.id(r, "userSourcedId")
		if !there || !x.owned(r, id) {
			continue
		}
		raise, known := flags[squash(r.Get("flag"))]
		if s := x.byID[id]; s != nil && known {
			raise(s)
		}
	}
	return true
}
