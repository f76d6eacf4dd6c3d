package broker_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
)

// agreed is a district in spring in which three families said yes to river.
func agreed(t *testing.T, options ...func(*broker.Options)) (*made, []kid, []grant) {
	t.Helper()
	d := newMade(t, inSpring, options...)
	kids := makeKids(20)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids[:12], "a2": kids[2:14]})
	var grants []grant
	for _, k := range kids[:3] {
		grants = append(grants, d.enter(d.yes("a1", k)))
	}
	d.clock.Set(inSpring.Add(time.Hour))
	return d, kids, grants
}

func limit(of time.Duration) func(*broker.Options) {
	return func(o *broker.Options) { o.BarrierLimit = of }
}

func sabotaged(s broker.Sabotage) func(*broker.Options) {
	return func(o *broker.Options) { o.Sabotage = s }
}

// ask asks for the consented rows and keeps the answer.
func (d *made) ask(ctx context.Context, agreement string) (*broker.Answer, error) {
	return d.Students(ctx, partnerOf("river"), broker.StudentsRequest{Agreement: agreement, Period: broker.PeriodCurrent})
}

// later runs a withdrawal beside the test and gives its error when it returns.
func (d *made) later(ctx context.Context, id string, k kid) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := d.WithdrawConsent(ctx, officer, id, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: k.mother()}})
		done <- err
	}()
	return done
}

// signal is a channel that closes at the first call of its function.
func signal() (<-chan struct{}, func() error) {
	at := make(chan struct{})
	once := sync.OnceFunc(func() { close(at) })
	return at, func() error { once(); return nil }
}

func shows(t *testing.T, body []byte, k kid) bool {
	t.Helper()
	b, err := member[studentsBody](body)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(b.refs(), k.ref())
}

func returned(done <-chan error) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestTheNextAnswerAfterAWithdrawalLacksTheRow(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*made, kid, grant){
		"withdrawn by the mother": func(d *made, k kid, g grant) {
			d.done(d.WithdrawConsent(t.Context(), motherOf(k), g.ID, broker.WithdrawRequest{}))
		},
		"withdrawn for her by an officer": func(d *made, k kid, g grant) { d.withdraw(g.ID, k) },
		"invalidated": func(d *made, _ kid, g grant) {
			d.done(d.InvalidateConsent(t.Context(), officer, g.ID, broker.ReviewRequest{Reason: "Signed by somebody else."}))
		},
		"refused by the father": func(d *made, k kid, _ grant) {
			req := d.yes("a1", k)
			req.Answer, req.Signer.GuardianID = consent.No, k.father()
			d.enter(req)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids, grants := agreed(t)
			for _, agreement := range []string{"a1", "a2"} {
				if got := d.students(agreement, "river").refs(); !slices.Contains(got, kids[2].ref()) {
					t.Fatalf("%s shows %v before", agreement, got)
				}
			}
			end(d, kids[2], grants[2])
			for _, agreement := range []string{"a1", "a2"} {
				if got := d.students(agreement, "river").refs(); slices.Contains(got, kids[2].ref()) {
					t.Errorf("%s shows %v after", agreement, got)
				}
			}
		})
	}
}

func TestWithoutLookingForChangesTheNextAnswerKeepsTheRow(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t, sabotaged(broker.Sabotage{OldStamp: true}))
	for range 2 {
		d.students("a1", "river")
	}
	d.withdraw(grants[2].ID, kids[2])
	if got := d.students("a1", "river").refs(); !slices.Contains(got, kids[2].ref()) {
		t.Errorf("a1 shows %v: the guard is not what this test takes it for", got)
	}
}

// motherOf is the caller that a mother's token makes.
func motherOf(k kid) broker.Caller {
	return broker.Caller{Subject: k.mother(), Role: broker.RoleGuardian}
}

func TestAnAnswerThatBlocksIsCutAndTheWithdrawalThenReturns(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t, limit(5*time.Millisecond))
	answer := d.must(d.ask(t.Context(), "a1"))
	writing, isWriting := signal()
	cut, isCut := signal()
	landed := make(chan error, 1)
	go func() {
		landed <- answer.Deliver(func(...[]byte) error {
			_ = isWriting()
			<-cut
			return errors.New("the connection is gone")
		}, func() { _ = isCut() })
	}()
	<-writing
	done := d.later(t.Context(), grants[0].ID, kids[0])
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case <-landed:
	default:
		t.Error("the withdrawal was acknowledged while the answer was still being written")
	}
}

func TestWithoutTheBarrierAWithdrawalIsAcknowledgedDuringAWrite(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t, sabotaged(broker.Sabotage{NoBarrier: true}))
	err := d.must(d.ask(t.Context(), "a1")).Deliver(func(body ...[]byte) error {
		if err := <-d.later(t.Context(), grants[0].ID, kids[0]); err != nil {
			return err
		}
		if !shows(t, bytes.Join(body, nil), kids[0]) {
			t.Error("the answer does not show the child: the test tests nothing")
		}
		return nil // flushed after the acknowledgement
	}, func() { t.Error("the sabotaged barrier cut an answer") })
	if err != nil {
		t.Error(err)
	}
}

