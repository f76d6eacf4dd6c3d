package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/consent"
)

// serviceLog is the service's own log.
type serviceLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *serviceLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *serviceLog) option(o *broker.Options) {
	o.Log = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// played is a district that has been through everything, with what it must
// not give away and what it said.
type played struct {
	*made
	needles needles
	log     *serviceLog
	said    bytes.Buffer // error bodies and reports
}

// hear keeps the body of an error, or what an answer says.
func (p *played) hear(a *broker.Answer, err error) {
	p.t.Helper()
	if err == nil {
		if a != nil {
			fmt.Fprintf(&p.said, "%s\n", a.Body())
		}
		a.Drop()
		return
	}
	fmt.Fprintf(&p.said, "%v\n%+v\n", err, err)
	if e, ok := errors.AsType[*broker.Error](err); ok {
		fmt.Fprintf(&p.said, "%s %v %v %s\n", e.Detail, e.Fields, e.Reasons, e.Receipt)
		if e.Cause() != nil {
			p.log.Write([]byte(e.Cause().Error() + "\n")) // what a service would write into its log
		}
	}
}

func (p *played) close(t *testing.T) {
	t.Helper()
	if err := p.reopen(nil, p.log.option); err != nil {
		t.Fatal(err)
	}
}

// check searches everything.
func (p *played) check(t *testing.T) {
	t.Helper()
	p.close(t)
	for _, found := range p.needles.searchAll(t, p.dir) {
		t.Error(found)
	}
	for name, content := range map[string][]byte{"the log of the service": p.log.buf.Bytes(), "an error or report": p.said.Bytes()} {
		if text, at := p.needles.search(content); at >= 0 {
			t.Errorf("%s holds %q: %q", name, text, content[max(0, at-80):min(len(content), at+80)])
		}
	}
	if p.needles.size() < 1000 || p.said.Len() == 0 {
		t.Errorf("only %d needles and %d bytes of errors: the test tests nothing", p.needles.size(), p.said.Len())
	}
}

func newPlayed(t *testing.T, at time.Time, dir string, o ingest.Options) *played {
	t.Helper()
	log := &serviceLog{}
	p := &played{made: newMade(t, at, log.option), needles: readNeedles(t, dir), log: log}
	p.load(dir, o)
	return p
}

// provoke asks for about forty things that are refused, each with somebody's
// data in it.
func (p *played) provoke(agreement, partner string, who map[string]string) {
	ctx, outsider := p.t.Context(), partnerOf("nobody")
	ref := broker.StudentRef{StudentID: who["student_id"]}
	good := broker.ConsentRequest{
		Agreement: agreement, Student: ref, Signer: broker.SignerRef{GuardianID: who["guardian_id"]}, Answer: consent.Yes,
		Categories: []consent.Category{consent.Attendance}, RecordsFrom: day("2000-01-01"), RecordsTo: day("2040-01-01"), Expires: day("2040-01-01"),
		SignedAt: p.clock.Now(), Method: consent.Paper, Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}
	for _, spoil := range []func(*broker.ConsentRequest){
		func(r *broker.ConsentRequest) { r.Student.ParticipantRef = who["family_name"] },
		func(r *broker.ConsentRequest) { r.Student = broker.StudentRef{} },
		func(r *broker.ConsentRequest) { r.Student = broker.StudentRef{StudentID: who["student_id"] + "x"} },
		func(r *broker.ConsentRequest) { r.Student = broker.StudentRef{ParticipantRef: who["family_name"]} },
		func(r *broker.ConsentRequest) { r.Signer = broker.SignerRef{GuardianID: who["family_name"]} },
		func(r *broker.ConsentRequest) { r.Signer = broker.SignerRef{Name: who["family_name"]} },
		func(r *broker.ConsentRequest) {
			r.Signer = broker.SignerRef{GuardianID: who["guardian_id"], Self: true}
		},
		func(r *broker.ConsentRequest) { r.Answer = consent.Answer(who["family_name"]) },
		func(r *broker.ConsentRequest) {
			r.Categories = []consent.Category{consent.Category(who["family_name"])}
		},
		func(r *broker.ConsentRequest) { r.Categories = nil },
		func(r *broker.ConsentRequest) { r.RecordsFrom = 0 },
		func(r *broker.ConsentRequest) { r.RecordsTo = r.RecordsFrom - 1 },
		func(r *broker.ConsentRequest) { r.Expires = 0 },
		func(r *broker.ConsentRequest) { r.SignedAt = p.clock.Now().Add(time.Hour) },
		func(r *broker.ConsentRequest) { r.Method = consent.Method(who["family_name"]) },
		func(r *broker.ConsentRequest) { r.Text.Language = who["family_name"] },
		func(r *broker.ConsentRequest) { r.Text.SHA256 = who["family_name"] },
		func(r *broker.ConsentRequest) { r.Evidence = consent.Evidence{} },
		func(r *broker.ConsentRequest) { r.Agreement = who["family_name"] },
	} {
		req := good
		spoil(&req)
		p.hear(p.CreateConsent(ctx, officer, req))
		p.hear(p.CreateConsent(ctx, partnerOf(partner), req))
	}
	p.hear(p.Students(ctx, outsider, broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent}))
	p.hear(p.Students(ctx, partnerOf(partner), broker.StudentsRequest{Agreement: agreement, Period: who["family_name"]}))
	p.hear(p.Comparison(ctx, partnerOf(partner), broker.ComparisonRequest{Agreement: agreement, School: who["family_name"]}))
	p.hear(p.Comparison(ctx, partnerOf(partner), broker.ComparisonRequest{Agreement: who["family_name"]}))
	p.hear(p.WithdrawConsent(ctx, officer, who["student_id"], broker.WithdrawRequest{}))
	p.hear(p.Consent(ctx, broker.Caller{Subject: who["guardian_id"], Role: broker.RoleGuardian}, who["student_id"]))
	p.hear(p.DecideMatch(ctx, steward, who["family_name"], broker.MatchRequest{StudentID: who["student_id"]}))
	p.hear(p.DecideMatch(ctx, steward, who["family_name"], broker.MatchRequest{StudentID: who["student_id"], None: true}))
	p.hear(p.DecideDuplicate(ctx, steward, who["guardian_id"], broker.DuplicateRequest{Decision: broker.DuplicateConfirm}))
	p.hear(p.DecideDuplicate(ctx, steward, who["guardian_id"], broker.DuplicateRequest{Decision: who["guardian_id"]}))
	p.hear(p.CreatePartner(ctx, officer, broker.PartnerRequest{ID: who["family_name"]}))
	p.hear(p.ClosePeriod(ctx, steward, who["family_name"]))
	p.hear(nil, p.RecordMisdirected(ctx, partnerOf(partner), "expired"))
	for _, text := range []string{
		"participant_ref,given_name,family_name,birthdate,school_id,date\nr1,%s,%s,%s,nowhere,2025-10-06\n",
		"participant_ref,given_name,family_name,birthdate,school_id,date\nr1,%s,%s,%s\n",
		"participant_ref,ssn\n%s %s,%s\n",
	} {
		upload := fmt.Sprintf(text, who["given_name"], who["family_name"], who["birthdate"])
		p.hear(p.PutParticipation(ctx, partnerOf(partner), agreement, strings.NewReader(upload)))
		p.hear(p.PutRoster(ctx, partnerOf(partner), agreement, strings.NewReader(upload)))
	}
}

