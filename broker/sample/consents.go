package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

const eligibleStudent = "eligible_student"

// Consent is a form that an officer enters: one person's answer about one child
// and one agreement. Where nobody answered there is none.
type Consent struct {
	ID                     string
	StudentID              string
	Signer                 string // a guardian's id or, for an eligible student, the student's
	Capacity               string
	Answer                 string // yes or no
	Categories             []string
	Language               string // of the text that was signed
	TextVersion            string
	TextSHA256             string // of that text
	Method                 string // paper
	Evidence               string // where the form is filed
	Signed                 civil.Date
	RecordsFrom, RecordsTo civil.Date
	Expires                civil.Date // the last day the partner may look
	Withdrawn              civil.Date // zero but for one
}

// addConsents lets over half of a partner's families say yes, most of them to
// everything, some to attendance only; one in ten says no. One family of the
// first partner took its yes back.
func addConsents(rng *rand.Rand, d *District) {
	students := make(map[string]*Student, len(d.Students))
	for i := range d.Students {
		students[d.Students[i].ID] = &d.Students[i]
	}
	for i := range d.Partners {
		p := &d.Partners[i]
		for _, child := range p.Roster {
			if s := students[child.StudentID]; s != nil {
				if c, ok := answer(rng, d, p.Agreement, s); ok {
					c.TextSHA256 = textHash(p.Agreement.ID, c.TextVersion, c.Language)
					c.ID = fmt.Sprintf("%s-form-%04d", p.ID, len(p.Consents)+1)
					c.Evidence = fmt.Sprintf("binder %d, sheet %d", 1+len(p.Consents)/100, 1+len(p.Consents)%100)
					p.Consents = append(p.Consents, c)
				}
			}
		}
	}
	withdrawOne(d)
}

func answer(rng *rand.Rand, d *District, a Agreement, s *Student) (Consent, bool) {
	c := Consent{
		StudentID: s.ID, Answer: "yes", Categories: a.Categories, Method: "paper", TextVersion: "1", Signed: d.Year.Start + civil.Date(rng.IntN(35)),
		RecordsFrom: d.Year.Start, RecordsTo: a.TermTo, Expires: min(a.TermTo, civil.Make(d.Year.End.Year()+1, time.July, 31)),
	}
	switch u := rng.Float64(); {
	case u < .4:
	case u < .52:
		c.Categories = a.Categories[:1]
	case u < .57:
		c.Categories = a.Categories[:min(2, len(a.Categories))]
	case u < .67:
		c.Answer = "no"
	default:
		return Consent{}, false
	}
	return signedBy(rng, s, c)
}

// signedBy puts the right signature under a form: the student's own from
// eighteen on, else one of those who hold rights.
func signedBy(rng *rand.Rand, s *Student, c Consent) (Consent, bool) {
	if civil.Age(s.Birth, c.Signed) >= 18 {
		c.Signer, c.Capacity, c.Language = s.ID, eligibleStudent, "en"
		return c, true
	}
	var holders []Guardian
	for _, g := range s.Guardians {
		if g.HoldsRights {
			holders = append(holders, g)
		}
	}
	if len(holders) == 0 {
		return Consent{}, false
	}
	g := holders[rng.IntN(len(holders))]
	c.Signer, c.Capacity, c.Language = g.ID, g.Capacity, g.Language
	return c, true
}

// withdrawOne ends the first guardian's yes to the first partner in mid-year.
func withdrawOne(d *District) {
	for i := range d.Partners[0].Consents {
		c := &d.Partners[0].Consents[i]
		if c.Answer == "yes" && c.Capacity != eligibleStudent {
			c.Withdrawn = d.Sessions[1].End
			return
		}
	}
}

// SignedAt returns the moment of the signature: noon in the district, in winter.
func (c Consent) SignedAt() time.Time { return c.Signed.Time().Add(18 * time.Hour) }

// textHash stands for the hash of the form that was printed in a language.
func textHash(agreement, version, language string) string {
	sum := sha256.Sum256([]byte("form of " + agreement + ", version " + version + ", in " + language))
	return hex.EncodeToString(sum[:])
}
