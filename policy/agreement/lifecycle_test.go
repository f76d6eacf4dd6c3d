package agreement_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

func events() []agreement.Event {
	return []agreement.Event{
		agreement.EventSubmit, agreement.EventReturn, agreement.EventOffer, agreement.EventRecall,
		agreement.EventAbandon, agreement.EventTerminate, agreement.EventBeginDestruction, agreement.EventClose,
	}
}

// in puts an agreement, rendered and complete, into a state.
func in(t testing.TB, state agreement.State) agreement.Agreement {
	a := inForce(t, clauses(t, "comparison_and_consent"))
	a.State = state
	return a
}

func TestEachStateAllowsItsEventsAndNoOthers(t *testing.T) {
	t.Parallel()
	allowed := map[agreement.State]string{ // today is within the term
		agreement.Draft:              "submit>in_review abandon>closed",
		agreement.InReview:           "return>draft offer>offered abandon>closed",
		agreement.Offered:            "recall>draft abandon>closed",
		agreement.Signed:             "terminate>terminated", // settles to active first
		agreement.Active:             "terminate>terminated",
		agreement.Expired:            "begin_destruction>destruction_pending",
		agreement.Terminated:         "begin_destruction>destruction_pending",
		agreement.DestructionPending: "close>closed",
		agreement.Closed:             "",
	}
	for _, state := range agreement.States() {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			a := in(t, state)
			var got []string
			for _, event := range events() {
				next, err := a.Advance(event, inTerm)
				if err == nil {
					got = append(got, string(event)+">"+string(next.State))
					continue
				}
				var te *agreement.TransitionError
				if !errors.As(err, &te) || te.State != string(a.StateOn(inTerm)) || te.Event != string(event) || !slices.Equal(te.Allowed, a.Events(inTerm)) {
					t.Errorf("%s: unclear error %v", event, err)
				}
			}
			want := strings.Fields(allowed[state])
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("allows %v, want %v", got, want)
			}
		})
	}
}

func TestAnErrorNamesStateEventAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	_, err := in(t, agreement.InReview).Advance(agreement.EventClose, inTerm)
	const want = `agreement is in_review, event "close" is not possible (allowed: return, offer, abandon)`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err = in(t, agreement.Closed).Advance("<script>", inTerm); err == nil || strings.Contains(err.Error(), "script") ||
		!strings.Contains(err.Error(), "no event") {
		t.Errorf("%v", err)
	}
}

func TestTheTermMakesAnAgreementActiveAndEndsIt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		stored agreement.State
		today  civil.Date
		want   agreement.State
	}{
		{"signed before its term", agreement.Signed, termFrom - 1, agreement.Signed},
		{"signed on its first day", agreement.Signed, termFrom, agreement.Active},
		{"signed on its last day", agreement.Signed, termTo, agreement.Active},
		{"signed after its term", agreement.Signed, termTo + 1, agreement.Expired},
		{"active on its last day", agreement.Active, termTo, agreement.Active},
		{"active a day later", agreement.Active, termTo + 1, agreement.Expired},
		{"active before its term", agreement.Active, termFrom - 1, agreement.Signed},
		{"an offer does not become active", agreement.Offered, termFrom, agreement.Offered},
		{"a draft does not expire", agreement.Draft, termTo + 1, agreement.Draft},
		{"a terminated one does not expire", agreement.Terminated, termTo + 1, agreement.Terminated},
		{"what expired stays so, even on an earlier day", agreement.Expired, termFrom, agreement.Expired},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := in(t, c.stored)
			if got := a.StateOn(c.today); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := a.Settle(c.today).State; got != c.want {
				t.Errorf("settles as %s", got)
			}
		})
	}
}

func TestAnUnsettledAgreementThatExpiredCanGoOnToDestruction(t *testing.T) {
	t.Parallel()
	a, err := in(t, agreement.Active).Advance(agreement.EventBeginDestruction, termTo+1)
	if err != nil || a.State != agreement.DestructionPending {
		t.Errorf("%s, %v", a.State, err)
	}
}

func TestAStudyIsNeverActiveWithoutItsFourElements(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*agreement.Clauses){
		"purpose":           func(c *agreement.Clauses) { c.PurposeText = "" },
		"scope":             func(c *agreement.Clauses) { c.Study.Scope = " " },
		"duration":          func(c *agreement.Clauses) { c.TermFrom = 0 },
		"destruction limit": func(c *agreement.Clauses) { c.Study.DestroyBy = 0 },
		"destruction days":  func(c *agreement.Clauses) { c.DestructionDays = 0 },
		"representatives":   func(c *agreement.Clauses) { c.Study.Representatives = nil },
		"study":             func(c *agreement.Clauses) { c.Study = nil },
	}
	for basis, whole := range map[string]func(testing.TB) agreement.Clauses{
		"study": func(t testing.TB) agreement.Clauses { return clauses(t, "study") }, "audit": audit,
	} {
		if got := inForce(t, whole(t)).State; got != agreement.Active {
			t.Fatalf("a whole %s is %s", basis, got)
		}
		for missing, change := range cases {
			t.Run(basis+" without "+missing, func(t *testing.T) {
				t.Parallel()
				c := whole(t)
				change(&c)
				for _, state := range []agreement.State{agreement.Signed, agreement.Active} {
					a := in(t, state)
					a.Clauses = c
					if a.StateOn(inTerm) == agreement.Active {
						t.Errorf("%s becomes active", state)
					}
				}
				if _, err := draftInReview(t, c).Offer(partner(), district, agreement.Rules{}, inTerm); err == nil {
					t.Error("it can be offered")
				}
				forced := draftInReview(t, c)
				forced.Text = "text"
				if _, err := forced.Advance(agreement.EventOffer, inTerm); err == nil {
					t.Error("it can be offered by its event")
				}
				forced.State = agreement.Offered
				if _, err := forced.Sign(signature(forced, agreement.PartnerParty), inTerm); err == nil {
					t.Error("it can be signed")
				}
			})
		}
	}
}

