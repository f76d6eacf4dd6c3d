package broker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// guardianOf is a guardian's number as grants name signers; ok is false for the
// student.
func guardianOf(signer string) (id string, ok bool) { return strings.CutPrefix(signer, signerGuardian) }

// StopPage reads what the link of a receipt's message leads to. It changes nothing and
// shows no record.
func (b *Broker) StopPage(ctx context.Context, secret string) (page pages.Stop, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		g, l, err := b.stopping(r, secret, m)
		if err != nil {
			return err
		}
		page = pages.Stop{
			Link: stopPath + secret, Partner: g.org.Partner.Name, Child: g.profile.Person.Given,
			Self: strings.HasPrefix(l.Person, subjectStudent), Number: g.number,
			Over: g.grant.Answer != consent.Yes || g.grant.Invalidated != nil || g.grant.Expires < m.today,
		}
		if g.grant.Withdrawn != nil {
			page.Stopped = b.day(*g.grant.Withdrawn)
		}
		return nil
	})
	return page, storeError(err)
}

func (b *Broker) stopping(r store.Reader, secret string, m moment) (g given, l link, err error) {
	if l, err = b.getLink(r, secret); err != nil {
		return g, l, err
	}
	if l.Kind != linkStop || !m.now.Before(l.Ends) {
		return g, l, notAvailable()
	}
	number, err := b.receiptOf(r, l.Grant)
	if err != nil {
		return g, l, err
	}
	g, err = b.findGiven(r, l.caller(), number)
	return g, l, err
}

// StopByLink ends the yes of a receipt's link: one tap, by whoever has the link, for
// it only closes. It returns when no later byte can hold the student under it. Once
// stopped, or over, another tap changes nothing.
func (b *Broker) StopByLink(ctx context.Context, secret string) error {
	var l link
	var g given
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		g, l, err = b.stopping(r, secret, b.moment())
		return err
	})
	if err != nil {
		return storeError(err)
	}
	return b.stop(ctx, l.caller(), g.grant.ID)
}

// StopChoice ends a signed-in person's own yes. It returns when no later byte can hold
// the student under it, and returns the number of the receipt.
func (b *Broker) StopChoice(ctx context.Context, v Visitor, grant string) (number string, err error) {
	if err := b.stop(ctx, v.Caller, grant); err != nil {
		return "", err
	}
	err = b.store.View(ctx, func(r store.Reader) error {
		number, err = b.receiptOf(r, grant)
		return err
	})
	return number, storeError(err)
}

func (b *Broker) stop(ctx context.Context, c Caller, grant string) error {
	a, err := b.WithdrawConsent(ctx, c, grant, WithdrawRequest{})
	if KindOf(err) == Conflict {
		return nil // it was stopped before
	}
	if err != nil {
		return err
	}
	a.Drop()
	return nil
}

// deletion asks a partner to delete what it saw of a child while a yes was in force: a
// wish that the partner answers; what the law says of keeping records stays.
type deletion struct {
	ID        string       `json:"id"`
	Agreement string       `json:"agreement"`
	Grant     string       `json:"grant"`
	Party     string       `json:"party"`
	Ref       string       `json:"participant_ref"`
	Asked     time.Time    `json:"asked"`
	Done      *consent.Act `json:"done,omitzero"`
}

var deletions = filed[deletion]{colDeletions}

// deletionOf is when the deletion of what was seen under a grant was asked; nil where
// it was not.
func (b *Broker) deletionOf(r store.Reader, grant string) (at *time.Time, err error) {
	_, d, err := deletions.get(b, r, deletionID(grant))
	if KindOf(err) == NotAvailable {
		return nil, nil
	}
	return &d.Asked, err
}

// deletionID is the id of the one task that a grant may have.
func deletionID(grant string) string { return "del_" + strings.TrimPrefix(grant, "cns_") }

func orMoment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// AskDeletion asks the partner to delete what it saw under a stopped yes (the person
// who gave it).
func (b *Broker) AskDeletion(ctx context.Context, v Visitor, number string) error {
	a := act{event: tlog.DeletionAsked, lane: store.LaneOfficer, caller: v.Caller, request: map[string]string{"receipt": number}}
	answer, err := b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		g, err := b.findGiven(tx, v.Caller, number)
		if err != nil {
			return outcome{}, err
		}
		if g.grant.Answer != consent.Yes || g.grant.Withdrawn == nil && g.grant.Invalidated == nil && g.grant.Expires >= m.today {
			return outcome{}, conflict("this is still shared: stop it first")
		}
		if at, err := b.deletionOf(tx, g.grant.ID); err != nil || at != nil {
			return outcome{unlogged: true}, err
		}
		return b.putDeletion(tx, m, g)
	})
	if err != nil {
		return err
	}
	answer.Drop()
	return nil
}

