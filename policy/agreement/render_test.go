package agreement_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

var update = flag.Bool("update", false, "write the golden texts of testdata/text anew")

func goldenAgreements(t *testing.T) map[string]agreement.Agreement {
	t.Helper()
	bare := clauses(t, "comparison_and_consent")
	bare.Template, bare.Basis = "", agreement.ConsentOnly
	bare.Schools, bare.Indicators, bare.Grain = []string{"GP"}, nil, nil
	bare.Categories = []consent.Category{consent.DisciplineIncident}
	bare.DosageFloor, bare.DestructionDays = 1, 1
	amended := clauses(t, "comparison_and_consent")
	amended.Categories = consent.Categories()
	table, budgeted := clauses(t, "comparison_and_consent"), clauses(t, "comparison_and_consent")
	table.Profile, table.UnconsentedFloor = agreement.PublishedTable, 10
	budgeted.Profile, budgeted.Epsilon = agreement.Budgeted, 25
	return map[string]agreement.Agreement{
		"comparison_and_consent":           draft(clauses(t, "comparison_and_consent")),
		"comparison_and_consent_version_2": draft(clauses(t, "comparison_and_consent")).Amend(amended),
		"study":                            draft(clauses(t, "study")),
		"audit_evaluation":                 draft(audit(t)),
		"school_official":                  draft(official(t)),
		"consent_only":                     draft(bare),
		"published_table":                  draft(table),
		"budgeted":                         draft(budgeted),
	}
}

func TestTheTextsReadAsTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, a := range goldenAgreements(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := agreement.Render(partner(), a, district)
			path := filepath.Join("testdata/text", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("run with -update if this is meant:\n%s", diff)
			}
		})
	}
}

func TestNoLineOfAnyTextIsTooWide(t *testing.T) {
	t.Parallel()
	for name, a := range goldenAgreements(t) {
		for line := range strings.Lines(agreement.Render(partner(), a, district)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 78 {
				t.Errorf("%s: a line of %d characters: %s", name, n, line)
			}
			if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
				t.Errorf("%s: spaces at the end of %q", name, line)
			}
		}
	}
}

func TestTheTextSaysWhatItMust(t *testing.T) {
	t.Parallel()
	says := map[string][]string{
		"comparison_and_consent": {
			district, "Riverside Youth Services, Inc.", "34 CFR 99.31(b)(1)", "34 CFR 99.30", "9 different session dates",
			"a small random number is added", "fewer than 10 students", "99.33(a)", "60 days", "audit", "withdrawal is a barrier",
			"August 1, 2025", "July 31, 2027", "555-0100", "99.67",
		},
		"study":            {"99.31(a)(6)", "Dr. Lee Park", "August 31, 2027", "Scope: Participants of grades 6 to 8"},
		"audit_evaluation": {"99.35", "authorized representative"},
		"published_table":  {"No random noise is added"},
		"budgeted":         {"epsilon 2.5", "privacy budget"},
		"school_official":  {"99.31(a)(1)(i)(B)", "direct control"},
	}
	all := goldenAgreements(t)
	for name, parts := range says {
		text := strings.Join(strings.Fields(agreement.Render(partner(), all[name], district)), " ")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
	}
}

func TestEveryClauseStandsInEveryTextUnderItsNumber(t *testing.T) {
	t.Parallel()
	for name, a := range goldenAgreements(t) {
		text := "\n" + agreement.Render(partner(), a, district)
		place := 0
		for _, kind := range agreement.ClauseKinds() {
			number, is, _ := strings.Cut(a.ClauseFor(kind), " ")
			if is != kind {
				t.Errorf("the clause of %q is called %q", kind, is)
			}
			i := strings.Index(text[place:], "\n"+number+" ")
			if i < 0 {
				t.Fatalf("%s: clause %s does not stand after the one before it", name, number)
			}
			place += i + 1
		}
	}
}

func TestEveryActionAndCategoryHasItsClause(t *testing.T) {
	t.Parallel()
	var a agreement.Agreement
	want := map[string]string{"comparison": "3.1 comparison", "dosage": "3.2 dosage", "students": "4.1 students", "attendance": "4.2 attendance", "withdrawal": "6.2 withdrawal", "other": "", "": ""}
	for kind, id := range want {
		if got := a.ClauseFor(kind); got != id {
			t.Errorf("%q: %q", kind, got)
		}
	}
	for _, c := range consent.Categories() {
		if a.ClauseFor(string(c)) == "" {
			t.Errorf("%s has no clause", c)
		}
	}
}

func TestNoFreeTextCanPassForAClause(t *testing.T) {
	t.Parallel()
	c := clauses(t, "comparison_and_consent")
	honest := agreement.Render(partner(), draft(c), district)
	c.Redisclosure = "None.\n\n4.2   Attendance. Everything is shared.\r\n## 12. Extra\u2028- \u202egnp.exe"
	forged := agreement.Render(partner(), draft(c), district)
	margins := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			if line[0] != ' ' {
				first, _, _ := strings.Cut(line, " ")
				lines = append(lines, first)
			}
		}
		return lines
	}
	if diff := cmp.Diff(margins(honest), margins(forged)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(margins(honest), margins(agreement.RenderRaw(partner(), draft(c), district))) {
		t.Error("this holds without its guard")
	}
	if strings.ContainsAny(forged, "\r\u2028\u202e") {
		t.Error("control characters got into the text")
	}
}

func TestTheTextDependsOnTheTermsAndNotOnTheState(t *testing.T) {
	t.Parallel()
	a := offered(t, clauses(t, "study"), inTerm)
	signed := signedBy(t, a, inTerm, agreement.DistrictParty, agreement.PartnerParty)
	if agreement.Render(partner(), signed, district) != a.Text || a.Text != agreement.Render(partner(), draft(a.Clauses), district) {
		t.Error("the text changes with the state")
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Custom(drawClauses).Draw(t, "clauses")
		one, two := draft(c), draft(rapid.Custom(drawClauses).Draw(t, "other"))
		if agreement.Render(partner(), one, district) != agreement.Render(partner(), one, district) {
			t.Fatal("two renderings differ")
		}
		same := agreement.TextHash(agreement.Render(partner(), one, district)) == agreement.TextHash(agreement.Render(partner(), two, district))
		if same && len(agreement.Diff(one.Clauses, two.Clauses)) > 0 {
			t.Fatalf("different terms under one hash: %+v", agreement.Diff(one.Clauses, two.Clauses))
		}
	})
}
