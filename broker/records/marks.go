package records

import (
	"cmp"
	"iter"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Marks are a student's daily registers in the order of their schools, none of
// them empty. They are never changed in place, so that versions of a district
// share them.
type Marks []Register

// A Register is what one school marked, in the order of the days.
type Register struct {
	School string
	Days   []DayMark
}

// NoPortion is the Portion of a mark that gives none.
const NoPortion int16 = -1

// A DayMark is one line of a register in four bytes, because a district has
// many millions of them. Their order as numbers is that of day, code and
// portion.
type DayMark uint32

// The bits of a DayMark, from the lowest: the portion and one, the code, the
// days since firstMarkDay.
const (
	portionBits = 10
	codeBits    = 4
	dayBits     = 17
)

var firstMarkDay = civil.Make(1800, 1, 1)

// NewDayMark returns the mark of a day. Portion is the share of the day missed
// in per mille (0–1000), or NoPortion. ok is false for a value out of range; a
// day lies between 1800 and 2158.
func NewDayMark(day civil.Date, code AttendanceCode, portion int16) (m DayMark, ok bool) {
	since := day - firstMarkDay
	if since < 0 || since >= 1<<dayBits || code >= attendanceCodes || portion < NoPortion || portion > 1000 {
		return 0, false
	}
	return DayMark(since)<<(codeBits+portionBits) | DayMark(code)<<portionBits | DayMark(portion+1), true
}

// Day returns the day that was marked.
func (m DayMark) Day() civil.Date { return firstMarkDay + civil.Date(m>>(codeBits+portionBits)) }

// Code returns what was marked.
func (m DayMark) Code() AttendanceCode { return AttendanceCode(m >> portionBits & (1<<codeBits - 1)) }

// Portion returns the share of the day missed in per mille, or NoPortion.
func (m DayMark) Portion() int16 { return int16(m&(1<<portionBits-1)) - 1 }

// sameAs reports whether two marks differ at most in their day.
func (m DayMark) sameAs(n DayMark) bool { return (m^n)&(1<<(codeBits+portionBits)-1) == 0 }

// Len returns the number of marks.
func (m Marks) Len() (n int) {
	for _, r := range m {
		n += len(r.Days)
	}
	return n
}

// At returns what a school marked, in the order of the days.
func (m Marks) At(school string) []DayMark {
	if i, ok := m.find(school); ok {
		return m[i].Days
	}
	return nil
}

func (m Marks) find(school string) (int, bool) {
	return slices.BinarySearchFunc(m, school, func(r Register, school string) int { return cmp.Compare(r.School, school) })
}

// With returns the marks and more of one school, which it may share.
func (m Marks) With(school string, days []DayMark) Marks {
	if len(days) == 0 {
		return m
	}
	i, found := m.find(school)
	if !found {
		return slices.Insert(slices.Clone(m), i, Register{school, inOrder(days)})
	}
	all := slices.Clone(m)
	all[i].Days = inOrder(slices.Concat(m[i].Days, days))
	return all
}

func inOrder(days []DayMark) []DayMark {
	if !slices.IsSorted(days) {
		days = slices.Sorted(slices.Values(days))
	}
	return slices.Clip(days)
}

// Where returns the marks for which keep holds.
func (m Marks) Where(keep func(school string, mark DayMark) bool) (kept Marks) {
	for _, r := range m {
		days := r.Days
		if i := slices.IndexFunc(days, func(d DayMark) bool { return !keep(r.School, d) }); i >= 0 {
			days = slices.Clone(days[:i])
			for _, d := range r.Days[i+1:] {
				if keep(r.School, d) {
					days = append(days, d)
				}
			}
		}
		if len(days) > 0 {
			kept = append(kept, Register{r.School, days})
		}
	}
	return kept
}

// All yields every mark with its school.
func (m Marks) All() iter.Seq2[string, DayMark] {
	return func(yield func(string, DayMark) bool) {
		for _, r := range m {
			for _, d := range r.Days {
				if !yield(r.School, d) {
					return
				}
			}
		}
	}
}

// Equal reports whether the marks are the same.
func (m Marks) Equal(n Marks) bool {
	return slices.EqualFunc(m, n, func(a, b Register) bool { return a.School == b.School && slices.Equal(a.Days, b.Days) })
}

// between returns the marks of the days from one to the other, both included.
func between(days []DayMark, from, to civil.Date) []DayMark {
	byDay := func(m DayMark, day civil.Date) int { return cmp.Compare(m.Day(), day) }
	i, _ := slices.BinarySearchFunc(days, from, byDay)
	j, _ := slices.BinarySearchFunc(days[i:], to+1, byDay)
	return days[i : i+j : i+j]
}
