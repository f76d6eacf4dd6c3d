package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hallpass-edu/hallpass/broker"
)

// Options of an API. The zero value of each is usable.
type Options struct {
	Log       *slog.Logger         // one line a request; nil writes none
	Registry  *prometheus.Registry // where the metrics are registered; nil makes one
	Build     Build
	Rate      Rate                                 // zero is 100 a second, 1,000 at once
	Now       func() time.Time                     // for rates and durations only; nil is time.Now
	Sleep     func(context.Context, time.Duration) // holds answers of the families' pages; nil sleeps
	District  District                             // as the families' pages name it
	Simulated bool                                 // every response says that the district's clock was set by hand
	Sabotage  Sabotage
}

// District is how families know the district, and whom they call.
type District struct {
	Name  string
	Phone string
	Zone  *time.Location // of its local dates and times; nil: UTC
	// Public is where people reach the pages, such as https://data.lakeview.example.
	Public string
}

// zone is the district's time zone.
func (d District) zone() *time.Location {
	if d.Zone == nil {
		return time.UTC
	}
	return d.Zone
}

// Sabotage removes guards. It is for the tests that show that each guard is
// needed; a service never sets it.
type Sabotage struct {
	LaxMembers bool // unknown and repeated JSON members pass
	Hints      bool // wrong methods and slashes are answered with what would be right
	NoFlush    bool // an answer counts as delivered before it is flushed
	AnySite    bool // forms that another site sends to the families' pages are taken
	LaxForms   bool // unknown and repeated fields of the families' forms pass
	NoPadding  bool // families' pages leave when they are ready, as long as they are
}

// API is the handler of the public listener, and of the operator's.
type API struct {
	log       *slog.Logger
	metrics   *metrics
	now       func() time.Time
	templates map[string]string // gin's path to the table's
	district  District
	simulated bool
	padding   padding
	sabotage  Sabotage

	engine   *gin.Engine
	ops      http.Handler
	draining atomic.Bool
	inFlight tally
	joints   joints
}

// handler is the part of the API that knows the broker.
type handler[A Answer] struct {
	*API
	service  Service[A]
	verifier Verifier
	limiter  *limiter
}

// New builds the API over a broker and a token verifier.
func New[A Answer](s Service[A], v Verifier, o Options) (*API, error) {
	if v == nil {
		return nil, errors.New("web: a token verifier is required")
	}
	o = o.withDefaults()
	m, err := newMetrics(o.Registry, o.Build, s)
	if err != nil {
		return nil, err
	}
	a := &API{
		log: o.Log, metrics: m, now: o.Now, templates: map[string]string{},
		district: o.District, simulated: o.Simulated, sabotage: o.Sabotage,
		padding: padding{now: o.Now, sleep: o.Sleep, off: o.Sabotage.NoPadding},
	}
	h := &handler[A]{API: a, service: s, verifier: v, limiter: newLimiter(o.Rate, o.Now)}
	a.engine = h.router()
	a.ops = newOps(a, s, o.Registry)
	return a, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleepFor
	}
	if o.Rate.PerSecond <= 0 || o.Rate.Burst <= 0 {
		o.Rate = Rate{PerSecond: 100, Burst: 1000}
	}
	return o
}

// ServeHTTP answers a request of the public listener.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.inFlight.enter()
	defer a.inFlight.leave()
	a.engine.ServeHTTP(w, r)
}

// Ops returns the handler of the operator's listener: /metrics, /livez and
// /readyz. It authenticates nobody and belongs on loopback.
func (a *API) Ops() http.Handler { return a.ops }

// router builds gin's router from the table. It matches a path only as it
// was written: a path that is escaped, cased or slashed in another way finds
// no route.
func (h *handler[A]) router() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash, e.RedirectFixedPath = h.sabotage.Hints, h.sabotage.Hints
	e.HandleMethodNotAllowed = h.sabotage.Hints
	e.UseRawPath, e.UnescapePathValues = true, false
	// SetTrustedProxies fails on malformed addresses only; there are none.
	_ = e.SetTrustedProxies(nil)
	e.Use(h.observe, recovery, h.headers)
	e.NoRoute(func(c *gin.Context) { fail(c, notAvailable()) })
	for _, r := range table[A]() {
		path := ginPath(r.Path)
		h.templates[path] = r.Path
		e.Handle(r.Method, path, h.authenticate, h.serve(r))
	}
	h.familyPages(e)
	h.officePages(e)
	return e
}

// headers go out with every response of the public listener.
func (a *API) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if a.simulated {
		h.Set("Hallpass-Clock", "simulated")
	}
	c.Next()
}

// serve is the adapter of every route: read strictly, call the broker once,
// let the answer go.
func (h *handler[A]) serve(r route[A]) gin.HandlerFunc {
	return func(c *gin.Context) {
		wait(c, r.patience)
		caller := exchangeOf(c).caller
		next, err := h.read(c, r)
		if err != nil {
			fail(c, hide(err, r.Roles, caller.Role))
			return
		}
		answer, err := next(c.Request.Context(), h.service, caller)
		if err != nil {
			fail(c, err)
			return
		}
		defer answer.Drop()
		h.deliver(c, answer)
	}
}

func (h *handler[A]) read(c *gin.Context, r route[A]) (call[A], error) {
	raw := make([]string, len(c.Params))
	for i, p := range c.Params {
		raw[i] = p.Value
	}
	in, err := newIncoming(own(c), c.Request, r.Route, raw)
	if err != nil {
		return nil, err
	}
	in.lax = h.sabotage.LaxMembers
	return r.read(in)
}

// hide answers a role that has no business on this route as if the route
// were not there, whatever else is wrong with the request.
func hide(err error, allowed []broker.Role, role broker.Role) error {
	if slices.Contains(allowed, role) {
		return err
	}
	return notAvailable()
}

// wait gives a long operation more time than the server's timeouts do.
func wait(c *gin.Context, patience time.Duration) {
	if patience == 0 {
		return
	}
	rc := http.NewResponseController(own(c))
	until := time.Now().Add(patience)
	// A writer without deadlines does not need longer ones.
	_ = rc.SetReadDeadline(until)
	_ = rc.SetWriteDeadline(until)
}
