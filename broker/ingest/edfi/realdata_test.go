package edfi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func readReal(t testing.TB, folder string, format ingest.Format, exported string) (*ingest.Import, *ingest.Report) {
	t.Helper()
	opt := ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, exported)}
	im, report, err := ingest.ReadPath(ingesttest.Shared(t, folder), format, opt)
	if err != nil {
		t.Fatal(err)
	}
	if im == nil {
		t.Fatalf("%+v", report.Groups)
	}
	return im, report
}

// rawElements returns the records of a name in an XML file, each as its leaf
// elements by name, read without the package.
func rawElements(t *testing.T, path, name string) (list []map[string]string) {
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
			open = append(open, token.Name.Local)
			if len(open) == 2 && token.Name.Local == name {
				at = map[string]string{}
			}
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); at != nil && text != "" {
				at[open[len(open)-1]] = text
			}
		case xml.EndElement:
			if len(open) == 2 && at != nil {
				list, at = append(list, at), nil
			}
			open = open[:len(open)-1]
		}
	}
}

// distinct counts the different values that some leaves have together.
func distinct(list []map[string]string, leaves ...string) int {
	seen := map[string]bool{}
	for _, m := range list {
		key := ""
		for _, l := range leaves {
			key += m[l] + "|"
		}
		seen[key] = true
	}
	return len(seen)
}

func TestGrandBendIsReadAsItsFilesSay(t *testing.T) {
	t.Parallel()
	dir := ingesttest.Shared(t, "edfi-grandbend-v52")
	im, report := readReal(t, "edfi-grandbend-v52", edfi.XML(), "2022-06-30")
	raw := func(file, name string) []map[string]string { return rawElements(t, filepath.Join(dir, file), name) }
	events := raw("StudentSchoolAttendance.xml", "StudentSchoolAttendanceEvent")
	acts := raw("StudentDiscipline.xml", "DisciplineAction")
	want := map[string]int{
		"schools":   len(raw("EducationOrganization.xml", "School")),
		"students":  len(raw("Student.xml", "Student")),
		"marks":     distinct(events, "StudentUniqueId", "SchoolId", "EventDate"),
		"guardians": len(raw("Contact.xml", "StudentContactAssociation")),
		"incidents": distinct(acts, "StudentUniqueId", "SchoolId", "IncidentIdentifier", "Discipline"),
		"tardies":   len(raw("StudentSectionAttendance-Tardy.xml", "StudentSectionAttendanceEvent")),
	}
	got := map[string]int{"schools": len(im.Schools), "students": len(im.Students)}
	days := int32(0)
	for _, s := range im.Students {
		got["marks"] += s.Facts.Marks.Len()
		got["guardians"] += len(s.Profile.Guardians)
		got["incidents"] += len(s.Facts.Incidents)
		for _, m := range s.Facts.Marks.All() {
			if m.Code().String() == "tardy" {
				got["tardies"]++
			}
		}
		for _, i := range s.Facts.Incidents {
			days += i.Days
		}
	}
	got["tardies"] += tardiesHidden(events)
	for what := range want {
		if got[what] != want[what] {
			t.Errorf("%d %s, the files have %d", got[what], what, want[what])
		}
	}
	if days != lengths(t, acts) {
		t.Errorf("%d half days of discipline, the files have %d", days, lengths(t, acts))
	}
	if want["students"] != 960 || want["guardians"] != 1872 || len(events) != 1917 || want["tardies"] != 66 || len(acts) != 25 {
		t.Errorf("the set is another one: %v", want)
	}
	if report.Errors() != 0 || len(im.Sessions) != 3 {
		t.Errorf("%d errors, %d sessions", report.Errors(), len(im.Sessions))
	}
	if d := im.Apply(nil, 1, ingesttest.Identities()).District; len(d.Students) != 960 {
		t.Errorf("%d students after the import", len(d.Students))
	}
}

// tardiesHidden counts the tardies of days that have a graver event too.
func tardiesHidden(events []map[string]string) (n int) {
	tardy := func(e map[string]string) bool { return strings.HasSuffix(e["AttendanceEventCategory"], "#Tardy") }
	for i, e := range events {
		if tardy(e) && slices.ContainsFunc(append(slices.Clone(events[:i]), events[i+1:]...), func(o map[string]string) bool {
			return o["StudentUniqueId"] == e["StudentUniqueId"] && o["EventDate"] == e["EventDate"] && o["SchoolId"] == e["SchoolId"] && !tardy(o)
		}) {
			n++
		}
	}
	return n
}

