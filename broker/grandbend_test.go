package broker_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
)

// Grand Bend is the sample district of the Ed-Fi data standard: 960 students at three
// schools, of whom 20 were suspended. Its files name a school for a quarter of them and
// have no enrollments and no final grades, so that these are made up from a seed; who
// has a school in the files keeps it.

// The schools, and how many students of each were suspended: all of them in school.
const (
	grandHigh       = "255901001"
	grandMiddle     = "255901044"
	grandElementary = "255901107"
)

var grandSchools = [...]string{grandHigh, grandMiddle, grandElementary}

var grandSuspended = map[string]int{grandHigh: 13, grandMiddle: 5, grandElementary: 2}

// grandGrades are the grade levels of each school, as the standard names them, from the
// first number on.
var grandGrades = map[string]struct {
	first int
	names []string
}{
	grandElementary: {1, []string{"First", "Second", "Third", "Fourth", "Fifth"}},
	grandMiddle:     {6, []string{"Sixth", "Seventh", "Eighth"}},
	grandHigh:       {9, []string{"Ninth", "Tenth", "Eleventh", "Twelfth"}},
}

// The school year, and the session in it whose grades are made up.
const (
	grandYear   = "2021-22"
	grandSpring = "2021-2022 Spring Semester"
)

// afterGrandBend is when the district's year is over.
var afterGrandBend = time.Date(2022, 6, 30, 12, 0, 0, 0, time.UTC)

// grandBend is the district with what the files say of it, read without the program.
type grandBend struct {
	*town
	files     files
	students  []pupil
	suspended []pupil
}

// leaves returns the records of a name in an XML file, each as its leaf elements by
// name; of several of a name the first counts.
func leaves(t testing.TB, path, record string) (list []map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := xml.NewDecoder(f)
	var at map[string]string
	var open []string
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if open = append(open, token.Name.Local); len(open) == 2 && token.Name.Local == record {
				at = map[string]string{}
			}
		case xml.CharData:
			name, text := "", strings.TrimSpace(string(token))
			if len(open) > 0 {
				name = open[len(open)-1]
			}
			if at != nil && text != "" && at[name] == "" {
				at[name] = text
			}
		case xml.EndElement:
			if len(open) == 2 && at != nil {
				list, at = append(list, at), nil
			}
			open = open[:len(open)-1]
		}
	}
}

// newGrandBend makes the district and loads its files with the made-up ones by the
// Ed-Fi reader.
func newGrandBend(t testing.TB, seed uint64, options ...func(*broker.Options)) *grandBend {
	t.Helper()
	dir := sharedData(t, "edfi-grandbend-v52")
	g := &grandBend{town: emptyTown(t, afterGrandBend, options...), files: files{
		"enrollments": {{"student_id", "school_id", "entry", "exit", "grade_level"}},
		"grades":      {{"student_id", "school_id", "session_id", "value", "scale"}},
		"discipline":  {{"student_id", "school_id", "date", "incident_id", "action"}},
		"sessions":    {{"session_id", "parent"}, {grandYear, ""}, {grandSpring, grandYear}},
		"students":    {{"student_id"}},
	}}
	g.read(dir)
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	g.makeUp(rand.New(rand.NewPCG(seed, 52)), folder)
	res, err := g.Import(t.Context(), steward, broker.ImportRequest{
		Path: folder, Format: edfi.XML(),
		Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: civil.Of(afterGrandBend, time.UTC)},
	})
	if err != nil || res.Rejected {
		var text strings.Builder
		_ = res.Report.Write(&text)
		t.Fatalf("%v: %s", err, text.String())
	}
	return g
}

// read takes the students and their discipline from the files.
func (g *grandBend) read(dir string) {
	g.t.Helper()
	file := func(name, record string) []map[string]string {
		return leaves(g.t, filepath.Join(dir, name+".xml"), record)
	}
	named := map[string]string{}
	for _, e := range file("StudentSchoolAttendance", "StudentSchoolAttendanceEvent") {
		named[e["StudentUniqueId"]] = e["SchoolId"]
	}
	dates := map[string]string{}
	for _, i := range file("StudentDiscipline", "DisciplineIncident") {
		dates[i["SchoolId"]+" "+i["IncidentIdentifier"]] = i["IncidentDate"]
	}
	acts := map[string]string{}
	for _, a := range file("StudentDiscipline", "DisciplineAction") {
		id, school, incident := a["StudentUniqueId"], a["SchoolId"], a["IncidentIdentifier"]
		named[id] = school
		action := map[bool]string{true: "iss", false: "other"}[strings.HasSuffix(a["Discipline"], "#In School Suspension")]
		g.files.add("discipline", id, school, dates[school+" "+incident], incident, action)
		acts[id] = action
	}
	for _, s := range file("Student", "Student") {
		p := pupil{s["StudentUniqueId"], s["FirstName"], s["LastSurname"], s["BirthDate"], named[s["StudentUniqueId"]]}
		g.files.add("students", p.id)
		g.students = append(g.students, p)
		if acts[p.id] == "iss" {
			g.suspended = append(g.suspended, p)
		}
	}
}

