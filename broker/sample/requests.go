package sample

import (
	"encoding/json"
	"io"
	"time"
)

// The bodies of the requests by which an officer enters a partner, its
// agreement and its families' forms.
type (
	partnerRequest struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		LegalEntity string `json:"legal_entity"`
		Contact     string `json:"contact"`
	}
	agreementRequest struct {
		ID            string   `json:"id"`
		Partner       string   `json:"partner"`
		Template      string   `json:"template"`
		Schools       []string `json:"schools"`
		Categories    []string `json:"categories"`
		TermFrom      string   `json:"term_from"`
		TermTo        string   `json:"term_to"`
		Administrator string   `json:"administrator"`
	}
	consentRequest struct {
		Agreement   string          `json:"agreement"`
		Student     studentRequest  `json:"student"`
		Signer      signerRequest   `json:"signer"`
		Answer      string          `json:"answer"`
		Categories  []string        `json:"categories"`
		RecordsFrom string          `json:"records_from"`
		RecordsTo   string          `json:"records_to"`
		Expires     string          `json:"expires"`
		SignedAt    string          `json:"signed_at"`
		Method      string          `json:"method"`
		Text        textRequest     `json:"text"`
		Evidence    evidenceRequest `json:"evidence"`
	}
	studentRequest struct {
		StudentID string `json:"student_id"`
	}
	signerRequest struct {
		GuardianID string `json:"guardian_id,omitempty"`
		Self       bool   `json:"self,omitempty"`
	}
	textRequest struct {
		Version  string `json:"version"`
		Language string `json:"language"`
		SHA256   string `json:"sha256"`
	}
	evidenceRequest struct {
		Kind      string `json:"kind"`
		Reference string `json:"reference"`
	}
)

// PartnerBody returns the body that makes the partner, in JSON.
func (p *Partner) PartnerBody() ([]byte, error) {
	return json.Marshal(partnerRequest{ID: p.ID, Name: p.Name, LegalEntity: p.LegalEntity, Contact: p.Contact})
}

// AgreementBody returns the body that offers the partner's agreement, in JSON.
func (p *Partner) AgreementBody() ([]byte, error) {
	a := p.Agreement
	return json.Marshal(agreementRequest{
		ID: a.ID, Partner: p.ID, Template: a.Template, Schools: a.Schools, Categories: a.Categories,
		TermFrom: a.TermFrom.String(), TermTo: a.TermTo.String(), Administrator: a.Administrator,
	})
}

// Body returns the body that enters the form under an agreement, in JSON. A
// withdrawal is another request, later.
func (c Consent) Body(agreement string) ([]byte, error) {
	signer := signerRequest{GuardianID: c.Signer}
	if c.Capacity == eligibleStudent {
		signer = signerRequest{Self: true}
	}
	return json.Marshal(consentRequest{
		Agreement: agreement, Student: studentRequest{c.StudentID}, Signer: signer, Answer: c.Answer, Categories: c.Categories,
		RecordsFrom: c.RecordsFrom.String(), RecordsTo: c.RecordsTo.String(), Expires: c.Expires.String(),
		SignedAt: c.SignedAt().Format(time.RFC3339), Method: c.Method,
		Text:     textRequest{c.TextVersion, c.Language, c.TextSHA256},
		Evidence: evidenceRequest{"paper_form", c.Evidence},
	})
}

func (p *Partner) writePartner(w io.Writer) error { return writeLine(w, p.PartnerBody) }

func (p *Partner) writeAgreement(w io.Writer) error { return writeLine(w, p.AgreementBody) }

func (p *Partner) writeConsents(w io.Writer) error {
	for _, c := range p.Consents {
		if err := writeLine(w, func() ([]byte, error) { return c.Body(p.Agreement.ID) }); err != nil {
			return err
		}
	}
	return nil
}

func writeLine(w io.Writer, body func() ([]byte, error)) error {
	b, err := body()
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
