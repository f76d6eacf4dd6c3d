package broker_test

import (
	"context"
	"errors"
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
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// district is a district in a directory of the test's own.
type district struct {
	*broker.Broker
	t     testing.TB
	dir   string
	clock *clock
}

var (
	officer = broker.Caller{Subject: "Olga Officer", Role: broker.RoleOfficer}
	steward = broker.Caller{Subject: "Stan Steward", Role: broker.RoleSteward}
	auditor = broker.Caller{Subject: "Aud Auditor", Role: broker.RoleAuditor}
)

func partnerOf(id string) broker.Caller {
	return broker.Caller{Subject: "Pat Partner", Role: broker.RolePartner, Partner: id}
}

// newDistrict makes an empty district at a time, and closes and verifies it
// when the test ends.
func newDistrict(t testing.TB, at time.Time, options ...func(*broker.Options)) *district {
	t.Helper()
	d := &district{t: t, dir: filepath.Join(t.TempDir(), "district"), clock: &clock{now: at}}
	err := broker.Init(t.Context(), d.dir, broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: "UTC", CreatedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	d.open(options...)
	t.Cleanup(func() {
		d.verify()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *district) open(options ...func(*broker.Options)) {
	d.t.Helper()
	o := broker.Options{Clock: d.clock.Now}
	for _, set := range options {
		set(&o)
	}
	b, err := broker.Open(d.t.Context(), d.dir, o)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Broker = b
}

// verify checks the whole log, as every test that wrote must.
func (d *district) verify() {
	d.t.Helper()
	if _, err := d.VerifyLog(context.Background(), nil); err != nil && !strings.Contains(err.Error(), "no entry") {
		d.t.Errorf("the log does not verify: %v", err)
	}
}

// load imports a folder and fails the test unless every row is good.
func (d *district) load(path string, o ingest.Options) {
	d.t.Helper()
	if o.Snapshot == "" {
		o.Snapshot = ingest.SnapshotAll
	}
	res, err := d.Import(d.t.Context(), steward, broker.ImportRequest{Path: path, Options: o})
	if err != nil {
		d.t.Fatal(err)
	}
	if res.Rejected {
		var b strings.Builder
		_ = res.Report.Write(&b)
		d.t.Fatalf("the import was rejected:\n%s", b.String())
	}
}

// must fails the test when an operation does.
func (d *district) must(a *broker.Answer, err error) *broker.Answer {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%v; cause: %v", err, errors.Unwrap(err))
	}
	return a
}

// done is must for an answer that nobody reads.
func (d *district) done(a *broker.Answer, err error) {
	d.t.Helper()
	d.must(a, err).Drop()
}

// data decodes the member data of an answer.
func data[T any](t testing.TB, a *broker.Answer) T {
	t.Helper()
	defer a.Drop()
	var body struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(a.Body(), &body, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("reading %s: %v", a.Body(), err)
	}
	return body.Data
}

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// sharedData finds the sample data beside the project; tests that need it are
// skipped where it is not there.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	if root := os.Getenv("HALLPASS_SHARED"); root != "" {
		return filepath.Join(root, "data", name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		dir = filepath.Dir(dir)
	}
	t.Skipf("the sample data %s is not here; put the folder shared beside the project, or set HALLPASS_SHARED", name)
	return ""
}
