package ingest_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/records"
)

// zipOf packs files under a folder; each of the extra headers gets a body.
func zipOf(t testing.TB, folder string, files fstest.MapFS, extra map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	write := func(name string, data []byte) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(keys(files)) {
		write(folder+name, files[name].Data)
	}
	for name, data := range extra {
		write(name, []byte(data))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func keys(files fstest.MapFS) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

func readZip(t testing.TB, data []byte, opt ingest.Options) (*ingest.Import, *ingest.Report) {
	t.Helper()
	im, report, err := ingest.ReadZip(bytes.NewReader(data), int64(len(data)), ingest.Plain(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.CheckReport(t, report, secrets...)
	ingesttest.CheckCounts(t, report)
	return im, report
}

func TestAZipIsReadAsItsFolder(t *testing.T) {
	t.Parallel()
	want, _ := read(t, base(t, nil))
	for _, folder := range []string{"", "export/"} {
		got, _ := readZip(t, zipOf(t, folder, base(t, nil), nil), options(t))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("folder %q is read otherwise", folder)
		}
	}
}

func TestUnsafeZipsAreRefused(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]map[string]string{
		"a path out of the folder":  {"../schools.csv": "x"},
		"an absolute path":          {"/schools.csv": "x"},
		"a path of another system":  {`..\schools.csv`: "x"},
		"a folder inside a folder":  {"a/b/schools.csv": "x"},
		"an archive in the archive": {"more.ZIP": "x"},
		"an entry that explodes":    {"notes.csv": strings.Repeat("0", 1<<20)},
	} {
		im, report := readZip(t, zipOf(t, "", base(t, nil), extra), options(t))
		if im != nil || !slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == ingest.BadZip }) {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
	whole := zipOf(t, "", base(t, nil), nil)
	for name, data := range map[string][]byte{"no zip": []byte("SECRETVALUE"), "half a zip": whole[:len(whole)/2], "nothing": {}} {
		if im, report := readZip(t, data, options(t)); im != nil || !report.Unusable() {
			t.Errorf("%s was read", name)
		}
	}
}

func TestALinkInAZipIsRefused(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "schools.csv"}
	h.SetMode(fs.ModeSymlink | 0o777)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if im, report := readZip(t, b.Bytes(), options(t)); im != nil || !slices.Contains(ingesttest.Findings(report), ":0: bad-zip") {
		t.Error(ingesttest.Findings(report))
	}
}

func TestTheLimitsHold(t *testing.T) {
	t.Parallel()
	whole := zipOf(t, "", base(t, nil), nil)
	for name, c := range map[string]struct {
		limits ingest.Limits
		rule   ingest.Rule
	}{
		"entries": {ingest.Limits{Entries: 3}, ingest.BadZip},
		"total":   {ingest.Limits{TotalBytes: 500}, ingest.BadZip},
		"file":    {ingest.Limits{FileBytes: 100}, ingest.TooLarge},
		"rows":    {ingest.Limits{Rows: 1}, ingest.TooManyRows},
	} {
		opt := options(t)
		opt.Limits = c.limits
		im, report := readZip(t, whole, opt)
		if im != nil || !slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == c.rule }) {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
	opt := options(t)
	opt.Limits.TotalBytes = 300
	if im, report, err := ingest.Read(base(t, nil), ingest.Plain(), opt); err != nil || im != nil || !report.Unusable() {
		t.Error("a folder over the limit was read", err)
	}
}

func TestARowOverTheLimitStaysOut(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.Limits.RowBytes = 200
	long := "C,\"" + strings.Repeat("x", 300) + "\"\nD," + strings.Repeat("x", 300) + "\n"
	im, report, err := ingest.Read(base(t, map[string]string{"schools.csv": "school_id,name\nA,Alder\nB,Birch\n" + long}), ingest.Plain(), opt)
	if err != nil || len(im.Schools) != 2 || !slices.Equal(ingesttest.Findings(report), []string{"schools.csv:4: too-long", "schools.csv:5: too-long"}) {
		t.Error(err, ingesttest.Findings(report))
	}
}

func TestOtherFilesAreSaidAndNotRead(t *testing.T) {
	t.Parallel()
	im, report := read(t, base(t, map[string]string{"participation.csv": "SECRETVALUE\n", "README.md": "x", "Schools.CSV": "x"}))
	want := []string{"participation.csv:0: ignored-file", "schools.csv:0: duplicate-file"}
	got := slices.DeleteFunc(ingesttest.Findings(report), func(line string) bool { return strings.HasPrefix(line, "schools.csv:1") })
	if im != nil || !slices.Equal(got, want) {
		t.Error(ingesttest.Findings(report))
	}
}

func TestEncodingsAreToldApart(t *testing.T) {
	t.Parallel()
	name := func(im *ingest.Import) string { return im.Schools[0].Name }
	for text, want := range map[string]struct{ name, encoding string }{
		"school_id,name\nA,\xc9cole\nB,x\n":                {"École", "Windows-1252"},
		"school_id,name\nA,\u00c9cole\nB,x\n":              {"École", "UTF-8"},
		"\xef\xbb\xbfschool_id,name\nA,\u00c9cole\nB,x\n":  {"École", "UTF-8 with a byte-order mark"},
		"\xef\xbb\xbf\"school_id\",name\r\nA,École\r\nB,x": {"École", "UTF-8 with a byte-order mark"},
	} {
		im, report := read(t, base(t, map[string]string{"schools.csv": text}))
		if im == nil || name(im) != want.name || report.Files[0].Encoding != want.encoding {
			t.Errorf("%q: %v", text, ingesttest.Findings(report))
		}
		if said := slices.Contains(ingesttest.Findings(report), "schools.csv:0: read-as-windows-1252"); said != (want.encoding == "Windows-1252") {
			t.Errorf("%q: %v", text, ingesttest.Findings(report))
		}
	}
}

func TestColumnsStandInAnyOrderAndSpelling(t *testing.T) {
	t.Parallel()
	im, report := read(t, base(t, map[string]string{"schools.csv": "Level, School ID ,NAME\nelementary, A ,Alder\nmiddle,B,Birch\n"}))
	want := records.School{ID: "A", Name: "Alder", Level: "elementary"}
	if im == nil || im.Schools[0] != want {
		t.Error(ingesttest.Findings(report))
	}
}

func TestTheDigestFollowsFilesAndDeclarations(t *testing.T) {
	t.Parallel()
	first, _ := read(t, base(t, nil))
	again, _ := read(t, base(t, nil))
	other, _ := read(t, base(t, map[string]string{"schools.csv": "school_id,name\nA,Alder\nB,Beech\n"}))
	opt := options(t)
	opt.Marking = records.EveryDay
	declared, _, err := ingest.Read(base(t, nil), ingest.Plain(), opt)
	if err != nil || first.Digest != again.Digest || first.Digest == other.Digest || first.Digest == declared.Digest {
		t.Error("the digest does not follow", err)
	}
}

func FuzzRead(f *testing.F) {
	for name, file := range base(f, nil) {
		f.Add(name, file.Data)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		files := base(t, nil)
		if _, known := files[name]; !known {
			return
		}
		files[name] = &fstest.MapFile{Data: data}
		im, report, err := ingest.Read(files, ingest.Plain(), options(t))
		if err != nil {
			t.Fatal(err)
		}
		if (im == nil) != report.Unusable() {
			t.Fatal("an unusable input has an import, or a usable one has none")
		}
		for _, c := range report.Files {
			if c.Good+c.Errors != c.Rows {
				t.Fatalf("the counts do not add up: %+v", c)
			}
		}
		if im != nil {
			im.Apply(nil, 1, ingesttest.Identities())
		}
	})
}
