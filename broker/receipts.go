package broker

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/consent"
)

// receiptFile says which answer the number of a receipt stands for.
type receiptFile struct {
	Grant string `json:"grant"`
	Ask   string `json:"ask,omitzero"`
}

var receiptFiles = filed[receiptFile]{colReceipts}

// The number that a family reads out: eight characters, none of which looks like
// another.
const (
	receiptLetters = "23456789ACDEFHJKMNPQRTUVWXYZ"
	receiptLength  = 8
)

// receiptNumber is the n-th number that an answer may have. The first that is free is
// its own.
func (b *Broker) receiptNumber(grant string, n uint32) string {
	sum := b.vault.Index("receipt", grant, string(binary.BigEndian.AppendUint32(nil, n)))
	number := make([]byte, receiptLength)
	for i := range number {
		number[i] = receiptLetters[binary.BigEndian.Uint16(sum[2*i:])%uint16(len(receiptLetters))]
	}
	return string(number)
}

// putReceiptFile gives an answer its number.
func (b *Broker) putReceiptFile(tx store.Tx, sid records.SID, grant, asked string) error {
	for n := uint32(0); ; n++ {
		number := b.receiptNumber(grant, n)
		taken, err := tx.Get(colReceipts, key(number))
		if err != nil {
			return err
		}
		if taken == nil {
			return receiptFiles.put(b, tx, number, sid, receiptFile{grant, asked})
		}
	}
}

// receiptOf is the number of an answer; none where it has no receipt.
func (b *Broker) receiptOf(r store.Reader, grant string) (string, error) {
	for n := uint32(0); ; n++ {
		number := b.receiptNumber(grant, n)
		_, f, err := receiptFiles.get(b, r, number)
		if KindOf(err) == NotAvailable {
			return "", nil
		}
		if err != nil || f.Grant == grant {
			return number, err
		}
	}
}

// given is an answer of a family's person, with everything that it is about.
type given struct {
	number  string
	ask     string
	grant   consent.Grant
	profile records.Profile
	org     partnerRecord
}

// findGiven finds the answer of a receipt's number among those of the visitor.
func (b *Broker) findGiven(r store.Reader, c Caller, number string) (g given, err error) {
	sid, f, err := receiptFiles.get(b, r, number)
	if err != nil {
		return g, err
	}
	g.number, g.ask = number, f.Ask
	family, err := b.family(r, c)
	if err != nil {
		return g, err
	}
	if !slices.Contains(family, sid) {
		return g, notAvailable()
	}
	g.grant, err = b.grantOf(r, sid, f.Grant)
	if err != nil {
		return g, err
	}
	who, err := b.persons(r)
	if err != nil {
		return g, err
	}
	if !slices.Contains(who.signers(c), g.grant.Signer) {
		return g, notAvailable()
	}
	if g.profile, err = b.profile(r, sid); err != nil {
		return g, err
	}
	g.org, _, err = partners.get(r, key(g.grant.Party))
	return g, err
}

// grantOf is an answer about a student by its id.
func (b *Broker) grantOf(r store.Reader, sid records.SID, id string) (consent.Grant, error) {
	grants, err := b.grants(r, sid)
	if err != nil {
		return consent.Grant{}, err
	}
	for _, g := range grants {
		if g.ID == id {
			return g, nil
		}
	}
	return consent.Grant{}, notAvailable()
}

// Receipt reads the receipt of an answer (the person who gave it).
func (b *Broker) Receipt(ctx context.Context, v Visitor, number string) (page pages.Receipt, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		m := b.moment()
		g, err := b.findGiven(r, v.Caller, number)
		if err != nil {
			return err
		}
		page = b.receiptPage(g, m)
		if asked, err := b.deletionOf(r, g.grant.ID); err != nil || asked != nil {
			page.DeletionAsked = civil.Of(orMoment(asked), b.zone)
			return err
		}
		return nil
	})
	return page, storeError(err)
}

