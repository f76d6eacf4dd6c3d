package agreement_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// faulty returns the fields of FieldErrors, in order.
func faulty(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var all agreement.FieldErrors
	if !errors.As(err, &all) {
		t.Fatalf("%T is no FieldErrors", err)
	}
	var names []string
	for _, f := range all {
		if names = append(names, f.Field); f.Problem == "" || f.Remedy == "" {
			t.Errorf("%s has no problem or no remedy", f.Field)
		}
	}
	return names
}

func TestClausesMustFitTheLaw(t *testing.T) {
	t.Parallel()
	type change = func(*agreement.Clauses)
	plain := func(t testing.TB) agreement.Clauses { return clauses(t, "comparison_and_consent") }
	study := func(t testing.TB) agreement.Clauses { return clauses(t, "study") }
	cases := []struct {
		name   string
		from   func(testing.TB) agreement.Clauses
		change change
		fields string
	}{
		{"the filled template", plain, func(*agreement.Clauses) {}, ""},
		{"the filled study", study, func(*agreement.Clauses) {}, ""},
		{"a school official", official, func(*agreement.Clauses) {}, ""},
		{"an audit", audit, func(*agreement.Clauses) {}, ""},
		{"an unknown template", plain, func(c *agreement.Clauses) { c.Template = "mine" }, "template"},
		{"no template", plain, func(c *agreement.Clauses) { c.Template = "" }, ""},
		{"another basis than the template's", plain, func(c *agreement.Clauses) { c.Basis = agreement.ConsentOnly }, "basis"},
		{"no basis", plain, func(c *agreement.Clauses) { c.Template, c.Basis = "", "" }, "basis"},
		{"an unknown purpose", plain, func(c *agreement.Clauses) { c.Purpose = "advertising" }, "purpose"},
		{"a purpose outside a study", study, func(c *agreement.Clauses) { c.Purpose = consent.StudentSupport }, "purpose"},
		{"a purpose outside an audit", audit, func(c *agreement.Clauses) { c.Purpose = consent.ResearchStudy }, "purpose"},
		{"an audit under consent", plain, func(c *agreement.Clauses) { c.Purpose = consent.AuditEvaluation }, "purpose"},
		{"no purpose in words", plain, func(c *agreement.Clauses) { c.PurposeText = "" }, "purpose_text"},
		{"a purpose of two paragraphs", plain, func(c *agreement.Clauses) { c.PurposeText = "a\nb" }, "purpose_text"},
		{"a purpose without end", plain, func(c *agreement.Clauses) { c.PurposeText = strings.Repeat("x", 2001) }, "purpose_text"},
		{"no schools", plain, func(c *agreement.Clauses) { c.Schools = nil }, "schools"},
		{"all schools", plain, func(c *agreement.Clauses) { c.Schools = []string{"all"} }, "schools[0]"},
		{"a school twice", plain, func(c *agreement.Clauses) { c.Schools = []string{"GP", "GP"} }, "schools[1]"},
		{"no categories", plain, func(c *agreement.Clauses) { c.Categories = nil }, "categories"},
		{"discipline as a whole", plain, func(c *agreement.Clauses) { c.Categories = []consent.Category{"discipline"} }, "categories[0]"},
		{"a category twice", plain, func(c *agreement.Clauses) { c.Categories = []consent.Category{"grades", "grades"} }, "categories[1]"},
		{"nothing to compare", plain, func(c *agreement.Clauses) { c.Indicators, c.Grain = nil, nil }, "indicators"},
		{"nothing to compare under consent only", plain, func(c *agreement.Clauses) {
			c.Template, c.Basis, c.Indicators, c.Grain = "", agreement.ConsentOnly, nil, nil
		}, ""},
		{"an indicator without a name", plain, func(c *agreement.Clauses) { c.Indicators[1] = "" }, "indicators[1]"},
		{"an indicator twice", plain, func(c *agreement.Clauses) { c.Indicators[1] = c.Indicators[0] }, "indicators[1]"},
		{"no grain", plain, func(c *agreement.Clauses) { c.Grain = nil }, "grain"},
		{"an unknown grain", plain, func(c *agreement.Clauses) { c.Grain = []string{"class"} }, "grain[0]"},
		{"a grain twice", plain, func(c *agreement.Clauses) { c.Grain = []string{"all", "all"} }, "grain[1]"},
		{"no dosage", plain, func(c *agreement.Clauses) { c.DosageFloor = 0 }, "dosage_floor"},
		{"a dosage nobody reaches", plain, func(c *agreement.Clauses) { c.DosageFloor = 367 }, "dosage_floor"},
		{"nine in a cohort", plain, func(c *agreement.Clauses) { c.MinCohort = 9 }, "min_cohort"},
		{"three without consent, under noise", plain, func(c *agreement.Clauses) { c.UnconsentedFloor = 3 }, ""},
		{"two without consent, under noise", plain, func(c *agreement.Clauses) { c.UnconsentedFloor = 2 }, "unconsented_floor"},
		{"nine without consent and without noise", plain, func(c *agreement.Clauses) {
			c.Profile, c.UnconsentedFloor = agreement.PublishedTable, 9
		}, "unconsented_floor"},
		{"ten without consent and without noise", plain, func(c *agreement.Clauses) {
			c.Profile, c.UnconsentedFloor = agreement.PublishedTable, 10
		}, ""},
		{"another profile", plain, func(c *agreement.Clauses) { c.Profile = "none" }, "profile"},
		{"a budget", plain, func(c *agreement.Clauses) { c.Profile, c.Epsilon = agreement.Budgeted, 40 }, ""},
		{"no budget", plain, func(c *agreement.Clauses) { c.Profile = agreement.Budgeted }, "epsilon_tenths"},
		{"a budget without end", plain, func(c *agreement.Clauses) { c.Profile, c.Epsilon = agreement.Budgeted, 81 }, "epsilon_tenths"},
		{"a budget that nothing is paid from", plain, func(c *agreement.Clauses) { c.Epsilon = 40 }, "epsilon_tenths"},
		{"no first day", plain, func(c *agreement.Clauses) { c.TermFrom = 0 }, "term_from"},
		{"no last day", plain, func(c *agreement.Clauses) { c.TermTo = 0 }, "term_to"},
		{"a term the wrong way round", plain, func(c *agreement.Clauses) { c.TermTo = c.TermFrom - 1 }, "term_to"},
		{"exactly six years", plain, func(c *agreement.Clauses) { c.TermTo = c.TermFrom.AddYears(6) - 1 }, ""},
		{"six years and a day", plain, func(c *agreement.Clauses) { c.TermTo = c.TermFrom.AddYears(6) }, "term_to"},
		{"nothing about redisclosure", plain, func(c *agreement.Clauses) { c.Redisclosure = "" }, "redisclosure"},
		{"nobody who keeps the list of people", plain, func(c *agreement.Clauses) { c.Administrator = "" }, "administrator"},
		{"no destruction", plain, func(c *agreement.Clauses) { c.DestructionDays = 0 }, "destruction_days"},
		{"no destruction in our time", plain, func(c *agreement.Clauses) { c.DestructionDays = 1 << 31 }, "destruction_days"},
		{"a study without its terms", study, func(c *agreement.Clauses) { c.Study = nil }, "study"},
		{"a study without scope", study, func(c *agreement.Clauses) { c.Study.Scope = "" }, "study.scope"},
		{"a study without people", study, func(c *agreement.Clauses) { c.Study.Representatives = nil }, "study.representatives"},
		{"a study with a nameless person", study, func(c *agreement.Clauses) { c.Study.Representatives[1] = "" }, "study.representatives[1]"},
		{"a study without destruction limit", study, func(c *agreement.Clauses) { c.Study.DestroyBy = 0 }, "study.destroy_by"},
		{"a study destroyed before it begins", study, func(c *agreement.Clauses) { c.Study.DestroyBy = c.TermFrom - 1 }, "study.destroy_by"},
		{"an audit without its terms", audit, func(c *agreement.Clauses) { c.Study = nil }, "study"},
		{"a study where none is made", plain, func(c *agreement.Clauses) {
			c.Study = &agreement.Study{Scope: "x", Representatives: []string{"y"}, DestroyBy: c.TermTo}
		}, "study"},
		{
			"an official nobody attests", official, func(c *agreement.Clauses) { c.Attestations = nil },
			"attestations.own_staff_function attestations.direct_control attestations.bound_by_redisclosure",
		},
		{"an official out of control", official, func(c *agreement.Clauses) { c.Attestations.DirectControl = false }, "attestations.direct_control"},
		{"attestations about no official", plain, func(c *agreement.Clauses) { c.Attestations = &agreement.Attestations{} }, "attestations"},
		{"several faults at once", plain, func(c *agreement.Clauses) { c.Schools, c.Profile, c.Administrator = nil, "", "" }, "schools profile administrator"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clauses := c.from(t)
			c.change(&clauses)
			if got := strings.Join(faulty(t, clauses.Validate(agreement.Rules{})), " "); got != c.fields {
				t.Errorf("faults in %q, want %q", got, c.fields)
			}
		})
	}
}

