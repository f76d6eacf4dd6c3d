package mapping_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestTheSmallExportIsRight(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	im, report := read(t, files, parse(t, text))
	if im == nil || report.Errors() > 0 || len(report.Findings) != 1 {
		t.Fatal(ingesttest.Findings(report))
	}
	first := im.Students[1]
	want := records.Profile{
		Person: records.Person{StudentID: "ST-1", Given: "Wilhelmina", Family: "Quillfeather"}, Birth: ingesttest.Date(t, "2014-03-04"),
		SpecialEducation: records.Yes,
		Enrollments:      []records.Enrollment{{School: "A", Entry: ingesttest.Date(t, "2025-09-01"), Grade: "5", Primary: true}},
	}
	if !reflect.DeepEqual(first.Profile, want) {
		t.Errorf("%+v", first.Profile)
	}
	if m := first.Facts.Marks.At("A"); len(m) != 3 || m[1].Code() != records.AbsentUnexcused || m[1].Day() != ingesttest.Date(t, "2025-09-02") {
		t.Errorf("%+v", m)
	}
	if r := first.Facts.Results; len(r) != 1 || r[0].Value != 8800 || r[0].Course().Scale != "0-100" {
		t.Errorf("%+v", r)
	}
	if len(im.Students) != 3 || im.Students[2].Profile.SpecialEducation != records.No || im.Students[2].Facts.Marks.Len() != 1 {
		t.Errorf("%+v", im.Students)
	}
}

func TestAForbiddenValueIsNowhere(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	im, _ := read(t, files, parse(t, text))
	if strings.Contains(fmt.Sprintf("%+v", im), "SECRETVALUE") {
		t.Error("a forbidden value came in")
	}
	byNumber := strings.ReplaceAll(text, "grade_level: Grade", "grade_level: 10")
	im, report := read(t, files, parse(t, byNumber))
	if im != nil || !strings.Contains(strings.Join(ingesttest.Findings(report), "\n"), "list.csv:1:column 10 forbidden-column") {
		t.Error(ingesttest.Findings(report))
	}
}

func TestAnotherMappingIsAnotherImport(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	one, _ := read(t, files, parse(t, text))
	same, _ := read(t, files, parse(t, text))
	other, _ := read(t, files, parse(t, text+"# a remark\n"))
	if one.Digest != same.Digest || one.Digest == other.Digest {
		t.Error("the digest does not tell mappings apart")
	}
	if !reflect.DeepEqual(one, same) {
		t.Error("the same files were read as two imports")
	}
}

// oneDate maps a file of one column to the days of a calendar.
const oneDate = `version: 1
files:
  schools.csv: {rows: [{school_id: A, name: A}]}
  sessions.csv: {rows: [{session_id: Y, title: Y, type: schoolYear, start: 1900-01-01, end: 2026-06-26}]}
  students.csv: {rows: [{student_id: S, given_name: S, family_name: S}]}
  enrollments.csv: {rows: [{student_id: S, school_id: A, entry: 1900-01-01}]}
  calendar.csv:
    file: days.csv
    columns: {school_id: {value: A}, date: Day, instructional: {value: yes}}
`

func daysOf(t *testing.T, dates, cells string) (*ingest.Import, *ingest.Report) {
	t.Helper()
	return read(t, fstest.MapFS{"days.csv": &fstest.MapFile{Data: []byte("Day\n" + cells + "\n")}}, parse(t, oneDate+dates))
}

func TestADateIsReadWhereNoOtherDayCanBeMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, cells, want string }{
		{"", "2025-11-21", "2025-11-21"},
		{"", "2025/11/3", "2025-11-03"},
		{"", "20251121", "2025-11-21"},
		{"", "2025-11-21T08:30:00Z", "2025-11-21"},
		{"", "2025-11-21 08:30", "2025-11-21"},
		{"", "11/21/2025", "2025-11-21"},
		{"", "21.11.2025", "2025-11-21"},
		{"", "5/5/2025", "2025-05-05"},
		{"", "11/21/2025 8:30:00 AM\n3/4/2025", "2025-03-04 2025-11-21"},
		{"", "21/11/2025\n3/4/2025", "2025-04-03 2025-11-21"},
		{"", "3/4/2025", "ambiguous"},
		{"", "21/11/2025\n11/21/2025", "ambiguous"},
		{"", "45982", "bad"},
		{"", "31/31/2025", "bad"},
		{"", "SECRETVALUE", "bad"},
		{"month-day-year", "3/4/2025\n2025-11-21", "2025-03-04 2025-11-21"},
		{"day-month-year", "3/4/2025", "2025-04-03"},
		{"day-month-year", "2/30/2025", "bad"},
		{"iso", "3/4/2025", "bad"},
		{"excel-serial", "45982", "2025-11-21"},
		{"excel-serial", "45982.75", "2025-11-21"},
		{"02-Jan-2006", "21-Nov-2025", "2025-11-21"},
		{"January 2, 2006", `"November 3, 2025"`, "2025-11-03"},
		{"1/2/06", "11/21/25", "2025-11-21"},
	} {
		declared := ""
		if c.format != "" {
			declared = fmt.Sprintf("    dates: %q\n", c.format)
		}
		im, report := daysOf(t, declared, c.cells)
		var got []string
		for d := ingesttest.Date(t, "2025-01-01"); d <= ingesttest.Date(t, "2026-06-26"); d++ {
			if cal := im.Calendars["A"]; cal != nil && cal.Holds(d) {
				got = append(got, d.String())
			}
		}
		for _, f := range report.Findings {
			if f.Rule == ingest.AmbiguousDate {
				got = []string{"ambiguous"}
			}
			if f.Rule == ingest.BadDate {
				got = []string{"bad"}
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s as %q: %v, %v", c.cells, c.format, got, ingesttest.Findings(report))
		}
	}
}

