package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// releaseRecord is what was published for one agreement and period: protected
// figures and nothing else. It is written once and served many times.
type releaseRecord struct {
	Agreement   string       `json:"agreement"`
	Version     int          `json:"version"`
	Period      periodView   `json:"period"`
	Census      civil.Date   `json:"census"`
	FrozenAt    time.Time    `json:"frozen_at"`
	PublishedAt time.Time    `json:"published_at"`
	DataAsOf    time.Time    `json:"data_as_of"`
	Release     sdc.Release  `json:"release"`
	Definitions []definition `json:"definitions"`
	Settings    []string     `json:"settings"`
	Protection  []string     `json:"protection"`
	Noise       int          `json:"noise_tenths,omitzero"`
	Year        bool         `json:"year,omitzero"` // of a whole school year

	TwoYears []sdc.ShownFigure `json:"two_years,omitzero"` // pooled over this school year and the one before
	Scale    *records.Scale    `json:"scale,omitzero"`     // of the course results
}

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
	Session     string    `json:"session_id"`
	PublishedAt time.Time `json:"published_at"`
}

var (
	releases = table[releaseRecord]{colReleases}
	released = table[[]releaseRef]{colReleased}
)

// ClosePeriod freezes a period if it is open, computes its figures and
// publishes them (officer, steward). It can be repeated after a stop at any
// point, and repeating it changes nothing.
func (b *Broker) ClosePeriod(ctx context.Context, c Caller, session string) (*Answer, error) {
	if err := b.admit(ctx, c, "close a period", RoleOfficer, RoleSteward); err != nil {
		return nil, err
	}
	release, err := b.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if _, err := b.freeze(ctx, c, session); err != nil {
		return nil, err
	}
	f, list, err := b.compute(ctx, session)
	if err != nil {
		return nil, err
	}
	at := b.moment().now
	encoded, err := encodeReleases(list, at)
	if err != nil {
		return nil, err
	}
	a := act{event: tlog.PeriodPublished, lane: store.LaneOfficer, caller: c, request: map[string]string{"period": session}}
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) { return b.publish(tx, at, f, encoded) })
}

// alone admits one import or close at a time; release lets the next in.
func (b *Broker) alone(ctx context.Context) (release func(), err error) {
	select {
	case b.loading <- struct{}{}:
		return func() { <-b.loading }, nil
	case <-ctx.Done():
		return nil, unavailable("another import or close is running; ask again", ctx.Err())
	}
}

// compute makes the figures of a freeze from its own data version.
func (b *Broker) compute(ctx context.Context, session string) (f freeze, list []releaseRecord, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		var found bool
		if f, found, err = freezes.get(r, key(session)); err != nil || !found {
			return orNotAvailable(err)
		}
		d, err := b.datasetOf(r, f.Data)
		if err != nil {
			return err
		}
		s, ok := d.district.Session(session)
		if !ok {
			return notAvailable()
		}
		parts, err := readParts(r, f)
		if err != nil {
			return err
		}
		values := compare.NewPeriod(d.district, s, f.Census)
		if err := b.sign(values, f, parts); err != nil {
			return err
		}
		if err := values.Compute(reportsOfParts(parts), b.pace.Each); err != nil {
			return err
		}
		for _, part := range parts {
			rec, err := b.figures(d, s, f, part, values)
			if err != nil {
				return fmt.Errorf("computing the figures of %s: %w", part.ID, err)
			}
			if rec.TwoYears, err = b.twoYears(r, f, rec); err != nil {
				return err
			}
			list = append(list, rec)
		}
		return nil
	})
	return f, list, err
}

// underTerms is a frozen agreement with the terms it was frozen under.
type underTerms struct {
	frozenAgreement
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
		list = append(list, underTerms{part, terms.Agreement.Clauses})
	}
	return list, nil
}

