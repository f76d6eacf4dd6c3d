package pages

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Language is one that families can read.
type Language struct {
	Tag  string // BCP 47
	Name string // in the language itself
	Dir  string // ltr or rtl

	numbers string // the tag by which its numbers are written
	file    string // the tag under which go-i18n knows it
}

// Languages returns the languages in the order of the menu; the first is the source.
//
// Numbers of Spanish are those of the United States and numbers of Arabic are
// in Latin digits: they must match the paper record. Hmong has no plural rules in
// go-i18n and is loaded under a private tag, which counts as English does.
func Languages() []Language {
	return []Language{
		{"en", "English", "ltr", "en-US", "en"},
		{"es", "Español", "ltr", "es-US", "es"},
		{"ar", "العربية", "rtl", "ar-u-nu-latn", "ar"},
		{"mww", "Hmoob", "ltr", "en-US", "art-x-mww"},
	}
}

// languageOf finds a language by its tag.
func languageOf(tag string) (Language, bool) {
	all := Languages()
	i := slices.IndexFunc(all, func(l Language) bool { return l.Tag == tag })
	if i < 0 {
		return Language{}, false
	}
	return all[i], true
}

// aliases are tags by which browsers and student systems name a language that
// x/text would not match: all of Hmong, and the Arabic that is spoken.
func aliases() map[string]string {
	return map[string]string{
		"hmn": "mww", "hnj": "mww", "blu": "mww", "hmong": "mww",
		"arb": "ar", "arz": "ar", "apc": "ar", "acm": "ar", "ary": "ar", "apd": "ar",
		"spa": "es", "eng": "en", "ara": "ar",
	}
}

// maxAccept bounds what is read of an Accept-Language header.
const maxAccept = 512

// Match returns the tag of the language to show: what was asked for by name
// (want, such as the query lang or the language on file), else the best of an
// Accept-Language header, else English.
func Match(want, accept string) string {
	if tag, ok := known(want); ok {
		return tag
	}
	if len(accept) > maxAccept {
		accept = accept[:maxAccept]
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		tags = nil
	}
	for _, tag := range tags {
		if tag, ok := known(tag.String()); ok {
			return tag
		}
	}
	return Languages()[0].Tag
}

// known reads a tag with or without region: hmn-US is mww.
func known(tag string) (string, bool) {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if alias, ok := aliases()[base]; ok {
		base = alias
	}
	_, ok := languageOf(base)
	return base, ok
}

// Reviewed reports whether the texts that ship in a language were reviewed by
// somebody who is named in its file. A consent text that was not is not offered
// for signing, unless the district records a review of its own.
func Reviewed(tag string) bool {
	w, err := shelved(tag)
	if err != nil {
		return false
	}
	return w.reviewedBy() != ""
}
