package broker_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

const (
	attendance = records.AttendanceFamily
	discipline = records.DisciplineFamily
	grades     = records.GradesFamily
)

// closeFamilies freezes and publishes some families of the fall.
func (d *town) closeFamilies(families ...records.Family) {
	d.t.Helper()
	d.done(d.ClosePeriod(d.t.Context(), steward, townFall, families...))
}

// familyStates are the states of a period's families.
func (d *town) familyStates(session string) map[string]string {
	d.t.Helper()
	type listed struct {
		SessionID string `json:"session_id"`
		Families  []struct{ Family, State string }
	}
	states := map[string]string{}
	for _, p := range data[struct{ Periods []listed }](d.t, d.must(d.Periods(d.t.Context(), steward))).Periods {
		for _, f := range p.Families {
			if p.SessionID == session {
				states[f.Family] = f.State
			}
		}
	}
	return states
}

// shownFamily is what a comparison says of a family.
type shownFamily struct {
	Family, State string
	FrozenAt      time.Time `json:"frozen_at"`
	PublishedAt   time.Time `json:"published_at"`
	CorrectedAt   time.Time `json:"corrected_at"`
}

// shownFamilies are those of the club's comparison of the fall, with its stage.
func (d *town) shownFamilies() (byFamily map[string]shownFamily, stage string) {
	d.t.Helper()
	a := d.must(d.Comparison(d.t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	got := data[struct {
		Stage    string
		Families []shownFamily
	}](d.t, a)
	byFamily = map[string]shownFamily{}
	for _, f := range got.Families {
		byFamily[f.Family] = f
	}
	return byFamily, got.Stage
}

func (d *town) clubAll() map[string]shownFigure {
	d.t.Helper()
	return d.compare("club", "club", "", townFall)["all"]
}

func TestAttendanceIsPublishedBeforeGrades(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closeFamilies(attendance)
	if got := d.familyStates(townFall); got["attendance"] != "published" || got["grades"] != "open" || got["discipline"] != "open" {
		t.Errorf("the families are %v", got)
	}
	if got := d.periods(officer)[townFall].State; got != "frozen" {
		t.Errorf("with one family of three the period is %s", got)
	}
	row := d.clubAll()
	if row["attendance_rate"].Cohort == nil || row["mean_course_result"].Status != "not_published_yet" || row["incidents_per_100"].Status != "not_published_yet" {
		t.Errorf("the pooled row is %+v", row)
	}
	first, _ := d.shownFamilies()
	if first["attendance"].State != "published" || first["grades"].State != "not_published_yet" || !first["grades"].PublishedAt.IsZero() {
		t.Errorf("the comparison says %+v", first)
	}
	d.clock.Set(inLent.Add(48 * time.Hour))
	d.closePeriod(townFall)
	if got := d.periods(officer)[townFall].State; got != "published" {
		t.Errorf("with all families the period is %s", got)
	}
	after := d.clubAll()
	if side := after["mean_course_result"].Cohort; side == nil || side.N != 12 || canonical(t, after["attendance_rate"]) != canonical(t, row["attendance_rate"]) {
		t.Errorf("with the grades the pooled row is %+v", after)
	}
	second, _ := d.shownFamilies()
	if second["attendance"] != first["attendance"] || !second["grades"].PublishedAt.After(first["attendance"].PublishedAt) {
		t.Errorf("the comparison says %+v, before %+v", second, first)
	}
}

// A child who comes after the first freeze, by match, upload or move, is not in a
// later family's sets either.
func TestALaterFamilyHasTheSetsOfTheFirst(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(append(kids[:12:12], stranger)...)
	d.closeFamilies(attendance)
	f := townFiles(append(kids, stranger)...) // the stranger can be matched now
	for i, row := range f["enrollments"] {    // and one of the cohort goes to the other school
		if row[0] == kids[0].id {
			f["enrollments"][i][3] = "2026-01-05"
		}
	}
	f.add("enrollments", kids[0].id, south, "2026-01-06", "", "9")
	d.imported(f)
	d.roster("club", kids[:30]...)
	d.closePeriod(townFall)
	for row, want := range d.compare("club", "club", "", townFall) {
		a, g := want["attendance_rate"], want["mean_course_result"]
		if a.Status != g.Status || (a.Cohort == nil) != (g.Cohort == nil) || a.Cohort != nil && (a.Cohort.N != g.Cohort.N || a.Rest.N != g.Rest.N) {
			t.Errorf("%s: attendance is of %+v, grades of %+v", row, a, g)
		}
	}
	if got := d.clubAll()["mean_course_result"].Cohort; got == nil || got.N != 12 {
		t.Errorf("the cohort is %+v", got)
	}
}

func TestALaterFamilyHasTheNewestValuesAtItsFreeze(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	was := d.clubAll()["attendance_rate"]
	f := townFiles(kids...)
	for _, kid := range kids {
		f = regraded(f, kid, "20")
		f.add("attendance", kid.id, north, "2025-10-06", "absent_excused")
	}
	d.imported(f)
	d.done(d.Freeze(t.Context(), steward, townFall, grades))
	d.imported(townFiles(kids...)) // after the freeze: not for this close
	d.closePeriod(townFall)
	row := d.clubAll()
	if side := row["mean_course_result"].Cohort; side == nil || side.Value.Low > 20 || side.Value.High < 20 {
		t.Errorf("the mean is %+v, want 20", side)
	}
	if canonical(t, row["attendance_rate"]) != canonical(t, was) {
		t.Errorf("attendance became %+v", row["attendance_rate"])
	}
}

func TestAStaleFamilyStopsOnlyItsOwnClose(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.imported(spoiled(townFiles(kids...), "grades"), degrade)
	for _, families := range [][]records.Family{nil, {grades}, {attendance, grades}} {
		a, err := d.ClosePeriod(t.Context(), steward, townFall, families...)
		refused(t, a, err, broker.Conflict)
		if !strings.Contains(err.Error(), "grades") {
			t.Errorf("the refusal does not name the family: %v", err)
		}
	}
	d.closeFamilies(attendance, discipline)
	if got := d.clubAll(); got["attendance_rate"].Cohort == nil || got["mean_course_result"].Status != "not_published_yet" {
		t.Errorf("the pooled row is %+v", got)
	}
	d.imported(townFiles(kids...), degrade)
	d.closePeriod(townFall)
	if got := d.clubAll()["mean_course_result"].Cohort; got == nil {
		t.Error("grades are not shown after the load")
	}
}

func TestStalePeopleStopEveryClose(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	d.imported(spoiled(townFiles(kids...), "students"), degrade)
	a, err := d.ClosePeriod(t.Context(), steward, townFall, discipline)
	refused(t, a, err, broker.Conflict)
}

// Attendance is out: whoever says yes now may expose the last in it. Grades are
// not: there a yes counts at their freeze, and the row is withheld then.
func TestAYesIsHeldForTheFamiliesThatAreFrozenOnly(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	for i, kid := range kids[:3] {
		late := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kid))))
		if want := i / 2; len(late.Held) != want || want > 0 && late.Held[0].Family != "attendance" {
			t.Errorf("yes number %d is held %+v", i+1, late.Held)
		}
	}
	d.closePeriod(townFall)
	row := d.clubAll()
	if row["attendance_rate"].Cohort == nil || row["mean_course_result"].Status != "withheld" || row["mean_course_result"].Cohort != nil {
		t.Errorf("with three of twelve open in grades: %+v", row)
	}
	late := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kids[3]))))
	if len(late.Held) != 1 || late.Held[0].Family != "attendance" { // what is withheld gives nobody away
		t.Errorf("a yes after both freezes is held %+v", late.Held)
	}
}

