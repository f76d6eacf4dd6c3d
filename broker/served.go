package broker

import (
	"errors"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// servedFamily is what a comparison says of one indicator family of the period.
type servedFamily struct {
	Family      records.Family `json:"family"`
	State       string         `json:"state"` // published or not_published_yet
	DataAsOf    civil.Date     `json:"data_as_of,omitzero"`
	FrozenAt    time.Time      `json:"frozen_at,omitzero"`
	PublishedAt time.Time      `json:"published_at,omitzero"`
	CorrectedAt time.Time      `json:"corrected_at,omitzero"` // when what is shown replaced the first figures
}

// served is what of a period an agreement's comparison is made from: of each family
// the newest release, put together.
type served struct {
	releaseRecord
	families []servedFamily
	stage    string
}

// served reads the newest releases of a period. An agreement that has none is not
// available.
func (s *snapshot) served(session string) (out served, err error) {
	newest, err := s.newest(session)
	if err != nil {
		return out, err
	}
	p, _, err := periods.get(s.r, key(session))
	if err != nil {
		return out, err
	}
	out.stage = p.stage(s.today)
	terms, err := s.frozenTerms(session)
	if err != nil {
		return out, err
	}
	for _, family := range records.Families() {
		if rec, ok := newest[family]; ok {
			out.join(rec)
			out.families = append(out.families, s.servedFamily(p, family, rec))
		} else if slices.ContainsFunc(terms, func(i records.Indicator) bool { return i.Family == family }) {
			out.families = append(out.families, servedFamily{Family: family, State: string(sdc.StatusNotPublished)})
		}
	}
	out.Release.Figures, out.Definitions, out.TwoYears = nil, nil, nil
	for _, ind := range terms {
		rec, ok := newest[ind.Family]
		out.show(ind, rec, ok)
	}
	return out, nil
}

// newest are the newest releases of a period by family.
func (s *snapshot) newest(session string) (map[records.Family]releaseRecord, error) {
	newest := map[records.Family]releaseRecord{}
	for _, ref := range s.released {
		if ref.Session != session {
			continue
		}
		rec, found, err := s.b.memo.releases.get(s.r, key(s.agreement.Agreement.ID, session, ref.Number))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, errNoHistory))
		}
		for _, family := range ref.Families {
			newest[family] = rec
		}
	}
	if len(newest) == 0 {
		return nil, notAvailable()
	}
	return newest, nil
}

// frozenTerms are the indicators that the agreement reported when the period was
// frozen, in its own order.
func (s *snapshot) frozenTerms(session string) (list []records.Indicator, err error) {
	part, found, err := s.b.memo.parts.get(s.r, key(session, s.agreement.Agreement.ID))
	if err != nil || !found {
		return nil, errors.Join(err, missing(found, errNoHistory))
	}
	terms, found, err := agreementHistory.get(s.r, key(part.ID, uint64(part.Version), part.Revision))
	if err != nil || !found {
		return nil, errors.Join(err, missing(found, errNoHistory))
	}
	for _, report := range reportsOf(terms.Agreement.Clauses.Indicators, nil, "") {
		list = append(list, report.Indicator)
	}
	return list, nil
}

func (s *snapshot) servedFamily(p periodRecord, family records.Family, rec releaseRecord) servedFamily {
	c := p.Families[family]
	out := servedFamily{
		Family: family, State: periodPublished, DataAsOf: civil.Of(rec.DataAsOf, s.b.zone), FrozenAt: rec.FrozenAt, PublishedAt: c.PublishedAt,
	}
	if rec.Correction {
		out.CorrectedAt = rec.PublishedAt
	}
	return out
}

// join takes up what a release says of itself: together they are as new as the
// newest and of data as old as the oldest.
func (o *served) join(rec releaseRecord) {
	if o.PublishedAt.IsZero() {
		o.releaseRecord = rec
		return
	}
	if rec.Budget != nil && (rec.Budget.Exhausted || !o.Budget.Exhausted && rec.PublishedAt.After(o.PublishedAt)) {
		o.Budget, o.Protection = rec.Budget, rec.Protection
	}
	if rec.PublishedAt.After(o.PublishedAt) {
		o.PublishedAt = rec.PublishedAt
	}
	if rec.DataAsOf.Before(o.DataAsOf) {
		o.DataAsOf = rec.DataAsOf
	}
	if rec.FrozenAt.Before(o.FrozenAt) {
		o.FrozenAt = rec.FrozenAt
	}
	if rec.Scale != nil {
		o.Scale, o.Settings = rec.Scale, rec.Settings
	}
}

// show adds an indicator with its definition or, where its family is not published,
// says that.
func (o *served) show(ind records.Indicator, rec releaseRecord, published bool) {
	if !published {
		o.Definitions = append(o.Definitions, define(ind))
		o.Release.Figures = append(o.Release.Figures, sdc.ShownFigure{Indicator: ind.ID, Family: string(ind.Family), Status: sdc.StatusNotPublished})
		return
	}
	for _, f := range rec.Release.Figures {
		if f.Indicator == ind.ID {
			o.Release.Figures, o.Definitions = append(o.Release.Figures, f), append(o.Definitions, define(ind))
		}
	}
	for _, f := range rec.TwoYears {
		if f.Indicator == ind.ID {
			o.TwoYears = append(o.TwoYears, f)
		}
	}
}
