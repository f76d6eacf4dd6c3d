package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// A close of a frozen period writes three times: it finds the freeze, reserves, and
// publishes. The harness kills at each step of each, or at none.
const stepsOfClose = 3 * stepsOfUpdate

func TestHarnessKillsLeaveNoBudgetedFigureUnpaid(t *testing.T) {
	t.Parallel()
	s := newSpender(t)
	n := rounds(t, "BUDGET_KILLS", 6)
	random := rand.New(rand.NewPCG(uint64(n), 33))
	for round := range n {
		step := 1 + round%(stepsOfClose+1)
		if round > stepsOfClose {
			step = 1 + random.IntN(stepsOfClose+1)
		}
		s.close(step)
		if wrong := s.wrong(); wrong != "" {
			t.Fatalf("round %d, killed at step %d: %s", round, step, wrong)
		}
	}
	t.Logf("harness budget_kills: %d kills at the steps of a close, %d of them between a reservation and its figures; %d releases published (%d found the budget spent), each paid for, no account overspent, figures that were readable stay",
		n, s.forfeited, s.published, s.exhausted)
	const enough = 40
	if n >= enough && (s.forfeited == 0 || s.published == 0 || s.exhausted == 0) {
		t.Errorf("something never happened, so this proves little")
	}
}

func TestTheKillsNoticeFiguresThatNobodyPaidFor(t *testing.T) {
	t.Parallel()
	s := newSpender(t)
	s.close(stepsOfClose+1, "free_draws")
	if s.wrong() == "" {
		t.Error("figures without a reservation are not noticed")
	}
}

func TestTheKillsNoticeAStopThatGivesBack(t *testing.T) {
	t.Parallel()
	s := newSpender(t)
	for range 2 {
		s.close(2*stepsOfUpdate+1, "give_back") // after the reservation
	}
	if s.wrong() == "" {
		t.Error("two reservations of which one was given back are not noticed")
	}
}

// spender is a district with one budgeted agreement whose three periods are frozen,
// and what was seen of it.
type spender struct {
	*testing.T
	template, dir string
	officer       string
	seen          map[string]string // figures by period, as they were first read
	pending       map[string]bool   // releases that were found reserved after a kill
	done          bool              // its budget is spent

	forfeited, published, exhausted int
}

func newSpender(t *testing.T) *spender {
	t.Helper()
	s := &spender{T: t, template: filepath.Join(shortDir(t), "t")}
	d := sample.Generate(sample.Options{Seed: 7, Students: 400, Schools: 2})
	now := d.AsOf.Time().Add(20 * time.Hour)
	s.must(broker.Init(t.Context(), s.template, broker.Settings{
		Name: d.Name, Host: "budget.example", TimeZone: d.Timezone, Simulated: now, CreatedAt: now,
	}))
	b, err := broker.Open(t.Context(), s.template, broker.Options{})
	s.must(err)
	defer func() { s.must(b.Close()) }()
	export := filepath.Join(t.TempDir(), "export")
	s.must(d.WriteCSV(export))
	_, err = b.Import(t.Context(), broker.Caller{Subject: "S", Role: broker.RoleSteward}, broker.ImportRequest{Path: export, Options: ingest.Options{Snapshot: ingest.SnapshotAll}})
	s.must(err)
	s.agree(b, &d.Partners[0])
	for _, session := range d.Sessions {
		s.must(drop(b.Freeze(t.Context(), spendOfficer(), session.ID)))
	}
	s.renew()
	return s
}

func spendOfficer() broker.Caller { return broker.Caller{Subject: "O", Role: broker.RoleOfficer} }

