package report

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// unbounded is from where a band of events has no upper end (package sdc).
const unbounded sdc.Milli = 1_000_000_000

// measure says how the numbers of an indicator are printed.
type measure struct {
	suffix     string // of a figure: " %"
	difference string // of a difference: " points"
	grain      sdc.Milli
}

func measureOf(d definition) measure {
	switch {
	case strings.HasPrefix(d.Unit, "share"):
		return measure{" %", " points", 100}
	case d.Unit == "incidents a student":
		return measure{" per 100", " per 100", 100}
	}
	return measure{"", " points", 10}
}

// outward rounds an interval to the grain so that it never gets narrower,
// and never so coarsely that an end reaches zero.
func (m measure) outward(r compare.Range) (low, high string) {
	grain := m.grain
	for grain > 1 && (r.Low > 0 && down(r.Low, grain) == 0 || r.High < 0 && -down(-r.High, grain) == 0) {
		grain /= 10
	}
	return decimal(down(r.Low, grain)), decimal(-down(-r.High, grain))
}

func down(v, grain sdc.Milli) sdc.Milli {
	rest := v % grain
	if rest < 0 {
		rest += grain
	}
	return v - rest
}

// interval prints "93 to 96.1 %".
func (m measure) interval(p phrases, r compare.Range) string {
	low, high := m.outward(r)
	return p.spanOf(low, high) + m.suffix
}

// gap prints a difference with its signs: "+0.6 to +4.4 points".
func (m measure) gap(p phrases, r compare.Range) string {
	low, high := m.outward(r)
	return p.spanOf(signed(low), signed(high)) + m.difference
}

func signed(number string) string {
	if strings.HasPrefix(number, "−") || strings.Trim(number, "0.") == "" {
		return number
	}
	return "+" + number
}

// decimal writes a number with a true minus sign.
func decimal(v sdc.Milli) string { return strings.Replace(v.String(), "-", "−", 1) }

// thousands writes a count with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plain replaces what a reader cannot see: control characters, and marks that
// turn the direction of the text around them.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// plainly is plain for each sentence that is not empty.
func plainly(sentences []string, more ...string) []string {
	var out []string
	for _, s := range slices.Concat(sentences, more) {
		if s != "" {
			out = append(out, plain(s))
		}
	}
	return out
}
