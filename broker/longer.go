package broker

import (
	"slices"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// addLonger adds what is published over a longer time than the period: pooled
// figures over two years, and those of the year to date.
func (d *comparisonData) addLonger(sum *summary, q comparisonQuestion) (err error) {
	if !q.asks(sum.s.agreement.Agreement.Clauses, sdc.Key{}) {
		return nil
	}
	if d.TwoYears = sum.pooled(sum.rec.TwoYears); d.TwoYears != nil {
		d.Cautions = append(slices.Clone(d.Cautions), "In the figures over two years a child who took part in both counts in each.")
	}
	d.YearToDate, err = sum.yearToDate()
	return err
}

// yearToDate are the pooled figures of the period that ends with this one and
// begins with the school year, if it is published for the agreement. What allows
// this period's figures allows those: they reach over more days.
func (m *summary) yearToDate() ([]comparisonRow, error) {
	for _, longer := range m.s.data.district.ToDate(m.period) {
		if !slices.ContainsFunc(m.s.released, func(ref releaseRef) bool { return ref.Session == longer.ID }) {
			continue
		}
		rec, err := m.s.served(longer.ID)
		if err != nil {
			return nil, err
		}
		of := summary{s: m.s, period: longer, rec: rec.releaseRecord}
		return of.pooled(rec.Release.Figures), nil
	}
	return nil, nil
}

// pooled is the pooled row of figures, without what is shown instead of a
// withheld one.
func (m *summary) pooled(figures []sdc.ShownFigure) []comparisonRow {
	out := comparisonRow{Row: sdc.Key{}.String()}
	for _, f := range figures {
		ind, known := records.Find(f.Indicator)
		i := slices.IndexFunc(f.Rows, func(r sdc.ShownRow) bool { return r.Key == sdc.Key{} })
		if !known || i < 0 {
			continue
		}
		row := f.Rows[i]
		out.Figures = append(out.Figures, comparisonFigure{
			Indicator: f.Indicator, Status: row.Status, Cohort: row.Cohort, Rest: row.Rest, Reading: m.read(ind, row, compare.Read),
		})
	}
	if len(out.Figures) == 0 {
		return nil
	}
	return []comparisonRow{out}
}
