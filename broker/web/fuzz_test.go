package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// FuzzRequest sends any path, query and body through the whole handler: it
// never fails, never panics and always answers JSON.
func FuzzRequest(f *testing.F) {
	for i, r := range web.Routes() {
		f.Add(uint8(i), r.Path, "school=all&period=2025-26", "{}")
	}
	for _, c := range strictCases(f) {
		f.Add(uint8(5), "/v1/partners/riverside/transitions", "", c.Body)
		f.Add(uint8(17), "/v1/consents", "", c.Body)
	}
	f.Add(uint8(15), "/v1/schools/%E2%80%AE%00/agreements", "a=%zz;b", "\x00")
	api := newFixture(f, ok)
	routes := web.Routes()
	authorization := bearer(f, broker.RoleOfficer)
	f.Fuzz(func(t *testing.T, which uint8, path, query, body string) {
		route := routes[int(which)%len(routes)]
		r := httptest.NewRequest(route.Method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, path, query
		if body == "" {
			r.ContentLength = 0
		}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", route.Accepts)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		media := w.Header().Get("Content-Type")
		if w.Code >= 500 || media != "application/json" && media != "application/problem+json" {
			t.Fatalf("%d %s %s", w.Code, media, w.Body)
		}
	})
}
