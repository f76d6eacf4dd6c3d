package broker_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// clubTown is a town of forty more children, of whom the first n are the
// club's, all at its floor in the fall.
func clubTown(t *testing.T, n int) (*town, []pupil) {
	t.Helper()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(kids[:n]...)
	return d, kids
}

// periodAnswer is what is read of a period.
type periodAnswer struct {
	SessionID string `json:"session_id"`
	State     string `json:"state"`
	Census    string `json:"census"`
	Final     string `json:"final"`
}

func (d *town) periods(c broker.Caller) map[string]periodAnswer {
	d.t.Helper()
	byID := map[string]periodAnswer{}
	for _, p := range data[struct{ Periods []periodAnswer }](d.t, d.must(d.Periods(d.t.Context(), c))).Periods {
		byID[p.SessionID] = p
	}
	return byID
}

func TestThePeriodsAreTheDistrictsSessions(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	if got := d.periods(partnerOf("club")); len(got) != 3 || got[townFall].State != "open" || got[townYear].State != "open" {
		t.Errorf("the periods are %v", got)
	}
	d.done(d.Freeze(t.Context(), officer, townFall))
	if got := d.periods(auditor)[townFall].State; got != "frozen" {
		t.Errorf("after the freeze the period is %s", got)
	}
	d.closePeriod(townFall)
	if got := d.periods(steward)[townFall].State; got != "published" {
		t.Errorf("after the close the period is %s", got)
	}
}

func TestACalendarOutOfOrderIsRefusedByField(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	for _, c := range []struct {
		field string
		r     broker.CalendarRequest
	}{
		{"census", broker.CalendarRequest{}},
		{"census", broker.CalendarRequest{Census: day("2026-02-01")}},
		{"census", broker.CalendarRequest{Census: day("2026-06-23")}},
		{"final", broker.CalendarRequest{Census: day("2026-05-04"), Final: day("2026-05-03")}},
		{"final", broker.CalendarRequest{Census: day("2026-05-04"), Provisional: day("2026-05-20"), Final: day("2026-05-19")}},
	} {
		a, err := d.SetCalendar(t.Context(), steward, townLent, c.r)
		refused(t, a, err, broker.Invalid, c.field)
	}
	a, err := d.SetCalendar(t.Context(), steward, townLent, broker.CalendarRequest{Census: day("2026-05-04"), Provisional: day("2026-05-03")})
	refused(t, a, err, broker.Invalid)
	a, err = d.SetCalendar(t.Context(), steward, "absent", broker.CalendarRequest{Census: day("2026-05-04")})
	refused(t, a, err, broker.NotAvailable)
	whole := broker.CalendarRequest{Census: day("2026-05-04"), Provisional: day("2026-07-01"), Final: day("2026-08-01")}
	d.done(d.SetCalendar(t.Context(), steward, townLent, whole))
	if got := d.periods(officer)[townLent]; got.Census != "2026-05-04" || got.Final != "2026-08-01" {
		t.Errorf("the calendar is %+v", got)
	}
}

func TestAFrozenPeriodsCalendarStands(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.done(d.Freeze(t.Context(), steward, townFall))
	a, err := d.SetCalendar(t.Context(), officer, townFall, broker.CalendarRequest{Census: day("2026-01-20")})
	refused(t, a, err, broker.Conflict)
}

func TestAPeriodIsNotFrozenBeforeItsEnd(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	for _, freeze := range []func() (*broker.Answer, error){
		func() (*broker.Answer, error) { return d.Freeze(t.Context(), steward, townLent) },
		func() (*broker.Answer, error) { return d.ClosePeriod(t.Context(), steward, townLent) },
	} {
		a, err := freeze()
		refused(t, a, err, broker.Conflict)
	}
	a, err := d.ClosePeriod(t.Context(), steward, "absent")
	refused(t, a, err, broker.NotAvailable)
	if got := d.periods(steward)[townLent].State; got != "open" {
		t.Errorf("the period is %s", got)
	}
	a, err = d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townLent})
	denied(t, a, err, "release_not_published")
}

func TestClosingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	first := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	first.Drop()
	size := d.size()
	d.closePeriod(townFall)
	d.done(d.Freeze(t.Context(), officer, townFall))
	if d.size() != size {
		t.Errorf("the log grew by %v", d.events(size))
	}
	again := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	again.Drop()
	if !sameJSON(t, first.Body(), again.Body()) {
		t.Error("the figures changed")
	}
}

func TestClosingAgainLeavesLaterArrivalsToTheNextPeriod(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(append(kids[:12:12], stranger)...)
	d.closePeriod(townFall)
	d.imported(townFiles(append(kids, stranger)...))
	size := d.size()
	d.closePeriod(townFall)
	if d.size() != size {
		t.Errorf("a repeated close left the entries %v", d.events(size))
	}
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 12 {
		t.Errorf("the cohort has %d children, want the 12 of the freeze", got)
	}
}

