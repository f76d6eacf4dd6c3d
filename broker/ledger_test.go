package broker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
)

// ledgerBody is a page of the ledger.
type ledgerBody struct {
	Size    uint64
	Digest  string
	Records []ledgerEntry
}

type ledgerEntry struct {
	Sequence          uint64
	Previous          string
	Agreement, Period string
	Correction        bool
	Families          []string
	Profile           string
	Mechanism         struct {
		Name     string
		Variance int `json:"variance_hundredths"`
	}
	Release     string `json:"release_sha256"`
	Sets        string `json:"sets_sha256"`
	Figures     int
	PublishedAt time.Time `json:"published_at"`
}

func (d *town) ledger() ledgerBody {
	d.t.Helper()
	return data[ledgerBody](d.t, d.must(d.Ledger(d.t.Context(), auditor, broker.LedgerRequest{})))
}

// store opens the store of a district that is closed for it meanwhile.
func (d *town) store(do func(s *store.Store) error) {
	d.t.Helper()
	if err := d.Close(); err != nil {
		d.t.Fatal(err)
	}
	engine, err := bolt.Open(filepath.Join(d.dir, "store.db"), bolt.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := store.Open(engine, store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := do(s); err != nil {
		d.t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.open(withRules(d.t))
}

// scan reads a collection.
func (d *town) scan(c store.Collection, each func(k, v []byte)) {
	d.t.Helper()
	d.inspect(func(r store.Reader) error {
		return r.Scan(c, store.Range{}, func(k, v []byte) (bool, error) {
			each(bytes.Clone(k), bytes.Clone(v))
			return true, nil
		})
	})
}

// row is a key of the store with its value; nil deletes it.
type stored struct {
	collection store.Collection
	key, value []byte
}

func (d *town) write(rows ...stored) {
	d.t.Helper()
	d.store(func(s *store.Store) error {
		_, err := s.Update(context.Background(), store.LaneOfficer, func(tx store.Tx) error {
			for _, r := range rows {
				if r.value == nil {
					if err := tx.Delete(r.collection, r.key); err != nil {
						return err
					}
				} else if err := tx.Put(r.collection, r.key, r.value); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	})
}

// accounted is a town with four releases: attendance and the rest of the fall for
// one agreement, all of it for another under noise, and a correction.
func accounted(t *testing.T) *town {
	t.Helper()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(kids[:12]...)
	d.closeFamilies(attendance)
	d.closePeriod(townFall)
	d.imported(marked(kids, map[int]string{0: "20"}))
	d.correct(grades)
	d.partner("noisy")
	r := terms("noisy", "noisy")
	r.Profile = "standard"
	d.conclude(r)
	d.roster("noisy", kids[12:32]...)
	d.clock.Set(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	d.closePeriod(townLent)
	return d
}

func TestEachReleaseHasARecordInTheLedger(t *testing.T) {
	t.Parallel()
	d := accounted(t)
	got := d.ledger()
	if got.Size != 5 || len(got.Records) != 5 {
		t.Fatalf("the ledger has %d records: %+v", got.Size, got.Records)
	}
	previous := ""
	for i, r := range got.Records {
		if r.Sequence != uint64(i+1) || r.Previous != previous || len(r.Release) != 64 || len(r.Sets) != 64 || r.PublishedAt.IsZero() {
			t.Errorf("record %d is %+v", i+1, r)
		}
		raw := d.value(stored{collection: "ledger", key: sequence(r.Sequence)})
		sum := sha256.Sum256(raw)
		previous = hex.EncodeToString(sum[:])
	}
	if previous != got.Digest {
		t.Errorf("the ledger ends with %s, says %s", previous, got.Digest)
	}
	first, second, third, noisy := got.Records[0], got.Records[1], got.Records[2], got.Records[4]
	if strings.Join(first.Families, " ") != "attendance" || strings.Join(second.Families, " ") != "discipline grades" || first.Figures == 0 || first.Mechanism.Name != "bands" {
		t.Errorf("the first records are %+v and %+v", first, second)
	}
	if !third.Correction || strings.Join(third.Families, " ") != "grades" || third.Sets == second.Sets {
		t.Errorf("the correction is %+v", third)
	}
	if noisy.Agreement != "noisy" || noisy.Period != townLent || noisy.Mechanism.Name != "discrete_gaussian" || noisy.Mechanism.Variance != 400 {
		t.Errorf("the noisy release is %+v", noisy)
	}
	page := data[ledgerBody](t, d.must(d.Ledger(t.Context(), officer, broker.LedgerRequest{From: 2, Limit: 2})))
	if len(page.Records) != 2 || page.Records[0].Sequence != 2 || page.Size != 5 {
		t.Errorf("a page from 2 is %+v", page)
	}
	for _, limit := range []int{-1, 1001} {
		a, err := d.Ledger(t.Context(), officer, broker.LedgerRequest{Limit: limit})
		refused(t, a, err, broker.Invalid, "limit")
	}
}

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// value reads one value of the store.
func (d *town) value(r stored) (value []byte) {
	d.t.Helper()
	d.inspect(func(reader store.Reader) error {
		raw, err := reader.Get(r.collection, r.key)
		value = bytes.Clone(raw)
		return err
	})
	return value
}

// found asserts that the log's check finds something, by name.
func (d *town) found(what string) {
	d.t.Helper()
	if _, err := d.VerifyLog(d.t.Context(), nil); err == nil || !strings.Contains(err.Error(), "ledger") && !strings.Contains(err.Error(), "collection") {
		d.t.Errorf("%s: %v", what, err)
	}
}

// One byte of any record, release or set behind it is changed in the store: the
// check of the log finds each.
func TestAChangedByteOfAReleaseIsFound(t *testing.T) {
	t.Parallel()
	d := accounted(t)
	rng := rand.New(rand.NewPCG(11, 12))
	var rows []stored
	for _, c := range []store.Collection{"ledger", "releases", "published"} {
		n := 0
		d.scan(c, func(k, v []byte) {
			n++
			rows = append(rows, stored{c, k, v})
		})
		if n < 3 {
			t.Fatalf("%d rows of %s are no test", n, c)
		}
	}
	for _, r := range rows {
		for range 3 {
			changed := bytes.Clone(r.value)
			at := rng.IntN(len(changed))
			changed[at] ^= byte(1 + rng.IntN(255))
			d.write(stored{r.collection, r.key, changed})
			d.found(string(r.collection) + ", byte " + string(r.value[max(0, at-20):min(len(r.value), at+20)]))
		}
		d.write(r)
	}
	d.verify()
}

// Whoever may write to the store may make the chain fit again. The log is signed,
// and has the end of the ledger as it was.
func TestALedgerThatWasWrittenAnewIsFound(t *testing.T) {
	t.Parallel()
	d := accounted(t)
	end := d.ledger()
	key := sequence(end.Size)
	was := d.value(stored{collection: "ledger", key: key})
	head := stored{"head", []byte("ledger\x00"), d.value(stored{collection: "head", key: []byte("ledger\x00")})}
	var record map[string]any
	if err := json.Unmarshal(was, &record); err != nil {
		t.Fatal(err)
	}
	anew := bytes.Replace(was, []byte(`"figures":`), []byte(`"figures":1`), 1)
	sum := sha256.Sum256(anew)
	ending := func(size uint64, digest string) stored {
		raw, err := json.Marshal(map[string]any{"size": size, "digest": digest}, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		return stored{"head", head.key, raw}
	}
	d.write(stored{"ledger", key, anew}, ending(end.Size, hex.EncodeToString(sum[:])))
	d.found("a record that was written anew with the end of the ledger")
	d.write(stored{"ledger", key, was}, head)
	d.verify()

	release := stored{"releases", []byte("noisy\x00" + townLent + "\x00\x00\x00\x00\x00"), nil}
	release.value = d.value(release)
	if len(release.value) == 0 {
		t.Fatal("the newest release is not where the test looks for it")
	}
	last := end.Records[len(end.Records)-1]
	d.write(stored{"ledger", key, nil}, stored{"releases", release.key, nil}, ending(end.Size-1, last.Previous))
	d.found("the newest release, taken away with its record")
	d.write(stored{"ledger", key, was}, release, head)
	d.verify()

	d.write(stored{"releases", []byte("noisy\x00" + townLent + "\x00\x00\x00\x00\x01"), release.value})
	d.found("a release without a record")
	d.write(stored{"releases", []byte("noisy\x00" + townLent + "\x00\x00\x00\x00\x01"), nil})
}
