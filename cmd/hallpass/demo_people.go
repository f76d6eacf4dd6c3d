package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// request reads a request as the API would, from the body that the made-up
// district gives it.
func request[T any](body []byte, err error) (T, error) {
	var req T
	if err != nil {
		return req, err
	}
	return req, json.Unmarshal(body, &req, json.RejectUnknownMembers(true))
}

// agree lets both sides sign every partner's agreement.
func (d *demo) agree(ctx context.Context, _ string) error {
	for i := range d.district.Partners {
		if err := d.agreeWith(ctx, &d.district.Partners[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) agreeWith(ctx context.Context, p *sample.Partner) error {
	who, err := request[broker.PartnerRequest](p.PartnerBody())
	if err != nil {
		return err
	}
	if _, err := body(d.broker.CreatePartner(ctx, officer, who)); err != nil {
		return err
	}
	what, err := request[broker.AgreementRequest](p.AgreementBody())
	if err != nil {
		return err
	}
	if _, err := body(d.broker.CreateAgreement(ctx, officer, what)); err != nil {
		return err
	}
	text, err := data[struct {
		SHA256 string `json:"sha256"`
	}](d.broker.AgreementText(ctx, officer, p.Agreement.ID))
	if err != nil {
		return err
	}
	sign := func(c broker.Caller, party, title string) error {
		_, err := body(d.broker.Sign(ctx, c, p.Agreement.ID, broker.SignatureRequest{Party: party, Name: c.Subject, Title: title, TextSHA256: text.SHA256}))
		return err
	}
	if err := sign(officer, "district", "Privacy officer"); err != nil {
		return err
	}
	return sign(partnerCaller(p.ID), "partner", "Director")
}

// data is the member data of a broker's answer.
func data[T any](answer *broker.Answer, err error) (T, error) {
	var doc struct {
		Data T `json:"data"`
	}
	raw, err := body(answer, err)
	if err != nil {
		return doc.Data, err
	}
	return doc.Data, json.Unmarshal(raw, &doc)
}

// manyAtOnce is how many answers are entered at a time: each is durable
// before the next, and a group shares one write to the disk.
const manyAtOnce = 32

// askFamilies enters every family's answer, and remembers the ids of those
// that will be taken back.
func (d *demo) askFamilies(ctx context.Context, _ string) error {
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(manyAtOnce)
	for i := range d.district.Partners {
		p := &d.district.Partners[i]
		for _, form := range p.Consents {
			work.Go(func() error {
				id, err := d.enter(ctx, form, p.Agreement.ID)
				if err == nil && !form.Withdrawn.IsZero() {
					mu.Lock()
					defer mu.Unlock()
					d.ending = append(d.ending, ending{id, form.Signer})
				}
				return err
			})
		}
	}
	return work.Wait()
}

func (d *demo) enter(ctx context.Context, form sample.Consent, agreement string) (id string, err error) {
	req, err := request[broker.ConsentRequest](form.Body(agreement))
	if err != nil {
		return "", err
	}
	made, err := data[struct {
		ID string `json:"id"`
	}](d.broker.CreateConsent(ctx, officer, req))
	return made.ID, err
}

// ending is a consent that its signer will take back.
type ending struct{ id, signer string }

func (d *demo) withdraw(ctx context.Context, _ string) error {
	for _, e := range d.ending {
		guardian := broker.Caller{Subject: e.signer, Role: broker.RoleGuardian}
		if _, err := body(d.broker.WithdrawConsent(ctx, guardian, e.id, broker.WithdrawRequest{})); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) uploadSessions(ctx context.Context, _ string) error {
	for i := range d.district.Partners {
		p := &d.district.Partners[i]
		var file bytes.Buffer
		if err := p.WriteParticipation(&file); err != nil {
			return err
		}
		if _, err := body(d.broker.PutParticipation(ctx, partnerCaller(p.ID), p.Agreement.ID, &file)); err != nil {
			return fmt.Errorf("uploading for %s: %w", p.ID, err)
		}
	}
	return nil
}

func (d *demo) closeYear(ctx context.Context, _ string) error {
	_, err := body(d.broker.ClosePeriod(ctx, steward, d.district.Year.ID))
	return err
}
