package mapping_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
)

func TestEveryFaultOfAMappingIsFoundOnItsLine(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/errors/language.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		text := a.Files[i]
		line, err := strconv.Atoi(strings.TrimPrefix(a.Files[i+1].Name, "want "))
		if err != nil {
			t.Fatal(a.Files[i+1].Name)
		}
		t.Run(text.Name, func(t *testing.T) {
			t.Parallel()
			m, err := mapping.Parse(text.Data)
			var fault *mapping.Error
			if m != nil || !errors.As(err, &fault) {
				t.Fatalf("%v", err)
			}
			if fault.Line != line || fault.What == "" || fault.Remedy == "" || strings.Contains(strings.ToLower(err.Error()), "secretvalue") {
				t.Errorf("%v, want line %d", err, line)
			}
		})
	}
}

func TestAMappingOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 8) + "]\n"
	}
	for what, text := range map[string]string{
		"empty":              "",
		"too large":          strings.Repeat("# padding\n", 200_000),
		"too deep":           "version: 1\nfiles: " + strings.Repeat("{a: ", 2000) + strings.Repeat("}", 2000),
		"too deep in lists":  "version: 1\nfiles: " + strings.Repeat("[", 200_000),
		"too long":           "version: 1\nfiles: [" + strings.Repeat("a,", 100_000) + "]",
		"aliases in aliases": bomb,
		"binary":             "version: 1\x00\xff",
		"a control letter":   "version: 1\nfiles:\n  schools.csv: {file: \"a\\x07.csv\"}\n",
	} {
		began := time.Now()
		m, err := mapping.Parse([]byte(text))
		var fault *mapping.Error
		if m != nil || !errors.As(err, &fault) || fault.Remedy == "" {
			t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", what, took)
		}
	}
}

func TestEveryFaultOfAFileIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/errors/files.txtar")
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
	if len(cases) < 25 {
		t.Errorf("only %d classes of broken files", len(cases))
	}
	for name, parts := range cases {
		t.Run(strings.TrimSuffix(name, "/"), func(t *testing.T) {
			t.Parallel()
			runCase(t, parts)
		})
	}
}

// usual is the warning that the small export gives as it is.
const usual = "list.csv:1:column 10 dropped-column"

func runCase(t *testing.T, parts map[string]string) {
	want := strings.FieldsFunc(parts["want"], func(r rune) bool { return r == '\n' })
	delete(parts, "want")
	slices.Sort(want)
	files, text := base(t, parts)
	began := time.Now()
	im, report := read(t, files, parse(t, text))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	got := slices.DeleteFunc(ingesttest.Findings(report), func(line string) bool { return line == usual })
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	isError := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Severity == ingest.Error })
	if report.Rejected(false) != isError || (im == nil) != report.Unusable() {
		t.Errorf("rejected %v with errors %v", report.Rejected(false), isError)
	}
}
