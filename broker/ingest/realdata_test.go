package ingest_test

import (
	"encoding/csv"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func realOptions(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2006-06-30")}
}

func readReal(t testing.TB) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.ReadPath(ingesttest.Shared(t, "uci-por"), ingest.Plain(), realOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if im == nil || report.Rejected(false) {
		t.Fatalf("%+v", report.Groups)
	}
	return im, report
}

func TestTheRealSchoolsAreReadWithoutAnError(t *testing.T) {
	t.Parallel()
	im, report := readReal(t)
	results := 0
	for _, s := range im.Students {
		results += len(s.Facts.Results)
	}
	if len(im.Students) != 649 || results != 1947 || report.Errors() != 0 {
		t.Errorf("%d students, %d results, %d errors", len(im.Students), results, report.Errors())
	}
	again, _ := readReal(t)
	if !reflect.DeepEqual(im, again) {
		t.Error("the same files were read as two imports")
	}
}

func TestTheRealFiguresEqualThoseCountedInTheFiles(t *testing.T) {
	t.Parallel()
	im, _ := readReal(t)
	d := im.Apply(nil, 1, ingesttest.Identities()).District
	year, _ := d.Session("2005-06")
	cohort := realCohort(t)
	want := map[bool][4]string{true: {"98.01", "4", "11.83", "170/945"}, false: {"97.93", "7", "11.43", "232/1002"}}
	for _, in := range []bool{true, false} {
		rate, mean := new(big.Rat), new(big.Rat)
		students, chronic, failed, results := int64(0), int64(0), int64(0), int64(0)
		for _, s := range im.Students {
			if cohort[s.Profile.Person.StudentID] != in {
				continue
			}
			students++
			st := d.Find(ingesttest.SIDOf(s.Profile.Person.StudentID))
			value := func(id string) records.Value {
				v, status := records.Compute(id, d, st, year, nil, records.Settings{})
				if status != records.Reported {
					t.Fatalf("%s is %v", id, status)
				}
				return v
			}
			v := value(records.AttendanceRate)
			rate.Add(rate, big.NewRat(v.Num, v.Den))
			v = value(records.MeanCourseResult)
			mean.Add(mean, big.NewRat(v.Num, v.Den))
			chronic += value(records.ChronicAbsence).Num
			v = value(records.CourseFailureShare)
			failed, results = failed+v.Num, results+v.Den
			for _, id := range []string{records.GPA, records.ISSStudents, records.OSSStudents, records.SuspendedStudents, records.IncidentsPer100} {
				if _, status := records.Compute(id, d, st, year, nil, records.Settings{}); status != records.NotReported {
					t.Fatalf("%s is %v", id, status)
				}
			}
		}
		rate.Mul(rate, big.NewRat(100, students))
		mean.Mul(mean, big.NewRat(1, students))
		got := [4]string{
			rate.FloatString(2), strconv.FormatInt(chronic, 10), mean.FloatString(2),
			strconv.FormatInt(failed, 10) + "/" + strconv.FormatInt(results, 10),
		}
		if got != want[in] {
			t.Errorf("cohort %v of %d: %v, want %v", in, students, got, want[in])
		}
	}
}

// realCohort counts, in the partner's file itself, who came on nine dates or
// more, and finds them by name and birth date.
func realCohort(t *testing.T) map[string]bool {
	t.Helper()
	dir := ingesttest.Shared(t, "uci-por")
	dates := map[string]map[string]bool{}
	for _, row := range rawRows(t, filepath.Join(dir, "partner", "participation.csv")) {
		key := strings.Join(row[1:4], "|")
		if dates[key] == nil {
			dates[key] = map[string]bool{}
		}
		dates[key][row[5]] = true
	}
	cohort := map[string]bool{}
	for _, row := range rawRows(t, filepath.Join(dir, "students.csv")) {
		cohort[row[0]] = len(dates[strings.Join(row[1:4], "|")]) >= 9
	}
	return cohort
}

func rawRows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func TestTheRealRosterIsReadWithoutAnError(t *testing.T) {
	t.Parallel()
	im, _ := readReal(t)
	f, err := os.Open(filepath.Join(ingesttest.Shared(t, "uci-por"), "partner", "participation.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, report, err := ingest.ParseParticipation(f, ingest.Lists{Schools: im.Schools, Sessions: im.Sessions}, ingest.Limits{})
	if err != nil || report.Errors() != 0 {
		t.Fatal(err, report.Groups)
	}
	known := map[string]bool{}
	for _, s := range im.Students {
		known[records.MatchKey(s.Profile.Person.Given, s.Profile.Person.Family, s.Profile.Birth)] = true
	}
	for _, c := range p.Participants {
		if !known[records.MatchKey(c.Given, c.Family, c.Birth)] {
			t.Error("a participant matches nobody")
		}
	}
	if len(p.Participants) != 330 || len(p.Sessions) != 3855 || len(known) != 649 {
		t.Errorf("%d participants, %d sessions, %d keys", len(p.Participants), len(p.Sessions), len(known))
	}
}