func (b *Broker) receiptPage(g given, m moment) pages.Receipt {
	page := pages.Receipt{
		Terms: pages.Terms{
			District: b.settings.Name, Partner: g.org.Partner.Name, Child: g.profile.Person.Given, Self: g.grant.Signer == signerSelf,
			Purpose: g.grant.Purpose, Categories: g.grant.Categories, RecordsFrom: g.grant.RecordsFrom, RecordsTo: g.grant.RecordsTo, Until: g.grant.Expires,
		},
		Number: g.number, Answer: g.grant.Answer, Answered: civil.Of(g.grant.SignedAt, b.zone),
	}
	for _, h := range g.grant.Held {
		if h.Override == "" {
			page.Held = append(page.Held, pages.Held{Family: h.Family, From: h.From, To: h.To})
		}
	}
	switch {
	case g.grant.Answer != consent.Yes:
	case g.grant.Withdrawn != nil:
		page.Stopped = b.day(*g.grant.Withdrawn)
	case g.grant.Invalidated != nil:
		page.Stopped = b.day(*g.grant.Invalidated)
	case g.grant.Expires < m.today:
		page.Ended = g.grant.Expires
	default:
		page.StopPath = "/choices/" + g.grant.ID + "/stop"
	}
	return page
}

// SendReceipt sends a receipt to the contact on file of the person who reads it.
func (b *Broker) SendReceipt(ctx context.Context, v Visitor, number string) error {
	_, err := b.store.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		g, err := b.findGiven(tx, v.Caller, number)
		if err != nil {
			return err
		}
		return b.mailAbout(tx, b.moment(), v.Caller, g, MessageReceipt)
	})
	return storeError(err)
}

// mailAbout writes the message that carries a receipt, or reminds of it, and of a yes
// the link that stops it: whoever has that link can end the sharing and see nothing.
func (b *Broker) mailAbout(tx store.Tx, m moment, c Caller, g given, kind MessageKind) error {
	to, ok, err := b.self(tx, c, g.profile)
	if err != nil || !ok {
		return err
	}
	values := map[string]string{"partner": g.org.Partner.Name, "partners": g.org.Partner.Name, "number": g.number}
	if g.grant.Answer == consent.Yes {
		secret := newSecret()
		l := link{
			Kind: linkStop, Person: c.Subject, Children: []records.SID{g.profile.SID}, Grant: g.grant.ID,
			Language: to.language, Made: m.now, Ends: m.now.AddDate(stopLinkYears, 0, 0),
		}
		if err := b.putLink(tx, secret, l); err != nil {
			return err
		}
		values["link"] = stopPath + secret
	} else {
		kind = MessageSaved
	}
	_, err = b.enqueue(tx, m, message{
		Kind: kind, Person: c.Subject, Language: to.language, Email: to.email, Phone: to.phone, Values: values,
	})
	return err
}

// stopPath is where a receipt's link leads, below the service's own address.
const stopPath = "/s/"

// answered closes the open questions that an answer is an answer to, gives it a
// receipt and, where the family itself signed on a page, sends that.
func (b *Broker) answered(tx store.Tx, m moment, g consent.Grant, p records.Profile) error {
	list, err := b.asksOf(tx, p.SID)
	if err != nil {
		return err
	}
	who, err := b.persons(tx)
	if err != nil {
		return err
	}
	mine := []string{g.Signer}
	if id, ok := guardianOf(g.Signer); ok {
		mine = who.signers(Caller{Subject: id})
	}
	of := ""
	for _, a := range list {
		rec, _, err := agreements.get(tx, key(a.Agreement))
		if err != nil {
			return err
		}
		if a.Grant != "" || !slices.Contains(mine, a.Person) || rec.Agreement.Partner != g.Party || rec.Agreement.Clauses.Purpose != g.Purpose {
			continue
		}
		a.Grant, a.AnsweredAt, of = g.ID, m.now, a.ID
		if err := b.putAsk(tx, p.SID, a); err != nil {
			return err
		}
	}
	if err := b.putReceiptFile(tx, p.SID, g.ID, of); err != nil || g.Method != consent.Web {
		return err
	}
	one, ok := onFileAs(p, g.Signer)
	if !ok {
		return nil
	}
	c := Caller{Subject: one.subject, Role: RoleGuardian}
	number, err := b.receiptOf(tx, g.ID)
	if err != nil {
		return err
	}
	made, err := b.findGiven(tx, c, number)
	if err != nil {
		return err
	}
	return b.mailAbout(tx, m, c, made, MessageReceipt)
}