func TestADistrictKnowsItsSchoolsIndicatorsAndLongestTerm(t *testing.T) {
	t.Parallel()
	c := clauses(t, "comparison_and_consent")
	rules := agreement.Rules{
		KnownSchool:    func(id string) bool { return id == "GP" },
		KnownIndicator: func(name string) bool { return name != "chronic_absence" },
		MaxTermYears:   1,
	}
	if got := strings.Join(faulty(t, c.Validate(rules)), " "); got != "schools[1] indicators[1] term_to" {
		t.Errorf("faults in %q", got)
	}
	if err := c.Validate(agreement.Rules{MaxTermYears: 10}); err != nil {
		t.Error(err)
	}
}

func TestATemplateNeedsOnlyWhatTheOfficerKnows(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"comparison_and_consent": "schools indicators term_from term_to administrator",
		"study":                  "purpose_text schools term_from term_to administrator study.scope study.representatives study.destroy_by",
	}
	for _, name := range agreement.Templates() {
		c, err := agreement.Template(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(faulty(t, c.Validate(agreement.Rules{})), " "); got != want[name] {
			t.Errorf("%s lacks %q", name, got)
		}
		if c.DosageFloor != 9 || c.MinCohort != 10 || c.UnconsentedFloor != 5 || c.Profile != agreement.Standard {
			t.Errorf("%s has other defaults: %+v", name, c)
		}
	}
	if _, err := agreement.Template("mine"); err == nil || !strings.Contains(err.Error(), "comparison_and_consent or study") {
		t.Errorf("%v", err)
	}
}

