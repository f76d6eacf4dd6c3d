package ingest_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// register is a district whose register has the given number of rows, of 180
// days a student.
func register(rows int) fstest.MapFS {
	const perStudent = 180
	start := civil.Make(2025, 9, 1)
	var students, stays, calendar, marks bytes.Buffer
	students.WriteString("student_id,given_name,family_name,birthdate\n")
	stays.WriteString("student_id,school_id,entry\n")
	calendar.WriteString("school_id,date,instructional\n")
	marks.WriteString("student_id,school_id,date,code,portion\n")
	var days []string
	for d := start; len(days) < perStudent; d++ {
		if w := d.Weekday(); w != 0 && w != 6 {
			days = append(days, d.String())
		}
	}
	for s := range 10 {
		for _, d := range days {
			fmt.Fprintf(&calendar, "SCH%03d,%s,yes\n", s, d)
		}
	}
	codes := []string{"present", "present", "absent_unexcused", "absent_excused", "tardy", "oss"}
	for i := range rows {
		student, day := i/perStudent, i%perStudent
		if day == 0 {
			fmt.Fprintf(&students, "S%08d,Given,Family,2012-03-04\n", student)
			fmt.Fprintf(&stays, "S%08d,SCH%03d,2025-09-01\n", student, student%10)
		}
		fmt.Fprintf(&marks, "S%08d,SCH%03d,%s,%s,\n", student, student%10, days[day], codes[(student*7+day)%len(codes)])
	}
	file := func(b *bytes.Buffer) *fstest.MapFile { return &fstest.MapFile{Data: b.Bytes()} }
	var schools bytes.Buffer
	schools.WriteString("school_id,name\n")
	for s := range 10 {
		fmt.Fprintf(&schools, "SCH%03d,School %d\n", s, s)
	}
	return fstest.MapFS{
		"schools.csv":     file(&schools),
		"sessions.csv":    {Data: []byte("session_id,title,type,start,end\nY,Year,schoolYear,2025-09-01,2026-06-30\n")},
		"students.csv":    file(&students),
		"enrollments.csv": file(&stays),
		"calendar.csv":    file(&calendar),
		"attendance.csv":  file(&marks),
	}
}

// BenchmarkRegister reads 500,000 rows of attendance, validates every field
// and hashes the files.
func BenchmarkRegister(b *testing.B) {
	const rows = 500_000
	files := register(rows)
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, Marking: records.EveryDay, ExportDate: civil.Make(2026, 6, 30)}
	b.SetBytes(int64(len(files["attendance.csv"].Data)))
	b.ReportAllocs()
	for b.Loop() {
		im, report, err := ingest.Read(files, ingest.Plain(), opt)
		if err != nil || im == nil || report.Errors() > 0 {
			b.Fatal(err, report)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func TestALargeRegisterIsReadWhole(t *testing.T) {
	t.Parallel()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, Marking: records.EveryDay, ExportDate: civil.Make(2026, 6, 30)}
	im, report, err := ingest.Read(register(18_000), ingest.Plain(), opt)
	if err != nil || report.Errors()+report.Warnings() > 0 {
		t.Fatal(err, report.Groups)
	}
	for _, s := range im.Students {
		if s.Facts.Marks.Len() != 180 {
			t.Fatalf("a student has %d marks", s.Facts.Marks.Len())
		}
	}
}