func (s *spender) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// agree makes a budgeted agreement that pays for four attempts: of a count with noise
// of two students, and of the totals of its schools.
func (s *spender) agree(b *broker.Broker, p *sample.Partner) {
	ctx, officer := s.Context(), spendOfficer()
	s.must(drop(b.SetDisclosure(ctx, officer, broker.Disclosure{Noise: 20, EpsilonSchool: 80})))
	s.must(drop(b.CreatePartner(ctx, officer, broker.PartnerRequest{ID: p.ID, Name: p.Name, LegalEntity: p.LegalEntity, Contact: p.Contact})))
	s.must(drop(b.CreateAgreement(ctx, officer, broker.AgreementRequest{
		ID: "a", Partner: p.ID, Template: p.Agreement.Template, Schools: p.Agreement.Schools, Profile: agreement.Budgeted, Epsilon: 80,
		Indicators: []string{"chronic_absence"}, Grain: []string{"all"}, TermFrom: p.Agreement.TermFrom, TermTo: p.Agreement.TermTo, Administrator: p.Agreement.Administrator,
	})))
	text, err := b.AgreementText(ctx, officer, "a")
	s.must(err)
	var body struct{ Data struct{ SHA256 string } }
	s.must(json.Unmarshal(text.Body(), &body))
	for _, party := range []string{"district", "partner"} {
		s.must(drop(b.Sign(ctx, officer, "a", broker.SignatureRequest{Party: party, Name: "N", Title: "T", TextSHA256: body.Data.SHA256})))
	}
	var log strings.Builder
	s.must(p.WriteParticipation(&log))
	s.must(drop(b.PutParticipation(ctx, officer, "a", strings.NewReader(log.String()))))
	s.officer, err = b.IssueToken(ctx, broker.TokenRequest{Subject: "O", Role: broker.RoleOfficer, Lifetime: 24 * time.Hour})
	s.must(err)
}

// renew begins with a copy of the template.
func (s *spender) renew() {
	s.dir, s.seen, s.done = filepath.Join(shortDir(s.T), "d"), map[string]string{}, false
	s.pending = map[string]bool{}
	s.must(filepath.WalkDir(s.template, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(s.dir, strings.TrimPrefix(path, s.template))
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	}))
}

// close asks a service that dies at a step to close the next period.
func (s *spender) close(step int, sabotage ...string) {
	s.Helper()
	session := s.next()
	if session == "" {
		s.renew()
		session = s.next()
	}
	run := launch(s.T, "hallpass-mortal", append([]string{s.dir, strconv.Itoa(step)}, sabotage...)...)
	req, err := http.NewRequest(http.MethodPost, run.api+"/periods/"+session+"/close", http.NoBody)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+s.officer)
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		if res.StatusCode >= 300 {
			s.Fatalf("closing %s: %s", session, res.Status)
		}
	} else if step > stepsOfClose {
		s.Fatalf("closing %s: %v", session, err)
	}
	_ = run.cmd.Process.Kill()
	run.wait()
}

// next is the first period that is not published, or nothing when all are or the
// budget is spent.
func (s *spender) next() string {
	if s.done {
		return ""
	}
	b := s.open()
	defer func() { s.must(b.Close()) }()
	for _, p := range s.periods(b) {
		if p.State != "published" {
			return p.ID
		}
	}
	return ""
}

func (s *spender) open() *broker.Broker {
	b, err := broker.Open(s.Context(), s.dir, broker.Options{})
	s.must(err)
	return b
}

type spentPeriod struct {
	ID    string `json:"session_id"`
	State string `json:"state"`
}

func (s *spender) periods(b *broker.Broker) []spentPeriod {
	var body struct{ Periods []spentPeriod }
	s.read(&body)(b.Periods(s.Context(), spendOfficer()))
	return body.Periods
}

// read decodes the member data of an answer.
func (s *spender) read(into any) func(*broker.Answer, error) {
	return func(a *broker.Answer, err error) {
		s.must(err)
		defer a.Drop()
		var body struct{ Data json.RawMessage }
		s.must(json.Unmarshal(a.Body(), &body))
		s.must(json.Unmarshal(body.Data, into))
	}
}

type spentRelease struct{ ID, Cost, State string }

type spentAccount struct {
	Kind, Name, Granted string
	Releases            []spentRelease
}

