package broker_test

import (
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A district's records as its files have them, and what follows from them of each
// student, worked out in plain Go. What follows shares no code with the program.
type handYear struct {
	tables   map[string]map[string][]map[string]string // rows by table and student
	calendar map[string]map[civil.Date]bool            // days of school, by school
	sessions []map[string]string
	parents  map[string]string // of sessions
	next     *handYear         // that corrects it
	kept     map[handAsked]handValue
}

// handAsked is a value that is worked out once.
type handAsked struct {
	indicator, student string
	period             handPeriod
}

// handPeriod is a session of the year.
type handPeriod struct {
	id         string
	start, end civil.Date
}

// handValue is a student's exact value, num / den; there is none where den is zero.
type handValue struct{ num, den int64 }

// handMinimum is how many enrolled days a student needs for a value of attendance.
const handMinimum = 20

// yearByHand takes the tables of an export.
func yearByHand(f files) handYear {
	y := handYear{tables: map[string]map[string][]map[string]string{}, calendar: map[string]map[civil.Date]bool{}, parents: map[string]string{}, kept: map[handAsked]handValue{}}
	for name, lines := range f {
		y.tables[name] = map[string][]map[string]string{}
		for _, line := range lines[1:] {
			row := map[string]string{}
			for i, column := range lines[0] {
				row[column] = line[i]
			}
			y.take(name, row)
		}
	}
	return y
}

func (y *handYear) take(table string, row map[string]string) {
	switch table {
	case "calendar":
		if y.calendar[row["school_id"]] == nil {
			y.calendar[row["school_id"]] = map[civil.Date]bool{}
		}
		y.calendar[row["school_id"]][day(row["date"])] = row["instructional"] == "yes"
	case "sessions":
		y.sessions = append(y.sessions, row)
		y.parents[row["session_id"]] = row["parent"]
	default:
		y.tables[table][row["student_id"]] = append(y.tables[table][row["student_id"]], row)
	}
}

// folderByHand is yearByHand of a folder.
func folderByHand(t testing.TB, dir string) handYear {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	f := files{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			f.add(strings.TrimSuffix(filepath.Base(path), ".csv"), strings.Split(strings.TrimSpace(line), ",")...)
		}
	}
	return yearByHand(f)
}

// handStay is one enrollment.
type handStay struct {
	school, grade string
	entry, exit   civil.Date // exit is the last day
}

// stays are a student's enrollments as far as they reach into a span.
func (y handYear) stays(id string, from, to civil.Date) (list []handStay) {
	for _, row := range y.tables["enrollments"][id] {
		s := handStay{row["school_id"], row["grade_level"], max(day(row["entry"]), from), to}
		if row["exit"] != "" {
			s.exit = min(s.exit, day(row["exit"]))
		}
		if s.entry <= s.exit {
			list = append(list, s)
		}
	}
	return list
}

// place is where a student stands on a day.
func (y handYear) place(id string, on civil.Date) (school, grade string, placed bool) {
	list := y.stays(id, on, on)
	if len(list) != 1 {
		return "", "", false // the districts of these tests have nobody at two schools
	}
	return list[0].school, list[0].grade, true
}

// value is a student's value of an indicator in a period, corrected if there is a later
// one: who has none stays without, and whose value is gone keeps it.
func (y handYear) value(indicator, id string, p handPeriod) handValue {
	first := y.own(indicator, id, p)
	if y.next == nil || first.den == 0 {
		return first
	}
	if v := y.next.own(indicator, id, p); v.den > 0 {
		return v
	}
	return first
}

func (y handYear) own(indicator, id string, p handPeriod) handValue {
	asked := handAsked{indicator, id, p}
	v, known := y.kept[asked]
	if !known {
		v = y.workedOut(indicator, id, p)
		y.kept[asked] = v
	}
	return v
}

func (y handYear) workedOut(indicator, id string, p handPeriod) handValue {
	switch indicator {
	case "attendance_rate", "chronic_absence":
		return chronicOf(indicator, y.attended(id, p))
	case "mean_course_result", "course_failure_share":
		return y.results(indicator, id, p)
	}
	if y.tables["discipline"] == nil || len(y.stays(id, p.start, p.end)) == 0 {
		return handValue{}
	}
	return handValue{y.disciplined(indicator, id, p), 1}
}

// chronicOf makes days attended of days enrolled a share or, where a tenth or more
// was missed, a one.
func chronicOf(indicator string, days handValue) handValue {
	if indicator == "attendance_rate" || days.den == 0 {
		return days
	}
	v := handValue{0, 1}
	if 10*(days.den-days.num) >= days.den {
		v.num = 1
	}
	return v
}

// attended are the days attended of those enrolled.
func (y handYear) attended(id string, p handPeriod) (days handValue) {
	for _, row := range y.tables["attendance_summary"][id] {
		if row["session_id"] == p.id {
			return handValue{handCount(row["days_enrolled"]) - handCount(row["days_absent"]), handCount(row["days_enrolled"])}
		}
	}
	for _, s := range y.stays(id, p.start, p.end) {
		missed := y.missed(id, s.school)
		for at, school := range y.calendar[s.school] {
			if !school || at < s.entry || s.exit < at {
				continue
			}
			days.den++
			if !missed[at] {
				days.num++
			}
		}
	}
	if days.den < handMinimum {
		return handValue{}
	}
	return days
}

