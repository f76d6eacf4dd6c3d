package web_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy"
	"github.com/hallpass-edu/hallpass/rego"
)

// brokenPolicies are the shipped policy with some files replaced or removed,
// and what must come of each (see the same cases in package policy).
func brokenPolicies(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	names, err := filepath.Glob("../../policy/testdata/broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*txtar.Archive{}
	for _, name := range names {
		if all[strings.TrimSuffix(filepath.Base(name), ".txtar")], err = txtar.ParseFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// expects is what a case says must come of it: its kind and a text.
func expects(a *txtar.Archive) (kind, text string) {
	_, line, _ := strings.Cut(string(a.Comment), "expect: ")
	kind, text, _ = strings.Cut(strings.TrimSpace(line), ": ")
	return kind, text
}

// ruleFiles is the shipped policy with the files of the archives in place of
// its own.
func ruleFiles(t testing.TB, archives ...*txtar.Archive) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(rego.FS, "*.rego")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(rego.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	for _, a := range archives {
		for _, f := range a.Files {
			delete(files, f.Name)
			if strings.TrimSpace(string(f.Data)) != "(removed)" {
				// The cases of package policy speak of its own agreement.
				files[f.Name] = &fstest.MapFile{Data: bytes.ReplaceAll(f.Data, []byte(`"A7"`), []byte(`"`+northAgreement+`"`))}
			}
		}
	}
	return files
}

// moreBroken are policies that only a running service can show to be broken:
// they are sound for one kind of request and not for the other, or trap the
// rule engine late.
func moreBroken() map[string]*txtar.Archive {
	head := "package hallpass.disclosure\n\ndefault decision := {\"allow\": false, \"clause\": \"\", \"obligations\": {}, \"categories\": {}}\n\n"
	yes := `decision := {"allow": true, "clause": input.agreement.clauses[input.action], "obligations": {}, "categories": input.request.categories} if `
	disclosure := func(rule string) *txtar.Archive {
		return txtar.Parse([]byte("expect: decide: \n-- disclosure.rego --\n" + head + rule + "\n"))
	}
	return map[string]*txtar.Archive{
		"the clause of the other kind":   disclosure(`decision := {"allow": true, "clause": input.agreement.clauses.people, "obligations": {}, "categories": input.request.categories} if input.today > 0`),
		"an empty clause":                disclosure(`decision := {"allow": true, "clause": "", "obligations": {}, "categories": input.request.categories} if input.today > 0`),
		"a clause that is not there":     disclosure(`decision := {"allow": true, "clause": input.agreement.clauses["nothing"], "obligations": {}, "categories": input.request.categories} if input.today > 0`),
		"an obligation that is not true": disclosure(`decision := {"allow": true, "clause": input.agreement.clauses[input.action], "obligations": {"no_redisclosure": false}, "categories": input.request.categories} if input.today > 0`),
		"categories that are not true":   disclosure(`decision := {"allow": true, "clause": input.agreement.clauses[input.action], "obligations": {}, "categories": {"attendance": "yes"}} if input.today > 0`),
		"categories that are a list":     disclosure(`decision := {"allow": true, "clause": input.agreement.clauses[input.action], "obligations": {}, "categories": ["attendance"]} if input.today > 0`),
		"a list with the decision in it": disclosure(`decision := [{"allow": true, "clause": input.agreement.clauses[input.action], "obligations": {}, "categories": input.request.categories}] if input.today > 0`),
		"a text with the decision in it": disclosure(`decision := "{\"allow\": true}" if input.today > 0`),
		"a division by nothing":          disclosure(yes + `1 / (input.today - input.today) > 0`),
		"two answers for one question":   disclosure(yes + "input.action == \"students\"\n\ndecision := {\"allow\": true, \"clause\": \"\", \"obligations\": {}, \"categories\": {}} if input.today > 0"),
	}
}

func TestNoBrokenPolicyReleasesAnything(t *testing.T) {
	t.Parallel()
	cases := brokenPolicies(t)
	maps.Copy(cases, moreBroken())
	if len(cases) < 30 {
		t.Fatalf("only %d cases", len(cases))
	}
	for name, archive := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, _ := expects(archive)
			engine, err := policy.LoadWith(ruleFiles(t, archive), policy.Options{Deadline: 100 * time.Millisecond})
			if refused := new(policy.LoadError); errors.As(err, &refused) {
				if kind == "decide" && !strings.Contains(name, " ") || kind == "ceiling" {
					t.Errorf("refused, but a service should run it: %v", err)
				}
				return
			}
			if err != nil || kind == "load" {
				t.Fatalf("loaded, or failed without a reason: %v", err)
			}
			runBroken(t, engine, kind)
		})
	}
}

