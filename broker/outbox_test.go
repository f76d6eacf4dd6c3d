package broker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

var aMorning = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func steady(o *broker.Options) { o.Chance = func() float64 { return 0 } }

func TestAMessageIsThereIfAndOnlyIfItsActIs(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	g := newGateway(t, takesAll)
	if _, err := d.Enqueue(t.Context(), errors.New("the act fails"), to("G-1", "never")); err == nil {
		t.Fatal("the act did not fail")
	}
	d.sends(to("G-1", "one"), to("G-2", "two"))
	if n, next := d.deliver(g); n != 2 || !next.IsZero() {
		t.Errorf("%d were delivered and the next is due at %v; want two and none", n, next)
	}
	if got := g.texts(); len(got) != 2 || slices.Contains(got, "never") {
		t.Errorf("delivered were %v", got)
	}
	if n, _ := d.deliver(g); n != 0 {
		t.Error("they were delivered once more")
	}
}

func TestNothingThatIsAnsweredDependsOnMessages(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	_, before, err := d.OutboxKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.sends(to("G-1", "one"), to("student:S-1", "two"))
	d.deliver(newGateway(t, takesAll))
	keys, after, err := d.OutboxKeys(t.Context())
	if err != nil || before != after {
		t.Errorf("writing and delivering moved what answers depend on from %d to %d (%v)", before, after, err)
	}
	if text := strings.Join(keys, ""); len(keys) == 0 || strings.Contains(text, "G-1") || strings.Contains(text, "S-1") || strings.Contains(text, "families") {
		t.Errorf("the keys of the outbox name people: %q", keys)
	}
}

