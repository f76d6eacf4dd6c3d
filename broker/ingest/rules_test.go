package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryRuleHasACase looks for each rule in the case files and, by its name
// in Go or in text, in the tests beside them.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, pattern := range []string{"testdata/errors/*.txtar", "*_test.go", "*/testdata/errors/*.txtar", "*/*_test.go", "../nightly_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 && !strings.HasPrefix(pattern, "*/") {
			t.Fatal("no cases", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	names := map[Rule]string{
		NoHeader: "ingest.NoHeader", BadEncoding: "ingest.BadEncoding", DuplicateColumn: "ingest.DuplicateColumn",
		BadSyntax: "ingest.BadSyntax", FieldCount: "ingest.FieldCount", TooLong: "ingest.TooLong", ControlCharacter: "ingest.ControlCharacter",
		LooksRenumbered: "ingest.LooksRenumbered", Unreachable: "ingest.Unreachable", BadWorkbook: "ingest.BadWorkbook", TooLarge: "ingest.TooLarge", TooManyRows: "ingest.TooManyRows",
	}
	for _, e := range explanations {
		want := " " + string(e.rule)
		if name, ok := names[e.rule]; ok {
			want = name
		}
		if !strings.Contains(all.String(), want) {
			t.Errorf("no case reaches %s", e.rule)
		}
	}
}
