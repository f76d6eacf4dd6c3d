package broker

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// longestGap is the most days between the end of one school year and the start of
// the next.
const longestGap = 150

// twoYears are the pooled figures over this school year and the one before, where
// both were released under the same noise. They are worked out from what was
// released: a small program has its answer a year earlier by them, and nobody
// learns more.
func (b *Broker) twoYears(r store.Reader, rec releaseRecord) ([]sdc.ShownFigure, error) {
	if !rec.Year {
		return nil, nil
	}
	var list []sdc.ShownFigure
	for _, figure := range rec.Release.Figures {
		before, found, err := lastYear(r, rec, figure)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		this, last := pooledOf(rec, figure.Indicator), pooledOf(before, figure.Indicator)
		ind, known := records.Find(figure.Indicator)
		if this == nil || last == nil || !known {
			continue
		}
		measure, err := compare.MeasureOf(ind, rec.scale())
		if err != nil {
			return nil, err
		}
		row := sdc.TwoYears(*this, *last, measure, varianceOf(rec.Noise))
		list = append(list, sdc.ShownFigure{Indicator: figure.Indicator, Family: figure.Family, Status: row.Status, Rows: []sdc.ShownRow{row}})
	}
	return list, nil
}

func pooledOf(rec releaseRecord, indicator string) *sdc.Pooled {
	i := slices.IndexFunc(rec.Release.Pooled, func(p sdc.Pooled) bool { return p.Indicator == indicator })
	if i < 0 {
		return nil
	}
	return &rec.Release.Pooled[i]
}

func (r releaseRecord) scale() records.Scale {
	if r.Scale == nil {
		return records.Scale{}
	}
	return *r.Scale
}

// lastYear is the agreement's newest release of a figure's family for the school year
// before, if it was made in the same way: with the same noise, definition and scale.
func lastYear(r store.Reader, rec releaseRecord, figure sdc.ShownFigure) (releaseRecord, bool, error) {
	refs, _, err := released.get(r, key(rec.Agreement))
	if err != nil {
		return releaseRecord{}, false, err
	}
	for _, ref := range slices.Backward(refs) {
		if !slices.Contains(ref.Families, records.Family(figure.Family)) {
			continue
		}
		before, found, err := releases.get(r, key(rec.Agreement, ref.Session, ref.Number))
		if err != nil || !found {
			return before, false, orNotAvailable(err)
		}
		if gap := int(rec.Period.Start - before.Period.End); before.Year && gap > 0 && gap <= longestGap {
			return before, alike(rec, before, figure), nil
		}
	}
	return releaseRecord{}, false, nil
}

func alike(a, b releaseRecord, figure sdc.ShownFigure) bool {
	sameScale := figure.Family != string(records.GradesFamily) || a.scale().Name == b.scale().Name
	return a.Release.Profile == b.Release.Profile && a.Noise == b.Noise && sameScale && a.defined(figure.Indicator) == b.defined(figure.Indicator)
}

// defined is the version of an indicator's definition; zero where there is none.
func (r releaseRecord) defined(indicator string) int {
	for _, d := range r.Definitions {
		if d.ID == indicator {
			return d.Version
		}
	}
	return 0
}
