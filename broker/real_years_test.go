package broker_test

import (
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// What the year of nightly loads found, each as the smallest town that shows it.

// tonight loads an export of active students as a nightly load does.
func (d *town) tonight(f files) broker.ImportResult {
	d.t.Helper()
	return d.imported(f, active, degrade, func(r *broker.ImportRequest) {
		r.Options.ExportDate = civil.Of(d.clock.Now(), d.clock.Now().Location())
	})
}

// nextDay moves the clock by a day.
func (d *town) nextDay() { d.clock.Set(d.clock.Now().AddDate(0, 0, 1)) }

func only(f ingest.Family) []ingest.Family { return []ingest.Family{f} }

func TestAnApprovedFamilyIsLoadedOnTheNightOnWhichItWasHeld(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	f := shrunk(kids, 6)
	res := d.tonight(f)
	if err := d.ApproveImport(t.Context(), officer, res.Content); err != nil {
		t.Fatal(err)
	}
	if again := d.tonight(f); again.Unchanged || slices.Contains(d.stale(), ingest.Grades) {
		t.Errorf("after the approval the load is unchanged: %t; stale are %v", again.Unchanged, d.stale())
	}
}

func TestMarksMissingFromASchoolAreHeldTheNextNightToo(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.tonight(townFiles(kids...))
	f := townFiles(kids...)
	f.drop("attendance", eve.id) // the only pupil of South
	for night := range 3 {
		d.nextDay()
		if res := d.tonight(f); !slices.Equal(held(res), only(ingest.Attendance)) {
			t.Fatalf("night %d: held are %v, and %d marks are gone", night, held(res), res.Report.Changes.Files["attendance.csv"].Removed)
		}
	}
}

func TestAColumnThatStaysAwayIsHeldUntilSomebodyApproves(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for range 10 {
		d.nextDay()
		d.tonight(townFiles(kids...))
	}
	f := townFiles(kids...)
	f.renameColumn("grades", "credits", "credit_value")
	for night := range 8 {
		d.nextDay()
		if res := d.tonight(f); !slices.Equal(held(res), only(ingest.Grades)) {
			t.Fatalf("night %d: held are %v, and %d results changed", night, held(res), res.Report.Changes.Files["grades.csv"].Changed)
		}
	}
}

func TestAMergedChildWhoLeavesStopsNoLoad(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	f := townFiles()
	f["merges"] = [][]string{{"old_student_id", "new_student_id", "date"}, {double.id, ann.id, "2026-03-09"}}
	d.tonight(f)
	for _, table := range []string{"students", "enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, ann.id)
	}
	d.nextDay()
	if res := d.tonight(f); res.Rejected || len(held(res)) > 0 {
		t.Errorf("rejected %t, held %v: %+v", res.Rejected, held(res), res.Report.Groups)
	}
}

// secondYear is the town in its second year, in which sessions.csv may still
// list the first.
func secondYear(both bool, kids ...pupil) files {
	f := townFiles(kids...)
	for _, table := range []string{"attendance", "grades", "calendar"} {
		f[table] = f[table][:1]
	}
	if !both {
		f["sessions"] = f["sessions"][:1]
	}
	f.add("sessions", "Y26", "Year 2026-27", "schoolYear", "2026-09-07", "2027-06-21", "")
	for at := day("2026-09-07"); at <= day("2027-06-21"); at += 7 {
		f.add("calendar", north, at.String(), "yes")
		f.add("calendar", south, at.String(), "yes")
	}
	for _, row := range f["enrollments"][1:] {
		row[2] = "2026-09-07"
	}
	return f
}

func TestARolloverThatStillListsTheOldYearTakesNothingFromIt(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		d, kids := clubTown(t, 12)
		d.consent(consentTo("club", kids[0]))
		d.clock.Set(day("2026-06-23").Time())
		d.tonight(townFiles(kids...))
		was := d.clubRows()[kids[0].ref()]
		if err := d.PlanRollover(t.Context(), steward, broker.Rollover{From: day("2026-07-01"), To: day("2026-08-01")}); err != nil {
			t.Fatal(err)
		}
		d.clock.Set(day("2026-07-15").Time())
		res := d.tonight(secondYear(both, kids...))
		if is := d.clubRows()[kids[0].ref()]; canonical(t, was) != canonical(t, is) || len(held(res)) > 0 {
			t.Errorf("both years in sessions.csv: %t; held %v, attendance.csv %+v, enrollments.csv %+v\nbefore %s\nafter  %s", both, held(res),
				res.Report.Changes.Files["attendance.csv"], res.Report.Changes.Files["enrollments.csv"], canonical(t, was), canonical(t, is))
		}
	}
}

func TestAnEarlierYearLoadedLaterTakesNothingFromTheNewOne(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, day("2026-10-01").Time())
	d.imported(secondYear(false))
	res := d.imported(townFiles(), func(r *broker.ImportRequest) { r.Options.ExportDate = day("2026-06-30") })
	if got := res.Report.Changes.Files["enrollments.csv"]; got.Removed > 0 {
		t.Errorf("the enrollments of the new year: %+v", got)
	}
}

func TestAReturnerKeepsTheMarksOfTheFirstStay(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.roster("club", ben)
	d.consent(consentTo("club", ben))
	gone := townFiles(kids...)
	for table := range gone {
		gone.drop(table, ben.id)
	}
	d.tonight(gone)
	d.clock.Set(inLent.AddDate(0, 0, 21))
	was := d.clubRows()[ben.ref()].Attendance
	back := townFiles(kids...)
	back.drop("enrollments", ben.id)
	back.drop("attendance", ben.id)
	back.add("enrollments", ben.id, north, "2026-03-30", "", "9")
	res := d.tonight(back)
	if is := d.clubRows()[ben.ref()].Attendance; is == nil || was == nil || is.Absent != was.Absent {
		t.Errorf("before %+v, after %+v; held %v", was, is, held(res))
	}
}

func TestASchoolWithoutAnAbsenceYetHasItsDaysEnrolled(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	f := townFiles()
	f.drop("attendance", eve.id)
	d.imported(f)
	d.club(eve)
	d.consent(consentTo("club", eve))
	if a := d.clubRows()[eve.ref()].Attendance; a == nil {
		t.Error("a register of exceptions without one has no days enrolled")
	}
}

func TestAnApprovalIsForOneLoadOfItsFiles(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	lossy := shrunk(kids, 6)
	if err := d.ApproveImport(t.Context(), officer, d.tonight(lossy).Content); err != nil {
		t.Fatal(err)
	}
	d.nextDay()
	d.tonight(lossy)
	d.nextDay()
	d.tonight(townFiles(kids...))
	d.nextDay()
	if res := d.tonight(lossy); !slices.Equal(held(res), only(ingest.Grades)) {
		t.Errorf("an old folder takes %d results again, and nobody is asked: held %v", res.Report.Changes.Files["grades.csv"].Removed, held(res))
	}
}

func TestANightOfWhichNothingIsLoadedNamesEveryFamily(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	f := townFiles(kids...)
	for _, table := range []string{"students", "enrollments", "attendance", "grades", "guardians"} {
		f.drop(table, eve.id)
	}
	if res := d.tonight(f); !slices.Contains(held(res), ingest.Grades) {
		t.Errorf("grades are stale, and the report names %v only", held(res))
	}
}
