package sds_test

import (
	"encoding/csv"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
	"github.com/hallpass-edu/hallpass/broker/ingest/sds"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestTheSmallSetsAreRight(t *testing.T) {
	t.Parallel()
	for set, want := range map[string][3]int{"v1": {2, 3, 3}, "v2": {2, 3, 4}, "v21": {2, 3, 3}} {
		im, report := read(t, base(t, set, nil), options(t))
		if im == nil || report.Rejected(false) {
			t.Fatal(set, ingesttest.Findings(report))
		}
		stays := 0
		for _, s := range im.Students {
			stays += len(s.Profile.Enrollments)
		}
		if got := [3]int{len(im.Schools), len(im.Students), stays}; got != want {
			t.Errorf("%s: %v", set, got)
		}
	}
}

func TestAV21StudentIsPutTogetherFromFiveFiles(t *testing.T) {
	t.Parallel()
	im, _ := read(t, base(t, "v21", nil), options(t))
	p := im.Students[find(im, "ST-1")].Profile
	want := records.Profile{
		Person: records.Person{StudentID: "ST-1", Given: "Wilhelmina", Family: "Quillfeather"}, Birth: ingesttest.Date(t, "2011-03-04"),
		Sex: "female", RaceEthnicity: "hispanicOrLatinoEthnicity", EnglishLearner: records.Yes, SpecialEducation: records.Yes,
		EconomicallyDisadvantaged: records.Unknown,
		Enrollments:               []records.Enrollment{{School: "S1", Entry: ingesttest.Date(t, "2025-09-01"), Exit: ingesttest.Date(t, "2026-06-30"), Grade: "9", Primary: true}},
		Guardians: []records.Guardian{{
			ID: "G-1", Given: "Philippa", Family: "Quillfeather", Relation: "parent", Capacity: records.CapacityParent,
			Email: "philippa@example.org", Phone: "+15550100", HoldsRights: true,
		}},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	second := im.Students[find(im, "ST-2")].Profile
	if second.RaceEthnicity != "demographicRaceTwoOrMoreRaces" || second.Enrollments[0].Exit != ingesttest.Date(t, "2026-01-31") ||
		second.Guardians[0].Capacity != records.CapacityUnknown || !second.Guardians[0].HoldsRights {
		t.Errorf("%+v", second)
	}
	third := im.Students[find(im, "00Z42")].Profile
	if g := third.Guardians[0]; g.HoldsRights || g.Capacity != records.CapacityEmergencyContact || third.SpecialEducation != records.Unknown {
		t.Errorf("%+v", third)
	}
}

func TestOnlyParentsAndGuardiansHoldRights(t *testing.T) {
	t.Parallel()
	for relation, want := range map[string]bool{
		"parent": true, "Mother": true, "father": true, "guardian": true, "legal guardian": true, "legalGuardian": true,
		"relative": false, "aide": false, "doctor": false, "child": false, "administrator": false, "other": false, "": false,
		"emergencyContact": false, "caseworker": false, "fosterParent": false, "grandparent": false,
	} {
		text := "userSourcedId,relationshipUserSourcedId,relationshipRole\nST-1,G-1," + relation + "\n"
		im, report := read(t, base(t, "v21", map[string]string{"relationships.csv": text}), options(t))
		if im == nil {
			t.Fatal(ingesttest.Findings(report))
		}
		g := im.Students[find(im, "ST-1")].Profile.Guardians
		if len(g) != 1 || g[0].HoldsRights != want {
			t.Errorf("%s: %+v", relation, g)
		}
	}
}

func TestV1GuardiansAreKnownByTheirAddress(t *testing.T) {
	t.Parallel()
	im, _ := read(t, base(t, "v1", nil), options(t))
	for id, want := range map[string]string{"ST-1": "G1 true", "ST-2": "G1 true", "00Z42": "theo@example.org false"} {
		g := im.Students[find(im, id)].Profile.Guardians
		if len(g) != 1 || fmt.Sprint(g[0].ID, " ", g[0].HoldsRights) != want {
			t.Errorf("%s: %+v", id, g)
		}
	}
}

func TestALongTermIsASchoolYear(t *testing.T) {
	t.Parallel()
	im, report := read(t, base(t, "v1", nil), options(t))
	kinds := map[string]records.SessionType{}
	for _, s := range im.Sessions {
		kinds[s.ID] = s.Type
	}
	if kinds["Y"] != records.SchoolYear || kinds["T1"] != "term" || kinds["T2"] != "term" || len(kinds) != 3 {
		t.Error(kinds)
	}
	if slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == ingest.AssumedYear }) {
		t.Error("a year was assumed beside one that is there")
	}
}

func TestADeclaredYearStandsInForNone(t *testing.T) {
	t.Parallel()
	opt := options(t)
	opt.SchoolYear = ingest.Span{From: ingesttest.Date(t, "2025-08-15"), To: ingesttest.Date(t, "2026-06-15")}
	im, report := read(t, base(t, "v2", nil), opt)
	if len(im.Sessions) != 1 || im.Sessions[0].Start != opt.SchoolYear.From || im.Students[0].Profile.Enrollments[0].Entry != opt.SchoolYear.From {
		t.Errorf("%+v", im.Sessions)
	}
	if slices.ContainsFunc(report.Findings, func(f ingest.Finding) bool { return f.Rule == ingest.AssumedYear }) {
		t.Error("a year was assumed although one is declared")
	}
}

