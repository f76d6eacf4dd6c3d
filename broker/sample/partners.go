package sample

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// dosageFloor is the number of sessions from which a child counts as served.
const dosageFloor = 9

// Partner is an organization and everything that is to be played through the
// broker for it: its agreement, what it uploads, and what families answered.
type Partner struct {
	ID, Name    string
	LegalEntity string
	Contact     string
	Agreement   Agreement
	Roster      []Participant
	Consents    []Consent
}

// Agreement is what the partner and the district sign.
type Agreement struct {
	ID               string
	Template         string // comparison_and_consent
	Purpose          string // student_support
	Schools          []string
	Categories       []string
	TermFrom, TermTo civil.Date
	Administrator    string // who at the partner keeps the list of named people
}

// Participant is a child as the partner wrote it down. StudentID is the truth
// that the partner does not know: empty for a child of no school of the
// district. Exact is false where name or birth date differ from the
// district's, so that a steward has to look.
type Participant struct {
	Ref                   string
	StudentID             string
	GivenName, FamilyName string
	Birth                 civil.Date
	Exact                 bool
	Program, Funder       string
	Minutes               int
	Sessions              []Attended // in order of time, distinct dates
}

// Attended is one session at the school the child then went to.
type Attended struct {
	School string
	Date   civil.Date
}

// program says how a partner works; shares are of all students.
type program struct {
	id, name, agreement, contact string
	program, funder              string
	minutes                      int
	weekdays                     []time.Weekday
	firstSchool, schools         int
	share                        float64
	even                         bool // as many children at each school
	expired                      bool
	categories                   []string
}

func programs() []program {
	all := []string{"attendance", "grades", "discipline_incident", "discipline_action", "discipline_dates"}
	return []program{
		{
			id: "north-star", name: "North Star Learning Lab", agreement: "north-star-1", contact: "data@north-star.example",
			program: "After-school tutoring", funder: "21st CCLC", minutes: 90, weekdays: []time.Weekday{time.Monday, time.Wednesday},
			firstSchool: 0, schools: 6, share: .072, categories: all,
		},
		{
			id: "river-mentors", name: "River City Mentors", agreement: "river-mentors-1", contact: "data@river-mentors.example",
			program: "Mentoring", funder: "City youth fund", minutes: 60, weekdays: []time.Weekday{time.Tuesday, time.Thursday},
			firstSchool: 3, schools: 6, share: .03, even: true, categories: []string{"attendance", "grades"},
		},
		{
			id: "open-stage", name: "Open Stage Collective", agreement: "open-stage-1", contact: "data@open-stage.example",
			program: "Theatre workshop", funder: "Arts council", minutes: 120, weekdays: []time.Weekday{time.Friday, time.Tuesday},
			firstSchool: 5, schools: 3, share: .014, expired: true, categories: all[:1],
		},
	}
}

func makePartners(rng *rand.Rand, d *District, term []civil.Date) []Partner {
	var partners []Partner
	for _, p := range programs() {
		b := &roster{rng: rng, d: d, program: p, dates: onWeekdays(term, p.weekdays), names: nameLists()}
		partners = append(partners, Partner{
			ID: p.id, Name: p.name, LegalEntity: p.name + " Inc.", Contact: p.contact, Agreement: p.clauses(d), Roster: b.fill(),
		})
	}
	return partners
}

// clauses gives an agreement a term of three years around the school year, or
// one that ended in the last days of it.
func (p program) clauses(d *District) Agreement {
	year := d.Year.Start.Year()
	a := Agreement{
		ID: p.agreement, Template: "comparison_and_consent", Purpose: "student_support", Categories: p.categories,
		Administrator: "Program director",
		TermFrom:      civil.Make(year, time.August, 1), TermTo: civil.Make(year+3, time.July, 31),
	}
	if p.expired {
		a.TermFrom, a.TermTo = a.TermFrom.AddYears(-1), d.Year.End-1
	}
	for i := range min(p.schools, len(d.Schools)) {
		a.Schools = append(a.Schools, d.Schools[(p.firstSchool+i)%len(d.Schools)].ID)
	}
	slices.Sort(a.Schools)
	return a
}

// onWeekdays returns the days a program meets: not in the first two weeks.
func onWeekdays(term []civil.Date, weekdays []time.Weekday) []civil.Date {
	var dates []civil.Date
	for _, date := range term[10:] {
		if slices.Contains(weekdays, date.Weekday()) {
			dates = append(dates, date)
		}
	}
	return dates
}

