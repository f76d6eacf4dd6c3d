package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// rowOf is the raw JSON of a child's row, empty where there is none.
func (d *made) rowOf(agreement, partner string, k kid) string {
	d.t.Helper()
	a := d.must(d.Students(d.t.Context(), partnerOf(partner), broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent}))
	defer a.Drop()
	_, rest, found := strings.Cut(string(a.Body()), `"participant_ref":"`+k.ref()+`"`)
	if !found {
		return ""
	}
	row, _, _ := strings.Cut(rest, `"participant_ref"`)
	row, _, _ = strings.Cut(row, `"notice"`)
	return row
}

func TestAYesToOneCategoryShowsNoOther(t *testing.T) {
	t.Parallel()
	signs := map[consent.Category][]string{
		consent.Attendance:         {"days_absent", "days_enrolled"},
		consent.Grades:             {"Maths", "0-100", "course"},
		consent.DisciplineIncident: {"bullying", "vandalism"}, consent.DisciplineAction: {"restorative", "other"},
		consent.DisciplineDates: {"2025-10-06", "2026-02-09"},
	}
	d := newMade(t, inSpring)
	kids := makeKids(12)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	for i, category := range consent.Categories() {
		req := d.yes("a1", kids[i])
		req.Categories = []consent.Category{category}
		d.enter(req)
	}
	for i, category := range consent.Categories() {
		row := d.rowOf("a1", "river", kids[i])
		for of, words := range signs {
			for _, word := range words {
				if has := strings.Contains(row, word); has != (of == category) {
					t.Errorf("a yes to %s: %q in the row is %v: %s", category, word, has, row)
				}
			}
		}
	}
}

func TestTheOtherGuardiansNoCloses(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	no := d.yes("a2", kids[2]) // the same party and purpose
	no.Answer, no.Signer.GuardianID, no.Categories = consent.No, kids[2].father(), []consent.Category{consent.Grades}
	d.enter(no)
	row := d.rowOf("a1", "river", kids[2])
	if strings.Contains(row, "Maths") || !strings.Contains(row, "days_absent") {
		t.Errorf("the father's no to grades gave the row %s", row)
	}
	no.Categories = consent.Categories()
	d.clock.Set(d.clock.Now().Add(time.Minute))
	no.SignedAt = d.clock.Now()
	d.enter(no)
	if row := d.rowOf("a1", "river", kids[2]); row != "" {
		t.Errorf("the father's no left the row %s", row)
	}
}

func TestAWithdrawnYesIsNotReopenedByTheOtherGuardiansEarlierYes(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	fathers := d.yes("a1", kids[0])
	fathers.Signer.GuardianID = kids[0].father()
	d.enter(fathers)
	d.clock.Set(d.clock.Now().Add(time.Minute))
	d.withdraw(grants[0].ID, kids[0])
	if row := d.rowOf("a1", "river", kids[0]); row != "" {
		t.Errorf("the father's yes opens what the mother withdrew: %s", row)
	}
}

// chicago is where the birthday tests happen: midnight there is five or six
// hours after midnight in UTC.
const chicago = "America/Chicago"

func TestAtEighteenTheParentsYesOpensNothing(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation(chicago)
	if err != nil {
		t.Fatal(err)
	}
	birthday := time.Date(2026, 3, 10, 0, 0, 0, 0, zone)
	d := newMadeIn(t, chicago, birthday.Add(-48*time.Hour))
	kids := makeKids(12)
	kids[0].birth = civil.Make(2008, time.March, 10)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	d.enter(d.yes("a1", kids[0]))
	d.enter(d.yes("a1", kids[1]))
	at := func(when time.Time) bool {
		d.clock.Set(when)
		return d.rowOf("a1", "river", kids[0]) != ""
	}
	if !at(birthday.Add(-time.Second)) {
		t.Error("a second before the birthday the parent's yes does not open")
	}
	if at(birthday) {
		t.Error("from the district's midnight the parent's yes still opens")
	}
	if d.rowOf("a1", "river", kids[1]) == "" {
		t.Error("the younger child's row is gone too")
	}
	d.clock.Set(birthday.Add(time.Hour))
	own := d.yes("a1", kids[0])
	own.Signer = broker.SignerRef{Self: true}
	d.enter(own)
	if d.rowOf("a1", "river", kids[0]) == "" {
		t.Error("the student's own yes does not open")
	}
}

func TestAnExpiredGrantClosesTheNextDay(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation(chicago)
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2026, 3, 20, 0, 0, 0, 0, zone)
	d := newMadeIn(t, chicago, last.Add(-24*time.Hour))
	kids := makeKids(12)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	req := d.yes("a1", kids[0])
	req.Expires = civil.Make(2026, time.March, 20)
	d.enter(req)
	for _, c := range []struct {
		at   time.Time
		open bool
	}{{last, true}, {last.Add(24*time.Hour - time.Second), true}, {last.Add(24 * time.Hour), false}, {last.Add(300 * time.Hour), false}} {
		d.clock.Set(c.at)
		if open := d.rowOf("a1", "river", kids[0]) != ""; open != c.open {
			t.Errorf("at %v the row shows: %v", c.at, open)
		}
	}
}

func TestAnAnswerReadyBeforeMidnightIsComputedAnewAfterIt(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, _ := agreed(t, h.option)
	req := d.yes("a1", kids[5])
	req.Expires = civil.Of(inSpring, time.UTC)
	req.SignedAt = inSpring
	d.enter(req)
	if !slices.Contains(d.students("a1", "river").refs(), kids[5].ref()) {
		t.Fatal("the row is not there on the last day")
	}
	midnight := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	a := d.must(d.ask(d.moving(1, func() { d.clock.Set(midnight) }), "a1"))
	defer a.Drop()
	if shows(t, a.Body(), kids[5]) {
		t.Error("a grant that expired between the snapshot and the record still opened")
	}
}

func TestAPendingFormOpensNothing(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	form := data[grant](t, d.must(d.CreateConsent(t.Context(), partnerOf("river"), broker.ConsentRequest{
		Agreement: "a1", Student: broker.StudentRef{ParticipantRef: kids[6].ref()}, Signer: broker.SignerRef{Name: "Mo"},
		Answer: consent.Yes, Categories: consent.Categories(), RecordsFrom: day(autumnStart), RecordsTo: day("2027-06-30"),
		Expires: day("2027-06-30"), SignedAt: d.clock.Now(), Method: consent.PartnerForm,
		Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	})))
	if row := d.rowOf("a1", "river", kids[6]); row != "" {
		t.Errorf("a pending form opened %s", row)
	}
	d.done(d.ConfirmConsent(t.Context(), officer, form.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: kids[6].mother()}}))
	if d.rowOf("a1", "river", kids[6]) == "" {
		t.Error("the confirmed form opens nothing")
	}
}
