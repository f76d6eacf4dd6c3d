package records

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// ErrCoding is returned for bytes that the encoder of this package did not
// write.
var ErrCoding = errors.New("not a coding of education records: the stored bytes are damaged or of another version")

const (
	maxText  = 4096 // bytes of one text
	maxCount = 1 << 20
)

// A writer appends values; lengths and numbers are unsigned varints.
type writer struct{ b []byte }

func (w *writer) byte(b byte)       { w.b = append(w.b, b) }
func (w *writer) uint(n uint64)     { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) count(n int)       { w.uint(uint64(n)) }
func (w *writer) int(n int64)       { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) date(d civil.Date) { w.uint(uint64(d)) }
func (w *writer) text(s string)     { w.count(len(s)); w.b = append(w.b, s...) }
func (w *writer) bool(v bool)       { w.byte(map[bool]byte{true: 1}[v]) }
func (w *writer) texts(list []string) {
	w.count(len(list))
	for _, s := range list {
		w.text(s)
	}
}

// A reader takes what a writer appended. After the first fault it yields zero
// values and bad stays set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.b = true, nil }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

// uint reads a number of at most limit, in its shortest form.
func (r *reader) uint(limit uint64) uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > limit || size > 1 && r.b[size-1] == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) int32() int32 {
	n, size := binary.Varint(r.b)
	if size <= 0 || n != int64(int32(n)) || size > 1 && r.b[size-1] == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return int32(n)
}

// count reads how many things follow, each of at least size bytes.
func (r *reader) count(size int) int {
	n := int(r.uint(maxCount))
	if n*size > len(r.b) {
		r.fail()
		return 0
	}
	return n
}

// index reads a place in a table of n.
func (r *reader) index(n int) int {
	if n == 0 {
		r.fail()
		return 0
	}
	i := r.uint(uint64(n - 1))
	return int(i)
}

func (r *reader) date() civil.Date { return civil.Date(r.uint(1<<31 - 1)) }

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail()
	}
	return b == 1
}

func (r *reader) text() string {
	n := int(r.uint(maxText))
	if n > len(r.b) || !utf8.Valid(r.b[:min(n, len(r.b))]) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) texts() []string {
	n := r.count(1)
	list := make([]string, 0, n)
	for range n {
		list = append(list, r.text())
	}
	return list
}

// end returns ErrCoding after a fault or where bytes are left.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return ErrCoding
	}
	return nil
}
