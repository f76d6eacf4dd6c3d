package pages_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/pages"
)

func messages(t *testing.T, tag string) map[string]any {
	t.Helper()
	m, err := pages.Messages(tag)
	noError(t, err)
	delete(m, "meta")
	return m
}

var placeholder = regexp.MustCompile(`\{\{\.\w+\}\}`)

// holes lists what a message is filled with.
func holes(message any) []string {
	text, ok := message.(string)
	if !ok {
		text = message.(map[string]any)["other"].(string)
	}
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryLanguageHasTheKeysAndValuesOfEnglish(t *testing.T) {
	t.Parallel()
	source := messages(t, "en")
	for _, lang := range pages.Languages()[1:] {
		m := messages(t, lang.Tag)
		for key := range source {
			if m[key] == nil {
				t.Errorf("%s has no %s", lang.Tag, key)
				continue
			}
			if got, want := holes(m[key]), holes(source[key]); !slices.Equal(got, want) {
				t.Errorf("%s: %s is filled with %v, want %v", lang.Tag, key, got, want)
			}
		}
		for key := range m {
			if source[key] == nil {
				t.Errorf("%s has %s, which English has not", lang.Tag, key)
			}
		}
	}
}

// sameInEnglish are messages that may well be the same in another language.
func sameInEnglish() []string {
	return []string{"list_more", "date", "receipt_number", "no", "receipt_until_program"}
}

func TestNoMessageIsLeftInEnglish(t *testing.T) {
	t.Parallel()
	source := messages(t, "en")
	for _, lang := range pages.Languages()[1:] {
		for key, text := range messages(t, lang.Tag) {
			if fmt.Sprint(text) == fmt.Sprint(source[key]) && !slices.Contains(sameInEnglish(), key) {
				t.Errorf("%s: %s is %q as in English", lang.Tag, key, text)
			}
		}
	}
}

func TestEveryMessageHasThePluralFormsOfItsLanguage(t *testing.T) {
	t.Parallel()
	forms := map[string][]string{
		"en": {"one", "other"}, "es": {"many", "one", "other"}, "mww": {"one", "other"},
		"ar": {"few", "many", "one", "other", "two", "zero"},
	}
	for _, lang := range pages.Languages() {
		for key, m := range messages(t, lang.Tag) {
			if table, ok := m.(map[string]any); ok && !slices.Equal(slices.Sorted(maps.Keys(table)), forms[lang.Tag]) {
				t.Errorf("%s: %s has the forms %v, want %v", lang.Tag, key, slices.Sorted(maps.Keys(table)), forms[lang.Tag])
			}
		}
	}
}

func TestTheStoriesShowEveryMessage(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	for _, s := range stories() {
		shown.WriteString(strings.NewReplacer("&#39;", "'").Replace(s.html(t, "en")))
	}
	all := shown.String()
	for key, m := range messages(t, "en") {
		text, ok := m.(string)
		if !ok || strings.HasPrefix(key, "letter_") || strings.HasPrefix(key, "month_") {
			continue
		}
		for _, piece := range placeholder.Split(text, -1) {
			if !strings.Contains(all, piece) {
				t.Errorf("no story shows %s: %q", key, text)
			}
		}
	}
}

func TestAPageWithAMissingMessageIsNotShown(t *testing.T) {
	t.Parallel()
	s := stories()["choice"]
	for _, lang := range languages()[1:] {
		text, err := pages.RenderLacking(s.frame(lang), s.page, "consent_totals", pages.Sabotage{})
		if err == nil || text != nil {
			t.Errorf("%s: a page in two languages is shown", lang)
		}
		if text, err = pages.RenderLacking(s.frame(lang), s.page, "consent_totals", pages.FallsBack()); err != nil || !bytes.Contains(text, []byte("may still be counted")) {
			t.Errorf("%s: without the guard English is not seen: %v", lang, err)
		}
	}
}

func TestThePseudoLanguageIsLongerAndWhole(t *testing.T) {
	t.Parallel()
	if got := pages.Lengthen("Sharing with {{.Partner}} has ended"); !strings.Contains(got, "{{.Partner}}") || len([]rune(got)) < 45 {
		t.Errorf("made %q", got)
	}
	unmarked := regexp.MustCompile(`>[^<>]*[aeiou][a-z]`)
	for name, s := range stories() {
		text := pseudo(t, s)
		if found := unmarked.FindString(strings.NewReplacer("Riverside Mentoring", "", "Lakeview Schools", "").Replace(prose(text))); found != "" {
			t.Errorf("%s: not from a message: %q", name, found)
		}
	}
}

func TestMatchFindsTheLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ want, accept, tag string }{
		{"", "", "en"},
		{"es", "ar", "es"},
		{"hmn", "", "mww"},
		{"hmn-US", "", "mww"},
		{"hmn_US", "", "mww"},
		{"mww", "", "mww"},
		{"hnj", "", "mww"},
		{"ES-mx", "", "es"},
		{"", "fr-CA, ar-EG;q=0.8, en;q=0.5", "ar"},
		{"", "hmn, en;q=0.5", "mww"},
		{"", "en;q=0.2, es-419;q=0.9", "es"},
		{"", "zh-CN, ksw", "en"},
		{"tlh", "es", "es"},
		{"art-x-mww", "", "en"},
		{"", "es;q=nonsense", "en"},
		{"../../etc", strings.Repeat("es,", 100000), "es"},
		{"", strings.Repeat("x", 600), "en"},
	} {
		if got := pages.Match(c.want, c.accept); got != c.tag {
			t.Errorf("Match(%q, %.40q) is %s, want %s", c.want, c.accept, got, c.tag)
		}
	}
}

