// Package sample makes one school district up: its schools, calendar,
// students, guardians, attendance, discipline and course results, and three
// partner organizations with rosters and families' answers. The same Options
// give the same bytes (on one processor architecture: floating point is fused
// differently on another). Nobody in it exists.
//
// It writes the plain CSV form, so that whoever uses it takes the same road as
// a real district's export.
package sample

import (
	"math/rand/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Options says which district to make. A field that is zero or negative takes
// its default.
type Options struct {
	Seed     uint64 // any number; each gives another district
	Students int    // 5,000
	Schools  int    // 10
	Year     int    // the calendar year in which the school year begins; 2025
}

// District is a made-up district over one school year.
type District struct {
	Name     string
	Timezone string // IANA
	Year     Session
	// AsOf is a day after the school year's end, on which every record is in
	// and the first two agreements, but not the third, are in their term.
	AsOf     civil.Date
	Schools  []School
	Sessions []Session // the school year, then its two semesters
	Calendar []Day     // the weekdays of the year, the same in every school
	Students []Student
	Partners []Partner
}

// School is a row of schools.csv. Level is elementary, middle or high.
type School struct{ ID, Name, Level string }

// Session is a row of sessions.csv; Type is schoolYear or semester, and Parent
// is empty for the school year.
type Session struct {
	ID, Title, Type string
	Start, End      civil.Date
	Parent          string
}

// Day is a weekday of the school year.
type Day struct {
	Date          civil.Date
	Instructional bool
}

// Student is a child with everything the district records about it. Flags are
// "yes", "no" or, where nobody filled the form in, "".
type Student struct {
	ID                        string
	GivenName, FamilyName     string
	Birth                     civil.Date
	Sex, RaceEthnicity        string
	EnglishLearner            string
	SpecialEducation          string
	EconomicallyDisadvantaged string
	Grade                     string // K, 1 … 12
	Guardians                 []Guardian
	Enrollments               []Enrollment // in order of time, never overlapping
	Marks                     []Mark       // exceptions only, in order of time, at most one a day
	Incidents                 []Incident
	Results                   []Result

	traits traits
}

// traits drive a child's outcomes together, so that they hang together as they
// do in life: in standard deviations, higher meaning more absence, more
// incidents and lower marks.
type traits struct {
	grade   int     // 0 = kindergarten
	family  float64 // shared by siblings
	own     float64
	served  int // most sessions with any one partner
	poverty bool
}

// Guardian is a row of guardians.csv. Siblings share theirs.
type Guardian struct {
	ID, GivenName, FamilyName    string
	Relation, Capacity, Language string
	Email, Phone                 string
	HoldsRights                  bool
}

// Enrollment is a stay at a school; Exit is its last day, zero while it lasts.
type Enrollment struct {
	School      string
	Entry, Exit civil.Date
}

// Mark is an attendance exception.
type Mark struct {
	School string
	Date   civil.Date
	Code   string
}

// Incident is a row of discipline.csv. Days is the length of a suspension.
type Incident struct {
	School           string
	Date             civil.Date
	ID, Type, Action string
	Days             int
}

// Result is a course result on the scale 0-100; Credits in hundredths.
type Result struct {
	School, Session, Course string
	Credits, Value          int
}

// Streams of random numbers, one for each concern: a change in how one is drawn
// leaves the others as they were.
const (
	streamPeople = iota + 1
	streamRosters
	streamOutcomes
	streamConsents
)

func (o Options) stream(n uint64) *rand.Rand { return rand.New(rand.NewPCG(o.Seed, n)) }

func (o Options) withDefaults() Options {
	fill := func(v *int, otherwise int) {
		if *v <= 0 {
			*v = otherwise
		}
	}
	fill(&o.Students, 5000)
	fill(&o.Schools, 10)
	fill(&o.Year, 2025)
	return o
}

// Generate makes the district that the options describe.
func Generate(o Options) *District {
	o = o.withDefaults()
	d := &District{Name: "Lakeland Public Schools", Timezone: "America/Chicago"}
	d.Calendar, d.Sessions = schoolYear(o.Year)
	d.Year = d.Sessions[0]
	d.AsOf = d.Year.End + asOfAfterEnd
	d.Schools = makeSchools(o.Schools)

	term := d.instructional()
	d.Students = makeStudents(o.stream(streamPeople), o, d.Schools, term)
	d.Partners = makePartners(o.stream(streamRosters), d, term)
	addOutcomes(o.stream(streamOutcomes), d, term)
	addConsents(o.stream(streamConsents), d)
	return d
}

// instructional returns the dates on which school is held, in order.
func (d *District) instructional() []civil.Date {
	var dates []civil.Date
	for _, day := range d.Calendar {
		if day.Instructional {
			dates = append(dates, day.Date)
		}
	}
	return dates
}
