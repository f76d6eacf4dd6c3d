package broker_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// imported runs an import that the test expects to be read.
func (d *town) imported(f files, set ...func(*broker.ImportRequest)) broker.ImportResult {
	d.t.Helper()
	req := broker.ImportRequest{Path: f.write(d.t), Options: ingest.Options{Snapshot: ingest.SnapshotAll}}
	for _, change := range set {
		change(&req)
	}
	res, err := d.Import(d.t.Context(), steward, req)
	if err != nil {
		d.t.Fatal(err)
	}
	return res
}

func active(r *broker.ImportRequest)          { r.Options.Snapshot = ingest.SnapshotActive }
func dryRun(r *broker.ImportRequest)          { r.DryRun = true }
func acceptErrorRows(r *broker.ImportRequest) { r.AcceptErrorRows = true }

// inspect reads the store itself, between two openings of the district.
func (d *town) inspect(read func(r store.Reader) error, options ...func(*broker.Options)) {
	d.t.Helper()
	if err := d.Close(); err != nil {
		d.t.Fatal(err)
	}
	inspectStore(d.t, filepath.Join(d.dir, "store.db"), read)
	d.open(append(options, withRules(d.t))...)
}

func inspectStore(t testing.TB, path string, read func(r store.Reader) error) {
	t.Helper()
	engine, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(engine, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.View(context.Background(), read); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d *town) revision() (rev uint64) {
	d.t.Helper()
	d.inspect(func(r store.Reader) error { rev = r.Rev(); return nil })
	return rev
}

// parts counts the keys of a collection by the data version they begin with.
func (d *town) parts(c store.Collection) map[uint64]int {
	d.t.Helper()
	count := map[uint64]int{}
	d.inspect(func(r store.Reader) error {
		return r.Scan(c, store.Range{}, func(k, _ []byte) (bool, error) {
			count[binary.BigEndian.Uint64(k)]++
			return true, nil
		})
	})
	return count
}

// segmentVersions tells for each school the version of its segment that is in
// use.
func (d *town) segmentVersions() map[string]uint64 {
	d.t.Helper()
	at := map[string]uint64{}
	d.inspect(func(r store.Reader) error {
		var newest []byte
		err := r.Scan("manifests", store.Range{Reverse: true, Limit: 1}, func(_, v []byte) (bool, error) {
			newest = append(newest, v...)
			return false, nil
		})
		if err != nil {
			return err
		}
		var m struct {
			Segments []struct {
				Version uint64 `json:"version"`
				School  string `json:"school"`
			} `json:"segments"`
		}
		if err := json.Unmarshal(newest, &m); err != nil {
			return err
		}
		for _, s := range m.Segments {
			at[s.School] = s.Version
		}
		return nil
	})
	return at
}

// regraded is the town's export with another mark of a pupil in the fall.
func regraded(f files, p pupil, value string) files {
	for i, row := range f["grades"] {
		if row[0] == p.id && row[2] == townFall {
			f["grades"][i][5] = value
		}
	}
	return f
}

// fallMark is a child's mark of the fall as the club reads it.
func (d *town) fallMark(p pupil) string {
	d.t.Helper()
	for _, g := range d.clubRows()[p.ref()].Grades {
		if g["session"] == townFall {
			return fmt.Sprint(g["value"])
		}
	}
	return "none"
}

func TestTheFirstImportMakesTheFirstVersion(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	before := d.size()
	res := d.imported(townFiles())
	if res.Version != 1 || res.Rejected || res.Unchanged || res.Report.Changes.Files["students.csv"].Added != 5 {
		t.Errorf("the result is %+v with %+v", res, res.Report.Changes)
	}
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.ImportPublished {
		t.Errorf("the entries are %+v", got)
	}
}

func TestTheSameFilesAgainChangeNothing(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before, size := d.revision(), d.size()
	if res := d.imported(townFiles()); !res.Unchanged || res.Version != 1 {
		t.Errorf("the result is %+v", res)
	}
	if after := d.revision(); after != before || d.size() != size {
		t.Errorf("the revision went from %d to %d, the log from %d to %d", before, after, size, d.size())
	}
}

func TestTheSameFilesOnAnotherDayMoveNoRecords(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.clock.Set(inLent.Add(20 * 60 * 60 * 1e9))
	if res := d.imported(townFiles()); res.Report.Changes.Files["students.csv"] != (ingest.Delta{}) {
		t.Errorf("the changes are %+v", res.Report.Changes)
	}
	if got := d.parts("pages"); got[1] != 1 || len(got) != 1 {
		t.Errorf("pages by version: %v", got)
	}
}

func TestAChangedFileMakesAVersionThatSharesWhatDidNotChange(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(eve)
	d.consent(consentTo("club", eve))
	if got := d.fallMark(eve); got != "71" {
		t.Fatalf("the mark is %s", got)
	}
	res := d.imported(regraded(townFiles(), eve, "99"))
	if res.Version != 2 || res.Report.Changes.Files["grades.csv"] != (ingest.Delta{Changed: 1}) {
		t.Errorf("the result is %+v with %+v", res, res.Report.Changes)
	}
	if got := d.fallMark(eve); got != "99" {
		t.Errorf("the mark is still %s", got)
	}
	if got := d.segmentVersions(); got[north] != 1 || got[south] != 2 {
		t.Errorf("the segments in use are of versions %v", got)
	}
	if got := d.parts("segments"); got[1] != 2 || got[2] != 1 {
		t.Errorf("segments by version after the next start: %v", got)
	}
	if got := d.parts("manifests"); len(got) != 2 || got[1] != 1 || got[2] != 1 {
		t.Errorf("manifests by version: %v, want the one that an undo goes back to and the current one", got)
	}
}

// unknownChild is an export whose grades name a child that is in no other file.
func unknownChild() files {
	f := regraded(townFiles(), ann, "55")
	f.add("grades", "999999", north, townFall, "Maths", "1", "50", "0-100")
	return f
}

func TestARejectedImportLeavesTheRevisionUntouched(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before := d.revision()
	res := d.imported(unknownChild())
	if !res.Rejected || res.Version != 1 || res.Report.Errors() != 1 {
		t.Errorf("the result is %+v", res)
	}
	if after := d.revision(); after != before {
		t.Errorf("the revision went from %d to %d", before, after)
	}
}

func TestAnUnreadableExportLeavesTheRevisionUntouched(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before := d.revision()
	f := townFiles()
	f["students"][0] = []string{"student_id", "given_name", "family_name", "ssn"}
	if res := d.imported(f, acceptErrorRows); !res.Rejected {
		t.Errorf("the result is %+v", res)
	}
	if after := d.revision(); after != before {
		t.Errorf("the revision went from %d to %d", before, after)
	}
}

func TestADryRunReportsAndChangesNothing(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	before, size := d.revision(), d.size()
	f := regraded(townFiles(others(1)...), eve, "99")
	res := d.imported(f, dryRun)
	if !res.DryRun || res.Rejected || res.Report.Changes.Files["students.csv"].Added != 1 || res.Report.Changes.Files["grades.csv"].Changed != 1 {
		t.Errorf("the result is %+v with %+v", res, res.Report.Changes)
	}
	if after := d.revision(); after != before || d.size() != size {
		t.Errorf("the revision went from %d to %d", before, after)
	}
}

func TestGoodRowsGoInWhenErrorRowsAreAccepted(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	if res := d.imported(unknownChild(), acceptErrorRows); res.Rejected || res.Version != 2 {
		t.Errorf("the result is %+v", res)
	}
	if got := d.fallMark(ann); got != "55" {
		t.Errorf("the mark is %s", got)
	}
}

func TestALeaverOfAnActiveSnapshotKeepsEveryFact(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	d.consent(consentTo("club", ben))
	was := d.clubRows()[ben.ref()]
	f := townFiles()
	for table := range f {
		f.drop(table, ben.id)
	}
	d.clock.Set(inLent.AddDate(0, 0, 21))
	d.imported(f, active)
	now := d.clubRows()[ben.ref()]
	if canonical(t, now.Grades) != canonical(t, was.Grades) || now.Attendance == nil || now.Attendance.Absent != was.Attendance.Absent {
		t.Fatalf("the leaver's row went from %+v to %+v", was, now)
	}
	// Three more Mondays of school before the export date on which ben left.
	if got := now.Attendance.Enrolled - was.Attendance.Enrolled; got != 3 {
		t.Errorf("%v more days enrolled until the export date, want 3", got)
	}
	d.clock.Set(inLent.AddDate(0, 0, 42))
	d.imported(f, active)
	if later := d.clubRows()[ben.ref()]; later.Attendance.Enrolled != now.Attendance.Enrolled {
		t.Errorf("a closed enrollment went on from %v to %v days", now.Attendance.Enrolled, later.Attendance.Enrolled)
	}
}

func TestWhoIsNotInAFullSnapshotIsRemoved(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann, ben)
	d.consent(consentTo("club", ben))
	f := townFiles()
	for table := range f {
		f.drop(table, ben.id)
	}
	if res := d.imported(f); res.Report.Changes.Files["students.csv"].Removed != 1 {
		t.Errorf("the changes are %+v", res.Report.Changes)
	}
	if rows := d.clubRows(); len(rows) != 0 {
		t.Errorf("the rows are %v", rows)
	}
	a, err := d.CreateConsent(t.Context(), officer, consentTo("club", ben))
	refused(t, a, err, broker.NotAvailable)
}

