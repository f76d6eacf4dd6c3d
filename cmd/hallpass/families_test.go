package main

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestHarnessKillsLeaveEachFamilyOldOrNewWhole(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	n := rounds(t, "FAMILY_KILLS", 3)
	for round := range n {
		l.load(round, "hallpass", "serve", "--dir", l.dir, "--listen", "127.0.0.1:0", "--ops-listen", "")
		if torn := l.torn(); torn != "" {
			t.Fatalf("round %d: %s", round, torn)
		}
	}
	t.Logf("harness family_kills: %d kills, %d of them with parts staged for a version that did not count, %d after a version counted and before anybody was told; %d versions (%d with families held), each family old or new whole and as the loads on record say, the log verified each time",
		n, l.staged, l.untold, l.newest, l.degraded)
	const enough = 20 // kills, after which it is no chance that nothing was loaded
	if n >= enough && (l.newest < uint64(n) || l.degraded == 0) {
		t.Errorf("too little was loaded to prove anything")
	}
}

func TestAVersionThatCountsBeforeItsPartsAreStagedIsNoticed(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	for round := range 60 {
		l.load(round, "hallpass-premature", l.dir)
		if torn := l.torn(); torn != "" {
			t.Logf("after %d kills: %s", round+1, torn)
			return
		}
	}
	t.Error("60 kills of a service that stages too late tore no family: the test of families cannot fail")
}

func TestOneRowOfAnotherVersionIsNoticedInEachFamily(t *testing.T) {
	t.Parallel()
	l := newLoader(t)
	first, second := l.books[firstEdition], l.books[secondEdition]
	for file := range first {
		mixed := maps.Clone(first)
		mixed[file] = slices.Clone(first[file])
		row := slices.IndexFunc(second[file], func(row []string) bool { return !first[file].lists(row) })
		mixed[file][row] = second[file][row]
		e := l.know(export{folder: mixed.write(t), edition: firstEdition})
		l.take(e)
		if torn := l.torn(); !strings.Contains(torn, "the family "+string(ingest.FamilyOf(file))) {
			t.Errorf("one row of %s is of another version, and what is noticed is %q", file, torn)
		}
	}
}

// loader is a district whose exports are loaded, with a journal of what was
// acknowledged.
type loader struct {
	t       *testing.T
	dir     string
	today   civil.Date
	books   [editions]book
	exports []export
	usual   time.Duration // that a load takes on a good day

	mu   sync.Mutex
	told map[uint64]string // the export's digest by version that was acknowledged

	newest                   uint64 // version
	staged, untold, degraded int
}

func newLoader(t *testing.T) *loader {
	t.Helper()
	d := sample.Generate(sample.Options{Seed: 9, Students: 300, Schools: 4})
	l := &loader{t: t, dir: filepath.Join(shortDir(t), "d"), today: d.AsOf, told: map[uint64]string{}}
	now := d.AsOf.Time().Add(20 * time.Hour)
	l.must(broker.Init(t.Context(), l.dir, broker.Settings{
		Name: d.Name, Host: "families.example", TimeZone: d.Timezone, Simulated: now, CreatedAt: now,
	}))
	for e := range editions {
		l.books[e] = editionOf(t, d, e)
		l.know(export{folder: l.books[e].write(t), edition: e})
	}
	for e := range editions {
		for _, f := range ingest.Families() {
			l.know(export{folder: l.books[e].faulty(f).write(t), edition: e, faulty: f})
		}
	}
	for e := range editions {
		began := time.Now()
		l.take(l.exports[e])
		took := time.Since(began)
		l.usual = min(cmp.Or(l.usual, took), took)
	}
	if torn := l.torn(); torn != "" {
		t.Fatal(torn)
	}
	return l
}

func (l *loader) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *loader) options(degrade bool) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: l.today, Degrade: degrade}
}

// know adds an export to those that may be loaded.
func (l *loader) know(e export) export {
	l.t.Helper()
	_, report, err := ingest.ReadPath(e.folder, ingest.Plain(), l.options(true))
	l.must(err)
	e.digest = report.Digest
	l.exports = append(l.exports, e)
	return e
}

