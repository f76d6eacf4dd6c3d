package casefile_test

import (
	"strings"
	"testing"
	"testing/fstest"
	_ "time/tzdata"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/consent/casefile"
)

const sound = `
about: One family.
cases:
  - name: a yes opens
    siblings: [sister]
    people: [{who: mother}, {who: father, rights: false}]
    later: [{at: 2025-10-06 06:00, people: [{who: mother, rights: false}]}]
    words: [{who: father, capacity: acting_as_parent, entered: 2025-09-10 09:00}]
    college: [{from: 2030-09-01, entered: 2025-09-10 09:00}, {entered: 2025-09-20 09:00}]
    orders: [{kind: may_not_decide, who: mother, child: sister}]
    answers:
      - {id: m1, by: mother, says: yes, signed: 2025-09-01 10:00}
      - {id: m2, by: mother, says: no, signed: 2025-09-01 10:00, child: sister}
    asks:
      - {at: 2025-09-15 12:00, want: "yes, said_yes", windows: ["m1 2025-08-01..2026-06-30 until 2026-08-31 closed 2025-09-01..2025-09-02 2025-10-01..2025-10-02"]}
      - {at: 2025-10-07 12:00, known: 2025-10-08 12:00, want: "unasked, no_rights", told: "unasked, not_asked"}
      - {child: sister, want: "yes, said_yes"}
`

func load(t *testing.T, text string) ([]casefile.Case, error) {
	t.Helper()
	return casefile.Load(fstest.MapFS{"some.yaml": {Data: []byte(text)}})
}

func soundCase(t *testing.T) casefile.Case {
	t.Helper()
	cases, err := load(t, sound)
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

func TestWhatIsWrongInACaseFileIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	for was, now := range map[string][2]string{
		"siblings: [sister]":                   {"brothers: [sister]", "brothers"},
		"at: 2025-10-06 06:00":                 {"at: tomorrow", "not a moment"},
		"from: 2030-09-01":                     {"from: 2030-02-30", "not a date"},
		"says: yes, signed":                    {"says: perhaps, signed", "answer m1"},
		"until 2026-08-31 closed":              {"till 2026-08-31 closed", "not a window"},
		`told: "unasked, not_asked"`:           {`told: "yes, said_yes"`, "more than the reason"},
		`{child: sister, want: "yes, said_yes`: {`{child: sister, windows: ["m1 2025-08-01..2026-06-30 until 2026-08-31"], want: "no, said_no`, "has windows"},
		"about: One family.":                   {"zone: Nowhere/Else", "Nowhere/Else"},
	} {
		if _, err := load(t, strings.Replace(sound, was, now[0], 1)); err == nil || !strings.Contains(err.Error(), now[1]) || !strings.Contains(err.Error(), "some.yaml") {
			t.Errorf("%s instead of %s: %v", now[0], was, err)
		}
	}
	if _, err := casefile.Load(fstest.MapFS{}); err == nil {
		t.Error("no file at all is no error")
	}
	if _, err := load(t, "cases: [{name: nothing}]"); err == nil {
		t.Error("a case that asks nothing is no error")
	}
}

func TestACaseIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	c := soundCase(t)
	if n := len(c.Grants("")); n != 1 || len(c.Grants("sister")) != 1 {
		t.Errorf("%d answers about the first child", n)
	}
	first, later, sister := c.Student(c.Asks[0]), c.Student(c.Asks[1]), c.Student(c.Asks[2])
	if holds := func(s consent.Student) bool { return s.Holders[1].Signer == "mother" && s.Holders[1].HoldsRights }; !holds(first) || holds(later) {
		t.Errorf("the later file is not the one that counts later: %v, %v", first.Holders, later.Holders)
	}
	if first.Postsecondary.IsZero() || !later.Postsecondary.IsZero() {
		t.Error("the word on college that was entered last does not count")
	}
	if len(first.Restrictions) != 0 || len(sister.Restrictions) != 1 || len(sister.Holders) >= len(first.Holders) {
		t.Errorf("what is on one child's file is on the other's: %+v", sister)
	}
	if !c.Asks[0].Live() || c.Asks[1].Live() || !c.Asks[1].Asked().Equal(c.Asks[1].Question.Known) {
		t.Error("a question is not asked when its moments have come")
	}
}

func TestAStateThatIsNotTheCasesIsNoticed(t *testing.T) {
	t.Parallel()
	c := soundCase(t)
	right := consent.State{Answer: consent.StateYes, Reason: consent.SaidYes, Windows: c.Asks[0].Windows}
	if diff := c.Asks[0].Differs(right, false); diff != "" {
		t.Error(diff)
	}
	narrower := right
	narrower.Windows = append([]consent.Window(nil), right.Windows...)
	narrower.Windows[0].RecordsTo--
	for name, s := range map[string]consent.State{
		"another answer":   {Answer: consent.StateNo, Reason: consent.SaidNo},
		"another reason":   {Answer: consent.StateYes, Reason: consent.AllAgreed, Windows: right.Windows},
		"no window":        {Answer: consent.StateYes, Reason: consent.SaidYes},
		"a smaller window": narrower,
	} {
		if c.Asks[0].Differs(s, false) == "" {
			t.Errorf("%s is not noticed", name)
		}
	}
	unasked := consent.State{Answer: consent.StateUnasked, Reason: consent.NotAsked}
	if c.Asks[1].Differs(unasked, false) == "" || c.Asks[1].Differs(unasked, true) != "" {
		t.Error("what the API tells and what the law says are not told apart")
	}
}
