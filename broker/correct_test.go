package broker_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

const whyCorrected = "The second mark of a course was loaded as the first."

// correct corrects families of the fall.
func (d *town) correct(families ...records.Family) {
	d.t.Helper()
	d.done(d.CorrectPeriod(d.t.Context(), officer, townFall, broker.CorrectionRequest{Reason: whyCorrected, Families: families}))
}

// notCorrected asserts that a correction is refused, and says why.
func (d *town) notCorrected(why string, families ...records.Family) {
	d.t.Helper()
	a, err := d.CorrectPeriod(d.t.Context(), officer, townFall, broker.CorrectionRequest{Reason: whyCorrected, Families: families})
	refused(d.t, a, err, broker.Conflict)
	if !strings.Contains(err.Error(), why) {
		d.t.Errorf("the refusal is %v, want one about %q", err, why)
	}
}

// marked is the town's export with the marks of some children changed.
func marked(kids []pupil, marks map[int]string) files {
	f := townFiles(kids...)
	for i, mark := range marks {
		f = regraded(f, kids[i], mark)
	}
	return f
}

// mean is the mean course result of the cohort.
func (d *town) mean() coded {
	d.t.Helper()
	side := d.clubAll()["mean_course_result"].Cohort
	if side == nil {
		d.t.Fatal("the mean is withheld")
	}
	return side.Value
}

// holds reports that a figure may stand for a value.
func (c coded) holds(v float64) bool { return c.Low <= v && v <= c.High }

func TestACorrectionShowsTheCorrectedValuesOfTheFirstSets(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closePeriod(townFall)
	before := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	before.Drop()
	old, size := d.clubAll(), d.size()
	marks := map[int]string{}
	for i := range kids {
		marks[i] = "95"
	}
	d.imported(marked(kids, marks))
	d.roster("club", kids[:30]...)
	if got := d.mean(); !got.holds(71) || got.holds(95) {
		t.Fatalf("an import alone made the mean %+v", got)
	}
	d.clock.Set(inLent.Add(48 * time.Hour))
	d.correct(grades)
	if got := d.mean(); !got.holds(95) || got.holds(71) {
		t.Errorf("the corrected mean is %+v", got)
	}
	if got := d.clubAll(); canonical(t, got["attendance_rate"]) != canonical(t, old["attendance_rate"]) || got["mean_course_result"].Cohort.N != 12 {
		t.Errorf("the corrected row is %+v", got)
	}
	families, _ := d.shownFamilies()
	if g := families["grades"]; !g.CorrectedAt.Equal(d.clock.Now()) || g.PublishedAt.Equal(g.CorrectedAt) || !families["attendance"].CorrectedAt.IsZero() {
		t.Errorf("the comparison says %+v", families)
	}
	d.verified(before.Body()) // the receipt of the first figures
	if !slices.Contains(d.events(size), tlog.PeriodCorrected) {
		t.Errorf("the entries are %v", d.events(size))
	}
	body := d.correction()
	if body.Reason != whyCorrected || body.Period != townFall || len(body.Families) != 1 || len(body.Releases) != 1 || len(body.Kept) != 0 {
		t.Errorf("the entry says %+v", body)
	}
}

// correctedBody is the private half of the entry of a correction.
type correctedBody struct {
	Period   string                       `json:"period"`
	Families []string                     `json:"families"`
	Reason   string                       `json:"reason"`
	Kept     []struct{ Indicator string } `json:"kept"`
	Releases []any                        `json:"releases"`
}

// correction is the private half of the entry of the one correction.
func (d *town) correction() (body correctedBody) {
	d.t.Helper()
	for _, raw := range d.opened() {
		if err := json.Unmarshal(raw, &body); err == nil && body.Reason == whyCorrected && len(body.Releases) > 0 {
			return body
		}
		body = correctedBody{}
	}
	d.t.Fatal("the log has no correction")
	return body
}

