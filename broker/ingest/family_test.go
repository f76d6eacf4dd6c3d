package ingest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func TestOnlyTheFamilyOfAFaultIsHeld(t *testing.T) {
	t.Parallel()
	whole := apply(t, nil, options(t), nil)
	for file, want := range map[string]ingest.Family{
		"calendar.csv": ingest.Attendance, "attendance.csv": ingest.Attendance, "attendance_summary.csv": ingest.Attendance,
		"discipline.csv": ingest.Discipline, "grades.csv": ingest.Grades, "guardians.csv": ingest.Guardians, "public_totals.csv": ingest.Totals,
	} {
		for fault, text := range map[string]string{"a row": string(base(t, nil)[file].Data) + "SECRETVALUE,,,,,,,,,,,\n", "the file": "\x00"} {
			opt := options(t)
			opt.Degrade = true
			im, report, err := ingest.Read(base(t, map[string]string{file: text}), ingest.Plain(), opt)
			if err != nil || im == nil {
				t.Fatalf("%s, %s: nothing was read: %v", file, fault, err)
			}
			if len(report.Held) != 1 || report.Held[0].Family != want {
				t.Errorf("%s, %s: held %+v, want %s", file, fault, report.Held, want)
			}
			next := im.Apply(whole.District, 2, ingesttest.Identities())
			if d := cmp.Diff(whole.District.Students, next.District.Students); d != "" {
				t.Errorf("%s, %s: what was loaded before did not stay: %s", file, fault, d)
			}
		}
	}
}

func TestAFaultOfThePeopleHoldsEverything(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"schools.csv", "sessions.csv", "students.csv", "enrollments.csv", "merges.csv"} {
		opt := options(t)
		opt.Degrade = true
		im, report, err := ingest.Read(base(t, map[string]string{file: string(base(t, nil)[file].Data) + ",,,,,,,,\n"}), ingest.Plain(), opt)
		if err != nil || im != nil || report.Errors() == 0 {
			t.Errorf("%s: read all the same, %v", file, err)
		}
	}
}

func TestEveryFileIsOfOneFamily(t *testing.T) {
	t.Parallel()
	var all []string
	for _, f := range ingest.Families() {
		all = append(all, f.Forms()...)
	}
	want := ingest.Forms()
	if slices.Sort(all); !slices.Equal(all, slices.Sorted(slices.Values(want))) {
		t.Errorf("the families hold %v", all)
	}
}
