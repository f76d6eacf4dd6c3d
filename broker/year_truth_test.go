package broker_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A schoolyear is a school year of two semesters.
type schoolyear struct {
	id              string
	start, mid, end civil.Date // mid is the last day of the first semester
}

func (s schoolyear) holds(day civil.Date) bool { return s.start <= day && day <= s.end }

// semester is the session's id; the half is 1 or 2.
func (s schoolyear) semester(half int) string { return fmt.Sprintf("%s-S%d", s.id, half) }

// A stay is a learner at a school; a zero last day means that it goes on.
type stay struct {
	school   string
	from, to civil.Date
}

func (s stay) holds(day civil.Date) bool { return s.from <= day && (s.to.IsZero() || day <= s.to) }

// touches reports whether a day of the year belongs to the stay.
func (s stay) touches(y schoolyear) bool {
	return s.from <= y.end && (s.to.IsZero() || s.to >= y.start)
}

type mark struct {
	school string
	day    civil.Date
	code   string
	under  string // the number under which the row is still exported; empty: the learner's own
}

// missedOf is the share of a day that a code means, as the field counts it.
var missedOf = map[string]float64{
	"absent_excused": 1, "absent_unexcused": 1, "half_absent": 0.5, "tardy": 0, "oss": 1, "iss": 0,
}

var commonCodes = []string{"absent_excused", "absent_excused", "absent_unexcused", "absent_unexcused", "half_absent", "tardy", "oss", "iss"}

type incident struct {
	school           string
	day              civil.Date
	id, kind, action string
}

type courseResult struct {
	school, session, course string
	value                   int
}

// A learner is one file of a child in the information system: most children
// have one.
type learner struct {
	id, given, family string
	birth             civil.Date
	ref               string // the partners' own; empty: on no roster
	mother            string
	grade             int
	absence           float64 // chance of a mark on a day of school
	stays             []stay
	marks             []mark
	incidents         []incident
	results           []courseResult
	terse             bool // the export lists the present stay and the records of its school only
	gone              bool // not an active student: in no export
	special           bool // has a part in the plan, and neither moves nor leaves by chance
}

func (l *learner) copy() *learner {
	c := *l
	c.stays, c.marks = slices.Clone(l.stays), slices.Clone(l.marks)
	c.incidents, c.results = slices.Clone(l.incidents), slices.Clone(l.results)
	return &c
}

// present is the learner's newest stay.
func (l *learner) present() *stay { return &l.stays[len(l.stays)-1] }

func (l *learner) wasAt(school string, day civil.Date) bool {
	return slices.ContainsFunc(l.stays, func(s stay) bool { return s.school == school && s.holds(day) })
}

// A world is what is true of the district on a day.
type world struct {
	rng       *rand.Rand
	years     []schoolyear
	current   int // the year that the information system exports
	schools   []string
	calendars map[string]map[civil.Date]bool
	learners  []*learner
	merges    [][]string
	numbers   int
	day       civil.Date
}

// copy is the world as it is now, for later comparison.
func (w *world) copy() *world {
	c := *w
	c.calendars = map[string]map[civil.Date]bool{}
	for school, days := range w.calendars {
		c.calendars[school] = maps.Clone(days)
	}
	c.learners = make([]*learner, len(w.learners))
	for i, l := range w.learners {
		c.learners[i] = l.copy()
	}
	return &c
}

func (w *world) year() schoolyear { return w.years[w.current] }

func (w *world) find(id string) *learner {
	for _, l := range w.learners {
		if l.id == id {
			return l
		}
	}
	return nil
}

func newWorld(seed uint64, years []schoolyear, size int) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 180)), years: years, calendars: map[string]map[civil.Date]bool{},
		schools: []string{"SA", "SB", "SC", "SD", "SE", "SF"}, numbers: 1000,
	}
	for i, school := range w.schools {
		w.calendars[school] = map[civil.Date]bool{}
		for _, y := range years {
			w.lay(school, i, y)
		}
	}
	for i := range size {
		l := w.enrol(w.schools[i%len(w.schools)], years[0].start)
		l.special = i < 2
	}
	w.learners[0].grade, w.learners[1].grade = 8, 12 // one merged child stays to the end, one graduates
	return w
}

