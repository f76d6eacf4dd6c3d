package broker_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// reader is somebody of a family whose proof of who they are is long ago: they read and
// stop, and sign nothing.
func reader(subject string) broker.Visitor { return broker.Visitor{Caller: guardian(subject)} }

// page is somebody's page of choices.
func (d *made) page(subject string) pages.Choices {
	d.t.Helper()
	page, err := d.Choices(d.t.Context(), reader(subject))
	if err != nil {
		d.t.Fatal(err)
	}
	return page
}

// states are how a page's first child stands with each organization.
func states(page pages.Choices) map[string]pages.CardState {
	found := map[string]pages.CardState{}
	for _, card := range page.Children[0].Cards {
		found[card.Partner] = card.State
	}
	return found
}

// inState brings a child's mother and an organization of that name to a state.
func (d *made) inState(state pages.CardState, k kid) {
	d.t.Helper()
	party, under := string(state), string(state)+"-1"
	d.partnerWith(party, map[string][]kid{under: {k}})
	answer := d.yes(under, k)
	switch state {
	case pages.CardWaiting:
		d.roundOf(under)
		return
	case pages.CardNo:
		answer.Answer = consent.No
	case pages.CardTalk:
		answer.Answer = consent.Talk
	case pages.CardEnded:
		answer.RecordsTo = civil.Of(d.clock.Now(), d.clock.Now().Location())
		answer.Expires = answer.RecordsTo
	case pages.CardOff:
		no := d.yes(under, k)
		no.Signer, no.Answer = byGuardian(k.father()), consent.No
		d.enter(no)
	}
	entered := d.enter(answer)
	if state == pages.CardStopped {
		d.withdraw(entered.ID, k)
	}
}

// roundOf opens a round under an agreement.
func (d *made) roundOf(agreement string) {
	d.t.Helper()
	d.done(d.OpenRound(d.t.Context(), officer, broker.RoundRequest{Agreement: agreement, RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)}))
}

func TestAPageOfChoicesShowsHowEachOrganizationStands(t *testing.T) {
	t.Parallel()
	d, kids := &made{newDistrict(t, inSpring)}, makeKids(1)
	d.loadReachable(kids)
	want := map[string]pages.CardState{}
	for _, state := range []pages.CardState{
		pages.CardWaiting, pages.CardShares, pages.CardNo, pages.CardTalk, pages.CardStopped, pages.CardEnded, pages.CardOff,
	} {
		d.inState(state, kids[0])
		want[string(state)+" Mentors"] = state
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1))
	page := d.page(kids[0].mother())
	if got := states(page); !reflect.DeepEqual(got, want) {
		t.Errorf("the mother reads %v", got)
	}
	for _, card := range page.Children[0].Cards {
		if waits := card.State == pages.CardWaiting; waits != (card.Ask != "") || waits == (card.Receipt != "") || waits == (card.ID != "") {
			t.Errorf("the card is %+v", card)
		}
		if shares := card.State == pages.CardShares; shares == card.Until.IsZero() {
			t.Errorf("the card is %+v", card)
		}
	}
	if got, want := states(d.page(kids[0].father())), map[string]pages.CardState{"waiting Mentors": pages.CardWaiting, "off Mentors": pages.CardNo}; !reflect.DeepEqual(got, want) {
		t.Errorf("the father reads %v", got)
	}
}

func TestOneParentsPagesTellNothingOfTheOthersAnswer(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 1)
	d.round()
	k := kids[0]
	ask := d.page(k.mother()).Children[0].Cards[0].Ask
	read := func() (pages.Choices, pages.Choice) {
		choice, err := d.Choice(t.Context(), reader(k.mother()), ask, "en")
		if err != nil {
			t.Fatal(err)
		}
		return d.page(k.mother()), choice
	}
	list, choice := read()
	for _, answer := range []consent.Answer{consent.Yes, consent.No, consent.Talk} {
		his := d.yes("a1", k)
		his.Signer, his.Answer = byGuardian(k.father()), answer
		d.enter(his)
		if l, c := read(); !reflect.DeepEqual(l, list) || !reflect.DeepEqual(c, choice) {
			t.Errorf("after the father's %s the mother reads something else: %+v %+v", answer, l, c)
		}
	}
}

// A yes that opens nothing looks the same whether another said no or a document says
// so.
func TestWhySharingIsOffIsNotTold(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 4)
	no := d.yes("a1", kids[0])
	no.Signer, no.Answer = byGuardian(kids[0].father()), consent.No
	d.enter(no)
	d.done(d.OpenCase(t.Context(), officer, broker.CaseRequest{Student: of(kids[2]), Kind: broker.CaseNotMe, By: byGuardian(kids[2].father())}))
	card := func(k kid) pages.Card {
		d.enter(d.yes("a1", k))
		c := d.page(k.mother()).Children[0].Cards[0]
		c.ID, c.Receipt = "", ""
		return c
	}
	if one, other := card(kids[0]), card(kids[2]); one != other || one.State != pages.CardOff {
		t.Errorf("%+v, and %+v", one, other)
	}
}

