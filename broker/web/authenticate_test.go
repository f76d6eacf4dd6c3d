package web_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

func expired(c *token.Claims) {
	c.IssuedAt, c.Expires = noon().Add(-2*time.Hour), noon().Add(-time.Hour)
}
func elsewhere(c *token.Claims) { c.Audience = "https://other.example" }

func TestOnlyOneValidBearerTokenIsAdmitted(t *testing.T) {
	t.Parallel()
	good := bearer(t, broker.RoleOfficer)
	refused := map[string][]string{
		"no header":         nil,
		"an empty header":   {""},
		"no token":          {"Bearer "},
		"another scheme":    {"Basic " + strings.TrimPrefix(good, "Bearer ")},
		"the token alone":   {strings.TrimPrefix(good, "Bearer ")},
		"two headers":       {good, good},
		"a longer header":   {good + " x"},
		"ten KB of dots":    {"Bearer " + strings.Repeat(".", 10<<10)},
		"a changed token":   {good[:len(good)-4] + "AAAA"},
		"an expired token":  {bearer(t, broker.RoleOfficer, expired)},
		"for another house": {bearer(t, broker.RoleOfficer, elsewhere)},
	}
	for name, headers := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, uncalled(t))
			r := httptest.NewRequest("GET", "/v1/partners", nil)
			r.Header["Authorization"] = headers
			r.Header.Set("Cookie", "token="+strings.TrimPrefix(good, "Bearer "))
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			p := wantProblem(t, w, 401, broker.Unauthenticated)
			if w.Header().Get("WWW-Authenticate") != "Bearer" || p.Detail != "a valid bearer token of this district is needed" {
				t.Errorf("the answer tells why: %v %s", w.Header(), w.Body)
			}
		})
	}
}

func TestTheCallerIsWhoTheTokenNames(t *testing.T) {
	t.Parallel()
	want := broker.Caller{
		Subject: "Dana Whitfield", Role: broker.RolePartner, Partner: "riverside",
		Sites: []string{"north"}, Programs: []string{"tutoring"}, Epoch: 7,
		Expires: noon().Add(time.Hour + token.Leeway),
	}
	f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		if diff := cmp.Diff(want, c); diff != "" {
			t.Error(diff)
		}
		return ok(ctx, op, c)
	})
	r := httptest.NewRequest("GET", "/v1/agreements", nil)
	r.Header.Set("Authorization", "bEARER"+strings.TrimPrefix(bearer(t, broker.RolePartner, func(c *token.Claims) {
		c.Sites, c.Programs, c.Epoch = want.Sites, want.Programs, want.Epoch
	}), "Bearer"))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
}

func TestASignedTokenThatIsExpiredOrMisdirectedLeavesAnEntry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, uncalled(t))
	for _, change := range []func(*token.Claims){expired, elsewhere} {
		r := httptest.NewRequest("GET", "/v1/agreements", nil)
		r.Header.Set("Authorization", bearer(t, broker.RolePartner, change))
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		wantProblem(t, w, 401, broker.Unauthenticated)
	}
	if want := []string{"expired partner riverside", "misdirected partner riverside"}; !slices.Equal(f.service.misdirected, want) {
		t.Errorf("entries: %q", f.service.misdirected)
	}
}

func TestWithoutItsEntryAMisdirectedTokenIsNotAnswered(t *testing.T) {
	t.Parallel()
	f := newFixture(t, uncalled(t))
	f.service.recording = &broker.Error{Kind: broker.Unavailable, Detail: "the log cannot be written"}
	r := httptest.NewRequest("GET", "/v1/agreements", nil)
	r.Header.Set("Authorization", bearer(t, broker.RolePartner, expired))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	wantProblem(t, w, 503, broker.Unavailable)
}

func limitedTo(n int, now func() time.Time) func(*web.Options) {
	return func(o *web.Options) { o.Rate, o.Now = web.Rate{PerSecond: 1, Burst: n}, now }
}

func (f *fixture) as(header string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/v1/agreements", nil)
	r.Header.Set("Authorization", header)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestAPartnersPeopleShareOneRateAndNobodyElses(t *testing.T) {
	t.Parallel()
	calls := 0
	f := newFixture(t, func(ctx context.Context, op string, c broker.Caller, _ ...any) (*reply, error) {
		calls++
		return ok(ctx, op, c)
	}, limitedTo(3, noon))
	person := func(name string) func(*token.Claims) { return func(c *token.Claims) { c.Subject = name } }
	for i, name := range []string{"A", "B", "A"} {
		w := f.as(bearer(t, broker.RolePartner, person(name)))
		if got := w.Header().Get("RateLimit-Remaining"); w.Code != 200 || got != strconv.Itoa(2-i) || w.Header().Get("RateLimit-Limit") != "3" {
			t.Fatalf("request %d: %d, %q left", i, w.Code, got)
		}
	}
	w := f.as(bearer(t, broker.RolePartner, person("C")))
	wantProblem(t, w, 429, broker.Exhausted)
	if w.Header().Get("Retry-After") != "1" || w.Header().Get("RateLimit-Reset") != "3" {
		t.Errorf("%v", w.Header())
	}
	others := []string{
		bearer(t, broker.RolePartner, func(c *token.Claims) { c.Partner = "lakeside" }),
		bearer(t, broker.RoleOfficer, person("riverside")),
	}
	for _, header := range others {
		if w := f.as(header); w.Code != 200 {
			t.Errorf("another caller is limited: %d", w.Code)
		}
	}
	if calls != 5 {
		t.Errorf("the broker was called %d times", calls)
	}
}

func TestAnOldTokenCannotUseUpTheRateOfAGoodOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ok, limitedTo(2, noon))
	for i, want := range []int{401, 401, 429} {
		if w := f.as(bearer(t, broker.RolePartner, expired)); w.Code != want {
			t.Errorf("request %d: %d", i, w.Code)
		}
	}
	if len(f.service.misdirected) != 2 {
		t.Errorf("%d entries", len(f.service.misdirected))
	}
	if w := f.as(bearer(t, broker.RolePartner)); w.Code != 200 {
		t.Errorf("the partner itself is limited: %d", w.Code)
	}
}

func TestARateIsThereAgainAfterItsTime(t *testing.T) {
	t.Parallel()
	now := noon()
	f := newFixture(t, ok, limitedTo(1, func() time.Time { return now }))
	good := bearer(t, broker.RoleOfficer)
	if a, b := f.as(good).Code, f.as(good).Code; a != 200 || b != 429 {
		t.Fatal(a, b)
	}
	now = now.Add(time.Second)
	if w := f.as(good); w.Code != 200 {
		t.Error(w.Code)
	}
}

func TestWithoutAVerifierNothingIsServed(t *testing.T) {
	t.Parallel()
	if _, err := web.New[*reply](&service{do: ok}, nil, web.Options{}); err == nil {
		t.Error("an API without a verifier was built")
	}
}
