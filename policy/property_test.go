package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
)

// The grammar of random row rules: conditions that are allowed, wide open,
// mistyped, misspelt, negated, or traps of the filter compiler.
var (
	goodConditions = []string{
		`input.row.consent == "yes"`, `input.row.consent in {"yes", "unasked"}`, `"no" == input.row.consent`,
		`input.row.expires >= input.today`, `input.today < input.row.expires`, `input.today - 0 < 1`,
		`input.row.school in object.keys(input.agreement.terms.schools)`, `input.row.school in ["GP", "MS"]`, `input.row.school in set()`,
		`input.row.on_roster == true`, `input.row.on_roster == false`, `false == input.row.banned`,
		`input.row.age < 18`, `18 <= input.row.age`, `input.row.age in {16, 18}`, `input.row.age == 17`, `input.row.age > -1`,
		`input.row.own_answer == true`, `input.row.restricted == false`,
		`input.row.record_from > 0`, `input.row.record_to <= 2`,
		`input.row.category == "discipline"`, `input.row.portion in ["whole", "dates"]`,
		`library.answered(input.row)`, `library.placed(input.row, input.agreement, input.today)`,
		`input.agreement.terms.categories.grades == true`, `input.agreement.state == "active"`, `input.agreement.terms.schools["GP"] == true`,
		`input.agreement.terms.basis == "study"`, `count(input.agreement.terms.schools) > 1`,
		`some school, _ in input.agreement.terms.schools; input.row.school == school`,
		`input.agreement.terms.from <= input.today`, `library.either(input.row)`,
	}
	badConditions = []string{
		`true`, `input.row`, `input.row.on_roster`, `input.row.consent != "no"`, `not input.row.banned`, `not input.row.consent == "no"`,
		`input.row.age < "18"`, `input.row.age < 17.5`, `input.row.consent == "Yes"`, `input.row.consent == 1`, `input.row.age == true`,
		`input.row.age < 1e999`, `input.row.expires >= 99999999999999999999`, `input.row.expires >= input.row.record_to`,
		`input.row.school in ["GP", input.row.category]`, `input.row.school in {"GP", 1}`, `input.row.on_roster in {true, false}`,
		`input.row.school >= "A"`, `input.row.skool == "GP"`, `input.row["age"] > 3; input.rows.age`, `startswith(input.row.school, "G")`,
		`input.row[_] == "yes"`, `every s in ["GP"] { input.row.school != s }`, `count([x | x := input.row.age; x > 3]) == 0`,
		`x := input.row.age; x > 3`, `_ = input.row.age`, `input.row.age + 1 > 3`, `library.missing(input.row)`, `data.nothing.here`,
		`{"yes": true}[input.row.consent]`, `input.row.consent == input.agreement.state`, `input.row.age < null`,
		`time.now_ns() > 0; input.row.age > 0`, `input.row.school in {"GP": "MS"}`, `input.row.school in input.agreement.terms.schools`,
		`library.anything(input.row)`,
	}
	heads = []string{"attendance", "grades", "discipline_incident", "discipline_action", "discipline_dates"}
	traps = []string{
		`default attendance := true`, `attendance := true`, `attendence if input.row.age > 0`, `grades := "yes" if input.row.age > 0`,
		`grades contains "x" if input.row.age > 0`, `attendance if { input.row.age > 0 } else := true`, `attendance(x) if x > 0`,
		`grades if { input.row.age > 100 } else if { input.row.age > 0 }`, `attendance.x if input.row.age > 0`,
		`attendance if { input.row.age > 0 with input.row.age as 3 }`,
	}
)

const library = `
either(row) if row.consent == "yes"

either(row) if {
	row.age > 16
	row.own_answer == true
}

anything(row) if row == row
`

