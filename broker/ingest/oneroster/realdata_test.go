package oneroster_test

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/oneroster"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// rawRows are the rows of a real file, each by column.
func rawRows(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func readJuniper(t *testing.T) (*ingest.Import, *ingest.Report) {
	t.Helper()
	opt := ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2024-10-01")}
	im, report, err := ingest.ReadPath(ingesttest.Shared(t, "oneroster11-juniper-bluff"), oneroster.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if im == nil || report.Rejected(false) {
		t.Fatalf("%+v", report.Groups)
	}
	return im, report
}

func TestJuniperBluffIsReadWithoutAnError(t *testing.T) {
	t.Parallel()
	im, report := readJuniper(t)
	same(t, "findings", ingesttest.Findings(report), []string{"users.csv:1:password dropped-column"})
	counts := map[string]int{}
	for _, f := range report.Files {
		counts[f.Name] = f.Rows
	}
	want := map[string]int{"schools.csv": 8, "sessions.csv": 2, "students.csv": 778, "enrollments.csv": 778}
	if !maps.Equal(counts, want) {
		t.Errorf("read %v, want %v", counts, want)
	}
	again, _ := readJuniper(t)
	if !reflect.DeepEqual(im, again) {
		t.Error("the same files were read as two imports")
	}
	changes := im.Apply(nil, 1, ingesttest.Identities()).Changes.Files
	if changes["students.csv"].Added != 778 || changes["enrollments.csv"].Added != 778 || changes["schools.csv"].Added != 8 {
		t.Errorf("applied as %+v", changes)
	}
}

// TestJuniperBluffEqualsWhatStandsInItsFiles tells every student's line from
// the raw files alone, by another way.
func TestJuniperBluffEqualsWhatStandsInItsFiles(t *testing.T) {
	t.Parallel()
	im, _ := readJuniper(t)
	dir := ingesttest.Shared(t, "oneroster11-juniper-bluff")
	race := map[string]string{}
	birth := map[string]string{}
	for _, d := range rawRows(t, filepath.Join(dir, "demographics.csv")) {
		birth[d["sourcedId"]] = d["birthDate"] + " " + d["sex"]
		race[d["sourcedId"]] = rawRace(d)
	}
	classes := map[string]int{}
	for _, e := range rawRows(t, filepath.Join(dir, "enrollments.csv")) {
		if e["beginDate"] != "2024-08-15" || e["endDate"] != "2025-06-10" {
			t.Fatal("the enrollments are not all of one span: the test must count otherwise")
		}
		classes[e["userSourcedId"]]++
	}
	var want []string
	for _, u := range rawRows(t, filepath.Join(dir, "users.csv")) {
		if id := u["sourcedId"]; u["role"] == "student" && classes[id] > 0 {
			want = append(want,
				strings.Join([]string{id, u["givenName"], u["familyName"], birth[id], race[id]}, " ")+
					fmt.Sprintf("\n  at %s 2024-08-15..2025-06-10 grade %s primary", u["orgSourcedIds"], u["grades"]))
		}
	}
	slices.Sort(want)
	same(t, "students", students(im), strings.Split(strings.Join(want, "\n"), "\n"))
}

// rawRace rolls up by counting.
func rawRace(d map[string]string) string {
	var named []string
	for column, name := range map[string]string{
		"asian": "asian", "white": "white", "blackOrAfricanAmerican": "black_or_african_american",
		"americanIndianOrAlaskaNative":         "american_indian_or_alaska_native",
		"nativeHawaiianOrOtherPacificIslander": "native_hawaiian_or_other_pacific_islander",
	} {
		if d[column] == "true" {
			named = append(named, name)
		}
	}
	switch {
	case d["hispanicOrLatinoEthnicity"] == "true":
		return "hispanic_or_latino"
	case d["demographicRaceTwoOrMoreRaces"] == "true" || len(named) > 1:
		return "two_or_more"
	}
	return strings.Join(named, "")
}

// summitSets are the snapshots of Summit in their order: the files of each
// folder alone.
func summitSets(t *testing.T) []fstest.MapFS {
	t.Helper()
	root := ingesttest.Shared(t, "oneroster11-summit-deltas")
	var sets []fstest.MapFS
	for _, folder := range []string{"", "Step1-UpdateCourse", "Step2-AddCourse", "Step3-DeleteCourse", "Step4-AddClass"} {
		files := fstest.MapFS{}
		names, err := fs.Glob(os.DirFS(filepath.Join(root, folder)), "*.csv")
		if err != nil || len(names) != 6 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(root, folder, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
		sets = append(sets, files)
	}
	return sets
}

// summitFindings are what is wrong with every snapshot; courses differ.
const summitFindings = `
academicSessions.csv:0: assumed-year
academicSessions.csv:2:parentSourcedId dangling-reference
academicSessions.csv:3:parentSourcedId dangling-reference
academicSessions.csv:4:parentSourcedId dangling-reference
classes.csv:2:schoolSourcedId dangling-reference
classes.csv:2:termSourcedIds dangling-reference
classes.csv:3:schoolSourcedId dangling-reference
classes.csv:3:termSourcedIds dangling-reference
classes.csv:4:termSourcedIds dangling-reference
courses.csv:2:schoolYearSourcedId dangling-reference
courses.csv:3:schoolYearSourcedId dangling-reference
courses.csv:4:schoolYearSourcedId dangling-reference
courses.csv:5:schoolYearSourcedId dangling-reference
enrollments.csv:2:beginDate assumed-entry
enrollments.csv:3:beginDate assumed-entry
enrollments.csv:4:beginDate assumed-entry
users.csv:1:password dropped-column
users.csv:2:birthDate no-birthdate
users.csv:2:orgSourcedIds dangling-reference
users.csv:3:birthDate no-birthdate
users.csv:3:orgSourcedIds dangling-reference
users.csv:4:birthDate no-birthdate
users.csv:4:orgSourcedIds dangling-reference
users.csv:5: assumed-entry
users.csv:5:birthDate no-birthdate
`

func TestTheFiveSnapshotsOfSummitComeInOneAfterAnother(t *testing.T) {
	t.Parallel()
	more := [][]string{
		nil,
		{"courses.csv:6:schoolYearSourcedId dangling-reference"},
		{"courses.csv:6:schoolYearSourcedId dangling-reference"},
		nil,
		{"classes.csv:6:schoolSourcedId dangling-reference", "classes.csv:6:termSourcedIds dangling-reference"},
	}
	var present *records.District
	for i, files := range summitSets(t) {
		opt := ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2019-05-03") + civil.Date(7*i)}
		im, report := read(t, files, opt)
		want := append(lines(summitFindings), more[i]...)
		slices.Sort(want)
		same(t, fmt.Sprint("findings of snapshot ", i), ingesttest.Findings(report), want)
		same(t, "students", students(im), lines(`
14043 Joe Smith   
  at Sch_S00002 2018-08-27.. grade  primary
14058 Randall Jones   
  at Sch_S00002 2018-08-27.. grade  primary
15474 John Williams   
  at Sch_S00002 2018-08-27.. grade  primary
15514 Sally Wiggins   
  at Sch_000001 2018-08-27.. grade  primary
`))
		applied := im.Apply(present, uint64(i+1), ingesttest.Identities())
		checkSummitChanges(t, i, applied.Changes)
		present = applied.District
	}
}

// checkSummitChanges holds the changes against the folders' names: they update,
// add and delete courses and classes, of which no record of a student depends.
func checkSummitChanges(t *testing.T, i int, changes ingest.Changes) {
	t.Helper()
	want := map[string]ingest.Delta{}
	if i == 0 {
		want = map[string]ingest.Delta{
			"schools.csv": {Added: 2}, "sessions.csv": {Added: 4}, "students.csv": {Added: 4}, "enrollments.csv": {Added: 4},
		}
	}
	for file, delta := range changes.Files {
		if delta != want[file] {
			t.Errorf("snapshot %d changes %s by %+v, want %+v", i, file, delta, want[file])
		}
	}
	if len(changes.Closed)+len(changes.Removed) > 0 {
		t.Errorf("snapshot %d ends %d stays and removes %d students", i, len(changes.Closed), len(changes.Removed))
	}
}

func TestSummitAsOneInputIsItsLastSnapshot(t *testing.T) {
	t.Parallel()
	opt := ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2019-05-31")}
	sets := summitSets(t)
	last, _ := read(t, sets[len(sets)-1], opt)
	all, _, err := ingest.ReadPath(ingesttest.Shared(t, "oneroster11-summit-deltas"), oneroster.Format(), opt)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "students", students(all), students(last))
	if !slices.Equal(all.Schools, last.Schools) || !slices.Equal(all.Sessions, last.Sessions) {
		t.Error("schools or sessions differ")
	}
}

func TestADeclaredYearTakesThePlaceOfTheAssumedOne(t *testing.T) {
	t.Parallel()
	opt := ingest.Options{Snapshot: ingest.SnapshotActive, ExportDate: ingesttest.Date(t, "2019-05-31")}
	opt.SchoolYear = ingest.Span{From: ingesttest.Date(t, "2018-08-01"), To: ingesttest.Date(t, "2019-06-14")}
	im, report := read(t, summitSets(t)[0], opt)
	if slices.Contains(ingesttest.Findings(report), "academicSessions.csv:0: assumed-year") || im.Sessions[0].Start != opt.SchoolYear.From {
		t.Errorf("%+v", im.Sessions)
	}
}
