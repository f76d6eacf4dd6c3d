package oneroster_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// TestWhatMustNeverComeInIsNowhere plants values in columns that are forbidden,
// in columns that are not read and in the file that is never opened, and looks
// for them in all that comes out.
func TestWhatMustNeverComeInIsNowhere(t *testing.T) {
	t.Parallel()
	forbidden := []string{"password", "ssn", "metadata.socialSecurityNumber", "fingerprintTemplate", "metadata.diagnosis"}
	unread := []string{"username", "userMasterIdentifier", "preferredGivenName", "pronouns", "countryOfBirthCode", "metadata.lunch"}
	set := withDelta(t)
	for name, file := range set {
		if strings.HasSuffix(name, "manifest.csv") {
			continue
		}
		rows := cellsOf(t, file.Data)
		for _, column := range append(forbidden, unread...) {
			rows[0] = append(rows[0], column+strings.Repeat(" ", strings.Count(strings.Join(rows[0], ","), column)))
			for i := range rows[1:] {
				rows[i+1] = append(rows[i+1], "PLANTED"+column)
			}
		}
		set[name] = written(dropRepeated(rows), false)
	}
	im, report := read(t, set, options(t))
	if im == nil {
		t.Fatal(ingesttest.Findings(report))
	}
	for what, text := range map[string]string{
		"import": fmt.Sprintf("%+v", im), "district": fmt.Sprintf("%+v", im.Apply(nil, 1, ingesttest.Identities())), "report": ingesttest.Shown(t, report),
	} {
		for _, planted := range []string{"PLANTED", "hunter", "Willa", "tt,", "SECRETVALUE"} {
			if strings.Contains(text, planted) {
				t.Errorf("%q stands in the %s", planted, what)
			}
		}
	}
	dropped := 0
	for _, line := range ingesttest.Findings(report) {
		if strings.HasSuffix(line, "dropped-column") {
			dropped++
		}
	}
	if want := len(forbidden) * 16; dropped != want {
		t.Errorf("%d columns are said to be dropped, want %d", dropped, want)
	}
}

// dropRepeated leaves out columns whose name stands before.
func dropRepeated(rows [][]string) [][]string {
	seen := map[string]bool{}
	out := make([][]string, len(rows))
	for c := len(rows[0]) - 1; c >= 0; c-- {
		name := strings.ToLower(strings.TrimSpace(rows[0][c]))
		if seen[name] {
			continue
		}
		seen[name] = true
		for r := range rows {
			out[r] = append(out[r], strings.TrimSpace(rows[r][c]))
		}
	}
	return out
}

func TestTheFileOfAccountsIsNeverOpened(t *testing.T) {
	t.Parallel()
	set := base(t)
	set["userProfiles.csv"] = &fstest.MapFile{Data: []byte("\xff\xfe\x00 no CSV at all")}
	_, report := read(t, set, options(t))
	same(t, "findings", ingesttest.Findings(report), lines(baseFindings))
}
