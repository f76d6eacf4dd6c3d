package agreement

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// The two parties that sign.
const (
	DistrictParty = "district"
	PartnerParty  = "partner"
)

// Signature is one party's signature under one text. Name and Title are those
// of the person who signs for the party; By is the account that entered it.
type Signature struct {
	Party      string    `json:"party"`
	Name       string    `json:"name"`
	Title      string    `json:"title"`
	TextSHA256 string    `json:"text_sha256"`
	SignedAt   time.Time `json:"signed_at"`
	By         string    `json:"by"`
}

// ErrOtherText is returned for a signature under another text than this
// version's: show the text again and sign its hash.
var ErrOtherText = errors.New("the signature is under another text: read this version's text again and sign its SHA-256")

// ErrPartySigned is returned when a party signs a version twice.
var ErrPartySigned = errors.New("this party has already signed this version")

// TextHash returns the SHA-256 of a text in lower-case hexadecimal digits: what
// a signature is under.
func TextHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Validate returns FieldErrors for what a signature lacks.
func (s Signature) Validate() error {
	var f faults
	f.unless(s.Party == DistrictParty || s.Party == PartnerParty, "party", "is missing or unknown", "use district or partner")
	f.text("name", s.Name, 200, "give the name of the person who signs")
	f.text("title", s.Title, 200, "give the office in which this person signs")
	f.text("by", s.By, 200, "name the account that enters the signature")
	f.unless(len(s.TextSHA256) == 64, "text_sha256", "is not a SHA-256", "give the 64 lower-case hexadecimal digits of the text")
	f.unless(!s.SignedAt.IsZero(), "signed_at", "is missing", "give the moment of signing")
	return f.err()
}

// Sign adds a party's signature to an offered agreement. The second makes it
// signed and, if its term has begun on the local date, active. It returns
// FieldErrors, ErrOtherText, ErrPartySigned or a *TransitionError.
func (a Agreement) Sign(s Signature, today civil.Date) (Agreement, error) {
	return a.sign(s, today, sabotage{})
}

func (a Agreement) sign(s Signature, today civil.Date, without sabotage) (Agreement, error) {
	if err := s.Validate(); err != nil {
		return a, err
	}
	detail := "only an offered agreement can be signed"
	if a.State == Offered {
		detail = a.unfit(today, without)
	}
	if detail != "" {
		return a, &TransitionError{Object: "agreement", State: string(a.StateOn(today)), Event: "sign", Allowed: a.Events(today), Detail: detail}
	}
	if s.TextSHA256 != TextHash(a.Text) && !without.ignoreText {
		return a, ErrOtherText
	}
	if a.signedBy(s.Party) && !without.ignoreParty {
		return a, ErrPartySigned
	}
	a.Signatures = append(slices.Clone(a.Signatures), s)
	if len(a.Signatures) == 2 {
		a.State = Signed
	}
	a.State = a.stateOn(today, without)
	return a, nil
}

func (a Agreement) signedBy(party string) bool {
	return slices.ContainsFunc(a.Signatures, func(s Signature) bool { return s.Party == party })
}

func (a Agreement) signedByBoth() bool { return a.signedBy(DistrictParty) && a.signedBy(PartnerParty) }
