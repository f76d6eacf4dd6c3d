package ingest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// faulty is a district with faults of many kinds.
func faulty(t *testing.T) *ingest.Report {
	t.Helper()
	im, report := read(t, base(t, map[string]string{
		"attendance.csv": "student_id,school_id,date,code,homeroom\nST-9001,A,2025-09-01,absent-excused,1\nNOBODY,A,2025-09-01,present,1\nST-9001,A,2025-09-06,present,1\n",
		"grades.csv":     "student_id,school_id,session_id,course,value,scale\nST-9001,A,T1,Math,103,0-100\nST-9001,A,T9,Math,90,0-100\n",
	}))
	applied := im.Apply(nil, 1, ingesttest.Identities())
	report.Changes = &applied.Changes
	return report
}

func TestTheReportIsReadable(t *testing.T) {
	t.Parallel()
	report := faulty(t)
	var text bytes.Buffer
	if err := report.Write(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/golden/report.txt", text.Bytes())
	asJSON, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/golden/report.json", append(asJSON, '\n'))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

func TestErrorRowsStayOutWhenTheCallerAcceptsThat(t *testing.T) {
	t.Parallel()
	report := faulty(t)
	if !report.Rejected(false) || report.Rejected(true) || report.Errors() != 3 || report.Warnings() != 3 {
		t.Errorf("%d errors, %d warnings", report.Errors(), report.Warnings())
	}
}

func TestALongListOfFaultsIsCutButCounted(t *testing.T) {
	t.Parallel()
	text := "school_id,name\nA,Alder\nB,Birch\n"
	for range 500 {
		text += "A,Alder\n"
	}
	_, report := read(t, base(t, map[string]string{"schools.csv": text}))
	if len(report.Findings) != 100 || report.Errors() != 500 || report.Files[0].Errors != 500 || report.Groups[0].Count != 500 {
		t.Errorf("%d findings, %d errors", len(report.Findings), report.Errors())
	}
}
