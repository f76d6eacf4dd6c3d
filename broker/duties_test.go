package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
)

func (d *made) duties() []letter {
	d.t.Helper()
	if err := d.DoDuties(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return d.mail()
}

// kindsTo lists what was sent to an address.
func kindsTo(sent []letter, email string) (kinds []broker.MessageKind) {
	for _, l := range sent {
		if l.email == email {
			kinds = append(kinds, l.kind)
		}
	}
	return kinds
}

func TestAFamilyIsToldSixtyDaysBeforeTheRightsPassAndTheStudentIsAskedOnTheDay(t *testing.T) {
	t.Parallel()
	d, kids := &made{newDistrict(t, inSpring)}, makeKids(3)
	kids[1].birth = civil.Make(2008, time.July, 20)
	d.loadReachable(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	k := kids[1]
	birthday := k.birth.AddYears(18)
	d.at(birthday - 61)
	yes := d.yes("a1", k)
	yes.Expires, yes.RecordsTo = birthday+200, day(springEnd)
	d.enter(yes)
	if sent := d.duties(); len(sent) != 0 {
		t.Fatalf("sixty-one days before %v was sent", sent)
	}
	d.at(birthday - 60)
	if kinds := kindsTo(d.duties(), motherMail(k)); !slices.Equal(kinds, []broker.MessageKind{broker.MessageBirthdaySoon}) {
		t.Errorf("sixty days before the mother got %v", kinds)
	}
	if sent := d.duties(); len(sent) != 0 {
		t.Errorf("the same was told again: %v", sent)
	}
	d.at(birthday)
	d.duties()
	asked := data[struct {
		Messages []struct {
			Kind  broker.MessageKind
			State broker.MessageState
		}
	}](t, d.must(d.Messages(t.Context(), officer, broker.MessagesRequest{})))
	invited := 0
	for _, m := range asked.Messages {
		if m.Kind == broker.MessageInvitation && m.State == broker.MessageUndeliverable {
			invited++
		}
	}
	if invited != 1 {
		t.Errorf("on the birthday the student, whom the file cannot reach, has %d invitations to hand over", invited)
	}
}

// withContacts writes an export in which the children have contacts of their own.
func withContacts(t testing.TB, kids []kid) string {
	t.Helper()
	return rewrite(t, reachable(t, kids), func(name, text string) string {
		if name != "students.csv" {
			return text
		}
		text = strings.Replace(text, "birthdate\n", "birthdate,student_email,student_phone\n", 1)
		for _, k := range kids {
			text = strings.Replace(text, k.birth.String()+"\n", k.birth.String()+","+ownMail(k)+",\n", 1)
		}
		return text
	})
}

func ownMail(k kid) string { return k.id() + "@students.example.org" }

func TestAStudentOfEighteenIsAskedAtTheirOwnAddressAndAnswers(t *testing.T) {
	t.Parallel()
	d, kids := &made{newDistrict(t, inSpring)}, makeKids(3)
	kids[1].birth = civil.Make(2008, time.July, 20)
	d.load(withContacts(t, kids), ingest.Options{ExportDate: day(springEnd)})
	d.partnerWith("river", map[string][]kid{"a1": kids})
	k := kids[1]
	birthday := k.birth.AddYears(18)
	d.at(birthday - 60)
	yes := d.yes("a1", k)
	yes.Expires, yes.RecordsTo, yes.SignedAt = birthday+200, day(springEnd), d.clock.Now()
	d.enter(yes)
	sent := d.duties()
	for _, address := range []string{motherMail(k), ownMail(k)} {
		if kinds := kindsTo(sent, address); !slices.Equal(kinds, []broker.MessageKind{broker.MessageBirthdaySoon}) {
			t.Errorf("sixty days before, %v were told", kinds)
		}
	}
	if len(sent) != 2 {
		t.Errorf("%d messages were sent: a younger child's own address was kept", len(sent))
	}
	if !d.rowOpen(k) {
		t.Fatal("the mother's yes opened nothing")
	}
	wish := func() []letter {
		if err := d.SendLink(t.Context(), ownMail(k)); err != nil {
			t.Fatal(err)
		}
		return d.mail()
	}
	if sent := wish(); len(sent) != 0 {
		t.Errorf("before the rights pass the student got %v", sent)
	}
	d.at(birthday)
	sent = d.duties()
	if d.rowOpen(k) {
		t.Error("the mother's yes outlived her right")
	}
	v := d.visit(linkOf(t, sent, ownMail(k)), k)
	if _, err := d.says(v, consent.Yes); err != nil {
		t.Fatal(err)
	}
	if !d.rowOpen(k) {
		t.Error("the student's yes opened nothing")
	}
	if kinds := kindsTo(d.mail(), ownMail(k)); !slices.Equal(kinds, []broker.MessageKind{broker.MessageReceipt}) {
		t.Errorf("the student got %v", kinds)
	}
	if kinds := kindsTo(wish(), ownMail(k)); !slices.Equal(kinds, []broker.MessageKind{broker.MessageLink}) {
		t.Errorf("who asked for a link got %v", kinds)
	}
}

// at sets the clock to noon of a day.
func (d *made) at(on civil.Date) {
	d.clock.Set(on.Time().Add(12 * time.Hour))
}

func TestAConsentThatLastsIsRememberedEachYear(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 3)
	k := kids[1]
	long := d.yes("a1", k)
	long.Expires = civil.Of(d.clock.Now(), time.UTC) + 3*365
	long.RecordsTo = long.Expires
	d.enter(long)
	short := d.yes("a1", kids[2])
	short.Expires = civil.Of(d.clock.Now(), time.UTC) + 300
	short.RecordsTo = short.Expires
	d.enter(short)
	start := d.clock.Now()
	d.clock.Set(start.AddDate(1, 0, -1))
	if sent := d.duties(); len(kindsTo(sent, motherMail(k))) != 0 {
		t.Errorf("before the anniversary: %v", sent)
	}
	d.clock.Set(start.AddDate(1, 0, 3))
	sent := d.duties()
	if kinds := kindsTo(sent, motherMail(k)); !slices.Equal(kinds, []broker.MessageKind{broker.MessageYearlyReminder}) {
		t.Fatalf("after a year the mother got %v", kinds)
	}
	stop := linkOf(t, sent, motherMail(k))
	if kinds := kindsTo(sent, motherMail(kids[2])); len(kinds) != 0 {
		t.Errorf("a consent that ended is remembered: %v", kinds)
	}
	if sent := d.duties(); len(sent) != 0 {
		t.Errorf("the same was told again: %v", sent)
	}
	if !d.rowOpen(k) {
		t.Fatal("the row is closed before")
	}
	if err := d.StopByLink(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if d.rowOpen(k) {
		t.Error("the reminder's link stopped nothing")
	}
	d.clock.Set(start.AddDate(2, 0, 3))
	if sent := d.duties(); len(sent) != 0 {
		t.Errorf("of what was stopped: %v", sent)
	}
}

func TestARenewalGoesOnFromTheYesBefore(t *testing.T) {
	t.Parallel()
	d, kids := asking(t, 2)
	k := kids[1]
	now := d.yes("a1", k)
	now.RecordsTo, now.Expires = day(springEnd), day("2026-10-27")
	d.enter(now)
	if !d.rowOpen(k) {
		t.Fatal("the row is closed before")
	}
	d.at(day("2026-04-15"))
	d.done(d.OpenRound(t.Context(), officer, broker.RoundRequest{Agreement: "a1", RecordsFrom: day("2026-08-31"), RecordsTo: day("2027-06-28")}))
	v := d.visit(linkOf(t, d.mail(), motherMail(k)), k)
	if _, err := d.says(v, consent.Yes); err != nil {
		t.Fatal(err)
	}
	if !d.rowOpen(k) {
		t.Error("the yes for next year closed this one")
	}
}
