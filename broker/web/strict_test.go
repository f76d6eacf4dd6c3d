package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/web"
	"github.com/hallpass-edu/hallpass/consent"
)

type strictCase struct {
	Name, Method, Path, Body, Field, Problem, Remedy string
	Role                                             broker.Role
	Status                                           int
	ContentType                                      string `yaml:"content_type"`
}

func strictCases(t testing.TB) []strictCase {
	t.Helper()
	raw, err := os.ReadFile("testdata/strict.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []strictCase
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c strictCase) request(t testing.TB) *http.Request {
	t.Helper()
	r := httptest.NewRequest(either(c.Method, "POST"), either(c.Path, "/v1/partners/riverside/transitions"), strings.NewReader(c.Body))
	r.Header.Set("Authorization", bearer(t, either(c.Role, broker.RoleOfficer)))
	if c.ContentType != "none" && (c.Body != "" || c.ContentType != "") {
		r.Header.Set("Content-Type", either(c.ContentType, "application/json"))
	}
	return r
}

// either returns the first that is not zero.
func either[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

func uncalled(t testing.TB) behaviour {
	return func(_ context.Context, op string, _ broker.Caller, _ ...any) (*reply, error) {
		t.Errorf("the broker was called: %s", op)
		return ok(t.Context(), op, broker.Caller{})
	}
}

func TestARequestThatIsNotExactlyRightIsRefusedBeforeTheBroker(t *testing.T) {
	t.Parallel()
	for _, c := range strictCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, uncalled(t))
			w := httptest.NewRecorder()
			f.ServeHTTP(w, c.request(t))
			p := wantProblem(t, w, c.Status, broker.Invalid)
			if len(p.Fields) != 1 || p.Fields[0].Name != c.Field {
				t.Fatalf("want field %q, have %+v", c.Field, p.Fields)
			}
			if !strings.Contains(p.Fields[0].Problem, c.Problem) || !strings.Contains(p.Fields[0].Remedy, c.Remedy) || p.Fields[0].Remedy == "" {
				t.Errorf("want problem %q and remedy %q, have %+v", c.Problem, c.Remedy, p.Fields[0])
			}
			if strings.Contains(w.Body.String(), "CANARY") || strings.Contains(f.log.String(), "CANARY") {
				t.Errorf("what was sent came back: %s", w.Body)
			}
		})
	}
}

func TestToAnotherRoleEveryWrongRequestLooksLikeNothingThere(t *testing.T) {
	t.Parallel()
	for _, c := range strictCases(t) {
		c.Role = broker.RoleCoordinator
		w := httptest.NewRecorder()
		newFixture(t, uncalled(t)).ServeHTTP(w, c.request(t))
		if p := wantProblem(t, w, http.StatusNotFound, broker.NotAvailable); len(p.Fields) > 0 {
			t.Errorf("%s: names fields to a role that has no business here", c.Name)
		}
	}
}

// strictMembers is the property: a request with a member that is unknown or
// repeated never reaches the broker.
func strictMembers(t testing.TB, change ...func(*web.Options)) bool {
	reached := false
	f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		reached = true
		return ok(ctx, op, c)
	}, change...)
	for _, body := range []string{
		`{"event":"suspend","role":"officer"}`,
		`{"event":"suspend","event":"accept"}`,
	} {
		f.send(t, broker.RoleOfficer, "POST", "/v1/partners/riverside/transitions", body)
	}
	return !reached
}

func TestUnknownAndRepeatedMembersNeverReachTheBroker(t *testing.T) {
	t.Parallel()
	if !strictMembers(t) {
		t.Error("one did")
	}
	if strictMembers(t, func(o *web.Options) { o.Sabotage.LaxMembers = true }) {
		t.Error("the test does not notice that the check is gone")
	}
}

func TestNoBodyWhateverItHoldsComesBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok)
	value := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{`"CANARY"`, `CANARY`, `{"CANARY":1}`, `["CANARY"]`, `{"CANARY":{"a":1,"a":2}}`, `-`, `null`, `1e999`, `"CANARY\ud800"`}).Draw(t, "value")
	})
	rapid.Check(t, func(rt *rapid.T) {
		member := rapid.SampledFrom([]string{"agreement", "student", "signer", "categories", "expires", "signed_at", "text", "CANARY"})
		body := `{"` + member.Draw(rt, "first") + `":` + value.Draw(rt, "a") + `,"` + member.Draw(rt, "second") + `":` + value.Draw(rt, "b") + `}`
		w := f.send(t, broker.RoleOfficer, "POST", "/v1/consents", body)
		if w.Code >= 500 || w.Code < 400 && strings.Contains(body, `"CANARY":`) || strings.Contains(w.Body.String(), "CANARY") {
			rt.Fatalf("%d %s for %s", w.Code, w.Body, body)
		}
	})
}

