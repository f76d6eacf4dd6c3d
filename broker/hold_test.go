package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// afterAutumn is between the terms: the first is over, the second not begun.
var afterAutumn = time.Date(2026, 1, 27, 12, 0, 0, 0, time.UTC)

// least is how many students of a published cohort must stay unknown.
const least = 10

// published is a district that has published the first term's figures of one
// agreement with twelve participants, none of whom had said yes.
func published(t *testing.T, options ...func(*broker.Options)) (*made, []kid) {
	t.Helper()
	d := newMade(t, afterAutumn, options...)
	kids := makeKids(40)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids[:12]})
	d.closePeriod(madeAutumn)
	shown := 0
	for _, row := range d.comparison("a1", "river", madeAutumn).Rows {
		for _, f := range row.Figures {
			if f.Status == "ok" || f.Status == "low_precision" {
				shown++
			}
		}
	}
	if shown == 0 {
		t.Fatal("nothing was published: the test tests nothing")
	}
	d.clock.Set(afterAutumn.Add(time.Hour))
	return d, kids
}

// exposed are the participants of whom a partner can read something of the
// first term, by indicator family.
func (d *made) exposed(agreement, partner string) map[string][]string {
	d.t.Helper()
	byFamily := map[string][]string{}
	for _, r := range d.students(agreement, partner).Rows {
		add := func(family string) {
			if !slices.Contains(byFamily[family], r.Ref) {
				byFamily[family] = append(byFamily[family], r.Ref)
			}
		}
		for _, s := range r.Spans {
			if s.From <= day(autumnEnd) {
				add(consent.Category(s.Category).Family())
			}
		}
		for _, g := range r.Grades {
			if g.Session == madeAutumn {
				add("grades")
			}
		}
		for _, in := range r.Discipline {
			if date, _ := in["date"].(string); date == "" || date <= autumnEnd {
				add("discipline")
			}
		}
	}
	return byFamily
}

// hold is a published period that a consent does not open.
type hold struct {
	Family string `json:"family"`
	Period string `json:"period"`
}

// found says how the unknown participants of a family shrank below the least,
// or is empty.
func found(byFamily map[string][]string, of int) string {
	for family, refs := range byFamily {
		if unknown := of - len(refs); unknown < least {
			return fmt.Sprintf("%s: %d participants are readable, so the published figure gives away the other %d", family, len(refs), unknown)
		}
	}
	return ""
}

// termDays are moments at which the attack is tried.
var termDays = map[string]time.Time{
	"between the terms":             afterAutumn.Add(2 * time.Hour),
	"the first day of the next":     time.Date(2026, 2, 2, 8, 0, 0, 0, time.UTC),
	"in the middle of it":           inSpring,
	"after the school year's end":   time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC),
	"the last day the families set": time.Date(2027, 6, 30, 23, 0, 0, 0, time.UTC),
}

// attack lets eleven of the twelve families say yes after the publication and
// reads at each moment all that the partner may. It returns how the twelfth
// can be worked out, or "".
func attack(d *made, kids []kid, agreement, partner string, req func(kid) broker.ConsentRequest) (held int, how []string) {
	for _, k := range kids[:11] {
		if g := d.enter(req(k)); len(g.Held) > 0 {
			held++
		}
	}
	for name, at := range termDays {
		d.clock.Set(at)
		if bad := found(d.exposed(agreement, partner), 12); bad != "" {
			how = append(how, name+": "+bad)
		}
	}
	return held, how
}

func TestTheTwelfthParticipantCannotBeComputed(t *testing.T) {
	t.Parallel()
	short := func(d *made) func(kid) broker.ConsentRequest {
		return func(k kid) broker.ConsentRequest {
			req := d.yes("a1", k)
			req.RecordsFrom, req.RecordsTo = day("2025-09-15"), day("2025-12-01")
			return req
		}
	}
	for name, req := range map[string]func(*made) func(kid) broker.ConsentRequest{
		"with consents to everything": func(d *made) func(kid) broker.ConsentRequest {
			return func(k kid) broker.ConsentRequest { return d.yes("a1", k) }
		},
		"with consents to part of the term": short,
		"with consents to one category": func(d *made) func(kid) broker.ConsentRequest {
			return func(k kid) broker.ConsentRequest {
				req := d.yes("a1", k)
				req.Categories = []consent.Category{consent.Grades}
				return req
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, kids := published(t)
			before := d.comparison("a1", "river", madeAutumn)
			held, how := attack(d, kids, "a1", "river", req(d))
			if held != 9 {
				t.Errorf("%d of eleven consents were held; two may open of twelve", held)
			}
			for _, h := range how {
				t.Error(h)
			}
			d.clock.Set(afterAutumn.Add(3 * time.Hour))
			if after := d.comparison("a1", "river", madeAutumn); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("the published figures changed with the consents")
			}
		})
	}
}

