package consent_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	_ "time/tzdata"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/consent/casefile"
)

// ask is one question of one case, ready to be decided.
type ask struct {
	casefile.Ask
	file, name string
	student    consent.Student
	grants     []consent.Grant
}

func loadCases(t testing.TB) []casefile.Case {
	t.Helper()
	cases, err := casefile.Load(os.DirFS("testdata/cases"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// loadAsks are the questions of the cases that the law alone can answer.
func loadAsks(t testing.TB) []ask {
	t.Helper()
	var asks []ask
	for _, c := range loadCases(t) {
		if c.Not[casefile.Domain] != "" {
			continue
		}
		for i, a := range c.Asks {
			name := c.Name
			if len(c.Asks) > 1 {
				name = fmt.Sprintf("%s, question %d", c.Name, i+1)
			}
			asks = append(asks, ask{a, c.File, name, c.Student(a), c.Grants(a.Child)})
		}
	}
	return asks
}

func (a ask) differs(without consent.Sabotage) string {
	return a.Differs(consent.DecideWithout(a.student, a.grants, a.Question, without), false)
}

func TestTheCasesAreManyAndEachHasItsOwnName(t *testing.T) {
	t.Parallel()
	cases, names := loadCases(t), map[string]string{}
	if len(cases) < 100 {
		t.Errorf("%d cases are too few", len(cases))
	}
	for _, c := range cases {
		if was, again := names[c.Name]; again {
			t.Errorf("%s and %s both have the case %q", was, c.File, c.Name)
		}
		names[c.Name] = c.File
	}
}

// A case that a runner cannot express is one that nobody held to it.
func TestAtMostATenthOfTheCasesIsKeptFromARunner(t *testing.T) {
	t.Parallel()
	cases := loadCases(t)
	kept := slices.DeleteFunc(slices.Clone(cases), func(c casefile.Case) bool { return len(c.Not) == 0 })
	if len(kept)*10 > len(cases) {
		t.Errorf("%d of %d cases are kept from a runner", len(kept), len(cases))
	}
	for _, c := range kept {
		for runner, why := range c.Not {
			if !slices.Contains([]casefile.Runner{casefile.Domain, casefile.API, casefile.Rows}, runner) || why == "" {
				t.Errorf("%s: %s: %q is kept from %q", c.File, c.Name, why, runner)
			}
		}
	}
	for _, c := range cases {
		live := slices.ContainsFunc(c.Asks, casefile.Ask.Live)
		if !live && c.Not[casefile.Rows] == "" {
			t.Errorf("%s: %s: nothing is asked at its own moment, so no partner can ask it: add such a question, or say not rows", c.File, c.Name)
		}
	}
}
