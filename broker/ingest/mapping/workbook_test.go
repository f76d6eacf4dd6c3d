package mapping_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
)

// book makes a workbook of one sheet. Cells are texts, numbers or times.
func book(t testing.TB, sheet string, rows [][]any, change func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func day(t testing.TB, s string) time.Time { return ingesttest.Date(t, s).Time() }

// signIn is the sign-in sheet of the small export, two lines of heading above
// it.
func signIn(t testing.TB) [][]any {
	return [][]any{
		{"After school", nil},
		{nil},
		{"Number", "Child", day(t, "2025-09-01"), day(t, "2025-09-02"), day(t, "2025-09-15")},
		{"ST-1", "Wilhelmina", "x", "A", "x"},
		{},
		{"ST-2", "Barnaby", "x", nil, "-"},
		{"00Z42", "Xiomara", nil, nil, "x"},
	}
}

func withBook(t testing.TB, data []byte) (fstest.MapFS, string) {
	t.Helper()
	files, text := base(t, map[string]string{"signin.csv": absent})
	files["signin.xlsx"] = &fstest.MapFile{Data: data}
	return files, strings.ReplaceAll(text, "    - file: signin.csv\n", "    - file: signin.xlsx\n      sheet: september\n      header: 3\n")
}

func TestAWorkbookSaysWhatItsCSVSays(t *testing.T) {
	t.Parallel()
	files, text := base(t, nil)
	want, _ := read(t, files, parse(t, text))
	for what, change := range map[string]func(*excelize.File){
		"days since 1900": nil,
		"an empty sheet in front": func(f *excelize.File) {
			_, _ = f.NewSheet("Notes")
		},
	} {
		files, text := withBook(t, book(t, "September", signIn(t), change))
		got, report := read(t, files, parse(t, text))
		if got == nil || !reflect.DeepEqual(got.Students, want.Students) {
			t.Errorf("%s: %v", what, ingesttest.Findings(report))
		}
	}
}

func TestAWorkbookOfTheOtherCalendarIsReadByIt(t *testing.T) {
	t.Parallel()
	rows := signIn(t)
	for i, s := range []string{"2025-09-01", "2025-09-02", "2025-09-15"} {
		rows[2][2+i] = int(ingesttest.Date(t, s) - ingesttest.Date(t, "1904-01-01"))
	}
	data := book(t, "September", rows, func(f *excelize.File) {
		yes := true
		if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
			t.Fatal(err)
		}
	})
	files, text := withBook(t, data)
	got, report := read(t, files, parse(t, text))
	if got == nil || report.Errors() > 0 || got.Students[1].Facts.Marks.Len() != 3 || got.Students[1].Facts.Marks[0].Days[0].Day() != ingesttest.Date(t, "2025-09-01") {
		t.Error(ingesttest.Findings(report))
	}
}

func TestAFaultInAWorkbookIsFoundOnItsRow(t *testing.T) {
	t.Parallel()
	rows := signIn(t)
	rows[6][4] = "SECRETVALUE"
	rows[3][0] = "SECRETVALUE"
	files, text := withBook(t, book(t, "September", rows, nil))
	_, report := read(t, files, parse(t, text))
	want := []string{"list.csv:1:column 10 dropped-column", "signin.xlsx:4:Number unknown-reference", "signin.xlsx:7:column 5 unknown-code"}
	if got := ingesttest.Findings(report); !reflect.DeepEqual(got, want) {
		t.Error(got)
	}
}

func TestAFormulaCountsAsWhatWasLastShown(t *testing.T) {
	t.Parallel()
	row := func(n int, cells string) string { return fmt.Sprintf(`<row r="%d">%s</row>`, n, cells) }
	text := func(at, s string) string { return fmt.Sprintf(`<c r="%s" t="inlineStr"><is><t>%s</t></is></c>`, at, s) }
	formula := `<f>WEBSERVICE("https://SECRETVALUE.example")</f>`
	data := packed(t, parts(row(3, text("A3", "Number")+text("C3", "2025-09-01")+text("D3", "2025-09-02"))+
		row(4, text("A4", "ST-1")+`<c r="C4" t="str">`+formula+`<v>x</v></c><c r="D4" t="str">`+formula+`</c>`)))
	files, m := withBook(t, data)
	im, report := read(t, files, parse(t, m))
	if im == nil || report.Errors() > 0 || im.Students[1].Facts.Marks.Len() != 1 {
		t.Error(ingesttest.Findings(report))
	}
}