func runBroken(t *testing.T, engine *policy.Engine, kind string) {
	h := open(t, lakeland, func(f *furnishing) { f.broker.Policy = engine })
	switch kind {
	case "ceiling":
		staysBelow(t, h)
	case "nothing":
		if rows := rowsOf(h.partnerOf(north).get(under(northAgreement, "/students"))); len(rows) != 0 {
			t.Errorf("%d rows left", len(rows))
		}
	case "filters":
		if unavailable(t, h, north, "/students")+unavailable(t, h, north, "/comparisons") < 2 {
			t.Error("an answer that asks about rows was denied, not unavailable")
		}
	default:
		fallen := unavailable(t, h, river, "/students") + unavailable(t, h, river, "/comparisons")
		if fallen == 0 {
			t.Error("nothing was refused as unavailable: the case is not broken")
		}
	}
}

// unavailable asks and returns 1 if the rules failed; the answer must be that,
// or a denial, with an entry of its own.
func unavailable(t *testing.T, h *house, partner, path string) int {
	t.Helper()
	before := h.size()
	a := h.partnerOf(partner).get(under(h.partner(partner).Agreement.ID, path))
	want := map[int]tlog.Event{http.StatusServiceUnavailable: tlog.QueryUnavailable, http.StatusForbidden: tlog.QueryDenied}[a.status]
	if want == "" {
		t.Fatalf("%s was answered %d: %.200s", path, a.status, a.body)
	}
	if word := holdsAny(a.body, h.secrets()); word != "" || len(a.member("data")) > 0 {
		t.Errorf("%s: the refusal holds data", path)
	}
	if events := h.events(before); !slices.Equal(events, []tlog.Event{want}) {
		t.Errorf("%s: %d left %v", path, a.status, events)
	}
	if a.status == http.StatusForbidden {
		return 0
	}
	if a.header.Get("Retry-After") == "" || !strings.Contains(h.log.String(), `"alarm"`) {
		t.Errorf("%s: without Retry-After, or without an alarm", path)
	}
	return 1
}

// studentRow is a row as the partner reads it.
type studentRow struct {
	Ref string `json:"participant_ref"`
}

func rowsOf(a answer) []studentRow {
	a.h.t.Helper()
	return data[struct {
		Rows []studentRow `json:"rows"`
	}](a.want(http.StatusOK)).Rows
}

// staysBelow asks for what lies above the ceiling: the rules say yes to it.
func staysBelow(t *testing.T, h *house) {
	t.Helper()
	honest := rowsOf(open(t, lakeland).partnerOf(north).get(under(northAgreement, "/students")))
	if rows := rowsOf(h.partnerOf(north).get(under(northAgreement, "/students"))); !slices.Equal(rows, honest) {
		t.Errorf("the rows are %v, those of the shipped rules %v", rows, honest)
	}
	for what, a := range aboveTheCeiling(h) {
		if a.status != http.StatusForbidden || holdsAny(a.body, h.secrets()) != "" {
			t.Errorf("%s: %d %.200s", what, a.status, a.body)
		}
	}
}

// aboveTheCeiling are requests that no policy may allow, the last under a
// partner that is suspended by then.
func aboveTheCeiling(h *house) map[string]answer {
	h.t.Helper()
	p := h.partnerOf(north)
	asked := map[string]answer{
		"an officer":                h.officer().get(under(northAgreement, "/students")),
		"an agreement that is over": h.partnerOf(stage).get(under(stageAgreement, "/students")),
		"a school outside":          p.get(under(northAgreement, "/comparisons?school="+h.Schools[7].ID)),
		"a category outside":        h.partnerOf(river).get(under(riverAgreement, "/students?categories=discipline_dates")),
		"a period not published":    p.get(under(northAgreement, "/comparisons?period="+h.spring())),
	}
	h.advance("partners", north, "suspend")
	asked["a suspended partner"] = p.get(under(northAgreement, "/students"))
	return asked
}

// Rules that say yes to everything, to everyone and about every row: what the
// ceiling refuses leaves as soon as the ceiling is gone, so the tests above
// would see a release.
func TestTheCeilingIsWhatHoldsAWideOpenPolicy(t *testing.T) {
	t.Parallel()
	cases := brokenPolicies(t)
	files := ruleFiles(t, cases["everyone"], cases["rows_wide_open"])
	for _, without := range []bool{false, true} {
		engine, err := policy.LoadWith(files, policy.Options{Sabotage: policy.Sabotage{SkipCeiling: without}})
		if err != nil {
			t.Fatal(err)
		}
		h := open(t, lakeland, func(f *furnishing) { f.broker.Policy, f.broker.Sabotage = engine, broker.Sabotage{NoCeiling: without} })
		h.partnerOf(north).get(under(northAgreement, "/students")).want(http.StatusOK)
		h.advance("partners", north, "suspend")
		a := h.partnerOf(north).get(under(northAgreement, "/students"))
		released := a.status == http.StatusOK && holdsAny(a.body, h.secrets()) != ""
		if released != without {
			t.Errorf("ceiling removed: %t; released: %t (%d)", without, released, a.status)
		}
		if !without && !strings.Contains(h.log.String(), "the ceiling refused it") {
			t.Error("nobody was told that the rules were overruled")
		}
	}
}
