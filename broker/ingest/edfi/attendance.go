package edfi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// graver are the codes of a day from the gravest: days away first, then days
// in school that were not as they should be.
var graver = []string{"oss", "absent_unexcused", "absent_excused", "half_absent", "iss", "tardy", "present"}

// gravity is a code's place among them; a code that is not known comes first,
// so that it is found by the check and not hidden by another.
func gravity(code string) int { return slices.Index(graver, code) }

// A mark is what is said of a student, a school and a day.
type mark struct {
	where
	student, school, day string
	code, portion        string
	part                 float64 // of the day, from sections
}

func (m *mark) key() string { return strings.Join([]string{m.student, m.school, m.day}, "\x00") }

// A register holds one mark of a student, school and day.
type register struct {
	order []*mark
	byKey map[string]*mark
}

func (g *register) add(m *mark) {
	g.order = append(g.order, m)
	g.byKey[m.key()] = m
}

func (f *feed) attendance() {
	g := &register{byKey: map[string]*mark{}}
	for _, r := range f.list[schoolAttendance] {
		f.schoolEvent(g, f.markOf(r))
	}
	f.sectionEvents(g)
	for _, m := range g.order {
		f.add("attendance.csv", m.where, m.student, m.school, m.day, m.code, m.portion)
	}
}

func (f *feed) markOf(r *record) *mark {
	code, known := f.codes.meaning("attendanceeventcategory", r.get(category), attendanceWords)
	m := &mark{where: r.where, student: r.get(studentID), school: r.get(schoolID), day: r.get(date), code: code}
	part, ok := share(r.get(duration))
	if known && ok && part < 1 && gravity(code) <= gravity("half_absent") {
		m.portion = shareText(part)
	}
	if ok {
		m.part = part
	}
	return m
}

// share reads a part of a day over 0 up to 1; the standard's duration of an
// event is in days, but what some systems write there is not.
func share(text string) (float64, bool) {
	part, err := strconv.ParseFloat(text, 64)
	return part, err == nil && part > 0 && part <= 1
}

func shareText(part float64) string {
	if part >= 1 {
		return "1"
	}
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(part, 'f', 3, 64), "0"), ".")
}

func attendanceWords(words string) (string, bool) {
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(words, w) })
	}
	is := func(list ...string) bool { return slices.Contains(list, words) }
	switch {
	case has("out of school susp", "suspended out", "suspension out") || is("oss"):
		return "oss", true
	case has("in school susp", "suspended in", "suspension in") || is("iss"):
		return "iss", true
	case has("tardy", "late arrival", "early departure", "early dismissal", "early release", "left early") || is("late"):
		return "tardy", true
	case has("partial", "half day"):
		return "half_absent", true
	case has("unexcused", "truan", "not excused", "non excused"):
		return "absent_unexcused", true
	case has("excused"):
		return "absent_excused", true
	case is("present", "in attendance", "attended", "attendance"):
		return "present", true
	}
	return "", false
}

// schoolEvent weighs an event against that of the day before it in the export.
func (f *feed) schoolEvent(g *register, m *mark) {
	was := g.byKey[m.key()]
	switch {
	case was == nil:
		g.add(m)
	case was.code == m.code && was.portion == m.portion:
		f.note(m.where, "", ingest.RepeatedRecord)
	case gravity(m.code) < gravity(was.code):
		f.note(was.where, spelled("AttendanceEventCategory*", was.where), ingest.TwoMarks)
		*was = *m
	default:
		f.note(m.where, spelled("AttendanceEventCategory*", m.where), ingest.TwoMarks)
	}
}

// sectionEvents adds what sections say of days of which the school says
// nothing: a tardy, and absences that state their part of the day. One that
// claims the whole day means its own period.
func (f *feed) sectionEvents(g *register) {
	repeated, partial := map[string]int{}, map[string]int{}
	sections := &register{byKey: map[string]*mark{}}
	for _, r := range f.list[sectionAttendance] {
		m := f.markOf(r)
		absence := gravity(m.code) >= 0 && gravity(m.code) <= gravity("half_absent")
		of := g.byKey[m.key()]
		switch {
		case m.code == "present":
		case m.code == "tardy" && of != nil && of.code == "tardy":
			repeated[m.file]++
		case of != nil || absence && (m.part == 0 || m.part == 1) || !absence && m.code != "tardy":
			partial[m.file]++
		case m.code == "tardy" && sections.byKey[m.key()] != nil:
			repeated[m.file]++
		default:
			sections.join(m)
		}
	}
	for _, m := range sections.order {
		g.add(m)
	}
	f.summed(repeated, "", ingest.RepeatedTardy)
	f.summed(partial, "", ingest.PartOfDay)
}

// join adds a section's mark to those of the day: parts of absences add up,
// and an absence hides a tardy.
func (g *register) join(m *mark) {
	if m.code == "tardy" {
		m.part = 0
	}
	was := g.byKey[m.key()]
	if was == nil {
		g.add(m)
		was = m
	} else {
		was.part += m.part
		if gravity(m.code) < gravity(was.code) {
			was.where, was.code = m.where, m.code
		}
	}
	if was.code != "tardy" {
		was.portion = shareText(was.part)
	}
}