func TestOnlyReviewedLanguagesAreSaidToBe(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]bool{"en": true, "es": true, "ar": false, "mww": false, "art-x-mww": false, "xx": false} {
		if pages.Reviewed(tag) != want {
			t.Errorf("Reviewed(%s) is %v", tag, !want)
		}
	}
}

func TestOtherLanguagesAndPagesAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := pages.Render(pages.Frame{Lang: "fr"}, pages.Landing{}); !errors.Is(err, pages.ErrLanguage) {
		t.Errorf("French: %v", err)
	}
	for _, p := range []pages.Page{&pages.Landing{}, pages.Note{Kind: "joke"}, pages.Invitation{State: "x"}, pages.Receipt{}, pages.Choice{State: "x"}} {
		if text, err := pages.Render(stories()["landing"].frame("en"), p); err == nil || text != nil {
			t.Errorf("%#v is shown", p)
		}
	}
}

func TestALanguageLinkNeverLeadsToAnotherHost(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"//elsewhere.example/x", "https://elsewhere.example", "javascript:alert(1)", "/\\elsewhere.example", ""} {
		f := stories()["landing"].frame("en")
		f.Path = path
		text, err := pages.Render(f, pages.Note{Kind: pages.NoteNotFound})
		noError(t, err)
		if !bytes.Contains(text, []byte(`href="/?lang=es"`)) {
			t.Errorf("%q is not led home", path)
		}
	}
}

func TestEveryPageWeighsLittleAndRunsNoScript(t *testing.T) {
	t.Parallel()
	active := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|<img|<iframe|https?://[^l]`)
	for name, s := range stories() {
		for _, lang := range languages() {
			text := s.html(t, lang)
			style := pages.Static()["family.css"]
			if lang == "ar" {
				style = pages.Static()["family.rtl.css"]
			}
			if n := packed(t, []byte(text)) + packed(t, style); n > 20<<10 {
				t.Errorf("%s/%s weighs %d bytes", lang, name, n)
			}
			if found := active.FindString(text); found != "" {
				t.Errorf("%s/%s holds %q", lang, name, found)
			}
		}
	}
}

func packed(t *testing.T, text []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(text)
	noError(t, err)
	noError(t, z.Close())
	return out.Len()
}

