package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

const schoolNames = `Birchwood Cedar-Point Fernhill Lakeview Maple-Grove Northgate Oak-Ridge
	Pinecrest Riverbend Stonebridge Thornfield Wildrose`

// makeSchools gives every group of five schools three elementary, one middle
// and one high school.
func makeSchools(n int) []School {
	levels := [...]string{"elementary", "middle", "elementary", "high", "elementary"}
	names := strings.Fields(schoolNames)
	schools := make([]School, n)
	for i := range schools {
		name := strings.ReplaceAll(names[i%len(names)], "-", " ")
		if round := i / len(names); round > 0 {
			name += " " + strconv.Itoa(round+1)
		}
		level := levels[i%len(levels)]
		schools[i] = School{ID: fmt.Sprintf("%03d", 101+i), Name: name + " " + titled(level), Level: level}
	}
	return schools
}

func titled(level string) string {
	return strings.ToUpper(level[:1]) + level[1:] + " School"
}

// levelOf returns the level that teaches a grade.
func levelOf(grade int) string {
	switch {
	case grade <= 5:
		return "elementary"
	case grade <= 8:
		return "middle"
	default:
		return "high"
	}
}

func gradeName(grade int) string {
	if grade == 0 {
		return "K"
	}
	return strconv.Itoa(grade)
}

// maker draws families and their children, one after the other.
type maker struct {
	rng     *rand.Rand
	year    int
	term    []civil.Date
	byLevel map[string][]School
	grades  []int // the grades that some school teaches
	names   []lists
	people  int // guardians made so far
}

func makeStudents(rng *rand.Rand, o Options, schools []School, term []civil.Date) []Student {
	m := &maker{rng: rng, year: o.Year, term: term, names: nameLists(), byLevel: map[string][]School{}}
	for _, s := range schools {
		m.byLevel[s.Level] = append(m.byLevel[s.Level], s)
	}
	for g := range 13 {
		if len(m.byLevel[levelOf(g)]) > 0 {
			m.grades = append(m.grades, g)
		}
	}
	students := make([]Student, 0, o.Students)
	for len(students) < o.Students {
		family := m.family(len(schools))
		for _, grade := range m.siblings() {
			if len(students) == o.Students {
				break
			}
			id := fmt.Sprintf("%08d", 1_000_003+7*len(students)+rng.IntN(7))
			students = append(students, m.student(id, family, grade))
		}
	}
	return students
}

// family is what siblings share.
type family struct {
	names     lists
	name      string
	zone      int // decides the neighbourhood school of each level
	language  string
	risk      float64
	poverty   bool
	guardians []Guardian
}

func (m *maker) family(zones int) family {
	u := m.rng.Float64()
	names := m.names[len(m.names)-1]
	for _, l := range m.names {
		if u < l.upTo {
			names = l
			break
		}
	}
	f := family{names: names, name: pick(m.rng, names.familiesOfNames), zone: m.rng.IntN(zones), language: "en", risk: m.rng.NormFloat64()}
	if m.rng.Float64() < names.speaks {
		f.language = names.language
	}
	f.poverty = m.rng.Float64() < logistic(.25+.9*f.risk+names.poverty)
	f.guardians = m.guardians(f)
	return f
}

// siblings returns the grades of one to four children, no two alike.
func (m *maker) siblings() []int {
	n := 1
	for n < 4 && n < len(m.grades) && m.rng.Float64() < .35 {
		n++
	}
	grades := make([]int, n)
	for i, j := range m.rng.Perm(len(m.grades))[:n] {
		grades[i] = m.grades[j]
	}
	return grades
}

func (m *maker) student(id string, f family, grade int) Student {
	s := Student{
		ID: id, FamilyName: f.name, RaceEthnicity: f.names.race, Grade: gradeName(grade), Guardians: f.guardians,
		traits: traits{grade: grade, family: f.risk, own: m.rng.NormFloat64(), poverty: f.poverty},
	}
	if s.Sex = "M"; m.rng.Float64() < .49 {
		s.Sex = "F"
		s.GivenName = pick(m.rng, f.names.girls)
	} else {
		s.GivenName = pick(m.rng, f.names.boys)
	}
	s.Birth = m.birth(grade)
	learner := .01
	if f.language != "en" {
		learner = .5 - .025*float64(grade)
	}
	s.EnglishLearner = m.flag(learner)
	s.SpecialEducation = m.flag(.13 + .03*math.Tanh(s.traits.own))
	s.EconomicallyDisadvantaged = m.flag(btof(f.poverty))
	s.Enrollments = m.enrollments(f.zone, grade)
	return s
}

// birth makes a kindergartner five on 1 September; one child in 25 is a year
// older than its grade.
func (m *maker) birth(grade int) civil.Date {
	first := civil.Make(m.year-6-grade, time.September, 2)
	if m.rng.Float64() < .04 {
		first = first.AddYears(-1)
	}
	return first + civil.Date(m.rng.IntN(365))
}

// flag is yes with the given chance, and left blank for one child in a hundred.
func (m *maker) flag(chance float64) string {
	u := m.rng.Float64()
	switch {
	case m.rng.Float64() < .01:
		return ""
	case u < chance:
		return "yes"
	default:
		return "no"
	}
}

// enrollments puts most children in one school for the year; some come late,
// some leave, some move to another school of their level.
func (m *maker) enrollments(zone, grade int) []Enrollment {
	schools := m.byLevel[levelOf(grade)]
	home := zone % len(schools)
	stay := Enrollment{School: schools[home].ID, Entry: m.term[0]}
	day := 15 + m.rng.IntN(len(m.term)-30)
	switch u := m.rng.Float64(); {
	case u < .04:
		stay.Entry = m.term[day]
	case u < .07:
		stay.Exit = m.term[day]
	case u < .09 && len(schools) > 1:
		stay.Exit = m.term[day]
		next := schools[(home+1+m.rng.IntN(len(schools)-1))%len(schools)]
		return []Enrollment{stay, {School: next.ID, Entry: m.term[day+1]}}
	}
	return []Enrollment{stay}
}

// guardians gives a family one or two parents, here and there a foster parent
// with the county's caseworker instead, and sometimes an emergency contact.
func (m *maker) guardians(f family) []Guardian {
	if m.rng.Float64() < .015 {
		return []Guardian{
			m.guardian(f, true, "foster parent", "foster_parent", true),
			m.guardian(f, m.rng.IntN(2) == 0, "caseworker", "agency_caseworker", false),
		}
	}
	var all []Guardian
	u := m.rng.Float64()
	if u < .92 {
		all = append(all, m.guardian(f, true, "mother", "parent", true))
	}
	if u > .3 {
		all = append(all, m.guardian(f, false, "father", "parent", true))
	}
	switch v := m.rng.Float64(); {
	case v < .02:
		all = append(all, m.guardian(f, true, "grandmother", "acting_as_parent", true))
	case v < .2:
		all = append(all, m.guardian(f, m.rng.IntN(2) == 0, "aunt or uncle", "emergency_contact", false))
	}
	return all
}

func (m *maker) guardian(f family, woman bool, relation, capacity string, rights bool) Guardian {
	m.people++
	given := f.names.boys
	if woman {
		given = f.names.girls
	}
	g := Guardian{
		ID: fmt.Sprintf("G%06d", m.people), GivenName: pick(m.rng, given), FamilyName: f.name,
		Relation: relation, Capacity: capacity, Language: f.language, HoldsRights: rights,
		Phone: fmt.Sprintf("+1 612 555 01%02d", m.rng.IntN(100)),
	}
	g.Email = strings.ToLower(g.ID) + "@example.org"
	return g
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
