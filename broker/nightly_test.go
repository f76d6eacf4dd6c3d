package broker_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func degrade(r *broker.ImportRequest) { r.Options.Degrade = true }

// spoiled adds a row in error to a table.
func spoiled(f files, table string) files {
	f.add(table, map[string][]string{
		"students":   {"", "Nobody", "Nowhere", "2011-01-01"},
		"attendance": {ann.id, north, "not-a-day", "absent_excused"},
		"grades":     {"999999", north, townFall, "Maths", "1", "50", "0-100"},
		"discipline": {ann.id, north, "2025-10-06", "", "fight", "expelled", ""},
		"guardians":  {ann.id, "", "No", "Body", "mother", "parent", "yes"},
	}[table]...)
	return f
}

type staleness struct {
	Stale []struct {
		Family   ingest.Family
		LoadedOn string `json:"loaded_on"`
		HeldOn   string `json:"held_on"`
	}
}

// stale are the families that the club's rows are said to be stale in.
func (d *town) stale() (list []ingest.Family) {
	d.t.Helper()
	a := d.must(d.Students(d.t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: broker.PeriodCurrent}))
	for _, s := range data[staleness](d.t, a).Stale {
		if s.HeldOn == "" {
			d.t.Error("a family is stale since no day")
		}
		list = append(list, s.Family)
	}
	return list
}

func held(r broker.ImportResult) (list []ingest.Family) {
	for _, h := range r.Report.Held {
		list = append(list, h.Family)
	}
	return list
}

func TestAFamilyWithAFaultKeepsItsLastGoodVersionAndTheOthersComeIn(t *testing.T) {
	t.Parallel()
	for table, family := range map[string]ingest.Family{
		"grades": ingest.Grades, "attendance": ingest.Attendance, "discipline": ingest.Discipline, "guardians": ingest.Guardians,
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			d := newTown(t)
			d.club(ann)
			d.consent(consentTo("club", ann))
			next := regraded(townFiles(), ann, "99")
			next.add("schools", "East", "East School", "high") // the people change too
			res := d.imported(spoiled(next, table), degrade)
			if res.Rejected || res.Version != 2 || !slices.Equal(held(res), []ingest.Family{family}) {
				t.Fatalf("the result is %+v, held %v", res, held(res))
			}
			want := "99"
			if family == ingest.Grades {
				want = "71"
			}
			if got := d.fallMark(ann); got != want {
				t.Errorf("the mark is %s, want %s", got, want)
			}
			var shown []ingest.Family
			if family != ingest.Guardians { // no partner is shown any of it
				shown = []ingest.Family{family}
			}
			if got := d.stale(); !slices.Equal(got, shown) {
				t.Errorf("the answer says that %v is stale", got)
			}
			if d.imported(regraded(townFiles(), ann, "90"), degrade); len(d.stale()) != 0 || d.fallMark(ann) != "90" {
				t.Errorf("after a good load the answer says that %v is stale, the mark is %s", d.stale(), d.fallMark(ann))
			}
		})
	}
}

