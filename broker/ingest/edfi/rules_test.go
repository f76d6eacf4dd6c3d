package edfi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// pictureWith reads the small district with some files replaced.
func pictureWith(t *testing.T, replaced map[string]string, change func(*ingest.Options)) (string, *ingest.Report) {
	t.Helper()
	opt := options(t)
	if change != nil {
		change(&opt)
	}
	im, report := read(t, base(t, "ds5", replaced), edfi.XML(), opt)
	if im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	return picture(im), report
}

func interchange(name string, records ...string) string {
	return "<Interchange" + name + ">\n" + strings.Join(records, "\n") + "\n</Interchange" + name + ">\n"
}

const (
	ofStudent = `<StudentReference><StudentIdentity><StudentUniqueId>0042</StudentUniqueId></StudentIdentity></StudentReference>`
	ofHigh    = `<SchoolReference><SchoolIdentity><SchoolId>255901001</SchoolId></SchoolIdentity></SchoolReference>`
	ofLow     = `<SchoolReference><SchoolIdentity><SchoolId>255901107</SchoolId></SchoolIdentity></SchoolReference>`
)

func event(kind, day, category, more string) string {
	where := ofHigh
	if kind == "Section" {
		where = "<SectionReference>" + ofHigh + "<SectionIdentifier>" + more + "</SectionIdentifier></SectionReference>"
	}
	return "<Student" + kind + "AttendanceEvent><EventDate>" + day + "</EventDate><AttendanceEventCategory>" + category +
		"</AttendanceEventCategory>" + ofStudent + where + more + "</Student" + kind + "AttendanceEvent>"
}

func TestEveryWayToWriteADescriptorIsRead(t *testing.T) {
	t.Parallel()
	names := interchange("Descriptors",
		"<AttendanceEventCategoryDescriptor><CodeValue>AE</CodeValue><ShortDescription>Excused Absence</ShortDescription></AttendanceEventCategoryDescriptor>",
		"<AttendanceEventCategoryDescriptor><CodeValue>U9</CodeValue><ShortDescription>U9</ShortDescription>"+
			"<AttendanceEventCategoryMap>Unexcused Absence</AttendanceEventCategoryMap></AttendanceEventCategoryDescriptor>",
		"<AttendanceEventCategoryDescriptor><CodeValue>Away</CodeValue><ShortDescription>Away</ShortDescription>"+
			"<Description>Out of school suspension</Description></AttendanceEventCategoryDescriptor>",
	)
	for written, want := range map[string]string{
		"uri://ed-fi.org/AttendanceEventCategoryDescriptor#Excused Absence":                       "absent_excused",
		"http://www.ed-fi.org/Descriptor/AttendanceEventCategoryDescriptor.xml/Unexcused Absence": "absent_unexcused",
		"Excused Absence": "absent_excused", "excused absence": "absent_excused", "ExcusedAbsence": "absent_excused",
		"<CodeValue>Tardy</CodeValue><Namespace>uri://x</Namespace>":  "tardy",
		"<ShortDescription>Tardy</ShortDescription>":                  "tardy",
		"uri://district.example/AttendanceEventCategoryDescriptor#AE": "absent_excused",
		"U9": "absent_unexcused", "Away": "oss", "In-School Suspension": "iss", "Early departure": "tardy", "Partial": "half_absent",
		"In Attendance": "present", "Out of School Suspension": "oss", "Late": "tardy", "Absent - Not Excused": "absent_unexcused",
	} {
		got, report := pictureWith(t, map[string]string{
			"StudentAttendance.xml": interchange("StudentAttendance", event("School", "2025-09-01", written, "")),
			"Descriptors/A.xml":     names,
		}, nil)
		if !strings.Contains(got, "mark 255901001 2025-09-01 "+want+" -1") {
			t.Errorf("%s: %v\n%s", written, ingesttest.Findings(report), got)
		}
	}
}

