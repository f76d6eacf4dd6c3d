package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
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

// computed is what is about to be published of a period.
type computed struct {
	period   periodRecord // as it was when the figures were computed
	families []records.Family
	at       time.Time              // of the publication
	history  map[string]sdc.History // of a correction, by agreement: with the cohorts that are shown again
	list     []releaseRecord
	releases []encodedRelease
}

// compute makes the figures of the families that are frozen and not published, from
// the data version they were frozen with.
func (b *Broker) compute(ctx context.Context, session string, asked []records.Family) (done computed, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		if done.period, _, err = periods.get(r, key(session)); err != nil {
			return err
		}
		done.at = b.moment().now
		done.families = done.period.families(asked, closing.unpublished)
		if len(done.families) == 0 {
			return nil
		}
		src, err := b.source(r, session)
		if err != nil {
			return err
		}
		for _, round := range done.period.rounds(done.families) {
			list, err := src.releases(round, nil, nil)
			if err != nil {
				return err
			}
			done.list = append(done.list, list...)
		}
		if done.unpaid() {
			return nil // encoded when they are paid for (buy)
		}
		return done.addAll(src)
	})
	return done, err
}

// unpaid reports that releases have no figures yet.
func (c *computed) unpaid() bool {
	return slices.ContainsFunc(c.list, func(rec releaseRecord) bool { return rec.unpaid != nil })
}

func (c *computed) addAll(src source) error {
	for _, rec := range c.list {
		if err := c.add(src, rec); err != nil {
			return err
		}
	}
	return nil
}

// source is what the figures of a period are computed from.
type source struct {
	b       *Broker
	r       store.Reader
	freeze  freeze
	session records.Session
	placing *dataset
	parts   []underTerms
}

func (b *Broker) source(r store.Reader, session string) (s source, err error) {
	s.b, s.r = b, r
	if s.freeze, s.session, s.placing, err = b.sets(r, session); err != nil {
		return s, err
	}
	s.parts, err = readParts(r, s.freeze)
	return s, err
}

// releases computes the releases of families that were frozen together: with the
// values of their freeze or, where newer ones correct those, with these, but for
// the kept rows.
func (s source) releases(of round, newer *dataset, kept []sdc.KeptRow) ([]releaseRecord, error) {
	from := s.placing
	if of.Data != s.freeze.Data {
		var err error
		if from, err = s.b.datasetOf(s.r, of.Data); err != nil {
			return nil, err
		}
	}
	values := compare.NewPeriod(s.placing.district, s.session, s.freeze.Census)
	values.ReadFrom(from.district)
	if newer != nil {
		values.Correct(newer.district)
		from = newer
	}
	parts := partsOf(s.parts, of.families, kept)
	if err := s.b.sign(values, s.freeze, parts); err != nil {
		return nil, err
	}
	if err := values.Compute(s.b.reports(parts), s.b.pace.Each); err != nil {
		return nil, err
	}
	if err := s.fits(values, parts, newer); err != nil {
		return nil, err
	}
	var list []releaseRecord
	for _, part := range parts {
		rec, err := s.figures(of, part, from, values)
		if err != nil {
			return nil, fmt.Errorf("computing the figures of %s: %w", part.ID, err)
		}
		list = append(list, rec)
	}
	return list, nil
}

// fits refuses corrected values that public totals contradict; the first ones were
// tested at their freeze.
func (s source) fits(values *compare.Period, parts []underTerms, newer *dataset) error {
	if newer == nil {
		return nil
	}
	return checkTotals(newer.district, s.session, values, s.b.reports(parts))
}

// partsOf are the agreements with their figures of some families only, those that
// have any. Kept rows are not computed.
func partsOf(parts []underTerms, families []records.Family, kept []sdc.KeptRow) (list []underTerms) {
	for _, a := range parts {
		a.Plan = planOf(a.Plan, families).Without(kept)
		if len(a.Plan.Figures) > 0 {
			list = append(list, a)
		}
	}
	return list
}

// planOf is a plan of some families only.
func planOf(p sdc.Plan, families []records.Family) sdc.Plan {
	p.Figures = slices.DeleteFunc(slices.Clone(p.Figures), func(f sdc.FigurePlan) bool { return !slices.Contains(families, records.Family(f.Family)) })
	return p
}

// underTerms is a frozen agreement with the terms it was frozen under.
type underTerms struct {
	frozenAgreement
	partner string
	clauses agreement.Clauses
}

