package tlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrCanonical is matched by the errors of [Canonical] and [Canonicalize].
var ErrCanonical = errors.New("no canonical JSON form")

// Canonical returns the RFC 8785 form of a value: one byte string, whatever
// the order of maps. RFC 8785 writes numbers as IEEE 754 doubles; whole numbers that
// would lose a digit are refused, write them as strings.
func Canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	if manyDigits(b) {
		return Canonicalize(b)
	}
	return reordered(b)
}

// manyDigits reports whether a number of a text that json.Marshal wrote may
// have more digits than every double keeps; a digest may look like one.
func manyDigits(text []byte) bool {
	run := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			run = 0
		} else if run++; run > 15 {
			return true
		}
	}
	return false
}

// Canonicalize returns the RFC 8785 form of one JSON text in new memory.
// Duplicate members, invalid UTF-8 and anything after the value are refused.
func Canonicalize(text []byte) ([]byte, error) {
	if err := exactNumbers(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	return reordered(bytes.Clone(text))
}

// reordered brings a text of exact numbers into canonical form, in place where
// that fits.
func reordered(v jsontext.Value) ([]byte, error) {
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	return v, nil
}

func exactNumbers(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	for {
		tok, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if tok.Kind() == '0' && !exact(tok.String()) {
			return fmt.Errorf("at %s: a number beyond what a double holds", d.StackPointer())
		}
	}
}

// exact reports whether a double keeps a number. A fraction or a power of ten
// is what the nearest double says; of a whole number every digit must stay.
func exact(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	whole := !strings.ContainsAny(number, ".eE")
	return err == nil && (!whole || strconv.FormatFloat(f, 'f', -1, 64) == number)
}

// decodeStrict reads one JSON value into v; unknown and duplicate members, a
// wrong type and trailing bytes are errors.
func decodeStrict(b []byte, v any) error {
	return json.Unmarshal(b, v, json.RejectUnknownMembers(true))
}
