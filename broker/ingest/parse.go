package ingest

import (
	"encoding/binary"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// parseDate is civil.Parse without allocation.
func parseDate(b []byte) (civil.Date, bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, okY := digits(b[:4])
	m, okM := digits(b[5:7])
	d, okD := digits(b[8:])
	if !okY || !okM || !okD || y < 1 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	if m <= 2 { // count from March, so that the leap day ends a year
		y--
		m += 12
	}
	return civil.Date(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 306), true
}

// A dateMemo knows the days of the dates that it met last, by month and day: a
// register has the same few hundred for every student.
type dateMemo [16 * 32]struct {
	most uint64 // "2006-01-"
	last uint16 // "02"
	day  civil.Date
}

// of is row.date.
func (m *dateMemo) of(r *row, column int) civil.Date {
	b := r.raw(column)
	if len(b) != len("2006-01-02") {
		return r.date(column)
	}
	month, date := 10*int(b[5]&1)+int(b[6]&15), 10*int(b[8]&3)+int(b[9]&15)
	known := &m[(month<<5|date)%len(m)]
	most, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:])
	if known.day.IsZero() || known.most != most || known.last != last {
		day := r.date(column)
		if day.IsZero() {
			return day
		}
		known.most, known.last, known.day = most, last, day
	}
	return known.day
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// parseShare reads a share from 0 to 1 with at most three decimals, in per
// mille.
func parseShare(b []byte) (int16, bool) {
	if len(b) == 0 || len(b) > 5 || b[0] != '0' && b[0] != '1' {
		return 0, false
	}
	share := int(b[0]-'0') * 1000
	if len(b) > 1 {
		if b[1] != '.' || len(b) == 2 {
			return 0, false
		}
		part, ok := digits(b[2:])
		if !ok {
			return 0, false
		}
		for range 5 - len(b) {
			part *= 10
		}
		share += part
	}
	return int16(share), share <= 1000
}

// suggest names the codes that may stand, the probable one alone where a slip
// of the pen explains the value. It never repeats the value.
func suggest(value string, list []string) string {
	best, least := "", 3
	for _, known := range list {
		if d := distance(squash(value), squash(known)); d < least {
			best, least = known, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "one of " + strings.Join(list, ", ")
}

func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}
