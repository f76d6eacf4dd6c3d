package ingest

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/records"
)

// Stats are counts of one export by which the next is judged: none of them is
// about a person.
type Stats struct {
	Rows    map[string]int            `json:"rows"`              // good rows, by the plain form's file
	Days    int                       `json:"days"`              // days of instruction up to the export, summed over schools
	Absent  int                       `json:"absent"`            // marks that are an absence
	Stray   int                       `json:"stray"`             // marks on a day without instruction or outside an enrollment
	Codes   map[string]map[string]int `json:"codes,omitempty"`   // by file: how often each code stands
	Schools map[string]int            `json:"schools,omitempty"` // marks by school
	Placed  map[string]int            `json:"placed,omitempty"`  // enrollments by school
	Empty   map[string]float64        `json:"empty,omitempty"`   // share of empty fields, by file and column
}

// stats counts what was read.
func (im *importer) stats() Stats {
	s := Stats{
		Rows: map[string]int{}, Codes: map[string]map[string]int{}, Schools: map[string]int{}, Placed: map[string]int{},
		Empty: map[string]float64{}, Stray: im.report.rule(NoSchoolDay) + im.report.rule(OutsideEnrollment),
	}
	for _, f := range im.report.Files {
		s.Rows[f.Name] = f.Good
		for i, column := range Columns(f.Name) {
			if f.Rows > 0 && i < len(f.Empty) {
				s.Empty[f.Name+" "+column] = float64(f.Empty[i]) / float64(f.Rows)
			}
		}
	}
	for _, c := range im.out.Calendars {
		for _, y := range im.years {
			s.Days += c.Days(y.Start, min(y.End, im.opt.ExportDate))
		}
	}
	for _, t := range tallies(im.opt.Pace, len(im.out.Students), func(t *codeTally, i int) { t.student(&im.out.Students[i]) }) {
		s.add(t)
	}
	return s
}

// Without are the counts of the families that were loaded: what was held is
// nothing to compare the next export with.
func (s Stats) Without(held []Hold) Stats {
	out := Stats{Rows: map[string]int{}, Codes: map[string]map[string]int{}, Empty: map[string]float64{}}
	is := func(f Family) bool { return !slices.ContainsFunc(held, func(h Hold) bool { return h.Family == f }) }
	for form, n := range s.Rows {
		if is(FamilyOf(form)) {
			out.Rows[form] = n
		}
	}
	for form, codes := range s.Codes {
		if is(FamilyOf(form)) {
			out.Codes[form] = codes
		}
	}
	for column, share := range s.Empty {
		form, _, _ := strings.Cut(column, " ")
		if is(FamilyOf(form)) {
			out.Empty[column] = share
		}
	}
	if is(People) {
		out.Placed = s.Placed
	}
	if is(Attendance) {
		out.Days, out.Absent, out.Stray, out.Schools = s.Days, s.Absent, s.Stray, s.Schools
	}
	return out
}

// codeTally is what is counted of some students.
type codeTally struct {
	placed, marks   runs     // by school
	codes           [256]int // attendance, by code
	actions, scales runs
}

func (t *codeTally) student(st *Student) {
	for _, e := range st.Profile.Enrollments {
		t.placed.add(e.School, 1)
	}
	for _, r := range st.Facts.Marks {
		t.marks.add(r.School, len(r.Days))
		for _, d := range r.Days {
			t.codes[d.Code()]++
		}
	}
	for _, in := range st.Facts.Incidents {
		t.actions.add(in.Action.String(), 1)
	}
	for _, r := range st.Facts.Results {
		t.scales.add(r.Course().Scale, 1)
	}
}

// add counts what was tallied.
func (s *Stats) add(t codeTally) {
	t.placed.each(func(school string, n int) { s.Placed[school] += n })
	t.marks.each(func(school string, n int) { s.Schools[school] += n })
	t.actions.each(func(action string, n int) { s.count("discipline.csv", action, n) })
	t.scales.each(func(scale string, n int) { s.count("grades.csv", scale, n) })
	for code, n := range t.codes {
		if n == 0 {
			continue
		}
		s.count("attendance.csv", records.AttendanceCode(code).String(), n)
		switch records.AttendanceCode(code) {
		case records.Present, records.Tardy, records.InSchoolSuspended:
		default:
			s.Absent += n
		}
	}
}

// runs count names of which one mostly follows itself: a look-up counts a run.
type runs struct {
	counts map[string]int
	last   string
	n      int // of the last, not counted yet
}

func (r *runs) add(name string, n int) {
	if name != r.last {
		r.end()
		r.last = name
	}
	r.n += n
}

func (r *runs) end() {
	if r.n == 0 {
		return
	}
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[r.last] += r.n
	r.n = 0
}

// each calls take with every name once.
func (r *runs) each(take func(name string, n int)) {
	r.end()
	for name, n := range r.counts {
		take(name, n)
	}
}

func (s *Stats) count(file, code string, n int) {
	if s.Codes[file] == nil {
		s.Codes[file] = map[string]int{}
	}
	s.Codes[file][code] += n
}

// rule counts the findings of a rule.
func (r *Report) rule(rule Rule) (n int) {
	for key, g := range r.counts {
		if key.rule == rule {
			n += g.Count
		}
	}
	return n
}

// blank counts the empty fields of a row, column by column.
func (t *table) blank(fields [][]byte) {
	if t.counts.Empty == nil {
		t.counts.Empty = make([]int, len(t.place))
	}
	for i, at := range t.place {
		if at < 0 || at >= len(fields) || len(fields[at]) == 0 {
			t.counts.Empty[i]++
		}
	}
}

// addBlanks adds what a part of a file counted.
func (f *FileReport) addBlanks(part FileReport) {
	if f.Empty == nil {
		f.Empty = part.Empty
		return
	}
	for i, n := range part.Empty {
		f.Empty[i] += n
	}
}
