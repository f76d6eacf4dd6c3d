package sdc

import (
	"errors"
	"fmt"
	"strings"
)

var errMilli = errors.New("not a decimal number with at most three places")

// Milli is a number in thousandths, so that releases hold no binary fractions.
type Milli int64

// String writes the number with as many decimals as it needs, at most three.
func (m Milli) String() string {
	sign, v := "", uint64(m)
	if m < 0 {
		sign, v = "-", -v
	}
	s := fmt.Sprintf("%s%d.%03d", sign, v/1000, v%1000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalJSON writes a JSON number.
func (m Milli) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalJSON reads a JSON number with at most three decimals and no
// exponent.
func (m *Milli) UnmarshalJSON(b []byte) error {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(string(b), "-"), ".")
	if len(fraction) > 3 || len(whole) == 0 || len(whole) > 15 {
		return errMilli
	}
	var v int64
	for _, c := range whole + fraction + strings.Repeat("0", 3-len(fraction)) {
		if c < '0' || c > '9' {
			return errMilli
		}
		v = v*10 + int64(c-'0')
	}
	if b[0] == '-' {
		v = -v
	}
	*m = Milli(v)
	return nil
}

// fixed writes the number with the given decimals, 0 to 3; the rest of it must
// be zero.
func (m Milli) fixed(decimals int) string {
	s := fmt.Sprintf("%d.%03d", m/1000, max(m, -m)%1000)
	s = s[:len(s)-3+decimals]
	return strings.TrimSuffix(s, ".")
}
