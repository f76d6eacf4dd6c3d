package records

import (
	"bytes"
	"encoding/hex"
	"errors"
	"log/slog"
)

// SID names a student inside one district: 128 random bits drawn at the first
// import. It is no number of the information system and means nothing outside
// the district's own store.
type SID [16]byte

// ErrSID is returned for text that is not 32 hexadecimal digits.
var ErrSID = errors.New("a student's internal name has 32 hexadecimal digits")

// ParseSID reads what String writes.
func ParseSID(s string) (SID, error) {
	var sid SID
	if len(s) != 2*len(sid) {
		return SID{}, ErrSID
	}
	if _, err := hex.Decode(sid[:], []byte(s)); err != nil {
		return SID{}, ErrSID
	}
	return sid, nil
}

// String returns 32 lower-case hexadecimal digits, for keys and tests; a log
// never shows it (see LogValue).
func (s SID) String() string { return hex.EncodeToString(s[:]) }

// LogValue keeps students out of logs (DESIGN §14: no student ids).
func (SID) LogValue() slog.Value { return slog.StringValue("student") }

// Compare orders students by the bytes of their SID.
func (s SID) Compare(other SID) int { return bytes.Compare(s[:], other[:]) }

// IsZero reports whether no student is named.
func (s SID) IsZero() bool { return s == SID{} }

// MarshalText writes what String returns.
func (s SID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *SID) UnmarshalText(b []byte) error {
	sid, err := ParseSID(string(b))
	if err != nil {
		return err
	}
	*s = sid
	return nil
}
