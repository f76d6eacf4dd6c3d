package sdc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
)

// ErrHistory is returned for bytes that are not an encoded history.
var ErrHistory = errors.New("not an encoded history of published sets")

// storedSet is a PublishedSet with its members as increasing ordinals, each as
// the unsigned varint of its distance from the one before (the first from -1,
// so that none is zero).
type storedSet struct {
	Agreement string `json:"agreement"`
	Indicator string `json:"indicator"`
	Family    string `json:"family"`
	Row       Key    `json:"row"`
	Role      Role   `json:"role"`
	Floor     int    `json:"floor"`
	Members   []byte `json:"members"`
}

// EncodeHistory writes a history as JSON. Equal histories give equal bytes.
func EncodeHistory(h History) ([]byte, error) {
	out := make([]storedSet, 0, len(h))
	for _, p := range h {
		out = append(out, storedSet{p.Agreement, p.Indicator, p.Family, p.Row, p.Role, p.Floor, packSet(orEmpty(p.Set))})
	}
	return json.Marshal(out)
}

// DecodeHistory reads what EncodeHistory wrote, or returns an ErrHistory that
// says where it is wrong.
func DecodeHistory(b []byte) (History, error) {
	var stored []storedSet
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, fmt.Errorf("%w: malformed JSON", ErrHistory)
	}
	out := make(History, 0, len(stored))
	for i, s := range stored {
		set, ok := unpackSet(s.Members)
		if !ok || !s.Role.valid() || s.Floor < 0 {
			return nil, fmt.Errorf("%w: set %d is damaged", ErrHistory, i)
		}
		out = append(out, PublishedSet{s.Agreement, s.Indicator, s.Family, s.Row, s.Role, s.Floor, set})
	}
	return out, nil
}

func (r Role) valid() bool {
	return r == RoleCohort || r == RoleRest || r == RoleWhole || r == RoleHidden || r == RoleCorrected
}

func packSet(s *roaring.Bitmap) []byte {
	out, last := []byte{}, int64(-1)
	for it := s.Iterator(); it.HasNext(); {
		x := int64(it.Next())
		out = binary.AppendUvarint(out, uint64(x-last))
		last = x
	}
	return out
}

func unpackSet(b []byte) (*roaring.Bitmap, bool) {
	out, last := roaring.New(), int64(-1)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d == 0 || d > math.MaxUint32+1 || last+int64(d) > math.MaxUint32 {
			return nil, false
		}
		last += int64(d)
		out.Add(uint32(last))
		b = b[n:]
	}
	return out, true
}
