package sds_test

import (
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

func TestEveryFaultIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	classes := 0
	for _, set := range []string{"v1", "v2", "v21"} {
		a, err := txtar.ParseFile("testdata/errors/" + set + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		cases := map[string]map[string]string{}
		for _, f := range a.Files {
			name, part := filepath.Split(f.Name)
			if cases[name] == nil {
				cases[name] = map[string]string{}
				classes++
			}
			cases[name][part] = string(f.Data)
		}
		for name, parts := range cases {
			t.Run(set+"/"+strings.TrimSuffix(name, "/"), func(t *testing.T) {
				t.Parallel()
				runCase(t, set, parts)
			})
		}
	}
	if classes < 40 {
		t.Errorf("only %d classes of broken files", classes)
	}
}

// usual are the warnings that the small set gives as it is.
func usual(t *testing.T, set string) []string {
	_, report := read(t, base(t, set, nil), options(t))
	return ingesttest.Findings(report)
}

func runCase(t *testing.T, set string, parts map[string]string) {
	want := strings.FieldsFunc(parts["want"], func(r rune) bool { return r == '\n' })
	files := map[string]string{}
	for name, text := range parts {
		if name != "want" {
			files[name] = text
		}
	}
	slices.Sort(want)
	began := time.Now()
	im, report := read(t, base(t, set, files), options(t))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	got := ingesttest.Findings(report)
	if im != nil { // what every set of the form warns of says nothing of the case
		common := usual(t, set)
		got = slices.DeleteFunc(got, func(line string) bool {
			return slices.Contains(common, line) && !slices.Contains(want, line)
		})
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	isError := slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Severity == ingest.Error })
	if report.Rejected(false) != isError || (im == nil) != report.Unusable() {
		t.Errorf("rejected %v with errors %v", report.Rejected(false), isError)
	}
}

func TestHostileFilesCostLittle(t *testing.T) {
	var chain strings.Builder
	chain.WriteString("sourcedId,name,type,parentSourcedId\n")
	for i := range 100_000 {
		chain.WriteString("o" + strconv.Itoa(i) + ",SECRETVALUE,school,o" + strconv.Itoa((i+1)%100_000) + "\n")
	}
	for what, files := range map[string]map[string]string{
		"one endless line":   {"users.csv": "sourcedId,givenName,familyName,role,orgSourcedIds\n" + strings.Repeat("SECRETVALUE", 1<<20)},
		"columns in numbers": {"users.csv": "sourcedId,givenName,familyName,role" + strings.Repeat(",x", 1<<20)},
		"UTF-16":             {"users.csv": "\xff\xfes\x00o\x00SECRETVALUE"},
		"neither encoding":   {"users.csv": "sourcedId,givenName,familyName,role\nSECRETVALUE\x81\x8d,A,A,student\n"},
		"a name of 60 KB":    {"users.csv": "sourcedId,givenName,familyName,role\nA," + strings.Repeat("SECRETVALUE", 5000) + ",A,student\n"},
		"control characters": {"users.csv": "sourcedId,givenName,familyName,role\nA,SECRET\x07VALUE,A,student\n"},
		"its own parents":    {"orgs.csv": chain.String()},
		"orgs in a list":     {"users.csv": "sourcedId,givenName,familyName,role,orgSourcedIds\nA,B,C,student,\"" + strings.Repeat("S1,", 20_000) + "\"\n"},
	} {
		t.Run(what, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			read(t, base(t, "v2", files), options(t))
			runtime.ReadMemStats(&after)
			if took, used := time.Since(began), after.TotalAlloc-before.TotalAlloc; took > 20*time.Second || used > 300<<20 {
				t.Errorf("%v and %d MB", took, used>>20)
			}
		})
	}
}
