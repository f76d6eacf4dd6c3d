package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
)

// house is a district at work: the real broker over a copy of a town's files,
// the real handler, a real server on loopback.
type house struct {
	*broker.Broker
	*town
	t       testing.TB
	dir     string
	clock   *clock
	keys    token.Key
	public  *tlog.Verifier
	spec    *description
	log     *lockedBuffer
	address string
	handler http.Handler // what listens there
	client  *http.Client
}

// furnishing is what a test changes of a house before it opens.
type furnishing struct {
	broker broker.Options
	web    web.Options
	server func(*http.Server)
	listen func(net.Listener) net.Listener
}

// open opens a copy of a town. It is closed when the test ends, after the log
// was verified.
func open(t testing.TB, from func() (*town, error), change ...func(*furnishing)) *house {
	t.Helper()
	d, err := from()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{town: d, t: t, clock: &clock{now: d.asOf}, log: &lockedBuffer{}, spec: sharedSpec(t)}
	h.dir = filepath.Join(scratch(t), "district")
	furnishWith(t, h.dir, d.files)
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	f := furnishing{
		broker: broker.Options{Clock: h.clock.Now, AcceptClockJump: true, Policy: engine, Log: slogTo(h.log)},
		web:    web.Options{Log: slogTo(h.log), Rate: web.Rate{PerSecond: 1e9, Burst: 1e9}, Now: h.clock.Now, Sleep: func(context.Context, time.Duration) {}},
	}
	for _, c := range change {
		c(&f)
	}
	if h.Broker, err = broker.Open(t.Context(), h.dir, f.broker); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	h.readKeys()
	h.serve(f)
	return h
}

func scratch(t testing.TB) string {
	t.Helper()
	dir, err := scratchDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (h *house) close() {
	if h.Failed() == nil {
		if _, err := h.VerifyLog(context.Background(), nil); err != nil {
			h.t.Errorf("the log does not verify: %v", err)
		}
	}
	if err := h.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *house) readKeys() {
	h.t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.dir, "keys", "token.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	if h.keys, err = token.ParseKey(raw); err != nil {
		h.t.Fatal(err)
	}
	public, err := os.ReadFile(broker.LogKeyPath(h.dir))
	if err != nil {
		h.t.Fatal(err)
	}
	if h.public, err = tlog.NewVerifier(string(public)); err != nil {
		h.t.Fatal(err)
	}
}

// serve serves the API on loopback until the test ends.
func (h *house) serve(f furnishing) {
	h.t.Helper()
	issuer := h.Settings().Issuer()
	verifier, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: h.TokenKeys(), Now: h.Now})
	if err != nil {
		h.t.Fatal(err)
	}
	f.web.Simulated = h.Settings().IsSimulated()
	api, err := web.New[*broker.Answer](h.Broker, verifier, f.web)
	if err != nil {
		h.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.address, h.handler = listener.Addr().String(), api
	if f.listen != nil {
		listener = f.listen(listener)
	}
	server := web.NewHTTPServer(api, slogTo(h.log))
	if f.server != nil {
		f.server(server)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16, ExpectContinueTimeout: time.Minute}
	h.client = &http.Client{Transport: transport}
	h.t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			h.t.Error(err)
		}
		<-ended
	})
}