func TestAYesOfAMergedFileCountsAtALaterFreeze(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := emptyTown(t, inLent)
	whole := func() files { return townFiles(append(kids, double)...) }
	f := whole()
	f.drop("students", ann.id)
	for _, table := range []string{"enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, ann.id)
	}
	d.imported(f)
	d.club(append(kids[:11:11], double)...)
	for _, kid := range []pupil{double, kids[0]} {
		d.consent(consentTo("club", kid))
	}
	d.closeFamilies(attendance) // two of twelve are open: ten are left, the floor
	joined := townFiles(kids...)
	joined["merges"] = joinedFiles()["merges"]
	for i, row := range joined["guardians"] {
		if row[1] == ann.mother() {
			joined["guardians"][i][1] = double.mother()
		}
	}
	d.imported(joined)
	d.closePeriod(townFall)
	// The file that vanished has no value any more: eleven are covered, and of
	// these one is open. With the vanished one among the covered, it is the same ten.
	row := d.clubAll()
	if side := row["mean_course_result"].Cohort; side == nil || side.N != 12 {
		t.Errorf("grades are %+v", row["mean_course_result"])
	}
	if late := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kids[1])))); len(late.Held) != 2 {
		t.Errorf("the next yes is held %+v, want attendance and grades", late.Held)
	}
}

