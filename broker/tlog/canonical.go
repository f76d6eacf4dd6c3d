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

// maxExact bounds the integers that RFC 8785 keeps: it writes numbers as
// IEEE 754 doubles.
const maxExact = 1<<53 - 1

// Canonical returns the RFC 8785 form of a value: one byte string, whatever
// the order of maps. Integers beyond ±(2^53−1) are refused instead of rounded;
// write them as strings.
func Canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	return Canonicalize(b)
}

// Canonicalize returns the RFC 8785 form of one JSON text in new memory.
// Duplicate members, invalid UTF-8 and anything after the value are refused.
func Canonicalize(text []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(text))
	if err := exactNumbers(v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCanonical, err)
	}
	return v, nil
}

func exactNumbers(v jsontext.Value) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
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

func exact(number string) bool {
	if strings.ContainsAny(number, ".eE") {
		_, err := strconv.ParseFloat(number, 64)
		return err == nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	return err == nil && -maxExact <= n && n <= maxExact
}

// decodeStrict reads one JSON value into v; unknown and duplicate members, a
// wrong type and trailing bytes are errors.
func decodeStrict(b []byte, v any) error {
	return json.Unmarshal(b, v, json.RejectUnknownMembers(true))
}
