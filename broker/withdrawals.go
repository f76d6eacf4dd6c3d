package broker

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// enterAnswer enters a family's answer. One that may close rows which are open
// is acknowledged as a withdrawal is: a no, a wish to talk, and a yes of whom
// something was known before, since it may be narrower.
func (b *Broker) enterAnswer(ctx context.Context, a act, req ConsentRequest, enter func(store.Tx, moment) (outcome, error)) (*Answer, error) {
	err := b.store.View(ctx, func(r store.Reader) error {
		sid, err := b.student(r, a.caller, req.Agreement, req.Student)
		if err != nil {
			return err
		}
		before, err := b.grants(r, sid)
		if len(before) > 0 || req.Answer != consent.Yes || replayed(ctx) != nil {
			a.closes, a.lane, a.again = []records.SID{sid}, store.LaneWithdrawal, stopAnswer
		}
		if req.Answer == consent.Yes {
			b.recallHolds(r)
		}
		return err
	})
	if err != nil {
		return nil, b.turnAway(ctx, a.caller, string(a.event), storeError(err))
	}
	return b.perform(ctx, a, enter)
}

// WithdrawConsent ends a grant from now on (officer, the family). It returns
// only when no later byte can hold the student under it.
func (b *Broker) WithdrawConsent(ctx context.Context, c Caller, id string, req WithdrawRequest) (*Answer, error) {
	a := act{event: tlog.ConsentWithdrawn, lane: store.LaneWithdrawal, caller: c, request: req, again: stopWithdraw, id: id}
	return b.endGrant(ctx, a, id, func(link string, g *consent.Grant, p records.Profile, m moment) error {
		by, _, err := signerOf(c, link, p, req.By)
		if err != nil {
			return err
		}
		if g.Withdrawn != nil || g.Answer != consent.Yes {
			return conflict("this consent is not in force: it was withdrawn, or was no yes")
		}
		g.Withdrawn = &consent.Act{By: by, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return nil
	})
}

// InvalidateConsent records that an answer, or a form that waits for its
// confirmation, never was valid (officer).
func (b *Broker) InvalidateConsent(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "invalidate a consent", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say why the answer never was valid")
	}
	a := act{event: tlog.ConsentInvalidated, lane: store.LaneWithdrawal, caller: c, request: req, again: stopInvalidate, id: id}
	isForm, err := b.isForm(ctx, id)
	if err != nil {
		return nil, err
	}
	if isForm {
		return b.refuseForm(ctx, a, id)
	}
	return b.endGrant(ctx, a, id, func(_ string, g *consent.Grant, _ records.Profile, m moment) error {
		if g.Invalidated != nil {
			return conflict("this consent is invalidated already")
		}
		g.Invalidated = &consent.Act{By: string(c.Role), At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return nil
	})
}

// endGrant changes a grant so that it opens nothing any more, behind the
// barrier. end is told how the caller stands on the student's file (link).
func (b *Broker) endGrant(ctx context.Context, a act, id string, end func(string, *consent.Grant, records.Profile, moment) error) (*Answer, error) {
	if err := b.admit(ctx, a.caller, "end a consent", RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	at, err := b.findGrant(ctx, a.caller, id)
	if err != nil {
		return nil, b.turnAway(ctx, a.caller, "end a consent", err)
	}
	a.closes = []records.SID{at.sid}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		g, err := b.getGrant(tx, at)
		if err != nil {
			return outcome{}, err
		}
		p, err := b.profile(tx, at.sid)
		if err != nil {
			return outcome{}, err
		}
		link, err := b.link(tx, a.caller, p)
		if err != nil {
			return outcome{}, err
		}
		if err := end(link, &g, p, m); err != nil {
			return outcome{}, err
		}
		return b.changedGrant(tx, at, g)
	})
}
