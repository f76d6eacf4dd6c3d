package broker

import (
	"context"
	"errors"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// releaseRecord is what was published for one agreement and period of families that
// were frozen together: protected figures and nothing else. It is written once and
// served many times; a correction is another, beside it.
type releaseRecord struct {
	Agreement   string           `json:"agreement"`
	Version     int              `json:"version"`
	Number      uint32           `json:"number"` // among those of the agreement and period, from 0
	Families    []records.Family `json:"families"`
	Correction  bool             `json:"correction,omitzero"`
	Period      periodView       `json:"period"`
	Census      civil.Date       `json:"census"`
	FrozenAt    time.Time        `json:"frozen_at"`
	PublishedAt time.Time        `json:"published_at"`
	DataAsOf    time.Time        `json:"data_as_of"`
	Data        uint64           `json:"data"` // version that the values are of
	Release     sdc.Release      `json:"release"`
	Definitions []definition     `json:"definitions"`
	Settings    []string         `json:"settings"`
	Protection  []string         `json:"protection"`
	Noise       int              `json:"noise_tenths,omitzero"`
	Year        bool             `json:"year,omitzero"` // of a whole school year

	TwoYears []sdc.ShownFigure `json:"two_years,omitzero"` // pooled over this school year and the one before
	Scale    *records.Scale    `json:"scale,omitzero"`     // of the course results
	Budget   *budgetSaid       `json:"budget,omitzero"`    // of a budgeted agreement

	unpaid *unpaid // what the figures are made of once they are paid for; nil: they are made
}

func (r releaseRecord) key() []byte { return key(r.Agreement, r.Period.SessionID, r.Number) }

// definition is what an indicator means, printed with every report.
type definition struct {
	ID          string   `json:"id"`
	Version     int      `json:"version"`
	Family      string   `json:"family"`
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Direction   string   `json:"direction"`
	Numerator   string   `json:"numerator"`
	Denominator string   `json:"denominator"`
	Notes       []string `json:"notes,omitzero"`
}

// releaseRef names one release of an agreement.
type releaseRef struct {
	Session     string           `json:"session_id"`
	Number      uint32           `json:"number"`
	Families    []records.Family `json:"families"`
	PublishedAt time.Time        `json:"published_at"`
	Correction  bool             `json:"correction,omitzero"`
}

var (
	releases = table[releaseRecord]{colReleases}
	released = table[[]releaseRef]{colReleased}
)

// ClosePeriod freezes indicator families of a period, computes their figures and
// publishes them (officer, steward); without a family, all that are not published
// yet. It can be repeated after a stop at any point, and repeating it changes
// nothing.
func (b *Broker) ClosePeriod(ctx context.Context, c Caller, session string, families ...records.Family) (*Answer, error) {
	if err := b.admit(ctx, c, "close a period", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	if err := (FamiliesRequest{families}).Validate(); err != nil {
		return nil, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := b.due(ctx, session, families); err != nil {
		return nil, err
	}
	if _, err := b.freeze(ctx, c, session, families); err != nil {
		return nil, err
	}
	done, err := b.compute(ctx, session, families)
	if err != nil {
		return nil, storeError(err)
	}
	bought, err := b.buy(ctx, c, session, &done)
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.PeriodPublished, lane: store.LaneOfficer, caller: c, request: closeAsked{session, FamiliesRequest{families}}}
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		if err := b.spend(tx, bought); err != nil {
			return outcome{}, err
		}
		return b.publish(tx, session, done)
	})
}

// due refuses to publish before the day on which the district said it would.
func (b *Broker) due(ctx context.Context, session string, families []records.Family) error {
	today := b.moment().today
	err := b.store.View(ctx, func(r store.Reader) error {
		p, _, err := periods.get(r, key(session))
		if err != nil || today >= p.Provisional || len(p.families(families, closing.published)) == len(p.families(families, anyClosing)) {
			return err
		}
		return conflict("the district's calendar publishes the period's provisional figures on " + p.Provisional.String() + "; close it on that day or later")
	})
	return storeError(err)
}

func anyClosing(closing) bool { return true }

// alone admits one import or close at a time; release lets the next in.
func (b *Broker) alone(ctx context.Context) (release func(), err error) {
	select {
	case b.loading <- struct{}{}:
		return func() { <-b.loading }, nil
	case <-ctx.Done():
		return nil, unavailable("another import or close is running; ask again", ctx.Err())
	}
}

// encodedRelease is a release as it is written, with what the ledger says of it.
type encodedRelease struct {
	written
	number int // of the agreement's releases before it
	ref    releaseRef
	entry  ledgerRecord
}

