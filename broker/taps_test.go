package broker_test

import (
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

func TestManyTapsAtOneMomentAreOneAnswer(t *testing.T) {
	t.Parallel()
	const taps = 8
	d, kids := asking(t, 3)
	d.round()
	v := d.visit(linkOf(t, d.mail(), motherMail(kids[1])), kids[1])
	ask, sum := d.shown(v)
	before, _ := d.LogSize(t.Context())
	var all sync.WaitGroup
	numbers, errs := make([]string, taps), make([]error, taps)
	for i := range taps {
		all.Go(func() { numbers[i], errs[i] = d.AnswerAsk(t.Context(), v, ask, "en", consent.Yes, sum) })
	}
	all.Wait()
	for i := range taps {
		if errs[i] != nil || len(numbers[i]) != 8 || numbers[i] != numbers[0] {
			t.Errorf("tap %d: receipt %q, %v", i, numbers[i], errs[i])
		}
	}
	if after, _ := d.LogSize(t.Context()); after-before != 1 {
		t.Errorf("%d taps left %d entries", taps, after-before)
	}
	if mail := d.mail(); len(mail) != 1 {
		t.Errorf("%d taps sent %d receipts", taps, len(mail))
	}
	if _, err := d.AnswerAsk(t.Context(), v, ask, "en", consent.No, sum); broker.KindOf(err) != broker.Conflict {
		t.Errorf("another answer to the same question gave %v", err)
	}
}

func TestAFormEnteredTwiceAtOneMomentIsOneAnswer(t *testing.T) {
	t.Parallel()
	d, _ := asking(t, 3)
	round := data[struct{ ID string }](t, d.must(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a1", RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)})))
	printed := data[struct{ Sheets []struct{ Form string } }](t, d.must(d.Packet(t.Context(), officer, broker.PacketRequest{Round: round.ID})))
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = d.EnterPaper(t.Context(), officer, printed.Sheets[0].Form[:12], broker.PaperRequest{Answer: consent.Yes, SignedAt: d.clock.Now(), Language: "en", ScanSHA256: sha})
		})
	}
	all.Wait()
	entered := 0
	for _, err := range errs {
		switch {
		case err == nil:
			entered++
		case broker.KindOf(err) != broker.Conflict:
			t.Error(err)
		}
	}
	if entered != 1 {
		t.Errorf("%d of %d were entered", entered, len(errs))
	}
}