// badImport imports files whose every row is wrong, and keeps the report.
func (p *played) badImport(t *testing.T, who map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"schools.csv":     "school_id,name,level\n" + who["student_id"] + ",\n",
		"sessions.csv":    "session_id,title,type,start,end\nx,x," + who["family_name"] + "," + who["birthdate"] + ",never\n",
		"students.csv":    "student_id,given_name,family_name,birthdate,sex\n" + who["student_id"] + "," + who["given_name"] + "," + who["family_name"] + "," + who["family_name"] + "," + who["family_name"] + "\n" + who["student_id"] + ",,,\n",
		"enrollments.csv": "student_id,school_id,entry,exit\n" + who["student_id"] + "," + who["family_name"] + "," + who["family_name"] + "," + who["birthdate"] + "\n",
		"guardians.csv":   "student_id,guardian_id,given_name,holds_rights,capacity\n" + who["student_id"] + "," + who["guardian_id"] + "," + who["given_name"] + "," + who["family_name"] + "," + who["family_name"] + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := p.Import(context.WithoutCancel(t.Context()), steward, broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll}})
	if err != nil {
		p.hear(nil, err)
		return
	}
	if !res.Rejected {
		t.Error("the bad files were not rejected")
	}
	if err := res.Report.Write(&p.said); err != nil {
		t.Error(err)
	}
	if err := json.MarshalWrite(&p.said, res.Report); err != nil {
		t.Error(err)
	}
}