func TestFreezeAndCloseAreEntries(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	before := d.size()
	a := d.must(d.Freeze(t.Context(), steward, townFall))
	d.verified(a.Body())
	a.Drop()
	a = d.must(d.ClosePeriod(t.Context(), steward, townFall))
	d.verified(a.Body())
	a.Drop()
	got := d.events(before)
	if len(got) != 2 || got[0] != tlog.PeriodFrozen || got[1] != tlog.PeriodPublished {
		t.Errorf("the entries are %v", got)
	}
}

// A period counts as published from its freeze, so a family that says yes
// between freeze and publication is held against the frozen sets.
func TestAYesBetweenFreezeAndCloseIsHeld(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:2] { // two are open already: ten are left, the floor
		d.consent(consentTo("club", kid))
	}
	d.done(d.Freeze(t.Context(), steward, townFall))
	late := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kids[2]))))
	if len(late.Held) != 2 || late.Held[0].Period != townFall {
		t.Errorf("the late yes is held %+v, want attendance and grades of the fall", late.Held)
	}
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 12 {
		t.Errorf("the cohort has %d children", got)
	}
	for _, g := range d.clubRows()[kids[2].ref()].Grades {
		if g["session"] == townFall {
			t.Errorf("the held row shows %v", g)
		}
	}
}

func TestAYesBeforeTheFreezeIsNotHeld(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:11] {
		if made := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kid)))); len(made.Held) > 0 {
			t.Errorf("held before anything was published: %+v", made.Held)
		}
	}
	d.closePeriod(townFall)
	row := d.compare("club", "club", "", townFall)["all"]["attendance_rate"]
	if row.Status != "withheld" || row.Cohort != nil {
		t.Errorf("one unconsented child is behind %+v", row)
	}
}

// Ten unconsented are enough, nine are not: the floor of the agreement.
func TestARowNeedsTenUnconsentedChildren(t *testing.T) {
	t.Parallel()
	for open, want := range map[int]string{2: "low_precision", 3: "withheld"} {
		d, kids := clubTown(t, 12)
		for _, kid := range kids[:open] {
			d.consent(consentTo("club", kid))
		}
		d.closePeriod(townFall)
		if got := d.compare("club", "club", "", townFall)["all"]["attendance_rate"].Status; got != want {
			t.Errorf("with %d of 12 open the row is %s, want %s", open, got, want)
		}
	}
}

func TestAWithdrawnYesStaysKnown(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:3] {
		made := d.consent(consentTo("club", kid))
		d.done(d.WithdrawConsent(t.Context(), guardian(kid.mother()), made.ID, broker.WithdrawRequest{}))
	}
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall)["all"]["attendance_rate"].Status; got != "withheld" {
		t.Errorf("with three withdrawn of 12 the row is %s", got)
	}
}

func TestFiguresComeFromTheFrozenData(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.done(d.Freeze(t.Context(), steward, townFall))
	f := townFiles(kids...)
	for _, kid := range kids {
		f = regraded(f, kid, "20")
	}
	d.imported(f)
	d.closePeriod(townFall)
	side := d.compare("club", "club", "", townFall)["all"]["mean_course_result"].Cohort
	if side == nil || side.Value.Low > 71 || side.Value.High < 71 {
		t.Fatalf("the cohort's mean is %+v, want the frozen 71", side)
	}
	d.closePeriod(townFall)
	if again := d.compare("club", "club", "", townFall)["all"]["mean_course_result"].Cohort; *again != *side {
		t.Errorf("the mean became %+v", again)
	}
	// The frozen data version outlives a start although another one is in use.
	if got := d.parts("manifests"); got[1] != 1 || got[2] != 1 {
		t.Errorf("manifests by version: %v", got)
	}
}

func TestACloseThatStoppedAfterTheFreezeGoesOn(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.done(d.Freeze(t.Context(), steward, townFall))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.open(withRules(t))
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall).cohort("all"); got != 12 {
		t.Errorf("the cohort has %d children", got)
	}
}

func TestRowsFollowTheGrainOfTheAgreement(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	for id, grain := range map[string][]string{"pooled": {"all"}, "by-school": {"all", "school"}, "by-grade": {"all", "school", "grade"}} {
		r := terms("club", id)
		r.Grain = grain
		d.conclude(r)
		d.roster(id, kids[:12]...)
	}
	d.closePeriod(townFall)
	for id, want := range map[string][2]int{"pooled": {1, 0}, "by-school": {1, 1}, "by-grade": {2, 2}} {
		if got := d.compare("club", id, "all", townFall); len(got) != want[0] {
			t.Errorf("%s has the pooled rows %v", id, got)
		}
		a, err := d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: id, School: north, Period: townFall})
		if want[1] == 0 {
			denied(t, a, err, "comparison_not_in_agreement")
			continue
		}
		if got := figuresOf(t, d.must(a, err)); len(got) != want[1] {
			t.Errorf("%s has the school rows %v", id, got)
		}
	}
}

