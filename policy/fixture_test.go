package policy_test

import (
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/policy/agreement"
	"github.com/hallpass-edu/hallpass/rego"
)

// today is a day inside the term of every test agreement.
var today = civil.Make(2026, 3, 2)

// inForce is an active agreement with two schools and every category but the
// dates of discipline.
func inForce() agreement.Agreement {
	return agreement.Agreement{
		ID: "A7", Partner: "harbor", Version: 3, State: agreement.Active,
		Clauses: agreement.Clauses{
			Template: "comparison_and_consent", Basis: "comparison_and_consent", Purpose: "program_evaluation",
			Schools:    []string{"GP", "MS"},
			Categories: []consent.Category{consent.Attendance, consent.Grades, consent.DisciplineIncident, consent.DisciplineAction},
			Indicators: []string{"attendance_rate", "chronic_absence", "gpa"},
			Grain:      []string{"all", "school"},
			Profile:    "published_table", DosageFloor: 9, MinCohort: 10, UnconsentedFloor: 10,
			TermFrom: civil.Make(2025, 9, 1), TermTo: civil.Make(2026, 8, 31),
		},
	}
}

// asked are facts under which the shipped rules say yes.
func asked(action string) policy.Facts {
	f := policy.Facts{
		Action:    action,
		Caller:    policy.Caller{Role: "partner", Partner: "harbor", Sites: []string{"north"}, Programs: []string{"homework"}},
		Agreement: policy.Prepare(inForce()),
		Partner:   policy.PartnerFacts{ID: "harbor", State: "accepted", Sites: []string{"north", "south"}, Programs: []string{"homework", "chess"}},
		Request: policy.Request{
			School: policy.AllSchools, Period: "2025-26", PeriodFrom: civil.Make(2025, 9, 1), PeriodTo: civil.Make(2026, 6, 30),
			Categories: []consent.Category{consent.Attendance, consent.Grades},
		},
		Today: today, RosterPresent: true,
	}
	if action == policy.ActionComparison {
		f.Request.Grain, f.Request.Indicators, f.ReleasePublished = "all", []string{"attendance_rate", "gpa"}, true
	}
	return f
}

// open is a row of category c that the shipped rules and the ceiling let pass.
func open(c consent.Category) policy.Row {
	category, portion := policy.Portion(c)
	return policy.Row{
		Consent: policy.ConsentYes, Expires: today, School: "GP", OnRoster: true, Age: 17,
		RecordFrom: civil.Make(2025, 9, 1), RecordTo: civil.Make(2026, 6, 30), Category: category, Portion: portion,
	}
}

func load(t testing.TB, fsys fs.FS, o policy.Options) *policy.Engine {
	t.Helper()
	e, err := policy.LoadWith(fsys, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shippedEngine is loaded once: an engine never changes.
var shippedEngine = sync.OnceValues(func() (*policy.Engine, error) { return policy.Load(rego.FS) })

func shipped(t testing.TB) *policy.Engine {
	t.Helper()
	e, err := shippedEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// with is the shipped policy with files replaced or, where the text is empty,
// removed.
func with(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for _, name := range []string{"disclosure.rego", "reasons.rego", "rows.rego", "library.rego"} {
		text, err := fs.ReadFile(rego.FS, name)
		if err != nil {
			panic(err)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	for name, text := range files {
		if text == "" {
			delete(out, name)
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}