func TestADayOverTwelveInFrontTurnsTheColumnRound(t *testing.T) {
	t.Parallel()
	text := "SIS ID,School SIS ID,First Name,Last Name,Birthdate\nA,S1,A,A,3/4/2011\nB,S1,B,B,31/12/2013\n"
	im, report := read(t, base(t, "v1", map[string]string{"Student.csv": text, "Guardianrelationship.csv": absent}), options(t))
	if im == nil || im.Students[0].Profile.Birth != ingesttest.Date(t, "2011-04-03") || im.Students[1].Profile.Birth != ingesttest.Date(t, "2013-12-31") {
		t.Error(ingesttest.Findings(report))
	}
}

func TestRolesThatFollowOneAnotherAreOneStay(t *testing.T) {
	t.Parallel()
	header := "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\n"
	for what, c := range map[string]struct {
		rows string
		want int
	}{
		"a year and a term in it":    {"ST-1,S1,student,Y,9,TRUE,,\nST-1,S1,student,T1,9,TRUE,,\n", 1},
		"two terms without a gap":    {"ST-1,S1,student,,9,TRUE,2025-09-01,2025-12-31\nST-1,S1,student,,9,TRUE,2026-01-01,\n", 1},
		"back after a gap":           {"ST-1,S1,student,,9,TRUE,2025-09-01,2025-10-31\nST-1,S1,student,,9,TRUE,2026-01-01,\n", 2},
		"another grade":              {"ST-1,S1,student,,9,TRUE,2025-09-01,2025-12-31\nST-1,S1,student,,10,TRUE,2026-01-01,\n", 2},
		"two schools":                {"ST-1,S1,student,Y,9,TRUE,,\nST-1,S2,student,Y,9,FALSE,,\n", 2},
		"a role at the district too": {"ST-1,S1,student,Y,9,TRUE,,\nST-1,D,student,Y,9,TRUE,,\n", 1},
	} {
		im, report := read(t, base(t, "v21", map[string]string{
			"roles.csv": header + c.rows, "relationships.csv": absent,
		}), options(t))
		if im == nil || report.Errors() > 0 || len(im.Students) != 1 || len(im.Students[0].Profile.Enrollments) != c.want {
			t.Errorf("%s: %v", what, ingesttest.Findings(report))
		}
	}
}

func TestAForbiddenValueIsNowhere(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"v1", "v2", "v21"} {
		im, report := read(t, base(t, set, nil), options(t))
		if strings.Contains(fmt.Sprintf("%+v", im), "SECRETVALUE") || dropped(report) != 1 {
			t.Errorf("%s: %d columns dropped", set, dropped(report))
		}
	}
}

func TestTheOrderOfColumnsRowsAndQuotesDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"v1", "v2", "v21"} {
		want, _ := read(t, base(t, set, nil), options(t))
		rapid.Check(t, func(rt *rapid.T) {
			files := base(t, set, nil)
			folder := rapid.SampledFrom([]string{"", "export/"}).Draw(rt, "folder")
			moved := fstest.MapFS{}
			for name, f := range files {
				moved[folder+changeCase(rt, name)] = &fstest.MapFile{Data: shuffle(rt, f.Data)}
			}
			got, report := read(t, moved, options(t))
			if got == nil {
				rt.Fatal(ingesttest.Findings(report))
			}
			if !reflect.DeepEqual(got.Students, want.Students) || len(got.Schools) != len(want.Schools) || len(got.Sessions) != len(want.Sessions) {
				rt.Errorf("%s was read otherwise", set)
			}
		})
	}
}

func changeCase(rt *rapid.T, name string) string {
	if rapid.Bool().Draw(rt, "small") {
		return strings.ToLower(name)
	}
	return name
}

// shuffle writes a CSV text with its columns and rows in another order, each
// field quoted.
func shuffle(rt *rapid.T, text []byte) []byte {
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		rt.Fatal(err)
	}
	columns := make([]int, len(rows[0]))
	for i := range columns {
		columns[i] = i
	}
	columns = rapid.Permutation(columns).Draw(rt, "columns")
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(rt, "mark"))
	end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "end")
	body := rapid.Permutation(rows[1:]).Draw(rt, "rows")
	for _, row := range slices.Concat(rows[:1], body) {
		for i, c := range columns {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "\"%s\"", strings.ReplaceAll(row[c], "\"", "\"\""))
		}
		b.WriteString(end)
	}
	return []byte(b.String())
}

func FuzzSDS(f *testing.F) {
	for i, set := range []string{"v1", "v2", "v21"} {
		for name, file := range base(f, set, nil) {
			f.Add(byte(i), name, file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, set byte, name string, data []byte) {
		if name == "" || strings.ContainsAny(name, "/\\") || name == "." || name == ".." {
			return
		}
		files := base(t, []string{"v1", "v2", "v21"}[set%3], nil)
		files[name] = &fstest.MapFile{Data: data}
		im, report, err := ingest.Read(files, sds.Format(), options(t))
		if err != nil {
			return // a name that is none
		}
		if (im == nil) != report.Unusable() {
			t.Error("neither an import nor a reason")
		}
	})
}
