package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// A made-up district of one school year with two terms. School is held on
// Mondays only, so that it is small.
const (
	madeYear    = "2025-26"
	madeAutumn  = "2025-26-T1"
	madeSpring  = "2025-26-T2"
	madeSchool  = "S1"
	autumnStart = "2025-09-01"
	autumnEnd   = "2026-01-26"
	springStart = "2026-02-02"
	springEnd   = "2026-06-29"
)

// inSpring is a moment of the second term.
var inSpring = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// kid is a child of the made-up district. Everything else about it follows
// from its number.
type kid struct {
	number int
	birth  civil.Date
}

func (k kid) id() string     { return fmt.Sprintf("77%06d", k.number) }
func (k kid) given() string  { return "Given" + letters(k.number) }
func (k kid) family() string { return "Family" + letters(k.number) }
func (k kid) ref() string    { return fmt.Sprintf("ref-%04d", k.number) }
func (k kid) mother() string { return fmt.Sprintf("mo%04d", k.number) }
func (k kid) father() string { return fmt.Sprintf("fa%04d", k.number) }

// letters writes a number as letters, since names have no digits.
func letters(n int) string {
	return strings.Map(func(r rune) rune { return 'a' + r - '0' }, strconv.Itoa(n))
}

// makeKids makes n children of fourteen or so.
func makeKids(n int) []kid {
	kids := make([]kid, n)
	for i := range kids {
		kids[i] = kid{i, civil.Make(2011, time.March, 1) + civil.Date(i)}
	}
	return kids
}

// mondays lists the days of school.
func mondays() []civil.Date {
	var days []civil.Date
	for at := day(autumnStart); at <= day(springEnd); at += 7 {
		days = append(days, at)
	}
	return days
}

