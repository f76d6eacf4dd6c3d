package records

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Facts are one student's records at one school in one school year: the
// content of one block of a Segment. The School of every record is the
// segment's.
type Facts struct {
	Marks     Marks
	Summaries []Summary
	Incidents []Incident
	Results   []Result
}

// Empty reports whether there is nothing to store.
func (f Facts) Empty() bool {
	return len(f.Marks)+len(f.Summaries)+len(f.Incidents)+len(f.Results) == 0
}

// Add appends the facts to the student's, which may share their memory.
func (s *Student) Add(f Facts) {
	for _, r := range f.Marks {
		s.Marks = s.Marks.With(r.School, r.Days)
	}
	s.Summaries = added(s.Summaries, f.Summaries)
	s.Incidents = added(s.Incidents, f.Incidents)
	s.Results = added(s.Results, f.Results)
}

func added[T any](list, more []T) []T {
	if len(list) == 0 {
		return slices.Clip(more)
	}
	return append(list, more...)
}

// A ResultKind is a pair that many results share.
type ResultKind struct {
	Scale   string
	Credits int32
}

// A Segment is the plain part of the records of one school and school year:
// the instructional days, the tables that blocks point into, and which block
// is whose. It names courses, sessions and kinds of incident, but no student.
// Blocks holds, in the order of SID, the size that the caller gave each block
// as it stored it.
type Segment struct {
	School, Year string
	Base         civil.Date // days are counted from here
	Days         []civil.Date
	Coverage     []Coverage
	Sessions     []string
	Courses      []string
	Types        []string
	Kinds        []ResultKind
	Blocks       []Block
	calendar     *Calendar
}

// A Block is a student's place in a segment.
type Block struct {
	SID  SID
	Size uint32 // bytes as stored, sealing included
}

// ErrSegment is returned for facts that their segment cannot hold: of another
// school, twice for one day, or absent from its tables.
var ErrSegment = errors.New("the records do not fit their segment: build the segment from the same records")

// maxSessions bounds the sessions of a segment, since a course names its
// sessions by a bit each.
const maxSessions = 63

// NewSegment returns the segment of a school and year for the facts of its
// students: its tables hold whatever they name. coverage and days are stored
// as given.
func NewSegment(school, year string, base civil.Date, days []civil.Date, coverage []Coverage, facts []Facts) (*Segment, error) {
	s := &Segment{School: school, Year: year, Base: base, Days: slices.Compact(slices.Sorted(slices.Values(days))), Coverage: coverage}
	sessions, courses, types, kinds := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[ResultKind]bool{}
	for _, f := range facts {
		for _, r := range f.Marks {
			s.Base = min(s.Base, r.Days[0].Day())
		}
		for _, sum := range f.Summaries {
			sessions[sum.Session] = true
		}
		for _, in := range f.Incidents {
			s.Base = min(s.Base, in.Day)
			types[in.Type] = true
		}
		for _, r := range f.Results {
			c := r.Course()
			sessions[c.Session], courses[c.Name], kinds[ResultKind{c.Scale, c.Credits}] = true, true, true
		}
	}
	s.Sessions, s.Courses, s.Types = sortedKeys(sessions), sortedKeys(courses), sortedKeys(types)
	s.Kinds = slices.SortedFunc(maps.Keys(kinds), compareKinds)
	s.calendar = NewCalendar(s.Days)
	if len(s.Sessions) > maxSessions || s.calendar == nil {
		return nil, ErrSegment
	}
	return s, nil
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

func compareKinds(a, b ResultKind) int {
	return cmp.Or(cmp.Compare(a.Scale, b.Scale), cmp.Compare(a.Credits, b.Credits))
}

const segmentVersion = 1

// EncodeIndex writes the segment.
func (s *Segment) EncodeIndex() []byte {
	w := &writer{}
	w.byte(segmentVersion)
	w.text(s.School)
	w.text(s.Year)
	w.date(s.Base)
	w.days(s.Days)
	w.count(len(s.Coverage))
	for _, c := range s.Coverage {
		w.coverage(c)
	}
	w.texts(s.Sessions)
	w.texts(s.Courses)
	w.texts(s.Types)
	w.count(len(s.Kinds))
	for _, k := range s.Kinds {
		w.text(k.Scale)
		w.int(int64(k.Credits))
	}
	w.count(len(s.Blocks))
	for _, b := range s.Blocks {
		w.b = append(w.b, b.SID[:]...)
		w.uint(uint64(b.Size))
	}
	return w.b
}

// DecodeIndex reads what EncodeIndex wrote, and nothing else.
func DecodeIndex(b []byte) (*Segment, error) {
	r := &reader{b: b}
	if r.byte() != segmentVersion {
		return nil, ErrCoding
	}
	s := &Segment{School: r.text(), Year: r.text(), Base: r.date(), Days: r.days()}
	for range r.count(6) {
		s.Coverage = append(s.Coverage, r.coverage())
	}
	s.Sessions, s.Courses, s.Types = r.texts(), r.texts(), r.texts()
	for range r.count(2) {
		s.Kinds = append(s.Kinds, ResultKind{Scale: r.text(), Credits: r.int32()})
	}
	s.Blocks = r.blocks()
	s.calendar = NewCalendar(s.Days)
	if err := r.end(); err != nil || s.calendar == nil || len(s.Sessions) > maxSessions {
		return nil, ErrCoding
	}
	return s, nil
}

func (w *writer) days(days []civil.Date) {
	w.count(len(days))
	last := civil.Date(0)
	for _, d := range days {
		w.uint(uint64(d - last))
		last = d
	}
}

func (r *reader) days() []civil.Date {
	n := r.count(1)
	days := make([]civil.Date, 0, n)
	last := uint64(0)
	for range n {
		step := r.uint(1<<31 - 1 - last)
		if step == 0 {
			r.fail()
		}
		last += step
		days = append(days, civil.Date(last))
	}
	return days
}

func (w *writer) coverage(c Coverage) {
	w.text(c.School)
	w.text(c.Year)
	w.text(string(c.Family))
	w.date(c.From)
	w.date(c.To)
	w.byte(byte(c.Marking)<<1 | map[bool]byte{true: 1}[c.Daily])
}

func (r *reader) coverage() Coverage {
	c := Coverage{School: r.text(), Year: r.text(), Family: Family(r.text()), From: r.date(), To: r.date()}
	flags := r.byte()
	if flags > 3 || !slices.Contains(Families(), c.Family) {
		r.fail()
	}
	c.Daily, c.Marking = flags&1 == 1, Marking(flags>>1)
	return c
}

func (r *reader) blocks() []Block {
	n := r.count(len(SID{}) + 1)
	blocks := make([]Block, 0, n)
	for i := range n {
		if len(r.b) < len(SID{}) {
			r.fail()
			return nil
		}
		sid := SID(r.b[:len(SID{})])
		r.b = r.b[len(sid):]
		blocks = append(blocks, Block{SID: sid, Size: uint32(r.uint(1<<32 - 1))})
		if i > 0 && blocks[i-1].SID.Compare(sid) >= 0 {
			r.fail()
		}
	}
	return blocks
}
