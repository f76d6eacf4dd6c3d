package edfi_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// cases returns the cases of an archive: their files and what is wanted.
func cases(t testing.TB, name string) map[string]map[string]string {
	t.Helper()
	a, err := txtar.ParseFile("testdata/errors/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]map[string]string{}
	for _, f := range a.Files {
		title, file, _ := strings.Cut(f.Name, "/")
		if list[title] == nil {
			list[title] = map[string]string{}
		}
		list[title][file] = string(f.Data)
	}
	return list
}

func TestEveryFaultIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	for archive, small := range map[string]string{"xml": "ds5", "json": "json"} {
		for name, parts := range cases(t, archive) {
			t.Run(archive+"/"+name, func(t *testing.T) {
				t.Parallel()
				runCase(t, small, maps.Clone(parts))
			})
		}
	}
}

func runCase(t *testing.T, small string, parts map[string]string) {
	want := strings.FieldsFunc(parts["want"], func(r rune) bool { return r == '\n' })
	delete(parts, "want")
	slices.Sort(want)
	began := time.Now()
	im, report := read(t, base(t, small, parts), formatOf(small), options(t))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	got := ingesttest.Findings(report)
	for name := range parts { // what follows from the change stands in other files
		got = slices.DeleteFunc(got, func(line string) bool {
			return !strings.HasPrefix(line, path.Base(name)+":") && !slices.Contains(want, line)
		})
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if (im == nil) != report.Unusable() {
		t.Errorf("an import %v of files that are unusable %v", im != nil, report.Unusable())
	}
}

// TestFaultsThatNoTextHolds are those of encoding and size.
func TestFaultsThatNoTextHolds(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<Name>", 40) + "SECRETVALUE" + strings.Repeat("</Name>", 40)
	deepSkipped := strings.Repeat("<x>", 40) + strings.Repeat("</x>", 40)
	wide := strings.Repeat("<Race>SECRETVALUE</Race>", 30_000)
	in := func(s string) string { return "<InterchangeStudent><Student>" + s + "</Student></InterchangeStudent>" }
	nested := strings.Repeat(`{"name":`, 40) + `"SECRETVALUE"` + strings.Repeat("}", 40)
	for name, c := range map[string]struct{ base, file, text, want string }{
		"UTF-16 in XML":              {"ds5", "Student.xml", "\xff\xfe<\x00I\x00", "Student.xml:0: bad-encoding"},
		"UTF-16 the other way":       {"ds5", "Student.xml", "\xfe\xff\x00<\x00I", "Student.xml:0: bad-encoding"},
		"XML that is not UTF-8":      {"ds5", "Student.xml", in("<StudentUniqueId>\xe9SECRETVALUE</StudentUniqueId>"), "Student.xml:0: bad-encoding"},
		"XML that says it is UTF-8":  {"ds5", "Student.xml", `<?xml version="1.0" encoding="UTF-8"?>` + in("<StudentUniqueId>\xe9</StudentUniqueId>"), "Student.xml:1: bad-xml"},
		"a NUL":                      {"ds5", "Student.xml", in("<StudentUniqueId>\x00</StudentUniqueId>"), "Student.xml:1: bad-xml"},
		"elements too deep":          {"ds5", "Student.xml", in(deep), "Student.xml:1: bad-xml"},
		"unread elements too deep":   {"ds5", "Student.xml", in(deepSkipped), "Student.xml:1: bad-xml"},
		"too many elements":          {"ds5", "Student.xml", in(wide), "Student.xml:1: bad-xml"},
		"JSON that is not UTF-8":     {"json", "students.json", "{\"studentUniqueId\":\"\xe9SECRETVALUE\"}", "students.json:0: bad-encoding"},
		"UTF-16 in JSON":             {"json", "students.json", "\xff\xfe{\x00}\x00", "students.json:0: bad-encoding"},
		"values too deep":            {"json", "students.json", nested, "students.json:1: bad-json"},
		"unread values too deep":     {"json", "students.json", `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", "students.json:1: bad-json"},
		"arrays without end":         {"json", "students.json", strings.Repeat("[", 1_000_000), "students.json:1: bad-json"},
		"values without end":         {"json", "students.json", `{"races":[` + strings.Repeat(`"x",`, 30_000) + `"x"]}`, "students.json:1: bad-json"},
		"a key of a million letters": {"json", "students.json", `{"` + strings.Repeat("s", 1_000_000) + `":1}`, "students.json:1:studentUniqueId missing-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runCase(t, c.base, map[string]string{c.file: c.text, "want": c.want})
		})
	}
}

func TestFilesOfAnotherFormatAreRefused(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]ingest.Format{"json": edfi.XML(), "ds5": edfi.JSON()} {
		im, report := read(t, base(t, name, nil), format, options(t))
		if im != nil || !slices.Equal(ingesttest.Findings(report), []string{":0: not-this-format"}) {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
}

// TestReferencesThatMultiplyAreBounded names an element that names two of the
// next, ten times over, and asks for all of them.
func TestReferencesThatMultiplyAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<InterchangeStudentEnrollment>\n")
	for i := range 7 {
		b.WriteString("<Section id=\"L" + string(rune('a'+i)) + "\">" +
			strings.Repeat("<SectionReference ref=\"L"+string(rune('b'+i))+"\"/>", 12) + "</Section>\n")
	}
	for range 300 {
		b.WriteString("<StudentSchoolAssociation><StudentReference ref=\"La\"/></StudentSchoolAssociation>\n")
	}
	b.WriteString("</InterchangeStudentEnrollment>\n")
	began := time.Now()
	_, report := read(t, base(t, "ds5", map[string]string{"StudentEnrollment.xml": b.String()}), edfi.XML(), options(t))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if report.Errors() < 300 {
		t.Errorf("%v", report.Groups)
	}
}

func TestAnExportWithTooManyRecordsIsRefused(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.Limits.Rows = 20
	for _, name := range []string{"ds5", "json"} {
		im, report := read(t, base(t, name, nil), formatOf(name), opt)
		if im != nil || !slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == ingest.TooManyRows }) {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.Limits.FileBytes = 1000
	for _, name := range []string{"ds5", "json"} {
		im, report := read(t, base(t, name, nil), formatOf(name), opt)
		if im != nil || !slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == ingest.TooLarge }) {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
}
