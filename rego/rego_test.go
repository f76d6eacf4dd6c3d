package rego_test

import (
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/hallpass-edu/hallpass/rego"
)

// modules parses the shipped rules with their tests.
func modules(t *testing.T) map[string]*ast.Module {
	t.Helper()
	names, err := fs.Glob(rego.FS, "*.rego")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ast.Module{}
	for _, name := range names {
		text, err := fs.ReadFile(rego.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
	}
	return out
}

func TestTheRulesPassTheirOwnTests(t *testing.T) {
	t.Parallel()
	store := inmem.New()
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetStore(store).SetModules(modules(t)).RaiseBuiltinErrors(true).RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for r := range results {
		ran++
		t.Run(strings.TrimPrefix(r.Package, "data.hallpass.")+"."+r.Name, func(t *testing.T) {
			if !r.Pass() {
				t.Errorf("%v: %v", r.Location, r)
			}
		})
	}
	if ran < 30 {
		t.Errorf("only %d tests ran", ran)
	}
}

// A test that names a reason must exist for every reason of the rules.
func TestEveryReasonHasATest(t *testing.T) {
	t.Parallel()
	tests, err := fs.ReadFile(rego.FS, "disclosure_test.rego")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range modules(t)["reasons.rego"].Rules {
		if r.Head.Key != nil && !strings.Contains(string(tests), r.Head.Key.String()) {
			t.Errorf("%s has no test", r.Head.Key)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, m := range modules(t) {
		for _, a := range m.Annotations {
			if a.Scope == "package" && a.Title != "" && a.Description != "" {
				described[m.Package.Path.String()] = true
			}
		}
	}
	want := map[string]bool{"data.hallpass.disclosure": true, "data.hallpass.rows": true, "data.hallpass.library": true}
	if !maps.Equal(described, want) {
		t.Errorf("described: %v", described)
	}
}
