package broker_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// whole asks for a release as the people of its partner.
func (d *district) whole(partner, agreement, period string, audience report.Audience) *broker.Answer {
	d.t.Helper()
	return d.must(d.Report(d.t.Context(), partnerOf(partner), broker.ReportRequest{Agreement: agreement, Session: period, Audience: audience}))
}

// pageOf writes an answer as its page.
func pageOf(t testing.TB, a *broker.Answer) string {
	t.Helper()
	p, receipt, err := report.ParseAnswer(a.Body())
	if err != nil || receipt == nil || a.Page() == nil {
		t.Fatalf("%v; a receipt %t, a page %t", err, receipt != nil, a.Page() != nil)
	}
	var out bytes.Buffer
	if err := report.Render(&out, p, receipt, a.Page().Stamp); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A whole release is no new question: it holds what the comparisons hold that its
// reader could ask for one by one, consented sides included.
func TestAWholeReleaseIsItsComparisonsTogether(t *testing.T) {
	t.Parallel()
	d := realSchools(t)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	if diff := cmp.Diff(d.everyRow(), figuresOf(t, d.whole("riverside", "mentoring", "2005-06", report.NamedPeople))); diff != "" {
		t.Errorf("the comparisons (-) and the whole release (+) differ:\n%s", diff)
	}
	m, _, _ := agreed(t)
	m.closePeriod(madeAutumn)
	one := figuresOf(t, m.must(m.Comparison(t.Context(), partnerOf("river"), broker.ComparisonRequest{Agreement: "a1", Period: madeAutumn})))
	all := figuresOf(t, m.whole("river", "a1", madeAutumn, report.NamedPeople))
	for row, want := range one {
		if diff := cmp.Diff(want, all[row]); diff != "" {
			t.Errorf("%s: the comparison (-) and the whole release (+) differ:\n%s", row, diff)
		}
	}
	if one["all"]["attendance_rate"].Consented == nil {
		t.Error("nothing is withheld: the consented sides were not compared")
	}
}

// An agreement that provides one grain gets no row of the other.
func TestAWholeReleaseHasTheGrainsOfItsAgreement(t *testing.T) {
	t.Parallel()
	for grain, want := range map[string]string{"all": "all", "school": "school:" + north, "all school": "all school:" + north} {
		kids := others(40)
		d := newTown(t, kids...)
		d.partner("club")
		r := terms("club", "club")
		r.Grain, r.Schools = strings.Fields(grain), []string{north}
		d.conclude(r)
		d.roster("club", kids[:12]...)
		d.closePeriod(townFall)
		rows := slices.Sorted(maps.Keys(figuresOf(t, d.whole("club", "club", townFall, report.NamedPeople))))
		if !slices.Equal(rows, strings.Fields(want)) {
			t.Errorf("%s: the rows are %q", grain, rows)
		}
	}
}

// Neither the partner nor the officer gets a page of terms that provide none.
func TestAnAgreementByGradeAloneHasNoPage(t *testing.T) {
	t.Parallel()
	kids := others(40)
	d := newTown(t, kids...)
	d.partner("club")
	r := terms("club", "club")
	r.Grain = []string{agreement.GrainGrade}
	d.conclude(r)
	d.roster("club", kids[:12]...)
	d.closePeriod(townFall)
	req := broker.ReportRequest{Agreement: "club", Session: townFall, Audience: report.Public}
	a, err := d.Report(t.Context(), partnerOf("club"), req)
	denied(t, a, err, "comparison_not_in_agreement")
	a, err = d.OfficerReport(t.Context(), officer, req)
	refused(t, a, err, broker.NotAvailable)
}

// A release outlives the terms that it was frozen under.
func TestAWholeReleaseHasTheSchoolsOfTodaysTermsOnly(t *testing.T) {
	t.Parallel()
	c := agreement.Clauses{Schools: []string{north}, Grain: []string{agreement.GrainAll, agreement.GrainSchool}}
	for key, want := range map[sdc.Key]bool{
		{}: true, {Grade: "5"}: true, {School: north}: true, {School: north, Grade: "5"}: true, {School: south}: false, {School: south, Grade: "5"}: false,
	} {
		if got := broker.WholeHas(c, key); got != want {
			t.Errorf("%s: it is there: %t", key, got)
		}
	}
}

func TestAReleaseUnderStandardIsAPage(t *testing.T) {
	t.Parallel()
	d := noisySchools(t, nil)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	for _, audience := range []report.Audience{report.NamedPeople, report.Public} {
		a := d.whole("riverside", "mentoring", "2005-06", audience)
		if !bytes.Contains(a.Body(), []byte("difference_noise")) {
			t.Error("the release has no noise")
		}
		if page := pageOf(t, a); !strings.Contains(page, "Gabriel Pereira") || !strings.Contains(page, "Lakeview Schools") || !strings.Contains(page, "Riverside Mentoring") {
			t.Errorf("%s: the page lacks a school, the district or the partner", audience)
		}
	}
}

// protectedFor is the property: an answer for others holds no consented side and
// its entry counts nobody, though the one for named people does both.
func protectedFor(t *testing.T, audience report.Audience, options ...func(*broker.Options)) bool {
	t.Helper()
	d, _, _ := agreed(t, options...)
	d.closePeriod(madeAutumn)
	tells := func(a *broker.Answer) bool {
		return bytes.Contains(a.Body(), []byte(`"consented":`)) && d.verified(a.Body()).Leaf.Subjects > 0
	}
	if !tells(d.whole("river", "a1", madeAutumn, "")) {
		t.Fatal("even the answer for named people holds no consented side")
	}
	a := d.whole("river", "a1", madeAutumn, audience)
	if got := data[struct {
		ForWhom report.Audience `json:"for_whom"`
	}](t, a); got.ForWhom != audience || a.Page().Stamp.Audience != audience {
		t.Errorf("the answer is for %s, its page for %s", got.ForWhom, a.Page().Stamp.Audience)
	}
	return !bytes.Contains(a.Body(), []byte(`"consented":`)) && d.verified(a.Body()).Leaf.Subjects == 0
}

func TestAReleaseForOthersTellsNothingOfConsentedChildren(t *testing.T) {
	t.Parallel()
	for _, audience := range []report.Audience{report.BoardAndFunder, report.Public} {
		if !protectedFor(t, audience) {
			t.Errorf("%s: it does", audience)
		}
		if protectedFor(t, audience, sabotaged(broker.Sabotage{TellEveryone: true})) {
			t.Errorf("%s: the test does not notice that the guard is gone", audience)
		}
	}
}

// What a family decides after the release changes the page for named people and
// no other.
func TestAPageForOthersDoesNotMoveWithConsent(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	d.closePeriod(madeAutumn)
	sent := func(audience report.Audience) string {
		data, _, _ := tlog.SplitAnswer(d.whole("river", "a1", madeAutumn, audience).Body())
		return string(data)
	}
	named, public := sent(report.NamedPeople), sent(report.Public)
	d.done(d.WithdrawConsent(t.Context(), officer, grants[0].ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: kids[0].mother()}}))
	if sent(report.Public) != public {
		t.Error("the answer for the public changed")
	}
	if sent(report.NamedPeople) == named {
		t.Error("the answer for named people did not")
	}
}

