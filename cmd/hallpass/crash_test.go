package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// hasty serves a district as hallpass serve does, but acknowledges before the
// store has committed: the sabotage that the crash test must notice.
func hasty() {
	sabotaged(broker.Options{StoreSabotage: store.Sabotage{AckBeforeCommit: true}, Sabotage: broker.Sabotage{EarlyAck: true}})
}

// sabotaged serves the district in the first argument, without a guard, until
// it is killed.
func sabotaged(o broker.Options) {
	err := serveSabotaged(context.Background(), os.Args[1], o)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitFailed)
}

func serveSabotaged(ctx context.Context, dir string, o broker.Options) error {
	b, err := broker.Open(ctx, dir, o)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	server, err := listen(served{b, dir}, service{listen: "127.0.0.1:0"}, log)
	if err != nil {
		return err
	}
	a := &app{stdout: os.Stdout, stderr: os.Stderr}
	a.announce(b, service{}, server, log)
	return server.Serve(ctx)
}

// rounds is how often a harness kills, by the budget or few.
func rounds(t *testing.T, harness string, few int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("HALLPASS_BUDGET_" + harness))
	if err != nil {
		return few
	}
	return n
}

func TestHarnessKills(t *testing.T) {
	t.Parallel()
	n := rounds(t, "KILLS", 3)
	var c *crasher
	var all acknowledged
	for round := range n {
		if round%killsADistrict == 0 {
			c = newCrasher(t)
		}
		c.load(round, "hallpass", "serve", "--dir", c.dir, "--listen", "127.0.0.1:0", "--ops-listen", "")
		if lost := c.lost(); lost != "" {
			t.Fatalf("round %d: %s", round, lost)
		}
		if (round+1)%killsADistrict == 0 || round == n-1 {
			all.add(c)
		}
	}
	t.Logf("harness kills: %d kills under load, %d answers acknowledged (%d grants, %d withdrawals, %d imports, %d rows read), none lost, the log verified each time",
		n, all.answers, all.grants, all.withdrawals, all.imports, all.reads)
	if all.answers < 10*n || all.withdrawals == 0 || all.reads == 0 {
		t.Errorf("too little was acknowledged to prove anything")
	}
}

// killsADistrict is after how many kills a new district takes the place of the old
// one: after each kill everything that was ever acknowledged is looked for, which
// takes longer each time.
const killsADistrict = 50

// acknowledged counts what was, over all districts.
type acknowledged struct{ answers, grants, withdrawals, imports, reads int }

func (a *acknowledged) add(c *crasher) {
	a.answers, a.grants, a.withdrawals = a.answers+c.acked, a.grants+len(c.granted), a.withdrawals+len(c.withdrawn)
	a.imports, a.reads = a.imports+c.imports, a.reads+c.reads
}

func TestAnAcknowledgementBeforeTheCommitIsNoticed(t *testing.T) {
	t.Parallel()
	c := newCrasher(t)
	for round := range 60 {
		c.load(round, "hallpass-hasty", c.dir)
		if c.lost() != "" {
			return
		}
	}
	t.Error("60 kills of a service that acknowledges too early lost nothing: the crash test cannot fail")
}

// crasher is a district under load with a journal of what was acknowledged.
type crasher struct {
	t        *testing.T
	dir      string
	exports  [2]string // two states of the district's export
	children []child
	officer  string
	partner  string
	roster   []byte

	mu        sync.Mutex
	api       string
	kill      func()
	untilKill int
	acked     int
	reads     int
	imports   int
	granted   map[string]bool // consents by id
	withdrawn map[string]bool
	receipts  []tlog.Receipt
	version   uint64
}

// child is a participant with a guardian who may sign.
type child struct{ student, guardian string }

func newCrasher(t *testing.T) *crasher {
	t.Helper()
	d := sample.Generate(sample.Options{Seed: 7, Students: 160, Schools: 4})
	c := &crasher{t: t, dir: filepath.Join(shortDir(t), "d"), granted: map[string]bool{}, withdrawn: map[string]bool{}}
	c.must(broker.Init(t.Context(), c.dir, broker.Settings{
		Name: d.Name, Host: "crash.example", TimeZone: d.Timezone, Simulated: d.AsOf.Time().Add(20 * time.Hour), CreatedAt: d.AsOf.Time().Add(20 * time.Hour),
	}))
	for i := range c.exports {
		c.exports[i] = filepath.Join(t.TempDir(), "export")
		c.must(d.WriteCSV(c.exports[i]))
	}
	// The second export lacks the last mark of the register.
	register := filepath.Join(c.exports[1], "attendance.csv")
	text, err := os.ReadFile(register)
	c.must(err)
	text = text[:bytes.LastIndexByte(bytes.TrimSpace(text), '\n')+1]
	c.must(os.WriteFile(register, text, 0o600))
	c.furnish(d)
	return c
}