// victim is a student of an input with a guardian.
func victim(t *testing.T, dir string) map[string]string {
	t.Helper()
	guardians := map[string]map[string]string{}
	for _, g := range readTable(t, filepath.Join(dir, "guardians.csv")) {
		guardians[g["student_id"]] = g
	}
	for _, s := range readTable(t, filepath.Join(dir, "students.csv")) {
		if g := guardians[s["student_id"]]; g != nil {
			s["guardian_id"] = g["guardian_id"]
			return s
		}
	}
	t.Fatal("nobody with a guardian")
	return nil
}

func TestNoFileOfARealDistrictHoldsAName(t *testing.T) {
	t.Parallel()
	dir := sharedData(t, "uci-por")
	p := newPlayed(t, time.Date(2006, 6, 30, 12, 0, 0, 0, time.UTC), dir, ingest.Options{})
	p.newPartner("river")
	p.sign(broker.AgreementRequest{
		ID: "a1", Partner: "river", Template: "comparison_and_consent", Schools: []string{"GP", "MS"},
		TermFrom: day("2005-09-01"), TermTo: day("2007-08-31"), Administrator: "Ada Admin",
	})
	roster, err := os.ReadFile(filepath.Join(dir, "partner", "participation.csv"))
	if err != nil {
		t.Fatal(err)
	}
	p.done(p.PutParticipation(t.Context(), partnerOf("river"), "a1", bytes.NewReader(roster)))
	given := 0
	for _, g := range readTable(t, filepath.Join(dir, "guardians.csv")) {
		if given >= 40 {
			break
		}
		a, err := p.CreateConsent(t.Context(), officer, broker.ConsentRequest{
			Agreement: "a1", Student: broker.StudentRef{StudentID: g["student_id"]}, Signer: broker.SignerRef{GuardianID: g["guardian_id"]},
			Answer: consent.Yes, Categories: []consent.Category{consent.Attendance, consent.Grades}, RecordsFrom: day("2005-09-01"), RecordsTo: day("2006-08-31"),
			Expires: day("2006-12-31"), SignedAt: p.clock.Now(), Method: consent.Paper,
			Text: broker.TextRef{Version: "1", Language: "pt", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
		})
		p.hear(a, err)
		if err == nil {
			given++
		}
	}
	p.closePeriod("2005-06")
	if rows := p.students("a1", "river").Rows; len(rows) == 0 {
		t.Error("no rows were released: the test tests nothing")
	}
	p.comparison("a1", "river", "")
	p.done(p.Matches(t.Context(), steward))
	who := victim(t, dir)
	p.provoke("a1", "river", who)
	p.badImport(t, who)
	p.check(t)
}

// requestOf reads the sample's request into the broker's.
func requestOf[T any](t *testing.T, raw []byte, err error) (req T) {
	t.Helper()
	if err == nil {
		err = json.Unmarshal(raw, &req)
	}
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestNoFileOfASampleDistrictHoldsAName(t *testing.T) {
	t.Parallel()
	town := sample.Generate(sample.Options{Seed: 9, Students: 300, Schools: 5})
	dir := t.TempDir()
	if err := town.WriteCSV(dir); err != nil {
		t.Fatal(err)
	}
	p := newPlayed(t, town.AsOf.Time().Add(18*time.Hour), dir, ingest.Options{})
	for i := range town.Partners[:2] {
		partner := &town.Partners[i]
		raw, err := partner.PartnerBody()
		p.done(p.CreatePartner(t.Context(), officer, requestOf[broker.PartnerRequest](t, raw, err)))
		raw, err = partner.AgreementBody()
		p.sign(requestOf[broker.AgreementRequest](t, raw, err))
		var upload bytes.Buffer
		if err := partner.WriteParticipation(&upload); err != nil {
			t.Fatal(err)
		}
		p.done(p.PutParticipation(t.Context(), partnerOf(partner.ID), partner.Agreement.ID, &upload))
		for _, c := range partner.Consents {
			raw, err := c.Body(partner.Agreement.ID)
			p.hear(p.CreateConsent(t.Context(), officer, requestOf[broker.ConsentRequest](t, raw, err)))
		}
	}
	p.closePeriod(town.Sessions[1].ID)
	agreement, partner := town.Partners[0].Agreement.ID, town.Partners[0].ID
	if rows := p.students(agreement, partner).Rows; len(rows) == 0 {
		t.Error("no rows were released: the test tests nothing")
	}
	p.comparison(agreement, partner, "")
	p.done(p.Matches(t.Context(), steward))
	who := victim(t, dir)
	p.provoke(agreement, partner, who)
	p.badImport(t, who)
	p.check(t)
}

// Where the header row was forgotten the first child stands in its place, and
// must not be taken for the names of columns.
func TestAFileWithoutAHeaderRowEchoesNobody(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	p := &played{made: d, needles: readNeedles(t, writeMade(t, kids)), log: &serviceLog{}}
	for _, lines := range []int{1, 2} {
		_, rows, _ := bytes.Cut(madeParticipation(kids[:lines]), []byte("\n"))
		p.hear(p.PutParticipation(t.Context(), partnerOf("river"), "a1", bytes.NewReader(rows)))
		p.hear(p.PutRoster(t.Context(), partnerOf("river"), "a1", bytes.NewReader(rows)))
	}
	dir := writeMade(t, kids)
	for _, name := range []string{"students.csv", "guardians.csv", "enrollments.csv"} {
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rows, _ := bytes.Cut(content, []byte("\n"))
		if err := os.WriteFile(path, rows, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := p.Import(t.Context(), steward, broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll}})
	if err != nil {
		p.hear(nil, err)
	} else if err := res.Report.Write(&p.said); err != nil {
		t.Fatal(err)
	}
	if text, at := p.needles.search(p.said.Bytes()); at >= 0 {
		t.Errorf("the report holds %q: %q", text, p.said.Bytes()[max(0, at-60):at+60])
	}
}

// A name that does get into a file must be found: here one that an officer
// wrote into the purpose of an agreement.
func TestTheSearchFindsAPlantedName(t *testing.T) {
	t.Parallel()
	kids := makeKids(20)
	d := newMade(t, inSpring)
	d.loadMade(kids)
	n := readNeedles(t, writeMade(t, kids))
	if err := d.reopen(nil); err != nil {
		t.Fatal(err)
	}
	for _, found := range n.searchAll(t, d.dir) {
		t.Error(found)
	}
	d.newPartner("river")
	d.sign(broker.AgreementRequest{
		ID: "a1", Partner: "river", Template: "comparison_and_consent", PurposeText: "To help " + kids[7].family() + " and others.",
		Schools: []string{madeSchool}, TermFrom: day("2025-08-01"), TermTo: day("2027-07-31"), Administrator: "Ada Admin",
	})
	if err := d.reopen(nil); err != nil {
		t.Fatal(err)
	}
	if found := n.searchAll(t, d.dir); len(found) != 1 || !strings.Contains(found[0], "store.db") {
		t.Errorf("the planted name was found %d times: %v", len(found), found)
	}
	for _, planted := range []string{kids[3].id(), kids[3].birth.String(), strings.ToUpper(kids[3].given()), "x" + kids[3].mother() + "x"} {
		if _, at := n.search([]byte("\x00\x01" + planted)); at < 0 {
			t.Errorf("%q is not found", planted)
		}
	}
}