func TestTheOperatorIsToldHowOldEachFamilyIs(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	check := func(loaded map[ingest.Family]time.Time, stale ...ingest.Family) {
		t.Helper()
		list, err := d.Freshness(t.Context())
		if err != nil || len(list) != len(ingest.Families()) {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, f := range list {
			if !f.LoadedAt.Equal(loaded[f.Family]) || f.Stale != slices.Contains(stale, f.Family) {
				t.Errorf("%s was loaded at %v, and is stale: %t", f.Family, f.LoadedAt, f.Stale)
			}
		}
	}
	all := func(at time.Time) map[ingest.Family]time.Time {
		loaded := map[ingest.Family]time.Time{}
		for form := range townFiles() {
			loaded[ingest.FamilyOf(form+".csv")] = at
		}
		return loaded
	}
	check(all(inLent))
	night := inLent.Add(24 * time.Hour)
	d.clock.Set(night)
	d.imported(spoiled(regraded(townFiles(), ann, "99"), "grades"), degrade)
	held := all(night)
	held[ingest.Grades] = inLent
	check(held, ingest.Grades)
	d.imported(spoiled(townFiles(), "students"), degrade)
	check(held, ingest.People, ingest.Attendance, ingest.Discipline, ingest.Grades, ingest.Guardians)
	next := night.Add(24 * time.Hour)
	d.clock.Set(next)
	d.imported(regraded(townFiles(), ann, "90"), degrade)
	check(all(next))
}

func TestWithoutDegradingOneFaultStopsTheWholeLoad(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	if res := d.imported(spoiled(townFiles(), "grades")); !res.Rejected || res.Version != 1 || len(res.Report.Held) != 0 {
		t.Errorf("the result is %+v", res)
	}
}

func TestANightWithBrokenPeopleChangesNoRecordAndStampsThemAll(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	before := d.size()
	bad := spoiled(regraded(townFiles(), ann, "99"), "students")
	res := d.imported(bad, degrade)
	if !res.Rejected || res.Version != 2 || res.Unchanged {
		t.Errorf("the result is %+v", res)
	}
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.ImportHeld {
		t.Errorf("the entries are %+v", got)
	}
	if got := d.fallMark(ann); got != "71" {
		t.Errorf("the mark is %s", got)
	}
	if got := d.stale(); !slices.Equal(got, []ingest.Family{ingest.People, ingest.Attendance, ingest.Discipline, ingest.Grades}) {
		t.Errorf("stale are %v", got)
	}
	if again := d.imported(bad, degrade); !again.Unchanged || !again.Rejected {
		t.Errorf("the same bad night again: %+v", again)
	}
}

func TestAPeriodIsNotFrozenOnStaleRecords(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.imported(spoiled(townFiles(kids...), "attendance"), degrade)
	if _, err := d.Freeze(t.Context(), officer, townFall); broker.KindOf(err) != broker.Conflict || !strings.Contains(err.Error(), "attendance") {
		t.Errorf("frozen on stale records: %v", err)
	}
	d.imported(townFiles(kids...), degrade)
	d.done(d.Freeze(t.Context(), officer, townFall))
}

func TestAStaleFamilyKeepsOnlyThatPeriodOpenWhoseFiguresAreOfIt(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Indicators = []string{records.AttendanceRate}
	d.conclude(r)
	d.roster("club", kids[:12]...)
	d.imported(spoiled(townFiles(kids...), "grades"), degrade)
	if got := d.stale(); !slices.Equal(got, []ingest.Family{ingest.Grades}) {
		t.Fatalf("stale are %v", got)
	}
	d.done(d.Freeze(t.Context(), officer, townFall))
}

// shrunk is the town without the marks of some of its pupils.
func shrunk(kids []pupil, n int) files {
	f := townFiles(kids...)
	for _, k := range kids[:n] {
		f.drop("grades", k.id)
	}
	return f
}

func TestALoadThatWouldLoseTooMuchWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	before := d.size()
	lossy := shrunk(kids, 6) // twelve of ninety results
	res := d.imported(lossy)
	if !res.Rejected || !res.Doubted || !slices.Equal(held(res), []ingest.Family{ingest.Grades}) || res.Version != 1 {
		t.Fatalf("the result is %+v, held %v", res, held(res))
	}
	d.imported(lossy)
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.ImportDoubted {
		t.Errorf("the entries are %+v", got)
	}
	if err := d.ApproveImport(t.Context(), steward, res.Content); broker.KindOf(err) != broker.Conflict {
		t.Errorf("approved by the one who loaded it: %v", err)
	}
	if err := d.ApproveImport(t.Context(), officer, "another"); broker.KindOf(err) != broker.Conflict {
		t.Errorf("approved what nobody asked for: %v", err)
	}
	if err := errors.Join(d.ApproveImport(t.Context(), officer, res.Content), d.ApproveImport(t.Context(), officer, res.Content)); err != nil {
		t.Fatal(err)
	}
	if res := d.imported(lossy); res.Rejected || res.Version != 2 || res.Report.Changes.Files["grades.csv"].Removed != 12 {
		t.Errorf("after the approval: %+v", res)
	}
}