func TestWithoutTheHoldTheTwelfthParticipantIsComputed(t *testing.T) {
	t.Parallel()
	d, kids := published(t, sabotaged(broker.Sabotage{NoHold: true}))
	held, how := attack(d, kids, "a1", "river", func(k kid) broker.ConsentRequest { return d.yes("a1", k) })
	if held != 0 || len(how) == 0 {
		t.Errorf("without the hold %d consents were held and the attack found %v", held, how)
	}
}

// What one partner's figures give away must not be completed by another's rows.
func TestConsentsToAnotherPartnerAreHeldForThePublishedFigures(t *testing.T) {
	t.Parallel()
	d, kids := published(t)
	d.partnerWith("lake", map[string][]kid{"b1": kids[:12]})
	_, how := attack(d, kids, "b1", "lake", func(k kid) broker.ConsentRequest { return d.yes("b1", k) })
	for _, h := range how {
		t.Error(h)
	}
}

func TestAHeldConsentStaysHeldWhenItIsGivenAgain(t *testing.T) {
	t.Parallel()
	d, kids := published(t)
	for _, k := range kids[:11] {
		d.enter(d.yes("a1", k))
	}
	k := kids[10]
	for range 3 {
		d.clock.Set(d.clock.Now().Add(time.Minute))
		no := d.yes("a1", k)
		no.Answer = consent.No
		d.enter(no)
		d.clock.Set(d.clock.Now().Add(time.Minute))
		if g := d.enter(d.yes("a1", k)); len(g.Held) != 3 {
			t.Errorf("given again, the consent is held in %d families of three", len(g.Held))
		}
	}
	if bad := found(d.exposed("a1", "river"), 12); bad != "" {
		t.Error(bad)
	}
}

func TestAHeldConsentOpensWhatComesAfterTheTerm(t *testing.T) {
	t.Parallel()
	d, kids := published(t)
	for _, k := range kids[:11] {
		d.enter(d.yes("a1", k))
	}
	d.clock.Set(inSpring)
	for _, r := range d.students("a1", "river").Rows {
		if r.Ref != kids[10].ref() {
			continue
		}
		for _, s := range r.Spans {
			if s.From != day(autumnEnd)+1 || s.To != civil.Of(inSpring, time.UTC) {
				t.Errorf("%s is open from %v to %v", s.Category, s.From, s.To)
			}
		}
		if len(r.Grades) != 1 || r.Grades[0].Session != madeSpring || len(r.Discipline) != 1 || len(r.Attendance) == 0 {
			t.Errorf("the second term shows %+v", r)
		}
		return
	}
	t.Error("the child of a held consent has no row in the second term")
}

func TestAnOverrideOpensAHeldConsentAndIsRecorded(t *testing.T) {
	t.Parallel()
	d, kids := published(t)
	var last grant
	for _, k := range kids[:11] {
		last = d.enter(d.yes("a1", k))
	}
	if strings.Contains(d.rowOf("a1", "river", kids[10]), madeAutumn) {
		t.Fatal("the held consent opens the first term")
	}
	if _, err := d.OverrideHold(t.Context(), officer, last.ID, broker.ReviewRequest{}); broker.KindOf(err) != broker.Invalid {
		t.Errorf("an override without a reason gave %v", err)
	}
	if _, err := d.OverrideHold(t.Context(), partnerOf("river"), last.ID, broker.ReviewRequest{Reason: "We want it."}); broker.KindOf(err) != broker.NotAvailable {
		t.Errorf("a partner's override gave %v", err)
	}
	d.done(d.OverrideHold(t.Context(), officer, last.ID, broker.ReviewRequest{Reason: "The family asked for it in person."}))
	if got := d.rowOf("a1", "river", kids[10]); !strings.Contains(got, `"session":"`+madeAutumn+`"`) {
		t.Errorf("the override opened %q", got)
	}
	list := d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{Limit: 1000}))
	if !strings.Contains(string(list.Body()), `"event":"consent.opened"`) {
		t.Error("the override is not in the log")
	}
}

// Consents given before the publication are part of what is published: then
// the row is withheld, and nothing need be held.
func TestConsentsGivenBeforeThePublicationWithholdTheRowInstead(t *testing.T) {
	t.Parallel()
	d := newMade(t, afterAutumn)
	kids := makeKids(40)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids[:12]})
	for _, k := range kids[:11] {
		if g := d.enter(d.yes("a1", k)); len(g.Held) > 0 {
			t.Error("held before anything was published")
		}
	}
	d.closePeriod(madeAutumn)
	body := d.comparison("a1", "river", madeAutumn)
	for _, row := range body.Rows {
		for _, f := range row.Figures {
			if f.Status != "withheld" {
				t.Errorf("row %s shows %s although one unknown child is in it", row.Row, f.Indicator)
			}
		}
	}
	if body.counted() != 11 {
		t.Errorf("the consented summary counts %d of eleven", body.counted())
	}
}