// Where nothing changes between the families, closing them one by one gives the
// figures of one close, noise included.
func TestClosingByFamilyGivesTheFiguresOfOneClose(t *testing.T) {
	t.Parallel()
	kids := others(120)
	d := newTown(t, kids...)
	for id, profile := range map[string]agreement.Profile{"club": agreement.PublishedTable, "noisy": agreement.Standard} {
		d.partner(id)
		r := terms(id, id)
		r.Profile = profile
		d.conclude(r)
		d.roster(id, kids[:50]...)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	other := &town{&district{t: t, dir: filepath.Join(t.TempDir(), "copy"), clock: d.clock}}
	copyDistrict(t, d.dir, other.dir)
	d.open(withRules(t))
	other.open(withRules(t))
	t.Cleanup(func() {
		other.verify()
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	d.closePeriod(townFall)
	for _, family := range []records.Family{grades, attendance, discipline} {
		other.closeFamilies(family)
	}
	for _, id := range []string{"club", "noisy"} {
		one, each := d.compare(id, id, "", townFall), other.compare(id, id, "", townFall)
		if one.cohort("all") != 50 || canonical(t, one) != canonical(t, each) {
			t.Errorf("%s: closed at once %s, by family %s", id, canonical(t, one), canonical(t, each))
		}
	}
}

// The noise of a period is that of its first freeze, whatever the settings are by
// the time of a later family.
func TestALaterFamilyHasTheNoiseOfTheFirst(t *testing.T) {
	t.Parallel()
	kids := others(120)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Profile = agreement.Standard
	d.conclude(r)
	d.roster("club", kids[:50]...)
	d.closeFamilies(attendance)
	d.done(d.SetDisclosure(t.Context(), officer, broker.Disclosure{Noise: 40}))
	d.closePeriod(townFall)
	for _, release := range d.ledger().Records {
		if release.Mechanism.Variance != 400 {
			t.Errorf("the release of %v has noise of variance %d hundredths, want 400", release.Families, release.Mechanism.Variance)
		}
	}
}

func TestAFamilyThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	a, err := d.ClosePeriod(t.Context(), steward, townFall, "weather")
	refused(t, a, err, broker.Invalid, "families")
	a, err = d.Freeze(t.Context(), steward, townFall, attendance, "")
	refused(t, a, err, broker.Invalid, "families")
	if got := d.periods(steward)[townFall].State; got != "open" {
		t.Errorf("the period is %s", got)
	}
}

func TestClosingAFamilyAgainChangesNothing(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	was, size := d.compare("club", "club", "", townFall), d.size()
	d.imported(regraded(townFiles(kids...), kids[0], "20"))
	imported := d.size()
	d.closeFamilies(attendance)
	d.done(d.Freeze(t.Context(), officer, townFall, attendance))
	if d.size() != imported {
		t.Errorf("the log grew by %v", d.events(imported))
	}
	if got := d.compare("club", "club", "", townFall); canonical(t, got) != canonical(t, was) {
		t.Error("the figures changed")
	}
	d.closePeriod(townFall)
	d.closePeriod(townFall)
	want := []tlog.Event{tlog.PeriodFrozen, tlog.PeriodPublished}
	got := slices.DeleteFunc(d.events(size), func(e tlog.Event) bool { return !slices.Contains(want, e) })
	if !slices.Equal(got, want) {
		t.Errorf("closing the others left %v", got)
	}
}

// The program may stop at any commit: between the freeze of a family and its
// publication, as between the families.
func TestACloseByFamilyThatStoppedAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	again := func() {
		t.Helper()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d.open(withRules(t))
	}
	d.done(d.Freeze(t.Context(), steward, townFall, attendance))
	again()
	d.done(d.Freeze(t.Context(), steward, townFall, discipline))
	d.imported(regraded(townFiles(kids...), kids[0], "20"))
	again()
	d.closeFamilies(discipline)
	if got := d.familyStates(townFall); got["attendance"] != "frozen" || got["discipline"] != "published" || got["grades"] != "open" {
		t.Errorf("the families are %v", got)
	}
	again()
	d.closePeriod(townFall)
	row := d.clubAll()
	if row["attendance_rate"].Cohort == nil || row["mean_course_result"].Cohort == nil {
		t.Errorf("the pooled row is %+v", row)
	}
}

func TestTheVersionThatALaterFamilyIsFrozenWithIsKept(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	f := townFiles(kids...)
	for _, kid := range kids {
		f = regraded(f, kid, "20")
	}
	d.imported(f)
	d.done(d.Freeze(t.Context(), officer, townFall, grades))
	for mark := 60; mark < 72; mark++ { // more versions than an undo may go back
		d.imported(regraded(townFiles(kids...), ann, fmt.Sprint(mark)))
	}
	d.revision() // the next start collects
	if got := d.parts("manifests"); got[1] != 1 || got[2] != 1 || got[3] != 0 {
		t.Errorf("manifests by version: %v, want those of both freezes", got)
	}
	d.closePeriod(townFall)
	if side := d.clubAll()["mean_course_result"].Cohort; side == nil || side.Value.Low > 20 || side.Value.High < 20 {
		t.Errorf("the mean is %+v, want 20", side)
	}
}

func TestALaterFamilyOfAnOldPeriodDoesNotMakeItTheNewest(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closeFamilies(attendance)
	d.clock.Set(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	d.closePeriod(townLent)
	d.closePeriod(townFall)
	got := data[struct {
		Period struct {
			SessionID string `json:"session_id"`
		}
	}](t, d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club"})))
	if got.Period.SessionID != townLent {
		t.Errorf("the newest period is %s", got.Period.SessionID)
	}
}

func TestAnAgreementWhoseFamiliesAreNotPublishedYetIsToldSo(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Indicators = []string{records.MeanCourseResult}
	d.conclude(r)
	d.roster("club", kids[:12]...)
	d.partner("late")
	d.conclude(terms("late", "late"))
	d.closeFamilies(attendance)
	d.roster("late", kids[:12]...)
	for id, reason := range map[string]string{"club": "release_not_published", "late": "roster_missing"} {
		a, err := d.Comparison(t.Context(), partnerOf(id), broker.ComparisonRequest{Agreement: id, Period: townFall})
		denied(t, a, err, reason)
		var e *broker.Error
		if errors.As(err, &e) && id == "club" && len(e.Reasons) != 1 {
			t.Errorf("the reasons are %v", e.Reasons)
		}
	}
	d.closePeriod(townFall)
	if got := d.clubAll()["mean_course_result"].Cohort; got == nil || got.N != 12 {
		t.Errorf("the cohort is %+v", got)
	}
}

func TestAnEndedAgreementIsNeitherInALaterFamilyNorInACorrection(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(kids[:12]...)
	d.partner("other")
	d.conclude(terms("other", "other"))
	d.roster("other", kids[12:24]...)
	d.closeFamilies(attendance)
	d.done(d.AdvanceAgreement(t.Context(), officer, "other", event("terminate")))
	d.closePeriod(townFall)
	d.imported(marked(kids, map[int]string{0: "20"}))
	d.correct(attendance)
	list := d.ledger().Records
	if n := len(list); n != 4 || list[0].Agreement != "club" || list[1].Agreement != "other" || list[2].Agreement != "club" || list[3].Agreement != "club" {
		t.Errorf("the releases are %+v, want attendance of both, then the rest and a correction of the club", list)
	}
}

// The store fails at each commit of a close in turn: whatever was done before
// stays, and closing again finishes it, once.
func TestACloseThatFailsAtAnyCommitIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closeFamilies(attendance)
	size := d.size()
	for failing := 1; ; failing++ {
		h, commits := &hooks{}, 0
		h.atCommit(func() error {
			if commits++; commits == failing {
				return errors.New("the disk is full")
			}
			return nil
		})
		if err := d.Close(); err != nil && d.Failed() == nil {
			t.Fatal(err)
		}
		d.open(withRules(t), h.option)
		_, err := d.ClosePeriod(t.Context(), steward, townFall)
		if err == nil {
			h.atCommit(nil)
			if failing < 3 {
				t.Errorf("a close has %d commits: the test tests nothing", failing-1)
			}
			break
		}
	}
	want := []tlog.Event{tlog.PeriodFrozen, tlog.PeriodPublished}
	if got := d.events(size); !slices.Equal(got[:len(want)], want) {
		t.Errorf("the entries are %v", got)
	}
	if row := d.clubAll(); row["attendance_rate"].Cohort == nil || row["mean_course_result"].Cohort == nil {
		t.Errorf("the pooled row is %+v", row)
	}
}
