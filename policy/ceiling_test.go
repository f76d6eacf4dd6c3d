package policy_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

func TestAnOpenRowLeavesAndOnlyItsOwnCategory(t *testing.T) {
	t.Parallel()
	fs, err := shipped(t).Filters(policy.Prepare(inForce()), today)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range consent.Categories() {
		row := open(c)
		for _, asked := range consent.Categories() {
			want := asked == c && c != consent.DisciplineDates // the agreement has no dates
			if fs.Releases(asked, &row) != want || fs.Match(asked, row) != want || policy.Ceiling(inForce(), row, asked, today) != want {
				t.Errorf("a row of %s for %s: want %t", c, asked, want)
			}
		}
	}
}

// breaches each lift an open row of attendance above the ceiling in one way.
func breaches() map[string]func(*policy.Row) {
	return map[string]func(*policy.Row){
		"the answer was no":                  func(r *policy.Row) { r.Consent = policy.ConsentNo },
		"nobody was asked":                   func(r *policy.Row) { r.Consent = policy.ConsentUnasked },
		"the yes ran out yesterday":          func(r *policy.Row) { r.Expires = today - 1 },
		"there is no last day":               func(r *policy.Row) { r.Expires = 0 },
		"a school outside the agreement":     func(r *policy.Row) { r.School = "XX" },
		"not on the roster":                  func(r *policy.Row) { r.OnRoster = false },
		"of age by a parent's answer":        func(r *policy.Row) { r.Age, r.OwnAnswer = 18, false },
		"restricted":                         func(r *policy.Row) { r.Restricted = true },
		"a banned partner":                   func(r *policy.Row) { r.Banned = true },
		"records of another category":        func(r *policy.Row) { r.Category = "grades" },
		"a portion instead of the whole":     func(r *policy.Row) { r.Portion = "incident" },
		"no first day of records":            func(r *policy.Row) { r.RecordFrom = 0 },
		"records that end before they begin": func(r *policy.Row) { r.RecordTo = r.RecordFrom - 1 },
	}
}

// wideOpen is a policy that opens every row of every category.
const wideOpen = `package hallpass.rows
attendance if input.row.age >= 0
grades if input.row.age >= 0
discipline_incident if input.row.age >= 0
discipline_action if input.row.age >= 0
discipline_dates if input.row.age >= 0
`

func TestNoRowRuleRaisesTheCeiling(t *testing.T) {
	t.Parallel()
	hostile := load(t, with(map[string]string{"rows.rego": wideOpen}), policy.Options{})
	sabotaged := load(t, with(map[string]string{"rows.rego": wideOpen}), policy.Options{Sabotage: policy.Sabotage{SkipCeiling: true}})
	for name, breach := range breaches() {
		row := open(consent.Attendance)
		breach(&row)
		if policy.Ceiling(inForce(), row, consent.Attendance, today) {
			t.Errorf("%s: lies below the ceiling", name)
		}
		if releases(t, hostile, inForce(), row, today) {
			t.Errorf("%s: a wide-open policy released it", name)
		}
		if !releases(t, sabotaged, inForce(), row, today) {
			t.Errorf("%s: without the ceiling it should have left", name)
		}
		if releases(t, shipped(t), inForce(), row, today) {
			t.Errorf("%s: the shipped policy released it", name)
		}
	}
}

func releases(t *testing.T, e *policy.Engine, a agreement.Agreement, row policy.Row, day civil.Date) bool {
	t.Helper()
	fs, err := e.Filters(policy.Prepare(a), day)
	if err != nil {
		t.Fatal(err)
	}
	return fs.Releases(consent.Attendance, &row)
}

func TestNoRowLeavesUnderAnAgreementThatIsNotInForce(t *testing.T) {
	t.Parallel()
	hostile := load(t, with(map[string]string{"rows.rego": wideOpen}), policy.Options{})
	row := open(consent.Attendance)
	row.Expires = today + 10000
	for name, c := range map[string]struct {
		day    civil.Date
		change func(*agreement.Agreement)
	}{
		"offered":            {today, func(a *agreement.Agreement) { a.State = agreement.Offered }},
		"terminated":         {today, func(a *agreement.Agreement) { a.State = agreement.Terminated }},
		"before its term":    {inForce().Clauses.TermFrom - 1, func(*agreement.Agreement) {}},
		"after its term":     {inForce().Clauses.TermTo + 1, func(*agreement.Agreement) {}},
		"without attendance": {today, func(a *agreement.Agreement) { a.Clauses.Categories = []consent.Category{consent.Grades} }},
		"without schools":    {today, func(a *agreement.Agreement) { a.Clauses.Schools = nil }},
	} {
		a := inForce()
		c.change(&a)
		if releases(t, hostile, a, row, c.day) || policy.Ceiling(a, row, consent.Attendance, c.day) {
			t.Errorf("an agreement %s released a row", name)
		}
	}
}

func TestFromEighteenTheOwnAnswerOpens(t *testing.T) {
	t.Parallel()
	row := open(consent.Attendance)
	row.Age, row.OwnAnswer = 18, true
	if !releases(t, shipped(t), inForce(), row, today) {
		t.Error("an adult's own yes did not open the row")
	}
}

