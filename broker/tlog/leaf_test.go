package tlog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func anyHash(rt *rapid.T, name string) [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, name))
}

func anyLeaf(rt *rapid.T) tlog.Leaf {
	l := tlog.Leaf{
		Index: rapid.Uint64Max(tlog.MaxSize-1).Draw(rt, "index"), Time: time.UnixMilli(rapid.Int64Range(0, 253402300799999).Draw(rt, "time")).UTC(),
		Event: rapid.SampledFrom(tlog.Events()).Draw(rt, "event"), Decision: rapid.SampledFrom([]tlog.Decision{tlog.None, tlog.Allow, tlog.Deny, tlog.Error}).Draw(rt, "decision"),
		Actor: [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "actor")), Policy: anyHash(rt, "policy"), Rev: rapid.Uint64().Draw(rt, "rev"), Commitment: anyHash(rt, "commitment"),
	}
	if rapid.Bool().Draw(rt, "subjects") {
		l.Subjects, l.SubjectRoot = 1<<rapid.IntRange(0, 20).Draw(rt, "places"), anyHash(rt, "root")
		l.SubjectRoot[0] |= 1
	}
	return l
}

func TestALeafComesBackFromItsBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := anyLeaf(rt)
		b, err := want.Marshal()
		if err != nil || len(b) != tlog.LeafSize || len(b) > 256 {
			rt.Fatal(len(b), err)
		}
		got, err := tlog.ParseLeaf(b)
		if err != nil || !cmp.Equal(got, want) {
			rt.Fatal(err, cmp.Diff(want, got))
		}
		if _, err := tlog.ParseLeaf(append(b, 0)); !errors.Is(err, tlog.ErrLeaf) {
			rt.Fatal("trailing bytes pass")
		}
		if _, err := tlog.ParseLeaf(b[:len(b)-1]); !errors.Is(err, tlog.ErrLeaf) {
			rt.Fatal("a cut leaf passes")
		}
	})
}

func TestALeafOutsideTheClosedFormsIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*tlog.Leaf){
		"an unknown event":               func(l *tlog.Leaf) { l.Event = "query.guessed" },
		"no event":                       func(l *tlog.Leaf) { l.Event = "" },
		"an unknown decision":            func(l *tlog.Leaf) { l.Decision = "perhaps" },
		"a time before 1970":             func(l *tlog.Leaf) { l.Time = time.UnixMilli(-1) },
		"a time after 9999":              func(l *tlog.Leaf) { l.Time = time.UnixMilli(253402300800000) },
		"a time with microseconds":       func(l *tlog.Leaf) { l.Time = l.Time.Add(time.Microsecond) },
		"an index out of range":          func(l *tlog.Leaf) { l.Index = tlog.MaxSize },
		"an exact number of subjects":    func(l *tlog.Leaf) { l.Subjects, l.SubjectRoot = 3, [32]byte{1} },
		"subjects without a root":        func(l *tlog.Leaf) { l.Subjects = 4 },
		"a subject root without subject": func(l *tlog.Leaf) { l.SubjectRoot = [32]byte{1} },
	} {
		l := newLog(t, 1).entries[0].Leaf
		spoil(&l)
		if _, err := l.Marshal(); !errors.Is(err, tlog.ErrLeaf) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The codes are permanent: a change here would let old leaves say another thing.
func TestEventCodesNeverChange(t *testing.T) {
	t.Parallel()
	const permanent = "district.created partner.created partner.advanced agreement.created agreement.signed agreement.advanced " +
		"consent.granted consent.pending consent.confirmed consent.withdrawn consent.invalidated consent.held consent.opened " +
		"restriction.recorded participation.uploaded match.decided import.published period.calendar period.frozen period.published " +
		"query.released query.denied query.unavailable auth.misdirected access.refused officer.viewed_log log.exported " +
		"policy.activated policy.rejected token.revoked key.rotated key.destroyed records.destroyed store.restored ban.recorded"
	for i, name := range strings.Fields(permanent) {
		l := newLog(t, 1).entries[0].Leaf
		l.Event = tlog.Event(name)
		b, err := l.Marshal()
		if err != nil || b[17] != byte(i+1) {
			t.Errorf("%s: %v, want code %d", name, err, i+1)
		}
	}
}

func FuzzParseLeaf(f *testing.F) {
	for _, b := range newLog(f, 12).leaves {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := tlog.ParseLeaf(b)
		if err != nil {
			return
		}
		if again, err := l.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%v: a leaf has two byte forms", err)
		}
	})
}
