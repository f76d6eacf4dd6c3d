package pages_test

import (
	"errors"
	"flag"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

var update = flag.Bool("update", false, "write testdata anew")

// variants are terms that together use every sentence of the text.
func variants() []pages.Terms {
	var all []pages.Terms
	for _, self := range []bool{false, true} {
		for i, purpose := range consent.Purposes() {
			all = append(all, with(terms(), func(t *pages.Terms) {
				t.Self, t.Purpose, t.WhileInProgram = self, purpose, i > 0
				t.Categories = consent.Categories()[i:]
				if i > 1 {
					t.Until = 0
				}
			}))
		}
	}
	return all
}

// What was signed is kept by version, language and hash: the words of a version
// never change.
func TestTheWordsOfAConsentChangeWithTheirVersion(t *testing.T) {
	t.Parallel()
	for _, lang := range languages() {
		var all strings.Builder
		for _, terms := range variants() {
			version, text, err := pages.ConsentText(lang, pages.Choice{Terms: terms})
			noError(t, err)
			all.WriteString(version + " " + pages.TextHash(text) + "\n" + text + "\n")
		}
		file := "testdata/consent." + lang + ".txt"
		if *update {
			noError(t, os.WriteFile(file, []byte(all.String()), 0o600))
		}
		want, err := os.ReadFile(file)
		noError(t, err)
		if all.String() != string(want) {
			t.Errorf("%s: the consent text is not that of %s: raise ConsentVersion, then go test ./broker/pages -run Consent -update; got\n%s", lang, file, all.String())
		}
	}
}

func TestAConsentIsAQuestionAndSixShortSentences(t *testing.T) {
	t.Parallel()
	for _, lang := range languages() {
		for _, terms := range variants() {
			_, text, err := pages.ConsentText(lang, pages.Choice{Terms: terms})
			noError(t, err)
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if len(lines) != 7 || slices.Contains(lines, "") || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
				t.Errorf("%s: %q", lang, text)
			}
			if g := grade(text); lang == "en" && g > 6 {
				t.Errorf("reads at grade %.1f:\n%s", g, text)
			}
		}
	}
}

var said = regexp.MustCompile(`<(?:h1|[a-z0-9]+ [^>]*class="[^"]*said")[^>]*>(.*?)</`)

// spoken is the consent text as a page shows it, in the page's order.
func spoken(page string) (lines []string) {
	for _, m := range said.FindAllStringSubmatch(page, -1) {
		lines = append(lines, html.UnescapeString(m[1]))
	}
	return lines
}

func TestThePageShowsTheVeryTextThatIsSigned(t *testing.T) {
	t.Parallel()
	for _, lang := range languages() {
		for _, terms := range variants() {
			c := with(openChoice(), func(c *pages.Choice) { c.Terms = terms })
			_, text, err := pages.ConsentText(lang, c)
			noError(t, err)
			page := story{path: "/asks/ask_7Q2K", page: c}.html(t, lang)
			if got := strings.Join(spoken(page), "\n") + "\n"; got != text {
				t.Errorf("%s shows\n%s\nand has signed\n%s", lang, got, text)
			}
			if !strings.Contains(page, `name="text" value="`+pages.TextHash(text)+`"`) {
				t.Errorf("%s: the hash on the page is another", lang)
			}
			sheet := story{path: "/", page: pages.Packet{Sheets: []pages.Sheet{{Terms: terms, MaySign: true, Student: "Maya Reyes", Number: "1"}}}}.html(t, lang)
			if got := strings.Join(spoken(sheet)[1:], "\n") + "\n"; got != text || !strings.Contains(sheet, pages.TextHash(text)) {
				t.Errorf("%s prints\n%s\nand has signed\n%s", lang, got, text)
			}
		}
	}
}

func TestTheTextIsTheSameWhateverTheRecordsSay(t *testing.T) {
	t.Parallel()
	_, before, err := pages.ConsentText("en", openChoice())
	noError(t, err)
	_, after, err := pages.ConsentText("en", with(openChoice(), func(c *pages.Choice) {
		c.Records, c.State, c.MaySign, c.Ask = pages.Records{}, pages.ChoiceOff, false, "other"
	}))
	noError(t, err)
	if before != after {
		t.Errorf("%q became %q", before, after)
	}
}

// breaches are terms that leave out what the law wants named.
func breaches() map[string]func(*pages.Terms) {
	return map[string]func(*pages.Terms){
		"district":         func(t *pages.Terms) { t.District = "" },
		"partner":          func(t *pages.Terms) { t.Partner = "" },
		"child":            func(t *pages.Terms) { t.Child = "" },
		"purpose":          func(t *pages.Terms) { t.Purpose = "" },
		"categories":       func(t *pages.Terms) { t.Categories = nil },
		"unknown category": func(t *pages.Terms) { t.Categories = []consent.Category{"health"} },
		"from":             func(t *pages.Terms) { t.RecordsFrom = 0 },
		"to":               func(t *pages.Terms) { t.RecordsTo = t.RecordsFrom - 1 },
		"until":            func(t *pages.Terms) { t.Until = 0 },
	}
}