func TestTheSectionsOfADayAddUpWhereTheySayTheirPart(t *testing.T) {
	t.Parallel()
	part := func(n, d string) string { return n + "<EventDuration>" + d + "</EventDuration>" }
	got, report := pictureWith(t, map[string]string{"StudentAttendance.xml": interchange("StudentAttendance",
		strings.ReplaceAll(event("Section", "2025-09-01", "Excused Absence", "A"), "</StudentReference>", "</StudentReference><EventDuration>0.25</EventDuration>"),
		strings.ReplaceAll(event("Section", "2025-09-01", "Unexcused Absence", "B"), "</StudentReference>", "</StudentReference><EventDuration>0.5</EventDuration>"),
		event("Section", "2025-09-01", "Tardy", "C"),
		event("Section", "2025-09-02", "Unexcused Absence", "A"),
		event("Section", "2025-09-02", "Excused Absence", "<EventDuration>1.00</EventDuration>"),
		event("Section", "2026-02-02", "In Attendance", "A"),
		event("School", "2026-02-02", "Excused Absence", part("", "0.125")),
	)}, nil)
	for _, want := range []string{
		"  mark 255901001 2025-09-01 absent_unexcused 750\n", "  mark 255901001 2026-02-02 absent_excused 125\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Count(got, "  mark ") != 2 || !slices.Contains(ingesttest.Findings(report), "StudentAttendance.xml:0: part-of-day") {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestTheGraverOfTwoMarksCountsWhateverTheirOrder(t *testing.T) {
	t.Parallel()
	graver := []string{
		"Out of School Suspension", "Unexcused Absence", "Excused Absence", "Partial", "In School Suspension", "Tardy", "Present",
	}
	codes := []string{"oss", "absent_unexcused", "absent_excused", "half_absent", "iss", "tardy", "present"}
	for i := range graver {
		for j := i + 1; j < len(graver); j++ {
			for _, pair := range [][2]string{{graver[i], graver[j]}, {graver[j], graver[i]}} {
				got, _ := pictureWith(t, map[string]string{"StudentAttendance.xml": interchange("StudentAttendance",
					event("School", "2025-09-01", pair[0], ""), event("School", "2025-09-01", pair[1], ""))}, nil)
				if !strings.Contains(got, "2025-09-01 "+codes[i]+" ") || strings.Count(got, "  mark ") != 1 {
					t.Errorf("of %v: %s", pair, got)
				}
			}
		}
	}
}

func sessionXML(name, first, last, where string) string {
	return "<Session><SessionName>" + name + "</SessionName><SchoolYear>2025-2026</SchoolYear><BeginDate>" + first + "</BeginDate><EndDate>" + last +
		"</EndDate><Term>Trimester</Term>" + where + "</Session>"
}

func dayXML(day, event, where string) string {
	return "<CalendarDate><Date>" + day + "</Date><CalendarEvent>" + event + "</CalendarEvent>" + where + "</CalendarDate>"
}

func TestSessionsThatDifferBySchoolAreOneEach(t *testing.T) {
	t.Parallel()
	got, _ := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
		sessionXML("First", "2025-08-25", "2025-11-21", ofHigh), sessionXML("First", "2025-08-18", "2025-11-21", ofLow),
		sessionXML("Second", "2025-11-24", "2026-05-29", ofHigh), sessionXML("Second", "2025-11-24", "2026-05-29", ofLow),
		dayXML("2025-08-15", "Instructional day", ofLow), dayXML("2026-06-05", "Holiday", ofLow),
	), "StudentGrade.xml": ""}, nil)
	for _, want := range []string{
		`session "2025-26" "School year 2025-26" schoolYear 2025-08-15 2026-05-29 ""`,
		`session "2025-26 First (255901001)" "First" term 2025-08-25 2025-11-21 "2025-26"`,
		`session "2025-26 First (255901107)" "First" term 2025-08-18 2025-11-21 "2025-26"`,
		`session "2025-26 Second" "Second" term 2025-11-24 2026-05-29 "2025-26"`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestAYearEndsBeforeTheNextBegins(t *testing.T) {
	t.Parallel()
	next := strings.ReplaceAll(sessionXML("Next", "2026-05-20", "2026-12-18", ofLow), "2025-2026", "2026-2027")
	got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
		sessionXML("2025-2026 Fall Semester", "2025-08-25", "2025-12-19", ofHigh), sessionXML("Spring", "2026-01-05", "2026-05-29", ofHigh), next,
	)}, nil)
	if !strings.Contains(got, "schoolYear 2025-08-25 2026-05-19") || !strings.Contains(got, "schoolYear 2026-05-20 2026-12-18") {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestACalendarCountsWhereItIsWhole(t *testing.T) {
	t.Parallel()
	total := "<TotalInstructionalDays>5</TotalInstructionalDays>"
	days := []string{"2025-09-01", "2025-09-02", "2025-09-03", "2025-09-04"}
	for n := range len(days) + 1 {
		records := []string{sessionXML("2025-2026 Fall Semester", "2025-08-25", "2026-05-29", total+ofHigh)}
		for _, d := range days[:n] {
			records = append(records, dayXML(d, "Instructional day", ofHigh))
		}
		got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar", records...)}, nil)
		whole := strings.Contains(got, "calendar 255901001 [2025-09-01 2025-09-02 2025-09-03 2025-09-04]")
		said := slices.Contains(ingesttest.Findings(report), "EducationOrgCalendar.xml:0:TotalInstructionalDays no-dates")
		if whole != (n == 4) || said == whole {
			t.Errorf("%d of 5 days: read %v, said %v", n, whole, said)
		}
		if strings.Count(got, "  mark ") != 5 {
			t.Errorf("%d of 5 days: marks were lost", n)
		}
	}
}

func TestCalendarsOfTeachersAreNotTheSchools(t *testing.T) {
	t.Parallel()
	of := func(code string) string {
		return "<CalendarReference><CalendarCode>" + code + "</CalendarCode>" + ofHigh + "<SchoolYear>2025-2026</SchoolYear></CalendarReference>"
	}
	calendar := func(code, kind string) string {
		return "<Calendar><CalendarCode>" + code + "</CalendarCode><CalendarType>" + kind + "</CalendarType>" + ofHigh + "<SchoolYear>2025-2026</SchoolYear></Calendar>"
	}
	got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
		sessionXML("2025-2026 Fall Semester", "2025-08-25", "2026-05-29", ofHigh),
		calendar("S", "School"), calendar("T", "Teacher"),
		dayXML("2025-09-01", "Instructional day", of("S")), dayXML("2025-09-02", "Holiday", of("S")),
		dayXML("2025-09-02", "Make-up day", of("S")), dayXML("2025-09-03", "Instructional day", of("T")),
	)}, nil)
	if !strings.Contains(got, "calendar 255901001 [2025-09-01 2025-09-02]\n") {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestADeclaredTypeOfGradeIsAResultOfItsGradingPeriod(t *testing.T) {
	t.Parallel()
	got, _ := pictureWith(t, nil, func(o *ingest.Options) { o.Final = []string{"grading period"} })
	for _, want := range []string{
		`session "2025-26 Period 1" "Period 1" gradingPeriod 2025-08-25 2025-10-17 "2025-2026 Fall Semester"`,
		`  result 255901001 "2025-26 Period 1" ALG-1 7100 of 0-100`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, `"Period 2"`) {
		t.Error("a grading period without a result was given")
	}
}

func TestWhatAnExportDoesNotSpeakOfIsLeftAlone(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"Contact.xml": "", "StudentAttendance.xml": "", "StudentDiscipline.xml": "", "StudentGrade.xml": "", "EducationOrgCalendar.xml": "",
	}
	im, report := read(t, base(t, "ds5", files), edfi.XML(), options(t))
	if im == nil || report.Errors() > 0 {
		t.Fatal(ingesttest.Findings(report))
	}
	for _, form := range []string{"guardians.csv", "attendance.csv", "discipline.csv", "grades.csv", "calendar.csv", "merges.csv"} {
		if im.Present[form] {
			t.Errorf("it speaks of %s", form)
		}
	}
	if len(im.Sessions) != 1 || !slices.Contains(ingesttest.Findings(report), ":0: assumed-year") {
		t.Errorf("sessions %v, %v", im.Sessions, ingesttest.Findings(report))
	}
	files["StudentDiscipline.xml"] = interchange("StudentDiscipline")
	im, _ = read(t, base(t, "ds5", files), edfi.XML(), options(t))
	if im == nil || !im.Present["discipline.csv"] {
		t.Error("an empty interchange of discipline says that there is none")
	}
}

