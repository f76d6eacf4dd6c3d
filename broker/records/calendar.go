package records

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A Calendar is a school's instructional days. It is immutable; a count of any
// span costs two look-ups.
type Calendar struct {
	first civil.Date
	upto  []int32 // upto[i] = instructional days before first+i
}

// NewCalendar returns the calendar of the given instructional days, in any
// order; a day given twice counts once. The span from the first to the last
// must be under MaxCalendarDays, else nil is returned.
func NewCalendar(days []civil.Date) *Calendar {
	if len(days) == 0 {
		return &Calendar{}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(days)))
	first, last := sorted[0], sorted[len(sorted)-1]
	if int(last)-int(first) >= MaxCalendarDays {
		return nil
	}
	upto := make([]int32, int(last-first)+2)
	for _, d := range sorted {
		upto[int(d-first)+1] = 1
	}
	for i := 1; i < len(upto); i++ {
		upto[i] += upto[i-1]
	}
	return &Calendar{first: first, upto: upto}
}

// MaxCalendarDays bounds the span of a calendar: sixty years.
const MaxCalendarDays = 60 * 366

// Days returns the number of instructional days from the one day to the other,
// both included.
func (c *Calendar) Days(from, to civil.Date) int {
	if c == nil || to < from {
		return 0
	}
	return int(c.before(to+1) - c.before(from))
}

// Holds reports whether the day is instructional.
func (c *Calendar) Holds(day civil.Date) bool { return c.Days(day, day) == 1 }

// All returns the instructional days in order.
func (c *Calendar) All() []civil.Date {
	if c == nil {
		return nil
	}
	var days []civil.Date
	for i := range max(len(c.upto)-1, 0) {
		if c.upto[i+1] > c.upto[i] {
			days = append(days, c.first+civil.Date(i))
		}
	}
	return days
}

// before counts the instructional days before the day.
func (c *Calendar) before(day civil.Date) int32 {
	if len(c.upto) == 0 || day <= c.first {
		return 0
	}
	return c.upto[min(int(day-c.first), len(c.upto)-1)]
}
