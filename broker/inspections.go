package broker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// inspectionDays is how long a district has to let a family inspect a student's
// records (20 USC 1232g(a)(1)(A), 34 CFR 99.10(b)).
const inspectionDays = 45

// inspection is a family's request to inspect a student's records. While it is open
// the records may not be destroyed (34 CFR 99.10(e)).
type inspection struct {
	ID     string       `json:"id"`
	By     string       `json:"by"` // as grants name signers
	Opened time.Time    `json:"opened"`
	Due    civil.Date   `json:"due"` // the last day
	Closed *consent.Act `json:"closed,omitzero"`
}

var inspections = filed[inspection]{colInspections}

// inspectionView is what is read of an inspection.
type inspectionView struct {
	ID      string     `json:"id"`
	Student StudentRef `json:"student"`
	By      SignerRef  `json:"by"`
	Opened  time.Time  `json:"opened_at"`
	Due     civil.Date `json:"due"`
	State   string     `json:"state"` // open, overdue or closed
	Closed  time.Time  `json:"closed_at,omitzero"`
	How     string     `json:"closed_how,omitzero"`
}

// The states of an inspection.
const (
	inspectionOpen    = "open"
	inspectionOverdue = "overdue"
	inspectionClosed  = "closed"
)

func (b *Broker) viewInspection(r store.Reader, sid records.SID, i inspection, m moment) (inspectionView, error) {
	v := inspectionView{ID: i.ID, By: signerRef(i.By), Opened: i.Opened, Due: i.Due, State: inspectionOpen}
	switch {
	case i.Closed != nil:
		v.State, v.Closed, v.How = inspectionClosed, i.Closed.At, i.Closed.Reason
	case m.today > i.Due:
		v.State = inspectionOverdue
	}
	p, err := b.profile(r, sid)
	if KindOf(err) == NotAvailable { // the records of the student are gone
		return v, nil
	}
	v.Student.StudentID = p.Person.StudentID
	return v, err
}

// OpenInspection records that a family asks to inspect a student's records (the
// family; officer for one of its people). From then on the district has 45 days.
func (b *Broker) OpenInspection(ctx context.Context, c Caller, req InspectionRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "ask for an inspection", RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	id, err := newID("ins", "")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.InspectionOpened, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		sid, err := b.student(tx, c, "", req.Student)
		if err != nil {
			return outcome{}, err
		}
		by, err := b.inspector(tx, m, c, sid, req.By)
		if err != nil {
			return outcome{}, err
		}
		i := inspection{ID: id, By: by, Opened: m.now, Due: m.today + inspectionDays}
		if err := inspections.put(b, tx, id, sid, i); err != nil {
			return outcome{}, err
		}
		v, err := b.viewInspection(tx, sid, i, m)
		return outcome{data: v, created: true, key: studentKey(sid), subjects: []records.SID{sid}, body: v}, err
	})
}

// inspector is who may inspect: whoever holds the student's rights today.
func (b *Broker) inspector(r store.Reader, m moment, c Caller, sid records.SID, ref SignerRef) (string, error) {
	p, err := b.profile(r, sid)
	if err != nil {
		return "", err
	}
	link, err := b.link(r, c, p)
	if err != nil {
		return "", err
	}
	by, _, err := signerOf(c, link, p, ref)
	if err != nil {
		return "", err
	}
	law, err := b.lawNow(r, p, m)
	if err != nil {
		return "", err
	}
	if _, holds := law.CapacityOf(by, consent.Moment{At: m.now, Known: m.now, Zone: b.zone}); holds {
		return by, nil
	}
	if c.is(RoleGuardian) {
		return "", notAvailable()
	}
	return "", invalidField("by", "does not hold the student's rights", "an officer records who holds them first")
}

// CloseInspection records how an inspection was had, or why it was taken back
// (officer).
func (b *Broker) CloseInspection(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "close an inspection", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say when and how the records were inspected, or who took the request back")
	}
	a := act{event: tlog.InspectionClosed, lane: store.LaneOfficer, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		sid, i, err := inspections.get(b, tx, id)
		if err != nil {
			return outcome{}, err
		}
		if i.Closed != nil {
			return outcome{}, conflict("this inspection is closed already")
		}
		i.Closed = &consent.Act{By: c.Subject, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		if err := inspections.put(b, tx, id, sid, i); err != nil {
			return outcome{}, err
		}
		v, err := b.viewInspection(tx, sid, i, m)
		return outcome{data: v, key: studentKey(sid), subjects: []records.SID{sid}, body: v}, err
	})
}

// Inspections lists them, those first that are due first (officer, auditor).
func (b *Broker) Inspections(ctx context.Context, c Caller) (*Answer, error) {
	const operation = "list inspections"
	if err := b.admit(ctx, c, operation, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, m moment) (any, error) {
		list := []inspectionView{}
		err := inspections.all(b, r, func(_ string, sid records.SID, i inspection) error {
			v, err := b.viewInspection(r, sid, i, m)
			list = append(list, v)
			return err
		})
		slices.SortFunc(list, func(a, b inspectionView) int {
			return cmp.Or(closedLast(a.Closed, b.Closed), cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
		})
		return map[string]any{"inspections": list}, err
	})
}
