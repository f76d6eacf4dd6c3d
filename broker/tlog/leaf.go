package tlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// Leaf is the permanent record of one entry. It holds no personal data: the
// actor is a keyed hash, the students are a padded Merkle root, and everything
// else that was said stands behind Commitment.
type Leaf struct {
	Index    uint64    // place in the log, from 0
	Time     time.Time // log time, whole milliseconds since 1970, kept in UTC
	Event    Event
	Actor    [16]byte // keyed hash of the acting person; zero for the service itself
	Decision Decision
	Policy   [32]byte // digest of the policy in force; zero where none decided
	Rev      uint64   // store revision of the snapshot the entry speaks of
	// Subjects is the padded size of the subject tree: zero or a power of two,
	// chosen from what the reader of the receipt already knows, because the
	// exact number of matched students would tell a partner who exists. The
	// exact number belongs in the body.
	Subjects    uint32
	SubjectRoot [32]byte // root of the subject tree; zero if and only if Subjects is zero
	Commitment  [32]byte // what [Commit] returned for header and body
}

// LeafSize is the length in bytes of every leaf of this version.
const LeafSize = 143

const leafVersion = 1

// maxMillis is the last millisecond of the year 9999.
const maxMillis = 253402300799999

// ErrLeaf is matched by every error of [ParseLeaf] and [Leaf.Marshal].
var ErrLeaf = errors.New("not a leaf of this log format")

func leafError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLeaf, fmt.Sprintf(format, args...))
}

// Marshal returns the one byte form of the leaf: version, index, time in
// milliseconds, event code, decision code, actor, policy, revision, subjects,
// subject root, commitment; integers big-endian.
func (l Leaf) Marshal() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, LeafSize)
	b = append(b, leafVersion)
	b = binary.BigEndian.AppendUint64(b, l.Index)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Time.UnixMilli()))
	b = append(b, l.Event.code(), l.Decision.code())
	b = append(b, l.Actor[:]...)
	b = append(b, l.Policy[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Rev)
	b = binary.BigEndian.AppendUint32(b, l.Subjects)
	b = append(b, l.SubjectRoot[:]...)
	return append(b, l.Commitment[:]...), nil
}

func (l Leaf) check() error {
	millis := l.Time.UnixMilli()
	switch {
	case l.Index >= MaxSize:
		return leafError("the index is out of range")
	case millis < 0 || millis > maxMillis || l.Time.Nanosecond()%1e6 != 0:
		return leafError("the time is not whole milliseconds between 1970 and 9999")
	case !l.Event.Valid():
		return leafError("the event is not in the closed list")
	case !l.Decision.Valid():
		return leafError("the decision is not one of none, allow, deny, error")
	case l.Subjects != 0 && bits.OnesCount32(l.Subjects) != 1:
		return leafError("the number of subject places is not a power of two")
	case (l.Subjects == 0) != (l.SubjectRoot == [32]byte{}):
		return leafError("subject places and subject root do not agree")
	}
	return nil
}

// ParseLeaf reads a leaf and accepts only what [Leaf.Marshal] writes.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) == 0 || b[0] != leafVersion {
		return Leaf{}, leafError("the version is not %d; a newer hallpass-verify may know it", leafVersion)
	}
	if len(b) != LeafSize {
		return Leaf{}, leafError("%d bytes instead of %d", len(b), LeafSize)
	}
	millis := binary.BigEndian.Uint64(b[9:])
	if millis > maxMillis {
		return Leaf{}, leafError("the time is out of range")
	}
	event, ok := eventOf(b[17])
	if !ok {
		return Leaf{}, leafError("unknown event code %d; a newer hallpass-verify may know it", b[17])
	}
	decision, ok := decisionOf(b[18])
	if !ok {
		return Leaf{}, leafError("unknown decision code %d", b[18])
	}
	l := Leaf{
		Index: binary.BigEndian.Uint64(b[1:]), Time: time.UnixMilli(int64(millis)).UTC(),
		Event: event, Decision: decision,
		Actor: [16]byte(b[19:35]), Policy: [32]byte(b[35:67]),
		Rev: binary.BigEndian.Uint64(b[67:]), Subjects: binary.BigEndian.Uint32(b[75:]),
		SubjectRoot: [32]byte(b[79:111]), Commitment: [32]byte(b[111:]),
	}
	return l, l.check()
}