func TestANewStudentCanBeConsentedForAtOnce(t *testing.T) {
	t.Parallel()
	late := others(1)[0]
	d := newTown(t)
	d.club(ann, late)
	a, err := d.CreateConsent(t.Context(), officer, consentTo("club", late))
	refused(t, a, err, broker.NotAvailable)
	d.imported(townFiles(late), active)
	d.consent(consentTo("club", late))
	d.roster("club", ann, late)
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestWithoutAGuardiansFileTheGuardiansStay(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	f := regraded(townFiles(), ann, "55")
	delete(f, "guardians")
	d.imported(f)
	d.consent(consentTo("club", ann))
	if got := d.fallMark(ann); got != "55" {
		t.Errorf("the mark is %s", got)
	}
}

func TestAFileThatIsAbsentKeepsItsRecords(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	f := townFiles()
	delete(f, "grades")
	d.imported(f)
	if got := d.fallMark(ann); got != "71" {
		t.Errorf("the mark is %s", got)
	}
}

func TestAnExportThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	res, err := d.Import(t.Context(), steward, broker.ImportRequest{Path: filepath.Join(t.TempDir(), "absent"), Options: loadAll})
	if err == nil && !res.Rejected {
		t.Errorf("imported %+v", res)
	}
	empty := t.TempDir()
	if res, err := d.Import(t.Context(), steward, broker.ImportRequest{Path: empty, Options: loadAll}); err == nil && !res.Rejected {
		t.Errorf("imported an empty folder: %+v", res)
	}
	if _, err := os.Stat(empty); err != nil {
		t.Error(err)
	}
}

