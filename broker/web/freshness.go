package web

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// freshness asks the broker at each scrape how old the record families are.
// Where the broker cannot say, the figures are absent; /readyz says why.
type freshness struct {
	health        health
	stale, loaded *prometheus.Desc
}

func newFreshness(h health) freshness {
	label := []string{"family"}
	return freshness{
		health: h,
		stale: prometheus.NewDesc("hallpass_family_stale",
			"1 while the newest export's records of the family are held and older ones count, else 0.", label, nil),
		loaded: prometheus.NewDesc("hallpass_family_loaded_timestamp_seconds",
			"When the records of the family that count were loaded, by the district's clock; absent before the first load.", label, nil),
	}
}

// Describe sends the descriptions of the figures.
func (f freshness) Describe(to chan<- *prometheus.Desc) {
	to <- f.stale
	to <- f.loaded
}

// Collect sends the figures of every family.
func (f freshness) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	families, err := f.health.Freshness(ctx)
	if err != nil {
		return
	}
	for _, family := range families {
		stale := 0.0
		if family.Stale {
			stale = 1
		}
		to <- prometheus.MustNewConstMetric(f.stale, prometheus.GaugeValue, stale, string(family.Family))
		if !family.LoadedAt.IsZero() {
			to <- prometheus.MustNewConstMetric(f.loaded, prometheus.GaugeValue, float64(family.LoadedAt.Unix()), string(family.Family))
		}
	}
}
