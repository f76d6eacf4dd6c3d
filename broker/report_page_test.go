package broker_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/report"
)

// What the gate answers can be written as a page, for everyone a page is for.
func TestARealComparisonMakesAPage(t *testing.T) {
	t.Parallel()
	d := realSchools(t)
	d.done(d.ClosePeriod(t.Context(), steward, "2005-06"))
	for school, want := range map[string]string{"": "Grade 11", "GP": "Gabriel Pereira"} {
		a := d.must(d.Comparison(t.Context(), partnerOf("riverside"), broker.ComparisonRequest{Agreement: "mentoring", School: school}))
		p, receipt, err := report.ParseAnswer(a.Body())
		if err != nil || receipt == nil {
			t.Fatalf("school %q: %v, receipt %v", school, err, receipt != nil)
		}
		for _, audience := range []report.Audience{report.NamedPeople, report.BoardAndFunder, report.Public} {
			var out bytes.Buffer
			if err := report.Render(&out, p, receipt, report.Stamp{Audience: audience}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "Signed checkpoint") {
				t.Errorf("school %q, %s: the page lacks %s or its receipt", school, audience, want)
			}
		}
	}
}

// A withheld comparison beside consented students does too.
func TestARealWithheldComparisonMakesAPage(t *testing.T) {
	t.Parallel()
	_, bodies := answers(t)
	p, receipt, err := report.ParseAnswer(bodies["comparison"])
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.Render(&out, p, receipt, report.Stamp{Audience: report.NamedPeople}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "comparison withheld") {
		t.Error("the page does not say that the comparison is withheld")
	}
}

// A page of a period of which some families are not published yet, and one was
// corrected, says so.
func TestAPageSaysWhatIsNotPublishedYetAndWhatWasCorrected(t *testing.T) {
	t.Parallel()
	d, kids := clubTown(t, 12)
	d.closeFamilies(attendance)
	f := townFiles(kids...)
	f.add("attendance", kids[0].id, north, "2025-10-06", "absent_excused")
	d.imported(f)
	d.correct(attendance)
	a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: "club", Period: townFall}))
	defer a.Drop()
	p, receipt, err := report.ParseAnswer(a.Body())
	if err != nil {
		t.Fatal(err)
	}
	for _, audience := range []report.Audience{report.NamedPeople, report.BoardAndFunder, report.Public} {
		var out bytes.Buffer
		if err := report.Render(&out, p, receipt, report.Stamp{Audience: audience}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Not published yet", "Corrected"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the page lacks %q", audience, want)
			}
		}
	}
}

func TestAPageNamesGroupsAndTheirSizesByBandsOnly(t *testing.T) {
	t.Parallel()
	d := groupTown(t, 0)
	a := d.must(d.Comparison(t.Context(), partnerOf("club"), broker.ComparisonRequest{Agreement: sixAgreement, Period: townYear}))
	defer a.Drop()
	p, receipt, err := report.ParseAnswer(a.Body())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.Render(&out, p, receipt, report.Stamp{Audience: report.NamedPeople}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"By group of students", "In special education", "Not in special education"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