func (b *Broker) putDeletion(tx store.Tx, m moment, g given) (outcome, error) {
	rec, ref, err := b.rosterOf(tx, g)
	if err != nil {
		return outcome{}, err
	}
	d := deletion{ID: deletionID(g.grant.ID), Agreement: rec.Agreement.ID, Grant: g.grant.ID, Party: g.grant.Party, Ref: ref, Asked: m.now}
	out := outcome{data: d.view(b.zone), created: true, key: studentKey(g.profile.SID), subjects: []records.SID{g.profile.SID}, agreement: rec.Agreement}
	return out, deletions.put(b, tx, d.ID, g.profile.SID, d)
}

// rosterOf is the party's newest agreement of the grant's purpose on whose roster the
// child is or was, and by what the party knows the child.
func (b *Broker) rosterOf(r store.Reader, g given) (rec agreementRecord, ref string, err error) {
	for _, id := range slices.Backward(g.org.Agreements) {
		next, _, err := agreements.get(r, key(id))
		if err != nil {
			return rec, "", err
		}
		if next.Agreement.Clauses.Purpose != g.grant.Purpose || next.Roster == 0 {
			continue
		}
		roster, err := b.roster(r, id, next.Roster)
		if err != nil {
			return rec, "", err
		}
		for _, c := range children(roster) {
			if c.sid == g.profile.SID {
				return next, c.ref, nil
			}
		}
		if rec.Agreement.ID == "" {
			rec = next
		}
	}
	return rec, ref, missing(rec.Agreement.ID != "", errNoHistory)
}

// deletionView is a partner's task.
type deletionView struct {
	ID    string     `json:"id"`
	Ref   string     `json:"participant_ref,omitzero"`
	Asked civil.Date `json:"asked_on"`
	Done  civil.Date `json:"done_on,omitzero"`
}

func (d deletion) view(zone *time.Location) deletionView {
	v := deletionView{ID: d.ID, Ref: d.Ref, Asked: civil.Of(d.Asked, zone)}
	if d.Done != nil {
		v.Done = civil.Of(d.Done.At, zone)
	}
	return v
}

// Deletions lists what families asked a partner to delete under an agreement, those
// first that are not done (the partner's people; officer, auditor).
func (b *Broker) Deletions(ctx context.Context, c Caller, id string) (*Answer, error) {
	const operation = "list deletions"
	if err := b.admit(ctx, c, operation, RolePartner, RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	return b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		rec, found, err := agreements.get(r, key(id))
		if err != nil || !found || c.is(RolePartner) && !c.mine(rec.Agreement) {
			return nil, orNotAvailable(err)
		}
		list := []deletionView{}
		err = deletions.all(b, r, func(_ string, _ records.SID, d deletion) error {
			if d.Agreement == id {
				list = append(list, d.view(b.zone))
			}
			return nil
		})
		slices.SortStableFunc(list, func(a, b deletionView) int { return int(a.Done) - int(b.Done) })
		return map[string]any{"deletions": list}, err
	})
}

// CloseDeletion records a partner's word that it deleted what a family asked it to (the
// partner's people).
func (b *Broker) CloseDeletion(ctx context.Context, c Caller, id string, req ReviewRequest) (*Answer, error) {
	const operation = "close a deletion"
	if err := b.admit(ctx, c, operation, RolePartner); err != nil {
		return nil, err
	}
	if req.Reason == "" {
		return nil, invalidField("reason", "is missing", "say what was deleted, and what the law or the agreement makes you keep")
	}
	a := act{event: tlog.DeletionDone, lane: store.LanePartner, caller: c, request: req}
	return b.perform(ctx, a, func(tx store.Tx, m moment) (outcome, error) {
		sid, d, err := deletions.get(b, tx, id)
		if err != nil || d.Party != c.Partner {
			return outcome{}, orNotAvailable(err)
		}
		if d.Done != nil {
			return outcome{}, conflict("this is done already")
		}
		d.Done = &consent.Act{By: c.Subject, At: m.now, EnteredAt: m.now, Reason: req.Reason}
		return outcome{data: d.view(b.zone), key: studentKey(sid), subjects: []records.SID{sid}}, deletions.put(b, tx, id, sid, d)
	})
}