// take loads an export while nobody serves the district.
func (l *loader) take(e export) {
	l.t.Helper()
	b, err := broker.Open(l.t.Context(), l.dir, broker.Options{})
	l.must(err)
	res, err := b.Import(l.t.Context(), byHand(), broker.ImportRequest{
		Path: e.folder, Options: l.options(true), Removals: removable(),
	})
	l.must(errors.Join(err, b.Close()))
	l.told[res.Version] = res.Report.Digest
}

// removable lets an edition replace every incident of the other: what an
// incident says is also what it is known by.
func removable() broker.Removals { return broker.Removals{ingest.Discipline: 100} }

// load serves the district, loads one export after the other by the command,
// and kills the service at some moment of it.
func (l *loader) load(round int, program string, args ...string) {
	l.t.Helper()
	s := launch(l.t, program, args...)
	killed := make(chan struct{})
	var work sync.WaitGroup
	for importer := range importers {
		work.Go(func() { l.importer(rand.New(rand.NewPCG(uint64(round), uint64(importer))), killed) })
	}
	l.await(round)
	l.must(s.cmd.Process.Kill())
	close(killed)
	work.Wait()
	s.wait()
}

// await returns at the moment of the kill. A process under way can be met only
// by the machine's clock: at any time or, since a load reads for long and writes
// for little, in every second round soon after the store was written.
func (l *loader) await(round int) {
	random := rand.New(rand.NewPCG(uint64(round), 13))
	some := func(most time.Duration) <-chan time.Time {
		return time.After(time.Duration(random.Int64N(int64(most))))
	}
	<-some(3 * l.usual)
	if round%2 == 0 {
		return
	}
	for was := l.written(); l.written().Equal(was); {
		<-time.After(time.Millisecond)
	}
	<-some(l.usual / 10)
}

// written is when the store's file was written last.
func (l *loader) written() time.Time {
	info, err := os.Stat(filepath.Join(l.dir, "store.db"))
	l.must(err)
	return info.ModTime()
}

// importers is how many commands wait for one another, so that the service
// always has an export to load.
const importers = 2

func (l *loader) importer(random *rand.Rand, killed chan struct{}) {
	path, err := exec.LookPath("hallpass")
	l.must(err)
	for !done(killed) {
		e := l.exports[random.IntN(int(editions))]
		if random.IntN(2) == 0 {
			e = l.exports[random.IntN(len(l.exports))]
		}
		cmd := exec.Command(path, "import", "csv", "--dir", l.dir, "--snapshot", "all", "--exported", l.today.String(),
			"--degrade", "--max-removed", "discipline=100", "--output", "json", e.folder)
		cmd.WaitDelay = time.Second
		out, _ := cmd.Output() // the exit code says also that a family was held
		var result struct {
			Version   uint64
			Unchanged bool
		}
		if json.Unmarshal(out, &result) == nil && !result.Unchanged {
			l.mu.Lock()
			l.told[result.Version] = e.digest
			l.mu.Unlock()
		}
	}
}

// torn opens the district again and says which record family is not whole, or
// nothing. The log must verify whatever happened.
func (l *loader) torn() string {
	if l.unfinished() {
		l.staged++
	}
	b, err := broker.Open(l.t.Context(), l.dir, broker.Options{})
	if err != nil {
		return "the district does not open: " + err.Error()
	}
	defer func() { l.must(b.Close()) }()
	if _, err := b.VerifyLog(l.t.Context(), nil); err != nil {
		return "the log does not verify: " + err.Error()
	}
	list, err := b.Loads(l.t.Context(), byHand())
	l.must(err)
	recorded, wrong := l.recorded(list)
	if wrong != "" {
		return wrong
	}
	fresh, err := b.Freshness(l.t.Context())
	if err != nil {
		return "the records cannot be read: " + err.Error()
	}
	for _, f := range fresh {
		if f.Stale != recorded[f.Family].stale {
			return fmt.Sprintf("version %d: the family %s is stale: %t, and by the loads on record it is not so", l.newest, f.Family, f.Stale)
		}
	}
	for e := range editions {
		if wrong := l.compare(b, e, recorded); wrong != "" {
			return wrong
		}
	}
	return ""
}

