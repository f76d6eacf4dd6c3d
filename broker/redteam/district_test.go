package redteam_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/token"
	"github.com/hallpass-edu/hallpass/broker/web"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// district is a district at work: the real broker over real files, the real
// router on loopback. Its officers set it up; attackers have tokens only.
type district struct {
	*world
	t      testing.TB
	broker *broker.Broker
	dir    string
	now    time.Time
	key    token.Key
	sets   map[string]members
	log    *lockedBuffer
	api    *web.API
	server *httptest.Server
}

// build is a way in which the service was built. The zero one ships.
type build struct {
	name     string
	sabotage func(*broker.Options)
	front    func(*district, http.Handler) http.Handler // what stands before the router
	long     bool                                       // only the full card has the time to break it
}

// weakBuild is a build whose releases lack what the name says.
func weakBuild(w sdc.Weakness) build {
	return build{name: string(w), sabotage: func(o *broker.Options) { o.Sabotage.Weak = w }}
}

var (
	officer = broker.Caller{Subject: "Olga Officer", Role: broker.RoleOfficer}
	steward = broker.Caller{Subject: "Stan Steward", Role: broker.RoleSteward}
)

// rules are compiled once: every broker may use the same.
var rules = sync.OnceValues(func() (*policy.Engine, error) { return policy.Load(rego.FS) })

// open makes a district: its records are in and its agreements signed, rosters
// and families' answers are there, nothing is closed. It ends with the test,
// and its log must verify.
func open(t testing.TB, s shape, b build) *district {
	t.Helper()
	d := &district{world: makeWorld(s), t: t, log: &lockedBuffer{}, dir: scratch(t), sets: map[string]members{}}
	d.now = d.yearEnd().Time().Add(18 * time.Hour)
	d.furnish(b)
	d.load()
	for _, p := range s.pacts {
		d.admit(p)
	}
	return d
}

// scratch is a folder in memory where there is such a place: a commit takes no
// time there.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hallpass-redteam-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (d *district) home() string { return filepath.Join(d.dir, "district") }

func (d *district) furnish(b build) {
	d.t.Helper()
	err := broker.Init(d.t.Context(), d.home(), broker.Settings{Name: "Lakeland Public Schools", Host: "data.lakeland.example", TimeZone: "UTC", CreatedAt: d.now})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(d.end)
	d.start(b)
}

// restart stops the service and starts it on the same files.
func (d *district) restart(b build) {
	d.t.Helper()
	d.server.Close()
	if err := d.broker.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.start(b)
}

func (d *district) start(b build) {
	d.t.Helper()
	engine, err := rules()
	if err != nil {
		d.t.Fatal(err)
	}
	o := broker.Options{Clock: func() time.Time { return d.now }, AcceptClockJump: true, Policy: engine, Log: slogTo(d.log)}
	if b.sabotage != nil {
		b.sabotage(&o)
	}
	if d.broker, err = broker.Open(d.t.Context(), d.home(), o); err != nil {
		d.t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(d.home(), "keys", "token.key"))
	if err != nil {
		d.t.Fatal(err)
	}
	if d.key, err = token.ParseKey(raw); err != nil {
		d.t.Fatal(err)
	}
	d.serve(b)
}

// twin is a district of the same keys, people, agreements and answers in which the
// records were loaded anew, of other outcomes.
func (d *district) twin(t testing.TB, s shape, b build) *district {
	t.Helper()
	other := &district{world: makeWorld(s), t: t, log: &lockedBuffer{}, dir: scratch(t), sets: map[string]members{}, now: d.now}
	d.server.Close()
	if err := d.broker.Close(); err != nil {
		t.Fatal(err)
	}
	if err := copied(d.home(), other.home()); err != nil {
		t.Fatal(err)
	}
	d.start(b)
	t.Cleanup(other.end)
	was := b.sabotage
	b.sabotage = func(o *broker.Options) {
		if was != nil {
			was(o)
		}
		o.Sabotage.NoDoubts = true // such a load would wait for a second person
	}
	other.start(b)
	other.load()
	return other
}

// copied copies a district's files, which nobody else may read.
func copied(from, to string) error {
	return filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(at, 0o700)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(at, raw, 0o600)
	})
}

// end stops the service, verifies its log and takes its files away. Ending
// again does nothing.
func (d *district) end() {
	if d.server != nil {
		d.server.Close()
	}
	if d.broker == nil {
		return
	}
	defer func() { d.broker, d.server, d.api, d.sets = nil, nil, nil, nil }() // a test keeps its districts to its end
	if _, err := d.broker.VerifyLog(context.Background(), nil); err != nil {
		d.t.Errorf("the log does not verify: %v", err)
	}
	if err := errors.Join(d.broker.Close(), os.RemoveAll(d.dir)); err != nil {
		d.t.Error(err)
	}
}