func TestADeclaredYearStandsWhereThereAreNoSessions(t *testing.T) {
	t.Parallel()
	got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": "", "StudentGrade.xml": ""}, func(o *ingest.Options) {
		o.SchoolYear = ingest.Span{From: ingesttest.Date(t, "2025-08-01"), To: ingesttest.Date(t, "2026-07-31")}
	})
	if !strings.Contains(got, "schoolYear 2025-08-01 2026-07-31") || slices.Contains(ingesttest.Findings(report), ":0: assumed-year") {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestRelationsGiveCapacityAndRights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ relation, more, want string }{
		{"Mother", "", "capacity=parent rights=true"},
		{"Father", "<EmergencyContactStatus>true</EmergencyContactStatus>", "capacity=parent rights=true"},
		{"CourtAppointedGuardian", "", "capacity=acting_as_parent rights=true"},
		{"Foster parent", "", "capacity=foster_parent rights=false"},
		{"Mother, step", "", "rights=false"},
		{"Grandmother", "<PrimaryContactStatus>true</PrimaryContactStatus>", "rights=false"},
		{"Grandmother", "<LegalGuardian>1</LegalGuardian>", "capacity=acting_as_parent rights=true"},
		{"Neighbor", "<EmergencyContactStatus>true</EmergencyContactStatus>", "capacity=emergency_contact rights=false"},
		{"Emergency", "<LegalGuardian>true</LegalGuardian>", "capacity=emergency_contact rights=false"},
		{"Case worker", "", "capacity=agency_caseworker rights=false"},
		{"", "", "rights=false"},
	} {
		got, report := pictureWith(t, map[string]string{"Contact.xml": interchange("Contact",
			"<Contact><ContactUniqueId>Z</ContactUniqueId></Contact>",
			"<StudentContactAssociation>"+ofStudent+"<ContactReference><ContactUniqueId>Z</ContactUniqueId></ContactReference><Relation>"+
				c.relation+"</Relation>"+c.more+"</StudentContactAssociation>")}, nil)
		if !strings.Contains(got, c.want) || strings.Count(got, "guardian Z") != 1 {
			t.Errorf("%s %s: %v\n%s", c.relation, c.more, ingesttest.Findings(report), got)
		}
	}
}

