package oneroster_test

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// errorCases are the cases of testdata/errors: the parts of each, by name.
func errorCases(t testing.TB) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	cases := map[string]map[string]string{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			name, part, _ := strings.Cut(f.Name, "/")
			if cases[name] == nil {
				cases[name] = map[string]string{}
			}
			cases[name][part] = string(f.Data)
		}
	}
	return cases
}

// broken is the base set as a case changes it.
func broken(t testing.TB, parts map[string]string) fstest.MapFS {
	t.Helper()
	files := base(t)
	for part, text := range parts {
		switch part {
		case "want", "edit":
		case "remove":
			for _, name := range lines(text) {
				delete(files, name)
			}
		default:
			files[part] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	for _, line := range lines(parts["edit"]) {
		edit(t, files, line)
	}
	return files
}

func edit(t testing.TB, files fstest.MapFS, line string) {
	t.Helper()
	name, change, _ := strings.Cut(line, ": ")
	if row, ok := strings.CutPrefix(change, "+ "); ok {
		files[name] = &fstest.MapFile{Data: slices.Concat(files[name].Data, []byte(row+"\n"))}
		return
	}
	was, is, ok := strings.Cut(change, " => ")
	text := string(files[name].Data)
	if !ok || strings.Count(text, was) == 0 {
		t.Fatalf("nothing to edit: %s", line)
	}
	files[name] = &fstest.MapFile{Data: []byte(strings.Replace(text, was, is, 1))}
}

// beside are the findings that are not those of the base.
func beside(report *ingest.Report) []string {
	got := ingesttest.Findings(report)
	for _, line := range lines(baseFindings) {
		if i := slices.Index(got, line); i >= 0 {
			got = slices.Delete(got, i, i+1)
		}
	}
	return got
}

func TestEveryFaultIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	cases := errorCases(t)
	if len(cases) < 30 {
		t.Errorf("only %d cases", len(cases))
	}
	for name, parts := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, report := read(t, broken(t, parts), options(t))
			want := lines(parts["want"])
			slices.Sort(want)
			same(t, "findings", beside(report), want)
			isError := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Severity == ingest.Error })
			if report.Rejected(false) != isError {
				t.Errorf("rejected %v with errors %v", report.Rejected(false), isError)
			}
		})
	}
}

// TestEveryFileHasEveryFaultOfAnyFile breaks each file that is read in each
// way in which any file can break.
func TestEveryFileHasEveryFaultOfAnyFile(t *testing.T) {
	t.Parallel()
	for name, file := range base(t) {
		if name == "userProfiles.csv" {
			continue // never opened
		}
		text := string(file.Data)
		header := strings.SplitN(text, "\n", 2)[0]
		end := strings.Count(text, "\n") + 1
		for what, c := range map[string]struct {
			text string
			rule ingest.Rule
			row  int
		}{
			"an empty file":        {"", ingest.NoHeader, 1},
			"UTF-16":               {"\xff\xfes\x00", ingest.BadEncoding, 0},
			"neither encoding":     {text + "\x81\x8d\n", ingest.BadEncoding, 0},
			"Windows-1252":         {text + "\xe9" + strings.Repeat(",", strings.Count(header, ",")) + "\n", ingest.ReadAsWindows1252, 0},
			"an open quote":        {text + "\"SECRETVALUE\n", ingest.BadSyntax, end},
			"a quote in a field":   {text + "SECRET\"VALUE\"\n", ingest.BadSyntax, end},
			"a field too many":     {text + strings.Repeat("SECRETVALUE,", 40) + "\n", ingest.FieldCount, end},
			"a field too few":      {text + "SECRETVALUE\n", ingest.FieldCount, end},
			"a row far too long":   {text + strings.Repeat("SECRETVALUE", 1<<13) + "\n", ingest.TooLong, end},
			"the header again":     {text + header + "\n", ingest.RepeatedHeader, end},
			"a column twice":       {header + "," + header + "\n", ingest.DuplicateColumn, 1},
			"a social security no": {"ssn," + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\nSECRETVALUE,") + "\n", ingest.DroppedColumn, 1},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				files := base(t)
				files[name] = &fstest.MapFile{Data: []byte(c.text)}
				_, report := read(t, files, options(t))
				found := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool {
					return f.File == name && f.Rule == c.rule && f.Row == c.row
				})
				if !found {
					t.Errorf("%v", ingesttest.Findings(report))
				}
			})
		}
	}
}

func TestAFileWithoutItsHeaderIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range base(t) {
		if name == "userProfiles.csv" {
			continue
		}
		_, rows, _ := strings.Cut(string(file.Data), "\n")
		files := base(t)
		files[name] = &fstest.MapFile{Data: []byte(rows)}
		if im, report := read(t, files, options(t)); im != nil || !report.Unusable() {
			t.Errorf("%s: %v", name, ingesttest.Findings(report))
		}
	}
}

func TestWhatIsOverALimitIsSaid(t *testing.T) {
	t.Parallel()
	for want, limits := range map[string]ingest.Limits{
		"orgs.csv:0: too-large":          {FileBytes: 100},
		"results.csv:0: too-large":       {TotalBytes: 4200},
		"users.csv:6: too-many-rows":     {Rows: 4},
		":0: too-many-files":             {Entries: 5},
		"manifest.csv:4: too-many-rows":  {Rows: 2},
		"users.csv:3: too-long":          {RowBytes: 20},
		"users.csv:2:givenName too-long": {FieldBytes: 9},
	} {
		opt := options(t)
		opt.Limits = limits
		_, report, err := ingest.Read(withoutManifest(t), formatUnderTest(), opt)
		if strings.HasPrefix(want, "manifest") {
			_, report, err = ingest.Read(base(t), formatUnderTest(), opt)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(ingesttest.Findings(report), want) {
			t.Errorf("want %s, found %v", want, ingesttest.Findings(report))
		}
	}
}

// hostile are inputs made to cost much.
func hostile(t testing.TB) map[string]fstest.MapFS {
	t.Helper()
	chain, circle, deletes := strings.Builder{}, strings.Builder{}, strings.Builder{}
	const many = 50_000
	for i := range many {
		next := i + 1
		chain.WriteString("o" + number(i) + ",x,local,o" + number(next) + ",\n")
		deletes.WriteString("o" + number(i) + ",x,local,o" + number(i-1) + ",tobedeleted\n")
		circle.WriteString("o" + number(i) + ",x,school,o" + number(next%many) + ",\n")
	}
	deletes.WriteString("leaf,x,local,o" + number(many-1) + ",active\n")
	orgs := func(rows string) fstest.MapFS {
		files := withoutManifest(t)
		files["orgs.csv"] = &fstest.MapFile{Data: []byte("sourcedId,name,type,parentSourcedId,status\n" + rows)}
		return files
	}
	everywhere := withoutManifest(t)
	var enrolled strings.Builder
	for i := range many {
		enrolled.WriteString("e" + number(i) + ",k-none,o" + number(i%2000) + ",stu-1,student,2025-09-01,2025-09-02\n")
	}
	everywhere["orgs.csv"] = orgs(circle.String())["orgs.csv"]
	everywhere["enrollments.csv"] = &fstest.MapFile{
		Data: []byte("sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,endDate\n" + enrolled.String()),
	}
	lists := withoutManifest(t)
	lists["users.csv"] = &fstest.MapFile{Data: []byte("sourcedId,givenName,familyName,role,agentSourcedIds,orgSourcedIds\n" +
		strings.Repeat("u,a,b,student,\""+strings.Repeat(",u", 8000)+"\",\""+strings.Repeat("sch-1,", 5000)+"\"\n", 200))}
	return map[string]fstest.MapFS{
		"a long chain": orgs(chain.String()), "a long circle": orgs(circle.String()), "a long line of deletes": orgs(deletes.String()),
		"one student everywhere": everywhere, "long lists": lists,
	}
}

func TestHostileInputCostsLittle(t *testing.T) {
	for name, files := range hostile(t) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		_, report, err := ingest.Read(files, formatUnderTest(), options(t))
		if err != nil || report == nil {
			t.Fatal(err)
		}
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		t.Logf("%s: %v, %d MB allocated", name, took, (after.TotalAlloc-before.TotalAlloc)>>20)
		if took > 20*time.Second || after.TotalAlloc-before.TotalAlloc > 300<<20 {
			t.Errorf("%s took %v and %d MB", name, took, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}
