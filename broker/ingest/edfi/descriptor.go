package edfi

import "strings"

// codeOf is the code value of a descriptor, whichever way it is written:
// "uri://ns/TermDescriptor#Fall Semester",
// "http://ns/Descriptor/TermDescriptor.xml/Fall Semester", or the code alone.
func codeOf(text string) string {
	if _, code, found := strings.Cut(text, "#"); found && strings.Contains(text, "://") {
		return strings.TrimSpace(code)
	}
	if strings.Contains(text, "://") {
		for _, mark := range []string{"Descriptor.xml/", "Descriptor/"} {
			if at := strings.LastIndex(text, mark); at >= 0 {
				return strings.TrimSpace(text[at+len(mark):])
			}
		}
	}
	return text
}

// words brings a code into small letters with one space between its words, so
// that "In-School Suspension", "InSchoolSuspension" and "in school suspension"
// are one.
func words(code string) string {
	var b strings.Builder
	small := false
	for _, r := range code {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			small = true
			b.WriteRune(r)
		case 'A' <= r && r <= 'Z':
			if small {
				b.WriteByte(' ')
			}
			small = false
			b.WriteRune(r + 'a' - 'A')
		case r == '\'':
		default:
			small = false
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// A codebook is what the district's own descriptors say of its codes: for the
// kind of descriptor and a code, the texts that may explain it.
type codebook map[[2]string][]string

// add takes one descriptor, the first of a code. what is the kind, such as "term".
func (b codebook) add(what string, rec *record) {
	c := rec.get(code)
	if c == "" || what == "" {
		return
	}
	key := [2]string{what, words(c)}
	if b[key] == nil {
		b[key] = []string{rec.get(mapped), rec.get(shortText), rec.get(longText)}
	}
}

// meaning reads a code: as it stands first, else as the district's descriptor
// maps or describes it. know reports whether it understood.
func (b codebook) meaning(what, text string, know func(words string) (string, bool)) (string, bool) {
	c := codeOf(text)
	if meant, ok := know(words(c)); ok {
		return meant, true
	}
	for _, explained := range b[[2]string{what, words(c)}] {
		if meant, ok := know(words(explained)); ok && explained != "" {
			return meant, true
		}
	}
	return c, false
}

// label is the text of a code for people: what the district's descriptor calls
// it in short, where the code alone is a cipher of up to four characters.
func (b codebook) label(what, text string) string {
	c := codeOf(text)
	if len(c) > 4 {
		return c
	}
	for _, explained := range b[[2]string{what, words(c)}] {
		if explained != "" {
			return explained
		}
	}
	return c
}