func (y handYear) missed(id, school string) map[civil.Date]bool {
	days := map[civil.Date]bool{}
	for _, row := range y.tables["attendance"][id] {
		if code := row["code"]; row["school_id"] == school && (strings.HasPrefix(code, "absent_") || code == "oss") {
			days[day(row["date"])] = true
		}
	}
	return days
}

// handPass are the pass marks of scales.
var handPass = map[string]int64{"0-100": 60, "0-20": 10}

// results are the course results of the period or, where it has none of its own, of
// the sessions in it.
func (y handYear) results(indicator, id string, p handPeriod) (v handValue) {
	for _, row := range y.tables["grades"][id] {
		if row["session_id"] != p.id && y.parents[row["session_id"]] != p.id {
			continue
		}
		v.den++
		switch mark := handCount(row["value"]); {
		case indicator == "mean_course_result":
			v.num += mark
		case mark < handPass[row["scale"]]:
			v.num++
		}
	}
	return v
}

func (y handYear) disciplined(indicator, id string, p handPeriod) int64 {
	acts, incidents := map[string]bool{}, map[string]bool{}
	for _, row := range y.tables["discipline"][id] {
		if at := day(row["date"]); p.start <= at && at <= p.end {
			acts[row["action"]], incidents[row["incident_id"]] = true, true
		}
	}
	counts := map[string]bool{
		"iss_students": acts["iss"], "oss_students": acts["oss"], "suspended_students": acts["iss"] || acts["oss"],
	}
	switch {
	case indicator == "incidents_per_100":
		return int64(len(incidents))
	case counts[indicator]:
		return 1
	}
	return 0
}

// handCount reads a whole number of the tests' own files.
func handCount(text string) int64 {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic("no whole number: " + text)
	}
	return n.Int64()
}

// handMeasure says how values become figures: in noisy sums a student adds parts of a
// weight, low + part × parts / weight is the printed number, and noise hides a change
// of so many parts as it hides one student in a count. Numbers are in thousandths of
// the printed unit; one is what a value of one is worth.
type handMeasure struct {
	low, part, one int64
	most           int64 // parts of one student
	hidden         int64
	pooled         bool // sums of results and not of students
	mean           bool
}

// measureByHand is the table of the specification, sections 2.3 and 7.
func measureByHand(indicator, scale string) handMeasure {
	const percent = 1000
	switch indicator {
	case "attendance_rate":
		return handMeasure{low: 50 * percent, part: percent, one: 100 * percent, most: 50, hidden: 20, mean: true}
	case "mean_course_result":
		length := map[string]int64{"0-100": 100_000, "0-20": 20_000}[scale]
		return handMeasure{part: length / 40, one: 1000, most: 40, hidden: 10, mean: true}
	case "course_failure_share":
		return handMeasure{part: 100 * percent, one: 100 * percent, most: 8, hidden: 8, pooled: true}
	case "incidents_per_100":
		return handMeasure{part: 100 * percent, one: 100 * percent, most: 3, hidden: 3}
	}
	return handMeasure{part: 100 * percent, one: 100 * percent, most: 1, hidden: 1}
}

// parts are what a student adds to noisy sums.
func (m handMeasure) parts(v handValue) (parts, weight int64) {
	switch {
	case m.pooled:
		weight = min(v.den, m.most)
		return nearest(v.num*weight, v.den), weight
	case !m.mean:
		return min(v.num, m.most), 1
	}
	return max(0, min(nearest(nearest(v.num*m.one, v.den)-m.low, m.part), m.most)), 1
}

// nearest is a / b as a whole number, a half upwards; b is positive.
func nearest(a, b int64) int64 {
	n := (2*a + b) / (2 * b)
	if (2*a+b)%(2*b) < 0 {
		n--
	}
	return n
}

// handSum is a group's sum as noisy profiles make it.
type handSum struct {
	n             int
	parts, weight int64
}

func (m handMeasure) sum(values []handValue) (s handSum) {
	for _, v := range values {
		if v.den > 0 {
			parts, weight := m.parts(v)
			s.n, s.parts, s.weight = s.n+1, s.parts+parts, s.weight+weight
		}
	}
	return s
}

// exact is a group's figure without noise, in thousandths, and its number of values.
func (m handMeasure) exact(values []handValue) (v *big.Rat, n int) {
	num, den := new(big.Rat), int64(0)
	for _, v := range values {
		switch {
		case v.den == 0:
			continue
		case m.pooled:
			num.Add(num, big.NewRat(v.num, 1))
			den += v.den
		default:
			num.Add(num, big.NewRat(v.num, v.den))
			den++
		}
		n++
	}
	return num.Mul(num, big.NewRat(m.one, max(den, 1))), n
}
