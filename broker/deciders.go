package broker

import (
	"context"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// RecordRestriction records a court order, statute or binding document that changes
// who may decide about a student's records (officer; 34 CFR 99.4). It returns only
// when no later byte can hold the student against it.
func (b *Broker) RecordRestriction(ctx context.Context, c Caller, req RestrictionRequest) (*Answer, error) {
	id, err := idFor(ctx, "rst")
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.RestrictionRecorded, lane: store.LaneWithdrawal, caller: c, request: req, again: stopRestrict, id: id}
	return b.changeRights(ctx, a, req.Student, func(tx store.Tx, m moment, p records.Profile, recorded *rights) (any, error) {
		signer, err := restricted(p, req)
		if err != nil {
			return nil, err
		}
		w := restrictionWord{ID: id, By: c.Subject, Restriction: consent.Restriction{
			Kind: req.Kind, Signer: signer, From: req.From, To: req.To, Document: req.Document, EnteredAt: m.now,
		}}
		if err := w.Validate(); err != nil {
			return nil, fieldErrors(err)
		}
		recorded.Restrictions = append(recorded.Restrictions, w)
		return viewRestriction(w), tx.Put(colRestrictions, key(id), p.SID[:])
	})
}

// restricted is the signer whom a restriction is about; none where it is about all.
func restricted(p records.Profile, req RestrictionRequest) (string, error) {
	if req.Kind == consent.BothMustAgree {
		if req.Signer != (SignerRef{}) {
			return "", invalidField("signer", "does not belong here", "leave it out: everyone who holds the rights must agree")
		}
		return "", nil
	}
	return onFile(p, req.Signer)
}

// LiftRestriction ends a restriction from now on (officer).
func (b *Broker) LiftRestriction(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	const operation = "lift a restriction"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say which document ends it, or why it never was one")
	}
	sid, err := b.restrictedStudent(ctx, id)
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, err)
	}
	a := act{event: tlog.RestrictionLifted, lane: store.LaneWithdrawal, caller: c, request: req, again: stopLift, id: id}
	return b.changeRightsOf(ctx, a, sid, false, func(_ store.Tx, m moment, _ records.Profile, recorded *rights) (any, error) {
		i := slices.IndexFunc(recorded.Restrictions, func(w restrictionWord) bool { return w.ID == id })
		if i < 0 {
			return nil, notAvailable()
		}
		w := &recorded.Restrictions[i]
		if w.Lifted != nil {
			return nil, conflict("this restriction is lifted already")
		}
		w.Lifted = &consent.Act{By: c.Subject, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return viewRestriction(*w), nil
	})
}

// restrictedStudent is the student of a restriction or a protection.
func (b *Broker) restrictedStudent(ctx context.Context, id string) (sid records.SID, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		raw, err := r.Get(colRestrictions, key(id))
		if err != nil || len(raw) != len(sid) {
			return orNotAvailable(err)
		}
		sid = records.SID(raw)
		return nil
	})
	return sid, storeError(err)
}

// RecordHolder records that a person on a student's file holds the student's
// rights, or does not, whatever the file says (officer).
func (b *Broker) RecordHolder(ctx context.Context, c Caller, req HolderRequest) (*Answer, error) {
	a := act{event: tlog.HolderRecorded, lane: store.LaneWithdrawal, caller: c, request: req, again: stopHolder}
	return b.changeRights(ctx, a, req.Student, func(_ store.Tx, m moment, p records.Profile, recorded *rights) (any, error) {
		signer, err := onFile(p, req.Signer)
		if err != nil {
			return nil, err
		}
		if err := req.check(); err != nil {
			return nil, err
		}
		w := holderWord{Document: req.Document, Reason: req.Reason, By: c.Subject, Holder: consent.Holder{
			Signer: signer, Capacity: req.Capacity, HoldsRights: req.HoldsRights, From: req.From, To: req.To, EnteredAt: m.now,
		}}
		recorded.Holders = append(recorded.Holders, w)
		return viewHolder(w), nil
	})
}

