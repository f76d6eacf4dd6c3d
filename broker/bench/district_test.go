package bench_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

var (
	officer = broker.Caller{Subject: "Olga Officer", Role: broker.RoleOfficer}
	steward = broker.Caller{Subject: "Stan Steward", Role: broker.RoleSteward}
)

// district is a district at work in a folder of its own.
type district struct {
	*broker.Broker
	t   testing.TB
	dir string
}

// clockFrom is a clock that starts at a moment and then runs.
func clockFrom(at time.Time) func() time.Time {
	began := time.Now()
	return func() time.Time { return at.Add(time.Since(began)) }
}

// anyDay is when a district without records is asked.
var anyDay = time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)

// noon is when a made-up district is asked.
func noon(d *sample.District) time.Time { return d.AsOf.Time().Add(18 * time.Hour) }

// initDistrict makes an empty district below dir.
func initDistrict(t testing.TB, dir string, at time.Time) string {
	t.Helper()
	dir = filepath.Join(dir, "district")
	err := broker.Init(t.Context(), dir, broker.Settings{Name: "Lakeland Public Schools", Host: "data.lakeland.example", TimeZone: "America/Chicago", CreatedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// openDistrict opens a district; it is closed with the test.
func openDistrict(t testing.TB, dir string, at time.Time, change ...func(*broker.Options)) *district {
	t.Helper()
	o := broker.Options{Clock: clockFrom(at)}
	for _, f := range change {
		f(&o)
	}
	b, err := broker.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &district{Broker: b, t: t, dir: dir}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// load imports a folder of plain CSV.
func (d *district) load(path string, marking records.Marking) {
	d.t.Helper()
	result, err := d.Import(d.t.Context(), steward, broker.ImportRequest{
		Path: path, Options: ingest.Options{Snapshot: ingest.SnapshotAll, Marking: marking},
	})
	if err != nil {
		d.t.Fatalf("%v; cause: %v", err, errors.Unwrap(err))
	}
	if result.Rejected {
		var b bytes.Buffer
		_ = result.Report.Write(&b)
		d.t.Fatalf("the import was rejected:\n%.2000s", b.String())
	}
}

// asking says whether families were asked before the first semester was
// published.
type asking bool

const (
	unasked asking = false // a comparison holds figures of the release only
	asked   asking = true  // and consented students beside them, where figures are withheld
)

// furnished is a made-up district with the partners whose agreements are in
// their term, and their rosters; its first semester is published.
func furnished(t testing.TB, dir string, made *sample.District, families asking, change ...func(*broker.Options)) *district {
	t.Helper()
	folder := filepath.Join(dir, "csv")
	if err := made.WriteCSV(folder); err != nil {
		t.Fatal(err)
	}
	return furnishedFrom(t, dir, folder, records.Exceptions, made, families, change...)
}

// furnishedFrom is furnished from an export that was written before.
func furnishedFrom(t testing.TB, dir, folder string, marking records.Marking, made *sample.District, families asking, change ...func(*broker.Options)) *district {
	t.Helper()
	d := openDistrict(t, initDistrict(t, dir, noon(made)), noon(made), change...)
	d.load(folder, marking)
	for i := range made.Partners {
		if p := &made.Partners[i]; p.Agreement.TermTo >= made.AsOf {
			d.enter(p, families)
		}
	}
	d.done(d.ClosePeriod(t.Context(), steward, made.Sessions[1].ID))
	return d
}

// enter makes a partner with its agreement and roster and, if families were
// asked, their forms.
func (d *district) enter(p *sample.Partner, families asking) {
	d.t.Helper()
	ctx := d.t.Context()
	d.done(d.CreatePartner(ctx, officer, bodyOf[broker.PartnerRequest](d.t, p.PartnerBody)))
	d.agree(bodyOf[broker.AgreementRequest](d.t, p.AgreementBody))
	var roster bytes.Buffer
	if err := p.WriteParticipation(&roster); err != nil {
		d.t.Fatal(err)
	}
	d.done(d.PutParticipation(ctx, partnerOf(p.ID), p.Agreement.ID, &roster))
	for _, c := range p.Consents {
		if !families {
			break
		}
		request := bodyOf[broker.ConsentRequest](d.t, func() ([]byte, error) { return c.Body(p.Agreement.ID) })
		d.done(d.CreateConsent(ctx, officer, request))
	}
}

// agree offers an agreement and signs it for both parties.
func (d *district) agree(request broker.AgreementRequest) {
	d.t.Helper()
	a, err := d.CreateAgreement(d.t.Context(), officer, request)
	if err != nil {
		d.t.Fatal(err)
	}
	text := dataOf[struct {
		SHA256 string `json:"text_sha256"`
	}](d.t, a).SHA256
	for _, party := range []string{"district", "partner"} {
		d.done(d.Sign(d.t.Context(), officer, request.ID, broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: text}))
	}
}

// done fails the test when an operation did.
func (d *district) done(a *broker.Answer, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%v; cause: %v", err, errors.Unwrap(err))
	}
	a.Drop()
}

func partnerOf(id string) broker.Caller {
	return broker.Caller{Subject: "Pat Partner", Role: broker.RolePartner, Partner: id}
}

func bodyOf[T any](t testing.TB, body func() ([]byte, error)) (v T) {
	t.Helper()
	text, err := body()
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func dataOf[T any](t testing.TB, a *broker.Answer) T {
	t.Helper()
	defer a.Drop()
	var answer struct {
		Data T `json:"data"`
	}
	if err := json.Unmarshal(a.Body(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

// inMemory is a folder in memory where there is such a place, for what is
// counted and not timed.
func inMemory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hallpass-bench-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