// loadAll says that the files are the whole truth.
var loadAll = ingest.Options{Snapshot: ingest.SnapshotAll}

func TestAnImportThatOvertakesAnAnswerMakesTheAnswerAnew(t *testing.T) {
	t.Parallel()
	w := &watch{}
	d := emptyTown(t, inLent, w.option)
	d.load(townFiles().write(t), loadAll)
	d.club(ann)
	d.consent(consentTo("club", ann))
	next := regraded(townFiles(), ann, "99").write(t)
	w.on(func() {
		// The answer holds its snapshot now; the import comes first all the same.
		w.on(nil, nil)
		d.load(next, loadAll)
	}, nil)
	before := d.size()
	if got := d.fallMark(ann); got != "99" {
		t.Errorf("the answer has the mark %s of the version before", got)
	}
	released := 0
	for _, e := range d.since(before) {
		if e.Event == tlog.QueryReleased {
			released++
		}
	}
	if released != 1 {
		t.Errorf("%d answers were recorded, want the one that left", released)
	}
}

func TestAnImportThatStopsBeforeItsFlipLeavesTheOldVersion(t *testing.T) {
	t.Parallel()
	for stop := 1; stop <= 3; stop++ {
		t.Run(fmt.Sprintf("after %d commits", stop), func(t *testing.T) {
			t.Parallel()
			w := &watch{}
			d := emptyTown(t, inLent, w.option)
			d.load(townFiles().write(t), loadAll)
			d.club(ann)
			d.consent(consentTo("club", ann))
			next := regraded(townFiles(others(3)...), ann, "99").write(t)
			ctx, cancel := context.WithCancel(t.Context())
			left := stop
			defer cancel()
			w.on(nil, func() {
				if left--; left == 0 {
					cancel()
				}
			})
			size := d.size()
			if _, err := d.Import(ctx, steward, broker.ImportRequest{Path: next, Options: loadAll}); err == nil {
				t.Fatal("the import was not stopped")
			}
			w.on(nil, nil)
			if d.size() != size {
				t.Error("a stopped import left an entry")
			}
			if got := d.fallMark(ann); got != "71" {
				t.Errorf("the mark is %s", got)
			}
			d.parts("pages") // the next start collects what was staged
			for _, c := range []store.Collection{"pages", "segments", "manifests"} {
				if got := d.parts(c); got[2] != 0 || got[1] == 0 {
					t.Errorf("%s by version after the next start: %v", c, got)
				}
			}
			d.load(next, loadAll)
			if got := d.fallMark(ann); got != "99" {
				t.Errorf("the mark is %s after the import came through", got)
			}
		})
	}
}

// While imports change two marks of a child together, every answer has both
// of one version.
func TestAnswersBesideImportsAreOfOneVersion(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	exports := make([]string, 2)
	for i, mark := range []string{"71", "99"} {
		f := townFiles()
		for j, row := range f["grades"] {
			if row[0] == ann.id {
				f["grades"][j][5] = mark
			}
		}
		exports[i] = f.write(t)
	}
	d.load(exports[0], loadAll)
	over := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
				if broker.KindOf(err) == broker.Unavailable {
					continue // moved three times
				}
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range data[struct{ Rows []shownRow }](t, a).Rows {
					if len(r.Grades) != 2 || r.Grades[0]["value"] != r.Grades[1]["value"] {
						t.Errorf("marks of two versions in one answer: %v", r.Grades)
					}
				}
			}
		})
	}
	for i := range 8 {
		d.load(exports[(i+1)%2], loadAll) // the last one is the first again
	}
	close(over)
	readers.Wait()
	if got := d.fallMark(ann); got != "71" {
		t.Errorf("the mark is %s after the last import", got)
	}
}
