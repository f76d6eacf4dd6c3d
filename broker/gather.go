package broker

import (
	"context"
	"sync"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/policy"
)

// snapshot is one consistent view of the store with what the gate gathered
// from it. Everything an answer says comes from one snapshot.
type snapshot struct {
	b      *Broker
	r      store.Reader
	ctx    context.Context
	caller Caller
	now    time.Time
	standing
	data *dataset
}

// gather reads what every partner request needs. An agreement that is not the
// caller's looks like one that does not exist.
func (b *Broker) gather(ctx context.Context, r store.Reader, c Caller, id string) (*snapshot, error) {
	s := &snapshot{b: b, r: r, ctx: ctx, caller: c, now: b.clock().UTC()}
	s.today = civil.Of(s.now, b.zone)
	if err := b.valid(r, c); err != nil {
		return nil, err
	}
	err := s.readStamp(id, true)
	if err == nil && !c.mine(s.agreement.Agreement) {
		err = notAvailable()
	}
	if err != nil {
		return nil, err
	}
	s.data, err = b.datasetAt(r, s.stamp.Data)
	return s, err
}

// readStamp finds the agreement, its partner and every revision that an
// answer under it depends on.
func (s *snapshot) readStamp(id string, consented bool) error {
	if kept := s.b.standings.of(id, s.r, s.today); kept != nil {
		s.standing = *kept
	} else if err := s.readStanding(id); err != nil {
		return err
	}
	if !consented {
		s.stamp.Consent = 0
	}
	return nil
}

// readStanding reads them.
func (s *snapshot) readStanding(id string) (err error) {
	var found bool
	if s.agreement, found, err = s.b.memo.agreements.get(s.r, key(id)); err != nil || !found {
		return orNotAvailable(err)
	}
	if s.partner, found, err = s.b.memo.partners.get(s.r, key(s.agreement.Agreement.Partner)); err != nil || !found {
		return orNotAvailable(err)
	}
	if s.banned, err = bannedOn(s.r, s.partner.Partner, moment{s.now, s.today}); err != nil {
		return err
	}
	s.stamp = stamp{
		Agreement: s.agreement.Revision, Partner: s.partner.Revision, Banned: s.banned,
		Policy: s.b.engine.Digest(), Day: s.today,
	}
	if s.stamp.Epoch, err = number(s.r, colEpochs, key(s.partner.Partner.ID)); err != nil {
		return err
	}
	if s.stamp.Data, err = number(s.r, colHead, key(headData)); err != nil {
		return err
	}
	if s.stamp.Release, err = number(s.r, colHead, key(headReleases)); err != nil {
		return err
	}
	if s.stamp.Consent, err = number(s.r, colConsentRev, key(id)); err != nil {
		return err
	}
	if s.released, _, err = s.b.memo.released.get(s.r, key(id)); err != nil {
		return err
	}
	s.b.standings.keep(id, s.r, s.standing)
	return nil
}

// facts are what policy may know, without what the kind of request adds.
func (s *snapshot) facts() policy.Facts {
	p := s.partner.Partner
	return policy.Facts{
		Caller:    policy.Caller{Role: string(s.caller.Role), Partner: s.caller.Partner, Sites: s.caller.Sites, Programs: s.caller.Programs},
		Agreement: s.b.prepared.of(s.agreement),
		Partner:   policy.PartnerFacts{ID: p.ID, State: string(p.State), Banned: s.banned, Sites: p.Sites, Programs: p.Programs},
		Today:     s.today,
	}
}

// preparedAgreements keeps each agreement in the form that policy reads, so
// that a request does not convert it again.
type preparedAgreements struct {
	preparer policy.Preparer
	mu       sync.RWMutex
	byID     map[string]preparedAgreement
}

type preparedAgreement struct {
	revision uint64
	prepared *policy.Prepared
}

func (p *preparedAgreements) of(rec agreementRecord) *policy.Prepared {
	p.mu.RLock()
	kept, ok := p.byID[rec.Agreement.ID]
	p.mu.RUnlock()
	if ok && kept.revision == rec.Revision {
		return kept.prepared
	}
	fresh := preparedAgreement{rec.Revision, p.preparer.Prepare(rec.Agreement)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil {
		p.byID = map[string]preparedAgreement{}
	}
	p.byID[rec.Agreement.ID] = fresh
	return fresh.prepared
}
