package web_test

import (
	"os"
	"slices"
	"testing"
	_ "time/tzdata"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent/casefile"
)

func loadCases(t testing.TB) []casefile.Case {
	t.Helper()
	cases, err := casefile.Load(os.DirFS("../../consent/testdata/cases"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// The cases that hold of the law itself hold of what officers and families enter and
// ask over HTTP, and of what partners read at that moment.
func TestTheConsentCasesHoldOverTheAPIAndInTheRows(t *testing.T) {
	t.Parallel()
	cases := loadCases(t)
	p := playCases(t, cases, broker.Sabotage{})
	for _, runner := range []casefile.Runner{casefile.API, casefile.Rows} {
		t.Run(string(runner), func(t *testing.T) {
			for _, c := range cases {
				if c.Not[runner] == "" && !p.run[runner][c.Name] {
					t.Errorf("%s: %s was not run", c.File, c.Name)
				}
			}
			for _, f := range p.faults[runner] {
				t.Error(f)
			}
		})
	}
}

// Each guard has its theme, and is needed by a case of that.
func TestAConsentCaseNoticesEachGuardThatTheBrokerLoses(t *testing.T) {
	t.Parallel()
	for guard, lost := range map[string]struct {
		sabotage broker.Sabotage
		theme    []string
	}{
		"what officers recorded of orders":  {broker.Sabotage{FileOnly: true}, []string{"orders.yaml"}},
		"what officers recorded of holders": {broker.Sabotage{FileOnly: true}, []string{"words.yaml"}},
		"what officers recorded of college": {broker.Sabotage{FileOnly: true}, []string{"college.yaml"}},
		"what officers recorded of cases":   {broker.Sabotage{FileOnly: true}, []string{"pauses.yaml"}},
		"two files are not one answer":      {broker.Sabotage{UniteAnswers: true}, []string{"merged.yaml"}},
		"two numbers are not one answer":    {broker.Sabotage{UniteAnswers: true}, []string{"two_names.yaml"}},
		"published periods stay covered":    {broker.Sabotage{NoHold: true}, []string{"holds.yaml"}},
	} {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			cases := slices.DeleteFunc(loadCases(t), func(c casefile.Case) bool { return !slices.Contains(lost.theme, c.File) })
			p := playCases(t, cases, lost.sabotage)
			for _, runner := range []casefile.Runner{casefile.API, casefile.Rows} {
				if len(p.faults[runner]) == 0 {
					t.Errorf("%s: without this guard every case still holds", runner)
				}
			}
		})
	}
}