// compare compares what counts with an edition: each family must be all of it,
// or not be it, as the loads on record say.
func (l *loader) compare(b *broker.Broker, e edition, recorded map[ingest.Family]state) (wrong string) {
	res, err := b.Import(l.t.Context(), byHand(), broker.ImportRequest{Path: l.exports[e].folder, Options: l.options(false), Removals: removable(), DryRun: true})
	if err != nil {
		return "the records cannot be read: " + err.Error()
	}
	if res.Version != l.newest {
		return fmt.Sprintf("version %d counts, and the newest load on record is %d", res.Version, l.newest)
	}
	for _, f := range ingest.Families() {
		if same, want := agrees(res, f), recorded[f].edition == e; same != want {
			return fmt.Sprintf("version %d: the family %s is edition %d whole: %t, and by the loads on record: %t", l.newest, f, e, same, want)
		}
	}
	return ""
}

func byHand() broker.Caller { return broker.Caller{Subject: "S", Role: broker.RoleSteward} }

// agrees reports whether a family is record by record what an export says.
func agrees(res broker.ImportResult, f ingest.Family) bool {
	return !slices.ContainsFunc(f.Forms(), func(form string) bool { return res.Report.Changes.Files[form] != ingest.Delta{} })
}

// state is what a record family is by the loads on record.
type state struct {
	edition edition
	stale   bool
}

// recorded is the state of each family by the loads on record, which come newest
// first, and what is wrong with these.
func (l *loader) recorded(list []broker.Load) (is map[ingest.Family]state, wrong string) {
	is, l.degraded = map[ingest.Family]state{}, 0
	for i, load := range slices.Backward(list) {
		version := uint64(len(list) - i)
		at := slices.IndexFunc(l.exports, func(e export) bool { return e.digest == load.Digest })
		told, acknowledged := l.told[version]
		switch {
		case load.Version != version || load.Current != (i == 0) || at < 0:
			return nil, fmt.Sprintf("the load on record after version %d is %+v", version-1, load)
		case acknowledged && told != load.Digest:
			return nil, fmt.Sprintf("version %d was acknowledged as another export", version)
		}
		if len(load.Held) > 0 {
			l.degraded++
		}
		for _, f := range ingest.Families() {
			held, faulty := holds(load, f), l.exports[at].faulty
			if held != (faulty == f || faulty == ingest.People) {
				return nil, fmt.Sprintf("version %d: the family %s is held: %t, and the faulty family was %q", version, f, held, faulty)
			}
			if held {
				is[f] = state{is[f].edition, true}
			} else {
				is[f] = state{edition: l.exports[at].edition}
			}
		}
	}
	return is, l.advance(uint64(len(list)))
}

func holds(load broker.Load, f ingest.Family) bool {
	return load.Event == tlog.ImportHeld || slices.ContainsFunc(load.Held, func(h ingest.Hold) bool { return h.Family == f })
}

// advance notes the newest version: what was acknowledged or there before is
// there, and at most one more for each command that was under way.
func (l *loader) advance(newest uint64) (wrong string) {
	known := max(l.newest, slices.Max(slices.Collect(maps.Keys(l.told))))
	if newest < known || newest > known+importers {
		return fmt.Sprintf("version %d is there, and version %d was known", newest, known)
	}
	if newest > known {
		l.untold++
	}
	l.newest = newest
	return ""
}

// unfinished reports whether the store holds parts of a version that does not
// count.
func (l *loader) unfinished() (found bool) {
	e, err := bolt.Open(filepath.Join(l.dir, "store.db"), bolt.Options{})
	l.must(err)
	tx, err := e.Begin(l.t.Context(), false)
	l.must(err)
	counts := uint64(0)
	for _, c := range []store.Collection{"manifests", "pages", "segments"} {
		l.must(tx.Scan(c, store.Range{}, func(k, _ []byte) (bool, error) {
			version := binary.BigEndian.Uint64(k)
			if c == "manifests" {
				counts = max(counts, version)
			}
			found = found || version > counts
			return true, nil
		}))
	}
	l.must(errors.Join(tx.Rollback(), e.Close()))
	return found
}
