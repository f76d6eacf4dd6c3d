package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A Mapping says how the files of an export become the files of the plain
// form. It is made by Parse and never changes.
type Mapping struct {
	forms  map[string][]*source
	digest [sha256.Size]byte // of its text
}

// An Error is what is wrong with the text of a mapping. It names a line and
// the remedy, and nothing that stands there.
type Error struct {
	Line   int // from 1; 0: the text as a whole
	What   string
	Remedy string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("the mapping: %s: %s", e.What, e.Remedy)
	}
	return fmt.Sprintf("line %d of the mapping: %s: %s", e.Line, e.What, e.Remedy)
}

// Name tells mappings apart in a digest: the same files read by another
// mapping are another import.
func (m *Mapping) Name() string { return "mapping " + hex.EncodeToString(m.digest[:8]) }

// A source is one stretch of rows of a plain file: read from files, or written
// down in the mapping itself.
type source struct {
	line      int
	form      string
	file      string // a name or a glob, in small letters
	sheet     string // name or number; empty: the first
	header    int    // row of the header from 1; 0: none
	separator rune
	where     []filter
	columns   []*value // in the order of the form's columns; nil: not given
	dates     map[int]dateFormat
	codes     map[int]codeTable
	unique    []int
	wide      *wide
	rows      [][]string // in place of files
}

// A ref names a column of a file: by its header or, from 1, by its number.
type ref struct {
	name   string
	number int
}

func (r ref) String() string {
	if r.name != "" {
		return r.name
	}
	return fmt.Sprintf("column %d", r.number)
}

// A filter keeps the rows whose column holds one of the texts.
type filter struct {
	column ref
	texts  []string // folded
}

// A value says what a plain column holds.
type value struct {
	columns  []ref // more than one: joined
	constant string
	fixed    bool // constant holds, and no column
	with     string
	split    nameOrder
	take     string // given or family
	lookup   *lookup
}

// A lookup finds a text in another file: value of the row whose key is what
// the column holds.
type lookup struct {
	source     *source // file, sheet, header, separator
	key, value ref
}

// A nameOrder says how a full name is written.
type nameOrder int

const (
	noSplit     nameOrder = iota
	givenFirst            // Ada King Lovelace: the last word is the family name
	familyFirst           // Lovelace, Ada King
)

// A codeTable turns the texts of a column into codes.
type codeTable struct {
	codes map[string]string // by folded text
	other string            // what becomes of the texts it does not list
}

// The words with which a table says that no code is meant.
const (
	keep = "keep" // the text as it stands
	drop = "drop" // no row
)

// A wide sheet has the dates side by side.
type wide struct {
	line     int
	row      int // in which the dates stand; 0: the header
	from, to int // columns from 1; to 0: the last
	marks    codeTable
	into     int // plain column that takes the mark; -1: none
}