func TestAnOfficeOfOneWaitsTwelveHours(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	content := d.imported(shrunk(kids, 6)).Content
	d.clock.Set(inLent.Add(11 * time.Hour))
	if err := d.ApproveImport(t.Context(), steward, content); broker.KindOf(err) != broker.Conflict {
		t.Errorf("an hour early: %v", err)
	}
	d.clock.Set(inLent.Add(12 * time.Hour))
	before := d.size()
	if err := d.ApproveImport(t.Context(), steward, content); err != nil {
		t.Error(err)
	}
	if got := d.since(before); len(got) != 1 || got[0].Event != tlog.ImportApproved {
		t.Errorf("the entries are %+v", got)
	}
}

func TestANightThatWouldLoseTooMuchHoldsThatFamilyAlone(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	f := shrunk(kids, 6)
	f.add("schools", "East", "East School", "high")
	res := d.imported(f, degrade)
	if res.Rejected || !res.Doubted || res.Version != 2 || !slices.Equal(held(res), []ingest.Family{ingest.Grades}) {
		t.Fatalf("the result is %+v, held %v", res, held(res))
	}
	if d.consent(consentTo("club", kids[0])); d.fallMark(kids[0]) != "71" {
		t.Error("a mark that was only left out of the export is gone")
	}
	limits := func(r *broker.ImportRequest) { r.Removals = broker.Removals{ingest.Grades: 20} }
	if res := d.imported(f, degrade, limits); res.Doubted || res.Report.Changes.Files["grades.csv"].Removed != 12 {
		t.Errorf("under a limit of a fifth: %+v", res)
	}
}

func TestANightWithoutASchoolIsHeldAsDrift(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	f := townFiles(kids...)
	for _, table := range []string{"students", "enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, eve.id) // the only pupil of South
	}
	res := d.imported(f, degrade)
	if !res.Rejected || !res.Doubted || !slices.Contains(held(res), ingest.People) || len(res.Report.Drift) == 0 {
		t.Errorf("the result is %+v, held %v, drift %+v", res, held(res), res.Report.Drift)
	}
}

// outcomes runs a test's body once as the service is and once with a guard
// removed: the second must come out otherwise.
func outcomes(t *testing.T, remove func(*broker.Sabotage), body func(d *town, kids []pupil) bool) {
	t.Helper()
	for _, removed := range []bool{false, true} {
		kids := others(40)
		d := newTown(t, kids...)
		d.club(kids[:12]...)
		if removed {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d.open(withRules(t), func(o *broker.Options) { remove(&o.Sabotage) })
		}
		if guarded := body(d, kids); guarded == removed {
			t.Errorf("the guard is removed: %t, and it held: %t", removed, guarded)
		}
	}
}

func TestWithoutItsGuardALossyLoadGoesIn(t *testing.T) {
	t.Parallel()
	outcomes(t, func(s *broker.Sabotage) { s.NoDoubts = true }, func(d *town, kids []pupil) bool {
		return d.imported(shrunk(kids, 6)).Rejected
	})
}

func TestWithoutItsGuardAPeriodIsFrozenOnStaleRecords(t *testing.T) {
	t.Parallel()
	outcomes(t, func(s *broker.Sabotage) { s.FreezeStale = true }, func(d *town, kids []pupil) bool {
		d.imported(spoiled(townFiles(kids...), "attendance"), degrade)
		_, err := d.Freeze(t.Context(), officer, townFall)
		return err != nil
	})
}

func TestInAPlannedRolloverStudentsMayLeaveByTheHundred(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	today := civil.Of(inLent, time.UTC)
	for _, bad := range []broker.Rollover{{}, {From: today, To: today + 9}, {From: today + 9, To: today + 8}, {From: today + 1, To: today + 61}} {
		if err := d.PlanRollover(t.Context(), steward, bad); broker.KindOf(err) != broker.Invalid {
			t.Errorf("planned %+v: %v", bad, err)
		}
	}
	if err := d.PlanRollover(t.Context(), steward, broker.Rollover{From: today + 1, To: today + 2}); err != nil {
		t.Fatal(err)
	}
	stayed := townFiles(kids[20:]...)
	for days, want := range map[int]bool{0: true, 3: true} {
		d.clock.Set(inLent.AddDate(0, 0, days))
		if got := d.imported(stayed, active).Rejected; got != want {
			t.Errorf("on day %d a load without half of the students is rejected: %t", days, got)
		}
	}
	d.clock.Set(inLent.AddDate(0, 0, 4))
	if err := d.PlanRollover(t.Context(), steward, broker.Rollover{From: today + 5, To: today + 6}); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(inLent.AddDate(0, 0, 5))
	if res := d.imported(stayed, active); res.Rejected {
		t.Errorf("inside the window: %+v", res.Report.Held)
	}
}