// check refuses what no file can say.
func (r HolderRequest) check() error {
	var fields []Field
	unless := func(ok bool, name, problem, remedy string) {
		if !ok {
			fields = append(fields, Field{name, problem, remedy})
		}
	}
	ofStudent := r.Capacity == consent.UnaccompaniedYouth
	unless(r.Capacity.MayHoldRights() && r.Capacity != consent.EligibleStudent, "capacity", "is not one in which these rights are held",
		"use parent, acting_as_parent, foster_parent, educational_surrogate or unaccompanied_youth; at 18 the rights pass by themselves")
	unless(r.Signer.Self == ofStudent, "signer", "does not fit the capacity", "an unaccompanied youth is the student; every other capacity is a guardian's")
	unless(r.To.IsZero() || r.From <= r.To, "to", "is before from", "give the last day, or leave it open")
	unless(r.Document != "", "document", "is missing", "give the hash or the file reference of what shows it (34 CFR 99.3, 99.4)")
	if len(fields) > 0 {
		return invalid(fields...)
	}
	return nil
}

// RecordPostsecondary records from when a student attends an institution of
// postsecondary education, so that the rights are the student's own (officer;
// 34 CFR 99.5(a)(1)). Without a day it takes an earlier word back.
func (b *Broker) RecordPostsecondary(ctx context.Context, c Caller, req PostsecondaryRequest) (*Answer, error) {
	a := act{event: tlog.PostsecondaryRecorded, lane: store.LaneWithdrawal, caller: c, request: req, again: stopPostsecondary}
	return b.changeRights(ctx, a, req.Student, func(_ store.Tx, m moment, _ records.Profile, recorded *rights) (any, error) {
		if req.Document == "" {
			return nil, invalidField("document", "is missing", "give the hash or the file reference of what shows it")
		}
		w := postsecondaryWord{From: req.From, Document: req.Document, By: c.Subject, EnteredAt: m.now}
		recorded.Postsecondary = append(recorded.Postsecondary, w)
		return postsecondaryView{w.From, w.Document, w.EnteredAt}, nil
	})
}

// onFile names a person of a student's file as grants do.
func onFile(p records.Profile, ref SignerRef) (string, error) {
	signer, _, err := signerOf(Caller{Role: RoleOfficer}, "", p, ref)
	return signer, err
}

// changeRights changes what is recorded of the student whom a request names.
func (b *Broker) changeRights(ctx context.Context, a act, of StudentRef, change rightsChange) (*Answer, error) {
	operation := string(a.event)
	if err := b.admit(ctx, a.caller, operation, RoleOfficer); err != nil {
		return nil, err
	}
	var sid records.SID
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		sid, err = b.student(r, a.caller, "", of)
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, a.caller, operation, storeError(err))
	}
	return b.changeRightsOf(ctx, a, sid, true, change)
}

// rightsChange changes what is recorded of a student and returns what the officer
// reads of it.
type rightsChange func(tx store.Tx, m moment, p records.Profile, recorded *rights) (any, error)

// changeRightsOf runs behind the barrier: who decides may close rows. created says
// that the change is something new.
func (b *Broker) changeRightsOf(ctx context.Context, a act, sid records.SID, created bool, change rightsChange) (*Answer, error) {
	a.closes = []records.SID{sid}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		p, err := b.profile(tx, sid)
		if err != nil {
			return outcome{}, err
		}
		recorded, err := b.rightsOf(tx, sid)
		if err != nil {
			return outcome{}, err
		}
		out := outcome{created: created, key: studentKey(sid), subjects: []records.SID{sid}}
		if out.data, err = change(tx, m, p, &recorded); err != nil {
			return outcome{}, err
		}
		if err := b.putRights(tx, sid, recorded); err != nil {
			return outcome{}, err
		}
		out.body = out.data
		out.moved, err = b.moveStudent(tx, sid)
		return out, err
	})
}
