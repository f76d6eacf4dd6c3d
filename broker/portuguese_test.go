package broker_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
)

var schoolYearEnd = time.Date(2006, 6, 30, 12, 0, 0, 0, time.UTC)

// agree makes a partner and an active agreement with it.
func (d *district) agree(partner, agreement string, schools ...string) {
	d.t.Helper()
	ctx := d.t.Context()
	a, err := d.CreatePartner(ctx, officer, broker.PartnerRequest{ID: partner, Name: "Riverside Mentoring", LegalEntity: "Riverside Mentoring " + partner, Contact: "1 River Street"})
	data[any](d.t, a, err)
	a, err = d.CreateAgreement(ctx, officer, broker.AgreementRequest{
		ID: agreement, Partner: partner, Template: "comparison_and_consent", Schools: schools,
		PurposeText: "To learn whether mentoring helps.", TermFrom: day("2005-09-01"), TermTo: day("2007-08-31"), Administrator: "Ada Admin",
	})
	made := data[struct {
		TextSHA256 string `json:"text_sha256"`
	}](d.t, a, err)
	for _, party := range []string{"district", "partner"} {
		a, err = d.Sign(ctx, officer, agreement, broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: made.TextSHA256})
		data[any](d.t, a, err)
	}
}

func TestTheWholeRoadWithRealData(t *testing.T) {
	t.Parallel()
	uci := sharedData(t, "uci-por")
	d := newDistrict(t, schoolYearEnd)
	d.load(uci, ingest.Options{})
	d.agree("riverside", "mentoring", "GP", "MS")
	ctx := t.Context()
	file, err := os.Open(filepath.Join(uci, "partner", "participation.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	a, err := d.PutParticipation(ctx, partnerOf("riverside"), "mentoring", file)
	up := data[struct{ Participants, Sessions int }](t, a, err)
	if up.Participants != 330 {
		t.Errorf("%d participants", up.Participants)
	}
	a, err = d.CreateConsent(ctx, officer, broker.ConsentRequest{
		Agreement: "mentoring", Student: broker.StudentRef{StudentID: "POR0004"}, Signer: broker.SignerRef{Self: true},
		Answer: consent.Yes, Categories: []consent.Category{consent.Attendance}, RecordsFrom: day("2005-09-01"), RecordsTo: day("2006-08-31"),
		Expires: day("2006-12-31"), SignedAt: schoolYearEnd.Add(-time.Hour), Method: consent.Paper,
		Text: broker.TextRef{Version: "1", Language: "pt", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	})
	t.Logf("consent err: %v", err)
	a, err = d.ClosePeriod(ctx, steward, "2005-06")
	data[any](t, a, err)
	a, err = d.Comparison(ctx, partnerOf("riverside"), broker.ComparisonRequest{Agreement: "mentoring"})
	if err != nil {
		t.Fatalf("%#v", err)
	}
	t.Logf("%s", a.Body())
	a.Drop()
	a, err = d.Students(ctx, partnerOf("riverside"), broker.StudentsRequest{Agreement: "mentoring", Period: "current"})
	if err != nil {
		t.Fatalf("%#v", err)
	}
	t.Logf("%s", a.Body())
	a.Drop()
}

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
