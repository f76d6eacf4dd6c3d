package policy_test

import (
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
)

// The rule compiles to an empty filter: "every" of an empty list.
const emptyFilter = `package hallpass.rows

attendance if every _ in [x | x := input.agreement.id; x == ""] { input.row.consent == "yes" }
`

func TestTheOperatorCheckIsWhatClosesTheEmptyFilter(t *testing.T) {
	t.Parallel()
	files := with(map[string]string{"rows.rego": emptyFilter})
	if _, err := policy.Load(files); err == nil || !strings.Contains(err.Error(), "rows.rego:3: hallpass.rows.attendance: the filter is an unconditional yes") {
		t.Fatalf("an empty filter was not refused as one: %v", err)
	}
	e := load(t, files, policy.Options{Sabotage: policy.Sabotage{SkipOperatorCheck: true}})
	fs, err := e.Filters(policy.Prepare(inForce()), today)
	if err != nil {
		t.Fatal(err)
	}
	row := open(consent.Attendance)
	row.Consent, row.OnRoster = policy.ConsentNo, false
	if !fs.Match(consent.Attendance, row) {
		t.Error("without the check the empty filter should have opened a row that said no")
	}
	if fs.Releases(consent.Attendance, &row) {
		t.Error("the ceiling let it leave all the same")
	}
}