// makeUp gives each student a school, unless the files name one, a grade level and two
// or three final grades, in the files' own form and in the witness's.
func (g *grandBend) makeUp(rng *rand.Rand, folder string) {
	g.t.Helper()
	var stays, results strings.Builder
	for i := range g.students {
		p := &g.students[i]
		if p.school == "" {
			p.school = []string{grandHigh, grandHigh, grandMiddle, grandElementary, grandElementary}[rng.IntN(5)]
		}
		levels := grandGrades[p.school]
		level := rng.IntN(len(levels.names))
		g.files.add("enrollments", p.id, p.school, "2021-08-23", "", fmt.Sprint(levels.first+level))
		fmt.Fprintf(&stays, stayXML, p.id, p.school, levels.names[level])
		for _, course := range []string{"ALG-1", "ENG-1", "ART-1"}[:2+rng.IntN(2)] {
			mark := 45 + rng.IntN(56)
			g.files.add("grades", p.id, p.school, grandSpring, fmt.Sprint(mark), "0-100")
			fmt.Fprintf(&results, gradeXML, mark, p.id, p.school, course)
		}
	}
	for name, body := range map[string]string{"StudentEnrollment": stays.String(), "StudentGrade": results.String()} {
		text := fmt.Sprintf("<Interchange%s xmlns=\"http://ed-fi.org/5.2.0\">\n%s</Interchange%s>\n", name, body, name)
		if err := os.WriteFile(filepath.Join(folder, name+".xml"), []byte(text), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
}

const stayXML = `<StudentSchoolAssociation>
<StudentReference><StudentIdentity><StudentUniqueId>%s</StudentUniqueId></StudentIdentity></StudentReference>
<SchoolReference><SchoolIdentity><SchoolId>%s</SchoolId></SchoolIdentity></SchoolReference>
<EntryDate>2021-08-23</EntryDate><EntryGradeLevel>uri://ed-fi.org/GradeLevelDescriptor#%s grade</EntryGradeLevel>
</StudentSchoolAssociation>
`

const gradeXML = `<Grade>
<NumericGradeEarned>%d</NumericGradeEarned><GradeType>uri://ed-fi.org/GradeTypeDescriptor#Final</GradeType>
<StudentSectionAssociationReference><StudentSectionAssociationIdentity>
<StudentReference><StudentIdentity><StudentUniqueId>%s</StudentUniqueId></StudentIdentity></StudentReference>
<SectionReference><SectionIdentity><CourseOfferingReference><CourseOfferingIdentity>
<SchoolReference><SchoolIdentity><SchoolId>%s</SchoolId></SchoolIdentity></SchoolReference><LocalCourseCode>%s</LocalCourseCode>
<SessionReference><SessionIdentity><SchoolYear>2021-2022</SchoolYear><SessionName>2021-2022 Spring Semester</SessionName></SessionIdentity></SessionReference>
</CourseOfferingIdentity></CourseOfferingReference></SectionIdentity></SectionReference>
</StudentSectionAssociationIdentity></StudentSectionAssociationReference>
</Grade>
`

// at are the students of a school that a test may choose from.
func (g *grandBend) at(school string, of []pupil) (list []pupil) {
	for _, p := range g.students {
		if p.school == school && slices.ContainsFunc(of, func(o pupil) bool { return o.id == p.id }) {
			list = append(list, p)
		}
	}
	return list
}

// isGrandBend checks that the files are those that the tests speak of.
func (g *grandBend) isGrandBend() {
	g.t.Helper()
	if len(g.students) != 960 || len(g.suspended) != 20 {
		g.t.Errorf("%d students, %d suspended", len(g.students), len(g.suspended))
	}
	for school, want := range grandSuspended {
		if got := g.at(school, g.suspended); len(got) != want {
			g.t.Errorf("%d suspended at %s, want %d", len(got), school, want)
		}
	}
}