func TestAFamilyIsCorrectedOnce(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.notCorrected("nothing of the period is published")
	d.closeFamilies(grades)
	d.notCorrected("load the corrected ones first")
	d.imported(marked(kids, map[int]string{0: "20"}))
	d.notCorrected("nothing is published of the period's attendance", attendance)
	d.correct()
	size := d.size()
	d.imported(marked(kids, map[int]string{0: "30"}))
	d.notCorrected("grades was corrected on 2026-03-10")
	d.notCorrected("grades was corrected on 2026-03-10", grades)
	for _, e := range d.events(size) {
		if e == tlog.PeriodCorrected || e == tlog.PeriodPublished {
			t.Errorf("a refused correction left a %s", e)
		}
	}
	d.closePeriod(townFall) // another family has its own
	d.imported(marked(kids, map[int]string{0: "40"}))
	d.correct(attendance)
}

func TestACorrectionNeedsAnOfficerAndAReason(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closePeriod(townFall)
	d.imported(marked(kids, map[int]string{0: "20"}))
	for _, r := range []broker.CorrectionRequest{{}, {Reason: strings.Repeat("x", 1001)}} {
		a, err := d.CorrectPeriod(t.Context(), officer, townFall, r)
		refused(t, a, err, broker.Invalid, "reason")
	}
	a, err := d.CorrectPeriod(t.Context(), officer, townFall, broker.CorrectionRequest{Reason: "x", Families: []records.Family{"weather"}})
	refused(t, a, err, broker.Invalid, "families")
	a, err = d.CorrectPeriod(t.Context(), steward, townFall, broker.CorrectionRequest{Reason: whyCorrected})
	refused(t, a, err, broker.NotAvailable)
	a, err = d.CorrectPeriod(t.Context(), officer, "absent", broker.CorrectionRequest{Reason: whyCorrected})
	refused(t, a, err, broker.NotAvailable)
}

func TestNothingIsCorrectedFromStaleRecords(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closePeriod(townFall)
	f := marked(kids, map[int]string{0: "20"})
	f.add("attendance", kids[0].id, north, "2025-10-06", "absent_excused")
	d.imported(spoiled(f, "grades"), degrade)
	d.notCorrected("grades records could not be loaded")
	d.correct(attendance)
}

// Whose mark is gone keeps the first; who had none stays out; who was too few
// before is withheld still.
func TestACorrectionChangesNeitherWhoCountsNorWhatIsWithheld(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t)
	first := townFiles(kids...)
	first.drop("grades", kids[0].id) // has no mark at first
	d.imported(first)
	d.club(kids[:13]...)
	for _, kid := range kids[11:13] {
		d.consent(consentTo("club", kid))
	}
	d.partner("small")
	d.conclude(terms("small", "small"))
	d.roster("small", kids[20:31]...)
	for _, kid := range kids[20:23] {
		d.consent(consentTo("small", kid))
	}
	d.closePeriod(townFall)
	if got := d.mean(); !got.holds(71) {
		t.Fatalf("the first mean is %+v", got)
	}
	marks := map[int]string{0: "0"}
	for i := 1; i < 13; i++ {
		marks[i] = "100"
	}
	second := marked(kids, marks)
	for _, kid := range kids[1:4] {
		second.drop("grades", kid.id)
	}
	d.imported(second)
	was := d.compare("small", "small", "", townFall)["all"]
	d.correct()
	// Three keep 71, nine have 100: 92.75. With the 0 of the child that had no mark
	// it were 85.6, of the nine alone 100.
	if got := d.mean(); !got.holds(92.75) || got.holds(85.6) || got.holds(100) {
		t.Errorf("the corrected mean is %+v, want 92.75", got)
	}
	now := d.compare("small", "small", "", townFall)["all"]
	if was["mean_course_result"].Status != "withheld" || now["mean_course_result"].Status != "withheld" || now["mean_course_result"].Cohort != nil {
		t.Errorf("what was withheld (%+v) is now %+v", was["mean_course_result"], now["mean_course_result"])
	}
}