func TestEveryKeyOfTheDocumentedExampleIsKnown(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(doc), "# An example\n//\n")
	text, _, _ = strings.Cut(text, "package mapping")
	text = strings.ReplaceAll(text, "//\t", "")
	if _, err := mapping.Parse([]byte(text)); !found || err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestEveryExampleIsAMapping(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		example(t, filepath.Base(name))
	}
}

func TestTheYearsThatRecordsTouchAreAssumed(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	before, after, _ := strings.Cut(text, "  sessions.csv:\n")
	_, after, _ = strings.Cut(after, "2026-06-30}\n")
	text = strings.ReplaceAll(before+after, "session_id: {value: Y}", "session_id: {value: 2025-26}")
	im, report := read(t, files, parse(t, text))
	if im == nil || report.Errors() > 0 || len(im.Sessions) != 1 || im.Sessions[0].ID != "2025-26" || count(report, ingest.AssumedYear) != 1 {
		t.Fatal(ingesttest.Findings(report))
	}
	opt := options(t)
	opt.SchoolYear = ingest.Span{From: ingesttest.Date(t, "2025-08-20"), To: ingesttest.Date(t, "2026-06-26")}
	im, report, err := ingest.Read(files, parse(t, text).Format(), opt)
	if err != nil || im == nil || im.Sessions[0].Start != opt.SchoolYear.From || count(report, ingest.AssumedYear) != 0 {
		t.Error(err, ingesttest.Findings(report))
	}
}

func TestAStayWithoutAFirstDayBeginsWithTheYear(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	im, report := read(t, files, parse(t, strings.ReplaceAll(text, "entry: Since, ", "")))
	if im == nil || count(report, ingest.AssumedEntry) != 3 || im.Students[0].Profile.Enrollments[0].Entry != ingesttest.Date(t, "2025-09-01") {
		t.Error(ingesttest.Findings(report))
	}
}

func TestAStudentAtNoSchoolIsKeptAndSaid(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	text = strings.Replace(text, "      where: {State: [in, new]}\n      columns: {student_id: Number, school_id", "      where: {State: [in]}\n      columns: {student_id: Number, school_id", 1)
	im, report := read(t, files, parse(t, text))
	if im == nil || len(im.Students) != 3 || count(report, ingest.NoSchool) != 1 {
		t.Error(ingesttest.Findings(report))
	}
}

func TestWindows1252AndUTF16AreToldApart(t *testing.T) {
	t.Parallel()
	files, text := base(t, map[string]string{"days.csv": "A,2025-09-01,Montr\xe9al \x80\n"})
	_, report := read(t, files, parse(t, text))
	if count(report, ingest.ReadAsWindows1252) != 1 {
		t.Error(ingesttest.Findings(report))
	}
	for _, bad := range []string{"\xff\xfeA\x00", "A,2025-09-01,\x81\n", "\xef\xbb\xbfA\xff\n"} {
		files, text := base(t, map[string]string{"days.csv": bad})
		im, report := read(t, files, parse(t, text))
		if im != nil || count(report, ingest.BadEncoding) != 1 {
			t.Errorf("%q: %v", bad, ingesttest.Findings(report))
		}
	}
}

func TestRepeatedTextsAreTakenOnce(t *testing.T) {
	t.Parallel()
	files, text := base(t, map[string]string{"list.csv": absent, "list1.csv": "", "list2.csv": ""})
	all, _ := base(t, nil)
	lines := strings.SplitAfter(string(all["list.csv"].Data), "\n")
	files["LIST1.CSV"] = &fstest.MapFile{Data: []byte(lines[0] + lines[1] + lines[4])}
	files["list2.csv"] = &fstest.MapFile{Data: []byte(lines[0] + lines[2] + lines[3])}
	delete(files, "list1.csv")
	im, report := read(t, files, parse(t, strings.ReplaceAll(text, "list.csv", "list*.csv")))
	want, _ := read(t, all, parse(t, text))
	if im == nil || !reflect.DeepEqual(im.Students, want.Students) {
		t.Error(ingesttest.Findings(report))
	}
}

