package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// flippable is a closed district with something in every room.
type flippable struct {
	dir   string
	at    time.Time
	grant string
	kids  []kid
}

func newFlippable(t *testing.T) flippable {
	t.Helper()
	d := &made{&district{t: t, dir: filepath.Join(fastDir(t), "district"), clock: &clock{now: inSpring}}}
	err := broker.Init(t.Context(), d.dir, broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: "UTC", CreatedAt: inSpring})
	if err != nil {
		t.Fatal(err)
	}
	d.open(withRules(t))
	f := flippable{dir: d.dir, kids: makeKids(40)}
	d.loadMade(f.kids)
	d.partnerWith("river", map[string][]kid{"a1": f.kids[:24], "a2": f.kids[4:16]})
	for _, k := range f.kids[:6] {
		f.grant = d.enter(d.yes("a1", k)).ID
	}
	d.closePeriod(madeAutumn)
	d.clock.Set(inSpring.Add(time.Hour))
	d.withdraw(f.grant, f.kids[5])
	d.students("a1", "river")
	f.at = d.clock.Now()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// answerSet asks a fixed list of questions, in a fixed order, of the district
// in a directory. An answer is the bytes of the member data, or the error.
// damage, if any, is done to the files when the district is open.
func (f flippable) answerSet(t *testing.T, dir string, damage func()) (answers []reply, opening error) {
	t.Helper()
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(t.Context(), dir, broker.Options{Clock: func() time.Time { return f.at }, Policy: engine})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if damage != nil {
		damage()
	}
	ctx, river := t.Context(), partnerOf("river")
	ask := func(name string, fn func() (*broker.Answer, error)) {
		a, err := fn()
		got := reply{name: name, err: err}
		if err == nil {
			got.data, _, _ = tlog.SplitAnswer(a.Body())
			if got.data == nil {
				got.data = a.Body()
			}
		}
		a.Drop()
		answers = append(answers, got)
	}
	for _, id := range []string{"a1", "a2"} {
		ask("comparison "+id, func() (*broker.Answer, error) {
			return b.Comparison(ctx, river, broker.ComparisonRequest{Agreement: id})
		})
		ask("school "+id, func() (*broker.Answer, error) {
			return b.Comparison(ctx, river, broker.ComparisonRequest{Agreement: id, School: madeSchool})
		})
		ask("students "+id, func() (*broker.Answer, error) {
			return b.Students(ctx, river, broker.StudentsRequest{Agreement: id, Period: broker.PeriodCurrent})
		})
		ask("agreement "+id, func() (*broker.Answer, error) { return b.Agreement(ctx, officer, id) })
		ask("text "+id, func() (*broker.Answer, error) { return b.AgreementText(ctx, officer, id) })
		ask("participation "+id, func() (*broker.Answer, error) { return b.Participation(ctx, river, id) })
	}
	ask("partners", func() (*broker.Answer, error) { return b.Partners(ctx, officer) })
	ask("periods", func() (*broker.Answer, error) { return b.Periods(ctx, steward) })
	ask("matches", func() (*broker.Answer, error) { return b.Matches(ctx, steward) })
	ask("duplicates", func() (*broker.Answer, error) { return b.Duplicates(ctx, steward) })
	ask("consent", func() (*broker.Answer, error) { return b.Consent(ctx, officer, f.grant) })
	for _, k := range f.kids[:8] {
		ask("consents of "+k.mother(), func() (*broker.Answer, error) { return b.Consents(ctx, motherOf(k)) })
	}
	ask("entries", func() (*broker.Answer, error) { return b.Entries(ctx, auditor, broker.EntriesRequest{Limit: 1000}) })
	size, err := b.VerifyLog(context.WithoutCancel(ctx), nil)
	return append(answers, reply{"verify", fmt.Append(nil, size), err}), nil
}

type reply struct {
	name string
	data []byte
	err  error
}

// ofTheStore reports whether an error says that the store or its proofs are
// damaged: what the program ends with 5 or 6 for.
func ofTheStore(err error) bool {
	var fault *tlog.Fault
	for _, known := range []error{store.ErrCorrupt, store.ErrSealed, seal.ErrDistrictKey, seal.ErrOpen, broker.ErrRolledBack} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, &fault) || broker.KindOf(err) == broker.Unavailable
}

func causeOf(err error) error {
	var e *broker.Error
	if errors.As(err, &e) {
		return e.Cause()
	}
	return nil
}

// wrong says how the answers of a damaged store differ from the intact one's
// otherwise than by an error of the store, or is empty.
func wrong(got, want []reply) string {
	for i, w := range want {
		g := got[i]
		switch {
		case g.err != nil && w.err == nil && !ofTheStore(g.err):
			return fmt.Sprintf("%s: %v; cause: %v", w.name, g.err, causeOf(g.err))
		case g.err == nil && w.err != nil, g.err == nil && !bytes.Equal(g.data, w.data):
			return w.name + ": other data: " + string(g.data)
		}
		if g.err != nil && w.err == nil {
			return "" // what follows may miss what an earlier answer should have recorded
		}
	}
	return ""
}