func readParts(r store.Reader, f freeze) ([]underTerms, error) {
	list := make([]underTerms, 0, len(f.Agreements))
	for _, id := range f.Agreements {
		part, found, err := frozenT.get(r, key(f.Session, id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		terms, found, err := agreementHistory.get(r, key(part.ID, uint64(part.Version), part.Revision))
		if err != nil || !found {
			return nil, fmt.Errorf("computing the figures of %s: %w", id, orNotAvailable(err))
		}
		list = append(list, underTerms{part, terms.Agreement.Partner, terms.Agreement.Clauses})
	}
	return list, nil
}

// reports are the indicators of which the plan says that they are reported.
func (a underTerms) reports(weak sdc.Weakness) []compare.Report {
	var ids []string
	for _, plan := range a.Plan.Figures {
		if plan.Reported {
			ids = append(ids, plan.Indicator)
		}
	}
	list := reportsOf(ids, a.clauses.Schools, a.Scale)
	for i := range list {
		list[i].Noisy = a.profile().Noisy() && !weak.Silent()
	}
	return list
}

func (a underTerms) profile() sdc.Profile { return sdc.Profile(a.clauses.Profile) }

// sign gives a period's values the noise keys if a release of it is noisy.
func (b *Broker) sign(values *compare.Period, f freeze, parts []underTerms) error {
	if !slices.ContainsFunc(parts, func(a underTerms) bool { return a.profile().Noisy() }) {
		return nil
	}
	keys, err := b.noiseKeys(f)
	if err != nil {
		return err
	}
	if b.sabotage.Weak == sdc.WeakCellKey {
		values.SignCells(keys, f.days())
		return nil
	}
	values.Sign(keys, f.days())
	return nil
}

func (b *Broker) reports(parts []underTerms) (all []compare.Report) {
	for _, a := range parts {
		all = append(all, a.reports(b.sabotage.Weak)...)
	}
	return all
}

// datasetOf returns a data version that may be older than the current one.
func (b *Broker) datasetOf(r store.Reader, version uint64) (*dataset, error) {
	if kept := b.datasets.find(version); kept != nil {
		return kept, nil
	}
	return b.loadDataset(r, version)
}

func (s source) figures(of round, a underTerms, from *dataset, values *compare.Period) (releaseRecord, error) {
	rec := releaseRecord{
		Agreement: a.ID, Version: a.Version, Families: of.families, Period: viewPeriod(s.session), Census: s.freeze.Census, FrozenAt: of.FrozenAt,
		DataAsOf: from.manifest.ImportedAt, Data: from.manifest.Version, Year: s.session.Type == records.SchoolYear,
	}
	if a.profile().Noisy() {
		rec.Noise = s.freeze.Disclosure.noiseOf(a.profile())
	}
	var scale records.Scale
	if slices.Contains(of.families, records.GradesFamily) {
		rec.Settings = records.Settings{Scale: a.Scale}.Lines()
		if found, known := records.FindScale(a.Scale, nil); known {
			scale, rec.Scale = found, &found
		}
	} else {
		rec.Settings = records.Settings{}.Lines()
	}
	for _, plan := range a.Plan.Figures {
		if ind, ok := records.Find(plan.Indicator); ok {
			rec.Definitions = append(rec.Definitions, define(ind))
		}
	}
	raw, err := s.raw(a, from, values, scale)
	if err != nil {
		return rec, err
	}
	if a.profile() == sdc.Budgeted {
		rec.unpaid, err = unpaidOf(a, raw, values.Roll())
		return rec, err
	}
	protection, err := s.b.protection(s.freeze, a.profile())
	if err != nil {
		return rec, err
	}
	if rec.Protection, err = s.freeze.Disclosure.sentences(a.profile()); err != nil {
		return rec, err
	}
	rec.Release, err = sdc.Protect(a.Plan, raw, protection)
	return rec, err
}

// raw are an agreement's figures before protection.
func (s source) raw(a underTerms, from *dataset, values *compare.Period, scale records.Scale) ([]sdc.RawFigure, error) {
	totals, err := publicTotals(from.district, s.session)
	if err != nil {
		return nil, err
	}
	layout, err := a.layout(values.Roll())
	if err != nil {
		return nil, err
	}
	var list []sdc.RawFigure
	for _, report := range a.reports(s.b.sabotage.Weak) {
		measure, err := compare.MeasureOf(report.Indicator, scale)
		if err != nil {
			return nil, err
		}
		column, err := values.Column(report)
		if err != nil {
			return nil, err
		}
		list = append(list, column.Figure(report.Indicator.ID, measure, layout, totals[report.Indicator.ID]))
	}
	return list, nil
}

func define(i records.Indicator) definition {
	return definition{i.ID, i.Version, string(i.Family), i.Name, i.Unit, string(i.Direction), i.Numerator, i.Denominator, i.Notes}
}

// layout lays the frozen cohort out in the rows of the agreement.
func (a underTerms) layout(roll *compare.Roll) (compare.Layout, error) {
	cohort, err := bitmapOf(a.Cohort)
	if err != nil {
		return compare.Layout{}, err
	}
	dosage := map[uint32]int{}
	for it := cohort.Iterator(); it.HasNext(); {
		dosage[it.Next()] = 1
	}
	groups := roll.Choose(compare.Choice{Schools: a.clauses.Schools, Dosage: dosage, Floor: 1})
	return groups.Layout(grainOf(a.clauses)), nil
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
