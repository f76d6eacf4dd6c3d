package ingest_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// base returns the files of testdata/base.txtar, with some replaced.
func base(t testing.TB, replaced map[string]string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile("testdata/base.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	for name, text := range replaced {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func options(t testing.TB) ingest.Options {
	return ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: ingesttest.Date(t, "2026-06-26")}
}

func read(t testing.TB, files fstest.MapFS) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.Read(files, ingest.Plain(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return im, report
}

func TestTheSmallDistrictIsRight(t *testing.T) {
	t.Parallel()
	im, report := read(t, base(t, nil))
	if im == nil || len(report.Findings) > 0 || report.Rejected(false) {
		t.Fatal(ingesttest.Findings(report))
	}
}

func TestEveryFaultIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := map[string]map[string]string{}
		for _, f := range a.Files {
			name, part := filepath.Split(f.Name)
			if cases[name] == nil {
				cases[name] = map[string]string{}
			}
			cases[name][part] = string(f.Data)
		}
		for name, parts := range cases {
			t.Run(strings.TrimSuffix(name, "/"), func(t *testing.T) {
				t.Parallel()
				runCase(t, maps.Clone(parts))
			})
		}
	}
}

func runCase(t *testing.T, parts map[string]string) {
	want := strings.FieldsFunc(parts["want"], func(r rune) bool { return r == '\n' })
	delete(parts, "want")
	slices.Sort(want)
	_, report := read(t, base(t, parts))
	got := ingesttest.Findings(report)
	for name := range parts { // what follows from the change stands in other files
		got = slices.DeleteFunc(got, func(line string) bool {
			return !strings.HasPrefix(line, name) && !slices.Contains(want, line)
		})
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	isError := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Severity == ingest.Error })
	if report.Rejected(false) != isError || report.Rejected(true) {
		t.Errorf("rejected %v with errors %v", report.Rejected(false), isError)
	}
}

// TestEveryFileHasEveryFaultOfAnyFile breaks each file of the base in each way
// in which any file can break.
func TestEveryFileHasEveryFaultOfAnyFile(t *testing.T) {
	t.Parallel()
	for name, file := range base(t, nil) {
		text := string(file.Data)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		width := strings.Count(lines[0], ",") + 1
		for what, c := range map[string]struct {
			text string
			rule ingest.Rule
			row  int
		}{
			"an empty file":          {"", ingest.NoHeader, 1},
			"UTF-16":                 {"\xff\xfes\x00", ingest.BadEncoding, 0},
			"neither encoding":       {text + "\x81\x8d\n", ingest.BadEncoding, 0},
			"a column twice":         {withColumn(lines, strings.Split(lines[0], ",")[0], "x"), ingest.DuplicateColumn, 1},
			"a forbidden column":     {withColumn(lines, "Student SSN", "SECRETVALUE"), ingest.ForbiddenColumn, 1},
			"an open quote":          {text + "\"SECRETVALUE\n", ingest.BadSyntax, len(lines) + 1},
			"a field too many":       {text + strings.Repeat("SECRETVALUE,", width) + "\n", ingest.FieldCount, len(lines) + 1},
			"a field too few":        {text + "SECRETVALUE\n", ingest.FieldCount, len(lines) + 1},
			"a field far too long":   {text + tooLong(name, width), ingest.TooLong, len(lines) + 1},
			"a control character":    {text + strings.ReplaceAll(tooLong(name, width), strings.Repeat("x", 1001), "\"SECRET\tVALUE\""), ingest.ControlCharacter, len(lines) + 1},
			"a required field empty": {text + strings.Repeat(",", width-1) + "\n", ingest.Empty, len(lines) + 1},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				if c.text == text {
					return // the file has no free text
				}
				_, report := read(t, base(t, map[string]string{name: c.text}))
				found := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool {
					return f.File == name && f.Rule == c.rule && f.Row == c.row && f.Severity == ingest.Error
				})
				if !found || !report.Rejected(false) {
					t.Errorf("%v", report.Groups)
				}
			})
		}
	}
}

// withColumn adds a column to every line.
func withColumn(lines []string, header, value string) string {
	var b strings.Builder
	for i, line := range lines {
		cell := value
		if i == 0 {
			cell = header
		}
		b.WriteString(line + "," + cell + "\n")
	}
	return b.String()
}

// tooLong is a row with a long text in a column of free text, or nothing.
func tooLong(name string, width int) string {
	at, ok := map[string]int{
		"schools.csv": 0, "sessions.csv": 0, "students.csv": 0, "enrollments.csv": 4, "merges.csv": 0,
		"discipline.csv": 3, "grades.csv": 3, "guardians.csv": 1, "public_totals.csv": 0,
	}[name]
	if !ok {
		return ""
	}
	cells := make([]string, width)
	cells[at] = strings.Repeat("x", 1001)
	return strings.Join(cells, ",") + "\n"
}

func TestEveryRequiredColumnIsAskedFor(t *testing.T) {
	t.Parallel()
	required := map[string]int{
		"schools.csv": 2, "sessions.csv": 5, "students.csv": 4, "enrollments.csv": 3, "merges.csv": 3, "calendar.csv": 3,
		"attendance.csv": 4, "attendance_summary.csv": 5, "discipline.csv": 5, "grades.csv": 6, "guardians.csv": 3, "public_totals.csv": 5,
	}
	for name, file := range base(t, nil) {
		lines := strings.Split(strings.TrimSuffix(string(file.Data), "\n"), "\n")
		header := strings.Split(lines[0], ",")
		for at := range required[name] {
			t.Run(name+"/"+header[at], func(t *testing.T) {
				t.Parallel()
				var b strings.Builder
				for _, line := range lines {
					b.WriteString(strings.Join(slices.Delete(strings.Split(line, ","), at, at+1), ",") + "\n")
				}
				im, report := read(t, base(t, map[string]string{name: b.String()}))
				want := fmt.Sprintf("%s:1:%s missing-column", name, header[at])
				if im != nil || !slices.Contains(ingesttest.Findings(report), want) || !report.Rejected(true) {
					t.Errorf("%v", ingesttest.Findings(report))
				}
			})
		}
	}
}

func TestARequiredFileIsAskedFor(t *testing.T) {
	t.Parallel()
	for name := range base(t, nil) {
		files := base(t, nil)
		delete(files, name)
		im, report := read(t, files)
		if name == "calendar.csv" && !slices.Contains(ingesttest.Findings(report), "attendance.csv:0: needs-calendar") {
			t.Errorf("%v", ingesttest.Findings(report))
		}
		required := slices.Contains([]string{"schools.csv", "sessions.csv", "students.csv", "enrollments.csv"}, name)
		asked := slices.Contains(ingesttest.Findings(report), name+":0: missing-file")
		if asked != required || (im == nil) != (required || name == "calendar.csv") {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
}

// secrets are values of the sets, and what tests plant in them.
var secrets = []string{"SECRETVALUE", "Quillfeather", "Thistlewood", "Wilhelmina", "ST-9", "0042", "2014-03-04", "philippa@"}
