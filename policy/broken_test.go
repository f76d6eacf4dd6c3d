package policy_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy"
)

// Each file of testdata/broken is the shipped policy with some files replaced
// or removed. Its first line says what is wrong, its second what must come of
// it:
//
//	load: TEXT     Load refuses it with an error that has TEXT in it
//	decide: TEXT   Decide fails with such an error
//	filters: TEXT  Filters fails with such an error
//	ceiling        it works, and what lies above the ceiling stays inside
//	nothing        it works and opens no row
func TestBrokenPoliciesReleaseNothing(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d cases, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, expect, _ := strings.Cut(string(archive.Comment), "expect: ")
			checkBroken(t, filesOf(archive), strings.TrimSpace(expect))
		})
	}
}

func filesOf(archive *txtar.Archive) map[string]string {
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
		if strings.TrimSpace(files[f.Name]) == "(removed)" {
			files[f.Name] = ""
		}
	}
	return files
}

func checkBroken(t *testing.T, files map[string]string, expect string) {
	kind, text, _ := strings.Cut(expect, ": ")
	e, err := policy.LoadWith(with(files), policy.Options{Deadline: 100 * time.Millisecond})
	if kind == "load" {
		le := new(policy.LoadError)
		if !errors.As(err, &le) || !strings.Contains(err.Error(), text) || le.Remedy == "" {
			t.Fatalf("loaded, or refused otherwise: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "decide":
		failsToDecide(t, e, text)
	case "filters":
		if fs, err := e.Filters(policy.Prepare(inForce()), today); fs != nil || !errors.Is(err, policy.ErrFilter) || !strings.Contains(err.Error(), text) {
			t.Fatalf("%v, %v", fs, err)
		}
	case "ceiling", "nothing":
		staysBelow(t, e, kind == "nothing")
	default:
		t.Fatalf("unknown expectation %q", expect)
	}
}

func failsToDecide(t *testing.T, e *policy.Engine, text string) {
	t.Helper()
	failed := false
	for _, action := range []string{policy.ActionComparison, policy.ActionStudents} {
		d, err := e.Decide(t.Context(), asked(action))
		if d.Allow {
			t.Errorf("%s was allowed", action)
		}
		failed = failed || err != nil && strings.Contains(err.Error(), text)
	}
	if !failed {
		t.Errorf("no decision failed with %q", text)
	}
}

func staysBelow(t *testing.T, e *policy.Engine, nothing bool) {
	t.Helper()
	changes := refusals()
	for _, r := range []policy.Reason{policy.PartnerBanned, policy.PartnerSuspended, policy.AgreementExpired, policy.AgreementNotActive, policy.SchoolNotInAgreement, policy.CategoryNotInAgreement} {
		f := asked(policy.ActionStudents)
		changes[r](&f)
		if d, err := e.Decide(t.Context(), f); err != nil || d.Allow {
			t.Errorf("%s: %+v, %v", r, d, err)
		}
	}
	fs, err := e.Filters(policy.Prepare(inForce()), today)
	if err != nil {
		t.Fatal(err)
	}
	for name, breach := range breaches() {
		row := open(consent.Attendance)
		breach(&row)
		if fs.Releases(consent.Attendance, &row) {
			t.Errorf("%s: released", name)
		}
	}
	if row := open(consent.Attendance); fs.Releases(consent.Attendance, &row) == nothing {
		t.Errorf("an open row left: %t", !nothing)
	}
}