// permissive allows every request that has an action.
const permissive = `package hallpass.disclosure
default decision := {"allow": false, "clause": "", "obligations": {}, "categories": {}}
decision := {"allow": true, "clause": input.agreement.terms.clauses.comparison, "obligations": {}, "categories": input.request.categories} if input.action == "comparison"
decision := {"allow": true, "clause": input.agreement.terms.clauses.students, "obligations": {}, "categories": input.request.categories} if input.action == "students"
`

func TestNoDecisionRuleRaisesTheCeiling(t *testing.T) {
	t.Parallel()
	files := with(map[string]string{"disclosure.rego": permissive})
	hostile := load(t, files, policy.Options{})
	sabotaged := load(t, files, policy.Options{Sabotage: policy.Sabotage{SkipCeiling: true}})
	barred := []policy.Reason{
		policy.RoleNotPermitted, policy.PartnerNotAccepted, policy.PartnerSuspended, policy.PartnerBanned, policy.AgreementNotActive,
		policy.AgreementNotBegun, policy.AgreementExpired, policy.AgreementTerminated, policy.SchoolNotInAgreement,
		policy.CategoryNotInAgreement, policy.ReleaseNotPublished,
	}
	changes := refusals()
	for _, r := range barred {
		f := asked(policy.ActionComparison)
		changes[r](&f)
		d, err := hostile.Decide(t.Context(), f)
		if err != nil || d.Allow || !d.Overruled || !slices.Equal(d.Reasons, []policy.Reason{r}) {
			t.Errorf("%s: %+v, %v", r, d, err)
		}
		if d, err := sabotaged.Decide(t.Context(), f); err != nil || !d.Allow {
			t.Errorf("%s: without the ceiling it should have been allowed: %+v, %v", r, d, err)
		}
	}
	if d, err := hostile.Decide(t.Context(), asked(policy.ActionComparison)); err != nil || !d.Allow || d.Overruled {
		t.Errorf("a proper request was overruled: %+v, %v", d, err)
	}
}

// below says again, in other words, what Ceiling promises.
func below(a agreement.Agreement, r policy.Row, c consent.Category, day civil.Date) bool {
	family := map[consent.Category][2]string{
		consent.Attendance: {"attendance", "whole"}, consent.Grades: {"grades", "whole"},
		consent.DisciplineIncident: {"discipline", "incident"}, consent.DisciplineAction: {"discipline", "action"},
		consent.DisciplineDates: {"discipline", "dates"},
	}
	switch {
	case a.State != agreement.Active, day < a.Clauses.TermFrom, day > a.Clauses.TermTo:
		return false
	case !slices.Contains(a.Clauses.Categories, c), !slices.Contains(a.Clauses.Schools, r.School):
		return false
	case family[c] != [2]string{r.Category, r.Portion}:
		return false
	case !r.OnRoster, r.Restricted, r.Banned, r.Consent != "yes", r.Age >= 18 && !r.OwnAnswer:
		return false
	}
	return r.Expires >= day && r.RecordFrom > 0 && r.RecordTo >= r.RecordFrom
}

// randomRow draws a row near the edges of every test.
func randomRow(t *rapid.T) policy.Row {
	c := rapid.SampledFrom(consent.Categories()).Draw(t, "category")
	row := open(c)
	row.Consent = rapid.SampledFrom([]string{"yes", "yes", "no", "unasked"}).Draw(t, "consent")
	row.Expires = today + civil.Date(rapid.IntRange(-2, 2).Draw(t, "expires"))
	row.School = rapid.SampledFrom([]string{"GP", "MS", "S1", ""}).Draw(t, "school")
	row.OnRoster = rapid.Bool().Draw(t, "on roster")
	row.Age = rapid.IntRange(15, 19).Draw(t, "age")
	row.OwnAnswer = rapid.Bool().Draw(t, "own answer")
	row.RecordFrom = civil.Date(rapid.IntRange(0, 3).Draw(t, "from"))
	row.RecordTo = civil.Date(rapid.IntRange(0, 3).Draw(t, "to"))
	row.Restricted = rapid.Bool().Draw(t, "restricted")
	row.Banned = rapid.Bool().Draw(t, "banned")
	if rapid.Bool().Draw(t, "mixed") {
		row.Category = rapid.SampledFrom([]string{"attendance", "grades", "discipline"}).Draw(t, "family")
		row.Portion = rapid.SampledFrom([]string{"whole", "incident", "action", "dates"}).Draw(t, "portion")
	}
	return row
}

func TestTheCeilingIsWhatItPromises(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		row, a := randomRow(t), inForce()
		a.State = rapid.SampledFrom([]agreement.State{agreement.Active, agreement.Active, agreement.Offered, agreement.Terminated}).Draw(t, "state")
		day := rapid.SampledFrom([]civil.Date{today, a.Clauses.TermFrom, a.Clauses.TermFrom - 1, a.Clauses.TermTo, a.Clauses.TermTo + 1}).Draw(t, "day")
		row.Expires += day - today
		fs, err := e.Filters(policy.Prepare(a), day)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range consent.Categories() {
			want := below(a, row, c, day)
			if policy.Ceiling(a, row, c, day) != want || fs.Releases(c, &row) != want { // the shipped rules say the same as the ceiling
				t.Fatalf("%s of %+v: want %t", c, row, want)
			}
		}
	})
}
