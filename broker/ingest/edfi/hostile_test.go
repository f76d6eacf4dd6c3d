package edfi_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// many writes n records.
func many(n int, record func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(record(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// TestNothingGrowsFasterThanItsFiles gives files of some megabytes that are
// made so that a careless reader would need minutes, or all memory.
func TestNothingGrowsFasterThanItsFiles(t *testing.T) {
	pupil := func(id, number int) string {
		return fmt.Sprintf(`{"id":"x%d","studentUniqueId":"%d","firstName":"a","lastSurname":"b"}`, id, number)
	}
	period := func(i int) string {
		return fmt.Sprintf("<GradingPeriod>%s<GradingPeriod>P%d</GradingPeriod><BeginDate>2025-09-01</BeginDate><EndDate>2025-10-01</EndDate></GradingPeriod>", ofHigh, i)
	}
	grade := func(i int) string {
		return fmt.Sprintf("<Grade><NumericGradeEarned>1</NumericGradeEarned><GradeType>Final</GradeType><StudentSectionAssociationReference>%s%s</StudentSectionAssociationReference>"+
			"<GradingPeriodReference><GradingPeriod>Q%d</GradingPeriod></GradingPeriodReference></Grade>", ofStudent, ofHigh, i)
	}
	named := strings.Repeat("<CourseOfferingReference><Term>x</Term></CourseOfferingReference>", 900)
	for name, c := range map[string]struct {
		base  string
		files map[string]string
	}{
		"keys that change hands": {"json", map[string]string{"students/upserts/x.json": many(10_000, func(i int) string { return pupil(i, i) }) +
			many(10_000, func(i int) string { return pupil(i, i+1) })}},
		"names without end": {"json", map[string]string{"students.json": "{" + strings.TrimSuffix(strings.TrimSpace(many(100_000, func(i int) string {
			return fmt.Sprintf(`"%s":1,`, strings.Repeat(string(rune('a'+i%26)), i%7+1)+fmt.Sprint(i))
		})), ",") + "}"}},
		"periods and grades": {"ds5", map[string]string{"P.xml": interchange("EducationOrgCalendar", many(2000, period)), "G.xml": interchange("StudentGrade", many(2000, grade))}},
		"races": {"ds5", map[string]string{"R.xml": interchange("StudentEnrollment", many(5, func(int) string {
			return "<StudentEducationOrganizationAssociation>" + ofStudent + many(15_000, func(i int) string { return fmt.Sprintf("<Race>%d</Race>", i) }) +
				"</StudentEducationOrganizationAssociation>"
		}))}},
		"one code described over and over": {"ds5", map[string]string{
			"D.xml": interchange("Descriptors", many(5000, func(int) string {
				return "<AttendanceEventCategoryDescriptor><CodeValue>z</CodeValue><ShortDescription>y</ShortDescription></AttendanceEventCategoryDescriptor>"
			})),
			"A.xml": interchange("StudentAttendance", many(2000, func(int) string { return event("School", "2025-09-01", "z", "") })),
		}},
		"references to much": {"ds5", map[string]string{"S.xml": interchange("StudentEnrollment", `<Section id="X">`+named+`</Section>`,
			many(6000, func(int) string {
				return `<StudentSchoolAssociation><StudentReference ref="X"/></StudentSchoolAssociation>`
			}))}},
		"incidents of an action": {"ds5", map[string]string{"I.xml": interchange("StudentDiscipline", many(5, func(n int) string {
			return fmt.Sprintf("<DisciplineAction><DisciplineActionIdentifier>%d</DisciplineActionIdentifier>%s</DisciplineAction>", n, many(4000, func(i int) string {
				return fmt.Sprintf("<DisciplineIncidentReference><SchoolId>1</SchoolId><IncidentIdentifier>%d</IncidentIdentifier></DisciplineIncidentReference>", i)
			}))
		}))}},
		"sessions without end": {"ds5", map[string]string{"C.xml": interchange("EducationOrgCalendar", many(1000, func(i int) string {
			return sessionXML(fmt.Sprint("S", i), "2025-09-01", "2025-10-01", ofHigh)
		}))}},
		"one event over and over": {"ds5", map[string]string{"A.xml": interchange("StudentAttendance", many(4000, func(int) string {
			return event("School", "2025-09-01", "Tardy", "")
		}))}},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			opt := options(t)
			opt.Snapshot = ingest.SnapshotAll
			im, report, err := ingest.Read(base(t, c.base, c.files), formatOf(c.base), opt)
			if err != nil {
				t.Fatal(err)
			}
			if (im == nil) != report.Unusable() {
				t.Errorf("%v", ingesttest.Findings(report))
			}
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			t.Logf("%s, %d MB", took, (after.TotalAlloc-before.TotalAlloc)>>20)
			if took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if held := after.HeapSys; held > 600<<20 {
				t.Errorf("the heap grew to %d MB", held>>20)
			}
		})
	}
}
