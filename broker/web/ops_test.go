package web_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/web"
)

func (f *fixture) ops(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.Ops().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHealthSaysWhetherTheServiceLivesAndAnswers(t *testing.T) {
	t.Parallel()
	torn, late := errors.New("the store is sealed"), errors.New("policy is not loaded")
	cases := []struct {
		name, path    string
		ready, failed error
		status        int
		body          string
	}{
		{"alive", "/livez", late, nil, 200, "ok\n"},
		{"ready", "/readyz", nil, nil, 200, "ok\n"},
		{"ready, at length", "/readyz?verbose", nil, nil, 200, "[+] serving: ok\n[+] store: ok\n[+] answers: ok\n"},
		{"not ready", "/readyz", late, nil, 503, "[+] serving: ok\n[+] store: ok\n[-] answers: policy is not loaded\n"},
		{"sealed", "/readyz", nil, torn, 503, "[+] serving: ok\n[-] store: the store is sealed\n[+] answers: ok\n"},
		{"to be restarted", "/livez", nil, torn, 503, "[-] store: the store is sealed\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, ok)
			f.service.ready, f.service.failed = c.ready, c.failed
			if w := f.ops("GET", c.path); w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("%d %q", w.Code, w.Body)
			}
		})
	}
}

func TestOperatorsPathsAreNotOnThePublicListenerNorTheOtherWayRound(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok)
	for _, path := range []string{"/metrics", "/livez", "/readyz"} {
		wantProblem(t, get(t, f, path), 404, broker.NotAvailable)
		if w := f.ops("POST", path); w.Code != 405 {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
	if w := f.ops("GET", "/v1/audit/checkpoint"); w.Code != 404 {
		t.Errorf("the API is on the operator's listener: %d", w.Code)
	}
}

func TestMetricsAreCleanAndNameNobody(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	f := newFixture(t, ok, func(o *web.Options) { o.Registry = reg })
	get(t, f, "/v1/partners/CANARY")
	get(t, f, "/v1/partners/CANARY?CANARY=1")
	f.send(t, broker.RolePartner, "CANARY", "/CANARY", "")
	f.send(t, "", "GET", "/v1/partners", "")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", err, problems)
	}
	text := f.ops("GET", "/metrics").Body.String()
	for _, word := range []string{"CANARY", "Dana", "riverside"} {
		if strings.Contains(text, word) {
			t.Errorf("the metrics hold %q", word)
		}
	}
	for _, line := range []string{
		`hallpass_http_requests_total{kind="ok",method="GET",route="/v1/partners/{id}"} 1`,
		`hallpass_http_requests_total{kind="invalid",method="GET",route="/v1/partners/{id}"} 1`,
		`hallpass_http_requests_total{kind="not_available",method="other",route="none"} 1`,
		`hallpass_http_requests_total{kind="unauthenticated",method="GET",route="/v1/partners"} 1`,
		`hallpass_http_request_duration_seconds_count{route="/v1/partners/{id}"} 2`,
		`hallpass_http_requests_in_flight 0`,
		`hallpass_build_info{goversion="`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
}

func TestStaleFamiliesAreFiguresForTheOperator(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	f := newFixture(t, ok, func(o *web.Options) { o.Registry = reg })
	f.service.fresh = []broker.Freshness{
		{Family: ingest.People, LoadedAt: noon()}, {Family: ingest.Grades, LoadedAt: noon().Add(-24 * time.Hour), Stale: true}, {Family: ingest.Totals},
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", err, problems)
	}
	want := []string{
		`hallpass_family_loaded_timestamp_seconds{family="grades"} 1.795176e+09`,
		`hallpass_family_loaded_timestamp_seconds{family="people"} 1.7952624e+09`,
		`hallpass_family_stale{family="grades"} 1`,
		`hallpass_family_stale{family="people"} 0`,
		`hallpass_family_stale{family="totals"} 0`,
	}
	if got := familyFigures(f.ops("GET", "/metrics").Body.String()); !slices.Equal(got, want) {
		t.Errorf("the figures are %q", got)
	}
	f.service.freshness = errors.New("the store is sealed")
	if w := f.ops("GET", "/metrics"); w.Code != 200 || len(familyFigures(w.Body.String())) > 0 {
		t.Errorf("of a broker that cannot say: %d, %q", w.Code, familyFigures(w.Body.String()))
	}
}

func TestAFullDiskIsAFigureForTheOperator(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok)
	for figure, full := range map[string]error{"hallpass_disk_full 0\n": nil, "hallpass_disk_full 1\n": errors.New("disk full")} {
		if f.service.full = full; !strings.Contains(f.ops("GET", "/metrics").Body.String(), figure) {
			t.Errorf("with %v there is no %q", full, figure)
		}
	}
}

func familyFigures(metrics string) (lines []string) {
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "hallpass_family_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestRequestsInFlightAreCountedWhileTheyRun(t *testing.T) {
	t.Parallel()
	var during string
	var f *fixture
	f = newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		during = f.ops("GET", "/metrics").Body.String()
		return ok(ctx, op, c)
	})
	get(t, f, "/v1/partners")
	if !strings.Contains(during, "hallpass_http_requests_in_flight 1\n") {
		t.Error("the running request is not counted")
	}
}

func TestARegistryThatHoldsTheMetricsAlreadyIsRefused(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	newFixture(t, ok, func(o *web.Options) { o.Registry = reg })
	if _, err := web.New[*reply](&service{do: ok}, newVerifier(t), web.Options{Registry: reg}); err == nil {
		t.Error("two APIs share one set of metrics")
	}
}