func (d *district) serve(b build) {
	d.t.Helper()
	issuer := d.broker.Settings().Issuer()
	verifier, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: issuer, Keys: d.broker.TokenKeys(), Now: d.broker.Now})
	if err != nil {
		d.t.Fatal(err)
	}
	d.api, err = web.New[*broker.Answer](d.broker, verifier, web.Options{Log: slogTo(d.log), Rate: web.Rate{PerSecond: 1e9, Burst: 1e9}})
	if err != nil {
		d.t.Fatal(err)
	}
	handler := http.Handler(d.api)
	if b.front != nil {
		handler = b.front(d, handler)
	}
	d.server = httptest.NewServer(handler)
}

// load imports the world's export anew.
func (d *district) load() {
	d.t.Helper()
	if res := d.take(d.folder()); res.Rejected {
		var text strings.Builder
		_ = res.Report.Write(&text)
		d.t.Fatalf("the import was rejected: %.2000s", text.String())
	}
}

// folder is the world's export in a folder of its own.
func (d *district) folder() string {
	d.t.Helper()
	dir, err := os.MkdirTemp(d.dir, "export-*")
	if err != nil {
		d.t.Fatal(err)
	}
	d.export(d.t, dir)
	return dir
}

func (d *district) take(dir string) broker.ImportResult {
	d.t.Helper()
	res, err := d.broker.Import(d.t.Context(), steward, broker.ImportRequest{
		Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: civil.Of(d.now, time.UTC)},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return res
}

// admit makes a partner with its agreement, roster and families' answers.
func (d *district) admit(p pact) {
	d.t.Helper()
	ctx := d.t.Context()
	d.done(d.broker.CreatePartner(ctx, officer, broker.PartnerRequest{ID: p.id, Name: "Club " + p.id, LegalEntity: "Club " + p.id + " Inc.", Contact: "1 Main Street"}))
	d.agree(p)
	if len(p.roster) > 0 {
		d.done(d.broker.PutParticipation(ctx, officer, p.id, strings.NewReader(d.participation(p.roster))))
	}
	for _, i := range p.yes {
		d.consent(p.id, i)
	}
}

func (d *district) agree(p pact) {
	d.t.Helper()
	r := broker.AgreementRequest{
		ID: p.id, Partner: p.id, Template: "comparison_and_consent", Schools: names(p.schools), Categories: consent.Categories(),
		Indicators: p.indicators, Grain: p.grain, DosageFloor: 1, TermFrom: yearStart(), TermTo: d.yearEnd() + 365, Administrator: "Ada Admin",
	}
	if p.epsilon > 0 {
		r.Profile, r.Epsilon = agreement.Budgeted, p.epsilon
	}
	offered := d.must(d.broker.CreateAgreement(d.t.Context(), officer, r))
	text := dataOf[struct {
		SHA256 string `json:"text_sha256"`
	}](d.t, offered.Body()).SHA256
	for _, party := range []string{"district", "partner"} {
		d.done(d.broker.Sign(d.t.Context(), officer, p.id, broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: text}))
	}
}

// givenConsent is what is read of a consent that was entered.
type givenConsent struct {
	ID   string     `json:"id"`
	Held []struct{} `json:"held"`
}

// consent enters a mother's yes to everything an agreement asks for.
func (d *district) consent(agreement string, student int) givenConsent {
	d.t.Helper()
	const sha = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	a := d.must(d.broker.CreateConsent(d.t.Context(), officer, broker.ConsentRequest{
		Agreement: agreement, Student: broker.StudentRef{StudentID: studentID(student)}, Signer: broker.SignerRef{GuardianID: mother(student)},
		Answer: consent.Yes, Categories: consent.Categories(), RecordsFrom: yearStart(), RecordsTo: d.yearEnd(), Expires: d.yearEnd() + 300,
		SignedAt: d.now.Add(-time.Hour), Method: consent.Paper,
		Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}))
	return dataOf[givenConsent](d.t, a.Body())
}

// close freezes and publishes periods.
func (d *district) close(periods ...string) {
	d.t.Helper()
	for _, p := range periods {
		d.done(d.broker.ClosePeriod(d.t.Context(), steward, p))
	}
}

func (d *district) must(a *broker.Answer, err error) *broker.Answer {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%v; cause: %v", err, errors.Unwrap(err))
	}
	return a
}

func (d *district) done(a *broker.Answer, err error) {
	d.t.Helper()
	d.must(a, err).Drop()
}

// dataOf decodes the member data of a body.
func dataOf[T any](t testing.TB, body []byte) T {
	t.Helper()
	var answer struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("reading %.500s: %v", body, err)
	}
	return answer.Data
}

// lockedBuffer keeps what many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func slogTo(b *lockedBuffer) *slog.Logger { return slog.New(slog.NewJSONHandler(b, nil)) }
