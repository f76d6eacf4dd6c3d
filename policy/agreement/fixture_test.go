package agreement_test

import (
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

const district = "Lakeview Public Schools"

var (
	termFrom = civil.Make(2025, 8, 1)
	termTo   = civil.Make(2027, 7, 31)
	inTerm   = civil.Make(2025, 10, 15)
)

func partner() agreement.Partner {
	return agreement.Partner{
		ID: "riverside", Name: "Riverside Mentoring", LegalEntity: "Riverside Youth Services, Inc.", TaxID: "39-1234567",
		Contact: "Data office, 12 River Street, Lakeview; 555-0100", State: agreement.Accepted,
		Sites: []string{"North Center", "South Center"}, Programs: []string{"Evening tutoring"}, Version: 1,
	}
}

func clauses(t testing.TB, template string) agreement.Clauses {
	t.Helper()
	c, err := agreement.Template(template)
	if err != nil {
		t.Fatal(err)
	}
	c.Schools = []string{"GP", "MS"}
	c.Indicators = []string{"attendance_rate", "chronic_absence", "course_failure_share"}
	c.TermFrom, c.TermTo = termFrom, termTo
	c.Administrator = "Ana Ortiz, program director"
	if c.Study != nil {
		c.PurposeText = "To find out whether evening tutoring raises attendance and course results in grades 6 to 8"
		c.Study.Scope = "Participants of grades 6 to 8 at both schools in the school years 2025-26 and 2026-27"
		c.Study.Representatives = []string{"Dr. Lee Park", "Sam Rivera"}
		c.Study.DestroyBy = civil.Make(2027, 8, 31)
	}
	return c
}

func official(t testing.TB) agreement.Clauses {
	t.Helper()
	c := clauses(t, "comparison_and_consent")
	c.Template, c.Basis = "", agreement.SchoolOfficial
	c.Attestations = &agreement.Attestations{OwnStaffFunction: true, DirectControl: true, BoundByRedisclosure: true}
	return c
}

func audit(t testing.TB) agreement.Clauses {
	t.Helper()
	c := clauses(t, "study")
	c.Template, c.Basis, c.Purpose = "", agreement.AuditBasis, consent.AuditEvaluation
	return c
}

func draft(c agreement.Clauses) agreement.Agreement { return agreement.New("AGR-7Q2K", "riverside", c) }

// offered brings clauses to the point where they can be signed.
func offered(t testing.TB, c agreement.Clauses, today civil.Date) agreement.Agreement {
	t.Helper()
	a, err := draft(c).Advance(agreement.EventSubmit, today)
	if err != nil {
		t.Fatal(err)
	}
	a, err = a.Offer(partner(), district, agreement.Rules{}, today)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func signature(a agreement.Agreement, party string) agreement.Signature {
	return agreement.Signature{
		Party: party, Name: "Kim Doe", Title: "Superintendent", TextSHA256: agreement.TextHash(a.Text),
		SignedAt: time.Date(2025, 7, 20, 15, 0, 0, 0, time.UTC), By: "officer-1",
	}
}

// signedBy has the named parties sign.
func signedBy(t testing.TB, a agreement.Agreement, today civil.Date, parties ...string) agreement.Agreement {
	t.Helper()
	for _, party := range parties {
		var err error
		if a, err = a.Sign(signature(a, party), today); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func inForce(t testing.TB, c agreement.Clauses) agreement.Agreement {
	t.Helper()
	return signedBy(t, offered(t, c, inTerm), inTerm, agreement.DistrictParty, agreement.PartnerParty)
}