// add encodes a release, ahead of the Update that writes it, and works out what
// follows from it and earlier ones.
func (c *computed) add(src source, rec releaseRecord) (err error) {
	rec.PublishedAt = c.at
	if rec.TwoYears, err = src.b.twoYears(src.r, rec); err != nil {
		return err
	}
	refs, _, err := released.get(src.r, key(rec.Agreement))
	if err != nil {
		return err
	}
	e := encodedRelease{number: len(refs)}
	for _, made := range c.releases { // in this very publication
		if made.entry.Agreement == rec.Agreement {
			e.number++
			refs = append(refs, made.ref)
		}
	}
	for _, ref := range refs {
		if ref.Session == rec.Period.SessionID {
			rec.Number++
		}
	}
	e.ref = releaseRef{rec.Period.SessionID, rec.Number, rec.Families, rec.PublishedAt, rec.Correction}
	if e.written, err = releases.encode(rec.key(), rec); err != nil {
		return err
	}
	h, err := c.setsOf(src, rec)
	if err != nil {
		return err
	}
	e.entry, err = accountOf(rec, e.raw, src.freeze, h)
	c.releases = append(c.releases, e)
	return err
}

// setsOf are the sets that a release gives away.
func (c *computed) setsOf(src source, rec releaseRecord) (sdc.History, error) {
	if c.history != nil {
		return c.history[rec.Agreement], nil
	}
	h, found, err := src.b.memo.behind.get(src.r, key(rec.Period.SessionID, rec.Agreement))
	return h.History, errors.Join(err, missing(found || err != nil, errNoHistory))
}

// publish writes the releases, unless what they were computed from changed.
func (b *Broker) publish(tx store.Tx, session string, done computed) (outcome, error) {
	p, _, err := periods.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	if !p.unmoved(done.period, done.families) {
		return outcome{}, conflict("the freeze changed while its figures were computed; close the period again")
	}
	f, _, err := b.memo.freezes.get(tx, key(session))
	if err != nil {
		return outcome{}, err
	}
	if len(done.families) == 0 {
		return outcome{data: p.saidOf(f), unlogged: true}, nil
	}
	made, err := putReleases(tx, done.releases)
	if err != nil {
		return outcome{}, err
	}
	for _, family := range done.families {
		c := p.Families[family]
		c.PublishedAt = done.at
		p.Families[family] = c
	}
	if err := periods.put(tx, key(session), p); err != nil {
		return outcome{}, err
	}
	memos, err := signedMemos(tx, f)
	if err != nil {
		return outcome{}, err
	}
	body := publishedBody{Period: session, Families: done.families, Determinations: memos, published: made}
	return outcome{data: p.saidOf(f), body: body}, bump(tx, colHead, key(headReleases))
}

// saidOf is said with the agreements that report on the period.
func (p periodRecord) saidOf(f freeze) map[string]any {
	data := p.said(p.Session)
	data["agreements"] = f.Agreements
	return data
}

// publishedBody is the private half of the entry of a publication or correction.
type publishedBody struct {
	Period   string           `json:"period"`
	Families []records.Family `json:"families"`
	Reason   string           `json:"reason,omitzero"` // of a correction
	Kept     []sdc.KeptRow    `json:"kept,omitzero"`   // rows that keep their first figure: another would be one too many

	Determinations map[string]string `json:"determinations,omitzero"` // by agreement: the hash of the memo that an officer signed
	published
}

// published are the releases of one publication, and the ledger with them.
type published struct {
	Releases []publishedRelease `json:"releases"`
	Ledger   ledgerHead         `json:"ledger"`
}

type publishedRelease struct {
	Agreement string `json:"agreement"`
	Number    uint32 `json:"number"`
	SHA256    string `json:"sha256"` // of the stored release
}

// putReleases writes releases, each with its record in the ledger.
func putReleases(tx store.Tx, list []encodedRelease) (made published, err error) {
	for _, e := range list {
		refs, _, err := released.get(tx, key(e.entry.Agreement))
		if err != nil {
			return made, err
		}
		if len(refs) != e.number {
			return made, conflict("another release of the agreement was made meanwhile; close the period again")
		}
		if err := released.put(tx, key(e.entry.Agreement), append(refs, e.ref)); err != nil {
			return made, err
		}
		if err := e.put(tx); err != nil {
			return made, err
		}
		if err := enterLedger(tx, e.entry); err != nil {
			return made, err
		}
		made.Releases = append(made.Releases, publishedRelease{e.entry.Agreement, e.entry.Number, e.entry.Release})
	}
	made.Ledger, _, err = ledgerHeads.get(tx, key(headLedger))
	return made, err
}
