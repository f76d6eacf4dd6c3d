package mapping

import (
	"bytes"
	"unicode/utf8"
)

// maxNesting bounds the elements of a part inside one another.
const maxNesting = 64

// wellFormed reports whether a part of a workbook is XML to its end, without a
// document type. It is stricter than it must be and builds nothing, since it
// reads every part beside the library.
func wellFormed(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return false
	}
	var open [][]byte
	for {
		at := bytes.IndexByte(text, '<')
		if at < 0 {
			return len(open) == 0 && plainText(text)
		}
		if !plainText(text[:at]) {
			return false
		}
		rest, ok := skipMarkup(text[at:])
		if !ok {
			if rest, open, ok = element(text[at:], open); !ok {
				return false
			}
		}
		text = rest
	}
}

// skipMarkup passes over a comment, a declaration or a stretch of text; false
// where something else begins, or it does not end.
func skipMarkup(text []byte) (rest []byte, ok bool) {
	for _, pair := range [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if !bytes.HasPrefix(text, []byte(pair[0])) {
			continue
		}
		end := bytes.Index(text[len(pair[0]):], []byte(pair[1]))
		if end < 0 {
			return text, false
		}
		return text[len(pair[0])+end+len(pair[1]):], true
	}
	return text, false
}

// element reads one tag, and opens or closes the element that it names.
func element(text []byte, open [][]byte) (rest []byte, now [][]byte, ok bool) {
	text = text[1:]
	closes := bytes.HasPrefix(text, []byte("/"))
	if closes {
		text = text[1:]
	}
	end := bytes.IndexAny(text, " \t\r\n/>")
	if end < 1 || text[0] == '!' || text[0] == '?' {
		return nil, nil, false
	}
	name := text[:end]
	rest, single, ok := attributes(text[end:])
	switch last := len(open) - 1; {
	case !ok || closes && single:
		return nil, nil, false
	case closes:
		return rest, open[:max(last, 0)], last >= 0 && bytes.Equal(open[last], name)
	case single:
		return rest, open, true
	}
	return rest, append(open, name), len(open) < maxNesting
}

// attributes reads the rest of a tag, and whether the element ends with it.
func attributes(text []byte) (rest []byte, single, ok bool) {
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		switch {
		case bytes.HasPrefix(text, []byte(">")):
			return text[1:], false, true
		case bytes.HasPrefix(text, []byte("/>")):
			return text[2:], true, true
		}
		at := bytes.IndexByte(text, '=')
		if at < 1 || bytes.ContainsAny(text[:at], "<>\"'&/") {
			return nil, false, false
		}
		text = bytes.TrimLeft(text[at+1:], " \t\r\n")
		if len(text) == 0 || text[0] != '"' && text[0] != '\'' {
			return nil, false, false
		}
		end := bytes.IndexByte(text[1:], text[0])
		if end < 0 || bytes.IndexByte(text[1:end+1], '<') >= 0 || !plainText(text[1:end+1]) {
			return nil, false, false
		}
		text = text[end+2:]
	}
}

// plainText reports whether a text has neither control characters nor entities
// that XML does not define of itself.
func plainText(text []byte) bool {
	for i, c := range text {
		switch {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return false
		case c == '&' && !entity(text[i+1:]):
			return false
		}
	}
	return true
}

func entity(text []byte) bool {
	end := bytes.IndexByte(text[:min(len(text), 10)], ';')
	if end < 1 {
		return false
	}
	switch name := string(text[:end]); name {
	case "amp", "lt", "gt", "quot", "apos":
		return true
	default:
		return name[0] == '#' && len(name) > 1
	}
}