// lay makes a school's calendar of a year: some holidays are the district's,
// some the school's own.
func (w *world) lay(school string, number int, y schoolyear) {
	for day := y.start; day <= y.end; day++ {
		if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
			continue
		}
		w.calendars[school][day] = int(day)%23 != 11 && (int(day)+7*number)%31 != 5
	}
}

// enrol is a child's first day.
func (w *world) enrol(school string, day civil.Date) *learner {
	w.numbers++
	n := w.numbers
	l := &learner{
		id: fmt.Sprintf("0%d", n), given: "Given" + letters(n), family: "Family" + letters(n), ref: fmt.Sprintf("ref-%d", n),
		mother: fmt.Sprintf("mo%d", n), birth: civil.Make(2011, time.January, 1) + civil.Date(w.rng.IntN(1500)),
		grade: 6 + w.rng.IntN(7), absence: 0.05, stays: []stay{{school: school, from: day}},
	}
	if w.rng.IntN(8) == 0 {
		l.absence = 0.2
	}
	w.learners = append(w.learners, l)
	return l
}

// pick is a learner of chance for whom something holds, or nil.
func (w *world) pick(fits func(*learner) bool) *learner {
	from := w.rng.IntN(len(w.learners))
	for i := range w.learners {
		if l := w.learners[(from+i)%len(w.learners)]; !l.special && fits(l) {
			return l
		}
	}
	return nil
}

func (w *world) elsewhere(school string) string {
	for {
		if s := w.schools[w.rng.IntN(len(w.schools))]; s != school {
			return s
		}
	}
}

// arrive is what happens on any day: a child may come, for the first time or
// again, and a mark may be corrected.
func (w *world) arrive() {
	if w.rng.IntN(4) == 0 {
		w.enrol(w.schools[w.rng.IntN(len(w.schools))], w.day)
	}
	if back := w.pick(func(l *learner) bool { return l.gone && l.grade <= 12 && l.present().to < w.day-3 }); back != nil && w.rng.IntN(5) == 0 {
		back.gone, back.terse = false, w.rng.IntN(2) == 0
		school := back.present().school
		if w.rng.IntN(2) == 0 {
			school = w.elsewhere(school)
		}
		back.stays = append(back.stays, stay{school: school, from: w.day})
	}
	w.correct()
}

// correct changes or deletes a mark that the export still lists. It deletes none
// from before the only stay that an export lists: such an export speaks of that
// stay, and what it no longer says of an earlier one is kept.
func (w *world) correct() {
	l := w.pick(func(l *learner) bool { return !l.gone && len(l.marks) > 2 })
	if l == nil {
		return
	}
	i := len(l.marks) - 1
	if m := l.marks[i]; m.school != l.present().school || !w.year().holds(m.day) {
		return
	}
	if w.rng.IntN(3) == 0 {
		if !l.terse || l.marks[i].day >= l.present().from {
			l.marks = l.marks[:i]
		}
		return
	}
	l.marks[i].code = commonCodes[w.rng.IntN(len(commonCodes))]
}

// depart is what happens on quiet days only: a child leaves, or changes school.
// An export of active students never again lists what such a child did since
// the last load, so on other days the truth would be lost on the way in.
func (w *world) depart() {
	settled := func(l *learner) bool { return !l.gone && l.present().from < w.day-1 }
	if l := w.pick(settled); l != nil && w.rng.IntN(3) == 0 {
		l.gone, l.present().to = true, w.day
	}
	if l := w.pick(settled); l != nil && w.rng.IntN(2) == 0 {
		was := l.present()
		was.to = w.day - 1
		l.stays, l.terse = append(l.stays, stay{school: w.elsewhere(was.school), from: w.day}), w.rng.IntN(2) == 0
	}
}

// attend is a day of school.
func (w *world) attend() {
	met := map[string]int{}
	first := w.firstDays()
	for _, l := range w.learners {
		at := l.present().school
		if l.gone || l.present().from > w.day || !w.calendars[at][w.day] {
			continue
		}
		met[at]++
		if w.rng.Float64() < l.absence || first[at] == w.day && met[at] <= 2 {
			l.marks = append(l.marks, mark{school: at, day: w.day, code: commonCodes[w.rng.IntN(len(commonCodes))]})
		}
		if w.rng.IntN(200) == 0 {
			w.numbers++
			l.incidents = append(l.incidents, incident{at, w.day, fmt.Sprint("i", w.numbers), "bullying", []string{"none", "restorative", "other"}[w.rng.IntN(3)]})
		}
	}
}

