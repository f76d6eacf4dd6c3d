package records

import (
	"log/slog"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A Person is who a student is to the information system. It never leaves the
// sealed identity pages for anything that computes.
type Person struct {
	StudentID     string
	Given, Family string
	Email, Phone  string // the student's own; empty under 17
}

// LogValue keeps names out of logs.
func (Person) LogValue() slog.Value { return slog.StringValue("person") }

// A Guardian is a person linked to a student. Capacity is one of Capacities;
// Language is a BCP 47 tag. HoldsRights is the district's own word on whether
// this person decides (34 CFR 99.4).
type Guardian struct {
	ID, Given, Family      string
	Relation, Capacity     string
	Language, Email, Phone string
	HoldsRights            bool
}

// LogValue keeps names and contacts out of logs.
func (Guardian) LogValue() slog.Value { return slog.StringValue("guardian") }

// The capacities in which somebody may be linked to a student. An unknown one
// is set by an officer before the person can sign.
const (
	CapacityParent           = "parent"
	CapacityActingAsParent   = "acting_as_parent"
	CapacityFosterParent     = "foster_parent"
	CapacitySurrogate        = "educational_surrogate"
	CapacityUnaccompanied    = "unaccompanied_youth"
	CapacityCaseworker       = "agency_caseworker"
	CapacityEmergencyContact = "emergency_contact"
	CapacityUnknown          = "unknown"
)

// Capacities returns the closed list that a district's file may use.
func Capacities() []string {
	return []string{
		CapacityParent, CapacityActingAsParent, CapacityFosterParent, CapacitySurrogate,
		CapacityUnaccompanied, CapacityCaseworker, CapacityEmergencyContact,
	}
}

// A Profile is everything of one student that is sealed in the identity pages:
// the person, the demographics, the enrollments and the guardians.
type Profile struct {
	SID    SID
	Person Person
	Birth  civil.Date

	Sex, RaceEthnicity                                          string
	EnglishLearner, SpecialEducation, EconomicallyDisadvantaged Flag

	Enrollments []Enrollment
	Guardians   []Guardian
}

// LogValue keeps the whole profile out of logs.
func (Profile) LogValue() slog.Value { return slog.StringValue("profile") }

// Student returns the profile's facts without the names: what the in-memory
// view starts from before segments add their records.
func (p Profile) Student() Student {
	return Student{
		SID: p.SID, Birth: p.Birth, Sex: p.Sex, RaceEthnicity: p.RaceEthnicity,
		EnglishLearner: p.EnglishLearner, SpecialEducation: p.SpecialEducation,
		EconomicallyDisadvantaged: p.EconomicallyDisadvantaged, Enrollments: p.Enrollments,
	}
}
