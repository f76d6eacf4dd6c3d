package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/consent"
)

// ConsentVersion names the wording of the consent text, in every language. A test
// holds it to the words: whoever changes a sentence changes it too.
const ConsentVersion = "family-1"

// ErrTerms is returned for a consent text that would leave out who, what, why or
// until when (34 CFR 99.30(b)).
var ErrTerms = errors.New("a consent must name district, partner, student, purpose, categories and both windows: fill in Terms")

// ConsentText returns the exact text that the page of a Choice and the packet
// show: the question and six sentences, each on a line of its own, in UTF-8. What is
// signed is TextHash of it. It depends on the Terms and the language only, never on a
// child's records, so that a grade of tomorrow does not change what was signed.
func ConsentText(lang string, c Choice) (version, text string, err error) {
	w, err := shelved(lang)
	if err != nil {
		return "", "", err
	}
	text, err = w.consentText(c.Terms)
	return ConsentVersion, text, err
}

// TextHash is the SHA-256 of a consent text in lower-case hexadecimal digits.
func TextHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (w *words) consentText(t Terms) (string, error) {
	text := strings.Join(w.sentences(t).all(), "\n") + "\n"
	return text, w.fault
}

func (t Terms) complete() error {
	named := t.District != "" && t.Partner != "" && (t.Child != "" || t.Self) && t.Purpose.Valid()
	covered := len(t.Categories) > 0 && !slices.ContainsFunc(t.Categories, func(c consent.Category) bool { return !c.Valid() })
	bounded := !t.RecordsFrom.IsZero() && t.RecordsTo >= t.RecordsFrom && (!t.Until.IsZero() || t.WhileInProgram)
	if !named || !covered || !bounded {
		return ErrTerms
	}
	return nil
}

// sentences are the parts of a consent text, in their order.
type sentences struct {
	question, what, why, when, never, totals, help string
}

func (s sentences) all() []string {
	return []string{s.question, s.what, s.why, s.when, s.never, s.totals, s.help}
}

// sentences makes the page fail where the terms are not complete.
func (w *words) sentences(t Terms) sentences {
	if !w.broken.signsInPart {
		w.fail(t.complete())
	}
	with := w.termValues(t)
	why := "consent_why_" + string(t.Purpose)
	if t.Self && t.Purpose == consent.StudentSupport {
		why += "_self"
	}
	return sentences{
		question: w.of(t.Self, "consent_question", with),
		what:     w.of(t.Self, "consent_what", with),
		why:      w.say(why, with),
		when:     w.when(t, with),
		never:    w.say("consent_never", with),
		totals:   w.of(t.Self, "consent_totals", with),
		help:     w.of(t.Self, "consent_help", with),
	}
}

func (w *words) when(t Terms, with values) string {
	switch {
	case !t.WhileInProgram:
		return w.say("consent_when", with)
	case t.Until.IsZero():
		return w.of(t.Self, "consent_when_three", with)
	}
	return w.of(t.Self, "consent_when_program", with)
}

func (w *words) termValues(t Terms) values {
	return values{
		"District": w.name(t.District), "Partner": w.name(t.Partner), "Child": w.name(t.Child),
		"Records": w.records(t.Categories), "Never": w.list(w.never(t.Categories)),
		"From": w.date(t.RecordsFrom), "To": w.date(t.RecordsTo), "Until": w.date(t.Until),
	}
}

// records names categories in their customary order, and of discipline the
// portions.
func (w *words) records(asked []consent.Category) string {
	var names []string
	for _, family := range consent.Families() {
		if of := within(family, asked, true); len(of) > 0 {
			names = append(names, w.family(family, of))
		}
	}
	return w.list(names)
}

// recordsAlone names categories where no sentence stands round them.
func (w *words) recordsAlone(asked []consent.Category) string {
	text := w.records(asked)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// family names categories of one family.
func (w *words) family(family string, of []consent.Category) string {
	if family != consent.DisciplineFamily {
		return w.say("records_" + family)
	}
	portions := make([]string, len(of))
	for i, c := range of {
		portions[i] = w.say("portion_" + string(c))
	}
	return w.say("records_discipline_of", values{"Portions": w.list(portions)})
}

// within lists the categories of a family that are asked for, or those that are
// not.
func within(family string, asked []consent.Category, want bool) (list []consent.Category) {
	for _, c := range consent.Categories() {
		if c.Family() == family && slices.Contains(asked, c) == want {
			list = append(list, c)
		}
	}
	return list
}

// never names what is not shown under the terms: what is not asked for, and what
// no agreement can open.
func (w *words) never(asked []consent.Category) []string {
	var names []string
	for _, family := range consent.Families() {
		rest := within(family, asked, false)
		switch {
		case len(within(family, asked, true)) == 0:
			names = append(names, w.say("records_"+family))
		case len(rest) > 0:
			names = append(names, w.family(family, rest))
		}
	}
	for _, key := range []string{"never_contact", "never_health", "never_special", "never_status"} {
		names = append(names, w.say(key))
	}
	return names
}
