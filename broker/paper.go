package broker

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// A printed form is named by its number, or by the first eight letters of it or more.
var numberForm = regexp.MustCompile(`^ask_[a-z2-7]{8,26}$`)

var errSeveralForms = conflict("several forms begin so: give more of the number")

// printed finds the question that a printed form asks.
func (b *Broker) printed(r store.Reader, number string) (sid records.SID, a ask, err error) {
	if !numberForm.MatchString(number) {
		return sid, a, notAvailable()
	}
	var ids []string
	err = r.Scan(colAsks, store.Range{Prefix: []byte(number), Limit: 2}, func(k, _ []byte) (bool, error) {
		ids = append(ids, strings.TrimRight(string(k), "\x00"))
		return true, nil
	})
	switch {
	case err != nil:
		return sid, a, err
	case len(ids) == 0:
		return sid, a, notAvailable()
	case len(ids) > 1:
		return sid, a, errSeveralForms
	}
	return asks.get(b, r, ids[0])
}

// paperView is what a printed form is about, for the officer who holds it signed.
type paperView struct {
	Form        string             `json:"form"`
	Student     StudentRef         `json:"student"`
	Name        string             `json:"student_name"`
	Person      paperPerson        `json:"person"` // whose signature it must be
	Agreement   string             `json:"agreement"`
	Partner     string             `json:"partner_name"`
	Categories  []consent.Category `json:"categories"`
	RecordsFrom civil.Date         `json:"records_from"`
	RecordsTo   civil.Date         `json:"records_to"`
	Expires     civil.Date         `json:"expires"`
	Language    string             `json:"language,omitzero"` // of the person on file
	Answered    bool               `json:"answered"`
}

type paperPerson struct {
	SignerRef
	Name string `json:"name,omitzero"`
}

// Paper tells what a printed form is about (officer). The number may be cut off after
// eight letters.
func (b *Broker) Paper(ctx context.Context, c Caller, number string) (*Answer, error) {
	const operation = "read a printed form"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	known := true // a number that was copied wrongly is no reach for what is not the officer's: it leaves no entry
	answer, err := b.read(ctx, c, operation, func(r store.Reader, _ moment) (any, error) {
		v, err := b.paperView(r, number)
		if KindOf(err) == NotAvailable {
			known, err = false, nil
		}
		return v, err
	})
	if err == nil && !known {
		return nil, notAvailable()
	}
	return answer, err
}

func (b *Broker) paperView(r store.Reader, number string) (v paperView, err error) {
	sid, a, err := b.printed(r, number)
	if err != nil {
		return v, err
	}
	p, err := b.profile(r, sid)
	if err != nil {
		return v, err
	}
	q, err := b.about(r, p, a)
	if err != nil {
		return v, err
	}
	v = paperView{
		Form: a.ID, Student: StudentRef{StudentID: p.Person.StudentID}, Name: fullName(p.Person.Given, p.Person.Family),
		Person: paperPerson{SignerRef: signerRef(a.Person), Name: nameOnFile(p, signerRef(a.Person))}, Agreement: a.Agreement, Partner: q.partner.Partner.Name,
		Categories: a.Categories, RecordsFrom: a.RecordsFrom, RecordsTo: a.RecordsTo, Expires: a.Expires, Answered: a.Grant != "",
	}
	if one, ok := onFileAs(p, a.Person); ok {
		v.Language = one.language
	}
	return v, nil
}

var scanForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// EnterPaper enters the answer of a printed form that came back signed: its number is
// that of the question and may be cut off after eight letters, and the hash of its scan
// is the evidence (officer).
func (b *Broker) EnterPaper(ctx context.Context, c Caller, number string, req PaperRequest) (*Answer, error) {
	const operation = "enter a signed form"
	if err := b.admit(ctx, c, operation, RoleOfficer); err != nil {
		return nil, err
	}
	if !scanForm.MatchString(req.ScanSHA256) {
		return nil, invalidField("scan_sha256", "is not a SHA-256", "give the 64 lower-case hexadecimal digits of the scan's hash")
	}
	var entered ConsentRequest
	var ask string
	err := b.store.View(ctx, func(r store.Reader) error {
		sid, a, err := b.printed(r, number)
		if err != nil {
			return err
		}
		if a.Grant != "" {
			return errAnswered
		}
		p, err := b.profile(r, sid)
		if err != nil {
			return err
		}
		q, err := b.about(r, p, a)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(pages.Languages(), func(l pages.Language) bool { return l.Tag == req.Language }) {
			return invalidField("language", "is not one in which forms are printed", "give the language that stands on the form")
		}
		version, text, err := pages.ConsentText(req.Language, pages.Choice{Terms: b.terms(q)})
		if err != nil {
			return internal(err)
		}
		ask, entered = a.ID, ConsentRequest{
			Agreement: a.Agreement, Student: StudentRef{StudentID: p.Person.StudentID}, Signer: signerRef(a.Person), Answer: req.Answer,
			Categories: a.Categories, RecordsFrom: a.RecordsFrom, RecordsTo: a.RecordsTo, Expires: a.Expires, SignedAt: req.SignedAt, Method: consent.Paper,
			Text:     TextRef{Version: version, Language: req.Language, SHA256: pages.TextHash(text)},
			Evidence: consent.Evidence{Kind: "scan", SHA256: req.ScanSHA256},
		}
		return nil
	})
	if err != nil {
		return nil, b.turnAway(ctx, c, operation, storeError(err))
	}
	return b.createConsent(ctx, c, entered, ask)
}
