package records

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// MatchKey returns the text by which a roster row and a student are the same
// person: given name, family name and birth date. Each name is decomposed
// (NFKD), loses its diacritics, is case-folded and keeps letters and digits
// only, so that "O'Brien-Núñez" and "OBRIEN NUNEZ" meet. Letters that Unicode
// does not decompose (ø, ł, đ, æ, œ, þ, ð, ı, ß) stand for their usual spelling.
// The key is personal data: it is stored as an HMAC only. It is empty where a
// name has no letter or the birth date is missing, which matches nobody.
func MatchKey(given, family string, birth civil.Date) string {
	g, f := matchName(given), matchName(family)
	if g == "" || f == "" || birth.IsZero() {
		return ""
	}
	return g + "|" + f + "|" + birth.String()
}

// SameName reports whether a name as somebody wrote it is a person's given and family
// name, in either order: case, accents, spaces and signs aside.
func SameName(written, given, family string) bool {
	w, g, f := matchName(written), matchName(given), matchName(family)
	return g != "" && f != "" && (w == g+f || w == f+g)
}

func matchName(name string) string {
	if plain, ok := asciiName(name); ok {
		return plain
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch r = foldCase(r); {
		case spelling(r) != "":
			b.WriteString(spelling(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// foldCase returns one of the letters that differ in case only, the same for
// all of them.
func foldCase(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return unicode.ToLower(least)
}

// asciiName is matchName for a name of ASCII only.
func asciiName(name string) (string, bool) {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 0x80:
			return "", false
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			out = append(out, c)
		}
	}
	return string(out), true
}

func spelling(r rune) string {
	switch r {
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	case 'ß':
		return "ss"
	}
	return ""
}
