package policy_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/rego"
)

func TestTheDigestNamesRulesAndNothingElse(t *testing.T) {
	t.Parallel()
	digest := func(change func(fstest.MapFS)) string {
		files := with(nil).(fstest.MapFS)
		change(files)
		return load(t, files, policy.Options{}).Digest()
	}
	same := digest(func(fstest.MapFS) {})
	if same != shipped(t).Digest() || len(same) != 64 {
		t.Fatalf("the embedded policy and its copy differ: %s", same)
	}
	for name, change := range map[string]func(fstest.MapFS){
		"a test":           func(f fstest.MapFS) { f["more_test.rego"] = &fstest.MapFile{Data: []byte("not even rego")} },
		"a note":           func(f fstest.MapFS) { f["README.md"] = &fstest.MapFile{Data: []byte("# ours")} },
		"an editor's copy": func(f fstest.MapFS) { f[".rows.rego"] = &fstest.MapFile{Data: []byte("{{{")} },
	} {
		if digest(change) != same {
			t.Errorf("%s changed the digest", name)
		}
	}
	for name, change := range map[string]func(fstest.MapFS){
		"a comment":  func(f fstest.MapFS) { f["rows.rego"].Data = append(slices.Clone(f["rows.rego"].Data), "# ours\n"...) },
		"a new name": func(f fstest.MapFS) { f["a/rows.rego"] = f["rows.rego"]; delete(f, "rows.rego") },
	} {
		if digest(change) == same {
			t.Errorf("%s did not change the digest", name)
		}
	}
}

func TestALoadErrorNamesPlaceProblemAndRemedy(t *testing.T) {
	t.Parallel()
	_, err := policy.Load(with(map[string]string{"rows.rego": "package hallpass.rows\n\nattendence if input.row.age > 3\n"}))
	le := new(policy.LoadError)
	if !errors.As(err, &le) || le.File != "rows.rego" || le.Line != 3 || le.Problem == "" || !strings.Contains(le.Remedy, "attendance") {
		t.Fatalf("%+v", le)
	}
	if got := err.Error(); !strings.HasPrefix(got, "policy refused: rows.rego:3: hallpass.rows has no category attendence; use one of attendance, ") {
		t.Error(got)
	}
}

func TestAPolicyHasBounds(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 80 {
		many["m"+strings.Repeat("x", i)+".rego"] = "package hallpass.library\n"
	}
	for name, files := range map[string]map[string]string{
		"many files":   many,
		"a large file": {"large.rego": "package hallpass.library\n#" + strings.Repeat("x", 300<<10)},
	} {
		le := new(policy.LoadError)
		if _, err := policy.Load(with(files)); !errors.As(err, &le) || le.Remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unreadable fails to open a rule file.
type unreadable struct{ fs.FS }

func (u unreadable) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "rows.rego") {
		return nil, fs.ErrPermission
	}
	return u.FS.Open(name)
}

func TestAnUnreadablePolicyIsRefused(t *testing.T) {
	t.Parallel()
	le := new(policy.LoadError)
	if _, err := policy.Load(unreadable{rego.FS}); !errors.As(err, &le) || le.Remedy == "" {
		t.Error(err)
	}
}

func TestTheListOfFunctionsIsClosed(t *testing.T) {
	t.Parallel()
	var got []string
	for _, b := range policy.Capabilities().Builtins {
		got = append(got, b.Name)
	}
	slices.Sort(got)
	want := []string{"assign", "count", "eq", "equal", "gt", "gte", "internal.member_2", "lt", "lte", "neq", "object.keys", "object.subset"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if net := policy.Capabilities().AllowNet; net == nil || len(net) > 0 {
		t.Errorf("hosts that may be reached: %v", net)
	}
}

func TestTheRowSchemaIsTheRow(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Row struct {
				Properties map[string]struct {
					Type string
					Enum []string
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(rego.RowsSchema()), &schema); err != nil {
		t.Fatal(err)
	}
	fields := policy.RowFields()
	if len(fields) != len(schema.Properties.Row.Properties) {
		t.Errorf("%d fields, %d in the schema", len(fields), len(schema.Properties.Row.Properties))
	}
	for name, f := range fields {
		if got := schema.Properties.Row.Properties[name]; got.Type != f.Type || !slices.Equal(got.Enum, f.Values) {
			t.Errorf("%s: %+v in the schema, %+v in the program", name, got, f)
		}
	}
}
