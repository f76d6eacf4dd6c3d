package oneroster_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// checkAny holds what every input must come out as: a report that says why
// there is no import, or one whose students are known once; the same twice.
func checkAny(t *testing.T, set fstest.MapFS) {
	t.Helper()
	opt := options(t)
	opt.Limits = ingest.Limits{FileBytes: 1 << 20}
	im, report, err := ingest.Read(set, formatUnderTest(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if (im == nil) != report.Unusable() {
		t.Fatalf("an import %v, and unusable %v", im != nil, report.Unusable())
	}
	for _, f := range report.Findings {
		if f.What == "" || f.Remedy == "" || f.Row < 0 {
			t.Fatalf("%+v", f)
		}
	}
	again, second, _ := ingest.Read(set, formatUnderTest(), opt)
	if !slices.Equal(ingesttest.Findings(report), ingesttest.Findings(second)) || im != nil && !slices.Equal(students(im), students(again)) {
		t.Fatal("the same files were read otherwise")
	}
	if im == nil {
		return
	}
	for i, s := range im.Students {
		if i > 0 && s.Profile.Person.StudentID == im.Students[i-1].Profile.Person.StudentID {
			t.Fatal("a student twice")
		}
		for _, e := range s.Profile.Enrollments {
			if !e.Exit.IsZero() && e.Exit < e.Entry {
				t.Fatalf("%+v", e)
			}
		}
	}
	im.Apply(nil, 1, ingesttest.Identities())
}

func FuzzManifest(f *testing.F) {
	set := base(f)
	f.Add(string(set["manifest.csv"].Data))
	f.Add("propertyName,value\noneroster.version,1.1\nfile.users,delta\n")
	f.Add("propertyName,value\nfile.users,bulk\nfile.users,absent\n")
	f.Fuzz(func(t *testing.T, manifest string) {
		files := base(t)
		files["manifest.csv"] = &fstest.MapFile{Data: []byte(manifest)}
		checkAny(t, files)
	})
}

// FuzzFile replaces one file of the base set, and one of the delta upon it.
func FuzzFile(f *testing.F) {
	names := []string{
		"academicSessions.csv", "categories.csv", "classes.csv", "courses.csv", "demographics.csv", "enrollments.csv",
		"lineItems.csv", "orgs.csv", "results.csv", "roles.csv", "users.csv",
	}
	set, delta := base(f), set(f, "testdata/delta.txtar", "")
	for i, name := range names {
		text := string(set[name].Data)
		f.Add(uint8(i), text, "")
		f.Add(uint8(i), strings.ReplaceAll(text, "active", "tobedeleted"), text)
		f.Add(uint8(i), strings.ReplaceAll(text, "2025-", "1/2/"), "")
		if d := delta[name]; d != nil {
			f.Add(uint8(i), text, string(d.Data))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, bulk, delta string) {
		name := names[int(which)%len(names)]
		files := inFolders(map[string]fstest.MapFS{"1": withoutManifest(t)})
		files["1/"+name] = &fstest.MapFile{Data: []byte(bulk)}
		if delta != "" {
			files["2/"+name] = &fstest.MapFile{Data: []byte(delta)}
			files["2/manifest.csv"] = &fstest.MapFile{
				Data: []byte("propertyName,value\noneroster.version,1.2\nfile." + strings.TrimSuffix(name, ".csv") + ",delta\n"),
			}
		}
		checkAny(t, files)
	})
}

// FuzzDates gives three birth dates to a small set.
func FuzzDates(f *testing.F) {
	f.Add("2014-03-04", "3/4/2014", "13/3/2014")
	f.Add("1/1/1", "//", "2014-03-04T")
	f.Add("99/99/9999", "0/0/0000", "4/31/2014 0:00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		clean := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
		text := "sourcedId,birthDate\nS," + clean(a) + "\nS1," + clean(b) + "\nS2," + clean(c) + "\n"
		checkAny(t, small(map[string]string{"demographics.csv": text}))
	})
}
