package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Attendance codes of the plain CSV form; present days are not listed.
const (
	absentExcused   = "absent_excused"
	absentUnexcused = "absent_unexcused"
	halfAbsent      = "half_absent"
	tardy           = "tardy"
	inSchool        = "iss"
	outOfSchool     = "oss"
)

// Courses, with their credits a semester in hundredths.
const (
	lowerCourses = "Reading Mathematics Science Social-Studies"
	upperCourses = "English Mathematics Science Social-Studies Health World-Language"
	lowerCredits = 100
	upperCredits = 50
)

// firstMarked is the lowest grade whose courses are marked on 0-100.
const firstMarked = 3

// outcomes draws what a year brought to each child.
type outcomes struct {
	rng       *rand.Rand
	term      []civil.Date
	sessions  []Session // the semesters
	effects   map[string]float64
	incidents int
	codes     []string // of the child at hand, by instructional day; reused
	lower     []string
	upper     []string
}

func addOutcomes(rng *rand.Rand, d *District, term []civil.Date) {
	o := &outcomes{
		rng: rng, term: term, sessions: d.Sessions[1:], effects: map[string]float64{}, codes: make([]string, len(term)),
		lower: strings.Fields(lowerCourses), upper: strings.Fields(upperCourses),
	}
	for _, s := range d.Schools {
		o.effects[s.ID] = .15 * rng.NormFloat64()
	}
	for i := range d.Students {
		o.child(&d.Students[i])
	}
}

func (o *outcomes) child(s *Student) {
	clear(o.codes)
	rate := o.absenceRate(s)
	for _, e := range s.Enrollments {
		o.attend(e, rate)
	}
	o.discipline(s)
	o.marks(s)
	o.results(s, rate)
}

// absenceRate is the share of days a child misses: log-normal around one day in
// twenty, so that about a fifth of all children miss a tenth or more.
func (o *outcomes) absenceRate(s *Student) float64 {
	t := s.traits
	x := math.Log(.048) + .42*t.family + .48*t.own + .15*btof(t.poverty) + o.effects[s.Enrollments[0].School]
	switch {
	case t.grade == 0:
		x += .2
	case t.grade >= 9:
		x += .15
	}
	if t.served >= dosageFloor {
		x -= .12
	}
	return min(.6, math.Exp(x))
}

// days returns the first and one past the last instructional day of a stay.
func (o *outcomes) days(e Enrollment) (int, int) {
	from, _ := slices.BinarySearch(o.term, e.Entry)
	to := len(o.term)
	if !e.Exit.IsZero() {
		to, _ = slices.BinarySearch(o.term, e.Exit+1)
	}
	return from, to
}

func (o *outcomes) attend(e Enrollment, rate float64) {
	from, to := o.days(e)
	late := .01 + rate/4
	for day := from; day < to; day++ {
		u := o.rng.Float64()
		switch {
		case u < rate*.52:
			o.codes[day] = absentExcused
		case u < rate*.94:
			o.codes[day] = absentUnexcused
		case u < rate:
			o.codes[day] = halfAbsent
		case u < rate+late:
			o.codes[day] = tardy
		}
	}
}

// discipline draws incidents, more of them in the middle grades, and marks the
// days of a suspension.
func (o *outcomes) discipline(s *Student) {
	t := s.traits
	mean := math.Exp(-3 + .5*t.family + .9*t.own)
	if t.grade >= 6 && t.grade <= 9 {
		mean *= 1.8
	}
	for _, e := range s.Enrollments {
		from, to := o.days(e)
		for range o.poisson(mean * float64(to-from) / instructionalDays) {
			o.incident(s, e.School, from+o.rng.IntN(to-from), to)
		}
	}
	slices.SortStableFunc(s.Incidents, func(a, b Incident) int { return int(a.Date - b.Date) })
}

func (o *outcomes) incident(s *Student, school string, day, end int) {
	o.incidents++
	kinds := [...]string{"disruption", "disruption", "fighting", "defiance", "property", "harassment"}
	in := Incident{
		School: school, Date: o.term[day], ID: "I" + strconv.Itoa(100000+o.incidents),
		Type: kinds[o.rng.IntN(len(kinds))], Action: "none",
	}
	switch u := o.rng.Float64(); {
	case u < .38:
		in.Action = "restorative"
	case u < .63:
		in.Action, in.Days = inSchool, o.suspend(inSchool, day, end, 1+o.rng.IntN(2))
	case u < .83:
		in.Action, in.Days = outOfSchool, o.suspend(outOfSchool, day, end, 1+o.rng.IntN(4))
	case u < .96:
		in.Action = "other"
	}
	if in.Action == inSchool || in.Action == outOfSchool {
		if in.Days == 0 { // the stay ended before the suspension began
			in.Action = "other"
		}
	}
	s.Incidents = append(s.Incidents, in)
}

// suspend marks up to n days after the incident and returns how many it did.
func (o *outcomes) suspend(code string, day, end, n int) int {
	done := 0
	for d := day + 1; d < end && done < n; d++ {
		if o.codes[d] == inSchool || o.codes[d] == outOfSchool {
			continue
		}
		o.codes[d] = code
		done++
	}
	return done
}

// marks turns the coded days into the child's exceptions.
func (o *outcomes) marks(s *Student) {
	n := 0
	for _, code := range o.codes {
		if code != "" {
			n++
		}
	}
	s.Marks = make([]Mark, 0, n)
	for _, e := range s.Enrollments {
		from, to := o.days(e)
		for day := from; day < to; day++ {
			if code := o.codes[day]; code != "" {
				s.Marks = append(s.Marks, Mark{School: e.School, Date: o.term[day], Code: code})
			}
		}
	}
}

// results gives a child its marks in each semester at whose end it is enrolled.
func (o *outcomes) results(s *Student, rate float64) {
	if s.traits.grade < firstMarked {
		return
	}
	courses, credits := o.lower, lowerCredits
	if s.traits.grade >= 6 {
		courses, credits = o.upper, upperCredits
	}
	level := 79 - 3.5*s.traits.family - 3*s.traits.own - 45*(rate-.05) + 5*o.rng.NormFloat64()
	if s.traits.served >= dosageFloor {
		level += 1.5
	}
	for _, session := range o.sessions {
		school := s.schoolOn(session.End)
		if school == "" {
			continue
		}
		for _, course := range courses {
			value := math.Round(level + 7*o.rng.NormFloat64())
			s.Results = append(s.Results, Result{
				School: school, Session: session.ID, Course: strings.ReplaceAll(course, "-", " "),
				Credits: credits, Value: int(max(0, min(100, value))),
			})
		}
	}
}

// schoolOn returns the school a child attends on a day, or "".
func (s *Student) schoolOn(day civil.Date) string {
	for _, e := range s.Enrollments {
		if e.Entry <= day && (e.Exit.IsZero() || day <= e.Exit) {
			return e.School
		}
	}
	return ""
}

// poisson draws a count with the given mean, which is small here (Knuth's way).
func (o *outcomes) poisson(mean float64) int {
	limit, product, n := math.Exp(-min(mean, 20)), o.rng.Float64(), 0
	for product > limit {
		product *= o.rng.Float64()
		n++
	}
	return n
}
