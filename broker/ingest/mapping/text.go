package mapping

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// upper are the letters that Windows-1252 has at 0x80 to 0x9f; zero: none.
var upper = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// decode returns a text as UTF-8, and whether it was Windows-1252; false where
// it is neither.
func decode(data []byte) (text []byte, was1252, ok bool) {
	rest, marked := bytes.CutPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case bytes.IndexByte(rest, 0) >= 0: // UTF-16 and binary files
		return nil, false, false
	case utf8.Valid(rest):
		return rest, false, true
	case marked:
		return nil, false, false
	}
	var b strings.Builder
	b.Grow(len(rest) + len(rest)/8)
	for _, c := range rest {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = upper[c-0x80]
			if r == 0 {
				return nil, false, false
			}
		}
		b.WriteRune(r)
	}
	return []byte(b.String()), true, true
}

// trim is a cell without the space around it.
func trim(s string) string { return strings.TrimSpace(s) }
