package oneroster

import (
	"slices"
	"strings"
	"unicode"
)

// finalTitles are titles that say by themselves that a line item is final,
// without numbers, in small letters.
var finalTitles = []string{
	"final", "final grade", "final mark", "final average", "overall", "overall grade", "overall mark", "overall average",
	"course grade", "course mark", "course average", "final course grade", "report card", "report card grade", "report card mark",
}

// periodNames and gradeNames are the two parts of a title such as "quarter
// grade" or "marking period average".
var (
	periodNames = []string{"quarter", "term", "trimester", "semester", "year", "marking period", "grading period"}
	gradeNames  = []string{"grade", "mark", "average", "final grade", "final mark", "final average", "overall grade", "overall average"}
)

// finalItems are the line items whose results are those of a course in a term.
func (f *feed) finalItems() map[string]bool {
	alone := f.itemsAlone()
	final := map[string]bool{}
	for _, item := range f.lineItems.rows {
		titles := []string{item.body.title}
		if c := f.categories.find(item.body.category); c != nil {
			titles = append(titles, c.body.title)
		}
		is := isFinal
		if len(f.opt.Final) > 0 {
			is = f.isDeclared
		}
		final[item.id] = slices.ContainsFunc(titles, is) || alone[item.id]
	}
	return final
}

// itemsAlone are the line items that are the only ones of their class and
// grading period; none where the district declares which are final.
func (f *feed) itemsAlone() map[string]bool {
	alone := map[string]bool{}
	if len(f.opt.Final) > 0 {
		return alone
	}
	type place struct{ class, session string }
	count := map[place]int{}
	for item := range f.lineItems.living() {
		count[place{item.body.class, f.sessionOf(item)}]++
	}
	for item := range f.lineItems.living() {
		session := f.sessionOf(item)
		alone[item.id] = session != "" && count[place{item.body.class, session}] == 1
	}
	return alone
}

func (f *feed) isDeclared(title string) bool {
	return slices.ContainsFunc(f.opt.Final, func(name string) bool {
		return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(title))
	})
}

// isFinal reports whether a title is one of the closed list. Numbers do not
// count, and q1 is a quarter.
func isFinal(title string) bool {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) > 8 {
		return false
	}
	plain := make([]string, 0, len(words))
	for _, w := range words {
		if w = withoutNumber(w); w != "" {
			plain = append(plain, w)
		}
	}
	text := strings.Join(plain, " ")
	if slices.Contains(finalTitles, text) {
		return len(plain) > 1 || len(words) == 1 // Final 2 is a test
	}
	return slices.ContainsFunc(periodNames, func(period string) bool {
		rest, ok := strings.CutPrefix(text, period+" ")
		return ok && slices.Contains(gradeNames, rest)
	})
}

// periodLetters are short for periods, with a number behind.
var periodLetters = map[string]string{
	"q": "quarter", "qtr": "quarter", "quarter": "quarter", "s": "semester", "sem": "semester", "semester": "semester",
	"t": "term", "term": "term", "tri": "trimester", "trimester": "trimester", "mp": "marking period", "gp": "grading period",
}

// withoutNumber is a word without the number of a period: nothing for 1 and
// 2nd, quarter for q3.
func withoutNumber(word string) string {
	behind := strings.TrimLeft(word, "0123456789")
	if len(behind) < len(word) && slices.Contains([]string{"", "st", "nd", "rd", "th"}, behind) {
		return ""
	}
	before := strings.TrimRight(word, "0123456789")
	if period := periodLetters[before]; period != "" && len(before) < len(word) {
		return period
	}
	return word
}
