package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// preflightAnswer is what is read of a preflight.
type preflightAnswer struct {
	State      string
	Forecast   bool
	Census     string
	Blocked    []string
	Agreements []preflightPart
	Lost       lostAnswer `json:"pooled_lost"`
	Stale      []struct{ Family string }
}

type lostAnswer struct {
	Agreements, Lost int
	Causes           []struct{ Agreement, Indicator, Cause string }
}

type preflightPart struct {
	Agreement, Profile                    string
	Participants, Unmatched, Cohort, Rest int
	Figures                               struct {
		Planned, Shown, Withheld int
		Reasons                  map[string]int
	}
	Pooled   []struct{ Indicator, Status, Cause string }
	Exposure int `json:"figures_a_student"`
	Risk     struct {
		Figures int
		Right   float64
		Year    struct {
			Figures int
			Right   float64
		}
		Words []string
	}
	Holds []struct {
		Family string
		Yeses  int `json:"more_yes"`
	}
	Totals []struct{ Indicator, School, Grade string } `json:"public_totals"`
	Sees   []string                                    `json:"partner_sees"`
	Memo   struct {
		State   string
		By      string
		Subject string `json:"subject_sha256"`
	}
}

func (d *town) preflight(session string) preflightAnswer {
	d.t.Helper()
	return data[preflightAnswer](d.t, d.must(d.Preflight(d.t.Context(), officer, session)))
}

// part is one agreement of a preflight.
func (p preflightAnswer) part(t *testing.T, id string) preflightPart {
	t.Helper()
	for _, a := range p.Agreements {
		if a.Agreement == id {
			return a
		}
	}
	t.Fatalf("the preflight does not speak of %s: %+v", id, p)
	return preflightPart{}
}

// cause is why the pooled row of an indicator is withheld.
func (p preflightPart) cause(t *testing.T, indicator string) string {
	t.Helper()
	for _, v := range p.Pooled {
		if v.Indicator == indicator {
			return v.Cause
		}
	}
	t.Fatalf("no %s in %+v", indicator, p)
	return ""
}

func TestAPreflightForetellsTheReleaseAndChangesNothing(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.consent(consentTo("club", kids[0]))
	size := d.size()
	before := d.preflight(townFall)
	if again := d.preflight(townFall); canonical(t, again) != canonical(t, before) || d.size() != size {
		t.Error("a preflight changed something")
	}
	club := before.part(t, "club")
	if before.State != "open" || before.Forecast || len(before.Blocked) > 0 || club.Participants != 12 || club.Unmatched != 0 || club.Cohort != 12 {
		t.Errorf("the preflight says %+v", before)
	}
	d.closePeriod(townFall)
	shown := 0
	for _, school := range []string{"", north, south} {
		for _, row := range d.compare("club", "club", school, townFall) {
			for _, f := range row {
				if f.Cohort != nil {
					shown++
				}
			}
		}
	}
	if shown != club.Figures.Shown || shown == 0 {
		t.Errorf("%d figures are shown; the preflight said %d", shown, club.Figures.Shown)
	}
	after := d.preflight(townFall)
	if after.State != "published" || after.part(t, "club").Memo.Subject != club.Memo.Subject || after.part(t, "club").Figures.Shown != shown {
		t.Errorf("after the close it says %+v", after)
	}
}

func TestAPreflightBeforeThePeriodsEndIsAForecast(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	p := d.preflight(townLent)
	if !p.Forecast || len(p.Blocked) != 1 || !strings.Contains(p.Blocked[0], "2026-06-22") {
		t.Errorf("the preflight of a running period says %+v", p)
	}
	if got := p.part(t, "club"); got.Cohort != 12 {
		t.Errorf("it says %+v", got)
	}
	a, err := d.ClosePeriod(t.Context(), steward, townLent)
	refused(t, a, err, broker.Conflict)
	a, err = d.Preflight(t.Context(), steward, "absent")
	refused(t, a, err, broker.NotAvailable)
}

// The number of families that may still say yes is the number of families that
// may still say yes.
func TestAsManyMoreFamiliesMaySayYesAsThePreflightSays(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 13)
	d.closePeriod(townFall)
	left := -1
	for _, h := range d.preflight(townFall).part(t, "club").Holds {
		if h.Family == "attendance" {
			left = h.Yeses
		}
	}
	if left != 3 {
		t.Fatalf("of thirteen over a floor of ten, %d may still say yes", left)
	}
	for i := range left + 1 {
		made := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, consentTo("club", kids[i]))))
		if held := len(made.Held) > 0; held != (i == left) {
			t.Errorf("yes number %d is held: %t", i+1, held)
		}
	}
}

