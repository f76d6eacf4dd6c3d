package broker

import (
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// publicTotals are the figures that the district has published of a session, by
// indicator. Those of the whole district are nobody's whole and stay out.
func publicTotals(d *records.District, s records.Session) (map[string]compare.Totals, error) {
	list := map[string]compare.Totals{}
	for _, p := range d.Totals {
		k, ok := totalKey(p)
		if p.Session != s.ID || !ok {
			continue
		}
		value, err := hundredths(p.Value)
		if err != nil {
			return nil, err
		}
		if list[p.Indicator] == nil {
			list[p.Indicator] = compare.Totals{}
		}
		list[p.Indicator][k] = value
	}
	return list, nil
}

// totalKey is the row that a public total is of: a school, or a grade of it.
func totalKey(p records.PublicTotal) (sdc.Key, bool) {
	k := sdc.Key{School: p.School}
	if p.School == "all" {
		return k, false
	}
	dimension, value, divided := strings.Cut(p.Row, ":")
	if !divided {
		return k, true
	}
	k.Grade = value
	return k, dimension == "grade"
}

func hundredths(text string) (sdc.Milli, error) {
	n, err := records.ParseHundredths(text)
	return 10 * sdc.Milli(n), err
}

// tolerated is how far a public total may be from what the records come to, beside
// its own rounding: report cards count other census days and other stays than a
// comparison does.
func tolerated(m sdc.Measure) sdc.Milli {
	if m.Kind != sdc.Mean {
		return 2000
	}
	return (m.Max - m.Min) / 50
}

// checkTotals refuses public totals that the records contradict, before anything
// is computed from them: a rest that is a wrong whole less the cohort would be
// wrong too, and would say so of the cohort.
func checkTotals(d *records.District, s records.Session, values *compare.Period, reports []compare.Report) error {
	for _, p := range d.Totals {
		k, ok := totalKey(p)
		if p.Session != s.ID || !ok {
			continue
		}
		for _, r := range reports {
			if r.Indicator.ID != p.Indicator || !slices.Contains(r.Schools, k.School) {
				continue
			}
			fits, err := fitsRecords(p, k, values, r)
			if err != nil {
				return err
			}
			if !fits {
				return conflict("public_totals.csv contradicts the records: " + p.Indicator + " of school " + p.School + ", row " + p.Row +
					"; correct the total or the records, or leave the total out, then close again")
			}
			break
		}
	}
	return nil
}

func fitsRecords(p records.PublicTotal, k sdc.Key, values *compare.Period, r compare.Report) (bool, error) {
	scale, _ := records.FindScale(r.Scale, nil)
	measure, err := compare.MeasureOf(r.Indicator, scale)
	if err != nil {
		return false, err
	}
	public, err := hundredths(p.Value)
	if err != nil {
		return false, err
	}
	step, err := hundredths(p.Precision)
	if err != nil {
		return false, err
	}
	r.Noisy = false
	column, err := values.Column(r)
	if err != nil {
		return false, err
	}
	exact, reported := column.FigureOf(k, measure)
	apart := max(exact-public, public-exact)
	return !reported || apart <= step+tolerated(measure), nil
}
