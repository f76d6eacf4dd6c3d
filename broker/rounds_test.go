package broker_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// roundRead is a round as an officer reads it.
type roundRead struct {
	ID        string
	Agreement string
	Expires   civil.Date
	Done      bool `json:"everyone_was_asked"`
	Children  struct {
		Asked, Yes, No int
		Talk           int            `json:"wants_to_talk"`
		Silent         int            `json:"no_answer"`
		ByMethod       map[string]int `json:"answered_by_method"`
	}
}

func (d *made) rounds() []roundRead {
	d.t.Helper()
	return data[struct{ Rounds []roundRead }](d.t, d.must(d.Rounds(d.t.Context(), auditor))).Rounds
}

func TestARoundCountsEachChildOnceAndAnswersByMethod(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 6)
	d.round()
	v := d.visit(linkOf(t, d.mail(), motherMail(kids[0])), kids[0])
	if _, err := d.says(v, consent.Yes); err != nil {
		t.Fatal(err)
	}
	for i, answer := range map[int]consent.Answer{1: consent.Yes, 2: consent.No, 3: consent.Talk} {
		paper := d.yes("a1", kids[i])
		paper.Answer = answer
		d.enter(paper)
	}
	phone := d.yes("a1", kids[4])
	phone.Method, phone.Answer = consent.Phone, consent.No
	d.enter(phone)
	all := d.rounds()
	if len(all) != 1 || !all[0].Done || all[0].Agreement != "a1" || all[0].Expires != day(springEnd)+120 {
		t.Fatalf("the rounds are %+v", all)
	}
	got := all[0].Children
	if got.Asked != 6 || got.Yes != 2 || got.No != 2 || got.Talk != 1 || got.Silent != 1 {
		t.Errorf("the counts are %+v", got)
	}
	if want := map[string]int{"web": 1, "paper": 3, "phone": 1}; !maps.Equal(got.ByMethod, want) {
		t.Errorf("by method: %v", got.ByMethod)
	}
}

func TestARoundAsksWhatTheAgreementAllowsAndNothingElse(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 1)
	d.signedOver("river", "narrow", []consent.Category{consent.Attendance}, nil)
	good := broker.RoundRequest{Agreement: "a1", RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)}
	for name, c := range map[string]struct {
		change func(*broker.RoundRequest)
		kind   broker.Kind
		field  string
	}{
		"no agreement":             {func(r *broker.RoundRequest) { r.Agreement = "nothing" }, broker.NotAvailable, ""},
		"no roster":                {func(r *broker.RoundRequest) { r.Agreement = "narrow" }, broker.Conflict, ""},
		"no first day":             {func(r *broker.RoundRequest) { r.RecordsFrom = 0 }, broker.Invalid, "records_from"},
		"no last day":              {func(r *broker.RoundRequest) { r.RecordsTo = 0 }, broker.Invalid, "records_to"},
		"turned round":             {func(r *broker.RoundRequest) { r.RecordsTo = r.RecordsFrom - 1 }, broker.Invalid, "records_to"},
		"over already":             {func(r *broker.RoundRequest) { r.Expires = day("2026-03-01") }, broker.Invalid, "expires"},
		"over three years":         {func(r *broker.RoundRequest) { r.Expires = day("2029-03-03") }, broker.Invalid, "expires"},
		"a school of another":      {func(r *broker.RoundRequest) { r.Schools = []string{"S9"} }, broker.Invalid, "schools"},
		"a category of none":       {func(r *broker.RoundRequest) { r.Categories = []consent.Category{"health"} }, broker.Invalid, "categories"},
		"everything that is wrong": {func(r *broker.RoundRequest) { *r = broker.RoundRequest{Agreement: "a1"} }, broker.Invalid, "records_from"},
	} {
		req := good
		c.change(&req)
		_, err := d.OpenRound(t.Context(), officer, req)
		if broker.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		if e, ok := errors.AsType[*broker.Error](err); c.field != "" && (!ok || len(e.Fields) == 0 || e.Fields[0].Name != c.field || e.Fields[0].Remedy == "") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if len(d.rounds()) != 0 || len(d.mail()) != 0 {
		t.Error("a round that was refused asked somebody")
	}
	program := good
	program.RecordsTo, program.Program = 0, true
	d.done(d.OpenRound(t.Context(), officer, program))
	if all := d.rounds(); len(all) != 1 || all[0].Expires != day("2027-07-31") {
		t.Errorf("a round for the time in the program ends with the term, and not as %+v", all)
	}
	d.done(d.AdvanceAgreement(t.Context(), officer, "a1", event("terminate")))
	if _, err := d.OpenRound(t.Context(), officer, good); broker.KindOf(err) != broker.Conflict {
		t.Error("an agreement that ended asks:", err)
	}
	if page := d.page(kids[0].mother()); len(page.Children[0].Cards) != 0 {
		t.Errorf("a question of an agreement that ended waits: %+v", page)
	}
}

