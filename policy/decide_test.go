package policy_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	oparego "github.com/open-policy-agent/opa/v1/rego"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

func TestAProperRequestIsAllowed(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for action, obligation := range map[string]string{
		policy.ActionComparison: policy.ObligeProtectedFigures,
		policy.ActionStudents:   policy.ObligeStampAsOf,
	} {
		d, err := e.Decide(t.Context(), asked(action))
		if err != nil || !d.Allow || len(d.Reasons) > 0 || d.Overruled || d.Policy != e.Digest() {
			t.Fatalf("%s: %+v, %v", action, d, err)
		}
		if d.Clause != inForce().ClauseFor(action) {
			t.Errorf("%s cites %q", action, d.Clause)
		}
		if !slices.Equal(d.Obligations, []string{policy.ObligeNoRedisclosure, obligation}) {
			t.Errorf("%s obliges to %v", action, d.Obligations)
		}
		if !slices.Equal(d.Categories, []consent.Category{consent.Attendance, consent.Grades}) {
			t.Errorf("%s allows %v", action, d.Categories)
		}
	}
}

func TestSitesAndSchoolsOfTheAgreementAreAllowed(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for name, change := range map[string]func(*policy.Facts){
		"the whole organization":       func(f *policy.Facts) { f.Caller.Sites, f.Caller.Programs = nil, nil },
		"every site":                   func(f *policy.Facts) { f.Caller.Sites = []string{"south", "north"} },
		"one school":                   func(f *policy.Facts) { f.Request.School, f.Request.Grain = "MS", "school" },
		"the first day of the term":    func(f *policy.Facts) { f.Today = inForce().Clauses.TermFrom },
		"the last day of the term":     func(f *policy.Facts) { f.Today = inForce().Clauses.TermTo },
		"a period that the term meets": func(f *policy.Facts) { f.Request.PeriodTo = inForce().Clauses.TermFrom },
		"a figure without any records": func(f *policy.Facts) { f.Request.Categories = nil },
	} {
		f := asked(policy.ActionComparison)
		change(&f)
		if d, err := e.Decide(t.Context(), f); err != nil || !d.Allow {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

// amended prepares the agreement with one change.
func amended(change func(*agreement.Agreement)) *policy.Prepared {
	a := inForce()
	change(&a)
	return policy.Prepare(a)
}

// refusals name for each reason the one change of proper facts that leads to
// it and to no other.
func refusals() map[policy.Reason]func(*policy.Facts) {
	state := func(s agreement.State) func(*policy.Facts) {
		return func(f *policy.Facts) { f.Agreement = amended(func(a *agreement.Agreement) { a.State = s }) }
	}
	return map[policy.Reason]func(*policy.Facts){
		policy.RoleNotPermitted:         func(f *policy.Facts) { f.Caller = policy.Caller{Role: "officer", Partner: "harbor"} },
		policy.SiteNotPermitted:         func(f *policy.Facts) { f.Caller.Sites = []string{"north", "west"} },
		policy.PartnerNotAccepted:       func(f *policy.Facts) { f.Partner.State = "under_review" },
		policy.PartnerSuspended:         func(f *policy.Facts) { f.Partner.State = "suspended" },
		policy.PartnerBanned:            func(f *policy.Facts) { f.Partner.Banned = true },
		policy.AgreementNotActive:       state(agreement.Offered),
		policy.AgreementNotBegun:        func(f *policy.Facts) { f.Today = inForce().Clauses.TermFrom - 1 },
		policy.AgreementExpired:         func(f *policy.Facts) { f.Today = inForce().Clauses.TermTo + 1 },
		policy.AgreementTerminated:      state(agreement.Terminated),
		policy.SchoolNotInAgreement:     func(f *policy.Facts) { f.Request.School = "XX" },
		policy.CategoryNotInAgreement:   func(f *policy.Facts) { f.Request.Categories = []consent.Category{consent.DisciplineDates} },
		policy.NoCategoryRequested:      func(f *policy.Facts) { f.Action, f.Request.Categories = policy.ActionStudents, nil },
		policy.ComparisonNotInAgreement: func(f *policy.Facts) { f.Request.Grain = "grade" },
		policy.PeriodNotInTerm:          func(f *policy.Facts) { f.Request.PeriodTo = inForce().Clauses.TermFrom - 1 },
		policy.RosterMissing:            func(f *policy.Facts) { f.RosterPresent = false },
		policy.ReleaseNotPublished:      func(f *policy.Facts) { f.ReleasePublished = false },
	}
}

func TestEachReasonIsReachedByOneChange(t *testing.T) {
	t.Parallel()
	e, changes := shipped(t), refusals()
	for _, r := range policy.Reasons() {
		change, ok := changes[r]
		if !ok {
			t.Errorf("no change leads to %s", r)
			continue
		}
		f := asked(policy.ActionComparison)
		change(&f)
		d, err := e.Decide(t.Context(), f)
		if err != nil || d.Allow || !slices.Equal(d.Reasons, []policy.Reason{r}) {
			t.Errorf("%s: %+v, %v", r, d, err)
		}
		if d.Clause == "" || len(d.Obligations)+len(d.Categories) > 0 || d.Overruled {
			t.Errorf("%s: the denial is %+v", r, d)
		}
	}
}

func TestOtherWaysToTheSameReason(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for _, c := range []struct {
		name   string
		reason policy.Reason
		change func(*policy.Facts)
	}{
		{"a program of others", policy.SiteNotPermitted, func(f *policy.Facts) { f.Caller.Programs = []string{"sailing"} }},
		{"a partner that ended", policy.PartnerNotAccepted, func(f *policy.Facts) { f.Partner.State = "ended" }},
		{"no indicator", policy.ComparisonNotInAgreement, func(f *policy.Facts) { f.Request.Indicators = nil }},
		{"an indicator of others", policy.ComparisonNotInAgreement, func(f *policy.Facts) { f.Request.Indicators = []string{"oss"} }},
		{"an unknown grain", policy.ComparisonNotInAgreement, func(f *policy.Facts) { f.Request.Grain = "" }},
		{"a period after the term", policy.PeriodNotInTerm, func(f *policy.Facts) { f.Request.PeriodFrom = inForce().Clauses.TermTo + 1 }},
		{"a closed agreement", policy.AgreementNotActive, func(f *policy.Facts) {
			f.Agreement = amended(func(a *agreement.Agreement) { a.State = agreement.Closed })
		}},
	} {
		f := asked(policy.ActionComparison)
		c.change(&f)
		if d, err := e.Decide(t.Context(), f); err != nil || d.Allow || !slices.Equal(d.Reasons, []policy.Reason{c.reason}) {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}

// randomFacts mixes any of the changes.
func randomFacts(t *rapid.T) policy.Facts {
	f := asked(rapid.SampledFrom([]string{policy.ActionComparison, policy.ActionStudents}).Draw(t, "action"))
	changes := refusals()
	for _, r := range policy.Reasons() {
		if rapid.IntRange(0, 9).Draw(t, string(r)) == 0 {
			changes[r](&f)
		}
	}
	return f
}

func TestADenialAlwaysGivesReasonsAndAnAllowanceNone(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		f := randomFacts(t)
		d, err := e.Decide(t.Context(), f)
		if err != nil || d.Allow != (len(d.Reasons) == 0) || d.Overruled {
			t.Fatalf("%+v, %v", d, err)
		}
		again, err := e.Decide(t.Context(), f)
		if err != nil || d.Allow != again.Allow || !slices.Equal(d.Reasons, again.Reasons) {
			t.Fatalf("the same facts gave %+v and %+v", d, again)
		}
	})
}

func TestAgreementsPreparedTogetherReadAsThosePreparedAlone(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	var together policy.Preparer
	rapid.Check(t, func(t *rapid.T) {
		alone := randomFacts(t)
		shared := alone
		shared.Agreement = together.Prepare(alone.Agreement.Agreement())
		if got, want := policy.InputJSON(shared), policy.InputJSON(alone); got != want {
			t.Fatalf("the input is %s\nwant %s", got, want)
		}
		a, errA := e.Decide(t.Context(), alone)
		s, errS := e.Decide(t.Context(), shared)
		if errA != nil || errS != nil || a.Allow != s.Allow || a.Clause != s.Clause || !slices.Equal(a.Reasons, s.Reasons) || !slices.Equal(a.Categories, s.Categories) {
			t.Fatalf("%+v %v, alone %+v %v", s, errS, a, errA)
		}
	})
}

func TestFactsThatNoRequestCanHaveAreRefused(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for name, change := range map[string]func(*policy.Facts){
		"no agreement":               func(f *policy.Facts) { f.Agreement = nil },
		"unknown action":             func(f *policy.Facts) { f.Action = "export" },
		"no date":                    func(f *policy.Facts) { f.Today = 0 },
		"another partner":            func(f *policy.Facts) { f.Partner.ID = "elsewhere" },
		"a caller of another":        func(f *policy.Facts) { f.Caller.Partner = "elsewhere" },
		"unknown category":           func(f *policy.Facts) { f.Request.Categories = []consent.Category{"health"} },
		"a long text":                func(f *policy.Facts) { f.Request.School = strings.Repeat("x", 300) },
		"a long list":                func(f *policy.Facts) { f.Caller.Sites = make([]string, 1000) },
		"too much altogether":        func(f *policy.Facts) { f.Caller.Sites = slices.Repeat([]string{strings.Repeat("x", 200)}, 400) },
		"an agreement without bound": func(f *policy.Facts) { f.Agreement = hugeAgreement() },
	} {
		f := asked(policy.ActionStudents)
		change(&f)
		if d, err := e.Decide(t.Context(), f); !errors.Is(err, policy.ErrFacts) || d.Allow {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func hugeAgreement() *policy.Prepared {
	return amended(func(a *agreement.Agreement) {
		for i := range 20000 {
			a.Clauses.Schools = append(a.Clauses.Schools, "S"+civil.Date(i+1).String())
		}
	})
}

func TestInputsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	prepared := policy.Prepare(inForce())
	rapid.Check(t, func(t *rapid.T) {
		match(t, policy.InputJSON(randomFacts(t)), rego.DecisionSchema())
		match(t, policy.RowsInputJSON(prepared, today, randomRow(t)), rego.RowsSchema())
	})
}

func match(t *rapid.T, document, schema string) {
	t.Helper()
	var in struct{ Document, Schema any }
	if err := errors.Join(json.Unmarshal([]byte(document), &in.Document), json.Unmarshal([]byte(schema), &in.Schema)); err != nil {
		t.Fatal(err)
	}
	rs, err := oparego.New(oparego.Query("json.match_schema(input.Document, input.Schema)"), oparego.Input(in)).Eval(t.Context())
	if err != nil || len(rs) != 1 {
		t.Fatal(rs, err)
	}
	if got := rs[0].Expressions[0].Value.([]any); got[0] != true {
		t.Fatalf("%v\n%s", got, document)
	}
}
