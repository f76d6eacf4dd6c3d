package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"go.uber.org/goleak"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	goleak.VerifyTestMain(m)
}

const origin = "https://lakeview.example"

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

var districtKey = keyOf('a')

func keyOf(seed byte) token.Key {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return token.Key{ID: token.Thumbprint(private.Public().(ed25519.PublicKey)), Private: private}
}

func newVerifier(t testing.TB) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(token.Config{
		Issuer: origin, Audience: origin, Now: noon,
		Keys: map[string]token.PublicKey{districtKey.ID: districtKey.Public()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// bearer returns a valid Authorization header, after the given changes.
func bearer(t testing.TB, role broker.Role, change ...func(*token.Claims)) string {
	t.Helper()
	c := token.Claims{
		Issuer: origin, Audience: origin, Subject: "Dana Whitfield", Role: role, ID: "jti-1",
		IssuedAt: noon().Add(-time.Minute), Expires: noon().Add(time.Hour),
	}
	if role == broker.RolePartner {
		c.Partner = "riverside"
	}
	if role == broker.RoleCoordinator {
		c.Schools = []string{"GP"}
	}
	for _, f := range change {
		f(&c)
	}
	raw, err := token.Issue(districtKey, c)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + raw
}

// fixture is the API over a service that does what the test says.
type fixture struct {
	*web.API
	service *service
	log     *lockedBuffer
}

func newFixture(t testing.TB, do behaviour, change ...func(*web.Options)) *fixture {
	t.Helper()
	f := &fixture{service: &service{do: do}, log: &lockedBuffer{}}
	o := web.Options{
		Log: slogTo(f.log), Build: web.Build{Version: "test", Revision: "none"},
		Rate: web.Rate{PerSecond: 1e6, Burst: 1e6}, Now: noon,
	}
	for _, c := range change {
		c(&o)
	}
	api, err := web.New[*reply](f.service, newVerifier(t), o)
	if err != nil {
		t.Fatal(err)
	}
	f.API = api
	return f
}

// send makes one request as the role, with a JSON body if there is one.
func (f *fixture) send(t testing.TB, role broker.Role, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	if role != "" {
		r.Header.Set("Authorization", bearer(t, role))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// problem is a problem document as its reader sees it.
type problem struct {
	Type      string
	Title     string
	Status    int
	Detail    string
	RequestID string `json:"request_id"`
	Fields    []broker.Field
	Reasons   []struct{ Code, Sentence, Remedy, Contact string }
	Receipt   json.RawMessage
}

func problemOf(t testing.TB, w *httptest.ResponseRecorder) problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q, status %d, body %s", got, w.Code, w.Body)
	}
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem document: %v in %s", err, w.Body)
	}
	if p.Status != w.Code || p.RequestID != w.Header().Get("Hallpass-Request-Id") || p.Title == "" {
		t.Fatalf("problem document disagrees with its response %d: %s", w.Code, w.Body)
	}
	return p
}

func wantProblem(t testing.TB, w *httptest.ResponseRecorder, status int, kind broker.Kind) problem {
	t.Helper()
	p := problemOf(t, w)
	if w.Code != status || p.Type != "https://hallpass.example/problems/"+string(kind) {
		t.Fatalf("want %d %s, have %d: %s", status, kind, w.Code, w.Body)
	}
	return p
}

type lockedBuffer struct {
	mu      sync.Mutex
	written sync.Cond
	b       bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.b.Write(p)
	l.written.L = &l.mu
	l.written.Broadcast()
	return n, err
}

// wait returns when a line was written. A handler writes its line after its
// connection is closed.
func (l *lockedBuffer) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written.L = &l.mu
	for l.b.Len() == 0 {
		l.written.Wait()
	}
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines returns the log's lines, decoded.
func (l *lockedBuffer) lines(t testing.TB) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(l.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line is not JSON: %v", err)
		}
		all = append(all, m)
	}
	return all
}

// ok answers every operation alike.
func ok(context.Context, string, broker.Caller, ...any) (*reply, error) {
	return &reply{body: []byte(`{"data":{}}`)}, nil
}

// failing answers every operation with the error.
func failing(err error) behaviour {
	return func(context.Context, string, broker.Caller, ...any) (*reply, error) { return nil, err }
}

func get(t testing.TB, f *fixture, path string) *httptest.ResponseRecorder {
	t.Helper()
	return f.send(t, broker.RoleOfficer, http.MethodGet, path, "")
}

func slogTo(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// The broker is what the API needs.
var _ web.Service[*broker.Answer] = (*broker.Broker)(nil)