// Two agreements over one school and period whose cohorts differ by one child:
// whoever reads both could subtract. The second one's rows are withheld.
func TestASetTooCloseToAPublishedOneIsWithheld(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	for id, n := range map[string]int{"a": 12, "b": 13, "c": 24} {
		d.partner(id)
		d.conclude(terms(id, id))
		d.roster(id, kids[:n]...)
	}
	d.closePeriod(townFall)
	status := func(id string) string { return d.compare(id, id, "", townFall)["all"]["attendance_rate"].Status }
	if got := status("a"); got != "low_precision" {
		t.Errorf("the first is %s", got)
	}
	if got := status("b"); got != "withheld" {
		t.Errorf("the second, one child more, is %s", got)
	}
	if got := status("c"); got != "ok" && got != "low_precision" {
		t.Errorf("the third, twelve children more, is %s", got)
	}
}

func TestAnAgreementThatIsNotInForceHasNoRelease(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(kids[:12]...)
	d.done(d.AdvanceAgreement(t.Context(), officer, "club", event("terminate")))
	d.partner("late")
	r := terms("late", "late")
	r.TermFrom = day("2026-02-01")
	d.conclude(r)
	d.roster("late", kids[:12]...)
	closed := data[struct{ Agreements []string }](t, d.must(d.ClosePeriod(t.Context(), steward, townFall)))
	if len(closed.Agreements) != 0 {
		t.Errorf("released to %v", closed.Agreements)
	}
}

func TestUnderAConsentOnlyBasisTheCohortAreTheConsenting(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Template, r.Basis = "", "consent_only"
	r.Purpose, r.PurposeText = consent.StudentSupport, "To support the children whose families agree."
	r.Indicators, r.Grain = []string{"attendance_rate"}, []string{"all"}
	r.Redisclosure, r.DestructionDays = "Nothing is passed on.", 60
	d.conclude(r)
	d.roster("club", kids[:20]...)
	for _, kid := range kids[:11] {
		d.consent(consentTo("club", kid))
	}
	d.closePeriod(townFall)
	row := d.compare("club", "club", "", townFall)["all"]["attendance_rate"]
	if row.Cohort != nil || row.Status != "withheld" {
		t.Errorf("a cohort of known children only is shown: %+v", row)
	}
	if row.Consented == nil || row.Consented.N != 11 {
		t.Errorf("the consented summary is %+v, want the 11", row.Consented)
	}
}

func TestAPeriodIsRefreshedByNoLaterImport(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closePeriod(townFall)
	was := d.compare("club", "club", "", townFall)
	f := townFiles(kids...)
	for _, kid := range kids[:12] {
		f.add("attendance", kid.id, north, "2025-10-06", "absent_excused")
	}
	if res := d.imported(f); res.Report.Changes.Files["attendance.csv"] != (ingest.Delta{Added: 12}) {
		t.Fatalf("the changes are %+v", res.Report.Changes)
	}
	if got := d.compare("club", "club", "", townFall); canonical(t, got) != canonical(t, was) {
		t.Error("a published release changed with an import")
	}
	d.clock.Set(inLent.Add(time.Hour))
	d.closePeriod(townFall)
	if got := d.compare("club", "club", "", townFall); canonical(t, got) != canonical(t, was) {
		t.Error("a published release changed with a repeated close")
	}
}

// A district of many agreements and rows closes a period like any other: what
// is recorded of it can be verified and exported afterwards.
func TestThePublicationOfManyAgreementsIsAnEntryThatVerifies(t *testing.T) {
	t.Parallel()
	const schools, agreements = 10, 24
	kids := others(8 * schools)
	f := townFiles()
	for i := range schools {
		f.add("schools", schoolName(i), "School", "high")
		for at := day(fallFirst); at <= day(lentLast); at += 7 {
			f.add("calendar", schoolName(i), at.String(), "yes")
		}
	}
	for i := range kids {
		kids[i].school = schoolName(i % schools)
		kid := kids[i]
		f.pupil(kid)
		rows := f["enrollments"]
		rows[len(rows)-1][4] = strconv.Itoa(9 + i/schools%4)
	}
	d := emptyTown(t, inLent)
	d.imported(f)
	d.partner("club")
	for i := range agreements {
		r := terms("club", fmt.Sprintf("agreement-%d", i))
		r.Schools = nil
		for s := range schools {
			r.Schools = append(r.Schools, schoolName(s))
		}
		d.conclude(r)
		d.roster(r.ID, kids[:4*schools]...)
	}
	d.closePeriod(townFall)
	d.verify()
}

func schoolName(i int) string { return fmt.Sprintf("School-%d", i) }

func TestAPeriodIsFrozenWholeOrNotAtAllWhileDatesChange(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // each change makes the period be planned anew
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				d.done(d.SetCalendar(t.Context(), steward, townLent, broker.CalendarRequest{Census: day("2026-05-04")}))
			}
		}
	}()
	_, err := d.Freeze(t.Context(), officer, townFall)
	close(stop)
	<-done
	switch state := d.periods(officer)[townFall].State; {
	case err == nil && state != "frozen", err != nil && (state != "open" || broker.KindOf(err) != broker.Unavailable):
		t.Fatalf("the freeze said %v, and the period is %s", err, state)
	}
	d.closePeriod(townFall)
	if got := d.periods(officer)[townFall].State; got != "published" {
		t.Errorf("once the dates stand, the period is %s", got)
	}
	d.verify()
}