// lengths adds the lengths of actions, in half days.
func lengths(t *testing.T, acts []map[string]string) (n int32) {
	for _, a := range acts {
		var days float64
		if err := json.Unmarshal([]byte(a["ActualDisciplineActionLength"]), &days); err != nil {
			t.Fatal(err)
		}
		n += int32(2 * days)
	}
	return n
}

func TestGrandBendSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	_, report := readReal(t, "edfi-grandbend-v52", edfi.XML(), "2022-06-30")
	count := map[ingest.Rule]int{}
	for _, g := range report.Groups {
		count[g.Rule] += g.Count
	}
	for rule, n := range map[ingest.Rule]int{
		ingest.NoSchool: 960, ingest.NoDates: 1, ingest.RepeatedTardy: 1, ingest.NotFinal: 1, ingest.TwoMarks: 1,
	} {
		if count[rule] != n {
			t.Errorf("%d of %s, want %d", count[rule], rule, n)
		}
	}
	for rule, detail := range map[ingest.Rule]string{ingest.RepeatedTardy: "66 records", ingest.NotFinal: "250 records"} {
		if !slices.ContainsFunc(report.Groups, func(g ingest.Group) bool { return g.Rule == rule && strings.HasSuffix(g.What, detail) }) {
			t.Errorf("%s does not say %s", rule, detail)
		}
	}
}

// rawObjects returns the objects of a resource's upserts, by id, the last
// delivery of each.
func rawObjects(t *testing.T, resource string) map[string]map[string]any {
	t.Helper()
	dir := filepath.Join(ingesttest.Shared(t, "edfi-northridge-api-json"), resource, "incremental", "upserts")
	byID := map[string]map[string]any{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var o map[string]any
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				return err
			}
			byID[o["id"].(string)] = o
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return byID
}

func TestNorthridgeIsReadAsItsFeedsSay(t *testing.T) {
	t.Parallel()
	im, report := readReal(t, "edfi-northridge-api-json", edfi.JSON(), "2022-08-11")
	stays := rawObjects(t, "studentSchoolAssociations")
	enrolled, orphans := 0, 0
	for _, s := range im.Students {
		enrolled += len(s.Profile.Enrollments)
		for _, e := range s.Profile.Enrollments {
			if e.School == "255901005" {
				orphans++
			}
		}
	}
	if n := len(rawObjects(t, "students")); len(im.Students) != n || n != 6501 {
		t.Errorf("%d students of %d", len(im.Students), n)
	}
	if n := len(rawObjects(t, "schools")); len(im.Schools) != n || n != 6 {
		t.Errorf("%d schools of %d", len(im.Schools), n)
	}
	if twice := overlapping(stays); enrolled != len(stays)-twice || len(stays) != 6503 || twice != 2 {
		t.Errorf("%d enrollments of %d, of which %d overlap", enrolled, len(stays), twice)
	}
	if orphans != 1236 {
		t.Errorf("%d enrollments at the school that was to be deleted", orphans)
	}
	if len(im.Sessions) != 1 || im.Sessions[0].ID != "2016-17" {
		t.Errorf("sessions %v", im.Sessions)
	}
	var rules []ingest.Rule
	for _, g := range report.Groups {
		rules = append(rules, g.Rule)
	}
	if !slices.Equal(rules, []ingest.Rule{ingest.AssumedYear, ingest.JoinedStays, ingest.OrphaningDelete}) {
		t.Errorf("rules %v", rules)
	}
	if d := im.Apply(nil, 1, ingesttest.Identities()).District; len(d.Students) != 6501 {
		t.Errorf("%d students after the import", len(d.Students))
	}
}

// overlapping counts the associations that begin while an earlier one of the
// same student at the same school runs.
func overlapping(stays map[string]map[string]any) (n int) {
	type stay struct{ who, from, to string }
	var list []stay
	for _, o := range stays {
		student := o["studentReference"].(map[string]any)["studentUniqueId"].(string)
		exit, ok := o["exitWithdrawDate"].(string)
		if !ok {
			exit = "9999-12-31"
		}
		school, err := json.Marshal(o["schoolReference"].(map[string]any)["schoolId"])
		if err != nil {
			return -1
		}
		list = append(list, stay{student + "|" + string(school), o["entryDate"].(string), exit})
	}
	slices.SortFunc(list, func(a, b stay) int { return strings.Compare(a.who+a.from, b.who+b.from) })
	for i := 1; i < len(list); i++ {
		if list[i].who == list[i-1].who && list[i].from <= list[i-1].to {
			n++
		}
	}
	return n
}