func draftInReview(t testing.TB, c agreement.Clauses) agreement.Agreement {
	t.Helper()
	a, err := draft(c).Advance(agreement.EventSubmit, inTerm)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOnlyTheAcceptedPartnerOfAnAgreementIsOfferedIt(t *testing.T) {
	t.Parallel()
	a := draftInReview(t, clauses(t, "comparison_and_consent"))
	for name, change := range map[string]func(*agreement.Partner){
		"suspended": func(p *agreement.Partner) { p.State = agreement.Suspended },
		"inquiring": func(p *agreement.Partner) { p.State = agreement.Inquiry },
		"another":   func(p *agreement.Partner) { p.ID = "citylibrary" },
	} {
		p := partner()
		change(&p)
		if _, err := a.Offer(p, district, agreement.Rules{}, inTerm); err == nil {
			t.Errorf("a partner that is %s was offered the agreement", name)
		}
	}
	if _, err := a.Advance(agreement.EventOffer, inTerm); err == nil {
		t.Error("an agreement without its text was offered")
	}
	if _, err := a.Offer(partner(), district, agreement.Rules{}, termTo+1); err == nil {
		t.Error("an agreement whose term is over was offered")
	}
	if _, err := draft(a.Clauses).Offer(partner(), district, agreement.Rules{}, inTerm); err == nil {
		t.Error("a draft was offered without review")
	}
}

func TestARecalledOfferHasNeitherTextNorSignatures(t *testing.T) {
	t.Parallel()
	a := signedBy(t, offered(t, clauses(t, "comparison_and_consent"), inTerm), inTerm, agreement.PartnerParty)
	a, err := a.Advance(agreement.EventRecall, inTerm)
	if err != nil || a.Text != "" || len(a.Signatures) != 0 || a.State != agreement.Draft {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestRecordsAreDestroyedCountedFromTheEnd(t *testing.T) {
	t.Parallel()
	a := inForce(t, clauses(t, "comparison_and_consent"))
	if got := a.DestroyBy(); got != termTo+60 {
		t.Errorf("after the term: %v", got)
	}
	ended, err := a.Advance(agreement.EventTerminate, inTerm)
	if err != nil || ended.EndedOn != inTerm || ended.DestroyBy() != inTerm+60 {
		t.Errorf("after a termination: %v, %v", ended.DestroyBy(), err)
	}
	study := inForce(t, clauses(t, "study"))
	if got := study.DestroyBy(); got != civil.Make(2027, 8, 31) {
		t.Errorf("by a study's own limit: %v", got)
	}
}

func TestTheCurrentVersionIsTheNewestThatCameIntoForce(t *testing.T) {
	t.Parallel()
	c := clauses(t, "comparison_and_consent")
	wider := c
	wider.Categories = consent.Categories()
	later := wider
	later.TermFrom = inTerm + 30
	first := inForce(t, c)
	bring := func(a agreement.Agreement) agreement.Agreement {
		a, err := a.Advance(agreement.EventSubmit, inTerm)
		if err != nil {
			t.Fatal(err)
		}
		if a, err = a.Offer(partner(), district, agreement.Rules{}, inTerm); err != nil {
			t.Fatal(err)
		}
		return a
	}
	offer := bring(first.Amend(wider))
	second := signedBy(t, offer, inTerm, agreement.DistrictParty, agreement.PartnerParty)
	waiting := signedBy(t, bring(first.Amend(later)), inTerm, agreement.DistrictParty, agreement.PartnerParty)
	abandoned, _ := offer.Advance(agreement.EventAbandon, inTerm)
	terminated, _ := second.Advance(agreement.EventTerminate, inTerm)
	cases := []struct {
		name     string
		versions []agreement.Agreement
		today    civil.Date
		want     int
	}{
		{"one version", []agreement.Agreement{first}, inTerm, 1},
		{"an amendment that is only offered", []agreement.Agreement{offer, first}, inTerm, 1},
		{"an amendment that both signed", []agreement.Agreement{first, second}, inTerm, 2},
		{"an amendment whose term has not begun", []agreement.Agreement{first, waiting}, inTerm, 1},
		{"the same amendment on its first day", []agreement.Agreement{first, waiting}, inTerm + 30, 2},
		{"an amendment that was abandoned", []agreement.Agreement{abandoned, first}, inTerm, 1},
		{"an amendment that was terminated ends it all", []agreement.Agreement{first, terminated}, inTerm, 0},
		{"after the term", []agreement.Agreement{first, second}, termTo + 1, 0},
		{"no version", nil, inTerm, 0},
	}
	for _, tc := range cases {
		got, ok := agreement.Current(tc.versions, tc.today)
		if got.Version != tc.want || ok != (tc.want > 0) {
			t.Errorf("%s: version %d, %v", tc.name, got.Version, ok)
		}
	}
	if second.Supersedes != 1 || second.ID != first.ID || second.Text == first.Text {
		t.Errorf("the amendment is %+v", second)
	}
}
