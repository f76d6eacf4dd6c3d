package pages

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// LetterKind is what a message to a family is about.
type LetterKind string

// The closed list of messages.
const (
	LetterInvitation     LetterKind = "invitation"      // district, phone, partners, link: one a family, for all children and programs
	LetterCode           LetterKind = "code"            // district, code
	LetterLink           LetterKind = "link"            // district, phone, link: somebody asked for a new one
	LetterReceipt        LetterKind = "receipt"         // district, phone, partner, number, link (to stop)
	LetterSaved          LetterKind = "saved"           // district, phone, partner, number: of an answer that shares nothing
	LetterYearlyReminder LetterKind = "yearly_reminder" // district, phone, partners, link
	LetterBirthdaySoon   LetterKind = "birthday_soon"   // district, phone, to (guardian or student), date (the birthday)
)

// LetterKinds returns the closed list.
func LetterKinds() []LetterKind {
	return []LetterKind{LetterInvitation, LetterCode, LetterLink, LetterReceipt, LetterSaved, LetterYearlyReminder, LetterBirthdaySoon}
}

// Errors of Letter. They name the value, never what stands in it.
var (
	ErrLetter      = errors.New("there is no message of this kind: see LetterKinds")
	ErrLetterValue = errors.New("a value of the message is missing or malformed")
)

// letterValues lists what the messages of a kind say, by to.
func letterValues(kind LetterKind, to string) ([]string, bool) {
	needs := map[string][]string{
		"invitation":             {"district", "phone", "partners", "link"},
		"code":                   {"district", "code"},
		"link":                   {"district", "phone", "link"},
		"receipt":                {"district", "phone", "partner", "number", "link"},
		"saved":                  {"district", "phone", "partner", "number"},
		"yearly_reminder":        {"district", "phone", "partners", "link"},
		"birthday_soon_guardian": {"district", "phone", "date"},
		"birthday_soon_student":  {"district", "phone", "date"},
	}
	list, ok := needs[letterKey(kind, to)]
	return list, ok
}

func letterKey(kind LetterKind, to string) string {
	if to == "" {
		return string(kind)
	}
	return string(kind) + "_" + to
}

// Letter returns subject and text of a message, in plain text that fits a text
// message as well as an e-mail. Each kind says in its comment which values it
// needs: partners are names on a line each, date is YYYY-MM-DD; others are taken as
// they stand, and any more are ignored. No message names a child. It returns ErrLanguage, ErrLetter or
// ErrLetterValue.
func Letter(kind LetterKind, lang string, with map[string]string) (subject, text string, err error) {
	w, err := shelved(lang)
	if err != nil {
		return "", "", err
	}
	needs, ok := letterValues(kind, with["to"])
	if !ok {
		return "", "", ErrLetter
	}
	filled := values{}
	for _, name := range needs {
		value, ok := w.letterValue(name, with[name])
		if !ok {
			return "", "", fmt.Errorf("%w: %s", ErrLetterValue, name)
		}
		filled[strings.ToUpper(name[:1])+name[1:]] = value
	}
	key := "letter_" + letterKey(kind, with["to"])
	subject, text = w.say(key+"_subject", filled), w.say(key+"_text", filled)
	return subject, text, w.fault
}

// letterValue writes one value as the language wants it.
func (w *words) letterValue(name, value string) (string, bool) {
	if value == "" || name != "partners" && strings.ContainsAny(value, "\r\n") {
		return "", false
	}
	switch name {
	case "date":
		day, err := civil.Parse(value)
		return w.date(day), err == nil
	case "partners":
		list := slices.DeleteFunc(strings.Split(value, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
		return w.names(list), len(list) > 0
	case "district", "partner":
		return w.name(value), true
	case "link", "code": // on a line of its own, or to be typed: without marks that would become part of it
		return value, true
	}
	return w.latin(value), true
}
