package ingest_test

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// people is a format of one file with people in it.
func people() ingest.Format {
	return ingest.Format{Name: "people", Open: func(files *ingest.Files, _ ingest.Options, _ *ingest.Report) ingest.Feed {
		s := files.Sheet("people.csv")
		if s == nil || !s.Require("Number", "First Name", "Last Name") {
			return nil
		}
		return peopleFeed{s}
	}}
}

type peopleFeed struct{ sheet *ingest.Sheet }

func (f peopleFeed) Rows(form string) (iter.Seq[ingest.Row], bool) {
	switch form {
	case "schools.csv":
		return slices.Values([]ingest.Row{{Fields: []string{"A", "Alder"}}}), true
	case "sessions.csv":
		return nil, false
	case "students.csv":
		return func(yield func(ingest.Row) bool) {
			for r := range f.sheet.Records() {
				at := r.At(r.Get("Number"), []string{"Number", "First Name", "Last Name", "Born"})
				if !yield(ingest.Row{At: at, Fields: []string{r.Get("number"), r.Get("FIRST NAME"), r.Get("last_name"), r.Get("born")}}) {
					return
				}
			}
		}, true
	}
	return nil, false
}

func readPeople(t *testing.T, text string) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(fstest.MapFS{"people.csv": {Data: []byte(text)}}, people(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return im, report
}

func TestAFormatsRowsAreCheckedLikePlainOnesAndKeepTheirPlace(t *testing.T) {
	t.Parallel()
	im, report := readPeople(t, "Last Name,Number,First Name,Born,Shoe size,\n"+
		"Okafor,7,Ada,2014-01-02,31,\n"+
		"Quill, 8 ,Ben,,\n"+
		"Quill,9,Cyd,2014-13-01,31\n"+
		"Quill,9,Cyd,2014-01-01,31,,,\n"+
		"Quill,8,Ben,2014-01-01,31,\n"+
		"too,many,fields,,,,x\n"+
		"few,ds\n"+
		"Last name,Number,first_name,Born,shoe SIZE,\n")
	want := []string{
		"people.csv:3:Born no-birthdate", "people.csv:4:Born bad-date", "people.csv:6:Number duplicate-row",
		"people.csv:7: field-count", "people.csv:8: field-count", "people.csv:9: repeated-header",
	}
	if got := ingesttest.Findings(report); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("found %q", got)
	}
	var ids []string
	for _, s := range im.Students {
		ids = append(ids, s.Profile.Person.StudentID)
	}
	if !slices.Equal(ids, []string{"7", "8", "9"}) || !im.Students[1].Profile.Birth.IsZero() {
		t.Errorf("read %q", ids)
	}
}

func TestAForbiddenColumnOfAnotherFormatIsDroppedUnread(t *testing.T) {
	t.Parallel()
	im, report := readPeople(t, "Number,First Name,Last Name,Born,Password,SSN\n7,Ada,Okafor,2014-01-02,hunter2,123456789\n")
	if im == nil || len(im.Students) != 1 {
		t.Fatal("the other columns were not read")
	}
	want := []string{"people.csv:1:column 5 dropped-column", "people.csv:1:column 6 dropped-column"}
	if got := ingesttest.Findings(report); !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
	for _, s := range im.Students {
		if strings.Contains(s.Profile.Person.Family+s.Profile.Person.Given+s.Profile.RaceEthnicity, "hunter2") {
			t.Error("a password came in")
		}
	}
}

func TestASheetWithoutItsColumnsIsUnusable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "people.csv:1: no-header",
		"Number,First Name\n":                "people.csv:1:Last Name missing-column",
		"Number,number,First Name,Last Name": "people.csv:1:Number duplicate-column",
		"\xff\xfe\x00N":                      "people.csv:0: bad-encoding",
		"\"Number":                           "people.csv:1: bad-syntax",
	} {
		im, report := readPeople(t, text)
		if got := ingesttest.Findings(report); im != nil || !slices.Contains(got, want) {
			t.Errorf("%q: %q, want %s", text, got, want)
		}
	}
}

func TestAFileThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	im, report, err := ingest.Read(fstest.MapFS{"other.csv": {}}, people(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := ingesttest.Findings(report); im != nil || !slices.Equal(got, []string{"people.csv:0: unreadable-file"}) {
		t.Errorf("found %q", got)
	}
}

func TestAFolderOfTooManyFilesIsRefused(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.Limits.Entries = 3
	im, report, err := ingest.Read(base(t, nil), ingest.Plain(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if got := ingesttest.Findings(report); im != nil || !slices.Equal(got, []string{":0: too-many-files"}) {
		t.Errorf("found %q", got)
	}
}

// What a feed gave is what its export is known by, wherever it came from.
func TestTheDigestOfAFormatIsOverItsRows(t *testing.T) {
	t.Parallel()
	digests := map[string]string{}
	for name, last := range map[string]string{"one": "Okafor", "the same": "Okafor", "another": "Okafar"} {
		format := ingest.Format{Name: "service", Open: func(*ingest.Files, ingest.Options, *ingest.Report) ingest.Feed { return servedFeed{last} }}
		im, report, err := ingest.ReadPath("", format, options(t))
		if err != nil || im == nil {
			t.Fatal(err)
		}
		digests[name] = report.Digest + report.Content()
	}
	if digests["one"] != digests["the same"] || digests["one"] == digests["another"] {
		t.Errorf("the digests are %v", digests)
	}
}

// servedFeed is a student without any file.
type servedFeed struct{ last string }

func (f servedFeed) Rows(form string) (iter.Seq[ingest.Row], bool) {
	if form == "students.csv" {
		return slices.Values([]ingest.Row{{Fields: []string{"7", "Ada", f.last, "2014-01-02"}}}), true
	}
	return nil, false
}

func TestAnAssumedYearHoldsItsDay(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]string{"2025-07-01": "2025-26 2025-07-01", "2026-06-30": "2025-26 2025-07-01", "1999-12-31": "1999-00 1999-07-01"} {
		row := ingest.AssumedYearRow(ingesttest.Date(t, day))
		if got := row.Fields[0] + " " + row.Fields[3]; got != want || row.Fields[2] != string(records.SchoolYear) {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
}