// siblings puts all children on one mother's file.
func siblings(t *testing.T, kids []kid) *made {
	t.Helper()
	d := &made{newDistrict(t, inSpring)}
	dir := writeMade(t, kids)
	var b bytes.Buffer
	fmt.Fprintln(&b, "student_id,guardian_id,given_name,family_name,relation,capacity,language,email,phone,holds_rights")
	for _, k := range kids {
		fmt.Fprintf(&b, "%s,%s,Mo,%s,mother,parent,en,%s,,yes\n", k.id(), kids[0].mother(), kids[0].family(), motherMail(kids[0]))
	}
	if err := os.WriteFile(filepath.Join(dir, "guardians.csv"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: day(springEnd)})
	d.partnerWith("river", map[string][]kid{"a1": kids})
	return d
}

func TestAMotherOfTwoGetsOneMessageAndAnswersForEach(t *testing.T) {
	t.Parallel()
	kids := makeKids(2)
	d := siblings(t, kids)
	d.round()
	sent := d.mail()
	if len(sent) != 1 {
		t.Fatalf("%d messages", len(sent))
	}
	secret := linkOf(t, sent, motherMail(kids[0]))
	if door, err := d.Doorway(t.Context(), secret); err != nil || !slices.Equal(slices.Sorted(slices.Values(door.FirstNames)), []string{kids[0].given(), kids[1].given()}) {
		t.Fatalf("%+v, %v", door, err)
	}
	v := d.visit(secret, kids[1])
	for i, answer := range []consent.Answer{consent.Yes, consent.No} {
		page, err := d.Choices(t.Context(), v)
		if err != nil || len(page.Children) != 2 || page.Children[0].Child != kids[0].given() || page.Children[0].Seen != 1 || page.Children[1].Seen != 2 {
			t.Fatalf("%+v, %v", page, err)
		}
		card := page.Children[i].Cards[0]
		if card.State != pages.CardWaiting {
			t.Fatalf("the %d. child is %+v", i+1, card)
		}
		d.answer(v, card.Ask, answer)
	}
	if !d.rowOpen(kids[0]) || d.rowOpen(kids[1]) {
		t.Error("the answers were mixed up")
	}
}

// answer signs an answer to a question with the text that is shown, in English.
func (d *made) answer(v broker.Visitor, ask string, answer consent.Answer) string {
	d.t.Helper()
	page, err := d.Choice(d.t.Context(), v, ask, "en")
	if err != nil {
		d.t.Fatal(err)
	}
	_, text, err := pages.ConsentText("en", page)
	if err != nil {
		d.t.Fatal(err)
	}
	number, err := d.AnswerAsk(d.t.Context(), v, ask, "en", answer, pages.TextHash(text))
	if err != nil {
		d.t.Fatal(err)
	}
	return number
}

func TestAtEighteenTheStudentIsAskedAndNotTheMother(t *testing.T) {
	t.Parallel()
	d, kids := &made{newDistrict(t, inSpring)}, makeKids(2)
	kids[1].birth = civil.Of(inSpring, inSpring.Location()).AddYears(-18)
	d.loadReachable(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	d.round()
	for _, l := range d.mail() {
		if l.email == motherMail(kids[1]) {
			t.Error("the mother was asked")
		}
	}
	grown := d.page("student:" + kids[1].id())
	if len(grown.Children) != 1 || !grown.Children[0].Self || len(grown.Children[0].Cards) != 1 || grown.Children[0].Cards[0].State != pages.CardWaiting {
		t.Errorf("the student reads %+v", grown)
	}
	for _, child := range d.page(kids[1].mother()).Children {
		if len(child.Cards) > 0 {
			t.Errorf("the mother reads %+v", child)
		}
	}
	ask := grown.Children[0].Cards[0].Ask
	if _, err := d.Choice(t.Context(), reader(kids[1].mother()), ask, "en"); broker.KindOf(err) != broker.NotAvailable {
		t.Error("the mother reads the student's question:", err)
	}
}

// Between the question and the answer the child came of age.
func TestAQuestionToAMotherEndsWithTheBirthday(t *testing.T) {
	t.Parallel()
	d, kids := &made{newDistrict(t, inSpring)}, makeKids(2)
	kids[1].birth = civil.Of(inSpring, inSpring.Location()).AddYears(-18) + 1
	d.loadReachable(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	d.round()
	v := d.visit(linkOf(t, d.mail(), motherMail(kids[1])), kids[1])
	ask := d.waiting(v)
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1))
	page, err := d.Choice(t.Context(), v, ask, "en")
	if err == nil && (page.State != pages.ChoiceOfAge || page.Records.Attendance != nil) || err != nil && broker.KindOf(err) != broker.NotAvailable {
		t.Errorf("the mother reads %+v, %v", page, err)
	}
}
