package broker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// letter is a message as a carrier would take it, before it is in words.
type letter struct {
	kind   broker.MessageKind
	email  string
	values map[string]string
}

// mailbag is a carrier that keeps what it is given.
type mailbag struct {
	mu   sync.Mutex
	sent []letter
}

func (p *mailbag) Carry(_ context.Context, parcel broker.Parcel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	values := map[string]string{}
	for line := range strings.Lines(parcel.Text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[name] = value
	}
	p.sent = append(p.sent, letter{parcel.Kind, parcel.Email, values})
	return nil
}

// plainly writes the values of a message, a line each.
func plainly(_ broker.MessageKind, _ string, values map[string]string) (subject, text string, err error) {
	var b strings.Builder
	for name, value := range values {
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	return "subject", b.String(), nil
}

// mail delivers what waits and returns what was sent since.
func (d *made) mail() []letter {
	d.t.Helper()
	var p mailbag
	if _, _, err := d.DeliverMessages(d.t.Context(), &p, plainly); err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(p.sent, func(a, b letter) int { return strings.Compare(a.email+string(a.kind), b.email+string(b.kind)) })
	return p.sent
}

func motherMail(k kid) string { return fmt.Sprintf("mo%d@example.org", k.number) }

// asking is a district with one agreement over its children, whose mothers can be
// written to; every other father too.
func asking(t *testing.T, n int, options ...func(*broker.Options)) (*made, []kid) {
	t.Helper()
	d, kids := &made{newDistrict(t, inSpring, options...)}, makeKids(n)
	d.loadReachable(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	return d, kids
}

func (d *made) loadReachable(kids []kid) {
	d.t.Helper()
	d.load(reachable(d.t, kids), ingest.Options{ExportDate: day(springEnd)})
}

// reachable writes an export that has the guardians' contacts.
func reachable(t testing.TB, kids []kid) string {
	t.Helper()
	dir := writeMade(t, kids)
	var b bytes.Buffer
	fmt.Fprintln(&b, "student_id,guardian_id,given_name,family_name,relation,capacity,language,email,phone,holds_rights")
	for _, k := range kids {
		fmt.Fprintf(&b, "%s,%s,Mo,%s,mother,parent,en,%s,,yes\n", k.id(), k.mother(), k.family(), motherMail(k))
		if k.number%2 == 0 {
			fmt.Fprintf(&b, "%s,%s,Fa,%s,father,parent,es,,414555%04d,yes\n", k.id(), k.father(), k.family(), k.number)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "guardians.csv"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// round asks all families of the agreement.
func (d *made) round() {
	d.t.Helper()
	d.roundOf("a1")
}

// linkOf is the secret that somebody was sent.
func linkOf(t *testing.T, sent []letter, email string) string {
	t.Helper()
	for _, l := range sent {
		if l.email == email && l.values["link"] != "" {
			return filepath.Base(l.values["link"])
		}
	}
	t.Fatalf("nothing was sent to %s: %v", email, sent)
	return ""
}

// code asks for a code and reads it.
func (d *made) code(secret string) string {
	d.t.Helper()
	if err := d.SendCode(d.t.Context(), secret); err != nil {
		d.t.Fatal(err)
	}
	for _, l := range d.mail() {
		if l.kind == broker.MessageCode {
			return l.values["code"]
		}
	}
	d.t.Fatal("no code was sent")
	return ""
}

// visit signs a mother in.
func (d *made) visit(secret string, k kid) broker.Visitor {
	d.t.Helper()
	in, err := d.SignIn(d.t.Context(), secret, d.code(secret), k.birth)
	if err != nil {
		d.t.Fatal(err)
	}
	v, err := d.Visitor(d.t.Context(), in.Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// waiting is the one question that a visitor can answer.
func (d *made) waiting(v broker.Visitor) string {
	d.t.Helper()
	all, err := d.Choices(d.t.Context(), v)
	if err != nil {
		d.t.Fatal(err)
	}
	var found []string
	for _, child := range all.Children {
		for _, card := range child.Cards {
			if card.State == pages.CardWaiting {
				found = append(found, card.Ask)
			}
		}
	}
	if len(found) != 1 {
		d.t.Fatalf("%d questions wait", len(found))
	}
	return found[0]
}

// shown is the visitor's one question, with the hash of its text.
func (d *made) shown(v broker.Visitor) (ask, sum string) {
	d.t.Helper()
	ask = d.waiting(v)
	page, err := d.Choice(d.t.Context(), v, ask, "en")
	if err != nil {
		d.t.Fatal(err)
	}
	_, text, err := pages.ConsentText("en", page)
	if err != nil {
		d.t.Fatal(err)
	}
	return ask, pages.TextHash(text)
}

// says answers the visitor's one question.
func (d *made) says(v broker.Visitor, answer consent.Answer) (number string, err error) {
	d.t.Helper()
	ask, sum := d.shown(v)
	return d.AnswerAsk(d.t.Context(), v, ask, "en", answer, sum)
}

func TestAFamilyIsAskedSignsInAnswersAndStops(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 3)
	d.round()
	sent := d.mail()
	if len(sent) != 5 { // three mothers, two fathers
		t.Fatalf("%d messages went out: %v", len(sent), sent)
	}
	k := kids[1]
	secret := linkOf(t, sent, motherMail(k))
	door, err := d.Doorway(t.Context(), secret)
	if err != nil || !slices.Equal(door.FirstNames, []string{k.given()}) || !slices.Equal(door.Organizations, []string{"river Mentors"}) || door.Contact != "m•••@e•••.org" {
		t.Fatalf("the link shows %+v, %v", door, err)
	}
	v := d.visit(secret, k)
	page, err := d.Choice(t.Context(), v, d.waiting(v), "en")
	if err != nil {
		t.Fatal(err)
	}
	if page.Records.Attendance == nil || page.Records.Attendance.Enrolled == 0 || len(page.Records.Grades) == 0 || !page.MaySign {
		t.Errorf("the choice shows %+v", page)
	}
	number, err := d.says(v, consent.Yes)
	if err != nil || len(number) != 8 {
		t.Fatal(number, err)
	}
	if !d.rowOpen(k) {
		t.Error("the yes opened nothing")
	}
	mail := d.mail()
	if len(mail) != 1 || mail[0].kind != broker.MessageReceipt || mail[0].values["number"] != number {
		t.Fatalf("the receipt was not sent: %v", mail)
	}
	stop := filepath.Base(mail[0].values["link"])
	if before, err := d.StopPage(t.Context(), stop); err != nil || !before.Stopped.IsZero() || before.Over {
		t.Fatal(before, err)
	}
	if !d.rowOpen(k) {
		t.Error("reading the page stopped it")
	}
	if err := d.StopByLink(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if d.rowOpen(k) {
		t.Error("one tap did not stop it")
	}
	if err := d.StopByLink(t.Context(), stop); err != nil {
		t.Error("a second tap failed:", err)
	}
	if err := d.AskDeletion(t.Context(), v, number); err != nil {
		t.Fatal(err)
	}
	after, err := d.Receipt(t.Context(), v, number)
	if err != nil || after.Stopped.IsZero() || after.DeletionAsked.IsZero() || after.StopPath != "" {
		t.Errorf("the receipt says %+v, %v", after, err)
	}
	if got := data[struct{ Deletions []map[string]any }](t, d.must(d.Deletions(t.Context(), partnerOf("river"), "a1"))); len(got.Deletions) != 1 || got.Deletions[0]["participant_ref"] != k.ref() {
		t.Errorf("the partner's tasks are %v", got)
	}
	d.verify()
}

func TestWrongCodesLockTheLinkAndNotTheFamily(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.round()
	k := kids[1]
	secret := linkOf(t, d.mail(), motherMail(k))
	right := d.code(secret)
	for range 5 {
		if _, err := d.SignIn(t.Context(), secret, other(right), k.birth); broker.KindOf(err) != broker.Unauthenticated {
			t.Fatal(err)
		}
	}
	if _, err := d.SignIn(t.Context(), secret, right, k.birth); broker.KindOf(err) != broker.Unauthenticated {
		t.Fatal("the code outlived five tries:", err)
	}
	right = d.code(secret)
	if _, err := d.SignIn(t.Context(), secret, right, k.birth+1); broker.KindOf(err) != broker.Unauthenticated {
		t.Fatal("another birthday was taken:", err)
	}
	for range 20 {
		_, _ = d.SignIn(t.Context(), secret, other(right), k.birth)
		if _, err := d.Doorway(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // of the next codes the last tries of the day
		if err := d.SendCode(t.Context(), secret); err != nil {
			break
		}
		d.mail()
		for range 5 {
			_, _ = d.SignIn(t.Context(), secret, "x", k.birth)
		}
	}
	if door, err := d.Doorway(t.Context(), secret); err != nil || door.State != broker.DoorLocked {
		t.Fatalf("the link is %+v, %v", door, err)
	}
	if err := d.SendCode(t.Context(), secret); broker.KindOf(err) != broker.Exhausted {
		t.Error("a locked link sent a code:", err)
	}
	if err := d.SendLink(t.Context(), motherMail(k)); err != nil {
		t.Fatal(err)
	}
	fresh := linkOf(t, d.mail(), motherMail(k))
	d.visit(fresh, k)
	d.clock.Set(d.clock.Now().Add(24 * time.Hour))
	d.visit(secret, k)
	d.verify()
}

// other is a code that is not the right one.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func TestAHundredGuessesAtOnceCountAsAHundred(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "without counting": {FreeTries: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids := asking(t, 2, sabotaged(sabotage))
			d.round()
			secret := linkOf(t, d.mail(), motherMail(kids[1]))
			right := d.code(secret)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { _, _ = d.SignIn(t.Context(), secret, other(right), kids[1].birth) })
			}
			all.Wait()
			_, err := d.SignIn(t.Context(), secret, right, kids[1].birth)
			if counted := err != nil; counted != (sabotage == broker.Sabotage{}) {
				t.Errorf("after a hundred wrong ones the right code: %v", err)
			}
		})
	}
}

func TestACodeIsGoodOnceForTenMinutesAndUntilTheNext(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.round()
	k := kids[1]
	secret := linkOf(t, d.mail(), motherMail(k))
	refused := func(what, code string) {
		t.Helper()
		if _, err := d.SignIn(t.Context(), secret, code, k.birth); broker.KindOf(err) != broker.Unauthenticated {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("no code was sent", "000000")
	first := d.code(secret)
	second := d.code(secret)
	if first != second {
		refused("a code after the next", first)
	}
	if _, err := d.SignIn(t.Context(), secret, second[:3]+" "+second[3:], k.birth); err != nil {
		t.Fatal(err)
	}
	refused("the same code again", second)
	late := d.code(secret)
	d.clock.Set(d.clock.Now().Add(10 * time.Minute))
	refused("a code of ten minutes ago", late)
}

func TestAnAnswerNeedsACodeOfTheLastFiveMinutes(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "whenever it was": {OldProof: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids := asking(t, 2, sabotaged(sabotage))
			d.round()
			k := kids[1]
			v := d.visit(linkOf(t, d.mail(), motherMail(k)), k)
			d.clock.Set(d.clock.Now().Add(6 * time.Minute))
			_, err := d.says(v, consent.Yes)
			if sabotage.OldProof {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !broker.IsStale(err) {
				t.Fatal("an old code signed:", err)
			}
			if err := d.SendStepUp(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			in, err := d.StepUp(t.Context(), v, d.mail()[0].values["code"], k.birth)
			if err != nil {
				t.Fatal(err)
			}
			again, err := d.Visitor(t.Context(), in.Secret)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.says(again, consent.Yes); err != nil {
				t.Error(err)
			}
			if _, err := d.Choices(t.Context(), v); err != nil {
				t.Error("a visitor who was read lives on for the request:", err)
			}
		})
	}
}

func TestATelephoneThatWasLostOpensNothingOnceTheFileHasAnother(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.round()
	k := kids[1]
	secret := linkOf(t, d.mail(), motherMail(k))
	in, err := d.SignIn(t.Context(), secret, d.code(secret), k.birth)
	if err != nil {
		t.Fatal(err)
	}
	dir := writeMade(t, kids)
	guardians := "student_id,guardian_id,given_name,family_name,relation,capacity,language,email,phone,holds_rights\n" +
		fmt.Sprintf("%s,%s,Mo,%s,mother,parent,en,new@example.org,,yes\n", k.id(), k.mother(), k.family()) +
		fmt.Sprintf("%s,%s,Mo,%s,mother,parent,en,%s,,yes\n", kids[0].id(), kids[0].mother(), kids[0].family(), motherMail(kids[0]))
	if err := os.WriteFile(filepath.Join(dir, "guardians.csv"), []byte(guardians), 0o600); err != nil {
		t.Fatal(err)
	}
	d.load(dir, ingest.Options{ExportDate: day(springEnd) + 1})
	if _, err := d.Visitor(t.Context(), in.Secret); broker.KindOf(err) != broker.Unauthenticated {
		t.Error("the session lives on:", err)
	}
	if err := d.SendCode(t.Context(), secret); broker.KindOf(err) != broker.NotAvailable {
		t.Error("the link sends codes:", err)
	}
	if err := d.SendLink(t.Context(), "NEW@example.org"); err != nil {
		t.Fatal(err)
	}
	d.visit(linkOf(t, d.mail(), "new@example.org"), k)
}

func TestAFamilyGetsOneMessageAWeekAndIsAskedOnceInNinetyDays(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.signed("river", "a2")
	d.upload("river", "a2", kids)
	d.round()
	first := len(d.mail())
	d.done(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a2", Categories: []consent.Category{consent.Attendance}, RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)}))
	if again := d.mail(); len(again) != 0 {
		t.Fatalf("%d messages beside the %d of the same week", len(again), first)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 7))
	if _, err := d.AskFamilies(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := d.mail(); len(again) != first {
		t.Errorf("%d messages after a week, want %d", len(again), first)
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 60))
	d.round()
	if again := d.mail(); len(again) != 0 {
		t.Errorf("%d were asked again within ninety days", len(again))
	}
	d.clock.Set(d.clock.Now().AddDate(0, 0, 30))
	d.done(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a1", RecordsFrom: day(autumnStart), RecordsTo: day("2027-06-30")}))
	if again := d.mail(); len(again) != first {
		t.Errorf("%d were asked after ninety days, want %d", len(again), first)
	}
}

func TestAProtectedFamilyIsNotWrittenToAndNobodyElseIsToldWhere(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]broker.Sabotage{"as it is": {}, "told": {NamesTold: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids := asking(t, 4, sabotaged(sabotage))
			k := kids[2]
			d.enter(d.yes("a1", k))
			d.students("a1", "river")
			d.done(d.RecordProtection(t.Context(), officer, broker.ProtectionRequest{Student: of(k), Protects: byGuardian(k.mother()), Document: "note 7"}))
			d.round()
			for _, l := range d.mail() {
				if l.email == motherMail(k) {
					t.Error("a protected family was written to")
				}
			}
			named := func(guardian string) (held bool, name string) {
				a := d.must(d.Disclosures(t.Context(), broker.Caller{Subject: guardian, Role: broker.RoleGuardian}, broker.DisclosuresRequest{Student: of(k)}))
				got := data[struct {
					Held     bool `json:"names_held"`
					Requests []struct {
						Name string `json:"partner_name"`
					}
				}](t, a)
				if len(got.Requests) != 1 {
					t.Fatalf("%d requests", len(got.Requests))
				}
				return got.Held, got.Requests[0].Name
			}
			if held, name := named(k.mother()); held || name == "" {
				t.Error("the protected mother is not told")
			}
			if held, name := named(k.father()); held == sabotage.NamesTold || (name == "") == sabotage.NamesTold {
				t.Errorf("the father is told %q", name)
			}
		})
	}
}

func TestTheChildIsNotMinePausesWithTheLinkAlone(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.enter(d.yes("a1", kids[1]))
	if err := d.SendLink(t.Context(), motherMail(kids[1])); err != nil {
		t.Fatal(err)
	}
	secret := linkOf(t, d.mail(), motherMail(kids[1]))
	if !d.rowOpen(kids[1]) {
		t.Fatal("the row is closed before")
	}
	if err := d.DenyChild(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if d.rowOpen(kids[1]) {
		t.Error("sharing goes on")
	}
}

func TestAFormIsPrintedComesBackSignedAndClosesItsQuestion(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 3)
	d.done(d.RecordProtection(t.Context(), officer, broker.ProtectionRequest{Student: of(kids[2]), Document: "note 7"}))
	opened := data[struct{ ID string }](t, d.must(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a1", RecordsFrom: day(autumnStart), RecordsTo: day(springEnd)})))
	type sheet struct {
		Form, Language, Student, Path string
	}
	print := func() []sheet {
		return data[struct{ Sheets []sheet }](t, d.must(d.Packet(t.Context(), officer, broker.PacketRequest{Round: opened.ID}))).Sheets
	}
	sheets := print()
	if len(sheets) != 3 { // two mothers and a father; nobody of the protected family
		t.Fatalf("%d forms were printed: %v", len(sheets), sheets)
	}
	i := slices.IndexFunc(sheets, func(s sheet) bool { return s.Student == kids[1].given()+" "+kids[1].family() })
	if i < 0 || sheets[i].Language != "en" {
		t.Fatalf("the forms are %v", sheets)
	}
	if door, err := d.Doorway(t.Context(), filepath.Base(sheets[i].Path)); err != nil || door.FirstNames[0] != kids[1].given() {
		t.Errorf("the printed code leads to %v, %v", door, err)
	}
	signed := broker.PaperRequest{Answer: consent.Yes, SignedAt: d.clock.Now(), Language: "en", ScanSHA256: sha}
	d.done(d.EnterPaper(t.Context(), officer, sheets[i].Form, signed))
	if !d.rowOpen(kids[1]) {
		t.Error("the signed form opened nothing")
	}
	if a, err := d.EnterPaper(t.Context(), officer, sheets[i].Form, signed); broker.KindOf(err) != broker.Conflict {
		t.Error("the same form was entered twice:", a, err)
	}
	if left := print(); len(left) != 2 {
		t.Errorf("%d forms are printed again", len(left))
	}
	d.verify()
}

func TestAtTheFrontDeskALinkOpensOnTheFamilysOwnTelephone(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	d.round()
	d.mail()
	made := data[struct {
		Path string
	}](t, d.must(d.CreateLink(t.Context(), officer, broker.LinkRequest{Student: of(kids[1]), Person: byGuardian(kids[1].mother())})))
	v := d.visit(filepath.Base(made.Path), kids[1])
	if _, err := d.says(v, consent.Yes); err != nil {
		t.Fatal(err)
	}
	if !d.rowOpen(kids[1]) {
		t.Error("the answer opened nothing")
	}
}
