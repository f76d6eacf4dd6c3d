package agreement

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

//go:embed wording.txt.tmpl
var wordingSource string

var wording = template.Must(template.New("wording").Funcs(template.FuncMap{
	"clause":   heading,
	"list":     spoken,
	"date":     spelled,
	"sentence": sentence,
	"count":    counted,
}).Parse(wordingSource))

// Render returns the whole text that both parties sign: one plain text in
// numbered clauses, the same bytes for the same arguments. It does not depend
// on the agreement's state, signatures or text. Free text in it is reduced to
// one line, so that no value can pass for a clause.
func Render(p Partner, a Agreement, districtName string) string {
	return render(p, a, districtName, sabotage{})
}

func render(p Partner, a Agreement, districtName string, without sabotage) string {
	line := plain
	if without.ignoreLines {
		line = func(s string) string { return s }
	}
	var b strings.Builder
	if err := wording.Execute(&b, textOf(p, a, districtName, line)); err != nil {
		return "" // an empty text can be neither offered nor signed
	}
	return layout(b.String())
}

// words are the values of the wording, each reduced to one plain line.
type words struct {
	District, Entity, Name, TaxID, Contact, ID  string
	Version, Supersedes                         int
	Basis, Purpose, PurposeText, Profile        string
	Epsilon                                     string
	Redisclosure, Administrator                 string
	Sites, Programs, Schools, Indicators, Grain []string
	DosageFloor, MinCohort, UnconsentedFloor    int
	DestructionDays                             int
	TermFrom, TermTo                            civil.Date
	Study                                       *Study
	categories                                  []consent.Category
}

func textOf(p Partner, a Agreement, districtName string, plain func(string) string) words {
	c := a.Clauses
	w := words{
		District: plain(districtName), Entity: plain(p.LegalEntity), Name: plain(p.Name), TaxID: plain(p.TaxID),
		Contact: plain(p.Contact), ID: plain(a.ID), Version: a.Version, Supersedes: a.Supersedes,
		Basis: plain(string(c.Basis)), Purpose: plain(string(c.Purpose)), PurposeText: plain(c.PurposeText),
		Profile: plain(string(c.Profile)), Epsilon: tenths(c.Epsilon), Redisclosure: plain(c.Redisclosure), Administrator: plain(c.Administrator),
		Sites: each(plain, p.Sites), Programs: each(plain, p.Programs), Schools: each(plain, c.Schools),
		Indicators: each(plain, c.Indicators), Grain: each(plain, c.Grain),
		DosageFloor: c.DosageFloor, MinCohort: c.MinCohort, UnconsentedFloor: c.UnconsentedFloor,
		DestructionDays: c.DestructionDays, TermFrom: c.TermFrom, TermTo: c.TermTo, categories: c.Categories,
	}
	if s := c.Study; s != nil {
		w.Study = &Study{Scope: plain(s.Scope), Representatives: each(plain, s.Representatives), DestroyBy: s.DestroyBy}
	}
	return w
}

// Shares reports whether a category is shared under the agreement.
func (w words) Shares(c string) bool { return slices.Contains(w.categories, consent.Category(c)) }

// GrainWords says the grains in words, in their customary order.
func (w words) GrainWords() []string {
	var out []string
	for _, g := range grains() {
		if slices.Contains(w.Grain, g.id) {
			out = append(out, g.words)
		}
	}
	return out
}

// plain reduces text to one line of printable characters.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unprintable(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func each(f func(string) string, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

// spoken joins words as one says them: "a, b and c".
func spoken(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " and " + values[last]
}

func spelled(d civil.Date) string {
	if d.IsZero() {
		return "(no date)"
	}
	return d.Time().Format("January 2, 2006")
}

func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// tenths writes a number of tenths: 40 is "4", 25 is "2.5".
func tenths(n int) string {
	if n%10 == 0 {
		return strconv.Itoa(n / 10)
	}
	return strconv.Itoa(n/10) + "." + strconv.Itoa(n%10)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