// register is a sheet of marks by child and day.
type register struct {
	days  []civil.Date
	marks [][]string
}

func drawRegister(rt *rapid.T, t *testing.T) register {
	r := register{}
	first := ingesttest.Date(t, "2025-09-01")
	for i := range rapid.IntRange(1, 12).Draw(rt, "days") {
		r.days = append(r.days, first+civil.Date(i*rapid.IntRange(1, 20).Draw(rt, "step")))
	}
	seen := map[civil.Date]bool{}
	kept := r.days[:0]
	for _, d := range r.days {
		if !seen[d] {
			kept = append(kept, d)
		}
		seen[d] = true
	}
	r.days = kept
	for range rapid.IntRange(1, 6).Draw(rt, "children") {
		var row []string
		for range r.days {
			row = append(row, rapid.SampledFrom([]string{"", "x", "X", "A", "late"}).Draw(rt, "mark"))
		}
		r.marks = append(r.marks, row)
	}
	return r
}

const head = `version: 1
files:
  schools.csv: {rows: [{school_id: A, name: A}]}
  sessions.csv: {rows: [{session_id: Y, title: Y, type: schoolYear, start: 2025-07-01, end: 2026-06-30}]}
  students.csv:
    file: wide.csv
    columns: {student_id: Number, given_name: {value: a}, family_name: {value: b}}
  enrollments.csv:
    file: wide.csv
    columns: {student_id: Number, school_id: {value: A}, entry: {value: 2025-07-01}}
  calendar.csv:
    file: long.csv
    columns: {school_id: {value: A}, date: Day, instructional: {value: yes}}
    unique: [date]
  attendance.csv:
`

const wideForm = `    file: wide.csv
    columns: {student_id: Number, school_id: {value: A}}
    wide:
      dates: header
      from_column: 2
      marks: {x: present, a: absent_unexcused, late: tardy}
`

const longForm = `    file: long.csv
    where: {Mark: [x, a, late]}
    columns: {student_id: Number, school_id: {value: A}, date: Day, code: Mark}
    codes:
      code: {x: present, a: absent_unexcused, late: tardy}
`

func TestAWideSheetSaysWhatItsLongFormSays(t *testing.T) {
	t.Parallel()
	wide, long := parse(t, head+wideForm), parse(t, head+longForm)
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRegister(rt, t)
		var w, l strings.Builder
		w.WriteString("Number")
		l.WriteString("Number,Day,Mark\n")
		for _, d := range r.days {
			w.WriteString("," + d.String())
		}
		w.WriteString("\n")
		for i, row := range r.marks {
			fmt.Fprintf(&w, "S%d", i)
			for j, m := range row {
				w.WriteString("," + m)
				fmt.Fprintf(&l, "S%d,%s,%s\n", i, r.days[j], m)
			}
			w.WriteString("\n")
		}
		files := fstest.MapFS{"wide.csv": &fstest.MapFile{Data: []byte(w.String())}, "long.csv": &fstest.MapFile{Data: []byte(l.String())}}
		a, reportA := read(t, files, wide)
		b, reportB := read(t, files, long)
		if a == nil || b == nil || !reflect.DeepEqual(a.Students, b.Students) {
			rt.Fatalf("%v\n%v", ingesttest.Findings(reportA), ingesttest.Findings(reportB))
		}
	})
}

func TestTheOrderOfColumnsDoesNotMatter(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	m := parse(t, text)
	want, _ := read(t, files, m)
	rapid.Check(t, func(rt *rapid.T) {
		rows := strings.Split(strings.TrimSpace(string(files["marks.csv"].Data)), "\n")
		order := rapid.Permutation([]int{0, 1, 2}).Draw(rt, "columns")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "end")
		body := slices.Concat(rows[:1], rapid.Permutation(rows[1:]).Draw(rt, "rows"))
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(rt, "mark"))
		for _, row := range body {
			cells := strings.Split(row, ";")
			fmt.Fprintf(&b, "%q;%s;%q%s", cells[order[0]], cells[order[1]], cells[order[2]], end)
		}
		moved := fstest.MapFS{}
		for name, f := range files {
			moved["export/"+strings.ToUpper(name)] = f
		}
		moved["export/MARKS.CSV"] = &fstest.MapFile{Data: []byte(b.String())}
		got, report := read(t, moved, m)
		if got == nil || !reflect.DeepEqual(got.Students, want.Students) {
			rt.Fatal(ingesttest.Findings(report))
		}
	})
}
