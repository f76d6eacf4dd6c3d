package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// A dateFormat says how a column writes dates. The zero value is none
// declared: then a date is read only where no other day could be meant.
type dateFormat struct {
	kind   formatKind
	layout string // of package time
}

type formatKind int

const (
	undeclared formatKind = iota
	isoDates
	monthDayYear
	dayMonthYear
	excelSerial
	byLayout
)

var formatWords = map[string]formatKind{
	"iso": isoDates, "month-day-year": monthDayYear, "day-month-year": dayMonthYear, "excel-serial": excelSerial,
}

// parseFormat reads one of the words, or how 2 January 2006 is written.
func parseFormat(text string) (dateFormat, bool) {
	if kind, known := formatWords[text]; known {
		return dateFormat{kind: kind}, true
	}
	if len(text) > 60 || !strings.Contains(text, "06") {
		return dateFormat{}, false
	}
	day := time.Date(1999, time.November, 23, 0, 0, 0, 0, time.UTC)
	read, err := time.Parse(text, day.Format(text))
	if err != nil || !read.Equal(day) {
		return dateFormat{}, false
	}
	return dateFormat{kind: byLayout, layout: text}, true
}

// A dateText is what a text could be as a date.
type dateText struct {
	iso    string // the one day it can be
	a, b   int    // the two first numbers, where it may be two days
	year   int
	serial int // days of a workbook, or zero
}

// The days of a workbook that are taken for a date where none is declared: in
// 1927 and later.
const (
	firstSerial = 10_000
	lastSerial  = 2_958_465 // 9999-12-31
)

// classify reads a text without knowing its column.
func classify(text string) dateText {
	day := withoutTime(text)
	if _, err := civil.Parse(day); err == nil {
		return dateText{iso: day}
	}
	if digits(day) && len(day) == 8 {
		return dateText{iso: validISO(day[:4], day[4:6], day[6:])}
	}
	if whole, _, _ := strings.Cut(text, "."); digits(whole) && len(whole) <= 7 && fraction(text[len(whole):]) {
		n, _ := strconv.Atoi(whole)
		if n <= lastSerial {
			return dateText{serial: n}
		}
		return dateText{}
	}
	return numbers(day)
}

// fraction is the time of day of a serial.
func fraction(s string) bool {
	return s == "" || s[0] == '.' && strings.Trim(s[1:], "0123456789") == ""
}

// numbers reads three numbers with one separator.
func numbers(day string) dateText {
	at := strings.IndexAny(day, "/-.")
	if at < 0 {
		return dateText{}
	}
	p := strings.Split(day, day[at:at+1])
	if len(p) != 3 || !digits(p[0]) || !digits(p[1]) || !digits(p[2]) {
		return dateText{}
	}
	switch {
	case len(p[0]) == 4 && len(p[1]) <= 2 && len(p[2]) <= 2:
		return dateText{iso: validISO(p[0], p[1], p[2])}
	case len(p[0]) <= 2 && len(p[1]) <= 2 && len(p[2]) == 4:
		t := dateText{}
		t.a, _ = strconv.Atoi(p[0])
		t.b, _ = strconv.Atoi(p[1])
		t.year, _ = strconv.Atoi(p[2])
		if t.a == 0 || t.b == 0 || t.a > 12 && t.b > 12 {
			return dateText{}
		}
		return t
	}
	return dateText{}
}

// withoutTime cuts the time of day off.
func withoutTime(text string) string {
	at := strings.IndexAny(text, " T")
	if at < 6 || at+1 >= len(text) || text[at+1] < '0' || text[at+1] > '9' {
		return text
	}
	return text[:at]
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// validISO is the date of its parts, or nothing.
func validISO(y, m, d string) string {
	iso := y + "-" + pad(m) + "-" + pad(d)
	if _, err := civil.Parse(iso); err != nil {
		return ""
	}
	return iso
}

func pad(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// A proof counts what the texts of a column show of its order.
type proof struct {
	empty, iso, serial, other int
	slashed                   int // that may be two days
	firstOver, secondOver     int // of these, with a number over twelve
}

// serials says that whole numbers may be days of a workbook.
func (p *proof) add(text string, serials bool) {
	t := classify(text)
	switch {
	case text == "":
		p.empty++
	case t.iso != "":
		p.iso++
	case serials && t.serial >= firstSerial:
		p.serial++
	case t.year > 0:
		p.slashed++
		if t.a > 12 {
			p.firstOver++
		}
		if t.b > 12 {
			p.secondOver++
		}
	default:
		p.other++
	}
}

// format is the order that the column proves: a number over twelve somewhere
// and none that speaks against it.
func (p proof) format() dateFormat {
	switch {
	case p.firstOver > 0 && p.secondOver == 0:
		return dateFormat{kind: dayMonthYear}
	case p.secondOver > 0 && p.firstOver == 0:
		return dateFormat{kind: monthDayYear}
	}
	return dateFormat{}
}

// A calendar says how a file counts days.
type calendar struct {
	serials bool // whole numbers are days of a workbook
	base    civil.Date
}

// The day before the first of a workbook, in its two ways of counting.
var (
	base1900 = civil.Make(1899, time.December, 30)
	base1904 = civil.Make(1904, time.January, 1)
)

// A reading is how a text was read as a date.
type reading int

const (
	asDate    reading = iota
	unread            // not a date of the format: the text stays as it is
	ambiguous         // two days are meant
)

// read turns a text into ISO 8601. What cannot be read is handed back.
func (f dateFormat) read(text string, c calendar) (string, reading) {
	if text == "" {
		return "", asDate
	}
	if f.kind == byLayout {
		t, err := time.Parse(f.layout, text)
		if err == nil && t.Year() > 0 {
			return t.Format(time.DateOnly), asDate
		}
	}
	t := classify(text)
	switch {
	case t.iso != "":
		return t.iso, asDate
	case t.serial > 0 && (f.kind == excelSerial || c.serials && t.serial >= firstSerial):
		return (c.base + civil.Date(t.serial)).String(), asDate
	case t.year == 0 || f.kind == isoDates || f.kind == excelSerial || f.kind == byLayout:
		return text, unread
	case f.kind == undeclared && t.a == t.b: // 5/5/2014 is one day
		f.kind = monthDayYear
	case f.kind == undeclared:
		return text, ambiguous
	}
	if f.kind == dayMonthYear {
		t.a, t.b = t.b, t.a
	}
	if iso := validISO(strconv.Itoa(t.year), strconv.Itoa(t.a), strconv.Itoa(t.b)); iso != "" {
		return iso, asDate
	}
	return text, unread
}