// writeMade writes the children's export as plain CSV. Every child misses
// some days, has a mark in each term, and two incidents, one in each term.
func writeMade(t testing.TB, kids []kid) string {
	t.Helper()
	tables := map[string]*strings.Builder{}
	row := func(name string, fields ...string) {
		if tables[name] == nil {
			tables[name] = &strings.Builder{}
		}
		fmt.Fprintln(tables[name], strings.Join(fields, ","))
	}
	row("schools", "school_id", "name", "level")
	row("schools", madeSchool, "First School", "middle")
	row("sessions", "session_id", "title", "type", "start", "end", "parent")
	row("sessions", madeYear, "School year", "schoolYear", autumnStart, springEnd, "")
	row("sessions", madeAutumn, "First term", "term", autumnStart, autumnEnd, madeYear)
	row("sessions", madeSpring, "Second term", "term", springStart, springEnd, madeYear)
	row("calendar", "school_id", "date", "instructional")
	for _, at := range mondays() {
		row("calendar", madeSchool, at.String(), "yes")
	}
	row("students", "student_id", "given_name", "family_name", "birthdate")
	row("enrollments", "student_id", "school_id", "entry", "exit", "grade_level")
	row("attendance", "student_id", "school_id", "date", "code")
	row("grades", "student_id", "school_id", "session_id", "course", "credits", "value", "scale")
	row("discipline", "student_id", "school_id", "date", "incident_id", "incident_type", "action", "days")
	row("guardians", "student_id", "guardian_id", "given_name", "family_name", "relation", "capacity", "language", "holds_rights")
	for _, k := range kids {
		row("students", k.id(), k.given(), k.family(), k.birth.String())
		row("enrollments", k.id(), madeSchool, autumnStart, "", "8")
		for i := range k.number % 5 {
			row("attendance", k.id(), madeSchool, (day(autumnStart) + civil.Date(7*i)).String(), "absent_excused")
			row("attendance", k.id(), madeSchool, (day(springStart) + civil.Date(7*i)).String(), "absent_unexcused")
		}
		row("grades", k.id(), madeSchool, madeAutumn, "Maths", "1", strconv.Itoa(50+k.number%50), "0-100")
		row("grades", k.id(), madeSchool, madeSpring, "Maths", "1", strconv.Itoa(99-k.number%50), "0-100")
		row("discipline", k.id(), madeSchool, "2025-10-06", k.id()+"-1", "bullying", "restorative", "")
		row("discipline", k.id(), madeSchool, "2026-02-09", k.id()+"-2", "vandalism", "other", "")
		row("guardians", k.id(), k.mother(), "Mo", k.family(), "mother", "parent", "en", "yes")
		row("guardians", k.id(), k.father(), "Fa", k.family(), "father", "parent", "en", "yes")
	}
	dir := t.TempDir()
	for name, text := range tables {
		if err := os.WriteFile(filepath.Join(dir, name+".csv"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// madeParticipation is what a partner uploads: ten Mondays of each term.
func madeParticipation(kids []kid) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "participant_ref,given_name,family_name,birthdate,school_id,date")
	for _, k := range kids {
		for i := range 10 {
			for _, from := range []string{autumnStart, springStart} {
				at := day(from) + civil.Date(7*i)
				fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", k.ref(), k.given(), k.family(), k.birth, madeSchool, at)
			}
		}
	}
	return b.Bytes()
}

// made is a district with made-up children.
type made struct{ *district }

// loadMade imports the children.
func (d *made) loadMade(kids []kid) {
	d.t.Helper()
	d.load(writeMade(d.t, kids), ingest.Options{ExportDate: day(springEnd)}) // the whole year at once, whatever day it is
}

// partnerWith makes a partner with an active agreement for each roster, over
// all categories.
func (d *made) partnerWith(partner string, rosters map[string][]kid) {
	d.t.Helper()
	d.newPartner(partner)
	for _, id := range slices.Sorted(maps.Keys(rosters)) {
		d.signed(partner, id)
		d.upload(partner, id, rosters[id])
	}
}

func (d *made) upload(partner, id string, roster []kid) {
	d.t.Helper()
	d.done(d.PutParticipation(d.t.Context(), partnerOf(partner), id, bytes.NewReader(madeParticipation(roster))))
}

func (d *made) newPartner(id string) {
	d.t.Helper()
	d.done(d.CreatePartner(d.t.Context(), officer, broker.PartnerRequest{ID: id, Name: id + " Mentors", LegalEntity: id + " Inc.", Contact: "1 River Street"}))
}

// signed offers an agreement over the year and signs it for both parties.
func (d *made) signed(partner, id string) {
	d.t.Helper()
	d.signedOver(partner, id, consent.Categories(), nil)
}

// signedOver is signed for some categories and indicators; nil is all of them.
func (d *made) signedOver(partner, id string, categories []consent.Category, indicators []string) {
	d.t.Helper()
	d.sign(broker.AgreementRequest{
		ID: id, Partner: partner, Template: "comparison_and_consent", Profile: agreement.PublishedTable, Schools: []string{madeSchool}, Categories: categories, Indicators: indicators,
		TermFrom: day("2025-08-01"), TermTo: day("2027-07-31"), Administrator: "Ada Admin",
	})
}

// sign offers an agreement and signs it for both parties.
func (d *made) sign(req broker.AgreementRequest) {
	d.t.Helper()
	ctx := d.t.Context()
	offered := data[struct {
		Text string `json:"text_sha256"`
	}](d.t, d.must(d.CreateAgreement(ctx, officer, req)))
	for _, party := range []string{"district", "partner"} {
		d.done(d.Sign(ctx, officer, req.ID, broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: offered.Text}))
	}
}

// yes is a mother's consent to everything in an agreement, for the year.
func (d *made) yes(agreement string, k kid) broker.ConsentRequest {
	return broker.ConsentRequest{
		Agreement: agreement, Student: broker.StudentRef{StudentID: k.id()}, Signer: broker.SignerRef{GuardianID: k.mother()},
		Answer: consent.Yes, Categories: consent.Categories(), RecordsFrom: day(autumnStart), RecordsTo: day("2027-06-30"),
		Expires: day("2027-06-30"), SignedAt: d.clock.Now(), Method: consent.Paper,
		Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}
}

// grant is what is read of a consent.
type grant struct {
	ID   string `json:"id"`
	Held []hold `json:"held"`
}

// enter enters a consent as an officer.
func (d *made) enter(req broker.ConsentRequest) grant {
	d.t.Helper()
	return data[grant](d.t, d.must(d.CreateConsent(d.t.Context(), officer, req)))
}

// withdraw ends a consent as an officer, for the mother.
func (d *made) withdraw(id string, k kid) {
	d.t.Helper()
	d.done(d.WithdrawConsent(d.t.Context(), officer, id, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: k.mother()}}))
}

// studentsBody is the member data of a Students answer.
type studentsBody struct {
	Rows []struct {
		Ref        string         `json:"participant_ref"`
		EndsOn     civil.Date     `json:"ends_on"`
		Attendance map[string]any `json:"attendance"`
		Grades     []struct {
			Session string `json:"session"`
		} `json:"grades"`
		Discipline []map[string]any `json:"discipline"`
		Spans      []struct {
			Category string     `json:"category"`
			From     civil.Date `json:"from"`
			To       civil.Date `json:"to"`
		} `json:"spans"`
	} `json:"rows"`
}

// refs lists the participants of an answer.
func (b studentsBody) refs() []string {
	refs := []string{}
	for _, r := range b.Rows {
		refs = append(refs, r.Ref)
	}
	return refs
}

// comparisonBody is the member data of a Comparison answer.
type comparisonBody struct {
	Rows []struct {
		Row     string `json:"row"`
		Figures []struct {
			Indicator string `json:"indicator"`
			Status    string `json:"status"`
			Consented *struct {
				N int `json:"n"`
			} `json:"consented"`
			Whole *struct {
				N *int `json:"n"`
			} `json:"whole"`
		} `json:"figures"`
	} `json:"rows"`
}

