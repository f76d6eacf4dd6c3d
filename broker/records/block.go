package records

import (
	"math/bits"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A mark's first byte: four bits of code, one that a portion follows, and the
// length of the run in the other three (0: a number follows).
const (
	markCodeBits = 0x0f
	markPortion  = 0x10
	markRunShift = 5
	markRunMax   = 7
	maxBlock     = 1 << 18
	maxRun       = 1000
)

// AppendBlock writes a student's facts behind b; they must belong to the segment.
// What is not in canonical order is sorted in place.
func (s *Segment) AppendBlock(b []byte, f Facts) ([]byte, error) {
	sortInPlace(f.Summaries, compareSummaries)
	sortInPlace(f.Incidents, compareIncidents)
	sortInPlace(f.Results, compareResults)
	w := &writer{b}
	ok := s.writeMarks(w, f.Marks) && s.writeSummaries(w, f.Summaries) &&
		s.writeIncidents(w, f.Incidents) && s.writeResults(w, f.Results)
	if !ok || len(w.b)-len(b) > maxBlock {
		return nil, ErrSegment
	}
	return w.b, nil
}

// DecodeBlock reads what AppendBlock wrote into the same segment, in canonical
// order; bytes that it cannot have written are ErrCoding.
func (s *Segment) DecodeBlock(b []byte) (Facts, error) {
	if len(b) > maxBlock {
		return Facts{}, ErrCoding
	}
	r := &reader{b: b}
	f := Facts{Marks: s.readMarks(r), Summaries: s.readSummaries(r), Incidents: s.readIncidents(r), Results: s.readResults(r)}
	if err := r.end(); err != nil {
		return Facts{}, err
	}
	return f, nil
}

// after returns the first instructional day after the one given, or the next
// calendar day where the calendar has no more.
func (s *Segment) after(day civil.Date) civil.Date {
	i, found := slices.BinarySearch(s.Days, day)
	if found {
		i++
	}
	if i < len(s.Days) {
		return s.Days[i]
	}
	return day + 1
}

func (s *Segment) writeMarks(w *writer, marks Marks) bool {
	if len(marks) > 1 || len(marks) == 1 && marks[0].School != s.School {
		return false
	}
	runs := 0
	body := &writer{}
	next := s.Base
	for days := marks.At(s.School); len(days) > 0; runs++ {
		day := days[0].Day()
		if day < next {
			return false
		}
		n := s.run(days)
		body.run(uint64(day-next), days[0], n)
		next = days[n-1].Day() + 1
		days = days[n:]
	}
	w.count(runs)
	w.b = append(w.b, body.b...)
	return true
}

// run counts the marks that repeat the first on consecutive school days.
func (s *Segment) run(days []DayMark) int {
	at, found := slices.BinarySearch(s.Days, days[0].Day())
	if found {
		at++
	}
	n := 1
	for ; n < len(days) && n < maxRun && days[n].sameAs(days[0]); n++ {
		want := days[n-1].Day() + 1
		if at < len(s.Days) {
			want = s.Days[at]
			at++
		}
		if days[n].Day() != want {
			break
		}
	}
	return n
}

func (w *writer) run(gap uint64, m DayMark, n int) {
	w.uint(gap)
	head, portion := byte(m.Code()), m.Portion()
	if portion != NoPortion {
		head |= markPortion
	}
	if n <= markRunMax {
		w.byte(head | byte(n)<<markRunShift)
	} else {
		w.byte(head)
		w.count(n)
	}
	if portion != NoPortion {
		w.uint(uint64(portion))
	}
}

func (s *Segment) readMarks(r *reader) Marks {
	var days []DayMark
	next := s.Base
	runs := r.count(2)
	for range runs {
		day := next + civil.Date(r.uint(1<<20))
		head := r.byte()
		n := int(head >> markRunShift)
		if n == 0 {
			n = int(r.uint(maxRun))
		}
		portion := NoPortion
		if head&markPortion != 0 {
			portion = int16(r.uint(1000))
		}
		if n == 0 || len(days) > maxCount {
			r.fail()
			return nil
		}
		if days == nil {
			days = make([]DayMark, 0, runs+n)
		}
		for range n {
			m, ok := NewDayMark(day, AttendanceCode(head&markCodeBits), portion)
			if !ok {
				r.fail()
				return nil
			}
			days = append(days, m)
			next = day + 1
			day = s.after(day)
		}
	}
	if len(days) == 0 {
		return nil
	}
	return Marks{{s.School, days}}
}

func (s *Segment) writeSummaries(w *writer, list []Summary) bool {
	w.count(len(list))
	for _, sum := range list {
		session, ok := slices.BinarySearch(s.Sessions, sum.Session)
		if !ok || sum.School != s.School || sum.Enrolled < 0 || sum.Absent < 0 {
			return false
		}
		w.count(session)
		w.uint(uint64(sum.Enrolled))
		w.uint(uint64(sum.Absent))
	}
	return true
}

func (s *Segment) readSummaries(r *reader) []Summary {
	var list []Summary
	for range r.count(3) {
		session := r.index(len(s.Sessions))
		enrolled, absent := r.uint(1<<31-1), r.uint(1<<31-1)
		if r.bad {
			return nil
		}
		list = append(list, Summary{School: s.School, Session: s.Sessions[session], Enrolled: int32(enrolled), Absent: int32(absent)})
	}
	return list
}

const (
	incidentHasDays = 0x08
	incidentHasID   = 0x10
	incidentMask    = 0x1f
)

func (s *Segment) writeIncidents(w *writer, list []Incident) bool {
	w.count(len(list))
	last := s.Base
	for _, in := range list {
		kind, ok := slices.BinarySearch(s.Types, in.Type)
		if !ok || in.School != s.School || in.Day < last || in.Action >= actions || in.Days < 0 || len(in.ID) > maxText {
			return false
		}
		w.uint(uint64(in.Day - last))
		last = in.Day
		w.count(kind)
		w.incident(in)
	}
	return true
}

func (w *writer) incident(in Incident) {
	head := byte(in.Action)
	if in.Days > 0 {
		head |= incidentHasDays
	}
	if in.ID != "" {
		head |= incidentHasID
	}
	w.byte(head)
	if in.Days > 0 {
		w.uint(uint64(in.Days))
	}
	if in.ID != "" {
		w.text(in.ID)
	}
}

func (s *Segment) readIncidents(r *reader) []Incident {
	var list []Incident
	last := s.Base
	for range r.count(3) {
		in := Incident{School: s.School, Day: last + civil.Date(r.uint(1<<20))}
		last = in.Day
		kind := r.index(len(s.Types))
		head := r.byte()
		in.Action = Action(head & 0x07)
		if head&incidentHasDays != 0 {
			in.Days = int32(r.uint(1<<31 - 1))
		}
		if head&incidentHasID != 0 {
			in.ID = r.text()
		}
		if r.bad || head > incidentMask || in.Action >= actions {
			r.fail()
			return nil
		}
		in.Type = s.Types[kind]
		list = append(list, in)
	}
	return list
}

// writeResults groups the results of a course: the course, its kind, a bit for
// each session, then the values.
func (s *Segment) writeResults(w *writer, list []Result) bool {
	groups := 0
	body := &writer{}
	for i := 0; i < len(list); groups++ {
		n := sameCourse(list[i:])
		if !s.writeCourse(body, list[i:i+n]) {
			return false
		}
		i += n
	}
	w.count(groups)
	w.b = append(w.b, body.b...)
	return true
}

// sameCourse counts the results that follow the first with the same course and
// kind, each in a later session.
func sameCourse(list []Result) int {
	first, n := list[0].Course(), 1
	for last := first; n < len(list); n++ {
		next := list[n].Course()
		if next.Name != first.Name || next.Scale != first.Scale || next.Credits != first.Credits || next.Session <= last.Session {
			break
		}
		last = next
	}
	return n
}

func (s *Segment) writeCourse(w *writer, group []Result) bool {
	first := group[0].Course()
	course, okCourse := slices.BinarySearch(s.Courses, first.Name)
	kind, okKind := slices.BinarySearchFunc(s.Kinds, ResultKind{first.Scale, first.Credits}, compareKinds)
	mask, whole := uint64(0), uint64(1)
	for _, r := range group {
		c := r.Course()
		session, ok := slices.BinarySearch(s.Sessions, c.Session)
		if !ok || c.School != s.School {
			return false
		}
		mask |= 1 << session
		if r.Value < 0 || r.Value%100 != 0 {
			whole = 0
		}
	}
	w.count(course)
	w.uint(uint64(kind)<<1 | whole)
	w.uint(mask)
	for _, r := range group {
		if whole == 1 {
			w.uint(uint64(r.Value / 100))
		} else {
			w.int(int64(r.Value))
		}
	}
	return okCourse && okKind
}

func (s *Segment) readResults(r *reader) []Result {
	var list []Result
	groups := r.count(4)
	for range groups {
		course := r.index(len(s.Courses))
		head := r.uint(uint64(2 * max(len(s.Kinds), 1)))
		mask := r.uint(1<<len(s.Sessions) - 1)
		if r.bad || int(head>>1) >= len(s.Kinds) || mask == 0 {
			r.fail()
			return nil
		}
		kind := s.Kinds[head>>1]
		if list == nil { // a value takes a byte at least
			list = make([]Result, 0, min(groups*bits.OnesCount64(mask), len(r.b)))
		}
		for i, session := range s.Sessions {
			if mask&(1<<i) == 0 {
				continue
			}
			value := r.value(head&1 == 1)
			list = append(list, NewResult(Course{s.School, session, s.Courses[course], kind.Credits, kind.Scale}, value))
		}
	}
	return list
}

func (r *reader) value(whole bool) int32 {
	if whole {
		return int32(r.uint((1<<31-1)/100)) * 100
	}
	return r.int32()
}
