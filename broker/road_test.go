package broker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// afterSchool is when the two Portuguese schools' year is over.
var afterSchool = time.Date(2006, 6, 30, 12, 0, 0, 0, time.UTC)

// sha stands for the hash of a paper.
const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// portuguese is a district with the two real schools loaded.
func portuguese(t testing.TB, options ...func(*broker.Options)) *district {
	t.Helper()
	uci := sharedData(t, "uci-por")
	d := newDistrict(t, afterSchool, options...)
	d.load(uci, ingest.Options{})
	return d
}

// agree makes a partner and an active agreement with it, whose figures hold no
// noise, so that a test can calculate.
func (d *district) agree(partner, agreement string, schools ...string) {
	d.t.Helper()
	d.agreeUnder("published_table", partner, agreement, schools...)
}

// agreeUnder is agree with a profile.
func (d *district) agreeUnder(profile agreement.Profile, partner, id string, schools ...string) {
	d.t.Helper()
	ctx := d.t.Context()
	d.done(d.CreatePartner(ctx, officer, broker.PartnerRequest{ID: partner, Name: "Riverside Mentoring", LegalEntity: "Riverside Mentoring " + partner, Contact: "1 River Street"}))
	made := data[struct {
		TextSHA256 string `json:"text_sha256"`
	}](d.t, d.must(d.CreateAgreement(ctx, officer, broker.AgreementRequest{
		ID: id, Partner: partner, Template: "comparison_and_consent", Profile: profile, Schools: schools,
		TermFrom: day("2005-09-01"), TermTo: day("2007-08-31"), Administrator: "Ada Admin",
	})))
	for _, party := range []string{"district", "partner"} {
		d.done(d.Sign(ctx, officer, id, broker.SignatureRequest{Party: party, Name: "Sam Signer", Title: "Director", TextSHA256: made.TextSHA256}))
	}
}

// upload puts the Portuguese partner's session log under an agreement.
func (d *district) upload(partner, agreement string) {
	d.t.Helper()
	file, err := os.Open(filepath.Join(sharedData(d.t, "uci-por"), "partner", "participation.csv"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	d.done(d.PutParticipation(d.t.Context(), partnerOf(partner), agreement, file))
}

// guardianOf is a guardian who holds the student's rights in the real data.
func guardianOf(t testing.TB, student string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData(t, "uci-por"), "guardians.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Split(strings.TrimSpace(line), ","); fields[0] == student && fields[len(fields)-1] == "yes" {
			return fields[1]
		}
	}
	t.Fatalf("no guardian of %s", student)
	return ""
}

// yes is a paper consent to attendance and grades of the year.
func yes(agreement, student, guardian string) broker.ConsentRequest {
	r := broker.ConsentRequest{
		Agreement: agreement, Student: broker.StudentRef{StudentID: student}, Signer: broker.SignerRef{GuardianID: guardian, Self: guardian == ""},
		Answer: consent.Yes, Categories: []consent.Category{consent.Attendance, consent.Grades},
		RecordsFrom: day("2005-09-01"), RecordsTo: day("2006-08-31"), Expires: day("2006-12-31"),
		SignedAt: time.Date(2006, 6, 1, 9, 0, 0, 0, time.UTC), Method: consent.Paper,
		Text: broker.TextRef{Version: "1", Language: "pt", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}
	return r
}

// rows are the consented rows as a partner reads them.
type rows struct {
	Rows []struct {
		Ref        string `json:"participant_ref"`
		Attendance *struct {
			Enrolled float64 `json:"days_enrolled"`
			Absent   float64 `json:"days_absent"`
			Rate     float64 `json:"rate"`
		} `json:"attendance"`
		Grades []struct {
			Course, Session, Value string
		} `json:"grades"`
	} `json:"rows"`
}

func (d *district) students(partner, agreement string) rows {
	d.t.Helper()
	return data[rows](d.t, d.must(d.Students(d.t.Context(), partnerOf(partner), broker.StudentsRequest{Agreement: agreement, Period: "current"})))
}

func TestAConsentedRowAppearsAndAWithdrawnOneIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	d := portuguese(t)
	d.agree("riverside", "mentoring", "GP", "MS")
	d.upload("riverside", "mentoring")
	if got := d.students("riverside", "mentoring"); len(got.Rows) != 0 {
		t.Fatalf("%d rows before any consent", len(got.Rows))
	}
	made := data[struct{ ID string }](t, d.must(d.CreateConsent(t.Context(), officer, yes("mentoring", "POR0004", guardianOf(t, "POR0004")))))
	got := d.students("riverside", "mentoring")
	if len(got.Rows) != 1 || got.Rows[0].Attendance == nil || len(got.Rows[0].Grades) != 3 {
		t.Fatalf("one consent gave %+v", got.Rows)
	}
	d.done(d.WithdrawConsent(t.Context(), officer, made.ID, broker.WithdrawRequest{By: broker.SignerRef{GuardianID: guardianOf(t, "POR0004")}}))
	if got := d.students("riverside", "mentoring"); len(got.Rows) != 0 {
		t.Fatalf("the row is still there: %+v", got.Rows)
	}
}

func BenchmarkComparison(b *testing.B) {
	d := portuguese(b)
	d.agree("riverside", "mentoring", "GP", "MS")
	d.upload("riverside", "mentoring")
	d.done(d.ClosePeriod(b.Context(), steward, "2005-06"))
	p := partnerOf("riverside")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a, err := d.Comparison(b.Context(), p, broker.ComparisonRequest{Agreement: "mentoring"})
			if err != nil {
				b.Fatal(err)
			}
			a.Drop()
		}
	})
}
