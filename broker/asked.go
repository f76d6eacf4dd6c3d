package broker

import (
	"encoding/binary"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// askedKind says of a partner's request what it takes to pass over it: whether it
// asked for group figures alone.
type askedKind byte

const (
	askedRecords askedKind = iota + 1 // records of children, or figures that count consented children one by one
	askedFigures                      // figures of groups, or a refusal of them
)

// askedKindOf is what an entry of the gate was asked for; zero for any other.
func askedKindOf(d draft) askedKind {
	switch d.event {
	case tlog.QueryReleased, tlog.QueryDenied, tlog.QueryUnavailable:
	default:
		return 0
	}
	if d.action == policy.ActionComparison && len(d.subjects) == 0 {
		return askedFigures
	}
	return askedRecords
}

// putAsked files an entry under its agreement, so that who looks for the requests
// about a child need not open the whole log.
func putAsked(tx store.Tx, agreement string, index uint64, kind askedKind) error {
	if kind == 0 {
		return nil
	}
	return tx.Put(colAsked, key(agreement, index), []byte{byte(kind)})
}

// eachAsked calls fn with the requests under an agreement before an entry, newest
// first, until fn says that it has enough.
func eachAsked(r store.Reader, agreement string, before uint64, fn func(index uint64, kind askedKind) (more bool, err error)) error {
	if before == 0 {
		return nil
	}
	within := store.Range{Prefix: key(agreement), From: key(agreement, before-1), Reverse: true}
	return r.Scan(colAsked, within, func(k, v []byte) (bool, error) {
		if len(v) != 1 || len(k) != len(within.Prefix)+8 {
			return false, errEntryForm
		}
		return fn(binary.BigEndian.Uint64(k[len(within.Prefix):]), askedKind(v[0]))
	})
}
