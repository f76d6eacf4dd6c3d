// Package civil has the calendar day: the date a district means when it says
// "today", "born on" or "enrolled from", without clock or time zone.
package civil

import (
	"errors"
	"time"
)

// Date is a day of the proleptic Gregorian calendar, counted from 0001-01-01,
// which is 1. The zero value means that there is no date. Dates compare and
// subtract as integers.
type Date int32

// ErrSyntax is returned for text that is not an ISO 8601 calendar date
// (YYYY-MM-DD) between the years 1 and 9999.
var ErrSyntax = errors.New("not a date of the form YYYY-MM-DD")

const layout = "2006-01-02"

// epoch is the Date of 1970-01-01.
const epoch Date = 719163

// Make returns the date of a year, month and day; it normalises like time.Date.
func Make(year int, month time.Month, day int) Date {
	return fromUTC(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// Of returns the local date of an instant in a zone.
func Of(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Make(y, m, d)
}

// Parse reads an ISO 8601 calendar date (YYYY-MM-DD) and nothing else.
func Parse(s string) (Date, error) {
	if len(s) != len(layout) {
		return 0, ErrSyntax
	}
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1 {
		return 0, ErrSyntax
	}
	return fromUTC(t), nil
}

func fromUTC(t time.Time) Date { // t is a midnight, so the division is exact before 1970 too
	return epoch + Date(t.Unix()/86400)
}

// Time returns midnight UTC of the date.
func (d Date) Time() time.Time { return time.Unix(int64(d-epoch)*86400, 0).UTC() }

// Start returns the instant at which the day begins in a zone.
func (d Date) Start(zone *time.Location) time.Time {
	y, m, day := d.Time().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, zone)
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == 0 }

// String returns the date as YYYY-MM-DD, or "" when there is none.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(layout)
}

// AddYears returns the same day n years later; 29 February becomes 1 March in
// a common year.
func (d Date) AddYears(n int) Date {
	y, m, day := d.Time().Date()
	return Make(y+n, m, day)
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.Time().Weekday() }

// Year returns the calendar year.
func (d Date) Year() int { return d.Time().Year() }

// Age returns the completed years of a person born on birth, on the given
// day; who is born on 29 February completes a year on 1 March of a common
// year. It is negative before the birth.
func Age(birth, on Date) int {
	by, bm, bd := birth.Time().Date()
	y, m, d := on.Time().Date()
	age := y - by
	if m < bm || m == bm && d < bd {
		age--
	}
	return age
}

// MarshalText writes YYYY-MM-DD, or nothing when there is no date.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
