package bench_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// decisionDay is inside the term of every agreement but the ended ones.
var decisionDay = civil.Make(2026, 3, 2)

// offered makes the i-th agreement of a district: six schools, two categories,
// every indicator, ten agreements a partner.
func offered(t testing.TB, i int) agreement.Agreement {
	t.Helper()
	c, err := agreement.Template("comparison_and_consent")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 6 {
		c.Schools = append(c.Schools, fmt.Sprintf("school-%02d", (i+n)%20))
	}
	for _, indicator := range records.Registry() {
		c.Indicators = append(c.Indicators, indicator.ID)
	}
	c.Administrator, c.TermFrom, c.TermTo = "Ada Admin", civil.Make(2025, 8, 1), civil.Make(2027, 7, 31)
	return agreement.Agreement{ID: fmt.Sprintf("agreement-%05d", i), Partner: fmt.Sprintf("partner-%04d", i/10), Version: 2, State: agreement.Active, Clauses: c}
}

// questions are the facts of a request under each of n agreements, as the gate
// gathers them: the agreement prepared, everything else fresh.
func questions(t testing.TB, n int) []policy.Facts {
	t.Helper()
	list := make([]policy.Facts, n)
	var preparer policy.Preparer
	for i := range list {
		a := offered(t, i)
		sites := []string{"north", "south", "river"}
		list[i] = policy.Facts{
			Action:    policy.ActionComparison,
			Caller:    policy.Caller{Role: policy.RolePartner, Partner: a.Partner, Sites: sites[:1]},
			Agreement: preparer.Prepare(a),
			Partner:   policy.PartnerFacts{ID: a.Partner, State: "accepted", Sites: sites, Programs: []string{"homework", "chess"}},
			Request: policy.Request{
				School: policy.AllSchools, Grain: agreement.GrainAll, Period: "2025-26-S1", PeriodFrom: civil.Make(2025, 9, 1),
				PeriodTo: civil.Make(2026, 1, 30), Categories: a.Clauses.Categories, Indicators: a.Clauses.Indicators,
			},
			Today: decisionDay, RosterPresent: true, ReleasePublished: true,
		}
	}
	return list
}

func names[T ~string](list []T) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[string(s)] = true
	}
	return set
}

