package agreement

import (
	"slices"
	"strings"
	"unicode"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// BanYears is the least length of a ban: an organization that disclosed
// records against the rules, or did not destroy them, is denied access for at
// least five years (20 USC 1232g(b)(4)(B); 34 CFR 99.67).
const BanYears = 5

// Ban denies a legal entity all access from one day up to, not including,
// another, whatever partner id or name it comes back under. Order is the
// reference or hash of the decision.
type Ban struct {
	LegalEntity string     `json:"legal_entity"`
	TaxID       string     `json:"tax_id,omitzero"`
	From        civil.Date `json:"from"`
	Until       civil.Date `json:"until"`
	Order       string     `json:"order"`
}

// Validate returns FieldErrors for what a ban lacks; it is never shorter than
// BanYears.
func (b Ban) Validate() error {
	var f faults
	f.text("legal_entity", b.LegalEntity, 200, "give the registered name of the organization")
	f.unless(NormalLegalEntity(b.LegalEntity) != "", "legal_entity", "has no letters or digits", "give the registered name")
	f.text("order", b.Order, 500, "give the reference or hash of the decision to ban")
	f.unless(!b.From.IsZero(), "from", "is missing", "give the first day of the ban")
	f.unless(b.Until >= b.From.AddYears(BanYears), "until", "is less than five years after from",
		"a ban lasts at least five years (34 CFR 99.67)")
	return f.err()
}

// Binds reports whether the ban is in force on a day for a partner. Names and
// tax numbers are compared in their normal forms, each with each, since some
// districts keep the tax number as the legal entity.
func (b Ban) Binds(p Partner, today civil.Date) bool {
	if today < b.From || today >= b.Until {
		return false
	}
	theirs := identities(p.LegalEntity, p.TaxID)
	return slices.ContainsFunc(identities(b.LegalEntity, b.TaxID), func(id string) bool { return slices.Contains(theirs, id) })
}

// Banned reports whether any of the bans binds a partner on a day.
func Banned(p Partner, bans []Ban, today civil.Date) bool {
	return slices.ContainsFunc(bans, func(b Ban) bool { return b.Binds(p, today) })
}

func identities(legalEntity, taxID string) []string {
	var ids []string
	for _, id := range []string{NormalLegalEntity(legalEntity), NormalTaxID(taxID), NormalTaxID(legalEntity)} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// legalForms are the words that say what sort of company it is, not which.
var legalForms = []string{
	"the", "inc", "incorporated", "llc", "lc", "pllc", "llp", "lp", "ltd", "limited", "co", "company",
	"corp", "corporation", "nfp", "npo", "foundation", "trust",
}

// NormalLegalEntity returns the form in which registered names are compared:
// letters and digits of any alphabet, lower case, without accents of Latin
// letters, without punctuation, with "and" for "&", and without the words for
// the legal form. It is "" only if there is nothing to compare.
func NormalLegalEntity(name string) string {
	name = strings.ReplaceAll(name, "&", " and ")
	name = strings.NewReplacer(".", "", "'", "", "’", "").Replace(name)
	words := strings.FieldsFunc(plainLatin(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(legalForms, w) })
	if len(kept) == 0 {
		kept = words
	}
	return strings.Join(kept, " ")
}

// NormalTaxID returns the digits of a tax number of nine digits or more,
// written with or without separators, else "".
func NormalTaxID(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	if len(digits) < 9 || strings.ContainsFunc(s, unicode.IsLetter) {
		return ""
	}
	return digits
}

var accented = map[rune]string{
	'à': "a", 'á': "a", 'â': "a", 'ã': "a", 'ä': "a", 'å': "a", 'æ': "ae", 'ç': "c", 'è': "e", 'é': "e", 'ê': "e",
	'ë': "e", 'ì': "i", 'í': "i", 'î': "i", 'ï': "i", 'ñ': "n", 'ò': "o", 'ó': "o", 'ô': "o", 'õ': "o", 'ö': "o",
	'ø': "o", 'ù': "u", 'ú': "u", 'û': "u", 'ü': "u", 'ý': "y", 'ÿ': "y", 'ß': "ss", 'ą': "a", 'ć': "c", 'č': "c",
	'ę': "e", 'ł': "l", 'ń': "n", 'ś': "s", 'š': "s", 'ź': "z", 'ż': "z", 'ž': "z",
}

// plainLatin lowers the letters and takes accents off, written as one rune or
// as two.
func plainLatin(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch plain, ok := accented[r]; {
		case ok:
			b.WriteString(plain)
		case unicode.Is(unicode.Mn, r):
		case r >= '！' && r <= '～': // full-width forms of ASCII
			b.WriteRune(unicode.ToLower(r - '！' + '!'))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