func TestFillingATemplateDoesNotChangeTheTemplate(t *testing.T) {
	t.Parallel()
	one, _ := agreement.Template("study")
	one.Study.Scope, one.Categories[0] = "changed", consent.DisciplineDates
	two, _ := agreement.Template("study")
	if two.Study.Scope != "" || two.Categories[0] != consent.Attendance {
		t.Error("the template changed")
	}
}

func TestDrawnClausesAreValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if err := rapid.Custom(drawClauses).Draw(t, "clauses").Validate(agreement.Rules{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAgreementSurvivesItsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []agreement.Clauses{clauses(t, "study"), official(t)} {
		a := inForce(t, c)
		a.EndedOn, a.Supersedes = inTerm, 1
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back agreement.Agreement
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Error(diff)
		}
		for _, name := range []string{`"dosage_floor":9`, `"term_from":"2025-08-01"`, `"text_sha256"`, `"unconsented_floor"`, `"ended_on"`} {
			if !strings.Contains(string(raw), name) {
				t.Errorf("no %s in %s", name, raw)
			}
		}
	}
}

func FuzzNoClausesMakeAnAgreementPanic(f *testing.F) {
	for _, name := range agreement.Templates() {
		raw, _ := json.Marshal(clauses(f, name))
		f.Add(raw, raw, int32(inTerm))
	}
	f.Add([]byte(`{"study":{},"attestations":{},"schools":[""],"basis":"study"}`), []byte(`{"categories":["",""]}`), int32(-1))
	f.Fuzz(func(t *testing.T, one, two []byte, today int32) {
		var c, other agreement.Clauses
		if json.Unmarshal(one, &c) != nil || json.Unmarshal(two, &other) != nil {
			return
		}
		valid := c.Validate(agreement.Rules{}) == nil
		agreement.Diff(c, other)
		a := draft(c)
		text := agreement.Render(partner(), a, district)
		if text == "" {
			t.Error("no text")
		}
		a.State, a.Text = agreement.Offered, text
		signed, err := a.Sign(signature(a, agreement.PartnerParty), civil.Date(today))
		if valid && civil.Date(today) <= c.TermTo && err != nil {
			t.Errorf("valid clauses cannot be signed: %v", err)
		}
		signed.StateOn(civil.Date(today))
		signed.DestroyBy()
	})
}
