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

// storedHistory is a history with each of its sets once, however many indicators and
// rows publish it. A set is its members as increasing ordinals, each as the unsigned
// varint of its distance from the one before (the first from -1, so that none is
// zero).
type storedHistory struct {
	Sets      [][]byte    `json:"sets"` // in the order in which they are published first
	Published []storedSet `json:"published"`
}

type storedSet struct {
	Agreement string `json:"agreement"`
	Indicator string `json:"indicator"`
	Family    string `json:"family"`
	Row       Key    `json:"row"`
	Role      Role   `json:"role"`
	Floor     int    `json:"floor"`
	Set       int    `json:"set"` // by its place
}

// EncodeHistory writes a history as JSON. Equal histories give equal bytes.
func EncodeHistory(h History) ([]byte, error) {
	out := storedHistory{Sets: [][]byte{}, Published: make([]storedSet, 0, len(h))}
	places := map[string]int{}
	packed := map[*roaring.Bitmap]int{}
	for _, p := range h {
		at, known := packed[p.Set]
		if !known {
			members := packSet(orEmpty(p.Set))
			if at, known = places[string(members)]; !known {
				at = len(out.Sets)
				places[string(members)], out.Sets = at, append(out.Sets, members)
			}
			packed[p.Set] = at
		}
		out.Published = append(out.Published, storedSet{p.Agreement, p.Indicator, p.Family, p.Row, p.Role, p.Floor, at})
	}
	return json.Marshal(out)
}

// DecodeHistory reads what EncodeHistory wrote, or returns an ErrHistory that
// says where it is wrong. Equal sets of it are one, which must not be changed.
func DecodeHistory(b []byte) (History, error) {
	var stored storedHistory
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, fmt.Errorf("%w: malformed JSON", ErrHistory)
	}
	sets := make([]*roaring.Bitmap, len(stored.Sets))
	for i, members := range stored.Sets {
		set, ok := unpackSet(members)
		if !ok {
			return nil, fmt.Errorf("%w: the members of set %d are damaged", ErrHistory, i)
		}
		sets[i] = set
	}
	out := make(History, 0, len(stored.Published))
	for i, s := range stored.Published {
		if s.Set < 0 || s.Set >= len(sets) || !s.Role.valid() || s.Floor < 0 {
			return nil, fmt.Errorf("%w: publication %d is damaged", ErrHistory, i)
		}
		out = append(out, PublishedSet{s.Agreement, s.Indicator, s.Family, s.Row, s.Role, s.Floor, sets[s.Set]})
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
	members, last := make([]uint32, 0, len(b)), int64(-1)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d == 0 || d > math.MaxUint32+1 || last+int64(d) > math.MaxUint32 {
			return nil, false
		}
		last += int64(d)
		members = append(members, uint32(last))
		b = b[n:]
	}
	return roaring.BitmapOf(members...), true
}
