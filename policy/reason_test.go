package policy_test

import (
	"flag"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/rego"
)

// regoReasons are the strings that the shipped rules put into the set.
func regoReasons(t *testing.T) []string {
	t.Helper()
	text, err := fs.ReadFile(rego.FS, "reasons.rego")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range ast.MustParseModule(string(text)).Rules {
		if r.Head.Key != nil {
			out = append(out, strings.Trim(r.Head.Key.String(), `"`))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestTheReasonsOfTheRulesAreThoseOfTheProgram(t *testing.T) {
	t.Parallel()
	var want []string
	for _, r := range policy.Reasons() {
		want = append(want, string(r))
	}
	slices.Sort(want)
	if got := regoReasons(t); !slices.Equal(got, want) {
		t.Errorf("rules say %v\nprogram says %v", got, want)
	}
}

func TestEveryReasonTeaches(t *testing.T) {
	t.Parallel()
	for _, r := range policy.Reasons() {
		for what, s := range map[string]string{"sentence": r.Sentence(), "remedy": r.Remedy(), "contact": r.Contact()} {
			if s == "" || what != "contact" && !strings.HasSuffix(s, ".") {
				t.Errorf("%s has no %s: %q", r, what, s)
			}
		}
		if strings.Contains(strings.ToLower(r.Sentence()+r.Remedy()), "student") {
			t.Errorf("%s speaks of students", r)
		}
	}
	if unknown := policy.Reason("made_up"); unknown.Valid() || unknown.Sentence()+unknown.Remedy()+unknown.Contact() != "" {
		t.Error("a reason beyond the list says something")
	}
}

var update = flag.Bool("update", false, "write the table of reasons into docs/reasons.md")

func TestTheDocumentedReasonsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	const page = "../docs/reasons.md"
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	prose, _, found := strings.Cut(string(want), "| reason |")
	if !found {
		t.Fatalf("%s has no table", page)
	}
	got := prose + policy.ReasonsMarkdown()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(want) {
		t.Errorf("%s is not the code's list; run go generate ./policy", page)
	}
}