func TestAskingOnceMoreAsksNobodyTwice(t *testing.T) {
	t.Parallel()
	d, _ := asking(t, 3)
	d.round()
	if sent := d.mail(); len(sent) != 5 {
		t.Fatalf("%d messages", len(sent))
	}
	before := d.page("mo0000")
	for range 2 {
		if n, err := d.AskFamilies(t.Context()); err != nil || n != 0 {
			t.Errorf("%d messages more, %v", n, err)
		}
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 8))
	d.round()
	if n, err := d.AskFamilies(t.Context()); err != nil || n != 0 || len(d.mail()) != 0 {
		t.Errorf("%d messages of a second round, %v", n, err)
	}
	if after := d.page("mo0000"); !reflect.DeepEqual(after, before) {
		t.Errorf("the mother reads %+v and then %+v", before, after)
	}
	if all := d.rounds(); len(all) != 2 || all[0].Children.Asked != 0 || all[1].Children.Asked != 3 {
		t.Errorf("the rounds are %+v", all)
	}
}

// The machine stops at one commit after the other: what was written stands, and what is
// left is asked when the service looks again.
func TestARoundThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	const n = 120 // more than one step asks about, and more than one writes to
	asked := makeKids(n)
	first := closedMade(t)
	first.loadReachable(asked)
	first.signed("river", "a1")
	first.upload("river", "a1", asked)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, last := range []int64{1, 2, 3, 5} {
		t.Run(fmt.Sprint("after commit ", last), func(t *testing.T) {
			t.Parallel()
			h := &hooks{}
			d := &made{&district{t: t, dir: filepath.Join(fastDir(t), "district"), clock: &clock{now: inSpring}}}
			copyDistrict(t, first.dir, d.dir)
			d.open(withRules(t), h.option)
			var commits atomic.Int64
			h.atCommit(func() error {
				if commits.Add(1) > last {
					return errors.New("the machine stopped")
				}
				return nil
			})
			_, _ = d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a1", RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)})
			if d.Failed() == nil {
				t.Fatal("the machine did not stop")
			}
			if err := d.reopen(nil); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}()
			if _, err := d.AskFamilies(t.Context()); err != nil {
				t.Fatal(err)
			}
			if all := d.rounds(); len(all) != 1 || !all[0].Done || all[0].Children.Asked != n {
				t.Errorf("the rounds are %+v", all)
			}
			sent := map[string]int{}
			for _, l := range d.mail() {
				sent[l.email+l.values["phone"]]++
			}
			for _, k := range asked {
				if sent[motherMail(k)] != 1 {
					t.Errorf("%d messages to the mother of %d", sent[motherMail(k)], k.number)
				}
			}
			d.verify()
		})
	}
}

func TestQuestionsAndReceiptsOutliveTheMergeOfTwoFiles(t *testing.T) {
	t.Parallel()
	d := doubled(t)
	d.partner("choir")
	d.conclude(terms("choir", "choir"))
	d.roster("choir", double)
	mother := reader(double.mother())
	for _, agreement := range []string{"club", "choir"} {
		d.done(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: agreement, RecordsFrom: day(fallFirst), RecordsTo: day(lentLast)}))
	}
	stopped := d.consent(consentTo("club", double))
	number, err := d.StopChoice(t.Context(), mother, stopped.ID)
	if err != nil || number == "" {
		t.Fatal(number, err)
	}
	if err := d.AskDeletion(t.Context(), mother, number); err != nil {
		t.Fatal(err)
	}
	cards := func() []pages.Card {
		page, err := d.Choices(t.Context(), mother)
		if err != nil || len(page.Children) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		return page.Children[0].Cards
	}
	before := cards()
	if len(before) != 2 || before[0].State != pages.CardWaiting || before[1].State != pages.CardStopped {
		t.Fatalf("before the merge: %+v", before)
	}
	d.imported(joinedUnderOneMother())
	if after := cards(); !reflect.DeepEqual(after, before) {
		t.Errorf("before the merge %+v, and after it %+v", before, after)
	}
	if page, err := d.Receipt(t.Context(), mother, number); err != nil || page.Stopped.IsZero() || page.DeletionAsked.IsZero() {
		t.Errorf("the receipt is %+v, %v", page, err)
	}
	if page, err := d.Choice(t.Context(), mother, before[0].Ask, "en"); err != nil || page.State != pages.ChoiceOpen {
		t.Errorf("the question is %+v, %v", page, err)
	}
	if tasks := data[struct{ Deletions []any }](t, d.must(d.Deletions(t.Context(), partnerOf("club"), "club"))).Deletions; len(tasks) != 1 {
		t.Errorf("the partner's tasks are %v", tasks)
	}
}