// sharedSpec is docs/openapi.yaml, read once: it is only read after that.
func sharedSpec(t testing.TB) *description {
	t.Helper()
	s, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var readSpec = sync.OnceValues(func() (*description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	return &description{specification: specification{doc, router}}, err
})

// description is docs/openapi.yaml with the refusals that were held to it:
// many tests get the same ones.
type description struct {
	specification
	seen sync.Map
}

// person is a caller with a token of its own.
type person struct {
	h      *house
	claims token.Claims
}

// of is a person in a role.
func (h *house) of(role broker.Role, change ...func(*token.Claims)) person {
	issuer := h.Settings().Issuer()
	p := person{h, token.Claims{Issuer: issuer, Audience: issuer, Subject: "Pat Person", Role: role}}
	switch role {
	case broker.RolePartner:
		p.claims.Partner = north
	case broker.RoleCoordinator:
		p.claims.Schools = []string{h.Schools[0].ID}
	}
	for _, c := range change {
		c(&p.claims)
	}
	return p
}

func (h *house) officer() person { return h.of(broker.RoleOfficer) }
func (h *house) steward() person { return h.of(broker.RoleSteward) }

func (h *house) partnerOf(id string) person {
	return h.of(broker.RolePartner, func(c *token.Claims) { c.Partner = id })
}

func (h *house) guardian(id string) person {
	return h.of(broker.RoleGuardian, func(c *token.Claims) { c.Subject = id })
}

// token is a fresh token of the person, valid for an hour of the district.
func (p person) token() string {
	p.h.t.Helper()
	c := p.claims
	if c.IssuedAt.IsZero() {
		c.IssuedAt = p.h.Now().Truncate(time.Second)
		c.Expires = c.IssuedAt.Add(time.Hour)
	}
	raw, err := token.Issue(p.h.keys, c)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return raw
}

// answer is a response, read to its end.
type answer struct {
	h      *house
	status int
	header http.Header
	body   []byte
}

func (p person) get(path string) answer { return p.send(http.MethodGet, path, "", "") }

// post sends a value as JSON; text is sent as it stands.
func (p person) post(path string, body any) answer {
	p.h.t.Helper()
	return p.send(http.MethodPost, path, "application/json", jsonText(p.h.t, body))
}

func (p person) upload(path, csv string) answer {
	p.h.t.Helper()
	return p.send(http.MethodPut, path, "text/csv", csv)
}

func jsonText(t testing.TB, body any) string {
	t.Helper()
	if text, ok := body.(string); ok {
		return text
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (p person) send(method, path, media, body string, header ...string) answer {
	p.h.t.Helper()
	return p.h.send(method, path, "Bearer "+p.token(), media, body, header...)
}

// send makes one request and holds it and its response to docs/openapi.yaml,
// and any receipt in it to the log's key.
func (h *house) send(method, path, authorization, media, body string, header ...string) answer {
	h.t.Helper()
	req := h.request(method, path, authorization, media, body, header...)
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := h.read(res)
	h.check(req, body, a)
	return a
}

func (h *house) request(method, path, authorization, media, body string, header ...string) *http.Request {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.address+path, reader)
	if err != nil {
		h.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if media != "" && body != "" {
		req.Header.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

func (h *house) read(res *http.Response) answer {
	h.t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{h, res.StatusCode, res.Header, body}
}

// check holds a response to what every response of the service must be.
func (h *house) check(req *http.Request, sent string, a answer) {
	h.t.Helper()
	where := req.Method + " " + req.URL.Path
	if err := a.fit(h); err != nil {
		h.t.Errorf("%s: %v: %d %s", where, err, a.status, a.body)
	}
	route, params, err := h.spec.router.FindRoute(req)
	if err != nil {
		if a.status != http.StatusNotFound {
			h.t.Errorf("%s is not in docs/openapi.yaml and was answered %d", where, a.status)
		}
		return
	}
	seen := fmt.Sprint(route.Method, route.Path, a.status, a.header.Get("Content-Type"), requestID.ReplaceAllString(string(a.body), "ID"))
	if _, again := h.spec.seen.LoadOrStore(seen, true); again && a.status >= 400 {
		return // the very same refusal was held to the file before
	}
	if err := asDescribed(req, sent, route, params, a); err != nil {
		h.t.Errorf("%s is not as docs/openapi.yaml says: %v\n%s", where, err, a.body)
	}
}

func asDescribed(req *http.Request, sent string, route *routers.Route, params map[string]string, a answer) error {
	in := &openapi3filter.RequestValidationInput{
		Request: req.Clone(context.Background()), PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if a.status < 300 {
		in.Request.Body = io.NopCloser(strings.NewReader(sent))
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			return err
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.header, Options: in.Options}
	return openapi3filter.ValidateResponse(context.Background(), out.SetBodyBytes(a.body))
}

// problem decodes a problem document.
func (a answer) problem() problem {
	a.h.t.Helper()
	var p problem
	if err := json.Unmarshal(a.body, &p, json.MatchCaseInsensitiveNames(true)); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		a.h.t.Fatalf("no problem document: %d %q %s (%v)", a.status, a.header.Get("Content-Type"), a.body, err)
	}
	return p
}

// want fails the test unless the status is one of these.
func (a answer) want(statuses ...int) answer {
	a.h.t.Helper()
	for _, s := range statuses {
		if a.status == s {
			return a
		}
	}
	a.h.t.Fatalf("status %d, want %v: %s", a.status, statuses, a.body)
	return a
}

// data decodes the member data.
func data[T any](a answer) T {
	a.h.t.Helper()
	var body struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		a.h.t.Fatalf("reading %s: %v", a.body, err)
	}
	return body.Data
}

// member returns one member of a body, or of what a page holds to check it by, as
// it stands there; nil or empty when it is not.
func (a answer) member(name string) jsontext.Value {
	a.h.t.Helper()
	if a.isPage() {
		data, receipt := a.held()
		return map[string]jsontext.Value{"data": data, "receipt": receipt}[name]
	}
	var body map[string]jsontext.Value
	if err := json.Unmarshal(a.body, &body); err != nil {
		a.h.t.Fatalf("reading %s: %v", a.body, err)
	}
	return body[name]
}

// proven is what the receipt of an answer proves.
func (a answer) proven() tlog.Proven {
	a.h.t.Helper()
	r, err := tlog.ParseReceipt(a.member("receipt"))
	if err != nil {
		a.h.t.Fatalf("no receipt in %s: %v", a.body, err)
	}
	var sent []byte
	if a.status < 300 {
		sent = a.member("data")
	}
	p, err := r.Verify(a.h.public, sent)
	if err != nil {
		a.h.t.Fatalf("the receipt does not verify: %v", err)
	}
	return p
}

// size is how many entries the log has.
func (h *house) size() uint64 {
	h.t.Helper()
	n, err := h.LogSize(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// entry is an entry of the log as an officer reads it.
type entry struct {
	Index    uint64         `json:"index"`
	Event    tlog.Event     `json:"event"`
	Decision tlog.Decision  `json:"decision"`
	Caller   tlog.Caller    `json:"caller"`
	Clause   string         `json:"clause"`
	Reasons  []string       `json:"reasons"`
	Request  jsontext.Value `json:"request"`
	Policy   string         `json:"policy"`
	Rev      uint64         `json:"rev"`
}

// page reads the log as an officer, past the web: what a test does to look at
// a district is not what it tests.
func (h *house) page(from uint64) answer {
	h.t.Helper()
	a, err := h.Entries(h.t.Context(), builderOfficer, broker.EntriesRequest{From: from, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	defer a.Drop()
	return answer{h, http.StatusOK, nil, a.Body()}
}

// entries reads the log from an index on, without the entry of this reading.
func (h *house) entries(from uint64) []entry {
	h.t.Helper()
	return data[struct {
		Entries []entry `json:"entries"`
	}](h.page(from)).Entries
}

// events lists what was recorded from an index on.
func (h *house) events(from uint64) []tlog.Event {
	h.t.Helper()
	events := []tlog.Event{}
	for _, e := range h.entries(from) {
		events = append(events, e.Event)
	}
	return events
}

// mark is a moment of the store, to tell later whether anything was written.
type mark struct{ size, rev uint64 }

// mark leaves an entry and remembers its place.
func (h *house) mark() mark {
	h.t.Helper()
	leaf := h.page(0).proven().Leaf
	return mark{leaf.Index, leaf.Rev}
}

// untouched reports whether nothing was written since a mark.
func (h *house) untouched(since mark) bool {
	h.t.Helper()
	now := h.mark()
	return now.size == since.size+1 && now.rev == since.rev+1
}

// holdsAny returns the first of the words that stands in a text.
func holdsAny(text []byte, words []string) string {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return w
		}
	}
	return ""
}
