package pages_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	sentenceEnd = regexp.MustCompile(`[.?!:]+(\s|$)|\n`)
	vowels      = regexp.MustCompile(`[aeiouy]+`)
	silent      = regexp.MustCompile(`([^aeiouyl]e|[^td]ed|[^sxzcg]es)$`)
	block       = regexp.MustCompile(`</(p|h1|h2|h3|li|dt|dd|label|legend|button|summary|span)>`)
	tag         = regexp.MustCompile(`<[^>]*>`)
)

// syllables counts the groups of vowels of a word, less an e that is not heard.
func syllables(word string) int {
	word = strings.ToLower(word)
	n := len(vowels.FindAllString(word, -1))
	if n > 1 && silent.MatchString(word) {
		n--
	}
	for _, apart := range []string{"ia", "io", "eo", "ua", "iu"} { // two sounds, but not in -tion and the like
		if i := strings.Index(word, apart); i > 0 && !strings.ContainsRune("tscqg", rune(word[i-1])) {
			n++
		}
	}
	return max(n, 1)
}

// grade is the Flesch-Kincaid grade of an English text: the school year in which
// it can be read. A line ends a sentence.
func grade(text string) float64 {
	sentences, words, sounds := 0, 0, 0
	for _, s := range sentenceEnd.Split(text, -1) {
		in := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
		if len(in) == 0 {
			continue
		}
		sentences++
		words += len(in)
		for _, w := range in {
			sounds += syllables(w)
		}
	}
	if words == 0 {
		return 0
	}
	return 0.39*float64(words)/float64(sentences) + 11.8*float64(sounds)/float64(words) - 15.59
}

// prose is the text of a page's main part, a line for each block.
func prose(page string) string {
	_, main, _ := strings.Cut(page, "<main")
	main, _, _ = strings.Cut(main[strings.Index(main, ">")+1:], "</main>")
	return html.UnescapeString(tag.ReplaceAllString(block.ReplaceAllString(main, "\n"), " "))
}

// The count errs towards the harder: -ian counts as two sounds.
func TestTheReadingLevelOfKnownTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"The cat sat on the mat.": -1.45,
		"The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.":                                                                                                11.3,
		"Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal.": 14.2,
	} {
		if got := grade(text); got < want-1 || got > want+2 {
			t.Errorf("grade %.1f, want about %.1f: %s", got, want, text)
		}
	}
	legal := "The undersigned hereby authorizes the disclosure of personally identifiable information contained in the education records of the aforementioned student."
	if got := grade(legal); got < 18 {
		t.Errorf("the sentence of a lawyer reads at grade %.1f", got)
	}
}

func TestASixthGraderCanReadEveryPage(t *testing.T) {
	t.Parallel()
	for name, s := range stories() {
		text := prose(s.html(t, "en"))
		if g := grade(text); g > 6 {
			t.Errorf("%s reads at grade %.1f:\n%s", name, g, strings.Join(strings.Fields(text), " "))
		}
	}
}