func TestTheStylesAreMirrorsAndLoadNothing(t *testing.T) {
	t.Parallel()
	files := pages.Static()
	left, right := files["family.css"], files["family.rtl.css"]
	if len(files) != 3 || len(files["office.css"]) < 1000 || len(left) < 5000 || bytes.Count(left, []byte("{")) != bytes.Count(right, []byte("{")) {
		t.Errorf("%d files of %d and %d bytes", len(files), len(left), len(right))
	}
	for name, text := range files {
		if bytes.Contains(text, []byte("url(")) || bytes.Contains(text, []byte("@import")) || bytes.Contains(text, []byte("@font-face")) {
			t.Errorf("%s loads something", name)
		}
	}
	if !strings.Contains(stories()["landing"].html(t, "ar"), "/static/family.rtl.css?v=") || !strings.Contains(stories()["landing"].html(t, "en"), "/static/family.css?v=") {
		t.Error("a page asks for another style")
	}
}

func TestNamesOfTheOtherDirectionStandAlone(t *testing.T) {
	t.Parallel()
	choice := openChoice()
	_, text, err := pages.ConsentText("ar", choice)
	noError(t, err)
	if !strings.Contains(text, "\u2068Maya\u2069") {
		t.Errorf("Maya is not set apart: %q", text)
	}
	choice.Child = "مايا"
	if _, text, err = pages.ConsentText("en", choice); err != nil || !strings.Contains(text, "\u2068مايا\u2069") || strings.Contains(text, "\u2068Riverside") {
		t.Errorf("%v, %q", err, text)
	}
}

func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	hostile := "<script>alert(1)</script>\"'&{{.Child}}\u202e\u2067\r\nYes, share\u2028"
	for _, lang := range languages() {
		terms := with(terms(), func(t *pages.Terms) { t.Partner, t.District, t.Child = hostile, hostile, hostile })
		_, text, err := pages.ConsentText(lang, pages.Choice{Terms: terms})
		noError(t, err)
		if n := strings.Count(text, "\n"); n != 7 || strings.ContainsAny(text, "\r\u2028\u202e\u2067") || strings.Contains(text, "Maya") {
			t.Errorf("%s: %d lines: %q", lang, n, text)
		}
		s := story{path: "/" + hostile, signedIn: true}
		choice := with(openChoice(), func(c *pages.Choice) {
			c.Terms, c.Ask, c.Records.Grades[0] = terms, hostile, pages.Result{Course: hostile, Mark: hostile}
		})
		receipt := with(yesReceipt(), func(r *pages.Receipt) { r.Terms, r.Number = terms, hostile })
		sight := pages.Sight{Partner: hostile, Purpose: terms.Purpose, Outcome: pages.OutcomeShown, Copy: true}
		for _, p := range []pages.Page{
			choice, receipt,
			pages.Invitation{Link: "/i/x", Partners: []string{hostile}, Children: []string{hostile, hostile}, Contact: hostile},
			pages.Seen{N: 1, Child: hostile, Children: []string{hostile, hostile}, Requests: []pages.Sight{sight}, Groups: []pages.GroupFigures{{Partner: hostile, Agreement: hostile}}},
			pages.SeenCopy{N: 1, Child: hostile, Sight: sight, School: hostile, Ref: hostile, Exact: hostile, Receipt: "/seen/1/2/receipt", Key: hostile},
			pages.Packet{Sheets: []pages.Sheet{{Terms: terms, Student: hostile, Number: hostile, Address: hostile, QR: modules()}}},
		} {
			s.page = p
			if page := s.html(t, lang); strings.Contains(page, "<script") {
				t.Errorf("%s: %T runs a name", lang, p)
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("hmn-US", "es-419;q=0.9, ar")
	f.Fuzz(func(t *testing.T, want, accept string) {
		if got := pages.Match(want, accept); !slices.Contains(languages(), got) {
			t.Errorf("Match(%q, %q) is %q", want, accept, got)
		}
	})
}
