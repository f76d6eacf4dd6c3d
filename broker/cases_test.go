package broker_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// officersCase is a case as an officer reads it.
type officersCase struct {
	ID      string            `json:"id"`
	Kind    broker.CaseKind   `json:"kind"`
	Student broker.StudentRef `json:"student"`
	By      broker.SignerRef  `json:"by"`
	Consent string            `json:"consent"`
	Pauses  bool              `json:"pauses"`
	Closed  time.Time         `json:"closed_at"`
}

func (d *made) cases() []officersCase {
	d.t.Helper()
	a := d.must(d.Cases(d.t.Context(), officer))
	defer a.Drop()
	return data[struct {
		Cases []officersCase `json:"cases"`
	}](d.t, a).Cases
}

func (d *made) openCase(c broker.Caller, req broker.CaseRequest) officersCase {
	d.t.Helper()
	a := d.must(d.OpenCase(d.t.Context(), c, req))
	defer a.Drop()
	return data[officersCase](d.t, a)
}

func TestACasePausesSharingUntilAnOfficerHasSettledIt(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	k := kids[2]
	for _, kind := range []broker.CaseKind{broker.CaseNotMe, broker.CaseNotMyChild} {
		c := d.openCase(motherOf(k), broker.CaseRequest{Student: of(k), Kind: kind, Consent: grants[2].ID})
		if !c.Pauses || c.By.GuardianID != k.mother() || c.Consent != grants[2].ID || c.Kind != kind {
			t.Errorf("%+v", c)
		}
		if d.rowOpen(k) {
			t.Errorf("during a case of %s the row is open", kind)
		}
		d.answers(k, k.father(), consent.Yes)
		if d.rowOpen(k) {
			t.Errorf("the father's yes opens the row during a case of %s", kind)
		}
		d.done(d.CloseCase(t.Context(), officer, c.ID, broker.ReviewRequest{Reason: "The mother was called."}))
		if !d.rowOpen(k) {
			t.Errorf("once a case of %s is closed the row stays closed", kind)
		}
		if _, err := d.CloseCase(t.Context(), officer, c.ID, broker.ReviewRequest{Reason: "Again."}); broker.KindOf(err) != broker.Conflict {
			t.Errorf("a case was closed twice: %v", err)
		}
	}
	for _, c := range d.cases() {
		if c.Pauses || c.Closed.IsZero() || c.Student.StudentID != k.id() {
			t.Errorf("%+v", c)
		}
	}
}

func TestOneOfTwoCasesIsEnoughToPause(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	first := d.openCase(motherOf(k), broker.CaseRequest{Student: of(k), Kind: broker.CaseNotMe})
	d.openCase(officer, broker.CaseRequest{Student: of(k), Kind: broker.CaseNotMyChild, By: byGuardian(k.father())})
	d.done(d.CloseCase(t.Context(), officer, first.ID, broker.ReviewRequest{Reason: "A mistake."}))
	if d.rowOpen(k) {
		t.Error("the row is open though a case is not settled")
	}
}

func TestWhoChangesTheirMindAgainAndAgainIsNoticedOnce(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2] // her mother said yes
	for i, answer := range []consent.Answer{consent.No, consent.Yes, consent.No, consent.Yes} {
		d.answers(k, k.mother(), answer)
		if n := len(d.cases()); (n > 0) != (i >= 2) {
			t.Fatalf("after %d changes of mind there are %d cases", i+1, n)
		}
	}
	list := d.cases()
	if len(list) != 1 || list[0].Kind != broker.CaseFlips || list[0].Pauses || list[0].By.GuardianID != k.mother() || list[0].Student.StudentID != k.id() {
		t.Errorf("%+v", list)
	}
	if !d.rowOpen(k) {
		t.Error("changing one's mind paused sharing")
	}
}

func TestTwoParentsWhoDisagreeChangeNobodysMind(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	for range 2 {
		d.answers(k, k.father(), consent.No)
		d.answers(k, k.mother(), consent.Yes)
	}
	if list := d.cases(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestAChangeOfMindAMonthLaterIsNotNoticed(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	for _, answer := range []consent.Answer{consent.No, consent.Yes, consent.No} {
		d.clock.Set(d.clock.Now().AddDate(0, 0, 20))
		d.answers(k, k.mother(), answer)
	}
	if list := d.cases(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestAWithdrawalIsAChangeOfMindThatTheNextAnswerShows(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	k, id := kids[2], grants[2].ID // her mother said yes
	for range 2 {
		d.clock.Set(d.clock.Now().Add(time.Minute))
		d.withdraw(id, k)
		if n := len(d.cases()); n != 0 {
			t.Fatalf("%d cases before the next answer", n)
		}
		d.clock.Set(d.clock.Now().Add(time.Minute))
		req := d.yes("a1", k)
		req.SignedAt = d.clock.Now()
		id = d.enter(req).ID
	}
	if list := d.cases(); len(list) != 1 || list[0].Kind != broker.CaseFlips {
		t.Errorf("%+v", list)
	}
}