func TestAWholeReleaseIsAskedForInOneWay(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	for _, c := range []struct {
		field string
		req   broker.ComparisonRequest
	}{
		{"school", broker.ComparisonRequest{Agreement: "club", Whole: true, School: north}},
		{"audience", broker.ComparisonRequest{Agreement: "club", Whole: true, Audience: "everybody"}},
		{"audience", broker.ComparisonRequest{Agreement: "club", Audience: report.Public}},
	} {
		a, err := d.Comparison(t.Context(), partnerOf("club"), c.req)
		refused(t, a, err, broker.Invalid, c.field)
	}
	a, err := d.Report(t.Context(), partnerOf("club"), broker.ReportRequest{Agreement: "club"})
	refused(t, a, err, broker.Invalid, "session")
	a, err = d.Report(t.Context(), partnerOf("club"), broker.ReportRequest{Agreement: "club", Session: townLent})
	denied(t, a, err, "release_not_published")
	a, err = d.Report(t.Context(), officer, broker.ReportRequest{Agreement: "club", Session: townFall, Audience: report.Public})
	denied(t, a, err, "role_not_permitted")
	if a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club"})); a.Page() != nil || bytes.Contains(a.Body(), []byte("whole")) {
		t.Error("a comparison became a page")
	}
}

func TestWhatNoPageHoldsIsRefusedBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	sent, _, _ := tlog.SplitAnswer(d.whole("club", "club", townFall, report.Public).Body())
	if err := broker.FitsPage(3, sent); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		err  error
		kind broker.Kind
	}{
		"a row too many":       {broker.FitsPage(report.MaxRows+1, sent), broker.Invalid},
		"a byte too many":      {broker.FitsPage(3, append(bytes.Repeat([]byte(" "), report.MaxData), '1')), broker.Invalid},
		"what is no release":   {broker.FitsPage(1, []byte(`{"rows":[]}`)), broker.Internal},
		"nothing, as it seems": {broker.FitsPage(0, nil), broker.Internal},
	} {
		if broker.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v, want %s", name, c.err, c.kind)
		}
	}
}