// roster fills one partner's list of children.
type roster struct {
	rng   *rand.Rand
	d     *District
	dates []civil.Date
	names []lists
	program
}

func (b *roster) fill() []Participant {
	var list []Participant
	for _, i := range b.choose() {
		if p, ok := b.participant(&b.d.Students[i]); ok {
			list = append(list, p)
		}
	}
	b.misspell(list)
	if len(list) > 0 {
		list = append(list, b.stranger(list[0].Sessions))
	}
	b.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for i := range list {
		list[i].Ref = fmt.Sprintf("%s-%04d", initials(b.name), i+1)
	}
	return list
}

// choose draws children school by school, never more than half of a school.
func (b *roster) choose() []int {
	schools := b.clauses(b.d).Schools
	pupils := map[string][]int{}
	for i := range b.d.Students {
		home := b.d.Students[i].Enrollments[0].School
		pupils[home] = append(pupils[home], i)
	}
	total := b.share * float64(len(b.d.Students))
	var chosen []int
	for i, id := range schools {
		part := 1 / float64(len(schools))
		if !b.even { // the first school has the most, the last a fraction of it
			part *= 2 * float64(len(schools)-i) / float64(len(schools)+1)
		}
		here := pupils[id]
		n := min(int(total*part+.5), len(here)/2)
		for _, j := range b.rng.Perm(len(here))[:n] {
			chosen = append(chosen, here[j])
		}
	}
	return chosen
}

// participant lets a child come to one to thirty sessions on days it is
// enrolled; it reports false for a child that was there on none.
func (b *roster) participant(s *Student) (Participant, bool) {
	var open []Attended
	for _, date := range b.dates {
		if school := s.schoolOn(date); school != "" && slices.Contains(b.clauses(b.d).Schools, school) {
			open = append(open, Attended{School: school, Date: date})
		}
	}
	want := 1 + b.rng.IntN(dosageFloor-1)
	if b.rng.Float64() < .82 {
		want = dosageFloor + b.rng.IntN(22)
	}
	want = min(want, len(open))
	b.rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	came := slices.Clone(open[:want])
	slices.SortFunc(came, func(x, y Attended) int { return cmp.Compare(x.Date, y.Date) })
	s.traits.served = max(s.traits.served, want)
	return Participant{
		StudentID: s.ID, GivenName: s.GivenName, FamilyName: s.FamilyName, Birth: s.Birth, Exact: true,
		Program: b.program.program, Funder: b.funder, Minutes: b.minutes, Sessions: came,
	}, want > 0
}

// stranger is a child that came along and goes to no school of the district.
func (b *roster) stranger(sessions []Attended) Participant {
	of := b.names[b.rng.IntN(len(b.names))]
	return Participant{
		GivenName: pick(b.rng, of.girls), FamilyName: pick(b.rng, of.familiesOfNames),
		Birth:   civil.Make(b.d.Year.Start.Year()-19, time.January, 1) + civil.Date(b.rng.IntN(300)),
		Program: b.program.program, Funder: b.funder, Minutes: b.minutes, Sessions: sessions,
	}
}

// misspell writes about one child in forty down wrongly, and at least two.
func (b *roster) misspell(list []Participant) {
	n := min(max(2, len(list)/40), len(list))
	for _, i := range b.rng.Perm(len(list))[:n] {
		p := &list[i]
		p.Exact = false
		switch b.rng.IntN(4) {
		case 0:
			p.FamilyName = swapLetters(p.FamilyName)
		case 1:
			p.GivenName = dropLetter(p.GivenName)
		case 2:
			p.FamilyName = doubleLetter(p.FamilyName)
		default:
			p.Birth++ // read off a form by a day
		}
	}
}

// swapLetters exchanges the first two inner letters that differ.
func swapLetters(name string) string {
	r := []rune(name)
	for i := 1; i+1 < len(r); i++ {
		if r[i] != r[i+1] {
			r[i], r[i+1] = r[i+1], r[i]
			return string(r)
		}
	}
	return doubleLetter(name)
}

func dropLetter(name string) string {
	r := []rune(name)
	if len(r) < 3 {
		return doubleLetter(name)
	}
	return string(r[:len(r)-1])
}

func doubleLetter(name string) string {
	r := []rune(name)
	return string(r) + string(r[len(r)-1])
}

func initials(name string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(name) {
		b.WriteByte(word[0])
	}
	return b.String()
}