// Noise belongs to a group and its values: a group that a correction leaves as it
// is has the figure it had, and one that it changes has fresh noise.
func TestACorrectionUnderNoiseKeepsTheFiguresOfUnchangedGroups(t *testing.T) {
	t.Parallel()
	kids := others(120)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Profile = agreement.Standard
	d.conclude(r)
	d.roster("club", kids[:50]...)
	d.closePeriod(townFall)
	before := d.clubAll()
	f := townFiles(kids...)
	for _, kid := range kids[60:100] { // of the rest only
		f = regraded(f, kid, "20")
	}
	d.imported(f)
	d.correct()
	after := d.clubAll()
	for _, indicator := range []string{"attendance_rate", "chronic_absence"} {
		if canonical(t, before[indicator]) != canonical(t, after[indicator]) {
			t.Errorf("%s became %+v, was %+v", indicator, after[indicator], before[indicator])
		}
	}
	was, now := before["mean_course_result"], after["mean_course_result"]
	if was.Cohort == nil || now.Cohort == nil || was.Cohort.Value != now.Cohort.Value || was.Rest.Value == now.Rest.Value {
		t.Errorf("marks were %+v and %+v, are %+v and %+v", was.Cohort, was.Rest, now.Cohort, now.Rest)
	}
}

// quarters is a town whose children stand in two schools and two grades, with an
// agreement over every row and another over a large part of its children.
func quarters(t *testing.T) (*town, []pupil, files) {
	t.Helper()
	kids := others(96)
	f := townFiles()
	for i := range kids {
		kids[i].school = []string{north, south}[i%2]
		f.pupil(kids[i])
		rows := f["enrollments"]
		rows[len(rows)-1][4] = strconv.Itoa(9 + i/2%2)
	}
	d := emptyTown(t, inLent)
	d.imported(f)
	for id, roster := range map[string][]pupil{"club": kids[:48], "part": kids[:36]} {
		d.partner(id)
		r := terms(id, id)
		r.Grain = []string{"all", "school", "grade"}
		if id == "part" {
			r.Grain = []string{"all"}
		}
		d.conclude(r)
		d.roster(id, roster...)
	}
	return d, kids, f
}

// Every first figure of a child counts, and every corrected one again. The pooled
// figures are corrected first; a row that would be a ninth keeps its first figure,
// and only the district's log says so.
func TestARowBeyondTheExposureCapKeepsItsFirstFigure(t *testing.T) {
	t.Parallel()
	d, kids, f := quarters(t)
	d.closePeriod(townFall)
	shown := func(school string) figures { return d.compare("club", "club", school, townFall) }
	pooled, byGrade, before := shown("")["all"], shown("")["grade:9"], shown(north)["school:North"]
	if pooled["mean_course_result"].Cohort == nil || byGrade["mean_course_result"].Cohort == nil || before["mean_course_result"].Cohort == nil {
		t.Fatalf("the town is no test: %+v", shown(""))
	}
	for _, kid := range kids {
		f = regraded(f, kid, "95")
	}
	d.imported(f)
	d.correct(grades)
	if got := shown("")["all"]["mean_course_result"].Cohort.Value; !got.holds(95) || got.holds(71) {
		t.Errorf("the pooled mean is %+v", got)
	}
	if got := shown(north)["school:North"]["mean_course_result"].Cohort.Value; !got.holds(95) || got.holds(71) {
		t.Errorf("the school's mean is %+v", got)
	}
	if got := shown("")["grade:9"]["mean_course_result"].Cohort.Value; !got.holds(71) || got.holds(95) {
		t.Errorf("a grade's mean is %+v, want the first, 71", got)
	}
	kept := d.correction().Kept
	if len(kept) == 0 {
		t.Error("the entry names no kept row")
	}
	body := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	body.Drop()
	if strings.Contains(string(body.Body()), "kept") {
		t.Error("the partner is told which rows were kept")
	}
}

func TestBothVersionsOfACorrectedReleaseStayStored(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closePeriod(townFall)
	d.imported(marked(kids, map[int]string{0: "20"}))
	d.correct()
	list := d.ledger().Records
	if len(list) != 2 || list[0].Correction || !list[1].Correction || list[0].Release == list[1].Release {
		t.Errorf("the ledger has %+v", list)
	}
	n := 0
	d.scan("releases", func([]byte, []byte) { n++ })
	if n != 2 {
		t.Errorf("%d releases are stored", n)
	}
}
