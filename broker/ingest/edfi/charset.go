package edfi

import (
	"bufio"
	"io"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// charset reads a file that declares an encoding other than UTF-8.
func (f *xmlFile) charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		f.set.store.report.Note(ingest.Place{File: f.name}, "", ingest.ReadAsWindows1252, "")
		return &western{in: bufio.NewReader(input)}, nil
	}
	return nil, errEncoding
}

// western reads Windows-1252, which holds ISO 8859-1, as UTF-8.
type western struct {
	in   *bufio.Reader
	rest []byte
}

// windows1252 are the characters of 0x80 to 0x9f; the five bytes that stand
// for none are read as a replacement character.
var windows1252 = []rune("€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ")

func (w *western) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(w.rest) == 0 {
			c, err := w.in.ReadByte()
			if err != nil {
				return n, err
			}
			w.rest = []byte(string(unicodeOf(c)))
		}
		moved := copy(p[n:], w.rest)
		n, w.rest = n+moved, w.rest[moved:]
	}
	return n, nil
}

func unicodeOf(c byte) rune {
	if c >= 0x80 && c < 0xa0 {
		return windows1252[c-0x80]
	}
	return rune(c)
}