func (a spentAccount) used() *big.Rat {
	sum := new(big.Rat)
	for _, r := range a.Releases {
		cost, _ := new(big.Rat).SetString(r.Cost)
		sum.Add(sum, cost)
	}
	return sum
}

// wrong opens the district after a kill and says what is not as it must be: the log,
// an account that is overspent, a reservation that nobody was charged for, a figure
// that nobody paid for, a figure that changed.
func (s *spender) wrong() string {
	b := s.open()
	defer func() { s.must(b.Close()) }()
	if _, err := b.VerifyLog(s.Context(), nil); err != nil {
		return "the log does not verify: " + err.Error()
	}
	var body struct {
		Years []struct {
			Student  string `json:"granted_student"`
			Accounts []spentAccount
		}
	}
	s.read(&body)(b.Budgets(s.Context(), spendOfficer()))
	states, charged := map[string]string{}, 0
	for _, year := range body.Years {
		for _, a := range year.Accounts {
			for _, grant := range []string{a.Granted, year.Student} {
				if most, _ := new(big.Rat).SetString(grant); a.used().Cmp(most) > 0 {
					return fmt.Sprintf("%s %s used %v of %s", a.Kind, a.Name, a.used(), grant)
				}
			}
			if a.Kind == "agreement" {
				charged = len(a.Releases)
				for _, r := range a.Releases {
					states[r.ID] = r.State
				}
			}
		}
	}
	if reserved := min(s.reservations(b), attemptsPaid); charged != reserved {
		return fmt.Sprintf("%d attempts reserved, and %d were charged", reserved, charged)
	}
	for id, state := range states {
		if state == "reserved" && !s.pending[id] {
			s.pending[id], s.forfeited = true, s.forfeited+1
		}
	}
	return s.unpaid(b, states)
}

// attemptsPaid is how many attempts the students' epsilon of 8 pays for: a count and
// a total with noise of two students are 0.25 of 1.05.
const attemptsPaid = 4

func (s *spender) reservations(b *broker.Broker) (n int) {
	var body struct{ Entries []struct{ Event tlog.Event } }
	s.read(&body)(b.Entries(s.Context(), broker.Caller{Subject: "A", Role: broker.RoleAuditor}, broker.EntriesRequest{Limit: 1000}))
	for _, e := range body.Entries {
		if e.Event == tlog.BudgetReserved {
			n++
		}
	}
	return n
}

// unpaid reads the figures of every published period.
func (s *spender) unpaid(b *broker.Broker, states map[string]string) string {
	for _, p := range s.periods(b) {
		if p.State != "published" {
			continue
		}
		var shown struct {
			Budget struct {
				Exhausted bool
				Release   string
			}
			Rows json.RawMessage
		}
		partner := broker.Caller{Subject: "P", Role: broker.RolePartner, Partner: s.partner(b)}
		s.read(&shown)(b.Comparison(s.Context(), partner, broker.ComparisonRequest{Agreement: "a", Period: p.ID}))
		was, before := s.seen[p.ID]
		switch {
		case before && was != string(shown.Rows):
			return "the figures of " + p.ID + " changed"
		case !shown.Budget.Exhausted && !strings.Contains(string(shown.Rows), `"ok"`):
			return "the figures of " + p.ID + " show nothing, so that the test proves nothing"
		case !shown.Budget.Exhausted && states[shown.Budget.Release] != "settled":
			return fmt.Sprintf("the figures of %s stand in the ledger as %q", p.ID, states[shown.Budget.Release])
		}
		if s.seen[p.ID] = string(shown.Rows); before {
			continue
		}
		s.published++
		if shown.Budget.Exhausted {
			s.exhausted, s.done = s.exhausted+1, true
		}
	}
	return ""
}

func (s *spender) partner(b *broker.Broker) string {
	var a struct{ Partner string }
	s.read(&a)(b.Agreement(s.Context(), spendOfficer(), "a"))
	return a.Partner
}