// counted is the largest number of children in a consented summary.
func (b comparisonBody) counted() (n int) {
	for _, row := range b.Rows {
		for _, f := range row.Figures {
			if f.Consented != nil {
				n = max(n, f.Consented.N)
			}
		}
	}
	return n
}

func (d *made) students(agreement, partner string) studentsBody {
	d.t.Helper()
	return data[studentsBody](d.t, d.must(d.Students(d.t.Context(), partnerOf(partner), broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent})))
}

func (d *made) comparison(agreement, partner, period string) comparisonBody {
	d.t.Helper()
	return data[comparisonBody](d.t, d.must(d.Comparison(d.t.Context(), partnerOf(partner), broker.ComparisonRequest{Agreement: agreement, Period: period})))
}

func (d *made) closePeriod(session string) {
	d.t.Helper()
	d.done(d.ClosePeriod(d.t.Context(), steward, session))
}

// member reads the member data of whole answer bytes.
func member[T any](body []byte) (T, error) {
	var whole struct {
		Data T `json:"data"`
	}
	err := json.Unmarshal(body, &whole)
	return whole.Data, err
}

// rules are compiled once: every broker of the tests may use the same.
var rules = sync.OnceValues(func() (*policy.Engine, error) { return policy.Load(rego.FS) })

func withRules(t testing.TB) func(*broker.Options) {
	t.Helper()
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *broker.Options) { o.Policy = engine }
}

// fastDir is a directory in memory where there is such a place: what it holds
// need not survive a power cut, and a commit takes no time there.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hallpass-test-*")
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

// newMade is an empty district in memory, with the rules compiled once. It is
// closed and verified when the test ends.
func newMade(t testing.TB, at time.Time, options ...func(*broker.Options)) *made {
	t.Helper()
	return newMadeIn(t, "UTC", at, options...)
}

// newMadeIn is newMade in a time zone.
func newMadeIn(t testing.TB, zone string, at time.Time, options ...func(*broker.Options)) *made {
	t.Helper()
	d := &made{&district{t: t, dir: filepath.Join(fastDir(t), "district"), clock: &clock{now: at}}}
	err := broker.Init(t.Context(), d.dir, broker.Settings{Name: "Lakeview Schools", Host: "data.lakeview.example", TimeZone: zone, CreatedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	d.open(append([]func(*broker.Options){withRules(t)}, options...)...)
	t.Cleanup(func() {
		failed := d.Failed() != nil
		if !failed {
			d.verify()
		}
		if err := d.Close(); err != nil && !failed {
			t.Error(err)
		}
	})
	return d
}

// copyDistrict copies the files of a district that nobody has open.
func copyDistrict(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return writeSparse(target, content)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// page is what a store is written in.
const page = 4096

// writeSparse writes a file without its pages of zeros: a store is long and
// nearly empty.
func writeSparse(path string, content []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for from := 0; from < len(content); from += page {
		part := content[from:min(from+page, len(content))]
		if isZero(part) {
			continue
		}
		if _, err := f.WriteAt(part, int64(from)); err != nil {
			return err
		}
	}
	return f.Truncate(int64(len(content)))
}

func isZero(part []byte) bool {
	var zeros [page]byte
	return bytes.Equal(part, zeros[:len(part)])
}

// harnessCount is how many rounds the budget gives a harness, or otherwise.
func harnessCount(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv("HALLPASS_BUDGET_" + name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HALLPASS_BUDGET_%s is %q, not a number of rounds", name, text)
	}
	return n
}

// hooks lets a test act at the moments at which the broker touches the store:
// at each commit, and at each snapshot of a request whose context says so.
type hooks struct {
	mu     sync.Mutex
	commit func() error // an error makes the commit fail
}

// atCommit sets what happens before each commit from now on; nil ends that.
func (h *hooks) atCommit(fn func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commit = fn
}

func (h *hooks) beforeCommit() error {
	h.mu.Lock()
	fn := h.commit
	h.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn()
}

type snapshotHook struct{}

// atSnapshot returns a context that calls fn after each snapshot that a
// request opens under it.
func atSnapshot(ctx context.Context, fn func()) context.Context {
	return context.WithValue(ctx, snapshotHook{}, fn)
}

// option opens the store through the hooks.
func (h *hooks) option(o *broker.Options) {
	o.Store = func(path string) (store.Engine, error) {
		e, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			return nil, err
		}
		return hooked{e, h}, nil
	}
}

type hooked struct {
	store.Engine
	hooks *hooks
}

func (e hooked) Begin(ctx context.Context, writable bool) (store.EngineTx, error) {
	tx, err := e.Engine.Begin(ctx, writable)
	if err != nil {
		return nil, err
	}
	if fn, ok := ctx.Value(snapshotHook{}).(func()); ok && !writable {
		fn()
	}
	return hookedTx{tx, e.hooks}, nil
}

type hookedTx struct {
	store.EngineTx
	hooks *hooks
}

func (t hookedTx) Commit() error {
	if err := t.hooks.beforeCommit(); err != nil {
		return err
	}
	return t.EngineTx.Commit()
}
