package oneroster

import (
	"fmt"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// An order is what the values of a column show of how its dates with slashes
// are written.
type order struct{ monthFirst, dayFirst bool }

// learn takes a value into account.
func (o *order) learn(text string) {
	first, second, _, ok := slashed(text)
	o.dayFirst = o.dayFirst || ok && first > 12
	o.monthFirst = o.monthFirst || ok && second > 12
}

// read returns a date; the zero date for an empty value. rule is BadDate or
// AmbiguousDate where it cannot be read.
func (o order) read(text string) (day civil.Date, rule ingest.Rule) {
	if text == "" {
		return 0, ""
	}
	if day, err := civil.Parse(withoutTime(text)); err == nil {
		return day, ""
	}
	first, second, year, ok := slashed(text)
	switch {
	case !ok:
		return 0, ingest.BadDate
	case first > 12 || first <= 12 && second <= 12 && o.dayFirst && !o.monthFirst:
		return dateOf(year, second, first)
	case second > 12 || first == second || o.monthFirst && !o.dayFirst:
		return dateOf(year, first, second)
	}
	return 0, ingest.AmbiguousDate
}

func dateOf(year, month, day int) (civil.Date, ingest.Rule) {
	d, err := civil.Parse(fmt.Sprintf("%04d-%02d-%02d", year, month, day))
	if err != nil {
		return 0, ingest.BadDate
	}
	return d, ""
}

// withoutTime cuts a time of day from the end.
func withoutTime(text string) string {
	if at := strings.IndexAny(text, "T "); at > 0 {
		return text[:at]
	}
	return text
}

// slashed reads a date of three numbers, the year of four digits last.
func slashed(text string) (first, second, year int, ok bool) {
	parts := strings.SplitN(withoutTime(text), "/", 4)
	if len(parts) != 3 || len(parts[2]) != 4 {
		return 0, 0, 0, false
	}
	first, okFirst := number(parts[0], 2)
	second, okSecond := number(parts[1], 2)
	year, okYear := number(parts[2], 4)
	return first, second, year, okFirst && okSecond && okYear && first > 0 && second > 0
}

// number reads one to width digits.
func number(s string, width int) (n int, ok bool) {
	if s == "" || len(s) > width || digits(s) != s {
		return 0, false
	}
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n, true
}