// TestHarnessFlippedBits flips single bits of the store and of the key file.
// Each must give an error of the store, or the very answers of the intact one.
func TestHarnessFlippedBits(t *testing.T) {
	t.Parallel()
	count := harnessCount(t, "FLIPPED_BITS", 40)
	f := newFlippable(t)
	work := filepath.Join(fastDir(t), "district")
	copyDistrict(t, f.dir, work)
	want, err := f.answerSet(t, work, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if w.err != nil {
			t.Fatalf("the intact district: %s: %v", w.name, w.err)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	outcomes := map[string]int{}
	for i := range count + count/4 {
		name := "store.db"
		if i >= count {
			name = "keys.db"
		}
		what, outcome := f.flip(t, work, name, rng, want)
		if outcomes[outcome]++; outcome == "wrong" {
			t.Error(what)
		}
	}
	t.Logf("harness flipped_bits: %d bits in store.db and %d in keys.db: %d refused at opening, %d gave an error of the store, %d made no difference, %d wrong",
		count, count/4, outcomes["refused"], outcomes["error"], outcomes["same"], outcomes["wrong"])
}

// writtenByte draws a byte of a page that was ever written: a file may be long
// and nearly empty.
func writtenByte(rng *rand.Rand, content []byte) int {
	for {
		at := rng.IntN(len(content))
		from := at / page * page
		if !isZero(content[from:min(from+page, len(content))]) {
			return at
		}
	}
}

func flipBit(t *testing.T, path string, at int, to byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteAt([]byte{to}, int64(at))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// flip flips one bit of a copy and says what came of it.
func (f flippable) flip(t *testing.T, work, name string, rng *rand.Rand, want []reply) (what, outcome string) {
	t.Helper()
	if err := os.RemoveAll(work); err != nil {
		t.Fatal(err)
	}
	copyDistrict(t, f.dir, work)
	path := filepath.Join(work, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at, bit := writtenByte(rng, content), rng.IntN(8)
	where := fmt.Sprintf("bit %d of byte %d of %s (of %d): ", bit, at, name, len(content))
	flipBit(t, path, at, content[at]^1<<bit)
	got, opening := f.answerSet(t, work, nil)
	if opening != nil {
		if !ofTheStore(opening) {
			return where + "opening: " + opening.Error(), "wrong"
		}
		return "", "refused"
	}
	if how := wrong(got, want); how != "" {
		return where + how, "wrong"
	}
	for i := range got {
		if got[i].err != nil {
			return "", "error"
		}
	}
	return "", "same"
}

// Damage that comes while a district serves is found at its next start. Until
// then it may close a row, and never open one.
func TestABitFlippedUnderAServingDistrictOpensNothing(t *testing.T) {
	t.Parallel()
	f := newFlippable(t)
	work := filepath.Join(fastDir(t), "district")
	copyDistrict(t, f.dir, work)
	want, err := f.answerSet(t, work, nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 30 {
		copyDistrict(t, f.dir, work)
		path := filepath.Join(work, []string{"store.db", "keys.db"}[i%2])
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at, bit := writtenByte(rng, content), rng.IntN(8)
		got, err := f.answerSet(t, work, func() { flipBit(t, path, at, content[at]^1<<bit) })
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			for _, ref := range rowsOf(t, got[i]) {
				if !slices.Contains(rowsOf(t, want[i]), ref) {
					t.Errorf("bit %d of byte %d of %s opened a row in %s", bit, at, path, got[i].name)
				}
			}
		}
	}
}

// rowsOf lists the participants in an answer of consented rows.
func rowsOf(t *testing.T, a reply) []string {
	t.Helper()
	if a.err != nil || !strings.HasPrefix(a.name, "students") {
		return nil
	}
	b, err := member[studentsBody](slices.Concat([]byte(`{"data":`), a.data, []byte(`}`)))
	if err != nil {
		t.Fatal(err)
	}
	return b.refs()
}

// The harness must be able to fail: other records are not the same answers.
func TestTheFlippedBitsSeeOtherData(t *testing.T) {
	t.Parallel()
	f := newFlippable(t)
	work := filepath.Join(fastDir(t), "district")
	copyDistrict(t, f.dir, work)
	want, err := f.answerSet(t, work, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.answerSet(t, work, nil) // the log has grown by now
	if err != nil {
		t.Fatal(err)
	}
	if how := wrong(again, want); !strings.Contains(how, "other data") {
		t.Errorf("a log that grew is called %q", how)
	}
}
