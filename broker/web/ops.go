package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hallpass-edu/hallpass/broker"
)

const readyWithin = 2 * time.Second

// errDraining says that the service is on its way down.
var errDraining = errors.New("the service is stopping")

// health is what the operator's listener asks of the broker.
type health interface {
	Ready(ctx context.Context) error
	Failed() error
	Room(ctx context.Context) error
	Freshness(ctx context.Context) ([]broker.Freshness, error)
}

// newOps builds the operator's handler.
func newOps(a *API, h health, reg *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		showChecks(w, r, check{"store", h.Failed()})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		showChecks(w, r, check{"serving", a.stopping()}, check{"store", h.Failed()}, check{"answers", h.Ready(ctx)})
	})
	return mux
}

func (a *API) stopping() error {
	if a.draining.Load() {
		return errDraining
	}
	return nil
}

// check is one line of a health report.
type check struct {
	name string
	err  error
}

// showChecks answers "ok", or 503 with every check; ?verbose lists them always.
func showChecks(w http.ResponseWriter, r *http.Request, checks ...check) {
	status := http.StatusOK
	var lines strings.Builder
	for _, c := range checks {
		if c.err == nil {
			fmt.Fprintf(&lines, "[+] %s: ok\n", c.name)
			continue
		}
		status = http.StatusServiceUnavailable
		fmt.Fprintf(&lines, "[-] %s: %v\n", c.name, c.err)
	}
	text := "ok\n"
	if status != http.StatusOK || r.URL.Query().Has("verbose") {
		text = lines.String()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The prober is the only one who could be told of a failed write.
	_, _ = w.Write([]byte(text))
}
