package web

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are labelled by route template, method and kind, and by record family
// only: a path, a partner, a school or a reason would make the metrics a
// disclosure channel.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// Build says which program runs.
type Build struct{ Version, Revision string }

func newMetrics(reg *prometheus.Registry, b Build, h health) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hallpass_http_requests_total",
			Help: "Requests answered, by route template, method and kind of answer.",
		}, []string{"route", "method", "kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "hallpass_http_request_duration_seconds",
			Help:    "Time from the first byte read to the last byte flushed, by route template.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hallpass_http_requests_in_flight",
			Help: "Requests being answered.",
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "hallpass_build_info",
		Help:        "Always 1; its labels say which program runs.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": runtime.Version()},
	})
	info.Set(1)
	all := []prometheus.Collector{
		m.requests, m.seconds, m.inFlight, info, newFreshness(h), newDisk(h),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) observe(route, method, kind string, took time.Duration) {
	m.requests.WithLabelValues(route, method, kind).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}
