package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// aliases are other spellings of a path that exists, and paths that do not.
func aliases() []*http.Request {
	long := strings.Repeat("a", 65)
	var all []*http.Request
	for _, line := range []string{
		"PUT /", "GET //", "GET /v1", "GET /v1/", "GET /v1/nothing", "GET /metrics", "GET /livez", "GET /debug/pprof/",
		"GET /v1/partners/", "GET /V1/partners", "GET /v1/Partners", "GET //v1/partners", "GET /v1//partners",
		"GET /v1/./partners", "GET /v1/x/../partners", "GET /v1%2Fpartners", "GET /v1/%70artners", "GET /v1/partners%2Friverside",
		"GET /v1/partners/a%2Fb", "GET /v1/partners/%2e%2e", "GET /v1/partners/a%00", "GET /v1/partners/" + long, "GET /v1/partners/-a",
		"GET /v1/partners/riverside/", "GET /v1/partners/riverside/transitions", "GET /v1/agreements/a/", "GET /v1/agreements//text",
		"DELETE /v1/partners", "PATCH /v1/partners", "PUT /v1/partners", "HEAD /v1/partners", "OPTIONS /v1/partners", "TRACE /v1/partners",
		"get /v1/partners", "CONNECT /v1/partners", "POST /v1/audit/entries", "POST /v1/consents/c1",
		"GET /v1/audit/entries/00/proof", "GET /v1/audit/entries/-1/proof", "GET /v1/audit/entries/+1/proof", "GET /v1/audit/entries/9223372036854775808/proof",
		"GET /v1/agreements/-a/releases/2025-26/report", "GET /v1/agreements/a/releases/%FF/report", "GET /v1/agreements/a/releases//report",
		"GET /v1/agreements/a/releases/" + strings.Repeat("x", 129) + "/report", "GET /v1/agreements/a/releases/2025-26", "GET /v1/agreements/a/releases/2025-26/report/",
		"GET /v1/schools/%E2%80%AEGP/agreements", "GET /v1/schools/%FF/agreements", "GET /v1/schools/" + strings.Repeat("x", 129) + "/agreements",
	} {
		method, path, _ := strings.Cut(line, " ")
		all = append(all, httptest.NewRequest(method, path, nil))
	}
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r := httptest.NewRequest("DELETE", "/v1/partners", nil)
		r.Header.Set(header, "GET")
		all = append(all, r)
	}
	for _, header := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"} {
		r := httptest.NewRequest("GET", "/v1/nothing", nil)
		r.Header.Set(header, "/v1/partners")
		all = append(all, r)
	}
	return all
}

var requestID = regexp.MustCompile(`[0-9a-f]{32}`)

// uniform is the property: every alias is answered with the same 404 as an
// object that is not there.
func uniform(t testing.TB, change ...func(*web.Options)) error {
	t.Helper()
	f := newFixture(t, failing(&broker.Error{Kind: broker.NotAvailable, Detail: "there is nothing here for you"}), change...)
	absent := faceOf(get(t, f, "/v1/partners/nobody"))
	var differ error
	for _, r := range aliases() {
		r.Header.Set("Authorization", bearer(t, broker.RoleOfficer))
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if face := faceOf(w); face != absent {
			differ = errors.Join(differ, errors.New(r.Method+" "+r.URL.String()+": "+face))
		}
	}
	return differ
}

// faceOf is a response without what differs by chance or by the caller's rate.
func faceOf(w *httptest.ResponseRecorder) string {
	h := w.Header().Clone()
	for _, name := range []string{"Hallpass-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
		h.Del(name)
	}
	var b strings.Builder
	b.WriteString(http.StatusText(w.Code) + "\n")
	if err := h.Write(&b); err != nil {
		return err.Error()
	}
	return b.String() + requestID.ReplaceAllString(w.Body.String(), "ID")
}

func TestEveryOtherSpellingOfAPathLooksLikeAnAbsentObject(t *testing.T) {
	t.Parallel()
	if err := uniform(t); err != nil {
		t.Error(err)
	}
	if err := uniform(t, func(o *web.Options) { o.Sabotage.Hints = true }); err == nil {
		t.Error("the test does not notice that hints are given")
	}
}
