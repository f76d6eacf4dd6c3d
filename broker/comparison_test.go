package broker_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/consent"
)

// realSchools is the real district with the mentoring agreement and its
// participants.
func realSchools(t testing.TB) *district {
	t.Helper()
	d := newMade(t, afterSchool).district
	d.load(sharedData(t, "uci-por"), ingest.Options{})
	d.agree("riverside", "mentoring", "GP", "MS")
	d.upload("riverside", "mentoring")
	return d
}

// handRows are the rows of the real schools, by name, as tests of a student.
func handRows() map[string]func(*handStudent) bool {
	rows := map[string]func(*handStudent) bool{"all": func(*handStudent) bool { return true }}
	for _, school := range []string{"GP", "MS"} {
		rows["school:"+school] = func(s *handStudent) bool { return s.school == school }
		for _, grade := range []string{"10", "11", "12"} {
			rows["grade:"+grade] = func(s *handStudent) bool { return s.grade == grade }
			rows["school:"+school+"/grade:"+grade] = func(s *handStudent) bool { return s.school == school && s.grade == grade }
		}
	}
	return rows
}

func TestTheHandCountIsTheOneOfTheSource(t *testing.T) {
	t.Parallel()
	students := handStudents(t)
	participants := 0
	adults := 0
	for _, s := range students {
		if len(s.dates) > 0 {
			participants++
			if s.adult {
				adults++
			}
		}
	}
	if participants != 330 || adults != 157 {
		t.Errorf("%d participants, %d of them grown", participants, adults)
	}
	for _, c := range []struct {
		cohort                              bool
		n, gp, ms, chronic, failed, results int64
		attendance, mean                    string
	}{
		{true, 315, 219, 96, 4, 170, 945, "98.01", "11.83"},
		{false, 334, 204, 130, 7, 232, 1002, "97.93", "11.43"},
	} {
		of := func(in func(*handStudent) bool) handGroup {
			return sumByHand(students, func(s *handStudent) bool { return (len(s.dates) >= 9) == c.cohort && in(s) })
		}
		rows := handRows()
		g, gp, ms := of(rows["all"]), of(rows["school:GP"]), of(rows["school:MS"])
		if g.n != c.n || gp.n != c.gp || ms.n != c.ms || g.chronic != c.chronic || g.failed != c.failed || g.results != c.results {
			t.Errorf("by hand: n %d (%d, %d), chronic %d, failed %d of %d", g.n, gp.n, ms.n, g.chronic, g.failed, g.results)
		}
		if a, m := g.average(g.attended, 100).FloatString(2), g.average(g.mean, 1).FloatString(2); a != c.attendance || m != c.mean {
			t.Errorf("by hand: attendance %s %%, mean result %s", a, m)
		}
	}
}

// Every figure of every row equals the one worked out by hand, protected by
// the bands of the specification.
func TestEveryFigureOfTheRealSchoolsEqualsTheHandCount(t *testing.T) {
	t.Parallel()
	d := realSchools(t)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	students := handStudents(t)
	shown := d.compare("riverside", "mentoring", "", "2005-06")
	for _, school := range []string{"GP", "MS"} {
		for row, f := range d.compare("riverside", "mentoring", school, "2005-06") {
			shown[row] = f
		}
	}
	rows := handRows()
	if len(shown) != len(rows) {
		t.Errorf("%d rows are shown, want %d", len(shown), len(rows))
	}
	for name, in := range rows {
		cohort := sumByHand(students, func(s *handStudent) bool { return len(s.dates) >= 9 && in(s) })
		rest := sumByHand(students, func(s *handStudent) bool { return len(s.dates) < 9 && in(s) })
		wantCohort, wantRest := cohort.codes(), rest.codes()
		for indicator := range wantCohort {
			f := shown[name][indicator]
			if f.Status != "ok" || f.Cohort == nil || f.Rest == nil {
				t.Errorf("%s, %s is %s", name, indicator, f.Status)
				continue
			}
			if f.Cohort.N != int(cohort.n) || f.Rest.N != int(rest.n) {
				t.Errorf("%s, %s: %d and %d children, by hand %d and %d", name, indicator, f.Cohort.N, f.Rest.N, cohort.n, rest.n)
			}
			if f.Cohort.Value.Code != wantCohort[indicator] || f.Rest.Value.Code != wantRest[indicator] {
				t.Errorf("%s, %s: %s and %s, by hand %s and %s", name, indicator, f.Cohort.Value.Code, f.Rest.Value.Code, wantCohort[indicator], wantRest[indicator])
			}
		}
		for _, indicator := range []string{"gpa", "iss_students", "oss_students", "suspended_students", "incidents_per_100"} {
			if f := shown[name][indicator]; f.Status != "not_reported" || f.Cohort != nil || f.Rest != nil || f.Consented != nil {
				t.Errorf("%s, %s is %+v, want not_reported", name, indicator, f)
			}
		}
	}
	if t.Failed() {
		return
	}
	if got := shown["all"]; got["chronic_absence"].Cohort.Value.Code != "LE1" || got["chronic_absence"].Rest.Value.Code != "2" ||
		got["course_failure_share"].Cohort.Value.Code != "18" || got["course_failure_share"].Rest.Value.Code != "23" {
		t.Errorf("the pooled row is %+v", got)
	}
}