func (c *crasher) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// furnish loads the district, one partner and its roster.
func (c *crasher) furnish(d *sample.District) {
	ctx, officer := c.t.Context(), broker.Caller{Subject: "O", Role: broker.RoleOfficer}
	b, err := broker.Open(ctx, c.dir, broker.Options{})
	c.must(err)
	defer func() { c.must(b.Close()) }()
	_, err = b.Import(ctx, broker.Caller{Subject: "S", Role: broker.RoleSteward}, c.export(0))
	c.must(err)
	p := &d.Partners[0]
	c.must(drop(b.CreatePartner(ctx, officer, broker.PartnerRequest{ID: p.ID, Name: p.Name, LegalEntity: p.LegalEntity, Contact: p.Contact})))
	c.must(drop(b.CreateAgreement(ctx, officer, broker.AgreementRequest{
		ID: "a", Partner: p.ID, Template: p.Agreement.Template, Schools: p.Agreement.Schools,
		TermFrom: p.Agreement.TermFrom, TermTo: p.Agreement.TermTo, Administrator: p.Agreement.Administrator,
	})))
	text, err := b.AgreementText(ctx, officer, "a")
	c.must(err)
	var body struct{ Data struct{ SHA256 string } }
	c.must(json.Unmarshal(text.Body(), &body))
	for _, party := range []string{"district", "partner"} {
		c.must(drop(b.Sign(ctx, officer, "a", broker.SignatureRequest{Party: party, Name: "N", Title: "T", TextSHA256: body.Data.SHA256})))
	}
	var log bytes.Buffer
	c.must(p.WriteParticipation(&log))
	c.roster = bytes.Clone(log.Bytes())
	c.must(drop(b.PutParticipation(ctx, officer, "a", &log)))
	for _, answer := range p.Consents {
		if answer.Capacity != "eligible_student" {
			c.children = append(c.children, child{answer.StudentID, answer.Signer})
		}
	}
	c.officer, err = b.IssueToken(ctx, broker.TokenRequest{Subject: "O", Role: broker.RoleOfficer, Lifetime: 24 * time.Hour})
	c.must(err)
	c.partner, err = b.IssueToken(ctx, broker.TokenRequest{Subject: "P", Role: broker.RolePartner, Partner: p.ID, Lifetime: 24 * time.Hour})
	c.must(err)
}

func drop(a *broker.Answer, err error) error {
	a.Drop()
	return err
}

func (c *crasher) export(i int) broker.ImportRequest {
	return broker.ImportRequest{Path: c.exports[i%2], Options: ingest.Options{Snapshot: ingest.SnapshotAll}}
}

// load serves the district, puts it under mixed load, and kills it in the
// middle of it.
func (c *crasher) load(round int, program string, args ...string) {
	c.t.Helper()
	s := launch(c.t, program, args...)
	c.api = s.api
	random := rand.New(rand.NewPCG(uint64(round), 11))
	c.untilKill = 5 + random.IntN(60)
	killed := make(chan struct{})
	c.kill = sync.OnceFunc(func() {
		c.must(s.cmd.Process.Kill())
		close(killed)
	})
	var work sync.WaitGroup
	for worker := range 3 {
		work.Go(func() { c.families(round*3+worker, killed) })
	}
	work.Go(func() { c.readers(killed) })
	work.Go(func() { c.importers(round, killed) })
	work.Wait()
	s.wait()
}

// launched is a program that serves a district, until it is killed.
type launched struct {
	cmd    *exec.Cmd
	api    string
	ops    string // address of metrics and health
	output sync.WaitGroup
}

// launch starts a program and waits until it says that it serves.
func launch(t *testing.T, program string, args ...string) *launched {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	s := &launched{cmd: exec.Command(path, args...)}
	stderr, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(stderr)
	var said strings.Builder
	for s.api == "" && scan.Scan() {
		said.WriteString(scan.Text() + "\n")
		if strings.Contains(scan.Text(), `"serving"`) {
			s.api = regexp.MustCompile(`http://[0-9.:]+/v1`).FindString(scan.Text())
			if found := regexp.MustCompile(`"ops":"([0-9.:]+)"`).FindStringSubmatch(scan.Text()); found != nil {
				s.ops = found[1]
			}
		}
	}
	if s.api == "" {
		t.Fatalf("%s did not serve:\n%s", program, said.String())
	}
	s.output.Go(func() { _, _ = io.Copy(io.Discard, stderr) })
	return s
}

// wait returns when the killed program is gone.
func (s *launched) wait() {
	s.output.Wait()
	_ = s.cmd.Wait()
}

// acknowledge journals an acknowledged answer and pulls the plug when it is
// time. What was acknowledged before is never taken back.
func (c *crasher) acknowledge(answer []byte, note func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, receipt, ok := tlog.SplitAnswer(answer); ok {
		if r, err := tlog.ParseReceipt(receipt); err == nil {
			c.receipts = append(c.receipts, r)
		}
	}
	c.acked++
	note()
	if c.untilKill--; c.untilKill <= 0 {
		c.kill()
	}
}

