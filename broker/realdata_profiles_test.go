package broker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// Real and sample districts in all three profiles: what the preflight foretells stands
// in testdata/preflight, and what is published passes the identities.

// profiles are all three, by the id of the agreement that has each.
var profiles = map[string]agreement.Profile{"noisy": agreement.Standard, "plain": agreement.PublishedTable, "paid": agreement.Budgeted}

// underAll makes an agreement of each profile over the same schools and indicators. The
// paid one has two of the indicators, pooled, which is what its budget holds.
func (d *town) underAll(schools, indicators, paid []string, from civil.Date, grain ...string) {
	d.t.Helper()
	for id, profile := range profiles {
		d.partner(id)
		r := terms(id, id)
		r.Profile, r.Schools, r.Indicators, r.Grain, r.TermFrom, r.TermTo = profile, schools, indicators, grain, from, from+730
		if profile == agreement.Budgeted {
			r.Epsilon, r.Grain, r.Indicators = 80, []string{"all"}, paid
		}
		d.conclude(r)
	}
}

// text is a preflight as a golden file holds it: all of it that depends on nothing but
// the records, the rosters and the terms.
func (p preflightAnswer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, forecast: %t, census %s, refused: %v, stale: %v\n", p.State, p.Forecast, p.Census, p.Blocked, p.Stale)
	for _, a := range p.Agreements {
		fmt.Fprintf(&b, "\n%s, under %s\n", a.Agreement, a.Profile)
		fmt.Fprintf(&b, "  %d participants, %d unmatched: %d beside %d\n", a.Participants, a.Unmatched, a.Cohort, a.Rest)
		fmt.Fprintf(&b, "  %d of %d figures shown; withheld: %v\n", a.Figures.Shown, a.Figures.Planned, a.Figures.Reasons)
		for _, v := range a.Pooled {
			fmt.Fprintf(&b, "  %s: %s\n", v.Indicator, strings.TrimSpace(v.Status+" "+v.Cause))
		}
		fmt.Fprintf(&b, "  %d figures a student; %d with the total, right %v\n", a.Exposure, a.Risk.Figures, a.Risk.Right)
		for _, h := range a.Holds {
			fmt.Fprintf(&b, "  %s: %d more yes\n", h.Family, h.Yeses)
		}
		for _, line := range slices.Concat(a.Risk.Words, a.Sees) {
			fmt.Fprintf(&b, "  - %s\n", line)
		}
	}
	fmt.Fprintf(&b, "\nOf %d agreements with forty or more %d lose a pooled row.\n", p.Lost.Agreements, p.Lost.Lost)
	return b.String()
}

// allShown checks that every agreement has figures of a session.
func (d *town) allShown(session, indicator string) {
	d.t.Helper()
	for id := range profiles {
		if f := d.compare(id, id, "", session)["all"][indicator]; f.Cohort == nil || f.Rest == nil {
			d.t.Errorf("%s: the pooled row of %s is %s", id, indicator, f.Status)
		}
	}
}

// foretold prints a preflight and compares it with its golden file.
func (d *town) foretold(session, name string) {
	d.t.Helper()
	text := d.preflight(session).text()
	d.t.Log(text)
	path := filepath.Join("testdata", "preflight", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	if text != string(want) {
		d.t.Errorf("%s differs (go test -update writes it anew)", path)
	}
}

func TestTheRealSchoolsInAllProfilesPassTheIdentities(t *testing.T) {
	t.Parallel()
	dir := sharedData(t, "uci-por")
	d := emptyTown(t, afterSchool)
	d.load(dir, ingest.Options{})
	d.underAll([]string{"GP", "MS"}, byHandIndicators, []string{"chronic_absence", "course_failure_share"}, day("2005-09-01"))
	for id := range profiles {
		d.upload(id, id)
	}
	d.foretold("2005-06", "uci-por")
	d.closedAlike("2005-06")
	d.allShown("2005-06", "chronic_absence")
	d.examine("2005-06", witness{year: folderByHand(t, dir)})
}

// grandIndicators are those of which Grand Bend has records.
var grandIndicators = []string{"mean_course_result", "course_failure_share", "iss_students", "suspended_students", "incidents_per_100"}

// sessions is the log of a roster of Grand Bend: twelve Mondays of the year each.
func (g *grandBend) sessions(roster []pupil) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for _, p := range roster {
		for i := range 12 {
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", p.ref(), p.given, p.family, p.birth, p.school, day("2021-09-06")+civil.Date(7*i))
		}
	}
	return b.String()
}

// signedWith signs an agreement of every profile and gives all of them the same roster.
func (g *grandBend) signedWith(roster []pupil, grain ...string) {
	g.t.Helper()
	g.underAll(grandSchools[:], grandIndicators, []string{"iss_students", "suspended_students"}, day("2021-08-01"), grain...)
	for id := range profiles {
		g.done(g.PutParticipation(g.t.Context(), officer, id, strings.NewReader(g.sessions(roster))))
	}
}

// among are the suspended with so many others of each school.
func (g *grandBend) among(others map[string]int) []pupil {
	roster := slices.Clone(g.suspended)
	for school, n := range others {
		for _, p := range g.at(school, g.students) {
			if n > 0 && !slices.Contains(roster, p) {
				roster = append(roster, p)
				n--
			}
		}
	}
	return roster
}

func TestGrandBendInAllProfilesPassesTheIdentities(t *testing.T) {
	t.Parallel()
	g := newGrandBend(t, 1)
	g.isGrandBend()
	g.signedWith(g.among(map[string]int{grandHigh: 40, grandMiddle: 30, grandElementary: 50}))
	g.foretold(grandYear, "grand-bend")
	g.closedAlike(grandYear)
	g.allShown(grandYear, "iss_students")
	g.examine(grandYear, witness{year: yearByHand(g.files)})
}
