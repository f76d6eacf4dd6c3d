package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// partnerAnswer is what is read of a partner.
type partnerAnswer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

func riverClub(id string) broker.PartnerRequest {
	return broker.PartnerRequest{ID: id, Name: "River Club", LegalEntity: "River Club, Inc.", Contact: "1 River Street"}
}

func event(name string) broker.TransitionRequest { return broker.TransitionRequest{Event: name} }

func TestAnOfficerMakesAnAcceptedPartner(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	a := d.must(d.CreatePartner(t.Context(), officer, riverClub("river")))
	if !a.Created() {
		t.Error("the answer does not say that it made something")
	}
	if p := d.verified(a.Body()); p.Header.Event != tlog.PartnerCreated || p.Header.Caller.Subject != officer.Subject {
		t.Errorf("the receipt says %+v", p.Header)
	}
	if got := data[partnerAnswer](t, a); got.ID != "river" || got.State != "accepted" || got.Name != "River Club" {
		t.Errorf("made %+v", got)
	}
	shown := data[partnerAnswer](t, d.must(d.Partner(t.Context(), partnerOf("river"), "river")))
	if shown.ID != "river" {
		t.Errorf("the partner reads %+v of itself", shown)
	}
	list := data[struct{ Partners []partnerAnswer }](t, d.must(d.Partners(t.Context(), auditor)))
	if len(list.Partners) != 1 {
		t.Errorf("the auditor's list has %d partners", len(list.Partners))
	}
}

func TestAPartnerWithoutAChosenIDGetsARandomOne(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	one := data[partnerAnswer](t, d.must(d.CreatePartner(t.Context(), officer, riverClub(""))))
	two := data[partnerAnswer](t, d.must(d.CreatePartner(t.Context(), officer, riverClub(""))))
	if one.ID == "" || one.ID == two.ID {
		t.Errorf("the ids are %q and %q", one.ID, two.ID)
	}
}

func TestAPartnerIDIsTakenOnlyOnce(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("river")
	before := d.size()
	a, err := d.CreatePartner(t.Context(), officer, riverClub("river"))
	refused(t, a, err, broker.Conflict)
	if d.size() != before {
		t.Error("a refused partner left an entry")
	}
	if got := data[partnerAnswer](t, d.must(d.Partner(t.Context(), officer, "river"))); got.Name != "Club river" {
		t.Errorf("the first partner became %+v", got)
	}
}

func TestAPartnersFaultsAreNamedByField(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	before := d.size()
	for field, spoil := range map[string]func(*broker.PartnerRequest){
		"id":           func(r *broker.PartnerRequest) { r.ID = "River Club" },
		"name":         func(r *broker.PartnerRequest) { r.Name = "" },
		"legal_entity": func(r *broker.PartnerRequest) { r.LegalEntity = "" },
		"contact":      func(r *broker.PartnerRequest) { r.Contact = "" },
	} {
		r := riverClub("river")
		spoil(&r)
		a, err := d.CreatePartner(t.Context(), officer, r)
		refused(t, a, err, broker.Invalid, field)
		if strings.Contains(err.Error(), "River Club") {
			t.Errorf("%s: the error echoes a value: %v", field, err)
		}
	}
	a, err := d.CreatePartner(t.Context(), officer, broker.PartnerRequest{ID: "river"})
	refused(t, a, err, broker.Invalid, "name", "legal_entity", "contact")
	if n := d.size() - before; n != 0 {
		t.Errorf("%d entries about partners that were never made", n)
	}
}

func TestAPartnersLifeGoesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("river")
	for _, step := range []struct{ event, state string }{{"suspend", "suspended"}, {"resume", "accepted"}, {"suspend", "suspended"}, {"end", "ended"}} {
		got := data[partnerAnswer](t, d.must(d.AdvancePartner(t.Context(), officer, "river", event(step.event))))
		if got.State != step.state {
			t.Fatalf("%s leads to %s, want %s", step.event, got.State, step.state)
		}
	}
	for _, name := range []string{"resume", "suspend", "end", "accept", "review", "no such event", ""} {
		a, err := d.AdvancePartner(t.Context(), officer, "river", event(name))
		refused(t, a, err, broker.Conflict)
	}
	a, err := d.AdvancePartner(t.Context(), officer, "absent", event("suspend"))
	refused(t, a, err, broker.NotAvailable)
}

func TestASuspendedPartnerIsAnsweredAgainOnceResumed(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.consent(consentTo("club", ann))
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("suspend")))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "partner_suspended")
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("resume")))
	if rows := d.clubRows(); len(rows) != 1 {
		t.Errorf("%d rows after the suspension", len(rows))
	}
}

func TestTheEndOfAPartnerEndsTheTokensOfItsPeople(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.done(d.AdvancePartner(t.Context(), officer, "club", event("end")))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	refused(t, a, err, broker.Unauthenticated)
	fresh := partnerOf("club")
	if fresh.Epoch, err = d.TokenEpoch(t.Context(), "club"); err != nil {
		t.Fatal(err)
	}
	a, err = d.Students(t.Context(), fresh, broker.StudentsRequest{Agreement: "club", Period: "current"})
	denied(t, a, err, "partner_not_accepted")
}

