package edfi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// record reads a record from its element. missing says that it has not the id
// that it should have.
func (r *resource) record(e *element, at where) (rec *record, missing bool) {
	rec = &record{where: at, kind: r.kind}
	had := map[field]bool{}
	for i := range r.fields {
		s := &r.fields[i]
		if had[s.field] {
			continue
		}
		for _, text := range s.read(e) {
			rec.values = append(rec.values, value{s.field, text})
			had[s.field] = true
			if !s.many && s.pick == nil {
				break
			}
		}
	}
	if len(r.key) > 0 {
		rec.key = rec.keyed(r.key)
	}
	return rec, r.hasID && rec.get(r.must) == ""
}

func (s *source) read(e *element) (list []string) {
	if s.pick != nil {
		return s.pick(e)
	}
	list = e.values(s.steps)
	for i, text := range list {
		list[i] = s.clean(text)
	}
	return list
}

// clean brings years, days and flags into the words of the plain form, where
// they are what they should be.
func (s *source) clean(text string) string {
	switch s.field {
	case year:
		return yearName(text)
	case begin, end, birth, date, periodBegin:
		return isoDay(text)
	case primary, legal, emergency, hispanic, disadvantaged:
		return yesNo(text)
	}
	return text
}

// yearName is a school year's name: "2021-2022", or 2022 for the year that
// ends in it, as 2021-22.
func yearName(text string) string {
	first, last, two := strings.Cut(text, "-")
	if !two {
		first, last = "", text
	}
	n, err := strconv.Atoi(last)
	if err != nil || len(last) != 4 || n < 1 || two && first != strconv.Itoa(n-1) {
		return text
	}
	return strconv.Itoa(n-1) + "-" + last[2:]
}

// isoDay cuts the time or the zone from an XML or API date.
func isoDay(text string) string {
	if len(text) > 10 && text[4] == '-' && text[7] == '-' && strings.ContainsRune("TZ+-", rune(text[10])) {
		return text[:10]
	}
	return text
}

func yesNo(text string) string {
	switch strings.ToLower(text) {
	case "true", "1":
		return "yes"
	case "false", "0":
		return "no"
	}
	return text
}

// incidentKeysOf returns the keys of the incidents that a record names in any
// of the ways of the versions, each once.
func incidentKeysOf(e *element) (keys []string) {
	seen := map[string]bool{}
	for _, named := range e.outermost("disciplineincidentreference", "disciplineincidents", "studentdisciplineincidentassociationreference",
		"studentdisciplineincidentbehaviorassociationreference") {
		key := keyOf(named.first("schoolid"), named.first("incidentidentifier"))
		if key != "" && !seen[key] {
			keys, seen[key] = append(keys, key), true
		}
	}
	return keys
}

// bestEmail prefers the address that is marked as primary, and takes none that
// must not be published.
func bestEmail(e *element) []string {
	return best(e, []string{"electronicmails", "electronicmail"}, "electronicmailaddress", func(m *element) int {
		if yesNo(m.first("primaryemailaddressindicator")) == "yes" {
			return 0
		}
		return 1
	})
}

// bestPhone prefers the number that comes first in order of priority.
func bestPhone(e *element) []string {
	return best(e, []string{"telephones", "telephone"}, "telephonenumber", func(t *element) int {
		if strings.Contains(strings.ToLower(t.first("telephonenumbertype")), "fax") {
			return 1 << 20
		}
		n, err := strconv.Atoi(t.first("orderofpriority"))
		if err != nil {
			return 1 << 10
		}
		return n
	})
}

func best(e *element, names []string, what string, rank func(*element) int) []string {
	list := e.outermost(names...)
	list = slices.DeleteFunc(list, func(m *element) bool {
		return m.first(what) == "" || yesNo(m.first("donotpublishindicator")) == "yes"
	})
	if len(list) == 0 {
		return nil
	}
	return []string{slices.MinFunc(list, func(a, b *element) int { return cmp.Compare(rank(a), rank(b)) }).first(what)}
}

// homeLanguage is the language that the contact speaks at home, else the first.
func homeLanguage(e *element) []string {
	var list []string
	for _, l := range e.outermost("languages", "language") {
		code := languageTag(l)
		use := strings.ToLower(l.first("languageuse"))
		switch {
		case code == "":
		case strings.Contains(use, "home"):
			return []string{code}
		default:
			list = append(list, code)
		}
	}
	return list[:min(1, len(list))]
}

// languageTag is the code of a language, which the standard gives with two or
// three letters or, to 2.x, by its English name.
func languageTag(l *element) string {
	code := l.value()
	if code == "" {
		code = l.first("language")
	}
	code = codeOf(code)
	if tag, known := languageNames[strings.ToLower(code)]; known {
		return tag
	}
	return code
}

var languageNames = map[string]string{
	"english": "en", "spanish": "es", "french": "fr", "german": "de", "portuguese": "pt", "italian": "it", "russian": "ru",
	"chinese": "zh", "mandarin": "zh", "vietnamese": "vi", "arabic": "ar", "somali": "so", "hmong": "hmn", "korean": "ko",
	"tagalog": "tl", "japanese": "ja", "polish": "pl", "ukrainian": "uk", "urdu": "ur", "hindi": "hi", "bengali": "bn",
	"haitian creole": "ht", "swahili": "sw", "nepali": "ne", "burmese": "my", "karen": "kar", "persian": "fa", "punjabi": "pa",
}