func TestAStudentWithAnotherNumberIsSuggestedAndNeverJoinedAlone(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	f := townFiles()
	const another = "777777"
	for _, rows := range f {
		for _, row := range rows {
			if row[0] == ann.id {
				row[0] = another
			}
		}
	}
	res := d.imported(f, active)
	if !slices.ContainsFunc(res.Report.Groups, func(g ingest.Group) bool { return g.Rule == ingest.LooksRenumbered && g.Count == 1 }) {
		t.Errorf("the report has %+v", res.Report.Groups)
	}
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("the club reads %d rows", len(rows))
	}
	f["merges"] = [][]string{{"old_student_id", "new_student_id", "date"}, {ann.id, another, "2026-03-01"}}
	d.imported(f, active)
	if got := d.fallMark(ann); got != "71" {
		t.Errorf("after the merge the mark is %s", got)
	}
}

func TestTheHistorySaysWhoLoadedWhatAndAnUndoGoesBack(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	d.imported(regraded(townFiles(), ann, "99"))
	before := d.size()
	version, err := d.Undo(t.Context(), officer)
	if err != nil || version != 3 || d.fallMark(ann) != "71" {
		t.Fatalf("version %d, the mark is %s: %v", version, d.fallMark(ann), err)
	}
	if got := d.since(before); got[0].Event != tlog.ImportUndone {
		t.Errorf("the entries are %+v", got)
	}
	list, err := d.Loads(t.Context(), auditor)
	if err != nil || len(list) != 3 || !list[0].Current || list[1].Current || list[0].Undoes != 2 || list[0].By != officer.Subject {
		t.Fatalf("the history is %+v: %v", list, err)
	}
	if l := list[1]; l.By != steward.Subject || len(l.Sources) != 9 || len(l.Sources[0].SHA256) != 64 || l.Format != "plain csv" || l.Changes.Files["grades.csv"].Changed != 1 {
		t.Errorf("the second load is %+v", l)
	}
	d.revision() // a start in between
	if _, err := d.Undo(t.Context(), officer); err != nil || d.fallMark(ann) != "99" {
		t.Errorf("an undo of the undo: %v, the mark is %s", err, d.fallMark(ann))
	}
}

func TestTheFirstLoadCannotBeUndone(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	if _, err := d.Undo(t.Context(), officer); broker.KindOf(err) != broker.Conflict {
		t.Error(err)
	}
}

func TestALoadThatJoinedStudentsCannotBeUndone(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	f := townFiles()
	for _, table := range []string{"students", "enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, ben.id)
	}
	f["merges"] = [][]string{{"old_student_id", "new_student_id", "date"}, {ben.id, ann.id, "2026-03-01"}}
	d.imported(f)
	if _, err := d.Undo(t.Context(), officer); broker.KindOf(err) != broker.Conflict {
		t.Error(err)
	}
}

func TestTheReportSaysWhoseGroupALoadChanges(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	f := townFiles(kids...)
	for _, k := range kids[:3] {
		f.drop("enrollments", k.id)
		f.add("enrollments", k.id, south, fallFirst, "", "9")
	}
	res := d.imported(f, dryRun)
	want := []broker.Effect{{Agreement: "club", School: north, Was: 12, Is: 9, Withheld: true}, {Agreement: "club", School: south, Was: 0, Is: 3}}
	if !slices.Equal(res.Effects, want) {
		t.Errorf("the effects are %+v", res.Effects)
	}
}