func TestAPreflightNamesTheCauseOfEachLostRow(t *testing.T) {
	t.Parallel()
	kids := others(60)
	d := newTown(t, kids...)
	for id, n := range map[string]int{"a": 12, "b": 13, "c": 6, "d": 55} {
		d.partner(id)
		r := terms(id, id)
		r.Indicators = []string{"attendance_rate"}
		d.conclude(r)
		d.roster(id, kids[:n]...)
	}
	p := d.preflight(townFall)
	for id, want := range map[string]string{"a": "", "b": "nearly those of a figure that is published already (a", "c": "6 participants with records; 10 are needed"} {
		if got := p.part(t, id).cause(t, "attendance_rate"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: the cause is %q", id, got)
		}
	}
	if p.Lost.Agreements != 1 || p.Lost.Lost != len(p.Lost.Causes) {
		t.Errorf("of the agreements with forty it says %+v", p.Lost)
	}
	d.closePeriod(townFall)
	for _, id := range []string{"a", "b", "c", "d"} {
		shown := d.compare(id, id, "", townFall)["all"]["attendance_rate"].Cohort != nil
		if shown != (p.part(t, id).cause(t, "attendance_rate") == "") {
			t.Errorf("%s: shown is %t", id, shown)
		}
	}
}

func TestAPreflightCountsTheUnmatchedAndTheKnown(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.club(append(kids[:12:12], stranger)...)
	for _, kid := range kids[:3] {
		d.consent(consentTo("club", kid))
	}
	club := d.preflight(townFall).part(t, "club")
	if club.Participants != 13 || club.Unmatched != 1 || club.Cohort != 12 {
		t.Errorf("it says %+v", club)
	}
	if got := club.cause(t, "attendance_rate"); !strings.Contains(got, "only 9") {
		t.Errorf("with three of twelve known the cause is %q", got)
	}
	if club.Figures.Withheld != club.Figures.Planned-club.Figures.Shown || club.Figures.Reasons["primary"] == 0 {
		t.Errorf("the tally is %+v", club.Figures)
	}
}

func TestThePreflightSaysTheBoundsOfEachProfile(t *testing.T) {
	t.Parallel()
	kids := others(60)
	d := newTown(t, kids...)
	for i, profile := range []agreement.Profile{agreement.Standard, agreement.PublishedTable} {
		id := fmt.Sprintf("p%d", i)
		d.partner(id)
		r := terms(id, id)
		r.Profile = profile
		d.conclude(r)
		d.roster(id, kids[:30]...)
	}
	p := d.preflight(townFall)
	standard, table := p.part(t, "p0").Risk, p.part(t, "p1").Risk
	if standard.Right < 0.6 || standard.Right > 0.85 || !strings.Contains(strings.Join(standard.Words, " "), "guesses the last one right at most") {
		t.Errorf("standard: %+v", standard)
	}
	if table.Right != 0 || !strings.Contains(strings.Join(table.Words, " "), "45 %") {
		t.Errorf("published_table: %+v", table)
	}
	if !strings.Contains(strings.Join(standard.Words, " "), "does not count figures about the same students that p1 shows") {
		t.Errorf("standard beside a table without noise: %+v", standard)
	}
	// The two have the same children: their cohorts are one figure a row.
	if got := p.part(t, "p0"); got.Exposure < 1 || got.Exposure > 2 || got.Risk.Figures != got.Exposure+1 {
		t.Errorf("the exposure is %d, the figures %d", got.Exposure, got.Risk.Figures)
	}
}

// preflightOver is the preflight of a district with sixty children, twenty of them
// the club's, whose outcomes a test changes. Its public total fits the records as
// they are without a change.
func preflightOver(t *testing.T, change func(files, []pupil), options ...func(*broker.Options)) (string, *town) {
	t.Helper()
	kids := others(60)
	f := townFiles(kids...)
	f["public_totals"] = [][]string{
		{"school_id", "session_id", "indicator", "row", "value", "precision"},
		{north, townFall, "chronic_absence", "all", "0", "1"},
	}
	change(f, kids)
	d := emptyTown(t, inLent, options...)
	d.load(f.write(t), ingest.Options{})
	d.club(kids[:20]...)
	d.consent(consentTo("club", kids[0]))
	a, err := d.Preflight(t.Context(), officer, townFall)
	if err != nil {
		return err.Error(), d
	}
	defer a.Drop()
	return string(a.Body()), d
}

func unchanged(files, []pupil) {}

// worse lets children miss more days and fail.
func worse(f files, kids []pupil) {
	for i, kid := range kids {
		for week := 2; week < 2+i%9; week++ {
			f.add("attendance", kid.id, north, (day(fallFirst) + civil.Date(7*week)).String(), "absent_unexcused")
		}
	}
	for _, row := range f["grades"][1:] {
		row[5] = "44"
	}
}