// reports are the indicators of which the plan says that they are reported.
func (a underTerms) reports() []compare.Report {
	var ids []string
	for _, plan := range a.Plan.Figures {
		if plan.Reported {
			ids = append(ids, plan.Indicator)
		}
	}
	list := reportsOf(ids, a.clauses.Schools, a.Scale)
	for i := range list {
		list[i].Noisy = a.profile().Noisy()
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

func reportsOfParts(parts []underTerms) (all []compare.Report) {
	for _, a := range parts {
		all = append(all, a.reports()...)
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

func (b *Broker) figures(d *dataset, s records.Session, f freeze, a underTerms, values *compare.Period) (releaseRecord, error) {
	cohort, err := bitmapOf(a.Cohort)
	if err != nil {
		return releaseRecord{}, err
	}
	rec := releaseRecord{
		Agreement: a.ID, Version: a.Version, Period: viewPeriod(s), Census: f.Census, FrozenAt: f.At,
		DataAsOf: d.manifest.ImportedAt, Settings: records.Settings{Scale: a.Scale}.Lines(), Year: s.Type == records.SchoolYear,
	}
	if a.profile().Noisy() {
		rec.Noise = f.Disclosure.Noise
	}
	scale, known := records.FindScale(a.Scale, nil)
	if known {
		rec.Scale = &scale
	}
	for _, plan := range a.Plan.Figures {
		if ind, ok := records.Find(plan.Indicator); ok {
			rec.Definitions = append(rec.Definitions, define(ind))
		}
	}
	totals, err := publicTotals(d.district, s)
	if err != nil {
		return rec, err
	}
	layout := layoutOf(values.Roll(), a.clauses.Schools, cohort, a.Plan)
	var raw []sdc.RawFigure
	for _, report := range a.reports() {
		measure, err := compare.MeasureOf(report.Indicator, scale)
		if err != nil {
			return rec, err
		}
		column, err := values.Column(report)
		if err != nil {
			return rec, err
		}
		raw = append(raw, column.Figure(report.Indicator.ID, measure, layout, totals[report.Indicator.ID]))
	}
	protection, err := b.protection(f, a.profile())
	if err != nil {
		return rec, err
	}
	if rec.Protection, err = f.Disclosure.sentences(a.profile()); err != nil {
		return rec, err
	}
	rec.Release, err = sdc.Protect(a.Plan, raw, protection)
	return rec, err
}

func define(i records.Indicator) definition {
	return definition{i.ID, i.Version, string(i.Family), i.Name, i.Unit, string(i.Direction), i.Numerator, i.Denominator, i.Notes}
}

// layoutOf lays the frozen cohort out in the rows of its plan.
func layoutOf(roll *compare.Roll, schools []string, cohort *roaring.Bitmap, plan sdc.Plan) compare.Layout {
	dosage := map[uint32]int{}
	for it := cohort.Iterator(); it.HasNext(); {
		dosage[it.Next()] = 1
	}
	var grain compare.Grain
	for _, f := range plan.Figures {
		for _, v := range f.Verdicts {
			grain.School = grain.School || v.Key.School != ""
			grain.Grade = grain.Grade || v.Key.Grade != ""
		}
	}
	return roll.Choose(compare.Choice{Schools: schools, Dosage: dosage, Floor: 1}).Layout(grain)
}

// encodedRelease is a release as it is written.
type encodedRelease struct {
	written
	agreement, digest string
}

func encodeReleases(list []releaseRecord, at time.Time) (all []encodedRelease, err error) {
	for _, rec := range list {
		rec.PublishedAt = at
		e := encodedRelease{agreement: rec.Agreement}
		if e.written, err = releases.encode(key(rec.Agreement, rec.Period.SessionID), rec); err != nil {
			return nil, err
		}
		raw, err := rec.Release.Encode()
		if err != nil {
			return nil, err
		}
		e.digest = digest(raw)
		all = append(all, e)
	}
	return all, nil
}

// publish writes the releases, unless the freeze they come from changed.
func (b *Broker) publish(tx store.Tx, at time.Time, f freeze, list []encodedRelease) (outcome, error) {
	p, _, err := periods.get(tx, key(f.Session))
	if err != nil {
		return outcome{}, err
	}
	now, found, err := freezes.get(tx, key(f.Session))
	if err != nil {
		return outcome{}, err
	}
	if !found || !now.At.Equal(f.At) || now.Data != f.Data {
		return outcome{}, conflict("the freeze changed while its figures were computed; close the period again")
	}
	data := map[string]any{"session_id": f.Session, "state": periodPublished, "agreements": f.Agreements}
	if p.state() == periodPublished {
		return outcome{data: data, unlogged: true}, nil
	}
	digests := map[string]string{}
	for _, rec := range list {
		digests[rec.agreement] = rec.digest
		if err := putRelease(tx, rec, releaseRef{f.Session, at}); err != nil {
			return outcome{}, err
		}
	}
	p.PublishedAt = at
	if err := periods.put(tx, key(f.Session), p); err != nil {
		return outcome{}, err
	}
	memos, err := signedMemos(tx, f)
	if err != nil {
		return outcome{}, err
	}
	body := map[string]any{"period": f.Session, "releases": digests, "determinations": memos}
	return outcome{data: data, body: body}, bump(tx, colHead, key(headReleases))
}

func putRelease(tx store.Tx, rec encodedRelease, ref releaseRef) error {
	refs, _, err := released.get(tx, key(rec.agreement))
	if err != nil {
		return err
	}
	if err := released.put(tx, key(rec.agreement), append(refs, ref)); err != nil {
		return err
	}
	return rec.put(tx)
}
