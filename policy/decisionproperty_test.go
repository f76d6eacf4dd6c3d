package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
)

var (
	decisionConditions = []string{
		`input.action == "students"`, `input.today > 0`, `input.partner.state == "suspended"`, `input.partner.banned == true`,
		`input.agreement.state == "active"`, `input.caller.role == "partner"`, `input.roster_present == true`,
		`object.subset(input.agreement.terms.categories, input.request.categories)`, `input.request.schools.GP == true`,
		`not input.partner.banned`, `count(input.request.indicators) >= 0`, `input.agreement.expired`, `helper`,
	}
	decisionResults = []string{
		`{"allow": true, "clause": input.agreement.terms.clauses[input.action], "obligations": {}, "categories": input.request.categories}`,
		`{"allow": true, "clause": input.agreement.terms.clauses.students, "obligations": {"stamp_as_of": true}, "categories": {}}`,
		`{"allow": true, "clause": "", "obligations": {}, "categories": input.agreement.terms.categories}`,
		`{"allow": true, "clause": input.agreement.terms.clauses[input.action], "obligations": {}, "categories": input.agreement.terms.categories}`,
		`{"allow": input.partner.banned, "clause": input.agreement.terms.clauses[input.action], "obligations": {}, "categories": {}}`,
		`{"allow": "yes"}`, `true`, `["allow"]`,
	}
)

func randomDisclosure(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("package hallpass.disclosure\n")
	if rapid.IntRange(0, 9).Draw(t, "default") > 0 {
		b.WriteString(`default decision := {"allow": false, "clause": "", "obligations": {}, "categories": {}}` + "\n")
	}
	for range rapid.IntRange(1, 2).Draw(t, "rules") {
		fmt.Fprintf(&b, "decision := %s if {\n", rapid.SampledFrom(decisionResults).Draw(t, "result"))
		for range rapid.IntRange(1, 2).Draw(t, "conditions") {
			b.WriteString("\t" + rapid.SampledFrom(decisionConditions).Draw(t, "condition") + "\n")
		}
		b.WriteString("}\n")
	}
	if rapid.Bool().Draw(t, "helper") {
		b.WriteString("helper if input.agreement.version > 0\n")
	}
	return b.String()
}

// Whatever the rules of the decision say, no request is allowed that the
// agreement, the partner's standing or the closed lists forbid.
func TestWhateverADecisionSaysTheCeilingHolds(t *testing.T) {
	t.Parallel()
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		text := randomDisclosure(t)
		e, err := policy.Load(with(map[string]string{"disclosure.rego": text}))
		if err != nil {
			return
		}
		for range 5 {
			f := randomFacts(t)
			d, err := e.Decide(t.Context(), f)
			if err != nil && d.Allow || d.Allow && forbidden(f, d) {
				t.Fatalf("%+v, %v\n%+v\n%s", d, err, f, text)
			}
			if d.Allow {
				allowed++
			}
		}
	})
	t.Logf("%d requests were allowed", allowed)
	if allowed == 0 {
		t.Error("no random policy allowed anything: the test means nothing")
	}
}

// forbidden says what no policy may allow.
func forbidden(f policy.Facts, d policy.Decision) bool {
	a := f.Agreement.Agreement()
	listed := map[consent.Category]bool{}
	for _, c := range a.Clauses.Categories {
		listed[c] = true
	}
	for _, c := range d.Categories {
		if !listed[c] {
			return true
		}
	}
	return f.Caller.Role != "partner" || f.Partner.State != "accepted" || f.Partner.Banned ||
		a.StateOn(f.Today) != "active" || f.Today < a.Clauses.TermFrom || f.Today > a.Clauses.TermTo ||
		f.Request.School == "XX" || f.Action == policy.ActionComparison && !f.ReleasePublished
}