func TestAComparisonSaysWhatItIsAndCarriesAReceipt(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club"}))
	p := d.verified(a.Body())
	if p.Header.Event != tlog.QueryReleased || p.Header.Decision != tlog.Allow || p.Header.Clause == "" || p.Header.Policy == "" || p.Header.Agreement != "club" {
		t.Errorf("the receipt says %+v", p.Header)
	}
	if p.Leaf.Subjects != 0 {
		t.Errorf("protected figures concern %d subjects one by one", p.Leaf.Subjects)
	}
	got := data[struct {
		Agreement, School, Profile, Census string
		ForWhom                            string `json:"for_whom"`
		AsOf                               string `json:"as_of"`
		Period                             struct {
			SessionID string `json:"session_id"`
		}
		Definitions []struct{ ID, Numerator, Denominator string }
		Settings    []string
		Cautions    []string
	}](t, a)
	if got.School != "all" || got.Period.SessionID != townFall || got.Profile != "published_table" || got.AsOf != "2026-03-10" || got.ForWhom != "named_people" {
		t.Errorf("the answer says %+v", got)
	}
	if len(got.Definitions) != 9 || got.Definitions[0].Numerator == "" || len(got.Cautions) == 0 || len(got.Settings) == 0 {
		t.Errorf("the answer explains itself with %+v", got)
	}
}

func TestTheNewestReleaseAnswersWhereNoPeriodIsNamed(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	a, err := d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club"})
	denied(t, a, err, "release_not_published")
	d.closePeriod(townFall)
	d.clock.Set(inLent.AddDate(0, 4, 0))
	d.imported(townFiles(kids...))
	d.closePeriod(townYear)
	newest := data[struct {
		Period struct {
			SessionID string `json:"session_id"`
		}
	}](t, d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club"})))
	if newest.Period.SessionID != townYear {
		t.Errorf("the newest release is of %s", newest.Period.SessionID)
	}
}

func TestOnlySchoolsAndPeriodsOfTheAgreementAreAnswered(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	for _, school := range []string{"West", "north", "*"} {
		a, err := d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", School: school, Period: townFall})
		denied(t, a, err, "school_not_in_agreement")
	}
	a, err := d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: "absent"})
	refused(t, a, err, broker.NotAvailable)
	r := terms("club", "next")
	r.TermFrom = day("2026-03-01")
	d.conclude(r)
	a, err = d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "next", Period: townFall})
	denied(t, a, err, "period_not_in_term")
}

func TestACohortUnderTenIsWithheld(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 9)
	d.closePeriod(townFall)
	for name, f := range d.compare("club", "club", "", townFall)["all"] {
		if f.Cohort != nil || f.Rest != nil || f.Status == "ok" {
			t.Errorf("%s shows %+v", name, f)
		}
	}
}

