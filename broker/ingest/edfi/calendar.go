package edfi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A listing is what the calendars of a school say of its days.
type listing struct {
	days        []string // in order of time
	instruction map[string]bool
	taught      []int // how many of the days before each are of instruction
	at          map[string]where
}

// calendar gives the days of each school, but for those of sessions that list
// too few of the days that they total: they would be a wrong denominator.
func (f *feed) calendar() {
	lists := f.listings()
	partial := f.partialSessions(lists)
	for _, school := range sortedKeys(lists) {
		l := lists[school]
		for i, left := range l.leftOut(partial[school]) {
			if day := l.days[i]; !left {
				f.add("calendar.csv", l.at[day], school, day, map[bool]string{true: "yes", false: "no"}[l.instruction[day]])
			}
		}
	}
}

// partialSessions are the sessions, by school, of whose days of instruction
// fewer than four fifths are listed. It says that there are such, once.
func (f *feed) partialSessions(lists map[string]*listing) map[string][]*record {
	partial := map[string][]*record{}
	for _, r := range f.list[sessions] {
		n, err := strconv.Atoi(r.get(total))
		if err != nil || n <= 0 || n > 366 || r.get(begin) > f.opt.ExportDate.String() {
			continue
		}
		if 5*lists[r.get(schoolID)].instructed(r.get(begin), r.get(end)) >= 4*n {
			continue
		}
		if len(partial) == 0 {
			f.hold(note{ingest.Place{File: r.file}, spelled("TotalInstructionalDays", r.where), ingest.NoDates, ""})
		}
		partial[r.get(schoolID)] = append(partial[r.get(schoolID)], r)
	}
	return partial
}

// span is where the days from first to last stand.
func (l *listing) span(first, last string) (from, to int) {
	from, _ = slices.BinarySearch(l.days, first)
	to, there := slices.BinarySearch(l.days, last)
	if there {
		to++
	}
	return from, max(from, to)
}

// instructed counts the days of instruction from first to last.
func (l *listing) instructed(first, last string) int {
	if l == nil {
		return 0
	}
	from, to := l.span(first, last)
	return l.taught[to] - l.taught[from]
}

// order puts the days in order and counts them.
func (l *listing) order() {
	slices.Sort(l.days)
	l.taught = make([]int, len(l.days)+1)
	for i, day := range l.days {
		l.taught[i+1] = l.taught[i]
		if l.instruction[day] {
			l.taught[i+1]++
		}
	}
}

// leftOut says of each day whether it lies in one of the sessions.
func (l *listing) leftOut(partial []*record) []bool {
	steps := make([]int, len(l.days)+1)
	for _, r := range partial {
		from, to := l.span(r.get(begin), r.get(end))
		steps[from]++
		steps[to]--
	}
	left, depth := make([]bool, len(l.days)), 0
	for i := range left {
		depth += steps[i]
		left[i] = depth > 0
	}
	return left
}

// listings join the calendars of each school: a day is one of instruction
// where any of them says so. Calendars of teachers and of single students are
// not the school's.
func (f *feed) listings() map[string]*listing {
	private := f.privateCalendars()
	lists := map[string]*listing{}
	for _, r := range f.list[calendarDates] {
		if key := r.keyed([]field{schoolID, code, year}); key != "" && private[key] {
			continue
		}
		school, day := r.get(schoolID), r.get(date)
		l := lists[school]
		if l == nil {
			l = &listing{instruction: map[string]bool{}, at: map[string]where{}}
			lists[school] = l
		}
		if _, there := l.at[day]; !there {
			l.days, l.at[day] = append(l.days, day), r.where
		}
		l.instruction[day] = l.instruction[day] || f.instructs(r)
	}
	for _, l := range lists {
		l.order()
	}
	return lists
}

func (f *feed) privateCalendars() map[string]bool {
	private := map[string]bool{}
	for _, r := range f.list[calendars] {
		switch words(codeOf(r.get(category))) {
		case "iep", "student specific", "teacher":
			private[r.key] = true
		}
	}
	return private
}

// instructs reports whether one of the events of a day is instruction.
func (f *feed) instructs(r *record) bool {
	for _, c := range r.all(category) {
		if meant, ok := f.codes.meaning("calendarevent", c, eventWords); ok && meant == "yes" {
			return true
		}
	}
	return false
}

func eventWords(words string) (string, bool) {
	for _, e := range []struct{ word, instruction string }{
		{"non instruction", "no"},
		{"noninstruction", "no"},
		{"no instruction", "no"},
		{"no school", "no"},
		{"holiday", "no"},
		{"teacher only", "no"},
		{"weather", "no"},
		{"emergency", "no"},
		{"strike", "no"},
		{"break", "no"},
		{"vacation", "no"},
		{"instruction", "yes"},
		{"make up", "yes"},
		{"makeup", "yes"},
		{"late arrival", "yes"},
		{"early dismissal", "yes"},
		{"early release", "yes"},
		{"school day", "yes"},
	} {
		if strings.Contains(words, e.word) {
			return e.instruction, true
		}
	}
	return "", false
}