func TestABodyMayBeAsLargeAndDeepAsDocumentedAndNoMore(t *testing.T) {
	t.Parallel()
	list := func(n int) string {
		return `{"schools":["x"` + strings.Repeat(`,"x"`, n-1) + `]}`
	}
	deep := func(n int) string {
		return `{"schools":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	text := func(n int) string {
		const frame = `{"administrator":""}`
		return frame[:len(frame)-2] + strings.Repeat("x", n-len(frame)) + frame[len(frame)-2:]
	}
	cases := []struct {
		name, body string
		status     int
		problem    string
	}{
		{"64 KB pass", text(64 << 10), 201, ""},
		{"a byte more does not", text(64<<10 + 1), 413, "is larger than 64 KB"},
		{"10,000 elements pass", list(10_000), 201, ""},
		{"one more does not", list(10_001), 422, "is too long"},
		{"20 levels are read", deep(20), 422, "is not of the right form"},
		{"21 are not", deep(21), 422, "is nested too deeply"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(context.Context, string, broker.Caller, ...any) (*reply, error) {
				return &reply{body: []byte(`{"data":{}}`), created: true}, nil
			})
			w := f.send(t, broker.RoleOfficer, "POST", "/v1/agreements", c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.problem) {
				t.Errorf("want %d %q, have %d %s", c.status, c.problem, w.Code, w.Body)
			}
		})
	}
}

func TestABodyMayBeLeftOutWhereTheFileSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok)
	for _, path := range []string{"/v1/periods/2025-26/freeze", "/v1/periods/2025-26/close", "/v1/consents/c1/withdraw"} {
		for _, body := range []string{"", "{}"} {
			if w := f.send(t, broker.RoleOfficer, "POST", path, body); w.Code != 200 {
				t.Errorf("%s with %q: %d %s", path, body, w.Code, w.Body)
			}
		}
	}
}

// swallow reads an upload to its end as the broker does.
func swallow(_ context.Context, _ string, _ broker.Caller, input ...any) (*reply, error) {
	n, err := io.Copy(io.Discard, input[1].(io.Reader))
	if err != nil {
		return nil, &broker.Error{Kind: broker.Invalid, Detail: "row 3 has too few columns"}
	}
	return &reply{body: []byte(`{"data":{}}`), created: n == 16<<20}, nil
}

func (f *fixture) upload(t testing.TB, body io.Reader, length int64) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("PUT", "/v1/agreements/a/participation", body)
	r.ContentLength = length
	r.Header.Set("Authorization", bearer(t, broker.RolePartner))
	r.Header.Set("Content-Type", "text/csv; charset=UTF-8")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestAnUploadEndsAtSixteenMegabytes(t *testing.T) {
	t.Parallel()
	const most = 16 << 20
	f := newFixture(t, swallow)
	if w := f.upload(t, io.LimitReader(zeros{}, most), most); w.Code != 201 {
		t.Errorf("16 MB: %d %s", w.Code, w.Body)
	}
	wantProblem(t, f.upload(t, io.LimitReader(zeros{}, most+1), -1), http.StatusRequestEntityTooLarge, broker.Invalid)
	announced := newFixture(t, uncalled(t))
	wantProblem(t, announced.upload(t, zeros{}, most+1), http.StatusRequestEntityTooLarge, broker.Invalid)
}

func TestAnUploadThatBreaksOffIsSaidToHaveEndedEarly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, swallow)
	w := f.upload(t, io.MultiReader(strings.NewReader("participant_ref\n"), iotest.ErrReader(io.ErrUnexpectedEOF)), -1)
	if p := wantProblem(t, w, http.StatusBadRequest, broker.Invalid); p.Fields[0].Problem != "ended early" {
		t.Errorf("%+v", p.Fields)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestQueriesHaveTheirDefaults(t *testing.T) {
	t.Parallel()
	cases := map[string]any{
		"/v1/agreements/a/comparisons":                               broker.ComparisonRequest{Agreement: "a", School: "all"},
		"/v1/agreements/a/comparisons?school=&period=":               broker.ComparisonRequest{Agreement: "a", School: "all"},
		"/v1/agreements/a/comparisons?school=G+P&period=%3C3":        broker.ComparisonRequest{Agreement: "a", School: "G P", Period: "<3"},
		"/v1/agreements/a/releases/2025-26/report":                   broker.ReportRequest{Agreement: "a", Session: "2025-26", Audience: report.NamedPeople},
		"/v1/agreements/a/releases/2025-26/report?audience=":         broker.ReportRequest{Agreement: "a", Session: "2025-26", Audience: report.NamedPeople},
		"/v1/agreements/a/releases/Fall%2F25/report?audience=public": broker.ReportRequest{Agreement: "a", Session: "Fall/25", Audience: report.Public},
		"/v1/agreements/a/students":                                  broker.StudentsRequest{Agreement: "a", Period: "current"},
		"/v1/agreements/a/students?period=":                          broker.StudentsRequest{Agreement: "a", Period: "current"},
		"/v1/agreements/a/students?categories=":                      broker.StudentsRequest{Agreement: "a", Period: "current", Categories: []consent.Category{}},
		"/v1/agreements/a/students?categories=grades,x":              broker.StudentsRequest{Agreement: "a", Period: "current", Categories: []consent.Category{"grades", "x"}},
		"/v1/audit/entries":                                          broker.EntriesRequest{Limit: 100},
		"/v1/audit/entries?limit=1000&from=41":                       broker.EntriesRequest{From: 41, Limit: 1000},
		"/v1/audit/entries/0/proof":                                  broker.ProofRequest{},
		"/v1/audit/entries/9223372036854775807/proof":                broker.ProofRequest{Index: 1<<63 - 1},
		"/v1/agreements/Riverside_2026.b-1":                          "Riverside_2026.b-1",
		"/v1/schools/Peter%2FPaul%20+%20Co/agreements":               "Peter/Paul + Co",
		"/v1/schools/%C3%89cole%20n%C2%BA%203/agreements":            "École nº 3",
	}
	for path, want := range cases {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, input ...any) (*reply, error) {
				if diff := cmp.Diff(want, input[0]); diff != "" {
					t.Error(diff)
				}
				return ok(ctx, op, c)
			})
			if w := get(t, f, path); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
