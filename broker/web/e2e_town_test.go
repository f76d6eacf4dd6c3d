package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// The partners and agreements of the made-up town, as the sample names them.
// The third partner's agreement has expired.
const (
	north, northAgreement = "north-star", "north-star-1"
	river, riverAgreement = "river-mentors", "river-mentors-1"
	stage, stageAgreement = "open-stage", "open-stage-1"
)

// town is a district that was built once, closed, and kept in memory: each
// test opens a copy of its files.
type town struct {
	*sample.District
	files map[string]file
	asOf  time.Time // the time at which a copy is opened
}

// year is the school year's id; spring its second semester's.
func (d *town) year() string   { return d.Year.ID }
func (d *town) spring() string { return d.Sessions[2].ID }

// partner returns the partner with an id.
func (d *town) partner(id string) *sample.Partner {
	for i := range d.Partners {
		if d.Partners[i].ID == id {
			return &d.Partners[i]
		}
	}
	return nil
}

// lakeland is the town of most tests: 320 students of eight schools, three
// partners with their rosters and their families' answers, the school year
// closed.
var lakeland = sync.OnceValues(func() (*town, error) {
	return build(registeredTwice(sample.Generate(sample.Options{Seed: 5, Students: 320, Schools: 8})), plan{closed: true})
})

// registeredTwice puts a guardian of the last student on its file a second
// time, under another number that holds no rights.
func registeredTwice(d *sample.District) *sample.District {
	s := &d.Students[len(d.Students)-1]
	again := s.Guardians[0]
	again.ID, again.Capacity, again.HoldsRights = again.ID+"-again", "emergency_contact", false
	s.Guardians = append(slices.Clone(s.Guardians), again)
	return d
}

// simulated is the same with a clock that was set by hand.
var simulated = sync.OnceValues(func() (*town, error) {
	return build(sample.Generate(sample.Options{Seed: 6, Students: 160, Schools: 8}), plan{simulated: true, partners: []string{north}})
})

// plan says what is played through the broker when a town is built.
type plan struct {
	closed    bool // the school year is closed
	simulated bool
	consents  func(p *sample.Partner) []sample.Consent // nil: the sample's own
	partners  []string                                 // nil: all
}

// build plays a district through a broker and keeps its files.
func build(d *sample.District, p plan) (_ *town, err error) {
	scratch, err := scratchDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	b := &builder{town: &town{District: d, asOf: d.AsOf.Time().Add(18 * time.Hour)}, plan: p, dir: filepath.Join(scratch, "district")}
	b.clock = &clock{now: (d.Year.End - 2).Time().Add(18 * time.Hour)}
	if err := b.play(context.Background(), filepath.Join(scratch, "csv")); err != nil {
		return nil, err
	}
	b.town.files, err = readFiles(b.dir)
	return b.town, err
}

// scratchDir is a directory in memory where there is such a place: a commit
// takes no time there.
func scratchDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "hallpass-test-*"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "hallpass-test-*")
}

// file is a file without its pages of zeros, of which a store has many.
type file struct {
	size  int64
	pages map[int64][]byte // by offset
}

const page = 64 << 10

func readFiles(dir string) (map[string]file, error) {
	files := map[string]file{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		f := file{int64(len(content)), map[int64][]byte{}}
		for at := 0; at < len(content); at += page {
			if part := content[at:min(at+page, len(content))]; len(bytes.Trim(part, "\x00")) > 0 {
				f.pages[int64(at)] = bytes.Clone(part)
			}
		}
		files[strings.TrimPrefix(path, dir)] = f
		return err
	})
	return files, err
}

// furnishWith writes files below a directory.
func furnishWith(t testing.TB, dir string, files map[string]file) {
	t.Helper()
	for name, f := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.writeTo(path); err != nil {
			t.Fatal(err)
		}
	}
}

func (f file) writeTo(path string) error {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = to.Truncate(f.size)
	for at, part := range f.pages {
		_, failed := to.WriteAt(part, at)
		err = errors.Join(err, failed)
	}
	return errors.Join(err, to.Close())
}

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

