package edfi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A result is a grade that counts as one of a course in a session.
type result struct {
	where
	student, school, session, course string
	value, scale                     string
	rank                             int
	when                             string // when its grading period begins
	period                           *session
}

// grades gives results of courses; the rest, and assignments, are counted.
func (f *feed) grades(t *terms) {
	other := map[string]int{}
	var order []*result
	byKey := map[string]*result{}
	for _, r := range f.list[grades] {
		g := f.resultOf(t, r)
		if g == nil {
			other[r.file]++
			continue
		}
		key := strings.Join([]string{g.student, g.school, g.session, g.course}, "\x00")
		was := byKey[key]
		if was == nil {
			order, byKey[key] = append(order, g), g
			continue
		}
		other[r.file]++
		if cmp.Or(cmp.Compare(g.rank, was.rank), cmp.Compare(g.when, was.when)) > 0 {
			*was = *g
		}
	}
	for _, g := range order {
		if g.period != nil {
			g.period.used = true
		}
		f.add("grades.csv", g.where, g.student, g.school, g.session, g.course, g.value, g.scale, "")
	}
	for _, r := range f.list[assignments] {
		other[r.file]++
	}
	f.summed(other, "", ingest.NotFinal)
}

// resultOf is nil for a grade that is no final result or has no value.
func (f *feed) resultOf(t *terms, r *record) *result {
	rank := f.rankOf(r.get(category))
	value, scale := valueOf(r)
	if rank == 0 || value == "" {
		return nil
	}
	g := &result{
		where: r.where, student: r.get(studentID), school: r.get(schoolID), course: cmp.Or(r.get(course), r.get(section)),
		value: value, scale: scale, rank: rank,
	}
	p := t.periodNamed(r)
	if p != nil {
		g.when = p.begin
	}
	g.session = t.named(r, p)
	if rank == declared && p != nil {
		g.session, g.period = p.id, p
	}
	return g
}

// The ranks of grades; a type that is none of them is no result.
const (
	declared = iota + 1
	semester
	final
)

func (f *feed) rankOf(text string) int {
	meant, ok := f.codes.meaning("gradetype", text, func(words string) (string, bool) {
		switch strings.TrimSuffix(words, " grade") {
		case "final":
			return "final", true
		case "semester":
			return "semester", true
		}
		return "", false
	})
	switch {
	case ok && meant == "final":
		return final
	case ok:
		return semester
	case slices.ContainsFunc(f.opt.Final, func(name string) bool { return words(name) == words(codeOf(text)) }):
		return declared
	}
	return 0
}

// valueOf reads the number, else the letter.
func valueOf(r *record) (value, scale string) {
	if n := r.get(numeric); n != "" {
		return n, "0-100"
	}
	switch l := r.get(letter); strings.ToLower(l) {
	case "p", "pass":
		return "P", "pass-fail"
	default:
		return l, "letter"
	}
}

// named is the id of the session that a grade names, by its name or its term,
// else of that around its grading period; where there is none, what it says.
func (t *terms) named(r *record, p *session) string {
	school, y := r.get(schoolID), r.get(year)
	if s := t.byName[keyOf(school, y, r.get(name))]; s != nil {
		return s.id
	}
	if s := t.byTerm[keyOf(school, y, words(codeOf(r.get(term))))]; s != nil {
		return s.id
	}
	if p != nil && r.get(name) == "" {
		return t.around(p)
	}
	return cmp.Or(r.get(name), codeOf(r.get(term)))
}

// periodNamed is the grading period that a grade names; nil where none or
// several fit.
func (t *terms) periodNamed(r *record) *session {
	key := strings.Join([]string{
		r.get(schoolID), r.get(year), r.get(periodName), r.get(periodCode), r.get(sequence), r.get(periodBegin),
	}, "\x00")
	found, known := t.found[key]
	if !known {
		found = t.search(r)
		t.found[key] = found
	}
	return found
}

func (t *terms) search(r *record) (found *session) {
	if r.get(periodName) == "" && r.get(periodCode) == "" && r.get(periodBegin) == "" {
		return nil
	}
	school, y, named, seq, first := r.get(schoolID), r.get(year), r.get(periodName), r.get(sequence), r.get(periodBegin)
	coded := words(codeOf(r.get(periodCode)))
	for _, s := range t.periods {
		if s.school != school || !fits(y, s.year) || !fits(named, s.name) || !fits(coded, s.code) || !fits(seq, s.seq) || !fits(first, s.begin) {
			continue
		}
		if found != nil && found.id != s.id {
			return nil
		}
		found = s
	}
	return found
}

// fits reports whether two parts of a key agree, as far as both are there.
func fits(a, b string) bool { return a == "" || b == "" || a == b }
