package broker

import (
	"context"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// protectionWord says that a family must be protected from one of its own: nothing is
// sent by itself, and what tells where the child can be found is held back.
type protectionWord struct {
	ID        string       `json:"id"`
	Signer    string       `json:"signer,omitzero"` // who is protected, as grants name signers; none: the child from everyone
	Document  string       `json:"document"`
	By        string       `json:"by"`
	EnteredAt time.Time    `json:"entered_at"`
	Lifted    *consent.Act `json:"lifted,omitzero"`
}

// protected is the protection in effect, the newest; nil where there is none.
func (f rights) protected(now time.Time) *protectionWord {
	for _, w := range slices.Backward(f.Protections) {
		if !w.EnteredAt.After(now) && (w.Lifted == nil || w.Lifted.EnteredAt.After(now)) {
			return &w
		}
	}
	return nil
}

// from reports whether what tells where the child can be found is held back from a
// person.
func (w *protectionWord) from(signer string) bool {
	return w != nil && (w.Signer == "" || w.Signer != signer)
}

// protectionView is what an officer reads of a protection.
type protectionView struct {
	ID        string    `json:"id"`
	Protects  SignerRef `json:"protects,omitzero"`
	Document  string    `json:"document"`
	EnteredAt time.Time `json:"entered_at"`
	Lifted    time.Time `json:"lifted_at,omitzero"`
}

func viewProtection(w protectionWord) protectionView {
	v := protectionView{ID: w.ID, Document: w.Document, EnteredAt: w.EnteredAt}
	if w.Signer != "" {
		v.Protects = signerRef(w.Signer)
	}
	if w.Lifted != nil {
		v.Lifted = w.Lifted.At
	}
	return v
}

// RecordProtection protects a student's family from one of its own (officer): no
// message is sent by itself, answers are taken in person, and the names of
// organizations are held back from everyone but the person named.
func (b *Broker) RecordProtection(ctx context.Context, c Caller, req ProtectionRequest) (*Answer, error) {
	id, err := newID("prt", "")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.ProtectionRecorded, lane: store.LaneWithdrawal, caller: c, request: req}
	return b.changeRights(ctx, a, req.Student, func(tx store.Tx, m moment, p records.Profile, recorded *rights) (any, error) {
		w := protectionWord{ID: id, Document: req.Document, By: c.Subject, EnteredAt: m.now}
		if req.Protects != (SignerRef{}) {
			if w.Signer, err = onFile(p, req.Protects); err != nil {
				return nil, err
			}
		}
		if req.Document == "" {
			return nil, invalidField("document", "is missing", "give the hash or the file reference of what shows it, or of the note that was taken")
		}
		recorded.Protections = append(recorded.Protections, w)
		return viewProtection(w), tx.Put(colRestrictions, key(id), p.SID[:])
	})
}

// LiftProtection ends a protection from now on (officer).
func (b *Broker) LiftProtection(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	const operation = "lift a protection"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say who was asked, and why it is safe now")
	}
	sid, err := b.restrictedStudent(ctx, id)
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, err)
	}
	a := act{event: tlog.ProtectionLifted, lane: store.LaneOfficer, caller: c, request: req}
	return b.changeRightsOf(ctx, a, sid, false, func(_ store.Tx, m moment, _ records.Profile, recorded *rights) (any, error) {
		i := slices.IndexFunc(recorded.Protections, func(w protectionWord) bool { return w.ID == id })
		if i < 0 {
			return nil, notAvailable()
		}
		w := &recorded.Protections[i]
		if w.Lifted != nil {
			return nil, conflict("this protection is lifted already")
		}
		w.Lifted = &consent.Act{By: c.Subject, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return viewProtection(*w), nil
	})
}