// firstDays are the schools' first days of the year. Two children are marked on
// them, since a register without any mark is read as none at all.
func (w *world) firstDays() map[string]civil.Date {
	first := map[string]civil.Date{}
	for school, days := range w.calendars {
		for day := w.year().start; day <= w.year().end && first[school].IsZero(); day++ {
			if days[day] {
				first[school] = day
			}
		}
	}
	return first
}

// award gives every active student the results of a semester.
func (w *world) award(session string) {
	for _, l := range w.learners {
		if l.gone {
			continue
		}
		for _, course := range []string{"Maths", "English", "Science"} {
			l.results = append(l.results, courseResult{l.present().school, session, course, 40 + w.rng.IntN(60)})
		}
	}
}

// rollOver is the change of years: graduates leave, some change school,
// entrants come.
func (w *world) rollOver() {
	was := w.year()
	w.current++
	for _, l := range w.learners {
		if l.gone {
			continue
		}
		l.present().to = was.end
		if l.grade++; l.grade > 12 {
			l.gone = true
			continue
		}
		next := l.present().school
		if w.rng.IntN(6) == 0 {
			next = w.elsewhere(next)
		}
		l.stays, l.terse = append(l.stays, stay{school: next, from: w.year().start}), true
	}
	for range 20 {
		w.enrol(w.schools[w.rng.IntN(len(w.schools))], w.year().start)
	}
}

// renumber gives a child another number: to the information system the old file
// is gone.
func (w *world) renumber() {
	old := w.learners[0]
	fresh := old.copy()
	fresh.id, fresh.ref = "R"+old.id, ""
	old.gone, old.present().to = true, w.day
	w.learners = append(w.learners, fresh)
}

// double opens a second file for a child by mistake; the first stays.
func (w *world) double() {
	first := w.learners[1]
	second := w.enrol(first.present().school, w.day)
	second.id, second.ref, second.special = "D"+first.id, "", true
	second.given, second.family, second.birth, second.mother = first.given, first.family, first.birth, first.mother
	second.grade = first.grade
}

// mergeRenumbered says that the new number is the old child.
func (w *world) mergeRenumbered() { w.merge("R", false) }

// mergeDoubled joins the second file and the first; the register still lists the
// first one's marks under its number.
func (w *world) mergeDoubled() { w.merge("D", true) }

func (w *world) merge(prefix string, under bool) {
	i := slices.IndexFunc(w.learners, func(l *learner) bool { return w.find(prefix+l.id) != nil })
	old := w.learners[i]
	staying := w.find(prefix + old.id)
	w.learners = slices.Delete(w.learners, i, i+1)
	w.merges = append(w.merges, []string{old.id, staying.id, w.day.String()})
	staying.ref = old.ref
	if !under {
		return
	}
	staying.stays = slices.Clone(old.stays)
	for _, m := range old.marks {
		if !slices.ContainsFunc(staying.marks, func(s mark) bool { return s.day == m.day }) {
			m.under = old.id
			staying.marks = append(staying.marks, m)
		}
	}
	staying.incidents = append(staying.incidents, old.incidents...)
	staying.results = append(staying.results, old.results...)
}

// snow takes the next day of school out of a school's calendar.
func (w *world) snow() {
	for day := w.day + 1; ; day++ {
		if w.calendars["SB"][day] {
			w.calendars["SB"][day] = false
			return
		}
	}
}

// strike deletes a share of the results that the export lists; revise changes
// some.
func (w *world) strike() {
	for _, l := range w.learners {
		l.results = slices.DeleteFunc(l.results, func(r courseResult) bool {
			return !l.gone && r.school == l.present().school && w.rng.IntN(8) == 0
		})
	}
}

func (w *world) revise() {
	for _, l := range w.learners {
		for i := range l.results {
			if !l.gone && l.results[i].school == l.present().school && w.rng.IntN(10) == 0 {
				l.results[i].value = 101 - l.results[i].value
			}
		}
	}
}