func TestAnAnswerPreparedBeforeAWithdrawalDoesNotLeaveAfterIt(t *testing.T) {
	t.Parallel()
	for name, agreement := range map[string]string{"under the same agreement": "a1", "under another of the partner": "a2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids, grants := agreed(t, limit(time.Hour))
			answer := d.must(d.ask(t.Context(), agreement))
			if !shows(t, answer.Body(), kids[2]) {
				t.Fatal("the answer does not show the child")
			}
			if err := <-d.later(t.Context(), grants[2].ID, kids[2]); err != nil {
				t.Fatal(err) // it does not wait for what has not departed
			}
			err := answer.Deliver(func(...[]byte) error {
				t.Error("bytes of the child left")
				return nil
			}, func() {})
			if !errors.Is(err, broker.ErrCut) {
				t.Errorf("delivering gave %v, not ErrCut", err)
			}
		})
	}
}

func TestAnAnswerPreparedUnderANameBeforeAMergeDoesNotLeaveAfterAWithdrawal(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t, limit(time.Hour))
	answer := d.must(d.ask(t.Context(), "a1"))
	k, renumbered := kids[2], "78"+strings.TrimPrefix(kids[2].id(), "77")
	dir := rewrite(t, writeMade(t, kids), func(_, text string) string { return strings.ReplaceAll(text, k.id(), renumbered) })
	merges := "old_student_id,new_student_id,date\n" + k.id() + "," + renumbered + ",2026-06-22\n"
	if err := os.WriteFile(filepath.Join(dir, "merges.csv"), []byte(merges), 0o600); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: day(springEnd)})
	if err := <-d.later(t.Context(), grants[2].ID, k); err != nil {
		t.Fatal(err)
	}
	err := answer.Deliver(func(body ...[]byte) error {
		if shows(t, bytes.Join(body, nil), k) {
			t.Error("bytes of the child left")
		}
		return nil
	}, func() {})
	if !errors.Is(err, broker.ErrCut) {
		t.Errorf("delivering gave %v, not ErrCut", err)
	}
}

func TestAWithdrawalDoesNotWaitForAnAnswerWithoutTheChild(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t, limit(time.Hour))
	answer := d.must(d.ask(t.Context(), "a1"))
	later := d.enter(d.yes("a1", kids[5]))
	err := answer.Deliver(func(body ...[]byte) error {
		if shows(t, bytes.Join(body, nil), kids[5]) {
			t.Error("the answer shows the child: the test tests nothing")
		}
		return <-d.later(t.Context(), later.ID, kids[5])
	}, func() { t.Error("an answer without the child was cut") })
	if err != nil {
		t.Error(err)
	}
}

func TestAWithdrawalWhoseCommitFailsLeavesTheStudentDenied(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, grants := agreed(t, h.option)
	ready := d.must(d.ask(t.Context(), "a1"))
	h.atCommit(func() error { return errors.New("the disk is gone") })
	_, err := d.WithdrawConsent(t.Context(), officer, grants[0].ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: kids[0].mother()}})
	if broker.KindOf(err) != broker.Unavailable {
		t.Errorf("the withdrawal gave %v, not Unavailable", err)
	}
	err = ready.Deliver(func(...[]byte) error {
		t.Error("bytes of the child left")
		return nil
	}, func() {})
	if !errors.Is(err, broker.ErrCut) {
		t.Errorf("delivering gave %v, not ErrCut", err)
	}
	if _, err := d.ask(t.Context(), "a1"); broker.KindOf(err) != broker.Unavailable {
		t.Errorf("a sealed store answered: %v", err)
	}
	if d.Failed() == nil {
		t.Error("the store goes on after a failed commit")
	}
}

