package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// Forms that rego/compile can give, and forms it never should.
func TestOnlyTheListedFormsOfAFilterAreRead(t *testing.T) {
	t.Parallel()
	field := func(op, name, value string) string {
		return fmt.Sprintf(`{"type":"field","operator":%q,"field":%q,"value":%s}`, op, name, value)
	}
	good := field("eq", "row.consent", `"yes"`)
	for query, ok := range map[string]bool{
		good:                                  true,
		field("in", "row.age", `[1, 2]`):      true,
		field("in", "row.school", `[]`):       true,
		field("lte", "row.expires", `735000`): true,
		`{"type":"compound","operator":"and","value":[` + good + `]}`:             true,
		`{"type":"compound","operator":"or","value":[` + good + `,` + good + `]}`: true,
		`null`:                             false,
		`{}`:                               false,
		`[]`:                               false,
		`true`:                             false,
		`{"type":"field","operator":"eq"}`: false,
		`{"type":"field","operator":"eq","field":"row.consent"}`:                      false,
		`{"type":"field","operator":"eq","value":"yes"}`:                              false,
		`{"type":"compound","operator":"and"}`:                                        false,
		`{"type":"compound","operator":"and","value":[]}`:                             false,
		`{"type":"compound","operator":"or","value":{}}`:                              false,
		`{"type":"compound","operator":"not","value":[` + good + `]}`:                 false,
		`{"type":"compound","operator":"and","value":[` + good + `,{}]}`:              false,
		`{"type":"compound","operator":"and","value":[` + good + `,null]}`:            false,
		`{"type":"compound","operator":"eq","value":[` + good + `]}`:                  false,
		`{"type":"compound","operator":"and","field":"row.x","value":[` + good + `]}`: false,
		`{"type":"field","operator":"and","field":"row.consent","value":"yes"}`:       false,
		`{"type":"document","operator":"exists","field":"row.x","value":"yes"}`:       false,
		field("ne", "row.consent", `"yes"`):                                           false,
		field("nin", "row.school", `["GP"]`):                                          false,
		field("startswith", "row.school", `"G"`):                                      false,
		field("eq", "row.consent", `"YES"`):                                           false,
		field("eq", "row.consent", `null`):                                            false,
		field("eq", "row.consent", `{"field":"row.school"}`):                          false,
		field("eq", "consent", `"yes"`):                                               false,
		field("eq", "row.secret", `"yes"`):                                            false,
		field("eq", "rows.consent", `"yes"`):                                          false,
		field("eq", "row.on_roster", `"true"`):                                        false,
		field("in", "row.on_roster", `[true]`):                                        false,
		field("gt", "row.on_roster", `false`):                                         false,
		field("lt", "row.school", `"Z"`):                                              false,
		field("lt", "row.age", `17.5`):                                                false,
		field("lt", "row.age", `1e300`):                                               false,
		field("in", "row.school", `{"GP": true}`):                                     false,
		field("in", "row.school", `["GP", null]`):                                     false,
		field("in", "row.age", `[17, "18"]`):                                          false,
		field("in", "row.school", `"GP"`):                                             false,
	} {
		var v any
		if err := json.Unmarshal([]byte(query), &v); err != nil {
			t.Fatal(query, err)
		}
		if err := policy.FromUCAST(v); (err == nil) != ok {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestFiltersAreKeptByAgreementAndDayAndNotForEver(t *testing.T) {
	t.Parallel()
	e := load(t, rego.FS, policy.Options{})
	first := filters(t, e, policy.Prepare(inForce()), today)
	if filters(t, e, policy.Prepare(inForce()), today) != first {
		t.Error("the same version and day were compiled twice")
	}
	for name, change := range map[string]func(*agreement.Agreement){
		"version": func(a *agreement.Agreement) { a.Version++ },
		"schools": func(a *agreement.Agreement) { a.Clauses.Schools = []string{"GP"} },
		"state":   func(a *agreement.Agreement) { a.State = agreement.Terminated },
	} {
		if filters(t, e, amended(change), today) == first {
			t.Errorf("another %s was given the same filters", name)
		}
	}
	if filters(t, e, policy.Prepare(inForce()), today+1) == first {
		t.Error("another day was given the same filters")
	}
	for i := range policy.MaxCached + 10 {
		filters(t, e, amended(func(a *agreement.Agreement) { a.Version, a.Clauses.Categories = 100+i, nil }), today)
	}
	if n := e.Cached(); n > policy.MaxCached {
		t.Errorf("%d filters are kept", n)
	}
}

func filters(t *testing.T, e *policy.Engine, p *policy.Prepared, day civil.Date) *policy.Filters {
	t.Helper()
	f, err := e.Filters(p, day)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFiltersNeedAnAgreementAndADay(t *testing.T) {
	t.Parallel()
	if _, err := shipped(t).Filters(nil, today); !errors.Is(err, policy.ErrFacts) {
		t.Error(err)
	}
	if _, err := shipped(t).Filters(policy.Prepare(inForce()), 0); !errors.Is(err, policy.ErrFacts) {
		t.Error(err)
	}
}

func TestAnUnknownCategoryMatchesNothing(t *testing.T) {
	t.Parallel()
	row := open(consent.Attendance)
	f := filters(t, shipped(t), policy.Prepare(inForce()), today)
	if f.Match("health", row) || f.Releases("health", &row) || policy.Ceiling(inForce(), row, "health", today) {
		t.Error("a category beyond the list was released")
	}
}

func TestAMatchAllocatesNothing(t *testing.T) {
	f := filters(t, shipped(t), policy.Prepare(inForce()), today)
	row := open(consent.Grades)
	if n := testing.AllocsPerRun(100, func() { f.Releases(consent.Grades, &row); f.Match(consent.Grades, row) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPreparingKeepsACopy(t *testing.T) {
	t.Parallel()
	a := inForce()
	p := policy.Prepare(a)
	a.Clauses.Schools[0], a.Clauses.Categories[0] = "XX", consent.DisciplineDates
	row := open(consent.Attendance)
	if !filters(t, shipped(t), p, today).Releases(consent.Attendance, &row) {
		t.Error("a later change of the agreement showed")
	}
}

func TestOneEngineServesManyAtOnce(t *testing.T) {
	t.Parallel()
	e, p := load(t, rego.FS, policy.Options{Workers: 2}), policy.Prepare(inForce())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				f := asked(policy.ActionStudents)
				f.Agreement, f.Today = p, today+civil.Date((i+j)%3)
				if d, err := e.Decide(t.Context(), f); err != nil || !d.Allow {
					t.Errorf("%+v, %v", d, err)
				}
				row := open(consent.Attendance)
				row.Expires = f.Today
				if fs, err := e.Filters(p, f.Today); err != nil || !fs.Releases(consent.Attendance, &row) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
