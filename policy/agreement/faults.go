package agreement

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/consent"
)

// FieldError says what is wrong with one field and how to mend it.
type FieldError = consent.FieldError

// FieldErrors are all the faults of one document.
type FieldErrors = consent.FieldErrors

// faults collects field errors.
type faults struct{ list FieldErrors }

func (f *faults) unless(ok bool, field, problem, remedy string) {
	if !ok {
		f.list = append(f.list, FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
}

// text wants one paragraph of at most limit characters. Line breaks, control
// characters and those that turn the direction of writing are refused: free
// text must not be able to look like another clause of the signed document.
func (f *faults) text(field, value string, limit int, remedy string) {
	switch {
	case strings.TrimSpace(value) == "":
		f.unless(false, field, "is missing", remedy)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unprintable):
		f.unless(false, field, "has line breaks or invisible characters", "write it as one plain paragraph")
	case utf8.RuneCountInString(value) > limit:
		f.unless(false, field, "is too long", "use at most "+strconv.Itoa(limit)+" characters")
	}
}

// word wants an id: text without spaces that is no wildcard.
func (f *faults) word(field, value, remedy string) {
	f.text(field, value, 100, remedy)
	f.unless(!strings.ContainsFunc(value, unicode.IsSpace), field, "has spaces", remedy)
	f.unless(!wildcard(value), field, "is a wildcard", "name each one")
}

func unprintable(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' && r != '\u00a0'
}

func wildcard(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "*", "all", "any", "every":
		return true
	}
	return false
}

// at is the JSON path of one element.
func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list
}