func TestAConsentThatNamesNotAllCannotBeShown(t *testing.T) {
	t.Parallel()
	for name, breach := range breaches() {
		c := with(openChoice(), func(c *pages.Choice) { breach(&c.Terms) })
		if _, _, err := pages.ConsentText("en", c); !errors.Is(err, pages.ErrTerms) {
			t.Errorf("without %s the text is made: %v", name, err)
		}
		f := stories()["choice"].frame("en")
		if text, err := pages.Render(f, c); !errors.Is(err, pages.ErrTerms) || text != nil {
			t.Errorf("without %s the page is shown: %v", name, err)
		}
		if _, err := pages.Render(f, pages.Packet{Sheets: []pages.Sheet{{Terms: c.Terms, MaySign: true}}}); !errors.Is(err, pages.ErrTerms) {
			t.Errorf("without %s the sheet is printed: %v", name, err)
		}
	}
	c := with(openChoice(), func(c *pages.Choice) { c.Until = 0 })
	if _, err := pages.RenderWithout(stories()["choice"].frame("en"), c, pages.SignsInPart()); err != nil {
		t.Errorf("without the guard: %v", err)
	}
}

func TestATextThatNobodyReviewedHasNoButtons(t *testing.T) {
	t.Parallel()
	buttons := func(text string) bool {
		return strings.Contains(text, `name="answer"`) || strings.Contains(text, `class="boxes"`)
	}
	for _, name := range []string{"choice-unreviewed", "packet-unreviewed"} {
		s := stories()[name]
		if text := s.html(t, "ar"); buttons(text) || !strings.Contains(text, "Español") {
			t.Errorf("%s can be signed, or names no language in which it can", name)
		}
		text, err := pages.RenderWithout(s.frame("ar"), s.page, pages.SignsAnything())
		noError(t, err)
		if !buttons(string(text)) {
			t.Errorf("%s: without the guard nothing changes", name)
		}
	}
}

func TestRecordsThatAreNotAskedForAreNotShown(t *testing.T) {
	t.Parallel()
	secrets := map[consent.Category]string{
		consent.Attendance: "93.5", consent.Grades: "B+", consent.DisciplineIncident: "Fighting", consent.DisciplineAction: "Call home", consent.DisciplineDates: "November 3, 2026",
	}
	for _, asked := range consent.Categories() {
		c := with(openChoice(), func(c *pages.Choice) { c.Categories = []consent.Category{asked} })
		f := stories()["choice"].frame("en")
		text, err := pages.Render(f, c)
		noError(t, err)
		broken, err := pages.RenderWithout(f, c, pages.ShowsAllRecords())
		noError(t, err)
		for category, secret := range secrets {
			if strings.Contains(string(text), secret) != (category == asked) {
				t.Errorf("asked for %s: %s is wrong", asked, category)
			}
			if !strings.Contains(string(broken), secret) {
				t.Errorf("without the guard %s is not shown", category)
			}
		}
	}
}

// Only an open request shows records; a receipt, a stop link and an invitation
// show none.
func TestOtherPagesShowNoRecords(t *testing.T) {
	t.Parallel()
	for name, s := range stories() {
		c, is := s.page.(pages.Choice)
		_, copied := s.page.(pages.SeenCopy)
		text := s.html(t, "en")
		if open := is && c.State == pages.ChoiceOpen || copied; !open && strings.Contains(text, `class="values"`) {
			t.Errorf("%s shows records", name)
		}
		if i, is := s.page.(pages.Invitation); is && i.State != pages.InvitationOpen && strings.Contains(text, "Maya") {
			t.Errorf("%s names a child", name)
		}
	}
}

func TestNamesThatAreHeldAreNotShown(t *testing.T) {
	t.Parallel()
	for _, lang := range languages() {
		if text := stories()["seen-held"].html(t, lang); strings.Contains(text, "Riverside") || strings.Contains(text, "City Library") {
			t.Errorf("%s names an organization", lang)
		}
		s := stories()["seen-held"]
		text, err := pages.RenderWithout(s.frame(lang), s.page, pages.ShowsHeldNames())
		noError(t, err)
		if !strings.Contains(string(text), "Riverside") {
			t.Errorf("%s: without the guard nothing changes", lang)
		}
	}
}

func TestWhatIsOverHasNoLastDay(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"receipt-yes": true, "receipt-stopped": false, "receipt-ended": false, "receipt-no": false} {
		if strings.Contains(stories()[name].html(t, "en"), "They may look until") != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
}