func TestActionsAreReadByTheirKind(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"In School Suspension": "iss", "Out of School Suspension": "oss", "Out-of-School Suspension": "oss", "Expulsion with Services": "expulsion",
		"Restorative conference": "restorative", "Community Service": "other", "No action for incident": "none", "Xyz": "other",
	} {
		got, _ := pictureWith(t, map[string]string{"StudentDiscipline.xml": interchange("StudentDiscipline",
			"<DisciplineAction><DisciplineActionIdentifier>1</DisciplineActionIdentifier><Discipline>"+code+
				"</Discipline><DisciplineDate>2025-09-02</DisciplineDate><DisciplineActionLength>2.00</DisciplineActionLength>"+ofStudent+
				"<ResponsibilitySchoolReference><SchoolId>255901001</SchoolId></ResponsibilitySchoolReference></DisciplineAction>")}, nil)
		days := 4
		if want == "none" {
			days = 0
		}
		if line := fmt.Sprintf("  incident 255901001 2025-09-02  \"not stated\" %s half days=%d\n", want, days); !strings.Contains(got, line) {
			t.Errorf("%s: no %q in\n%s", code, line, got)
		}
	}
}

// feedOf reads a feed of upserts and deletes, one file a day and phase.
func feedOf(t *testing.T, files map[string]string) (string, []string) {
	t.Helper()
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	im, report := read(t, all, edfi.JSON(), options(t))
	if im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	return picture(im), ingesttest.Findings(report)
}

