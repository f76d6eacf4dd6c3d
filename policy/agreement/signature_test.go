package agreement_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/policy/agreement"
)

func TestTheSecondSignatureBringsAnAgreementIntoForce(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]string{{"district", "partner"}, {"partner", "district"}} {
		a := offered(t, clauses(t, "comparison_and_consent"), inTerm)
		a = signedBy(t, a, inTerm, order[0])
		if a.State != agreement.Offered {
			t.Errorf("after the first signature it is %s", a.State)
		}
		if a = signedBy(t, a, inTerm, order[1]); a.State != agreement.Active {
			t.Errorf("after the second it is %s", a.State)
		}
	}
	early := signedBy(t, offered(t, clauses(t, "study"), termFrom-30), termFrom-30, "district", "partner")
	if early.State != agreement.Signed || early.StateOn(termFrom) != agreement.Active {
		t.Errorf("before its term it is %s, on its first day %s", early.State, early.StateOn(termFrom))
	}
}

func TestASignatureIsRefused(t *testing.T) {
	t.Parallel()
	offer := offered(t, clauses(t, "comparison_and_consent"), inTerm)
	var transition *agreement.TransitionError
	var fields agreement.FieldErrors
	cases := []struct {
		name string
		a    agreement.Agreement
		edit func(*agreement.Signature)
		is   func(error) bool
	}{
		{"under another text", offer, func(s *agreement.Signature) { s.TextSHA256 = agreement.TextHash("other") }, func(err error) bool { return errors.Is(err, agreement.ErrOtherText) }},
		{"under the text of another version", offer, func(s *agreement.Signature) {
			s.TextSHA256 = agreement.TextHash(agreement.Render(partner(), offer.Amend(offer.Clauses), district))
		}, func(err error) bool { return errors.Is(err, agreement.ErrOtherText) }},
		{"twice by one party", signedBy(t, offer, inTerm, "partner"), nil, func(err error) bool { return errors.Is(err, agreement.ErrPartySigned) }},
		{"of a third party", offer, func(s *agreement.Signature) { s.Party = "school" }, func(err error) bool { return errors.As(err, &fields) && fields[0].Field == "party" }},
		{
			"without name, title, account and date", offer, func(s *agreement.Signature) { s.Name, s.Title, s.By, s.SignedAt = "", "", "", time.Time{} },
			func(err error) bool { return errors.As(err, &fields) && len(fields) == 4 },
		},
		{"without a hash", offer, func(s *agreement.Signature) { s.TextSHA256 = "" }, func(err error) bool { return errors.As(err, &fields) && fields[0].Field == "text_sha256" }},
		{"of a draft", draft(offer.Clauses), nil, func(err error) bool { return errors.As(err, &transition) && transition.State == "draft" }},
		{"of one in force", inForce(t, offer.Clauses), nil, func(err error) bool { return errors.As(err, &transition) && transition.State == "active" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := signature(c.a, agreement.PartnerParty)
			if c.edit != nil {
				c.edit(&s)
			}
			after, err := c.a.Sign(s, inTerm)
			if err == nil || !c.is(err) {
				t.Errorf("%v", err)
			}
			if len(after.Signatures) != len(c.a.Signatures) || after.State != c.a.State {
				t.Error("it changed the agreement all the same")
			}
		})
	}
	if _, err := offer.Sign(signature(offer, agreement.PartnerParty), termTo+1); err == nil || !strings.Contains(err.Error(), "its term has ended") {
		t.Errorf("after the term: %v", err)
	}
}

func TestSigningDoesNotTouchTheAgreementItWasGiven(t *testing.T) {
	t.Parallel()
	one := signedBy(t, offered(t, clauses(t, "comparison_and_consent"), inTerm), inTerm, "partner")
	two := signedBy(t, one, inTerm, "district")
	if len(one.Signatures) != 1 || len(two.Signatures) != 2 {
		t.Errorf("%d and %d signatures", len(one.Signatures), len(two.Signatures))
	}
}