// posted is the JSON that a service without rules of its own would post to an
// OPA server for the same facts (rego/decision.schema.json).
func posted(t testing.TB, f policy.Facts) []byte {
	t.Helper()
	a := f.Agreement.Agreement()
	c, r := a.Clauses, f.Request
	schools := []string{r.School}
	if r.School == policy.AllSchools {
		schools = nil
	}
	text, err := json.Marshal(map[string]any{"input": map[string]any{
		"action": f.Action, "today": int(f.Today), "roster_present": f.RosterPresent, "release_published": f.ReleasePublished,
		"caller":  map[string]any{"role": f.Caller.Role, "partner": f.Caller.Partner, "sites": names(f.Caller.Sites), "programs": names(f.Caller.Programs)},
		"partner": map[string]any{"id": f.Partner.ID, "state": f.Partner.State, "banned": f.Partner.Banned, "sites": names(f.Partner.Sites), "programs": names(f.Partner.Programs)},
		"request": map[string]any{
			"schools": names(schools), "period": r.Period, "period_from": int(r.PeriodFrom), "period_to": int(r.PeriodTo),
			"grain": r.Grain, "categories": names(r.Categories), "indicators": names(r.Indicators),
		},
		"agreement": map[string]any{
			"id": a.ID, "partner": a.Partner, "version": a.Version, "state": string(a.StateOn(f.Today)),
			"terms": map[string]any{
				"basis": c.Basis, "purpose": c.Purpose, "profile": c.Profile, "schools": names(c.Schools), "categories": names(c.Categories),
				"indicators": names(c.Indicators), "grain": names(c.Grain), "dosage_floor": c.DosageFloor, "min_cohort": c.MinCohort,
				"unconsented_floor": c.UnconsentedFloor, "from": int(c.TermFrom), "to": int(c.TermTo),
				"clauses": map[string]string{"comparison": a.ClauseFor("comparison"), "students": a.ClauseFor("students")},
			},
		},
	}}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func shippedRules(t testing.TB) *policy.Engine {
	t.Helper()
	e, err := policy.Load(rego.FS)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// allowed asks the engine and fails unless the answer is yes.
func allowed(t testing.TB, e *policy.Engine, f policy.Facts) {
	if d, err := e.Decide(t.Context(), f); err != nil || !d.Allow {
		t.Fatalf("the decision is %+v, error %v", d, err)
	}
}

func benchDecision(t *testing.T) outcome {
	const many, ours, theirs = 1000, 20_000, 3_000
	l := line{bench: "decision as the service makes it, 1,000 agreements", peer: "OPA server on loopback, same rules", goal: 7, stretch: 12}
	server, remedy := startOPA(t)
	if server == nil {
		return l.without(remedy)
	}
	e, asked := shippedRules(t), questions(t, many)
	inputs := make([][]byte, many)
	for i := range asked {
		inputs[i] = posted(t, asked[i])
	}
	equalDecisions(t, e, server, asked[:50])
	at, there := 0, 0
	o := l.measure(t,
		func() side { return paced(ours, func() { at++; allowed(t, e, asked[at*7%many]) }) },
		func() side {
			return paced(theirs, func() { there++; server.post(t, "decision", inputs[there*7%many]) }, server.pid)
		})
	o.notes = append(o.notes, fmt.Sprintf("p50: ours %v, peer %v; %.0f allocations a decision; the peer's input was encoded beforehand",
		medianFigure(o.ours), medianFigure(o.them), allocations(t, e, asked)))
	return o
}

func benchAgreements(t *testing.T) outcome {
	const few, many, ops = 10, 10_000, 20_000
	l := line{bench: "decision, 10 → 10,000 agreements", peer: "itself", goal: 1.15, atMost: true}
	e := shippedRules(t)
	turn := func(asked []policy.Facts) func() side {
		at := 0
		return func() side {
			return paced(ops, func() { at++; allowed(t, e, asked[at*7%len(asked)]) })
		}
	}
	o := l.measure(t, turn(questions(t, many)), turn(questions(t, few)))
	o.notes = append(o.notes, fmt.Sprintf("p50: %v under 10,000, %v under 10", medianFigure(o.ours), medianFigure(o.them)))
	return o
}

// allocations counts the allocations of a decision, once everything was asked
// before.
func allocations(t testing.TB, e *policy.Engine, asked []policy.Facts) float64 {
	for _, f := range asked {
		allowed(t, e, f)
	}
	at := 0
	return testing.AllocsPerRun(200, func() { at++; allowed(t, e, asked[at%len(asked)]) })
}

// mostAllocations bounds the allocations of a decision (spec/performance).
const mostAllocations = 140

func TestADecisionAllocatesLittleHoweverManyAgreementsThereAre(t *testing.T) {
	e, asked := shippedRules(t), questions(t, 300)
	few, many := allocations(t, e, asked[:10]), allocations(t, e, asked)
	if many > mostAllocations {
		t.Errorf("%.0f allocations a decision, more than %d", many, mostAllocations)
	}
	if many > few+1 {
		t.Errorf("%.0f allocations under 300 agreements, %.0f under 10", many, few)
	}
}

// variants are requests that the rules allow and refuse.
func variants(t testing.TB) []policy.Facts {
	t.Helper()
	list := questions(t, 3)
	change := func(f func(*policy.Facts)) {
		x := questions(t, 1)[0]
		f(&x)
		list = append(list, x)
	}
	change(func(f *policy.Facts) {
		f.Action, f.ReleasePublished, f.Request.Grain, f.Request.Indicators = policy.ActionStudents, false, "", nil
	})
	change(func(f *policy.Facts) { f.Request.School, f.Request.Grain = "school-03", agreement.GrainSchool })
	change(func(f *policy.Facts) { f.Request.School, f.Request.Grain = "school-19", agreement.GrainSchool })
	change(func(f *policy.Facts) { f.ReleasePublished = false })
	change(func(f *policy.Facts) { f.Partner.Banned = true })
	change(func(f *policy.Facts) { f.Partner.State = "suspended" })
	change(func(f *policy.Facts) { f.Today = civil.Make(2027, 8, 1) })
	change(func(f *policy.Facts) { f.Caller.Sites = []string{"west"} })
	change(func(f *policy.Facts) { f.Request.Categories = consent.Categories() })
	return list
}

// equalDecisions holds the engine and the server to the same answers.
func equalDecisions(t testing.TB, e *policy.Engine, server *opa, asked []policy.Facts) {
	t.Helper()
	for i, f := range asked {
		ours, err := e.Decide(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		input := posted(t, f)
		theirs := decodeResult[struct {
			Allow      bool            `json:"allow"`
			Clause     string          `json:"clause"`
			Categories map[string]bool `json:"categories"`
		}](t, server.post(t, "decision", input))
		if ours.Allow != theirs.Allow || ours.Allow && (ours.Clause != theirs.Clause || !cmp.Equal(names(ours.Categories), theirs.Categories)) {
			t.Errorf("request %d: ours %+v, the server's %+v", i, ours, theirs)
		}
		if ours.Allow {
			continue
		}
		var reasons []string
		for _, r := range ours.Reasons {
			reasons = append(reasons, string(r))
		}
		given := decodeResult[[]string](t, server.post(t, "reasons", input))
		if slices.Sort(reasons); !slices.Equal(reasons, slices.Sorted(slices.Values(given))) {
			t.Errorf("request %d: our reasons %v, the server's %v", i, reasons, given)
		}
	}
}

func TestAnOPAServerDecidesAsTheEngineDoes(t *testing.T) {
	t.Parallel()
	server, remedy := startOPA(t)
	if server == nil {
		t.Skip("peer missing:", remedy)
	}
	equalDecisions(t, shippedRules(t), server, variants(t))
}
