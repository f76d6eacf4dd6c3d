package broker_test

import (
	"os"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

func TestWhatIsAnotherFamilysIsNotAvailable(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 3)
	d.round()
	sent := d.mail()
	v := d.visit(linkOf(t, sent, motherMail(kids[0])), kids[0])
	ask := d.waiting(v)
	number, err := d.says(v, consent.Yes)
	if err != nil {
		t.Fatal(err)
	}
	mine := d.page(kids[0].mother()).Children[0].Cards[0].ID
	ctx := t.Context()
	for name, stranger := range map[string]broker.Visitor{
		"another mother": d.visit(linkOf(t, sent, motherMail(kids[1])), kids[1]), "the father": reader(kids[0].father()), "nobody": reader("nobody"),
	} {
		for what, reach := range map[string]func() error{
			"the question":        func() error { _, err := d.Choice(ctx, stranger, ask, "en"); return err },
			"no question":         func() error { _, err := d.Choice(ctx, stranger, "ask_nothing", "en"); return err },
			"the receipt":         func() error { _, err := d.Receipt(ctx, stranger, number); return err },
			"no receipt":          func() error { _, err := d.Receipt(ctx, stranger, "NQTHERE2"); return err },
			"the receipt by mail": func() error { return d.SendReceipt(ctx, stranger, number) },
			"its deletion":        func() error { return d.AskDeletion(ctx, stranger, number) },
			"its end":             func() error { _, err := d.StopChoice(ctx, stranger, mine); return err },
			"the copies":          func() error { _, _, err := d.Seen(ctx, stranger, 9, 0); return err },
		} {
			if err := reach(); broker.KindOf(err) != broker.NotAvailable {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	if !d.rowOpen(kids[0]) {
		t.Error("a stranger stopped it")
	}
	if _, err := d.StopChoice(ctx, v, mine); err != nil {
		t.Fatal(err)
	}
	if _, err := d.StopChoice(ctx, reader(kids[0].father()), mine); broker.KindOf(err) != broker.NotAvailable {
		t.Error("the father learns that it was stopped:", err)
	}
}

func TestAnAnswerIsToTheTextThatWasShownInALanguageThatWasReviewed(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 1)
	d.round()
	v := d.visit(linkOf(t, d.mail(), motherMail(kids[0])), kids[0])
	ask := d.waiting(v)
	before := d.size()
	foreign := ""
	for _, text := range data[struct {
		Texts []struct {
			Language string
			Signable bool
		}
	}](t, d.must(d.Texts(t.Context(), officer))).Texts {
		if !text.Signable {
			foreign = text.Language
		}
	}
	shown := func(language string) (page pages.Choice, hash string) {
		page, err := d.Choice(t.Context(), v, ask, language)
		if err != nil {
			t.Fatal(err)
		}
		if _, text, err := pages.ConsentText(language, page); err == nil {
			hash = pages.TextHash(text)
		}
		return page, hash
	}
	english, hash := shown("en")
	other, otherHash := shown(foreign)
	if foreign == "" || !english.MaySign || other.MaySign {
		t.Fatalf("which may be signed: en %t, %s %t", english.MaySign, foreign, other.MaySign)
	}
	for name, try := range map[string][2]string{"another text": {"en", sha}, "no text": {"en", ""}, "no review": {foreign, otherHash}, "another language's text": {foreign, hash}} {
		if _, err := d.AnswerAsk(t.Context(), v, ask, try[0], consent.Yes, try[1]); broker.KindOf(err) != broker.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if events := d.events(before); len(events) != 0 || d.rowOpen(kids[0]) {
		t.Errorf("a refused answer left %v", events)
	}
	d.done(d.ReviewText(t.Context(), officer, broker.TextReviewRequest{Language: foreign, Version: pages.ConsentVersion, Reviewer: "An interpreter"}))
	if page, _ := shown(foreign); !page.MaySign {
		t.Errorf("%s cannot be signed after its review", foreign)
	}
	if otherHash == "" {
		foreign, otherHash = "en", hash // a language without words has no text
	}
	if _, err := d.AnswerAsk(t.Context(), v, ask, foreign, consent.Yes, otherHash); err != nil {
		t.Error(err)
	}
	if _, err := d.AnswerAsk(t.Context(), v, ask, "en", consent.No, hash); broker.KindOf(err) != broker.Conflict {
		t.Error("a question was answered twice:", err)
	}
}

func TestAnAnswerOnPaperClosesTheQuestionAndHasANumber(t *testing.T) {
	t.Parallel()
	for _, method := range []consent.Method{consent.Paper, consent.PartnerForm} {
		d, kids := asking(t, 1)
		d.round()
		d.mail()
		paper := d.yes("a1", kids[0])
		if method == consent.PartnerForm {
			paper.Method, paper.Student, paper.Signer = method, broker.StudentRef{ParticipantRef: kids[0].ref()}, broker.SignerRef{Name: "Mo"}
			waits := data[grant](t, d.must(d.CreateConsent(t.Context(), partnerOf("river"), paper)))
			if card := d.page(kids[0].mother()).Children[0].Cards[0]; card.State != pages.CardWaiting {
				t.Errorf("a form that nobody confirmed made the card %+v", card)
			}
			d.done(d.ConfirmConsent(t.Context(), officer, waits.ID, broker.ConfirmRequest{Signer: byGuardian(kids[0].mother()), Student: of(kids[0])}))
		} else {
			d.enter(paper)
		}
		card := d.page(kids[0].mother()).Children[0].Cards[0]
		if card.State != pages.CardShares || len(card.Receipt) != 8 {
			t.Fatalf("%s: the card is %+v", method, card)
		}
		page, err := d.Receipt(t.Context(), reader(kids[0].mother()), card.Receipt)
		if err != nil || page.Answer != consent.Yes || page.StopPath == "" || page.Child != kids[0].given() {
			t.Errorf("%s: the receipt is %+v, %v", method, page, err)
		}
		if sent := d.mail(); len(sent) != 0 {
			t.Errorf("%s: %d messages about what the family handed in", method, len(sent))
		}
		if err := d.SendReceipt(t.Context(), reader(kids[0].mother()), card.Receipt); err != nil {
			t.Fatal(err)
		}
		if sent := d.mail(); len(sent) != 1 || sent[0].values["number"] != card.Receipt {
			t.Errorf("%s: the receipt was not sent: %v", method, sent)
		}
	}
}

func TestADeletionIsThePartysOwnAndDoneOnce(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.partnerWith("other", map[string][]kid{"b1": kids})
	ctx, mother := t.Context(), reader(kids[0].mother())
	entered := d.enter(d.yes("a1", kids[0]))
	number := d.page(kids[0].mother()).Children[0].Cards[0].Receipt
	if err := d.AskDeletion(ctx, mother, number); broker.KindOf(err) != broker.Conflict {
		t.Error("a deletion was asked for what is shared:", err)
	}
	d.done(d.InvalidateConsent(ctx, officer, entered.ID, broker.ReviewRequest{Reason: "Signed by an aunt."}))
	for range 2 {
		if err := d.AskDeletion(ctx, mother, number); err != nil {
			t.Fatal(err)
		}
	}
	type task struct {
		ID   string
		Ref  string `json:"participant_ref"`
		Done string `json:"done_on"`
	}
	tasks := func(c broker.Caller) []task {
		return data[struct{ Deletions []task }](t, d.must(d.Deletions(ctx, c, "a1"))).Deletions
	}
	list := tasks(partnerOf("river"))
	if len(list) != 1 || list[0].Ref != kids[0].ref() || list[0].Done != "" {
		t.Fatalf("the partner's tasks are %+v", list)
	}
	if _, err := d.Deletions(ctx, partnerOf("other"), "a1"); broker.KindOf(err) != broker.NotAvailable {
		t.Error("another party lists them:", err)
	}
	done := broker.ReviewRequest{Reason: "All files are deleted."}
	if _, err := d.CloseDeletion(ctx, partnerOf("other"), list[0].ID, done); broker.KindOf(err) != broker.NotAvailable {
		t.Error("another party closes it:", err)
	}
	d.done(d.CloseDeletion(ctx, partnerOf("river"), list[0].ID, done))
	if _, err := d.CloseDeletion(ctx, partnerOf("river"), list[0].ID, done); broker.KindOf(err) != broker.Conflict {
		t.Error("it was done twice:", err)
	}
	if list := tasks(auditor); len(list) != 1 || list[0].Done == "" {
		t.Errorf("the auditor reads %+v", list)
	}
}

func TestAFamilyReadsWhoAskedAndTheCopyVerifies(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.enter(d.yes("a1", kids[0]))
	d.done(d.Students(t.Context(), partnerOf("river"), broker.StudentsRequest{Agreement: "a1", Period: "current"}))
	mother := reader(kids[0].mother())
	page, next, err := d.Seen(t.Context(), mother, 1, 0)
	if err != nil || next != 0 || len(page.Requests) != 1 || page.Requests[0].Partner != "river Mentors" || page.Requests[0].Outcome != pages.OutcomeShown || !page.Requests[0].Copy {
		t.Fatalf("%+v, %d, %v", page, next, err)
	}
	index := page.Requests[0].Index
	sent, proof, err := d.SeenCopy(t.Context(), mother, 1, index)
	if err != nil || sent.Ref != kids[0].ref() || sent.Records.Attendance == nil || sent.Exact == "" {
		t.Fatalf("%+v, %v", sent, err)
	}
	public, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{string(public), sent.Key} {
		verifier, err := tlog.NewVerifier(key)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := tlog.ParseReceipt(proof)
		if err != nil {
			t.Fatal(err)
		}
		if proven, err := receipt.Verify(verifier, nil); err != nil || proven.Leaf.Index != index || proven.Header.Event != tlog.QueryReleased || proven.Header.Agreement != "a1" {
			t.Errorf("the copy's receipt proves %+v, %v", proven, err)
		}
	}
	for name, c := range map[string]struct {
		v     broker.Visitor
		child int
		index uint64
	}{
		"another child's": {reader(kids[1].mother()), 1, index}, "no entry": {mother, 1, 1 << 40}, "an entry of something else": {mother, 1, 0}, "a second child": {mother, 2, index}, "child zero": {mother, 0, index},
	} {
		if _, proof, err := d.SeenCopy(t.Context(), c.v, c.child, c.index); broker.KindOf(err) != broker.NotAvailable || proof != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	protect := broker.ProtectionRequest{Student: of(kids[0]), Protects: byGuardian(kids[0].mother()), Document: "note 7"}
	d.done(d.RecordProtection(t.Context(), officer, protect))
	father := reader(kids[0].father())
	if held, _, err := d.Seen(t.Context(), father, 1, 0); err != nil || !held.NamesHeld || len(held.Requests) != 1 || held.Requests[0].Partner != "" {
		t.Errorf("the father reads %+v, %v", held, err)
	}
	if _, _, err := d.SeenCopy(t.Context(), father, 1, index); broker.KindOf(err) != broker.NotAvailable {
		t.Error("the father reads the copy:", err)
	}
}

// Who was asked before a family was protected still has the question's address.
func TestAQuestionNamesNobodyToWhomAFamilyIsProtectedFrom(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "told": {NamesTold: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids := asking(t, 1, sabotaged(sabotage))
			d.round()
			k := kids[0]
			his, hers := d.page(k.father()).Children[0].Cards[0].Ask, d.page(k.mother()).Children[0].Cards[0].Ask
			d.done(d.RecordProtection(t.Context(), officer, broker.ProtectionRequest{Student: of(k), Protects: byGuardian(k.mother()), Document: "note 7"}))
			page, err := d.Choice(t.Context(), reader(k.father()), his, "en")
			if told := err == nil && page.Partner != ""; told != sabotage.NamesTold {
				t.Errorf("the father reads %+v, %v", page, err)
			}
			if page, err := d.Choice(t.Context(), reader(k.mother()), hers, "en"); err != nil || page.State != pages.ChoiceOff {
				t.Errorf("the mother reads %+v, %v", page, err)
			}
		})
	}
}