// overtaken plays one person's two messages at a gateway that refuses the first for a
// while.
func overtaken(t *testing.T, s broker.Sabotage) []string {
	d := newDistrict(t, aMorning, steady, sabotaged(s))
	down := atomic.Bool{}
	down.Store(true)
	g := newGateway(t, func(c post.Call) int {
		if c.Text == "first" && down.Load() {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	d.sends(to("G-1", "first"), to("G-1", "second"), to("G-2", "another person's"))
	d.deliver(g)
	down.Store(false)
	d.clock.Set(aMorning.Add(time.Minute))
	d.deliver(g)
	return g.texts()
}

func TestAMessageWaitsForThoseOfItsPersonAndForNobodyElses(t *testing.T) {
	t.Parallel()
	if got, want := overtaken(t, broker.Sabotage{}), []string{"another person's", "first", "second"}; !slices.Equal(got, want) {
		t.Errorf("they left as %v, want %v", got, want)
	}
	if got := overtaken(t, broker.Sabotage{Overtake: true}); slices.Index(got, "second") > slices.Index(got, "first") {
		t.Errorf("without the guard they left as %v: the test shows nothing", got)
	}
}

// Whatever fails and whenever: nothing is lost, and each person's messages arrive in the
// order in which they were written.
func TestMessagesOfAPersonArriveInOrderHoweverTheGatewayFails(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	var answer atomic.Pointer[func() int]
	g := newGateway(t, func(post.Call) int { return (*answer.Load())() })
	written, run := map[string][]string{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		answers := rapid.SliceOfN(rapid.SampledFrom([]int{200, 503, 429, 500, 202}), 1, 40).Draw(rt, "answers")
		var calls atomic.Int64
		failing := func() int { return answers[int(calls.Add(1)-1)%len(answers)] }
		answer.Store(&failing)
		for i := range rapid.IntRange(1, 12).Draw(rt, "messages") {
			person := fmt.Sprintf("G-%d-%d", run, rapid.IntRange(0, 2).Draw(rt, "person"))
			text := fmt.Sprintf("%s/%d", person, i)
			written[person] = append(written[person], text)
			d.sends(to(person, text))
			if rapid.Bool().Draw(rt, "meanwhile") {
				d.deliver(g)
			}
		}
		for range 6 { // pauses, which grow to half an hour
			if _, next := d.deliver(g); !next.IsZero() {
				d.clock.Set(next)
			}
		}
		working := func() int { return http.StatusOK }
		answer.Store(&working)
		d.clock.Set(d.Now().Add(6 * time.Hour))
		d.deliver(g)
		arrived := map[string][]string{}
		for _, text := range g.texts() {
			person, _, _ := strings.Cut(text, "/")
			arrived[person] = append(arrived[person], text)
		}
		if diff := cmp.Diff(written, arrived); diff != "" {
			rt.Fatalf("what arrived is not what was written: %s", diff)
		}
	})
}

// lateness plays a code that cannot be delivered before it ends.
func lateness(t *testing.T, s broker.Sabotage) (texts []string, became string) {
	d := newDistrict(t, aMorning, steady, sabotaged(s))
	down := atomic.Bool{}
	down.Store(true)
	g := newGateway(t, func(post.Call) int {
		if down.Load() {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	ids := d.sends(to("G-1", "code", until(aMorning.Add(10*time.Minute))), to("G-1", "receipt"))
	for _, minutes := range []int{0, 1, 3, 7} {
		d.clock.Set(aMorning.Add(time.Duration(minutes) * time.Minute))
		d.deliver(g)
	}
	down.Store(false)
	d.clock.Set(aMorning.Add(10 * time.Minute))
	d.deliver(g)
	return g.texts(), d.became(ids[0])
}

func TestACodeIsNeverDeliveredLateAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	texts, became := lateness(t, broker.Sabotage{})
	if !slices.Equal(texts, []string{"receipt"}) || became != "expired late" {
		t.Errorf("delivered was %v and the code is %s", texts, became)
	}
	if texts, _ := lateness(t, broker.Sabotage{LateMessages: true}); !slices.Contains(texts, "code") {
		t.Errorf("without the guard %v was delivered: the test shows nothing", texts)
	}
}

func TestANewCodeHasWhatWaitsBeforeItTriedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning, steady)
	down := atomic.Bool{}
	down.Store(true)
	g := newGateway(t, func(post.Call) int {
		if down.Load() {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	d.sends(to("G-1", "invitation"))
	d.deliver(g)
	down.Store(false)
	now := aMorning.Add(time.Second)
	d.clock.Set(now)
	if n, _ := d.deliver(g); n != 0 {
		t.Fatal("the pause was not kept")
	}
	d.sends(to("G-1", "code", until(now.Add(10*time.Minute))))
	d.deliver(g)
	if got := g.texts(); !slices.Equal(got, []string{"invitation", "code"}) {
		t.Errorf("delivered were %v", got)
	}
}

// image copies the district's directory: what a crash at this moment leaves.
func image(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "after")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"keys/district.key", "keys/log.key", "keys/token.key", "keys.db", "store.db"} {
		if err := os.Chmod(filepath.Join(dir, filepath.FromSlash(secret)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// crashed delivers a message, and once more what a crash left between the moment in
// which the gateway took it and the one in which that was recorded.
func crashed(t *testing.T, s broker.Sabotage) (ids []string) {
	d := newDistrict(t, aMorning, sabotaged(s))
	var left string
	g := newGateway(t, func(c post.Call) int {
		ids = append(ids, c.ID)
		if left == "" {
			left = image(t, d.dir)
		}
		return http.StatusOK
	})
	d.sends(to("G-1", "one"))
	d.deliver(g)
	after := &district{t: t, dir: left, clock: d.clock}
	after.open(sabotaged(s))
	defer func() { _ = after.Close() }()
	after.deliver(g)
	after.deliver(g)
	return ids
}

func TestACrashBetweenCarryingAndRecordingSendsTheSameMessageAgain(t *testing.T) {
	t.Parallel()
	if ids := crashed(t, broker.Sabotage{}); len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("the gateway was called with %v; want the same id twice", ids)
	}
	if ids := crashed(t, broker.Sabotage{TrustCarriers: true}); len(ids) != 1 {
		t.Errorf("without the guard the gateway was called with %v: the test shows nothing", ids)
	}
}

func TestWhatHasEndedHoldsNoContentsAnyMore(t *testing.T) {
	t.Parallel()
	for _, s := range []broker.Sabotage{{}, {KeepMessages: true}} {
		d := newDistrict(t, aMorning, sabotaged(s))
		g := newGateway(t, func(c post.Call) int {
			if c.Text == "refused" {
				return http.StatusGone
			}
			return http.StatusOK
		})
		ids := d.sends(to("G-1", "delivered"), to("G-2", "refused"), to("G-3", "late", until(aMorning)))
		for _, id := range ids {
			if text, err := d.OutboxRow(t.Context(), id); err != nil || !strings.Contains(text, "@families.example") {
				t.Fatalf("%s (%v)", text, err)
			}
		}
		d.deliver(g)
		for i, want := range []string{"delivered", "undeliverable refused", "expired late"} {
			text, err := d.OutboxRow(t.Context(), ids[i])
			if err != nil || d.became(ids[i]) != want {
				t.Errorf("%s is %s (%v)", want, d.became(ids[i]), err)
			}
			if kept := strings.Contains(text, "@families.example") || strings.Contains(text, "text:"); kept != s.KeepMessages {
				t.Errorf("%s: contents are kept: %v\n%s", want, kept, text)
			}
		}
	}
}

func TestPausesGrowFromAMinuteToSixHours(t *testing.T) {
	t.Parallel()
	before := time.Duration(0)
	for attempts := 1; attempts < 100; attempts++ {
		least, most := broker.PauseAfter(attempts, 0), broker.PauseAfter(attempts, 0.999999)
		if least < time.Minute || most > 6*time.Hour || least > most || least < before {
			t.Errorf("after %d attempts the pause is %v to %v", attempts, least, most)
		}
		before = least
	}
	if before < 4*time.Hour {
		t.Errorf("the longest pause is %v", before)
	}
}

func TestAMessageIsGivenUpAfterFiveDaysAndTheLogSaysSo(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	g := newGateway(t, isDown)
	month := 30 * 24 * time.Hour
	ids := d.sends(to("G-1", "one"), to("G-1", "two"))
	d.clock.Set(aMorning.Add(month)) // nothing was tried before, so that the days begin now
	var last time.Time
	for range 100 {
		last = d.Now()
		_, next := d.deliver(g)
		if d.became(ids[0]) != "waiting no_carrier" {
			break
		}
		if gap := next.Sub(last); gap < time.Minute || gap > 6*time.Hour {
			t.Fatalf("the next attempt is after %v", gap)
		}
		d.clock.Set(next)
	}
	if d.became(ids[0]) != "given_up unreachable" || last.Sub(aMorning.Add(month)) != 5*24*time.Hour {
		t.Errorf("after %v the message is %s", last.Sub(aMorning.Add(month)), d.became(ids[0]))
	}
	if n := g.attempts(); n < 20 || n > 60 {
		t.Errorf("it was tried %d times", n)
	}
	if d.became(ids[1]) != "waiting no_carrier" {
		t.Errorf("the next is %s", d.became(ids[1]))
	}
	if got := d.logged("message.undelivered"); got != 1 {
		t.Errorf("the log says so %d times", got)
	}
}

// logged counts the entries of an event.
func (d *district) logged(event string) (n int) {
	d.t.Helper()
	body, err := d.ListEntries(d.t.Context(), auditor, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Count(string(body), `"`+event+`"`)
}

func TestARefusalForGoodStopsAtOnceAndLetsTheNextPass(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	g := newGateway(t, func(c post.Call) int {
		if c.Text == "one" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	ids := d.sends(to("G-1", "one"), to("G-1", "two"))
	if n, _ := d.deliver(g); n != 1 || g.attempts() != 2 || d.became(ids[0]) != "undeliverable refused" || d.logged("message.undelivered") != 1 {
		t.Errorf("%d were delivered after %d attempts, and the first is %s", n, g.attempts(), d.became(ids[0]))
	}
}

func TestWhoHasNoContactIsSeenByOfficers(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	g := newGateway(t, takesAll)
	ids := d.sends(to("G-1", "one", func(m *broker.Message) { m.Email = "" }), to("G-1", "two"))
	d.deliver(g)
	if got := d.messages(broker.MessageUndeliverable); len(got) != 1 || got[0].ID != ids[0] || got[0].Problem != "no_contact" || got[0].To.GuardianID != "G-1" {
		t.Errorf("the list is %+v", got)
	}
	if !slices.Equal(g.texts(), []string{"two"}) {
		t.Errorf("delivered were %v", g.texts())
	}
}

func TestALanguageWithoutWordsHoldsAMessageBack(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	ids := d.sends(to("G-1", "one", func(m *broker.Message) { m.Language = "xx" }))
	if n, next := d.deliver(newGateway(t, takesAll)); n != 0 || next.IsZero() || !strings.HasPrefix(d.became(ids[0]), "waiting") {
		t.Errorf("%d were delivered, and the message is %s until %v", n, d.became(ids[0]), next)
	}
}

func TestTheListShowsStatesAndMaskedContactsNewestFirst(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	ids := d.sends(to("G-1", "one"), to("student:S-7", "two", func(m *broker.Message) { m.Email, m.Phone = "", "+1 (608) 555-0142" }))
	got := d.messages("")
	want := []told{
		{ID: ids[1], Kind: "invitation", State: "waiting", Problem: "no_carrier", Contact: "••• 42", Language: "en", Written: aMorning},
		{ID: ids[0], Kind: "invitation", State: "waiting", Problem: "no_carrier", Contact: "g•••@f•••.example", Language: "en", Written: aMorning},
	}
	want[0].To.StudentID, want[1].To.GuardianID = "S-7", "G-1"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if list := d.messages(broker.MessageDelivered); len(list) != 0 {
		t.Errorf("delivered are said to be %v", list)
	}
	page := data[struct{ Messages []told }](t, d.must(d.Messages(t.Context(), officer, broker.MessagesRequest{Limit: 1}))).Messages
	if len(page) != 1 || page[0].ID != ids[1] {
		t.Errorf("the newest is said to be %v", page)
	}
	for name, req := range map[string]broker.MessagesRequest{"state": {State: "lost"}, "limit": {Limit: 1001}, "-1": {Limit: -1}} {
		if _, err := d.Messages(t.Context(), officer, req); !errors.Is(err, broker.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMaskTellsNothingToWhoDoesNotKnowTheContact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ email, phone, want string }{
		{"jo@example.org", "608", "j•••@e•••.org"},
		{"éa@schule.example.de", "", "é•••@s•••.de"},
		{"a@localhost", "", "a•••@l•••"},
		{"@x", "", "•••@x•••"},
		{"", "+1 608 555 0142", "••• 42"},
		{"", "12345", "•••"},
		{"", "call my sister", "•••"},
		{"not an address", "6085550142", "••• 42"},
	} {
		if got := broker.MaskedContact(c.email, c.phone); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.email, c.phone, got, c.want)
		}
	}
}

func TestAnOfficerHasAMessageTriedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning, steady)
	down := atomic.Bool{}
	down.Store(true)
	g := newGateway(t, func(post.Call) int {
		if down.Load() {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	ids := d.sends(to("G-1", "one"), to("G-1", "two"))
	d.deliver(g)
	down.Store(false)
	d.done(d.RetryMessage(t.Context(), officer, ids[1])) // with the one before it
	if n, _ := d.deliver(g); n != 2 {
		t.Errorf("%d were delivered", n)
	}
	if _, err := d.RetryMessage(t.Context(), officer, ids[1]); !errors.Is(err, broker.Conflict) {
		t.Errorf("a message that has ended can be retried: %v", err)
	}
	if _, err := d.RetryMessage(t.Context(), officer, "msg_absent"); !errors.Is(err, broker.NotAvailable) {
		t.Errorf("a message that is not there: %v", err)
	}
	if d.logged("message.retried") != 1 {
		t.Error("the log does not say so once")
	}
}

// The gateway asks the district to do something before it answers: were a transaction
// open, neither would ever end.
func TestNothingIsSentWhileATransactionIsOpen(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	var failed error
	g := newGateway(t, func(post.Call) int {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		a, err := d.CreatePartner(ctx, officer, broker.PartnerRequest{ID: "club", Name: "Club", LegalEntity: "Club Inc.", Contact: "club@example.org"})
		a.Drop()
		failed = err
		return http.StatusOK
	})
	d.sends(to("G-1", "one"))
	if n, _ := d.deliver(g); n != 1 || failed != nil {
		t.Errorf("%d were delivered; meanwhile: %v", n, failed)
	}
}

func TestTheOutboxDeliversWhatIsWrittenAndStops(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	arrived := make(chan string, 10)
	g := newGateway(t, func(c post.Call) int {
		arrived <- c.Text
		return http.StatusOK
	})
	d.sends(to("G-1", "before"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.RunOutbox(ctx, g, wording)
	}()
	for _, text := range []string{"before", "one", "two"} {
		if text != "before" {
			d.sends(to("G-1", text))
		}
		if got := <-arrived; got != text {
			t.Errorf("%q arrived, want %q", got, text)
		}
	}
	stop()
	<-ended
}

func TestAGatewayThatHangsDoesNotKeepTheOutboxFromStopping(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	called, over := make(chan struct{}), make(chan struct{})
	g := newGateway(t, func(post.Call) int {
		close(called)
		<-over
		return http.StatusOK
	})
	t.Cleanup(func() { close(over) })
	ids := d.sends(to("G-1", "one"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.RunOutbox(ctx, g, wording)
	}()
	<-called
	stop()
	<-ended
	if d.became(ids[0]) != "waiting no_carrier" {
		t.Errorf("the message is %s", d.became(ids[0]))
	}
}

func TestWithoutACarrierMessagesWait(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	ids := d.sends(to("G-1", "one"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.RunOutbox(ctx, nil, wording)
	}()
	if d.became(ids[0]) != "waiting no_carrier" || d.Ready(t.Context()) != nil {
		t.Errorf("the message is %s", d.became(ids[0]))
	}
	stop()
	<-ended
	if _, _, err := d.DeliverMessages(t.Context(), nil, wording); err == nil {
		t.Error("nobody delivered")
	}
}

func TestWhatIsOfNoUseIsErasedAlsoWhereNobodyDelivers(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	ids := d.sends(to("G-1", "one"), to("G-1", "code", until(aMorning.Add(time.Minute))))
	d.clock.Set(aMorning.Add(time.Minute))
	if err := d.ExpireMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := d.OutboxRow(t.Context(), ids[1]); err != nil || strings.Contains(text, "code]") || d.logged("message.undelivered") != 1 {
		t.Errorf("%s (%v)", text, err)
	}
	g := newGateway(t, takesAll)
	d.deliver(g)
	if !slices.Equal(g.texts(), []string{"one"}) {
		t.Errorf("then %v was delivered", g.texts())
	}
}

func TestWhatBecameOfAMessageIsForgottenAfterNinetyDays(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	d.sends(to("G-1", "one"), to("G-2", "two", func(m *broker.Message) { m.Email = "" }))
	d.deliver(newGateway(t, takesAll))
	waiting := d.sends(to("G-3", "three"))
	const kept = 90 * 24 * time.Hour
	d.clock.Set(aMorning.Add(kept - time.Millisecond))
	if d.housekeep(); len(d.messages("")) != 3 {
		t.Errorf("before ninety days are over there are %d", len(d.messages("")))
	}
	d.clock.Set(aMorning.Add(kept))
	d.housekeep()
	if got := d.messages(""); len(got) != 1 || got[0].ID != waiting[0] {
		t.Errorf("after ninety days there are %v", got)
	}
	if keys, _, err := d.OutboxKeys(t.Context()); err != nil || len(keys) != 5 { // row, id, queue, due and the count
		t.Errorf("%d keys are left (%v): %q", len(keys), err, keys)
	}
}

func TestMessagesAreHandedOverOnceInOrder(t *testing.T) {
	t.Parallel()
	d := newDistrict(t, aMorning)
	ids := d.sends(
		to("G-1", "one"), to("G-2", "without words", func(m *broker.Message) { m.Language = "xx" }), to("G-1", "two"),
		to("G-2", "behind it"), to("G-3", "late", until(aMorning)),
	)
	var texts []string
	keep := func(list []broker.Parcel) error {
		for _, p := range list {
			texts = append(texts, p.Text)
		}
		return nil
	}
	broken := errors.New("the disk is full")
	if n, _, err := d.HandOverMessages(t.Context(), officer, wording, func([]broker.Parcel) error { return broken }); !errors.Is(err, broken) || n != 0 {
		t.Errorf("%d were handed over: %v", n, err)
	}
	n, waiting, err := d.HandOverMessages(t.Context(), officer, wording, keep)
	if err != nil || n != 2 || waiting != 2 || !slices.Equal(texts, []string{"one", "two"}) {
		t.Errorf("handed over were %v (%d, %d wait, %v)", texts, n, waiting, err)
	}
	for i, want := range []string{"handed_over", "waiting no_carrier", "handed_over", "waiting no_carrier", "expired late"} {
		if got := d.became(ids[i]); got != want {
			t.Errorf("message %d is %s, want %s", i, got, want)
		}
	}
	if n, _, err := d.HandOverMessages(t.Context(), officer, wording, keep); n != 0 || err != nil || d.logged("messages.exported") != 1 {
		t.Errorf("then %d were handed over (%v), and the log says so %d times", n, err, d.logged("messages.exported"))
	}
	if _, _, err := d.HandOverMessages(t.Context(), officer, nil, keep); !errors.Is(err, broker.Unavailable) {
		t.Errorf("without a wording: %v", err)
	}
	if _, _, err := d.HandOverMessages(t.Context(), auditor, wording, keep); !errors.Is(err, broker.NotAvailable) {
		t.Errorf("an auditor handed messages over: %v", err)
	}
}
