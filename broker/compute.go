package broker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
)

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