func TestRevokedTokensEndAndNewOnesCount(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.done(d.RevokeTokens(t.Context(), officer, "club"))
	a, err := d.Students(t.Context(), partnerOf("club"), broker.StudentsRequest{Agreement: "club", Period: "current"})
	refused(t, a, err, broker.Unauthenticated)
	fresh := partnerOf("club")
	if fresh.Epoch, err = d.TokenEpoch(t.Context(), "club"); err != nil || fresh.Epoch == 0 {
		t.Fatalf("epoch %d, %v", fresh.Epoch, err)
	}
	d.done(d.Students(t.Context(), fresh, broker.StudentsRequest{Agreement: "club", Period: "current"}))
	a, err = d.RevokeTokens(t.Context(), officer, "absent")
	refused(t, a, err, broker.NotAvailable)
}

func TestABanFollowsTheLegalEntityUnderAnotherID(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	twin := broker.PartnerRequest{ID: "twin", Name: "Quite Another", LegalEntity: "CLUB CLUB inc", Contact: "2 Side Street"}
	d.done(d.CreatePartner(t.Context(), officer, twin))
	r := terms("twin", "twin")
	d.conclude(r)
	d.roster("twin", ann)
	d.done(d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2031-03-10"), Order: "order 7"}))

	for _, id := range []string{"club", "twin"} {
		a, err := d.Students(t.Context(), partnerOf(id), broker.StudentsRequest{Agreement: id, Period: "current"})
		denied(t, a, err, "partner_banned")
	}
	again := twin
	again.ID = "third"
	a, err := d.CreatePartner(t.Context(), officer, again)
	refused(t, a, err, broker.Conflict)
}

func TestABanEndsOnItsDay(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("club")
	d.done(d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2031-03-10"), Order: "order 7"}))
	same := broker.PartnerRequest{ID: "again", Name: "Again", LegalEntity: "Club club Inc.", Contact: "1 Main Street"}
	d.clock.Set(time.Date(2031, 3, 9, 23, 0, 0, 0, time.UTC))
	a, err := d.CreatePartner(t.Context(), officer, same)
	refused(t, a, err, broker.Conflict)
	d.clock.Set(time.Date(2031, 3, 10, 0, 0, 0, 0, time.UTC))
	d.done(d.CreatePartner(t.Context(), officer, same))
}

func TestABanOfLessThanFiveYearsIsRefused(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("club")
	a, err := d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2031-03-09"), Order: "order 7"})
	refused(t, a, err, broker.Invalid, "until")
	a, err = d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2031-03-10")})
	refused(t, a, err, broker.Invalid, "order")
	a, err = d.BanPartner(t.Context(), officer, "absent", broker.BanRequest{Until: day("2031-03-10"), Order: "order 7"})
	refused(t, a, err, broker.NotAvailable)
}

func TestASecondBanOfTheSameDayDoesNotShortenTheFirst(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("club")
	d.done(d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2046-03-10"), Order: "order 7"}))
	if a, err := d.BanPartner(t.Context(), officer, "club", broker.BanRequest{Until: day("2031-03-10"), Order: "order 8"}); err == nil {
		a.Drop()
	}
	d.clock.Set(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))
	a, err := d.CreatePartner(t.Context(), officer, broker.PartnerRequest{ID: "again", Name: "Again", LegalEntity: "Club club Inc.", Contact: "1 Main Street"})
	refused(t, a, err, broker.Conflict)
}

func TestAForeignPartnerLooksLikeAnAbsentOne(t *testing.T) {
	t.Parallel()
	d := emptyTown(t, inLent)
	d.partner("river")
	d.partner("hill")
	_, foreign := d.Partner(t.Context(), partnerOf("hill"), "river")
	_, absent := d.Partner(t.Context(), partnerOf("hill"), "absent")
	sameRefusal(t, foreign, absent)
}

func TestARevokedTokenOpensNoDoorAtAll(t *testing.T) {
	t.Parallel()
	d := newTown(t)
	d.club(ann)
	d.done(d.RevokeTokens(t.Context(), officer, "club"))
	old, ctx := partnerOf("club"), t.Context()
	doors := map[string]func() error{
		"a roster": func() error { return dropped(d.PutParticipation(ctx, old, "club", stringReader(sessionLog(ben)))) },
		"a form":   func() error { return dropped(d.CreateConsent(ctx, old, form("club", ann))) },
	}
	for name, op := range operations(t, "", "") {
		if slices.Contains(op.roles, broker.RolePartner) && !slices.Contains([]string{"Checkpoint", "CreateConsent", "PutParticipation", "PutRoster", "PutSessions"}, name) {
			doors[name] = func() error { return op.ask(d, old) }
		}
	}
	for name, open := range doors {
		if err := open(); broker.KindOf(err) != broker.Unauthenticated {
			t.Errorf("%s with a revoked token: %v", name, err)
		}
	}
	if got := data[map[string]any](t, d.must(d.Participation(ctx, officer, "club"))); got["upload"] != 1.0 {
		t.Errorf("the roster became %v", got)
	}
}