func TestFaultsOfTwoSheetsAreToldApart(t *testing.T) {
	t.Parallel()
	text := `version: 1
files:
  schools.csv:
    - {file: b.xlsx, sheet: 1, columns: {school_id: Id, name: Name}}
    - {file: b.xlsx, sheet: 2, columns: {school_id: Id, name: Name}}
`
	data := book(t, "One", [][]any{{"Id", "Name", "Student SSN"}, {"A", "Alder"}, {"Id", "Name", "Student SSN"}}, func(f *excelize.File) {
		if _, err := f.NewSheet("Two"); err != nil {
			t.Fatal(err)
		}
		for i, row := range [][]any{{"Id", "Name", "Student SSN"}, {"B", "Birch", "SECRETVALUE"}, {"Id", "Name", "Student SSN"}} {
			if err := f.SetSheetRow("Two", fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	})
	im, report := read(t, fstest.MapFS{"b.xlsx": &fstest.MapFile{Data: data}}, parse(t, text))
	if im == nil || len(im.Schools) != 2 || count(report, ingest.RepeatedHeader) != 2 || count(report, ingest.DroppedColumn) != 2 {
		t.Error(ingesttest.Findings(report))
	}
}

func TestANumberIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	text := `version: 1
files:
  schools.csv: {rows: [{school_id: A, name: A}]}
  students.csv: {rows: [{student_id: "100234", given_name: S, family_name: S}]}
  enrollments.csv: {rows: [{student_id: "100234", school_id: A}]}
  grades.csv:
    file: m.xlsx
    columns: {student_id: 1, school_id: {value: A}, session_id: {value: 2025-26}, course: 2, value: 3}
    scale: 0-4
`
	data := book(t, "Marks", [][]any{{"N", "C", "R"}, {100234, "a", 3.3}, {100234, "b", 1.1 + 2.2}, {100234, "c", 4}}, nil)
	im, report := read(t, fstest.MapFS{"m.xlsx": &fstest.MapFile{Data: data}}, parse(t, text))
	if im == nil || report.Errors() > 0 {
		t.Fatal(ingesttest.Findings(report))
	}
	for i, want := range []int32{330, 330, 400} {
		if r := im.Students[0].Facts.Results[i]; r.Value != want {
			t.Errorf("%+v", r)
		}
	}
}

func TestAHostileWorkbookIsRefused(t *testing.T) {
	good := book(t, "September", signIn(t), nil)
	locked := func() []byte {
		var b bytes.Buffer
		f := excelize.NewFile()
		if err := f.Write(&b, excelize.Options{Password: "SECRETVALUE"}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}()
	for what, data := range map[string][]byte{
		"nothing":           {},
		"text":              []byte("SECRETVALUE"),
		"half":              good[:len(good)/2],
		"a password":        locked,
		"an older workbook": append([]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}, make([]byte, 600)...),
		"a zip of no sheet": packed(t, map[string]string{"readme.txt": "SECRETVALUE"}),
		"a bomb":            packed(t, parts(`<row r="1"><c t="inlineStr"><is><t>`+strings.Repeat("A", 8<<20)+`</t></is></c></row>`)),
		"too large":         packed(t, parts(`<row r="1"><c t="inlineStr"><is><t>`+strings.Repeat("AB", 21<<20)+`</t></is></c></row>`)),
		"broken XML":        packed(t, parts(`<row r="3"><c r="A3" t="inlineStr"><is><t>Number</t></is></c></row><row r="4"><c`)),
		"another sheet":     book(t, "October", signIn(t), nil),
		"too many columns":  packed(t, parts(`<row r="1"><c r="XFD1" t="inlineStr"><is><t>SECRETVALUE</t></is></c></row>`)),
		"a column nowhere":  packed(t, parts(`<row r="1"><c r="ZZZZZ1"><v>1</v></c></row>`)),
		"an entity bomb":    packed(t, entityBomb()),
		"a sheet of many":   packed(t, parts(strings.Repeat(`<row><c r="BXX1"><v>1</v></c></row>`, 20_000))),
	} {
		t.Run(what, func(t *testing.T) {
			files, text := withBook(t, data)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			im, report := read(t, files, parse(t, text))
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if im != nil || !report.Unusable() || what != "a sheet of many" && count(report, ingest.BadWorkbook) != 1 {
				t.Errorf("%v", ingesttest.Findings(report))
			}
			if took > 20*time.Second || after.Sys > 1<<30 {
				t.Errorf("%v, %d MB in all", took, (after.TotalAlloc-before.TotalAlloc)>>20)
			}
			t.Logf("%v, %d MB in all, %v", took, (after.TotalAlloc-before.TotalAlloc)>>20, ingesttest.Findings(report))
		})
	}
}

// packed zips the parts of a workbook.
func packed(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "readme.txt"} {
		text, there := parts[name]
		if !there {
			continue
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parts are those of a workbook with the sheet September that holds rows.
func parts(rows string) map[string]string {
	const ns = `http://schemas.openxmlformats.org/`
	return map[string]string{
		"[Content_Types].xml":        `<Types xmlns="` + ns + `package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`,
		"_rels/.rels":                `<Relationships xmlns="` + ns + `package/2006/relationships"><Relationship Id="r1" Type="` + ns + `officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns="` + ns + `spreadsheetml/2006/main" xmlns:r="` + ns + `officeDocument/2006/relationships"><sheets><sheet name="September" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="` + ns + `package/2006/relationships"><Relationship Id="rId1" Type="` + ns + `officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet xmlns="` + ns + `spreadsheetml/2006/main"><sheetData>` + rows + `</sheetData></worksheet>`,
	}
}

// entityBomb is a workbook whose texts expand.
func entityBomb() map[string]string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "SECRETVALUE">`)
	for c := 'b'; c < 'k'; c++ {
		fmt.Fprintf(&b, `<!ENTITY %c "%s">`, c, strings.Repeat("&"+string(c-1)+";", 10))
	}
	b.WriteString(`]><sst><si><t>&j;</t></si></sst>`)
	p := parts(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`)
	p["xl/sharedStrings.xml"] = b.String()
	return p
}

