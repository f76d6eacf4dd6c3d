package ingest

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The encodings a file may have.
const (
	utf8Text    = "UTF-8"
	utf8WithBOM = "UTF-8 with a byte-order mark"
	windows1252 = "Windows-1252"
)

// decode returns the text of a file as UTF-8 and the encoding it had; false
// where it has none of those accepted.
func decode(data []byte) (text []byte, encoding string, ok bool) {
	encoding = utf8Text
	if rest, found := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); found {
		data, encoding = rest, utf8WithBOM
	}
	if bytes.IndexByte(data, 0) >= 0 { // UTF-16 and binary files
		return nil, "", false
	}
	if utf8.Valid(data) {
		return data, encoding, true
	}
	if encoding == utf8WithBOM {
		return nil, "", false
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil || bytes.Contains(text, []byte("\ufffd")) {
		return nil, "", false
	}
	return text, windows1252, true
}