func TestALinkIsSentToWhoIsOnFileThreeTimesADayAndNobodyIsTold(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	k := kids[1]
	for name, typed := range map[string]string{
		"a stranger": "stranger@example.org", "no contact": "?", "nothing": "", "a book": strings.Repeat("a", 5000) + "@example.org", "a stranger's telephone": "212 555 0000",
	} {
		if err := d.SendLink(t.Context(), typed); err != nil {
			t.Errorf("%s is told: %v", name, err)
		}
	}
	if sent := d.mail(); len(sent) != 0 {
		t.Fatalf("%d messages to nobody", len(sent))
	}
	for i := range 5 {
		if err := d.SendLink(t.Context(), strings.ToUpper(motherMail(k))); err != nil {
			t.Fatalf("the mother is told at the %d. time: %v", i+1, err)
		}
	}
	if sent := d.mail(); len(sent) != 3 || sent[0].email != motherMail(k) || sent[0].kind != broker.MessageLink {
		t.Errorf("the messages are %v", sent)
	}
	if err := d.SendLink(t.Context(), "(414) 555-0000"); err != nil {
		t.Fatal(err)
	}
	if sent := d.mail(); len(sent) != 1 || sent[0].values["link"] == "" {
		t.Errorf("the father's telephone got %v", sent)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 1))
	if err := d.SendLink(t.Context(), motherMail(k)); err != nil {
		t.Fatal(err)
	}
	d.visit(linkOf(t, d.mail(), motherMail(k)), k)
	d.done(d.RecordProtection(t.Context(), officer, broker.ProtectionRequest{Student: of(k), Document: "note 7"}))
	if err := d.SendLink(t.Context(), motherMail(k)); err != nil {
		t.Fatal(err)
	}
	if sent := d.mail(); len(sent) != 0 {
		t.Errorf("a protected family was sent %v", sent)
	}
}

func TestSayingTwiceThatAChildIsNotMineOpensOneCase(t *testing.T) {
	t.Parallel()
	kids := makeKids(2)
	d := siblings(t, kids)
	if err := d.SendLink(t.Context(), motherMail(kids[0])); err != nil {
		t.Fatal(err)
	}
	secret := linkOf(t, d.mail(), motherMail(kids[0]))
	before := d.size()
	for range 2 {
		if err := d.DenyChild(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	events := d.events(before)
	if !reflect.DeepEqual(events, []tlog.Event{tlog.CaseOpened, tlog.CaseOpened}) {
		t.Errorf("two children, said twice: %v", events)
	}
}

func TestALinkSpeaksOfTheChildrenThatAreStillOnesOwn(t *testing.T) {
	t.Parallel()
	kids := makeKids(2)
	d := siblings(t, kids)
	d.round()
	secret := linkOf(t, d.mail(), motherMail(kids[0]))
	dir := writeMade(t, kids)
	guardians := "student_id,guardian_id,given_name,family_name,relation,capacity,language,email,phone,holds_rights\n"
	for i, mother := range []string{kids[0].mother(), "another"} {
		guardians += fmt.Sprintf("%s,%s,Mo,%s,mother,parent,en,%s,,yes\n", kids[i].id(), mother, kids[i].family(), motherMail(kids[i]))
	}
	if err := os.WriteFile(filepath.Join(dir, "guardians.csv"), []byte(guardians), 0o600); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: day(springEnd) + 1})
	if door, err := d.Doorway(t.Context(), secret); err != nil || len(door.FirstNames) != 1 || door.FirstNames[0] != kids[0].given() {
		t.Errorf("the link shows %+v, %v", door, err)
	}
	if _, err := d.SignIn(t.Context(), secret, d.code(secret), kids[1].birth); broker.KindOf(err) != broker.Unauthenticated {
		t.Error("another's birthday opened it:", err)
	}
	if err := d.DenyChild(t.Context(), secret); err != nil {
		t.Error(err)
	}
}
