package records

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A Scale says what a course result means. All numbers are hundredths of a
// point. HasPass is false where no pass mark is known; Bands is the 4.0 table,
// highest first, and empty where there is none; Direct says that a value is
// itself points of 4.0. Letters is set on a letter scale only.
type Scale struct {
	Name      string
	Low, High int32
	HasPass   bool
	Pass      int32 // the lowest passing value
	Bands     []Band
	Direct    bool
	Letters   []Letter
}

// A Band gives Points of 4.0 to values of at least From.
type Band struct{ From, Points int32 }

// A Letter is a mark of a letter scale and its place on it.
type Letter struct {
	Text  string
	Value int32
}

// Reasons why a course result cannot be read.
var (
	ErrNumber   = errors.New("not a number")
	ErrDecimals = errors.New("more than two decimals")
	ErrLetter   = errors.New("not a mark of the letter scale")
)

// percentBands is the table of the NCES High School Transcript Study: 90–100 A
// 4, 80–89 B 3, 70–79 C 2, 60–69 D 1, under 60 F 0.
var percentBands = []Band{{9000, 400}, {8000, 300}, {7000, 200}, {6000, 100}, {-1 << 31, 0}}

// letterBands counts A+ as 4.0 and lets each other letter stand for its place.
var letterBands = []Band{
	{400, 400},
	{370, 370},
	{330, 330},
	{300, 300},
	{270, 270},
	{230, 230},
	{200, 200},
	{170, 170},
	{130, 130},
	{100, 100},
	{70, 70},
	{-1 << 31, 0},
}

var letters = []Letter{
	{"A+", 430},
	{"A", 400},
	{"A-", 370},
	{"B+", 330},
	{"B", 300},
	{"B-", 270},
	{"C+", 230},
	{"C", 200},
	{"C-", 170},
	{"D+", 130},
	{"D", 100},
	{"D-", 70},
	{"F", 0},
}

// Scales returns the scales that the registry knows. A district adds its own
// in Settings.Scales; any other name of the form "low-high" is a numeric scale
// without pass mark and 4.0 table.
func Scales() []Scale {
	return []Scale{
		{Name: "0-100", Low: 0, High: 10000, HasPass: true, Pass: 6000, Bands: percentBands},
		{Name: "0-20", Low: 0, High: 2000, HasPass: true, Pass: 1000},
		{Name: "0-4", Low: 0, High: 400, HasPass: true, Pass: 100, Direct: true},
		{Name: "letter", Low: 0, High: 430, HasPass: true, Pass: 70, Bands: letterBands, Letters: letters},
		{Name: "pass-fail", Low: 0, High: 100, HasPass: true, Pass: 100, Letters: []Letter{{"P", 100}, {"F", 0}}},
	}
}

var scales = Scales()

// FindScale returns the scale of that name: the district's own first, then the
// registry's, then a plain numeric one. It is false for a name that says
// nothing of its ends: its results are kept and have a mean, no more.
func FindScale(name string, district []Scale) (Scale, bool) {
	byName := func(s Scale) bool { return s.Name == name }
	if i := slices.IndexFunc(district, byName); i >= 0 {
		return district[i], true
	}
	if i := slices.IndexFunc(scales, byName); i >= 0 {
		return scales[i], true
	}
	low, high, ok := strings.Cut(name, "-")
	lo, errLow := ParseHundredths(low)
	hi, errHigh := ParseHundredths(high)
	if !ok || errLow != nil || errHigh != nil || hi <= lo {
		return Scale{Name: name}, false
	}
	return Scale{Name: name, Low: lo, High: hi}, true
}

// Value reads a course result as it stands in a file.
func (s Scale) Value(text string) (int32, error) {
	if s.Letters == nil {
		return ParseHundredths(text)
	}
	for _, l := range s.Letters {
		if strings.EqualFold(l.Text, text) {
			return l.Value, nil
		}
	}
	return 0, ErrLetter
}

// Text writes a value as the district would.
func (s Scale) Text(value int32) string {
	for _, l := range s.Letters {
		if l.Value == value {
			return l.Text
		}
	}
	return FormatHundredths(value)
}

// Outside reports whether a value lies beyond the ends of the scale.
func (s Scale) Outside(value int32) bool {
	return s.High > s.Low && (value < s.Low || value > s.High)
}

// Points returns the hundredths of 4.0 points of a value; false where the
// scale has no 4.0 table.
func (s Scale) Points(value int32) (int32, bool) {
	if s.Direct {
		return value, true
	}
	for _, b := range s.Bands {
		if value >= b.From {
			return b.Points, true
		}
	}
	return 0, false
}

// ParseHundredths reads a decimal number with at most two decimals, a point
// between them, and at most seven digits before it.
func ParseHundredths(text string) (int32, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, part, hasPoint := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 7 || hasPoint && part == "" || !allDigits(whole) || !allDigits(part) {
		return 0, ErrNumber
	}
	if len(part) > 2 && strings.Trim(part[2:], "0") != "" {
		return 0, ErrDecimals
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 32)
	if err != nil {
		return 0, ErrNumber
	}
	if negative {
		n = -n
	}
	return int32(n), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// FormatHundredths writes what ParseHundredths reads, without needless zeros.
func FormatHundredths(n int32) string {
	return strconv.FormatFloat(float64(n)/100, 'f', -1, 64)
}