func TestTheNameOfAPageIsSafeInAHeader(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	a := d.whole("club", "club", townFall, report.Public)
	if want := "club-" + townFall + "-public.html"; a.Page().File != want {
		t.Errorf("the file is %q, not %q", a.Page().File, want)
	}
	for name, want := range map[string]string{"Fall \"25\"\r\nX: y/..\\é": "Fall--25---X--y-..--", "A_1.b-2": "A_1.b-2"} {
		if got := broker.SafeName(name); got != want {
			t.Errorf("%q became %q, not %q", name, got, want)
		}
	}
}

func TestAnOfficersReportHoldsProtectedFiguresAndIsRecorded(t *testing.T) {
	t.Parallel()
	d, _, _ := agreed(t)
	d.closePeriod(madeAutumn)
	before := d.size()
	for _, audience := range []report.Audience{report.BoardAndFunder, report.Public} {
		a := d.must(d.OfficerReport(t.Context(), officer, broker.ReportRequest{Agreement: "a1", Session: madeAutumn, Audience: audience}))
		theirs, _, _ := tlog.SplitAnswer(d.whole("river", "a1", madeAutumn, audience).Body())
		if mine, _, _ := tlog.SplitAnswer(a.Body()); !bytes.Equal(mine, theirs) {
			t.Errorf("%s: the officer's figures are not those of the partner's page:\n%s", audience, cmp.Diff(string(theirs), string(mine)))
		}
		p := d.verified(a.Body())
		if p.Header.Event != tlog.ReportWritten || p.Header.Decision != tlog.None || p.Header.Agreement != "a1" || p.Leaf.Subjects != 0 || p.Header.Caller.Subject != officer.Subject {
			t.Errorf("%s: the receipt says %+v", audience, p.Header)
		}
		if page := pageOf(t, a); strings.Contains(page, officer.Subject) || strings.Contains(page, "whose families said yes") {
			t.Errorf("%s: the page names the officer, or tells of families", audience)
		}
	}
	got := d.since(before)
	if len(got) != 4 || got[0].Event != tlog.ReportWritten || fmt.Sprint(got[0].Request) != "map[action:comparison agreement:a1 audience:board_and_funder period:"+madeAutumn+" school:all whole:true]" {
		t.Errorf("the entries are %+v", got)
	}
}

func TestAnOfficersReportForNamedPeopleOrOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	d, _ := clubTown(t, 12)
	d.closePeriod(townFall)
	before := d.size()
	for _, audience := range []report.Audience{"", report.NamedPeople, "everybody"} {
		a, err := d.OfficerReport(t.Context(), officer, broker.ReportRequest{Agreement: "club", Session: townFall, Audience: audience})
		refused(t, a, err, broker.Invalid, "audience")
	}
	a, err := d.OfficerReport(t.Context(), officer, broker.ReportRequest{Agreement: "club", Audience: report.Public})
	refused(t, a, err, broker.Invalid, "session")
	if d.size() != before {
		t.Error("what was never read left an entry")
	}
	for _, req := range []broker.ReportRequest{
		{Agreement: "nothing", Session: townFall, Audience: report.Public},
		{Agreement: "club", Session: "nothing", Audience: report.Public},
		{Agreement: "club", Session: townLent, Audience: report.Public},
	} {
		a, err := d.OfficerReport(t.Context(), officer, req)
		refused(t, a, err, broker.NotAvailable)
	}
	for _, e := range d.since(before) {
		if e.Event != tlog.AccessRefused {
			t.Errorf("a refusal left %s", e.Event)
		}
	}
}

// The officer's figures are of one state of the release: where it changes before
// the entry is written, nothing is told and nothing recorded.
func TestAnOfficersReportOfAReleaseThatMovesIsNotTold(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	d, _, _ := agreed(t, h.option)
	d.closePeriod(madeAutumn)
	before := d.size()
	ctx := atSnapshot(t.Context(), func() {
		d.done(d.AdvanceAgreement(t.Context(), officer, "a1", event("terminate")))
	})
	a, err := d.OfficerReport(ctx, officer, broker.ReportRequest{Agreement: "a1", Session: madeAutumn, Audience: report.Public})
	refused(t, a, err, broker.Unavailable)
	for _, e := range d.since(before) {
		if e.Event == tlog.ReportWritten {
			t.Error("it was recorded")
		}
	}
}
