package edfi_test

import (
	"os"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func TestTheDistrictIsTheSameInEveryStandardAndForm(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/district.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ds2", "ds3", "ds5", "json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			im, report := read(t, base(t, name, nil), formatOf(name), options(t))
			if im == nil || report.Errors() > 0 {
				t.Fatalf("%v", ingesttest.Findings(report))
			}
			if got := picture(im); got != string(want) {
				t.Errorf("read as\n%s\nwant\n%s", got, want)
			}
			if name != "json" && !slices.Equal(ingesttest.Findings(report), wantFindings) {
				t.Errorf("found %q", ingesttest.Findings(report))
			}
		})
	}
}

// wantFindings are those of the small district: what it says twice or in parts.
var wantFindings = []string{
	"StudentAttendance.xml:0: part-of-day",
	"StudentAttendance.xml:0: repeated-tardy",
	"StudentAttendance.xml:6:AttendanceEventCategory two-marks",
	"StudentGrade.xml:0: not-final",
	"StudentGradebook.xml:0: not-final",
}
