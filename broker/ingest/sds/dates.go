package sds

import (
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// An order says which number of a date with slashes is the month.
type order int

const (
	monthFirst order = iota
	dayFirst
	bothOrders
)

// columnOrder tells the order of a column of dates. SDS writes the month
// first; a first number over twelve shows another order.
func columnOrder(values []string) order {
	months, days := false, false
	for _, v := range values {
		if a, b, _, ok := slashed(v); ok {
			days = days || a > 12
			months = months || b > 12
		}
	}
	switch {
	case days && months:
		return bothOrders
	case days:
		return dayFirst
	}
	return monthFirst
}

// isoDate writes a date as ISO 8601; what is none is handed back as it stands.
func isoDate(text string, o order) string {
	if digits := onlyDigits(text); digits && len(text) == 8 {
		text = text[:4] + "-" + text[4:6] + "-" + text[6:]
		return text
	}
	if day, rest, timed := strings.Cut(text, "T"); timed && len(day) == 10 && len(rest) >= 5 {
		if _, err := civil.Parse(day); err == nil {
			return day
		}
	}
	a, b, year, ok := slashed(text)
	if !ok || o == bothOrders {
		return text
	}
	if o == dayFirst {
		a, b = b, a
	}
	iso := strconv.Itoa(year) + "-" + two(a) + "-" + two(b)
	if _, err := civil.Parse(iso); err != nil {
		return text
	}
	return iso
}

// slashed reads 4/2/2000, with a time of day after it or not.
func slashed(text string) (a, b, year int, ok bool) {
	text, _, _ = strings.Cut(text, " ")
	parts := strings.Split(text, "/")
	if len(parts) != 3 || len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return 0, 0, 0, false
	}
	for _, p := range parts {
		if !onlyDigits(p) {
			return 0, 0, 0, false
		}
	}
	a, _ = strconv.Atoi(parts[0])
	b, _ = strconv.Atoi(parts[1])
	year, _ = strconv.Atoi(parts[2])
	return a, b, year, true
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
