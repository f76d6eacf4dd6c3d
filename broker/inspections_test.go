package broker_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// inspected is an inspection as it is read.
type inspected struct {
	ID      string            `json:"id"`
	Student broker.StudentRef `json:"student"`
	By      broker.SignerRef  `json:"by"`
	Due     civil.Date        `json:"due"`
	State   string            `json:"state"`
	How     string            `json:"closed_how"`
}

func (d *made) inspections() []inspected {
	d.t.Helper()
	a := d.must(d.Inspections(d.t.Context(), officer))
	defer a.Drop()
	return data[struct {
		Inspections []inspected `json:"inspections"`
	}](d.t, a).Inspections
}

func (d *made) inspect(c broker.Caller, k kid, by broker.SignerRef) inspected {
	d.t.Helper()
	a := d.must(d.OpenInspection(d.t.Context(), c, broker.InspectionRequest{Student: of(k), By: by}))
	defer a.Drop()
	return data[inspected](d.t, a)
}

func TestAnInspectionIsDueInFortyFiveDaysAndThenOverdue(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	today := civil.Of(d.clock.Now(), time.UTC)
	first := d.inspect(motherOf(kids[2]), kids[2], broker.SignerRef{})
	if first.Due != today+45 || first.State != "open" || first.By.GuardianID != kids[2].mother() || first.Student.StudentID != kids[2].id() {
		t.Errorf("%+v", first)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 45))
	second := d.inspect(officer, kids[3], byGuardian(kids[3].father()))
	if list := d.inspections(); len(list) != 2 || list[0].ID != first.ID || list[0].State != "open" || list[1].ID != second.ID {
		t.Errorf("on the last day: %+v", list)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1))
	if list := d.inspections(); list[0].State != "overdue" || list[1].State != "open" {
		t.Errorf("a day later: %+v", list)
	}
	d.done(d.CloseInspection(t.Context(), officer, first.ID, broker.ReviewRequest{Reason: "Seen at the school on 3 May."}))
	if list := d.inspections(); list[0].ID != second.ID || list[1].State != "closed" || list[1].How == "" {
		t.Errorf("closed: %+v", list)
	}
	if _, err := d.CloseInspection(t.Context(), officer, first.ID, broker.ReviewRequest{Reason: "Again."}); broker.KindOf(err) != broker.Conflict {
		t.Errorf("it was closed twice: %v", err)
	}
}

func TestOnlyWhoHoldsTheRightsAsksForAnInspection(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	d.done(d.RecordHolder(t.Context(), officer, broker.HolderRequest{Student: of(k), Signer: byGuardian(k.mother()), Capacity: consent.Parent, Document: "order 7"}))
	for name, c := range map[string]struct {
		caller broker.Caller
		by     broker.SignerRef
		kind   broker.Kind
	}{
		"another mother":                  {motherOf(kids[3]), broker.SignerRef{}, broker.NotAvailable},
		"a mother without rights":         {motherOf(k), broker.SignerRef{}, broker.NotAvailable},
		"the same, entered by an officer": {officer, byGuardian(k.mother()), broker.Invalid},
		"a child of fourteen":             {officer, broker.SignerRef{Self: true}, broker.Invalid},
		"somebody not on the file":        {officer, byGuardian("nobody"), broker.Invalid},
		"the partner":                     {partnerOf("river"), broker.SignerRef{}, broker.NotAvailable},
	} {
		if _, err := d.OpenInspection(t.Context(), c.caller, broker.InspectionRequest{Student: of(k), By: c.by}); broker.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list := d.inspections(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