func TestAFeedIsReplayedInItsOrder(t *testing.T) {
	t.Parallel()
	school := `{"id":"s1","schoolId":1,"nameOfInstitution":"One"}` + "\n" + `{"id":"s2","schoolId":2,"nameOfInstitution":"Two"}`
	pupil := func(id, number, name string) string {
		return fmt.Sprintf("{\"id\":%q,\"studentUniqueId\":%q,\"firstName\":%q,\"lastSurname\":\"L\",\"birthDate\":\"2012-01-01\"}\n", id, number, name)
	}
	stay := func(id, number string, at int) string {
		return fmt.Sprintf("{\"id\":%q,\"studentReference\":{\"studentUniqueId\":%q},\"schoolReference\":{\"schoolId\":%d},\"entryDate\":\"2025-09-01\"}\n", id, number, at)
	}
	const up, del = "/incremental/upserts/rundate=", "/incremental/deletes/rundate="
	got, found := feedOf(t, map[string]string{
		"schools" + up + "2025-10-01/x.json":                    school,
		"students" + up + "2025-10-02/x.json":                   pupil("a", "1", "New") + pupil("c9", "3", "Remade"),
		"students" + up + "2025-10-01/x.json":                   pupil("a", "1", "Old") + pupil("b", "2", "Gone") + pupil("c", "3", "First"),
		"students" + del + "2025-10-01/x.json":                  `{"Id":"a"}`, // and made again on the next day
		"students" + del + "2025-10-03/x.json":                  `{"id":"B"}` + "\n" + `{"id":"c"}`,
		"studentSchoolAssociations" + up + "2025-10-01/x.json":  stay("e1", "1", 1) + stay("e2", "2", 2),
		"studentSchoolAssociations" + del + "2025-10-04/x.json": `{"id":"e2"}`,
		"schools" + del + "2025-10-02/x.json":                   `{"Id":"s1"}` + "\n" + `{"Id":"s2"}`,
	})
	for line, there := range map[string]bool{
		"school 1 ": true, "school 2 ": false, `student 1 "New"`: true, "student 2 ": false, `student 3 "Remade"`: true, "at 1 2025-09-01": true,
	} {
		if strings.Contains(got, line) != there {
			t.Errorf("%q there %v in\n%s", line, !there, got)
		}
	}
	orphans := slices.DeleteFunc(found, func(f string) bool { return !strings.Contains(f, "orphaning") })
	if !slices.Equal(orphans, []string{"x.json:1:id orphaning-delete"}) {
		t.Errorf("%v", orphans)
	}
}

func TestTermsThatShareANameAreToldApart(t *testing.T) {
	t.Parallel()
	old := func(term, first, last, where string) string {
		return "<Session><SessionName>Traditional</SessionName><SchoolYear>2025-2026</SchoolYear><Term>" + term + "</Term><BeginDate>" + first +
			"</BeginDate><EndDate>" + last + "</EndDate>" + where + "</Session>"
	}
	grade := "<Grade><LetterGradeEarned>A</LetterGradeEarned><GradeType>Final</GradeType><StudentSectionAssociationReference>" + ofStudent +
		"<SectionReference><CourseOfferingReference><LocalCourseCode>ART</LocalCourseCode><Term>Spring Semester</Term><SchoolYear>2026</SchoolYear>" +
		ofHigh + "</CourseOfferingReference></SectionReference></StudentSectionAssociationReference></Grade>"
	got, report := pictureWith(t, map[string]string{
		"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
			old("Fall Semester", "2025-08-25", "2025-12-19", ofHigh), old("Spring Semester", "2026-01-05", "2026-05-29", ofHigh),
			old("Fall Semester", "2025-08-25", "2025-12-19", ofLow), old("Spring Semester", "2026-01-05", "2026-05-29", ofLow)),
		"StudentGrade.xml": interchange("StudentGrade", grade),
	}, nil)
	for _, want := range []string{
		`session "2025-26 Traditional Fall Semester" "Traditional Fall Semester" semester 2025-08-25 2025-12-19 "2025-26"`,
		`session "2025-26 Traditional Spring Semester" "Traditional Spring Semester" semester 2026-01-05 2026-05-29 "2025-26"`,
		`  result 255901001 "2025-26 Traditional Spring Semester" ART 400 of letter`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if report.Errors() > 0 {
		t.Errorf("%v", ingesttest.Findings(report))
	}
}

