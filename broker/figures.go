package broker

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

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
	var asked []compare.Asked
	for _, report := range a.reports(s.b.sabotage.Weak) {
		measure, err := compare.MeasureOf(report.Indicator, scale)
		if err != nil {
			return nil, err
		}
		column, err := values.Column(report)
		if err != nil {
			return nil, err
		}
		asked = append(asked, compare.Asked{Indicator: report.Indicator.ID, Measure: measure, Column: column, Public: totals[report.Indicator.ID]})
	}
	return layout.Figures(asked), nil
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