// Add moves the clock and returns the new time.
func (c *clock) Add(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// rules are compiled once: every broker may use the same.
var rules = sync.OnceValues(func() (*policy.Engine, error) { return policy.Load(rego.FS) })

// callers who build the town.
var (
	builderOfficer = broker.Caller{Subject: "Olga Officer", Role: broker.RoleOfficer}
	builderSteward = broker.Caller{Subject: "Stan Steward", Role: broker.RoleSteward}
)

type builder struct {
	*town
	plan
	dir    string
	clock  *clock
	broker *broker.Broker
}

func (b *builder) play(ctx context.Context, csv string) (err error) {
	s := broker.Settings{Name: b.Name, Host: "data.lakeland.example", TimeZone: b.Timezone, CreatedAt: b.clock.Now()}
	if b.simulated {
		s.Simulated = b.asOf
	}
	if err := broker.Init(ctx, b.dir, s); err != nil {
		return err
	}
	engine, err := rules()
	if err != nil {
		return err
	}
	if b.broker, err = broker.Open(ctx, b.dir, broker.Options{Clock: b.clock.Now, Policy: engine}); err != nil {
		return err
	}
	defer func() {
		if closed := b.broker.Close(); err == nil {
			err = closed
		}
	}()
	if err := b.load(ctx, csv); err != nil {
		return err
	}
	for i := range b.Partners {
		if b.plan.partners == nil || strings.Contains(strings.Join(b.plan.partners, " "), b.Partners[i].ID) {
			if err := b.admit(ctx, &b.Partners[i]); err != nil {
				return fmt.Errorf("%s: %w", b.Partners[i].ID, err)
			}
		}
	}
	b.clock.Set(b.asOf)
	if b.closed {
		return drop(b.broker.ClosePeriod(ctx, builderSteward, b.year()))
	}
	return nil
}

func drop(a *broker.Answer, err error) error {
	a.Drop()
	return err
}

func (b *builder) load(ctx context.Context, dir string) error {
	if err := b.WriteCSV(dir); err != nil {
		return err
	}
	res, err := b.broker.Import(ctx, builderSteward, broker.ImportRequest{
		Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: b.AsOf},
	})
	if err == nil && res.Rejected {
		var text strings.Builder
		_ = res.Report.Write(&text)
		return fmt.Errorf("the import was rejected: %s", text.String())
	}
	return err
}

// admit makes a partner with its agreement, roster and consents.
func (b *builder) admit(ctx context.Context, p *sample.Partner) error {
	if err := b.enterPartner(ctx, p); err != nil {
		return err
	}
	if err := b.sign(ctx, p); err != nil {
		return err
	}
	var csv bytes.Buffer
	if err := p.WriteParticipation(&csv); err != nil {
		return err
	}
	if err := drop(b.broker.PutParticipation(ctx, builderOfficer, p.Agreement.ID, &csv)); err != nil {
		return err
	}
	forms := p.Consents
	if b.plan.consents != nil {
		forms = b.plan.consents(p)
	}
	for _, form := range forms {
		if err := b.enter(ctx, p, form); err != nil {
			return fmt.Errorf("%s: %w", form.ID, err)
		}
	}
	return nil
}

func (b *builder) enterPartner(ctx context.Context, p *sample.Partner) error {
	body, err := p.PartnerBody()
	if err != nil {
		return err
	}
	var r broker.PartnerRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	r.Sites, r.Programs = []string{b.Schools[0].ID}, []string{"After-school tutoring", "Mentoring"}
	return drop(b.broker.CreatePartner(ctx, builderOfficer, r))
}

func (b *builder) sign(ctx context.Context, p *sample.Partner) error {
	body, err := p.AgreementBody()
	if err != nil {
		return err
	}
	var r broker.AgreementRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	r.Profile = agreement.PublishedTable // no chance: two towns that are built alike answer alike
	a, err := b.broker.CreateAgreement(ctx, builderOfficer, r)
	if err != nil {
		return err
	}
	var offered struct {
		Data struct {
			Text string `json:"text_sha256"`
		} `json:"data"`
	}
	if err := json.Unmarshal(a.Body(), &offered); err != nil {
		return err
	}
	for _, party := range []string{agreement.DistrictParty, agreement.PartnerParty} {
		s := broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: offered.Data.Text}
		if err := drop(b.broker.Sign(ctx, builderOfficer, r.ID, s)); err != nil {
			return err
		}
	}
	return nil
}

// enter enters a form and, where the family took it back, withdraws it.
func (b *builder) enter(ctx context.Context, p *sample.Partner, form sample.Consent) error {
	raw, err := form.Body(p.Agreement.ID)
	if err != nil {
		return err
	}
	var r broker.ConsentRequest
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	a, err := b.broker.CreateConsent(ctx, builderOfficer, r)
	if err != nil || form.Withdrawn.IsZero() {
		return err
	}
	var made struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(a.Body(), &made); err != nil {
		return err
	}
	return drop(b.broker.WithdrawConsent(ctx, builderOfficer, made.Data.ID, broker.WithdrawRequest{By: r.Signer}))
}

// noonOf is noon in the town on a day, in summer.
func noonOf(day civil.Date) time.Time { return day.Time().Add(17 * time.Hour) }