func TestGradesThatAreNoResultsSayNothingOfResults(t *testing.T) {
	t.Parallel()
	grade := "<Grade><NumericGradeEarned>90</NumericGradeEarned><GradeType>Conduct</GradeType></Grade>"
	im, report := read(t, base(t, "ds5", map[string]string{"StudentGrade.xml": interchange("StudentGrade", grade)}), edfi.XML(), options(t))
	if im == nil || im.Present["grades.csv"] {
		t.Errorf("%v", ingesttest.Findings(report))
	}
	im, _ = read(t, fstest.MapFS{
		"schools.json": {Data: []byte(`{"schoolId":1,"nameOfInstitution":"x"}`)}, "grades.json": {},
	}, edfi.JSON(), options(t))
	if im == nil || !im.Present["grades.csv"] {
		t.Error("a file without a grade says that there is none")
	}
}

func TestASessionThatHoldsOthersDoesNotDoubleTheirDays(t *testing.T) {
	t.Parallel()
	total := func(n string) string { return "<TotalInstructionalDays>" + n + "</TotalInstructionalDays>" }
	got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
		sessionXML("Year Round", "2025-08-25", "2026-05-29", total("3")+ofHigh),
		sessionXML("2025-2026 Fall Semester", "2025-08-25", "2025-12-19", total("2")+ofHigh),
		sessionXML("Spring", "2026-01-05", "2026-05-29", total("1")+ofHigh),
		strings.ReplaceAll(sessionXML("Next", "2026-08-24", "2026-12-18", total("80")+ofHigh), "2025-2026", "2026-2027"),
		dayXML("2026-02-02", "Instructional day", ofHigh), dayXML("2025-09-01", "Instructional day", ofHigh),
		dayXML("2025-09-02", "Instructional day", ofHigh),
	)}, nil)
	if !strings.Contains(got, "calendar 255901001 [2025-09-01 2025-09-02 2026-02-02]\n") || slices.ContainsFunc(ingesttest.Findings(report), func(f string) bool {
		return strings.HasSuffix(f, "no-dates")
	}) {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestOnlyTheDaysOfAPartialSessionAreLeftOut(t *testing.T) {
	t.Parallel()
	got, report := pictureWith(t, map[string]string{"EducationOrgCalendar.xml": interchange("EducationOrgCalendar",
		sessionXML("2025-2026 Fall Semester", "2025-08-25", "2025-12-19", "<TotalInstructionalDays>1</TotalInstructionalDays>"+ofHigh),
		sessionXML("Spring", "2026-01-05", "2026-05-29", "<TotalInstructionalDays>88</TotalInstructionalDays>"+ofHigh),
		dayXML("2025-09-01", "Instructional day", ofHigh), dayXML("2026-02-02", "Instructional day", ofHigh),
	)}, nil)
	if !strings.Contains(got, "calendar 255901001 [2025-09-01]\n") ||
		!slices.Contains(ingesttest.Findings(report), "EducationOrgCalendar.xml:0:TotalInstructionalDays no-dates") {
		t.Errorf("%v\n%s", ingesttest.Findings(report), got)
	}
}

func TestAFeedKeepsTermsThatShareAName(t *testing.T) {
	t.Parallel()
	session := func(id, term, first, last string) string {
		return fmt.Sprintf(`{"id":%q,"schoolReference":{"schoolId":1},"schoolYear":2026,"sessionName":"Year","termDescriptor":%q,"beginDate":%q,"endDate":%q}`+"\n",
			id, term, first, last)
	}
	got, _ := feedOf(t, map[string]string{
		"schools.json": `{"schoolId":1,"nameOfInstitution":"One"}`,
		"sessions/upserts/rundate=2025-08-01/x.json": session("f", "Fall Semester", "2025-08-25", "2025-12-19") +
			session("s", "Spring Semester", "2026-01-05", "2026-05-29"),
		"sessions/upserts/rundate=2025-08-02/x.json": session("s", "Spring Semester", "2026-01-12", "2026-05-29") +
			session("f", "Fall Semester", "2025-08-18", "2025-12-19"),
	})
	for _, want := range []string{`"2025-26 Year Fall Semester" "Year Fall Semester" semester 2025-08-18`, `"2025-26 Year Spring Semester" "Year Spring Semester" semester 2026-01-12`} {
		if strings.Count(got, want) != 1 || strings.Count(got, "semester") != 2 {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