// oneSheet maps a workbook to the marks of a few students. All else stands in the
// mapping itself: what a fuzz target reads beside each input must be quick to
// read.
const oneSheet = `version: 1
files:
  schools.csv: {rows: [{school_id: A, name: A}]}
  sessions.csv: {rows: [{session_id: Y, title: Y, type: schoolYear, start: 2025-09-01, end: 2026-06-30}]}
  students.csv: {rows: [{student_id: ST-1, given_name: S, family_name: S}, {student_id: 00Z42, given_name: X, family_name: X}]}
  enrollments.csv: {rows: [{student_id: ST-1, school_id: A, entry: 2025-09-01}, {student_id: 00Z42, school_id: A, entry: 2025-09-01}]}
  calendar.csv: {rows: [{school_id: A, date: 2025-09-01, instructional: yes}, {school_id: A, date: 2025-09-02, instructional: yes}]}
  attendance.csv:
    file: signin.xlsx
    sheet: september
    header: 3
    columns: {student_id: Number, school_id: {value: A}}
    wide:
      dates: header
      from_column: 3
      marks: {x: present, A: absent_unexcused, "-": drop}
`

func FuzzWorkbook(f *testing.F) {
	f.Add(book(f, "September", signIn(f), nil))
	f.Add(packed(f, parts(`<row r="3"><c r="A3" t="inlineStr"><is><t>Number</t></is></c></row>`)))
	f.Add(packed(f, parts(`<row r="3"><c r="A3" t="s"><v>7</v></c><c r="C3"><v>45901</v></c></row>`)))
	f.Add([]byte("PK\x03\x04"))
	m := parse(f, oneSheet)
	f.Fuzz(func(t *testing.T, data []byte) {
		im, report, err := ingest.Read(fstest.MapFS{"signin.xlsx": &fstest.MapFile{Data: data}}, m.Format(), options(t))
		if err != nil || (im == nil) != report.Unusable() {
			t.Error("neither an import nor a reason", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	_, text := base(f, nil)
	f.Add([]byte(text))
	f.Add([]byte(oneDate))
	f.Add([]byte(head + wideForm))
	f.Add([]byte("version: 1\nfiles: {schools.csv: {rows: [{school_id: &a A, name: *a}]}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := mapping.Parse(data)
		if (m == nil) == (err == nil) {
			t.Fatal("neither a mapping nor an error")
		}
		if m == nil {
			return
		}
		files, _ := base(t, nil)
		im, report, err := ingest.Read(files, m.Format(), options(t))
		if err != nil || (im == nil) != report.Unusable() {
			t.Error("neither an import nor a reason", err)
		}
	})
}
