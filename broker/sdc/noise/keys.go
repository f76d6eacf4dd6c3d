package noise

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"iter"
	"math/bits"
	"sync"
)

// SecretSize is the length of a district's noise secret, in bytes.
const SecretSize = 32

// ErrSecret is returned for a secret of another length.
var ErrSecret = errors.New("a noise secret must have 32 bytes")

// Keys are what sticky noise is made with. They come from one secret of the
// district; whoever has it can take the noise off.
type Keys struct{ record, value, noise, blur *mac }

// NewKeys derives the keys from a secret, each for its use alone (RFC 5869). The
// same secret gives the same keys.
func NewKeys(secret []byte) (Keys, error) {
	if len(secret) != SecretSize {
		return Keys{}, ErrSecret
	}
	var k Keys
	for use, key := range map[string]**mac{"record": &k.record, "value": &k.value, "noise": &k.noise, "blur": &k.blur} {
		derived, err := hkdf.Key(sha256.New, secret, nil, "hallpass noise "+use, sha256.Size)
		if err != nil {
			return Keys{}, err
		}
		*key = newMAC(derived)
	}
	return k, nil
}

// Figure is what is summed: an indicator in a period.
type Figure struct{ Indicator, Period string }

// Group stands for a set of students with their values in one figure. The zero
// Group is empty. Groups of disjoint sets are joined by adding them, so the order
// of students does not matter.
type Group struct{ set, values sum128 }

// Member is the group of one student, by pseudonym, whose value counts in a
// figure: zero counts too.
func (k Keys) Member(f Figure, student [16]byte, value int64) Group {
	text := f.text(nil)
	text = append(text, student[:]...)
	text = binary.BigEndian.AppendUint64(text, uint64(value))
	return Group{set: low(k.record.sum(student[:])), values: low(k.value.sum(text))}
}

// Plus returns the group of both; no student may be in both.
func (g Group) Plus(other Group) Group {
	return Group{g.set.plus(other.set), g.values.plus(other.values)}
}

// String is the group in 64 hexadecimal digits. Like the noise itself it is no
// partner's to see.
func (g Group) String() string {
	return hex.EncodeToString(g.values.append(g.set.append(nil)))
}

// Noise is the noise of a group's sum in a figure. It does not depend on the
// row's name, the partner or the order of anything.
func (k Keys) Noise(t *Table, f Figure, g Group) int {
	text := f.text([]byte("v1"))
	text = g.values.append(g.set.append(text))
	sum := k.noise.sum(text)
	return t.At(binary.BigEndian.Uint64(sum[:]))
}

// Size is the noise in a group's number of students. It depends on who they are and
// on nothing else, so that all figures of a group have one.
func (k Keys) Size(t *Table, g Group) int {
	sum := k.noise.sum(g.set.append([]byte("size")))
	return t.At(binary.BigEndian.Uint64(sum[:]))
}

// MostBlur is the most that Blur returns.
const MostBlur = 2

// Blur is a number from none to MostBlur that belongs to a set of students, by
// pseudonym, in any order. All are as likely, so whoever sees that one student
// more or less meets a threshold is right about it two times in three at best.
func (k Keys) Blur(students iter.Seq[[16]byte]) int {
	var set sum128
	for s := range students {
		set = set.plus(low(k.record.sum(s[:])))
	}
	sum := k.blur.sum(set.append(nil))
	return int(binary.BigEndian.Uint64(sum[:]) % (MostBlur + 1))
}

// text names the figure behind b, each part preceded by its length.
func (f Figure) text(b []byte) []byte {
	for _, part := range []string{f.Indicator, f.Period} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// mac is HMAC-SHA-256 under one key, for many goroutines. States that have taken the
// key in are used again, which halves the cost of a short text.
type mac struct{ states sync.Pool }

func newMAC(key []byte) *mac {
	m := &mac{}
	m.states.New = func() any { return hmac.New(sha256.New, key) }
	return m
}

func (m *mac) sum(text []byte) (sum [sha256.Size]byte) {
	h := m.states.Get().(hash.Hash)
	h.Reset()
	h.Write(text)
	h.Sum(sum[:0])
	m.states.Put(h)
	return sum
}

// sum128 is a number modulo 2^128.
type sum128 struct{ high, low uint64 }

func low(sum [sha256.Size]byte) sum128 {
	return sum128{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

func (s sum128) plus(o sum128) (sum sum128) {
	var carry uint64
	sum.low, carry = bits.Add64(s.low, o.low, 0)
	sum.high, _ = bits.Add64(s.high, o.high, carry)
	return sum
}

func (s sum128) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s.high), s.low)
}
