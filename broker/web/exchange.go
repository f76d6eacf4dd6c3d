package web

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/hallpass-edu/hallpass/broker"
)

// exchange is what is known of one request while it is answered. It becomes
// one line of the log and one observation of the metrics.
type exchange struct {
	id     string
	kind   string // a broker.Kind, or one of the outcomes below
	caller broker.Caller
	cause  error  // private; only for what is the service's own fault
	panic  string // type of a value that was thrown
}

// Outcomes beside the kinds of errors.
const (
	outcomeOK      = "ok"
	outcomeCreated = "created"
	outcomeCut     = "cut"  // a family withdrew while the answer was on its way
	outcomeLost    = "lost" // the other side went away before the last byte
)

type exchangeKey struct{}

func exchangeOf(c *gin.Context) *exchange {
	return c.MustGet(exchangeKey{}).(*exchange)
}

// observe opens the exchange and, however the request ends, writes its line:
// no address, no path, no header, no name and no id but the request's own.
func (a *API) observe(c *gin.Context) {
	x := &exchange{id: newRequestID(), kind: string(broker.Internal)}
	c.Set(exchangeKey{}, x)
	c.Header("Hallpass-Request-Id", x.id)
	start := a.now()
	a.metrics.inFlight.Inc()
	defer func() {
		a.metrics.inFlight.Dec()
		took := a.now().Sub(start)
		route, method := a.template(c.FullPath()), knownMethod(c.Request.Method)
		a.metrics.observe(route, method, x.kind, took)
		a.log.LogAttrs(c.Request.Context(), level(c.Writer.Status()), "request", x.attributes(c, route, method, took)...)
	}()
	c.Next()
}

func (x *exchange) attributes(c *gin.Context, route, method string, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", c.Writer.Status()), slog.String("kind", x.kind), slog.Int("bytes", max(c.Writer.Size(), 0)),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("role", string(x.caller.Role)),
	}
	if x.panic != "" {
		attrs = append(attrs, slog.String("panic", x.panic))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	return attrs
}

func level(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// noRoute stands for every path that is not in the table.
const noRoute = "none"

// template turns gin's path into that of the table. A raw path as a label
// would put ids into logs and metrics.
func (a *API) template(ginPath string) string {
	if t, ok := a.templates[ginPath]; ok {
		return t
	}
	return noRoute
}

func knownMethod(m string) string {
	if slices.Contains([]string{get, post, put, http.MethodHead, http.MethodDelete, http.MethodPatch, http.MethodOptions}, m) {
		return m
	}
	return "other"
}

// ginPath writes a table's path as gin does.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// newRequestID returns 32 random hex digits.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return hex.EncodeToString(b[:])
}
