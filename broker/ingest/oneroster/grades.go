package oneroster

import (
	"fmt"
	"iter"
	"math/big"
	"regexp"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

var resultNames = []string{
	"studentSourcedId", "schoolSourcedId", "gradingPeriodSourcedId", "title", "score", "resultValueMax", "",
}

// unstated is the scale of a line item that does not say one. It is no known
// scale: its results have a mean and no more.
const unstated = "unstated"

// letterScale is the scale of a result that is text.
const letterScale = "letter"

// fullyGraded is the status of a result that counts.
const fullyGraded = "fully graded"

// speaksOfResults reports whether one of the results, kept or deleted, is that
// of a course: an export of assignments alone says nothing of courses.
func (f *feed) speaksOfResults(final map[string]bool) bool {
	for _, r := range f.results.rows {
		if final[r.body.item] && (r.state == deleted || strings.EqualFold(r.body.status, fullyGraded)) {
			return true
		}
	}
	return false
}

// resultRows are the results of courses. What else there is, is counted.
func (f *feed) resultRows(final map[string]bool) iter.Seq[ingest.Row] {
	return func(yield func(ingest.Row) bool) {
		assignments, ungraded := 0, 0
		titles := f.courseTitles()
		for r := range f.results.living() {
			item := f.lineItems.get(r.body.item)
			switch {
			case item == nil:
				f.report.Note(r.at.place(r.id, nil), "lineItemSourcedId", ingest.UnknownReference, "")
			case !final[item.id]:
				assignments++
			case !strings.EqualFold(r.body.status, fullyGraded):
				ungraded++
			default:
				if row, ok := f.resultRow(r, item, titles); ok && !yield(row) {
					return
				}
			}
		}
		f.noteSkipped(assignments, "not of a course in a term")
		f.noteSkipped(ungraded, "not fully graded")
	}
}

func (f *feed) noteSkipped(count int, why string) {
	if count > 0 {
		f.report.Note(ingest.Place{File: resultsFile}, "", ingest.NotFinal, fmt.Sprintf("%d, %s", count, why))
	}
}

// resultRow is false where nothing says in which session or for which course
// the result is; the line item is noted once.
func (f *feed) resultRow(r *record[result], item *record[lineItem], titles map[string]string) (row ingest.Row, ok bool) {
	at := r.at.place(r.id, resultNames)
	class := f.classes.get(item.body.class)
	session := f.sessionOf(item)
	if class == nil || session == "" {
		column := "gradingPeriodSourcedId"
		if class == nil {
			column = "classSourcedId"
		}
		f.noteOnce(item, column)
		return row, false
	}
	school := class.body.school
	if !f.isSchool(school) && f.isSchool(item.body.school) {
		school = item.body.school
	}
	course := class.body.title
	if title := titles[class.body.course]; title != "" {
		course = title
	}
	value, scale := scored(r.body, item.body)
	return ingest.Row{At: at, Fields: []string{r.body.student, school, session, course, value, scale, ""}}, true
}

// sessionOf is the session of a line item: its own, else the only term of its
// class; empty where there is none.
func (f *feed) sessionOf(item *record[lineItem]) string {
	if item.body.session != "" {
		if f.sessions.get(item.body.session) == nil {
			return ""
		}
		return item.body.session
	}
	if class := f.classes.get(item.body.class); class != nil {
		if terms := list(class.body.terms); len(terms) == 1 && f.sessions.get(terms[0]) != nil {
			return terms[0]
		}
	}
	return ""
}

// noteOnce notes that no result of a line item can be read.
func (f *feed) noteOnce(item *record[lineItem], column string) {
	if f.noted[item.id] {
		return
	}
	f.noted[item.id] = true
	f.report.Note(item.at.place(item.id, nil), column, ingest.UnknownReference, "")
}

// courseTitles are the names of courses by id: titles, with the code behind
// where courses share one.
func (f *feed) courseTitles() map[string]string {
	shared, titles := map[string]int{}, map[string]string{}
	for c := range f.courses.living() {
		shared[c.body.title]++
	}
	for c := range f.courses.living() {
		title := c.body.title
		if title == "" {
			title = c.body.code
		} else if shared[title] > 1 && c.body.code != "" {
			title += " (" + c.body.code + ")"
		}
		titles[c.id] = title
	}
	return titles
}

// decimal is a number as the standard has it, of a length that can be read.
var decimal = regexp.MustCompile(`^[+-]?\d{1,9}(\.\d{0,30})?$`)

// scored is the value of a result and its scale.
func scored(r result, item lineItem) (value, scale string) {
	value, numeric := hundredths(r.score)
	if !numeric && r.text != "" {
		value = r.text
	} else if !numeric {
		value = r.score
	}
	low, okLow := hundredths(item.low)
	high, okHigh := hundredths(item.high)
	switch {
	case !numeric && value != "":
		return value, letterScale
	case okLow && okHigh:
		return value, low + "-" + high
	}
	return value, unstated
}

// hundredths writes a number with at most two decimals, rounded half away from
// zero, and none that are not needed.
func hundredths(text string) (string, bool) {
	if !decimal.MatchString(text) {
		return "", false
	}
	n, ok := new(big.Rat).SetString(strings.TrimSuffix(text, "."))
	if !ok {
		return "", false
	}
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(2), "0"), "."), true
}
