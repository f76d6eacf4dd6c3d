package agreement_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

func partnerEvents() []agreement.PartnerEvent {
	return []agreement.PartnerEvent{agreement.PartnerReview, agreement.PartnerAccept, agreement.PartnerSuspend, agreement.PartnerResume, agreement.PartnerEnd}
}

func TestAPartnerMovesOnlyAlongItsLife(t *testing.T) {
	t.Parallel()
	allowed := map[agreement.PartnerState]string{
		agreement.Inquiry:     "review>under_review end>ended",
		agreement.UnderReview: "accept>accepted end>ended",
		agreement.Accepted:    "suspend>suspended end>ended",
		agreement.Suspended:   "resume>accepted end>ended",
		agreement.Ended:       "",
	}
	for _, state := range agreement.PartnerStates() {
		p := partner()
		p.State = state
		var got []string
		for _, event := range partnerEvents() {
			next, err := p.Advance(event)
			var te *agreement.TransitionError
			switch {
			case err == nil:
				got = append(got, string(event)+">"+string(next.State))
			case !errors.As(err, &te), te.State != string(state), te.Event != string(event), next.State != state:
				t.Errorf("%s, %s: unclear error %v", state, event, err)
			}
		}
		if strings.Join(got, " ") != allowed[state] {
			t.Errorf("%s allows %v", state, got)
		}
		if len(p.Events()) != len(got) {
			t.Errorf("%s says it allows %v", state, p.Events())
		}
	}
}

func TestAnEndedPartnerStaysEnded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := partner()
		p.State = rapid.SampledFrom(agreement.PartnerStates()).Draw(t, "state")
		for _, event := range rapid.SliceOf(rapid.SampledFrom(partnerEvents())).Draw(t, "events") {
			ended := p.State == agreement.Ended
			p, _ = p.Advance(event)
			if ended && p.State != agreement.Ended {
				t.Fatalf("came back as %s", p.State)
			}
		}
	})
}

func TestAPartnerMustBeNamed(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*agreement.Partner){
		"":             func(*agreement.Partner) {},
		"id":           func(p *agreement.Partner) { p.ID = "" },
		"name":         func(p *agreement.Partner) { p.Name = " " },
		"legal_entity": func(p *agreement.Partner) { p.LegalEntity = "Inc\nInc" },
		"contact":      func(p *agreement.Partner) { p.Contact = strings.Repeat("x", 501) },
		"tax_id":       func(p *agreement.Partner) { p.TaxID = "none" },
		"state":        func(p *agreement.Partner) { p.State = "" },
		"sites[1]":     func(p *agreement.Partner) { p.Sites[1] = "" },
		"programs[0]":  func(p *agreement.Partner) { p.Programs[0] = "\u202e" },
	}
	for field, change := range cases {
		p := partner()
		change(&p)
		if got := strings.Join(faulty(t, p.Validate()), " "); got != field {
			t.Errorf("faults in %q, want %q", got, field)
		}
	}
	for _, id := range []string{"all", "a b", "*"} {
		p := partner()
		if p.ID = id; p.Validate() == nil {
			t.Errorf("%q is an id", id)
		}
	}
}

func TestABanBindsTheLegalEntityUnderEveryName(t *testing.T) {
	t.Parallel()
	ban := agreement.Ban{LegalEntity: "Riverside Youth Services, Inc.", TaxID: "39-1234567", From: civil.Make(2025, 3, 1), Until: civil.Make(2030, 3, 1), Order: "letter of 2025-03-01"}
	cases := []struct {
		name, entity, tax string
		today             civil.Date
		want              bool
	}{
		{"on its first day", "Riverside Youth Services, Inc.", "", ban.From, true},
		{"the day before", "Riverside Youth Services, Inc.", "", ban.From - 1, false},
		{"on its last day", "Riverside Youth Services, Inc.", "", ban.Until - 1, true},
		{"the day after", "Riverside Youth Services, Inc.", "", ban.Until, false},
		{"in capitals, without the form", "RIVERSIDE  YOUTH SERVICES", "", ban.From, true},
		{"with another form", "The Riverside Youth-Services L.L.C.", "", ban.From, true},
		{"with accents", "Riversíde Yóuth Services", "", ban.From, true},
		{"with accents of two runes", "Riversi\u0301de Youth Services", "", ban.From, true},
		{"in full-width letters", "Ｒｉｖｅｒｓｉｄｅ Youth Services", "", ban.From, true},
		{"under a new name and the same tax number", "Lakeside Futures", "391234567", ban.From, true},
		{"under the tax number as its legal entity", "39 1234567", "", ban.From, true},
		{"another entity", "Lakeside Futures", "39-7654321", ban.From, false},
		{"another entity whose name begins alike", "Riverside Youth Choir", "", ban.From, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := agreement.Partner{ID: "new", LegalEntity: c.entity, TaxID: c.tax}
			if got := agreement.Banned(p, []agreement.Ban{ban}, c.today); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
	if agreement.Banned(agreement.Partner{}, []agreement.Ban{{From: 1, Until: 9000}}, 5) {
		t.Error("a ban of nobody binds")
	}
}

func TestABanLastsAtLeastFiveYears(t *testing.T) {
	t.Parallel()
	whole := agreement.Ban{LegalEntity: "Riverside", From: civil.Make(2024, 2, 29), Until: civil.Make(2029, 3, 1), Order: "letter"}
	cases := map[string]func(*agreement.Ban){
		"":                          func(*agreement.Ban) {},
		"until":                     func(b *agreement.Ban) { b.Until-- },
		"from":                      func(b *agreement.Ban) { b.From = 0 },
		"order":                     func(b *agreement.Ban) { b.Order = "" },
		"legal_entity legal_entity": func(b *agreement.Ban) { b.LegalEntity = "" },
		"legal_entity":              func(b *agreement.Ban) { b.LegalEntity = "..." },
	}
	for field, change := range cases {
		b := whole
		change(&b)
		if got := strings.Join(faulty(t, b.Validate()), " "); got != field {
			t.Errorf("faults in %q, want %q", got, field)
		}
	}
}

func TestTheNormalFormOfANameIsItsOwnNormalForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"The Boys & Girls Club, Inc.": "boys and girls club",
		"O'Neill's Co.":               "oneills",
		"Inc.":                        "inc",
		"Niños y Más, LLC":            "ninos y mas",
		"東京 School":                   "東京 school",
	} {
		if got := agreement.NormalLegalEntity(name); got != want {
			t.Errorf("%q became %q", name, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := agreement.NormalLegalEntity(rapid.String().Draw(t, "name"))
		if twice := agreement.NormalLegalEntity(once); twice != once {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}
