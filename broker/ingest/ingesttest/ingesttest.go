// Package ingesttest holds what the tests of every format of an export need:
// the sample data, and the contract that every report keeps.
package ingesttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// Shared returns a folder of the sample data that is kept beside the project.
// Without it the test is skipped with the remedy.
func Shared(t testing.TB, folder string) string {
	t.Helper()
	roots := []string{os.Getenv("HALLPASS_SHARED")}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		path := filepath.Join(root, "data", folder)
		if _, err := os.Stat(path); root != "" && err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s beside the project: set HALLPASS_SHARED to the folder that holds data/", folder)
	return ""
}

// Date is a day given as 2026-06-26.
func Date(t testing.TB, s string) civil.Date {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return d
}

// SIDOf gives every id a SID that depends on nothing else.
func SIDOf(id string) records.SID {
	sum := sha256.Sum256([]byte(id))
	return records.SID(sum[:16])
}

// Identities know every id by its SIDOf.
func Identities() ingest.Identities {
	return ingest.Identities{Resolve: SIDOf, Lookup: func(id string) (records.SID, bool) { return SIDOf(id), true }}
}

// CheckReport holds a report to its contract: every finding has a rule and
// a remedy, and none of the secrets is shown. Digests are left out, since they
// may hold any digits.
func CheckReport(t testing.TB, report *ingest.Report, secrets ...string) {
	t.Helper()
	for _, f := range report.Findings {
		if f.What == "" || f.Remedy == "" || f.Rule == "" {
			t.Errorf("a finding without a remedy: %+v", f)
		}
	}
	text := Shown(t, report)
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the report shows %q:\n%s", secret, text)
		}
	}
}

// CheckCounts holds the counts of each file to their sums, where a format
// counts the rows of its files as the plain form does.
func CheckCounts(t testing.TB, report *ingest.Report) {
	t.Helper()
	for _, f := range report.Files {
		if f.Good+f.Errors != f.Rows || f.Warnings > f.Good {
			t.Errorf("the counts do not add up: %+v", f)
		}
	}
}

// Shown is a report as people and programs see it, without digests.
func Shown(t testing.TB, report *ingest.Report) string {
	t.Helper()
	plain := *report
	plain.Digest, plain.Sources = "", nil
	var text bytes.Buffer
	if err := plain.Write(&text); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return text.String() + string(asJSON)
}

// Findings are those of a report in order, each as file:row:field rule.
func Findings(report *ingest.Report) []string {
	var lines []string
	for _, f := range report.Findings {
		lines = append(lines, fmt.Sprintf("%s:%d:%s %s", f.File, f.Row, f.Field, f.Rule))
	}
	slices.Sort(lines)
	return lines
}
