package ingest_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

func TestTheRowsOfAReportAreListedWithTheirOwnIDs(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("Number,First Name,Last Name,Born\n")
	for range 150 { // more than the report shows one by one
		text.WriteString("=7,Ada,Okafor,yesterday\n")
	}
	_, report, err := ingest.Read(fstest.MapFS{"people.csv": {Data: []byte(text.String())}}, people(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.WriteRows(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 151 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	want := []string{"people.csv", "2", "'=7", "Born", "error"}
	for i, cell := range want {
		if rows[1][i] != cell {
			t.Errorf("cell %d is %q, want %q", i, rows[1][i], cell)
		}
	}
	if strings.Contains(b.String(), "yesterday") || strings.Contains(b.String(), "Okafor") {
		t.Error("the list echoes a value")
	}
}
