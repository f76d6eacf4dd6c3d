package tlog

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// Opened is an entry as an export shows it: whole, or destroyed, when only its
// leaf is left.
type Opened struct {
	Entry     Entry // only Leaf counts if Destroyed
	Destroyed bool
}

type openedJSON struct {
	Body      jsontext.Value `json:"body"`
	BodySalt  string         `json:"body_salt"`
	Destroyed bool           `json:"destroyed"`
	Header    jsontext.Value `json:"header"`
	Index     int64          `json:"index"`
	Salt      string         `json:"salt"`
}

var errOpened = errors.New("not the canonical line of an opened entry")

// appendLine appends the one line of an opened entry: an RFC 8785 object and a
// newline.
func (o Opened) appendLine(b []byte) []byte {
	e, w := o.Entry, newObject(b)
	if o.Destroyed {
		w.raw("destroyed", []byte("true"))
		w.number("index", int64(e.Leaf.Index))
	} else {
		w.raw("body", e.Body)
		w.binary("body_salt", e.BodySalt[:])
		w.raw("header", e.Header)
		w.number("index", int64(e.Leaf.Index))
		w.binary("salt", e.Salt[:])
	}
	line, _ := w.end() // fails only for a text, and there is none
	return append(line, '\n')
}

// parseLine reads the line of the entry with this leaf and accepts only what
// appendLine writes.
func parseLine(line []byte, leaf Leaf) (Opened, error) {
	var w openedJSON
	if err := decodeStrict(line, &w); err != nil {
		return Opened{}, errOpened
	}
	if w.Index < 0 || uint64(w.Index) != leaf.Index {
		return Opened{}, errors.New("the index is not that of the line's place")
	}
	o := Opened{Entry: Entry{Leaf: leaf, Header: w.Header, Body: w.Body}, Destroyed: w.Destroyed}
	if !o.Destroyed {
		var err1, err2 error
		o.Entry.Salt, err1 = decode32(w.Salt)
		o.Entry.BodySalt, err2 = decode32(w.BodySalt)
		if err1 != nil || err2 != nil {
			return Opened{}, errors.New("a salt is not 32 bytes of canonical base64")
		}
	}
	if string(o.appendLine(nil)) != string(line) {
		return Opened{}, errOpened
	}
	return o, nil
}
