package edfi_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// shared returns a folder of the sample data that is kept beside the
// project, or skips.
func shared(t testing.TB, folder string) string {
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

func date(t testing.TB, s string) civil.Date {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return d
}

// sidOf gives every id a SID that depends on nothing else.
func sidOf(id string) records.SID {
	sum := sha256.Sum256([]byte(id))
	return records.SID(sum[:16])
}

func identities() ingest.Identities {
	return ingest.Identities{Resolve: sidOf, Lookup: func(id string) (records.SID, bool) { return sidOf(id), true }}
}
