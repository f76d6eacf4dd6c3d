package broker

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// rostered says since when a student is known on an agreement's roster.
type rostered struct {
	agreement string
	version   uint64 // the first that holds the student
	since     time.Time
}

// putRostered remembers, for each student of a roster version, the first version that
// holds the student. A student who leaves the roster stays remembered: what was asked
// before was about the student.
func putRostered(tx store.Tx, agreement string, version uint64, now time.Time, members []staged) error {
	for _, m := range members {
		sid := records.SID(m.value[:16])
		if sid.IsZero() {
			continue
		}
		k := key(sid[:], agreement)
		known, err := tx.Get(colRostered, k)
		if err != nil {
			return err
		}
		if known != nil {
			continue
		}
		first := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, version), uint64(now.UnixMilli()))
		if err := tx.Put(colRostered, k, first); err != nil {
			return err
		}
	}
	return nil
}

// rosteredUnder lists the agreements on whose rosters a student ever was, under any
// of its names, each once.
func rosteredUnder(r store.Reader, names []records.SID) ([]rostered, error) {
	first := map[string]rostered{}
	for _, sid := range names {
		err := r.Scan(colRostered, store.Range{Prefix: sid[:]}, func(k, v []byte) (bool, error) {
			if len(v) != 16 || len(k) < len(sid)+1 {
				return false, errRosterForm
			}
			at := rostered{
				agreement: string(k[len(sid) : len(k)-1]),
				version:   binary.BigEndian.Uint64(v), since: time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:]))).UTC(),
			}
			if known, ok := first[at.agreement]; !ok || at.version < known.version {
				first[at.agreement] = at
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(first), func(a, b rostered) int { return strings.Compare(a.agreement, b.agreement) }), nil
}
