package broker

import (
	"encoding/binary"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
)

// asksAboutChildren reports whether an entry is of a partner's request that concerns
// children one by one: for their records, or answered with figures that count a few of
// them. Figures of groups, and refusals of them, are about nobody.
func asksAboutChildren(d draft) bool {
	switch d.event {
	case tlog.QueryReleased, tlog.QueryDenied, tlog.QueryUnavailable:
		return d.action == policy.ActionStudents || len(d.subjects) > 0
	}
	return false
}

// putAsked files an entry under its agreement, so that who looks for the requests
// about a child need not open the whole log.
func putAsked(tx store.Tx, agreement string, index uint64) error {
	return tx.Put(colAsked, key(agreement, index), nil)
}

// eachAsked calls fn with the requests under an agreement before an entry, newest
// first, until fn says that it has enough.
func eachAsked(r store.Reader, agreement string, before uint64, fn func(index uint64) (more bool, err error)) error {
	if before == 0 {
		return nil
	}
	within := store.Range{Prefix: key(agreement), From: key(agreement, before-1), Reverse: true}
	return r.Scan(colAsked, within, func(k, _ []byte) (bool, error) {
		if len(k) != len(within.Prefix)+8 {
			return false, errEntryForm
		}
		return fn(binary.BigEndian.Uint64(k[len(within.Prefix):]))
	})
}