// randomRules draws a rows.rego: mostly of allowed conditions, so that a good
// share of them loads.
func randomRules(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("package hallpass.rows\nimport data.hallpass.library\n")
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		if rapid.IntRange(0, 24).Draw(t, "trap") == 0 {
			b.WriteString(rapid.SampledFrom(traps).Draw(t, "trap rule") + "\n")
			continue
		}
		fmt.Fprintf(&b, "%s if {\n", rapid.SampledFrom(heads).Draw(t, "head"))
		for range rapid.IntRange(1, 4).Draw(t, "conditions") {
			from := goodConditions
			if rapid.IntRange(0, 24).Draw(t, "bad") == 0 {
				from = badConditions
			}
			b.WriteString("\t" + rapid.SampledFrom(from).Draw(t, "condition") + "\n")
		}
		b.WriteString("}\n")
	}
	return strings.Replace(b.String(), "import data.hallpass.library\n", importIfUsed(b.String()), 1)
}

func importIfUsed(text string) string {
	if strings.Contains(text, "library.") && strings.Contains(strings.TrimPrefix(text, "package hallpass.rows\nimport data.hallpass.library\n"), "library.") {
		return "import data.hallpass.library\n"
	}
	return ""
}

func randomPolicy(t *rapid.T) (string, fstest.MapFS) {
	text := randomRules(t)
	files := with(map[string]string{"rows.rego": text}).(fstest.MapFS)
	files["library.rego"] = &fstest.MapFile{Data: append(files["library.rego"].Data, library...)}
	return text, files
}

// Whatever a policy says, nothing above the ceiling leaves, and what the filter
// says is what the rules say in full evaluation.
func TestWhateverAPolicySaysTheCeilingHoldsAndTheFilterIsTheRule(t *testing.T) {
	t.Parallel()
	loaded, matched := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text, files := randomPolicy(t)
		e, err := policy.Load(files)
		if err != nil {
			if le := new(policy.LoadError); !errors.As(err, &le) || le.Remedy == "" {
				t.Fatalf("%v is no LoadError with a remedy\n%s", err, text)
			}
			return
		}
		loaded++
		matched += compareRows(t, e, text)
	})
	t.Logf("%d policies loaded, %d rows matched", loaded, matched)
	if loaded < 5 || matched < 5 {
		t.Error("too few of the random policies load for the test to mean anything")
	}
}

func compareRows(t *rapid.T, e *policy.Engine, text string) (matched int) {
	a := inForce()
	prepared := policy.Prepare(a)
	fs, err := e.Filters(prepared, today)
	if err != nil {
		return 0 // an agreement without usable filters releases nothing
	}
	for i := range 6 {
		row := rapid.Custom(randomRow).Draw(t, fmt.Sprint("row ", i))
		for _, c := range consent.Categories() {
			match := fs.Match(c, row)
			if match {
				matched++
			}
			if fs.Releases(c, &row) != (match && policy.Ceiling(a, row, c, today)) || fs.Releases(c, &row) && !below(a, row, c, today) {
				t.Fatalf("%s: %+v left above the ceiling\n%s", c, row, text)
			}
			full, err := e.EvaluateRow(prepared, today, c, row)
			scheduled := c != consent.DisciplineDates // the agreement has no dates
			if err != nil || match != (full && scheduled) {
				t.Fatalf("%s: filter %t, rules %t, %v for %+v\n%s", c, match, full, err, row, text)
			}
		}
	}
	return matched
}

// idle conditions say nothing beside others, and change nothing.
var idle = []string{`true`, `_ = input.row.age`, `x := input.row.age; x > 3`, `{"yes": true}[input.row.consent]`, `library.anything(input.row)`}

func TestEveryBadConditionIsRefusedAtLoad(t *testing.T) {
	t.Parallel()
	for _, condition := range badConditions {
		text := "package hallpass.rows\nimport data.hallpass.library\nattendance if {\n\tinput.row.age >= 0\n\tlibrary.answered(input.row)\n\t" + condition + "\n}\n"
		if slices.Contains(idle, condition) {
			continue
		}
		files := with(map[string]string{"rows.rego": text}).(fstest.MapFS)
		files["library.rego"] = &fstest.MapFile{Data: append(files["library.rego"].Data, library...)}
		if _, err := policy.Load(files); err == nil {
			t.Errorf("loaded: %s", condition)
		}
	}
}