func done(killed chan struct{}) bool {
	select {
	case <-killed:
		return true
	default:
		return false
	}
}

// families say yes and stop again.
func (c *crasher) families(seed int, killed chan struct{}) {
	random := rand.New(rand.NewPCG(uint64(seed), 12))
	for !done(killed) {
		kid := c.children[random.IntN(len(c.children))]
		answer, ok := c.ask(c.officer, http.MethodPost, "/consents", c.yes(kid))
		if !ok {
			continue
		}
		var made struct{ Data struct{ ID string } }
		if json.Unmarshal(answer, &made) != nil || made.Data.ID == "" {
			continue
		}
		c.acknowledge(answer, func() { c.granted[made.Data.ID] = true })
		if random.IntN(2) == 0 {
			stop := map[string]any{"by": map[string]string{"guardian_id": kid.guardian}}
			if answer, ok := c.ask(c.officer, http.MethodPost, "/consents/"+made.Data.ID+"/withdraw", stop); ok {
				c.acknowledge(answer, func() { c.withdrawn[made.Data.ID] = true })
			}
		}
	}
}

func (c *crasher) yes(kid child) map[string]any {
	const paper = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	year := sample.Generate(sample.Options{Seed: 7, Students: 1, Schools: 1}).Year
	return map[string]any{
		"agreement": "a", "student": map[string]string{"student_id": kid.student}, "signer": map[string]string{"guardian_id": kid.guardian},
		"answer": "yes", "categories": []string{"attendance"}, "records_from": year.Start.String(), "records_to": year.End.String(),
		"expires": year.End.AddYears(1).String(), "signed_at": year.Start.Time(), "method": "paper",
		"text": map[string]string{"version": "1", "language": "en", "sha256": paper}, "evidence": map[string]string{"kind": "scan", "sha256": paper},
	}
}

func (c *crasher) readers(killed chan struct{}) {
	for !done(killed) {
		if answer, ok := c.ask(c.partner, http.MethodGet, "/agreements/a/students?period=current", nil); ok {
			c.acknowledge(answer, func() { c.reads++ })
		}
	}
}

// importers load one state of the export after the other, by the command.
func (c *crasher) importers(round int, killed chan struct{}) {
	path, err := exec.LookPath("hallpass")
	c.must(err)
	for i := round + 1; !done(killed); i++ {
		cmd := exec.Command(path, "import", "csv", "--dir", c.dir, "--snapshot", "all", "--output", "json", c.exports[i%2])
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		var result struct{ Version uint64 }
		if err == nil && json.Unmarshal(out, &result) == nil && !done(killed) {
			c.acknowledge(nil, func() { c.imports, c.version = c.imports+1, max(c.version, result.Version) })
		}
	}
}

// ask makes one request; ok only for an answer that arrived whole.
func (c *crasher) ask(token, method, path string, body any) (answer []byte, ok bool) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		c.must(err)
		text = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.api+path, text)
	c.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return answer, err == nil && res.StatusCode < 300
}

// lost opens the district again and says what of the journal is not there, or
// nothing. The log must verify whatever happened.
func (c *crasher) lost() string {
	ctx, officer := c.t.Context(), broker.Caller{Subject: "O", Role: broker.RoleOfficer}
	b, err := broker.Open(ctx, c.dir, broker.Options{})
	if err != nil {
		return "the district does not open: " + err.Error()
	}
	defer func() { c.must(b.Close()) }()
	if _, err := b.VerifyLog(ctx, nil); err != nil {
		return "the log does not verify: " + err.Error()
	}
	for id := range c.granted {
		a, err := b.Consent(ctx, officer, id)
		if err != nil {
			return "an acknowledged consent is not there"
		}
		if stopped := bytes.Contains(a.Body(), []byte(`"withdrawn_at"`)); c.withdrawn[id] && !stopped {
			return "an acknowledged withdrawal is not there"
		}
	}
	for _, r := range c.receipts {
		raw, err := b.Prove(ctx, uint64(r.Index))
		if err != nil {
			return fmt.Sprintf("entry %d of an acknowledged receipt is not there", r.Index)
		}
		now, err := tlog.ParseReceipt(raw)
		if err != nil || !bytes.Equal(now.Leaf, r.Leaf) {
			return fmt.Sprintf("entry %d is another than the acknowledged one", r.Index)
		}
	}
	res, err := b.Import(ctx, broker.Caller{Subject: "S", Role: broker.RoleSteward}, broker.ImportRequest{
		Path: c.exports[0], Options: ingest.Options{Snapshot: ingest.SnapshotAll}, DryRun: true,
	})
	c.must(err)
	if res.Version < c.version {
		return fmt.Sprintf("data version %d was acknowledged, %d is there", c.version, res.Version)
	}
	c.receipts = c.receipts[:0]
	return ""
}