func TestAWithdrawalThatNeverBeganDeniesNobody(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	ready := d.must(d.ask(t.Context(), "a1"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := <-d.later(gone, grants[0].ID, kids[0]); broker.KindOf(err) != broker.Unavailable {
		t.Errorf("a withdrawal whose caller had left gave %v", err)
	}
	left := false
	if err := ready.Deliver(func(...[]byte) error { left = true; return nil }, func() {}); err != nil || !left {
		t.Errorf("the answer did not leave: %v", err)
	}
}

func TestAFamilyThatHungUpIsStillWaitedFor(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, grants := agreed(t, h.option)
	answer := d.must(d.ask(t.Context(), "a1"))
	writing, isWriting := signal()
	release := make(chan struct{})
	var late bytes.Buffer
	landed := make(chan error, 1)
	go func() {
		landed <- answer.Deliver(func(body ...[]byte) error {
			_ = isWriting()
			<-release
			late.Write(bytes.Join(body, nil))
			return nil
		}, func() {})
	}()
	<-writing
	family, hangUp := context.WithCancel(t.Context())
	committing, isCommitting := signal()
	h.atCommit(func() error { hangUp(); return isCommitting() })
	done := d.later(family, grants[0].ID, kids[0])
	<-committing
	h.atCommit(nil)
	if returned(done) {
		t.Error("the withdrawal returned while the answer was being written")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(landed) == 0 || late.Len() == 0 {
		t.Error("the withdrawal returned before the answer had landed")
	}
	if shows(t, d.must(d.ask(t.Context(), "a2")).Body(), kids[0]) {
		t.Error("the withdrawal was not kept")
	}
}

// moving is a context whose request finds, after each of its first n
// snapshots, that something has changed.
func (d *made) moving(n int, change func()) context.Context {
	return atSnapshot(d.t.Context(), func() {
		if n--; n >= 0 {
			change()
		}
	})
}

func TestAnAnswerWhoseStampMovedIsComputedAnew(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, grants := agreed(t, h.option)
	var done <-chan error
	answer := d.must(d.ask(d.moving(1, func() {
		committing, isCommitting := signal()
		h.atCommit(isCommitting)
		done = d.later(t.Context(), grants[2].ID, kids[2])
		<-committing
	}), "a1"))
	h.atCommit(nil)
	if shows(t, answer.Body(), kids[2]) {
		t.Error("the answer was recorded after the withdrawal and shows the child")
	}
	left := false
	err := answer.Deliver(func(...[]byte) error { left = true; return nil }, func() {})
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err != nil && !errors.Is(err, broker.ErrCut) || err == nil && !left {
		t.Errorf("delivering gave %v", err)
	}
}

func TestWithoutTheStampAnAnswerIsRecordedAfterTheWithdrawalItContradicts(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, grants := agreed(t, h.option, sabotaged(broker.Sabotage{NoStamp: true}))
	var done <-chan error
	answer := d.must(d.ask(d.moving(1, func() {
		committing, isCommitting := signal()
		h.atCommit(isCommitting)
		done = d.later(t.Context(), grants[2].ID, kids[2])
		<-committing
	}), "a1"))
	if !shows(t, answer.Body(), kids[2]) {
		t.Error("even without the stamp the answer lacks the child: the guard is not what this test takes it for")
	}
	answer.Drop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAStampThatMovesThreeTimesGivesUnavailable(t *testing.T) {
	t.Parallel()
	for moves, kind := range map[int]broker.Kind{2: "", 3: broker.Unavailable} {
		h := &hooks{}
		d, kids, _ := agreed(t, h.option)
		next := 3
		before, _ := d.LogSize(t.Context())
		answer, err := d.ask(d.moving(moves, func() {
			d.enter(d.yes("a1", kids[next]))
			next++
		}), "a1")
		answer.Drop()
		var e *broker.Error
		switch {
		case kind == "" && err != nil:
			t.Errorf("after %d moves: %v", moves, err)
		case kind != "" && (!errors.As(err, &e) || e.Kind != kind || e.RetryAfter <= 0):
			t.Errorf("after %d moves: %v (%+v), not %s with Retry-After", moves, err, e, kind)
		}
		after, _ := d.LogSize(t.Context())
		recorded := int(after-before) - moves
		if kind == "" && recorded != 1 || kind != "" && recorded > 1 {
			t.Errorf("after %d moves the read left %d entries", moves, recorded)
		}
	}
}

func TestARefusalThatAPartnerCollectedIsABarrierToo(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, kids, _ := agreed(t, h.option)
	form := data[grant](t, d.must(d.CreateConsent(t.Context(), partnerOf("river"), broker.ConsentRequest{
		Agreement: "a1", Student: broker.StudentRef{ParticipantRef: kids[0].ref()}, Signer: broker.SignerRef{Name: "Fa"},
		Answer: consent.No, Categories: consent.Categories(), SignedAt: d.clock.Now(), Method: consent.PartnerForm,
		Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	})))
	answer := d.must(d.ask(t.Context(), "a1"))
	if !shows(t, answer.Body(), kids[0]) {
		t.Fatal("the answer does not show the child")
	}
	committing, isCommitting := signal()
	h.atCommit(isCommitting)
	done := make(chan error, 1)
	go func() {
		_, err := d.ConfirmConsent(t.Context(), officer, form.ID, broker.ConfirmRequest{Signer: broker.SignerRef{GuardianID: kids[0].father()}})
		done <- err
	}()
	<-committing
	err := answer.Deliver(func(...[]byte) error { return nil }, func() {})
	if !errors.Is(err, broker.ErrCut) {
		t.Errorf("an answer with the child left while the family's no was being confirmed: %v", err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if shows(t, d.must(d.ask(t.Context(), "a1")).Body(), kids[0]) {
		t.Error("the confirmed no did not close the row")
	}
}
