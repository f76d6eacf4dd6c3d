package pages

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
	"golang.org/x/text/unicode/bidi"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

//go:embed locale/active.*.toml
var localeFiles embed.FS

// ErrLanguage is returned for a language that is not one of Languages.
var ErrLanguage = errors.New("the pages are not written in this language: ask Match for one that they are written in")

// shelf holds the messages of every language that ships.
var shelf = sync.OnceValues(func() (*i18n.Bundle, error) { return load(localeFiles) })

// load reads every file locale/active.TAG.toml.
func load(files fs.FS) (*i18n.Bundle, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "locale/active.*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return bundle, nil
}

// words are the messages of one language, for one page. The first message that
// is missing or cannot be filled in is kept and makes the page fail: a page is
// never shown in part or in another language.
type words struct {
	lang    Language
	local   *i18n.Localizer
	numbers *message.Printer
	fault   error
	broken  sabotage
}

// sabotage takes guards away, for tests only.
type sabotage struct {
	fallsBack       bool // a missing message is shown in English
	signsAnything   bool // a text that nobody reviewed can be signed
	signsInPart     bool // a consent that names not all can be signed
	showsHeldNames  bool // names that are held are shown
	showsAllRecords bool // records that are not asked for are shown
}

// fail keeps the first fault.
func (w *words) fail(err error) string {
	if err != nil && w.fault == nil {
		w.fault = err
	}
	return ""
}

// shelved returns the words of a language that ships.
func shelved(tag string) (*words, error) {
	lang, ok := languageOf(tag)
	if !ok {
		return nil, ErrLanguage
	}
	bundle, err := shelf()
	if err != nil {
		return nil, err
	}
	return wordsOf(bundle, lang), nil
}

func wordsOf(bundle *i18n.Bundle, lang Language) *words {
	return &words{
		lang: lang, local: i18n.NewLocalizer(bundle, lang.file),
		numbers: message.NewPrinter(language.Make(lang.numbers)),
	}
}

// values are what a message is filled with, by the names that stand in it.
type values map[string]string

// say is the message of a key.
func (w *words) say(key string, with ...values) string {
	return w.localized(&i18n.LocalizeConfig{MessageID: key, TemplateData: joined(with)})
}

// count is the message of a key in the plural form of n; the message has n as Count.
func (w *words) count(key string, n int, with ...values) string {
	data := joined(append(with, values{"Count": strconv.Itoa(n)}))
	return w.localized(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n})
}

// of is the message of a key, or of the key for a reader who is the student.
func (w *words) of(self bool, key string, with ...values) string {
	if self {
		key += "_self"
	}
	return w.say(key, with...)
}

func (w *words) localized(c *i18n.LocalizeConfig) string {
	text, tag, err := w.local.LocalizeWithTag(c)
	if err == nil && tag.String() != w.lang.file {
		err = fmt.Errorf("the message %s is missing in %s", c.MessageID, w.lang.Tag)
	}
	if !w.broken.fallsBack {
		w.fail(err)
	}
	return text
}

func joined(with []values) map[string]string {
	all := map[string]string{}
	for _, v := range with {
		for k, text := range v {
			all[k] = text
		}
	}
	return all
}

func (w *words) reviewedBy() string {
	text, tag, err := w.local.LocalizeWithTag(&i18n.LocalizeConfig{MessageID: "meta.reviewed_by"})
	if err != nil || tag.String() != w.lang.file {
		return ""
	}
	return text
}

func (w *words) rtl() bool { return w.lang.Dir == "rtl" }

// Marks that keep a name or number of the other direction together, in pages
// and in plain text alike (UAX 9).
const (
	firstStrong = "\u2068"
	leftToRight = "\u2066"
	popIsolate  = "\u2069"
)

// name makes a name from outside safe to stand inside a sentence: on one line,
// and without marks of its own that would turn the words round it.
func (w *words) name(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, s)
	if w.rtl() || strings.ContainsFunc(s, rightToLeft) {
		return firstStrong + s + popIsolate
	}
	return s
}

// latin keeps a telephone number, code or address in its own order.
func (w *words) latin(s string) string {
	if w.rtl() {
		return leftToRight + s + popIsolate
	}
	return s
}

func rightToLeft(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// date writes a day out in full; "" for none.
func (w *words) date(d civil.Date) string {
	if d.IsZero() {
		return ""
	}
	year, month, day := d.Time().Date()
	return w.say("date", values{
		"Day": strconv.Itoa(day), "Month": w.month(int(month)), "Year": strconv.Itoa(year),
	})
}

func (w *words) month(m int) string { return w.say("month_" + strconv.Itoa(m)) }

// days writes a number of days, with a half where there is one.
func (w *words) days(n float64) string {
	return w.numbers.Sprint(number.Decimal(n, number.MaxFractionDigits(1)))
}

// list joins names: a, b and c.
func (w *words) list(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	text := names[0]
	for _, name := range names[1 : len(names)-1] {
		text = w.say("list_more", values{"Before": text, "Next": name})
	}
	return w.say("list_last", values{"Before": text, "Last": names[len(names)-1]})
}

// names joins names from outside.
func (w *words) names(list []string) string {
	safe := make([]string, len(list))
	for i, name := range list {
		safe[i] = w.name(name)
	}
	return w.list(safe)
}
