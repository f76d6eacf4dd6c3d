package broker

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// enterBehindBarrier enters an answer; one that is no yes may close rows that
// are open, so it waits as a withdrawal does.
func (b *Broker) enterBehindBarrier(ctx context.Context, a act, req ConsentRequest, enter func(store.Tx, moment) (outcome, error)) (*Answer, error) {
	if req.Answer == consent.Yes {
		return b.perform(ctx, a, enter)
	}
	a.lane = store.LaneWithdrawal
	var sid records.SID
	if err := b.store.View(ctx, func(r store.Reader) (err error) {
		sid, err = b.student(r, a.caller, req.Agreement, req.Student)
		return err
	}); err != nil {
		return nil, storeError(err)
	}
	change := func() (*Answer, error) { return b.perform(ctx, a, enter) }
	return b.behindBarrier(sid, change, func() []string { return b.agreementsOf(ctx, req.Agreement) })
}

// behindBarrier makes a change after which a student may be in no answer:
// deny in memory, commit, wait for every answer on its way, acknowledge. A
// commit that failed leaves the student denied.
func (b *Broker) behindBarrier(sid records.SID, change func() (*Answer, error), affected func() []string) (*Answer, error) {
	b.flights.deny(sid)
	ans, err := change()
	if err != nil {
		if b.store.Failed() == nil {
			b.flights.allow(sid)
		}
		return nil, err
	}
	b.flights.barrier(affected())
	b.flights.allow(sid)
	return ans, nil
}

// WithdrawConsent ends a grant from now on (officer, the family). It returns
// only when no later byte can hold the student under it.
func (b *Broker) WithdrawConsent(ctx context.Context, c Caller, id string, req WithdrawRequest) (*Answer, error) {
	a := act{event: tlog.ConsentWithdrawn, lane: store.LaneWithdrawal, caller: c, request: req}
	return b.endGrant(ctx, a, id, func(g *consent.Grant, p records.Profile, m moment) error {
		by, _, err := signerOf(c, p, req.By)
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

// InvalidateConsent records that an answer never was valid (officer).
func (b *Broker) InvalidateConsent(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "invalidate a consent", RoleOfficer); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say why the answer never was valid")
	}
	a := act{event: tlog.ConsentInvalidated, lane: store.LaneWithdrawal, caller: c, request: req}
	return b.endGrant(ctx, a, id, func(g *consent.Grant, _ records.Profile, m moment) error {
		if g.Invalidated != nil {
			return conflict("this consent is invalidated already")
		}
		g.Invalidated = &consent.Act{By: string(c.Role), At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return nil
	})
}

// endGrant changes a grant so that it opens nothing any more, behind the
// barrier.
func (b *Broker) endGrant(ctx context.Context, a act, id string, end func(*consent.Grant, records.Profile, moment) error) (*Answer, error) {
	if err := b.admit(ctx, a.caller, "end a consent", RoleOfficer, RoleGuardian); err != nil {
		return nil, err
	}
	at, err := b.findGrant(ctx, a.caller, id)
	if err != nil {
		return nil, err
	}
	var party string
	change := func() (*Answer, error) {
		return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
			g, err := b.getGrant(tx, at)
			if err != nil {
				return outcome{}, err
			}
			p, err := b.profile(tx, at.sid)
			if err != nil {
				return outcome{}, err
			}
			if err := end(&g, p, m); err != nil {
				return outcome{}, err
			}
			party = g.Party
			return b.changedGrant(tx, at, g)
		})
	}
	return b.behindBarrier(at.sid, change, func() []string { return b.agreementsOfParty(ctx, party) })
}

// agreementsOfParty lists a party's agreements for the barrier. It reads
// with a context of its own: a family that hung up is still waited for.
func (b *Broker) agreementsOfParty(ctx context.Context, party string) (ids []string) {
	err := b.store.View(context.WithoutCancel(ctx), func(r store.Reader) error {
		p, _, err := partners.get(r, key(party))
		ids = p.Agreements
		return err
	})
	if err != nil {
		b.alarm("barrier", err)
	}
	return ids
}

// agreementsOf lists the agreements of the party to an agreement.
func (b *Broker) agreementsOf(ctx context.Context, id string) []string {
	var party string
	err := b.store.View(context.WithoutCancel(ctx), func(r store.Reader) error {
		rec, _, err := agreements.get(r, key(id))
		party = rec.Agreement.Partner
		return err
	})
	if err != nil {
		b.alarm("barrier", err)
	}
	return b.agreementsOfParty(ctx, party)
}