func TestTwoDistrictsThatDifferInOutcomesOnlyHaveTheSamePreflight(t *testing.T) {
	t.Parallel()
	plain, _ := preflightOver(t, unchanged)
	other, d := preflightOver(t, worse)
	if plain != other || !strings.Contains(plain, `"agreement":"club"`) {
		t.Errorf("they differ:\n%s\n%s", plain, other)
	}
	a, err := d.ClosePeriod(t.Context(), steward, townFall) // which does look
	refused(t, a, err, broker.Conflict)
}

func TestAPreflightThatPeeksTellsThemApart(t *testing.T) {
	t.Parallel()
	plain, _ := preflightOver(t, unchanged, sabotaged(broker.Sabotage{Peek: true}))
	other, _ := preflightOver(t, worse, sabotaged(broker.Sabotage{Peek: true}))
	if plain == other {
		t.Error("nothing noticed that the preflight looks at outcomes")
	}
}

func TestAPreflightSpeaksOfStaleRecordsAndStillAnswers(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	fresh := d.preflight(townFall)
	d.imported(spoiled(townFiles(kids...), "attendance"), degrade)
	p := d.preflight(townFall)
	if len(fresh.Stale) != 0 || len(p.Stale) != 1 || p.Stale[0].Family != "attendance" || len(p.Blocked) != 1 || !strings.Contains(p.Blocked[0], "attendance") {
		t.Errorf("it says %+v", p)
	}
	if p.part(t, "club").Figures.Shown != fresh.part(t, "club").Figures.Shown {
		t.Error("stale records changed what a close would show")
	}
}

// Another agreement's figures about the same children are given away by their families'
// answers too: here one that shows each school of a cohort that the other shows pooled.
func TestMoreYesOfAnAgreementCountsWhatOthersShowOfItsChildren(t *testing.T) {
	t.Parallel()
	m := newMixed(t, inLent, 4, 120, 1)
	roster := m.kids[:26] // thirteen at each school
	m.partner("pooled")
	r := terms("pooled", "pooled")
	r.Profile, r.Grain, r.Indicators = agreement.Standard, []string{"all"}, byHandIndicators[:2]
	m.conclude(r)
	m.roster("pooled", roster...)
	m.pact("plain", agreement.PublishedTable, byHandIndicators[:2], roster...)
	m.closePeriod(townFall)
	for _, id := range []string{"pooled", "plain"} {
		if holds := m.preflight(townFall).part(t, id).Holds; len(holds) != 1 || holds[0].Family != "attendance" || holds[0].Yeses != 3 {
			t.Errorf("%s: %+v more yes, want three of attendance", id, holds)
		}
	}
	held := 0
	for i := range 8 {
		if got := m.says("pooled", roster[2*i]); len(got.Held) > 0 { // all of one school
			held++
		} else if held > 0 || i > 2 {
			t.Errorf("yes number %d is not held", i+1)
		}
	}
	if held != 5 {
		t.Errorf("%d of eight are held, want all after the third", held)
	}
}

// TestAPreflightCountsTheFiguresOfTheSchoolYear of all agreements, and not those of
// periods that are frozen later: a memo that was signed stands.
func TestAPreflightCountsTheFiguresOfTheSchoolYear(t *testing.T) {
	t.Parallel()
	d := toDateTown(t, afterTrinity) // an agreement over sixty pupils and five, thirty of them in its cohort
	d.partner("choir")
	r := terms("choir", "choir")
	r.Profile, r.Indicators, r.Grain = agreement.Standard, []string{"mean_course_result"}, []string{"all"}
	d.conclude(r)
	d.roster("choir", others(60)[10:45]...)
	year := func(period string) (figures int, right float64, words string) {
		p := d.preflight(period).part(t, "club")
		return p.Risk.Year.Figures, p.Risk.Year.Right, strings.Join(p.Risk.Words, "\n")
	}
	// In each period twenty are in two cohorts and have one school's total.
	if figures, _, words := year(townFall); figures != 3 || strings.Contains(words, "all year") {
		t.Errorf("before any close it counts %d figures and says %s", figures, words)
	}
	signed := d.preflight(townFall).part(t, "club").Memo.Subject
	last := 0.
	for i, period := range []string{townFall, townLent, lentToDate} {
		figures, right, words := year(period)
		if want := 3 * (i + 1); figures != want || right <= last || i > 0 && !strings.Contains(words, fmt.Sprintf("%d figures speak", want)) {
			t.Errorf("%s: it counts %d figures, want %d, %.3f after %.3f, and says %s", period, figures, want, right, last, words)
		}
		d.closePeriod(period)
		d.clock.Set(d.clock.Now().Add(time.Minute))
		last = right
	}
	if figures, _, _ := year(townFall); figures != 3 || d.preflight(townFall).part(t, "club").Memo.Subject != signed {
		t.Errorf("later periods changed what is said of the first: it counts %d figures", figures)
	}
}