// The summary beside a withheld row counts the rows that the caller may read,
// live and exact, and nothing else: the partner could work it out itself.
func TestTheConsentedSummaryIsTheMeanOfTheRowsTheCallerReads(t *testing.T) {
	t.Parallel()
	d := realSchools(t)
	students := handStudents(t)
	var chosen []*handStudent
	for i := 1; i <= 649; i++ {
		s := students[fmt.Sprintf("POR%04d", i)]
		if len(s.dates) >= 9 && !s.adult && s.school == "MS" && s.grade == "10" && len(chosen) < 33 {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) < 32 {
		t.Fatalf("only %d children to consent for", len(chosen))
	}
	for i, s := range chosen {
		r := yes("mentoring", s.id, guardianOf(t, s.id))
		if i == 0 {
			r.Categories = []consent.Category{consent.Grades} // of this one no attendance
		}
		d.done(d.CreateConsent(t.Context(), officer, r))
	}
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))

	row := d.compare("riverside", "mentoring", "MS", "2005-06")["school:MS/grade:10"]
	f := row["attendance_rate"]
	if f.Status != "withheld" || f.Cohort != nil || f.Consented == nil {
		t.Fatalf("the row is %+v", f)
	}
	in := func(s *handStudent) bool { return slices.Contains(chosen[1:], s) }
	want := sumByHand(students, in)
	if f.Consented.Unit != "percent" || f.Consented.N != int(want.n) || !closeTo(f.Consented.Value, want.average(want.attended, 100)) {
		t.Errorf("the summary is %+v, by hand %d children, %s", f.Consented, want.n, want.average(want.attended, 100).FloatString(3))
	}
	graded := sumByHand(students, func(s *handStudent) bool { return slices.Contains(chosen, s) })
	if m := row["mean_course_result"].Consented; m == nil || m.Unit != "points of the scale" || m.N != len(chosen) || !closeTo(m.Value, graded.average(graded.mean, 1)) {
		t.Errorf("the summary of results is %+v, by hand %s", m, graded.average(graded.mean, 1).FloatString(3))
	}

	// The rows themselves give the same mean.
	sum, n := 0.0, 0
	for _, r := range d.students("riverside", "mentoring").Rows {
		if r.Attendance != nil {
			sum, n = sum+100*(r.Attendance.Enrolled-r.Attendance.Absent)/r.Attendance.Enrolled, n+1
		}
	}
	if n != f.Consented.N || math.Abs(sum/float64(n)-f.Consented.Value) > 0.001 {
		t.Errorf("the rows come to %f over %d children, the summary to %+v", sum/float64(n), n, f.Consented)
	}

	// One withdrawal later it is another summary.
	made := data[grant](t, d.must(d.CreateConsent(t.Context(), officer, yes("mentoring", chosen[1].id, guardianOf(t, chosen[1].id)))))
	d.done(d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: guardianOf(t, chosen[1].id)}}))
	if g := d.compare("riverside", "mentoring", "MS", "2005-06")["school:MS/grade:10"]["attendance_rate"].Consented; g == nil || g.N != int(want.n)-1 {
		t.Errorf("after a withdrawal the summary is %+v", g)
	}
}

// closeTo compares a shown number with an exact one at three decimals.
func closeTo(got float64, want *big.Rat) bool {
	w, _ := want.Float64()
	return math.Abs(got-w) < 0.00051
}

func TestAnAnswerWithASummaryNamesItsSubjects(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	for _, kid := range kids[:5] {
		d.consent(consentTo("club", kid))
	}
	d.closePeriod(townFall)
	a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	if p := d.verified(a.Body()); p.Leaf.Subjects < 12 {
		t.Errorf("the entry has %d places for the twelve of the roster", p.Leaf.Subjects)
	}
	got := figuresOf(t, a)["all"]["attendance_rate"]
	if got.Consented == nil || got.Consented.N != 5 || got.Whole == nil {
		t.Errorf("the withheld row is %+v, want five beside the whole school", got)
	}
	site := partnerOf("club")
	site.Sites = []string{south}
	if a, err := d.Comparison(t.Context(), site, broker.ComparisonRequest{Agreement: "club", Period: townFall}); err == nil {
		if f := figuresOf(t, a)["all"]["attendance_rate"]; f.Consented != nil {
			t.Errorf("a person who reads no row reads the summary %+v", f.Consented)
		}
	}
}

func TestDisciplineIsComparedWhereItIsReported(t *testing.T) {
	t.Parallel()
	kids := others(60)
	f := townFiles(kids...)
	for i, kid := range kids {
		if i%3 == 0 {
			f.add("discipline", kid.id, north, "2025-10-06", kid.id+"-1", "fighting", "iss", "1")
		}
		if i%6 == 0 {
			f.add("discipline", kid.id, north, "2025-10-13", kid.id+"-2", "fighting", "oss", "2")
		}
	}
	d := emptyTown(t, inLent)
	d.imported(f)
	d.club(kids[:30]...)
	d.closePeriod(townFall)
	all := d.compare("club", "club", "", townFall)["all"]
	for indicator, want := range map[string]string{
		"iss_students": bandByHand(10, 30, 30), "oss_students": bandByHand(5, 30, 30), "suspended_students": bandByHand(10, 30, 30), "incidents_per_100": bandByHand(15, 30, 30),
	} {
		got := all[indicator]
		if got.Cohort == nil || got.Cohort.Value.Code != want {
			t.Errorf("%s is %+v, by hand %s", indicator, got.Cohort, want)
		}
	}
}
