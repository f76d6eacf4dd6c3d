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
	for i := range im.out.Students {
		im.opt.Pace.Pause(i)
		s.student(&im.out.Students[i])
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

func (s *Stats) student(st *Student) {
	for _, e := range st.Profile.Enrollments {
		s.Placed[e.School]++
	}
	s.marks(st.Facts.Marks)
	for _, in := range st.Facts.Incidents {
		s.code("discipline.csv", in.Action.String())
	}
	for _, r := range st.Facts.Results {
		s.code("grades.csv", r.Course().Scale)
	}
}

// marks counts a student's registers: they are long, so a look-up counts many.
func (s *Stats) marks(marks records.Marks) {
	var codes [256]int
	for _, r := range marks {
		s.Schools[r.School] += len(r.Days)
		for _, d := range r.Days {
			codes[d.Code()]++
		}
	}
	for code, n := range codes {
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

func (s *Stats) code(file, code string) { s.count(file, code, 1) }

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
