package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/web"
	"github.com/hallpass-edu/hallpass/policy"
)

func TestEachKindHasItsStatus(t *testing.T) {
	t.Parallel()
	statuses := map[broker.Kind]int{
		broker.Invalid: 422, broker.Unauthenticated: 401, broker.Denied: 403, broker.NotAvailable: 404,
		broker.Conflict: 409, broker.Exhausted: 429, broker.Internal: 500, broker.Unavailable: 503,
	}
	for kind, status := range statuses {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			wrapped := fmt.Errorf("on the way: %w", &broker.Error{Kind: kind, Detail: "the detail"})
			w := get(t, newFixture(t, failing(wrapped)), "/v1/partners")
			if p := wantProblem(t, w, status, kind); p.Detail != "the detail" {
				t.Errorf("detail %q", p.Detail)
			}
			if retry := w.Header().Get("Retry-After"); (retry != "") != (status == 429 || status == 503) {
				t.Errorf("Retry-After %q", retry)
			}
		})
	}
}

func TestWhoIsToComeBackIsToldWhenAndNeverTooEarly(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", 1500 * time.Millisecond: "2", time.Minute: "60"} {
		f := newFixture(t, failing(&broker.Error{Kind: broker.Unavailable, RetryAfter: wait}))
		if got := get(t, f, "/v1/partners").Header().Get("Retry-After"); got != want {
			t.Errorf("%v: %q", wait, got)
		}
	}
}

func TestADenialTeaches(t *testing.T) {
	t.Parallel()
	receipt := `{"origin":"lakeview.example","index":3}`
	f := newFixture(t, failing(&broker.Error{Kind: broker.Denied, Reasons: policy.Reasons(), Receipt: []byte(receipt)}))
	p := wantProblem(t, get(t, f, "/v1/partners"), 403, broker.Denied)
	if len(p.Reasons) != len(policy.Reasons()) || string(p.Receipt) != receipt {
		t.Fatalf("%+v", p)
	}
	for i, r := range policy.Reasons() {
		if got := p.Reasons[i]; got.Code != string(r) || got.Sentence != r.Sentence() || got.Remedy != r.Remedy() || got.Contact != r.Contact() {
			t.Errorf("%s: %+v", r, got)
		}
	}
}

func TestAReceiptThatIsNoJSONIsLeftOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, failing(&broker.Error{Kind: broker.NotAvailable, Receipt: []byte(`{"a":`)}))
	if p := wantProblem(t, get(t, f, "/v1/partners"), 404, broker.NotAvailable); p.Receipt != nil {
		t.Errorf("%s", p.Receipt)
	}
}

func TestTheCauseOfAFailureGoesToTheLogOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, failing(errors.New("page 7 of the store is torn")))
	w := get(t, f, "/v1/partners")
	p := wantProblem(t, w, 500, broker.Internal)
	if strings.Contains(w.Body.String(), "torn") {
		t.Errorf("%s", w.Body)
	}
	line := f.log.lines(t)[0]
	if line["request_id"] != p.RequestID || line["cause"] != "page 7 of the store is torn" || line["level"] != "ERROR" {
		t.Errorf("%v", line)
	}
}

type secret struct{ name string }

func TestAPanicBecomesAProblemAndOnlyItsTypeIsLogged(t *testing.T) {
	t.Parallel()
	thrown := map[string]any{
		"web_test.secret": secret{"CANARY"}, "string": "CANARY", "*errors.errorString": errors.New("CANARY"),
	}
	for name, v := range thrown {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) { panic(v) })
			w := f.send(t, broker.RoleOfficer, "GET", "/v1/partners/CANARY", "", "Cookie", "CANARY", "X-Real-Ip", "CANARY")
			wantProblem(t, w, 500, broker.Internal)
			line := f.log.lines(t)[0]
			if line["panic"] != name || line["route"] != "/v1/partners/{id}" || strings.Contains(f.log.String()+w.Body.String(), "CANARY") {
				t.Errorf("%v", line)
			}
		})
	}
}

func TestAnAnswerWithoutAnAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t, failing(nil))
	wantProblem(t, get(t, f, "/v1/partners"), 500, broker.Internal)
}

func TestEveryResponseForbidsCachingSniffingAndScripts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok, func(o *web.Options) { o.Simulated = true })
	responses := []*httptest.ResponseRecorder{
		get(t, f, "/v1/partners"), get(t, f, "/nothing"), f.send(t, "", "GET", "/v1/partners", ""),
		f.send(t, broker.RoleOfficer, "POST", "/v1/partners", "{"),
	}
	want := map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Hallpass-Clock": "simulated",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Content-Encoding": "", "Set-Cookie": "",
	}
	for _, w := range responses {
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%d: %s is %q", w.Code, name, got)
			}
		}
		if !requestID.MatchString(w.Header().Get("Hallpass-Request-Id")) {
			t.Error("no request id")
		}
	}
	if clock := get(t, newFixture(t, ok), "/v1/partners").Header().Get("Hallpass-Clock"); clock != "" {
		t.Errorf("a real district says its clock is %q", clock)
	}
}

func TestTheLogHoldsOneLineARequestAndNobodysData(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) {
		return &reply{body: []byte(`{"data":{"x":"CANARY"}}`), created: true}, nil
	})
	r := httptest.NewRequest("GET", "/v1/agreements/CANARY/comparisons?school=CANARY&period=%0aCANARY", nil)
	r.RequestURI, r.RemoteAddr = "CANARY", "203.0.113.9:1"
	for _, h := range []string{"User-Agent", "Referer", "X-Forwarded-For", "Hallpass-Request-Id", "X-Request-Id"} {
		r.Header.Set(h, "CANARY\n203.0.113.9")
	}
	r.Header.Set("Authorization", bearer(t, broker.RolePartner))
	f.ServeHTTP(httptest.NewRecorder(), r)
	f.send(t, broker.RolePartner, "GET", "/v1/agreements/CANARY/comparisons?school=CANARY", "")
	f.send(t, broker.RoleGuardian, "CANARY", "/CANARY", "")
	for _, word := range []string{"CANARY", "203.0.113.9", "Dana", "riverside", "jti-1"} {
		if strings.Contains(f.log.String(), word) {
			t.Errorf("the log holds %q: %s", word, f.log)
		}
	}
	lines := f.log.lines(t)
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	delete(lines[1], "time")
	delete(lines[1], "request_id")
	want := `{"bytes":23,"kind":"created","level":"INFO","method":"GET","ms":0,"msg":"request","role":"partner","route":"/v1/agreements/{id}/comparisons","status":201}`
	if got, _ := json.Marshal(lines[1]); string(got) != want {
		t.Errorf("have %s\nwant %s", got, want)
	}
	if lines[2]["route"] != "none" || lines[2]["method"] != "other" || lines[2]["status"] != float64(http.StatusNotFound) {
		t.Errorf("%v", lines[2])
	}
}
