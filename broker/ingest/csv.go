package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"math/bits"
)

var errSyntax = errors.New("the file is not RFC 4180")

// A scanner yields the records of a CSV text as encoding/csv does: empty lines
// are skipped, a carriage return before a line feed belongs to the line's end.
// Lines without a quote are split in place; the others go to encoding/csv.
// Fields are valid until the next call.
type scanner struct {
	rest      []byte
	line      int  // of the record that next returned, from 1
	following int  // the line after it
	size      int  // bytes of the record that next returned
	plain     bool // there is no quote in the text
	fields    [][]byte
	quoted    *bufio.Reader
	src       bytes.Reader
}

func newScanner(text []byte) *scanner {
	return &scanner{rest: text, following: 1, plain: bytes.IndexByte(text, '"') < 0}
}

// next returns the next record, nil at the end, or errSyntax.
func (s *scanner) next() ([][]byte, error) {
	for len(s.rest) > 0 {
		end := bytes.IndexByte(s.rest, '\n')
		line, after := s.rest, s.rest[len(s.rest):]
		if end >= 0 {
			line, after = s.rest[:end], s.rest[end+1:]
		}
		if !s.plain && bytes.IndexByte(line, '"') >= 0 {
			return s.record()
		}
		s.rest, s.line, s.size = after, s.following, len(line)
		s.following++
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) > 0 {
			return s.split(line), nil
		}
	}
	return nil, nil
}

// split cuts a line at its commas, of which it looks for eight bytes at a time.
func (s *scanner) split(line []byte) [][]byte {
	fields, from, at := s.fields[:0], 0, 0
	for ; at+8 <= len(line); at += 8 {
		for found := commas(binary.LittleEndian.Uint64(line[at:])); found != 0; found &= found - 1 {
			end := at + bits.TrailingZeros64(found)/8
			fields = append(fields, line[from:end])
			from = end + 1
		}
	}
	for ; at < len(line); at++ {
		if line[at] == ',' {
			fields = append(fields, line[from:at])
			from = at + 1
		}
	}
	fields = append(fields, line[from:])
	s.fields = fields
	return fields
}

// commas returns eight bytes in which the top bit is set where there is a comma,
// and nothing else.
func commas(eight uint64) uint64 {
	const each, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	x := eight ^ each*',' // a comma becomes zero
	return ^(x&low + low | x | low)
}

// record reads a record with quotes: it ends at the first line feed that an
// even number of quotes precedes.
func (s *scanner) record() ([][]byte, error) {
	end, quotes := 0, 0
	for {
		i := bytes.IndexByte(s.rest[end:], '\n')
		if i < 0 {
			end = len(s.rest)
			break
		}
		quotes += bytes.Count(s.rest[end:end+i], []byte{'"'})
		end += i + 1
		if quotes%2 == 0 {
			break
		}
	}
	text := s.rest[:end]
	s.rest, s.line, s.size = s.rest[end:], s.following, len(text)
	s.following += bytes.Count(text, []byte{'\n'})
	return s.parse(text)
}

func (s *scanner) parse(text []byte) ([][]byte, error) {
	s.src.Reset(text)
	if s.quoted == nil {
		s.quoted = bufio.NewReader(&s.src)
	} else {
		s.quoted.Reset(&s.src)
	}
	r := csv.NewReader(s.quoted)
	r.FieldsPerRecord = -1
	record, err := r.Read()
	if err != nil {
		return nil, errSyntax
	}
	if _, err := r.Read(); err == nil {
		return nil, errSyntax // a quote out of place hid the end of the line
	}
	s.fields = s.fields[:0]
	for _, f := range record {
		s.fields = append(s.fields, []byte(f))
	}
	return s.fields, nil
}
